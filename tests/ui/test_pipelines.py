"""The home of the page: how each pipeline goes, what needs attention, and what stands there before the first run."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.place import Place
from tests.ui.conftest import PHONE


def test_each_pipeline_shows_how_it_goes(visit):
    page = visit().go("/")
    row = page.locator("[data-pipeline=train-pipeline]")
    expect(row.locator(".status")).to_have_attribute("data-status", "failed")
    expect(row.get_by_role("img")).to_have_attribute("aria-label", "Last runs: 1 failed, 1 completed")
    expect(row).to_contain_text("50 %")
    expect(row).to_contain_text("demo")


def test_what_failed_lately_is_on_top_with_why(visit, world):
    page = visit().go("/")
    strip = page.get_by_role("region", name="Needs attention")
    expect(strip).to_contain_text("evaluate:")
    expect(strip).to_contain_text("AUC below threshold")
    strip.get_by_role("link", name="train-pipeline #2", exact=True).click()
    page.wait_for_url(f"**/runs/{world.found('train-pipeline #2').run.id}*")


def test_a_bar_leads_to_its_run(visit, world):
    page = visit().go("/")
    bars = page.locator("[data-pipeline=train-pipeline] .run-bar-target")
    expect(bars).to_have_count(2)
    bars.last.click()
    page.wait_for_url(f"**/runs/{world.found('train-pipeline').run.id}*")


def test_a_pipeline_leads_to_its_runs_and_to_a_new_one(visit):
    page = visit().go("/")
    page.get_by_role("link", name="train-pipeline", exact=True).click()
    expect(page.locator("[data-run]")).to_have_count(2)
    page.go_back()
    page.get_by_role("link", name="New run of prepare").click()
    expect(page.get_by_role("heading", name="New run of prepare")).to_be_visible()


def test_a_pipeline_leads_to_the_grid_of_its_steps(visit):
    page = visit().go("/")
    page.get_by_role("link", name="Grid of train-pipeline").click()
    expect(page.get_by_role("row", name="evaluate").locator("[data-status]")).to_have_count(2)


def test_it_is_filtered_by_name_and_the_address_keeps_it(visit):
    page = visit().go("/")
    page.keyboard.press("/")
    page.get_by_role("searchbox", name="Filter pipelines").press_sequentially("prep")
    expect(page.locator("[data-pipeline]")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("searchbox", name="Filter pipelines")).to_have_value("prep")
    expect(page.locator("[data-pipeline]")).to_have_count(1)


def test_the_filter_is_empty_once_all_are_shown_again(visit):
    page = visit().go("/")
    box = page.get_by_role("searchbox", name="Filter pipelines")
    box.press_sequentially("nothing is called so")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("[data-pipeline]").first).to_be_visible()
    expect(box).to_have_value("")


def test_favourites_stand_first_and_are_kept(visit):
    page = visit().go("/")
    expect(page.locator("[data-pipeline]").first).to_have_attribute("data-pipeline", "prepare")
    page.get_by_role("button", name="Make train-pipeline a favourite").click()
    expect(page.locator("[data-pipeline]").first).to_have_attribute("data-pipeline", "train-pipeline")
    page.reload()
    expect(page.locator("[data-pipeline]").first).to_have_attribute("data-pipeline", "train-pipeline")


def test_the_first_run_takes_the_place_of_the_lines_that_make_it(visit, tmp_path):
    place = Place(tmp_path, server=True)
    try:
        one = visit(place=place)
        page = one.go("/")
        expect(page.get_by_text("Waiting for your first run")).to_be_visible()
        one.check_accessible()
        page.get_by_role("figure", name="A first pipeline").get_by_role("button", name="Copy").click()
        lines = page.evaluate("navigator.clipboard.readText()")
        assert len([line for line in lines.splitlines() if line.strip()]) <= 8
        page.evaluate("window.stayed = true")
        place.run(lines)
        expect(page.locator("[data-pipeline=hello] .status")).to_have_attribute("data-status", "completed")
        assert page.evaluate("window.stayed") is True
    finally:
        place.close()


def test_it_fits_a_telephone(visit):
    page = visit(viewport=PHONE).go("/")
    page.locator("[data-pipeline]").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.locator(".table-scroller").evaluate("one => one.scrollWidth <= one.clientWidth + 1")


def test_it_can_be_used_by_everybody(visit):
    one = visit()
    one.go("/").locator("[data-pipeline]").first.wait_for()
    one.check_accessible()
