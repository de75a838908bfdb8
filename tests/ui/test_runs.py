"""The table of runs: filters, columns, order, selection, actions, and what arrives while one looks."""

from __future__ import annotations

import csv
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from tests.place import Place
from tests.ui.conftest import PHONE, RUNS
from tests.ui.test_shell import HELLO

from penstock.core.pipeline import Pipeline
from penstock.core.task import Status, Worker
from penstock.ops.runs import CreateRun, DeleteRun, EndRun, StartRun
from penstock.ops.tasks import NewTask

MOST_ELEMENTS = 1500


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server of this module's own, whose runs may be changed."""
    place = Place(tmp_path_factory.mktemp("runs"), server=True)
    place.run(RUNS)
    yield place
    place.close()


def names(page):
    """The names of the runs that the table shows, in order."""
    page.locator("[data-run]").first.wait_for()
    cells = page.locator("[data-run] [data-column=name]")
    return [one.strip() for one in cells.all_text_contents()]


def shows(page, *expected):
    """Wait until the table shows exactly these runs."""
    for name in expected:
        expect(page.locator("[data-run]").get_by_role("link", name=name, exact=True)).to_have_count(1)
    expect(page.locator("[data-run]")).to_have_count(len(expected))


def test_it_lists_the_newest_first_with_status_version_and_tags(visit, own):
    page = visit(place=own).go("/runs")
    shows(page, "prepare", "train-pipeline", "train-pipeline #2")
    assert names(page)[0].startswith("prepare")
    failed = page.locator("[data-run]", has_text="train-pipeline #2")
    expect(failed.locator(".status")).to_have_attribute("data-status", "failed")
    expect(failed).to_contain_text("1.3")
    expect(failed).to_contain_text("nightly")
    expect(failed.locator(".step-counts")).to_have_attribute("title", "2 completed, 1 failed")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status:failed", ["train-pipeline #2"]),
        ("rate>1e-1 threshold<1", ["prepare", "train-pipeline"]),
        ("tag:nightly prep", ["prepare"]),
        ("started>1h duration<10m  nothing", []),
    ],
)
def test_what_is_written_in_the_box_filters_and_stands_in_the_address(visit, own, text, expected):
    page = visit(place=own).go("/runs")
    box = page.get_by_role("combobox", name="Filter runs")
    box.fill(text)
    if expected:
        shows(page, *expected)
    else:
        expect(page.get_by_role("heading", name="No run is like that")).to_be_visible()
    page.reload()
    expect(box).to_have_value(text)
    if expected:
        shows(page, *expected)


def test_what_cannot_be_read_is_said_while_the_table_stays(visit, own):
    page = visit(place=own).go("/runs")
    names(page)
    page.get_by_role("combobox", name="Filter runs").fill("duration>soon")
    expect(page.get_by_role("alert")).to_contain_text("write a duration as")
    expect(page.get_by_role("combobox", name="Filter runs")).to_have_attribute("aria-invalid", "true")


def test_the_box_offers_what_may_be_written_also_when_no_run_fits_what_is_written_so_far(visit, own):
    page = visit(place=own).go("/runs")
    names(page)
    box = page.get_by_role("combobox", name="Filter runs")
    box.press_sequentially("thres")
    expect(page.locator("[data-run]")).to_have_count(0)
    page.get_by_role("option", name="threshold>").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("1")
    shows(page, "train-pipeline #2")


def test_any_parameter_is_a_column_and_can_be_sorted_by(visit, own):
    page = visit(place=own).go("/runs")
    names(page)
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="Args/rate").check()
    page.keyboard.press("Escape")
    expect(page.locator("[data-run] [data-column='Args/rate']").first).to_have_text("1")
    page.get_by_role("button", name="rate", exact=True).click()
    page.get_by_role("button", name="rate", exact=True).click()
    expect(page.get_by_role("columnheader", name="rate")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("[data-run]").first).to_contain_text("train-pipeline #2")
    assert "sort=Args%2Frate" in page.url
    page.reload()
    expect(page.locator("[data-run]").first).to_contain_text("train-pipeline #2")


def test_a_view_is_saved_and_opened_again(visit, own):
    page = visit(place=own).go("/runs?q=status%3Afailed")
    shows(page, "train-pipeline #2")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("menuitem", name="Save this view…").click()
    page.get_by_role("textbox", name="Name").fill("broken ones")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="broken ones").click()
    page.get_by_role("menuitem", name="All runs").click()
    shows(page, "prepare", "train-pipeline", "train-pipeline #2")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("menuitem", name="broken ones", exact=True).click()
    shows(page, "train-pipeline #2")


def test_it_is_used_by_the_keyboard_alone(visit, own):
    page = visit(place=own).go("/runs")
    page.locator("[data-run]").first.focus()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(page.locator("[data-run][aria-selected=true]")).to_contain_text("train-pipeline #2")
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Filter runs")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator("[data-index='1']").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("train-pipeline #2")


def test_selected_runs_are_tagged_archived_and_brought_back(visit, own):
    page = visit(place=own).go("/runs")
    page.get_by_role("checkbox", name="Select prepare").check()
    page.get_by_role("button", name="Tag").click()
    page.get_by_role("textbox", name="Add tags").fill("best one")
    page.get_by_role("button", name="Save tags").click()
    expect(page.locator("[data-run]", has_text="prepare")).to_contain_text("best")
    assert set(own.found("prepare").run.task.tags) == {"nightly", "best", "one"}
    page.get_by_role("button", name="Archive", exact=True).click()
    dialog = page.get_by_role("dialog", name="Archive 1 run?")
    expect(dialog.get_by_role("listitem")).to_contain_text("prepare")
    dialog.get_by_role("button", name="Archive 1 run").click()
    shows(page, "train-pipeline", "train-pipeline #2")
    page.get_by_role("button", name="Archived").click()
    shows(page, "prepare")
    page.get_by_role("checkbox", name="Select prepare").check()
    page.get_by_role("button", name="Bring back").click()
    page.get_by_role("dialog").get_by_role("button", name="Bring back 1 run").click()
    expect(page.get_by_role("heading", name="No run is like that")).to_be_visible()
    page.get_by_role("button", name="Show all runs").click()
    shows(page, "prepare", "train-pipeline", "train-pipeline #2")


def test_selected_runs_are_compared(visit, own):
    page = visit(place=own).go("/runs")
    for name in ("train-pipeline", "train-pipeline #2"):
        page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("row", name="Args/threshold")).to_be_visible()


def test_what_is_shown_is_saved_for_spreadsheets(visit, own, tmp_path):
    page = visit(place=own).go("/runs")
    page.get_by_role("checkbox", name="Select all that are loaded").check()
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    saved.value.save_as(tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["prepare", "train-pipeline #2", "train-pipeline"]
    assert rows[1]["status"] == "failed"


def test_a_run_that_somebody_starts_comes_in_by_itself_and_can_be_deleted(visit, own):
    page = visit(place=own).go("/runs")
    names(page)
    own.run(HELLO)
    row = page.locator("[data-run]", has_text="hello")
    expect(row.locator(".status")).to_have_attribute("data-status", "completed")
    page.get_by_role("checkbox", name="Select hello").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete 1 run").click()
    expect(row).to_have_count(0)
    expect(page.locator("[data-run]")).to_have_count(3)


def test_a_run_that_goes_on_is_aborted(visit, own):
    page = visit(place=own).go("/runs")
    process = own.start(HELLO.replace('print("Hello", name)', "import time; time.sleep(600)"))
    row = page.locator("[data-run]", has_text="hello")
    expect(row.locator(".status")).to_have_attribute("data-status", "in_progress")
    page.get_by_role("checkbox", name="Select hello").check()
    page.get_by_role("button", name="Abort").click()
    page.get_by_role("dialog").get_by_role("button", name="Abort 1 run").click()
    expect(row.locator(".status")).to_have_attribute("data-status", "stopped")
    process.communicate()


def test_selected_runs_that_failed_are_retried_and_what_that_does_is_said_before(visit, own):
    one = visit(place=own)
    page = one.go("/runs")
    for name in ("train-pipeline", "train-pipeline #2"):
        page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()
    page.get_by_role("button", name="Retry").click()
    dialog = page.get_by_role("dialog", name="Retry 1 run?")
    expect(dialog.get_by_role("listitem")).to_contain_text("1 step runs, 2 steps stay")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    expect(dialog).to_contain_text("1 other is not in a state that allows it.")
    one.check_accessible()
    dialog.get_by_role("button", name="Retry 1 run").click()
    row = page.locator("[data-run]", has_text="train-pipeline #2")
    expect(row.locator(".status")).to_have_attribute("data-status", "queued")
    page.get_by_role("button", name="Abort").click()
    page.get_by_role("dialog").get_by_role("button", name="Abort 1 run").click()
    expect(row.locator(".status")).to_have_attribute("data-status", "stopped")


def test_what_cannot_be_done_with_a_run_is_said_and_left_out(visit, own):
    lost = uuid4().hex
    call = own.backend.call
    call(CreateRun(pipeline="lost", project="demo", task=NewTask(id=lost, name="lost", project="demo")))
    call(StartRun(id=lost, definition=Pipeline(name="lost", project="demo"), worker=Worker(host="h", pid=1)))
    call(EndRun(id=lost, status=Status.FAILED, message="its machine is gone"))
    page = visit(place=own).go("/runs")
    page.get_by_role("checkbox", name="Select lost").check()
    page.get_by_role("button", name="Retry").click()
    dialog = page.get_by_role("dialog", name="Nothing to retry")
    expect(dialog.get_by_role("listitem")).to_contain_text("not possible: run 'lost' cannot go on by an agent")
    expect(dialog.get_by_role("button", name="Retry")).to_be_disabled()
    call(DeleteRun(id=lost))


def test_of_many_runs_only_those_in_view_are_drawn(visit, tmp_path):
    place = Place(tmp_path, server=True)
    try:
        for number in range(250):
            new = NewTask(id=f"{number:032x}", name=f"run {number}", project="")
            place.backend.call(CreateRun(pipeline="many", project="demo", task=new))
        page = visit(place=place).go("/runs")
        expect(page.locator("[data-run]").first).to_contain_text("run 249")
        expect(page.get_by_text("100+ runs")).to_be_visible()
        assert page.evaluate("document.querySelectorAll('*').length") <= MOST_ELEMENTS
        for shown in ("200+ runs", "250 runs"):
            page.locator(".grid").evaluate("grid => grid.scrollTo(0, grid.scrollHeight)")
            expect(page.get_by_text(shown, exact=True)).to_be_visible()
        page.locator(".grid").evaluate("grid => grid.scrollTo(0, grid.scrollHeight)")
        expect(page.locator("[data-run]").last).to_contain_text("run 0")
        assert page.evaluate("document.querySelectorAll('*').length") <= MOST_ELEMENTS
        # what comes while somebody reads further down moves nothing: it waits behind a word
        place.run(HELLO)
        page.get_by_role("button", name="1 new run").click()
        expect(page.locator("[data-run]").first).to_contain_text("hello")
    finally:
        place.close()


def test_it_fits_a_telephone(visit, own):
    page = visit(viewport=PHONE, place=own).go("/runs")
    names(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.locator(".grid").evaluate("grid => grid.scrollWidth <= grid.clientWidth + 1")


def test_it_can_be_used_by_everybody(visit, own):
    one = visit(place=own)
    page = one.go("/runs")
    page.get_by_role("checkbox", name="Select prepare").check()
    one.check_accessible()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("dialog").wait_for()
    one.check_accessible()
