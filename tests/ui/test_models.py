"""Models in the page: found, read about, published, put away."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.place import Place
from tests.ui.conftest import PHONE
from tests.ui.records import MODELS

from penstock.ops.models import FindModels, GetModel


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("models"), server=True)
    place.run(MODELS)
    yield place
    place.close()


def model(place, name):
    return place.backend.call(FindModels(name=name, archived=True))[0]


def test_models_are_filtered_and_the_filter_stands_in_the_address(visit, place):
    page = visit(place=place).go("/models")
    expect(page.get_by_text("3 models")).to_be_visible()
    page.get_by_label("Filter models").press_sequentially("best iris")
    expect(page.get_by_text("1 of 3 models")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="iris classifier")).to_be_visible()
    expect(page.get_by_role("link", name="embedding")).to_have_count(0)


def test_a_model_tells_where_it_came_from_and_how_it_is_loaded(visit, place):
    found = model(place, "iris classifier")
    page = visit(place=place).go("/models")
    page.get_by_role("link", name="iris classifier").click()
    expect(page.get_by_role("heading", name="iris classifier", level=1)).to_be_visible()
    expect(page.get_by_role("row", name="accuracy")).to_contain_text("0.93")
    expect(page.get_by_role("link", name="train classifiers")).to_be_visible()
    expect(page.get_by_label("Code that loads it")).to_contain_text(f'InputModel(model_id="{found.id}")')
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == b"weights" * 1000


def test_a_model_is_described_published_and_put_away(visit, place):
    found = model(place, "iris baseline")
    page = visit(place=place).go(f"/models/{found.id}")
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Edit").click()
    page.get_by_label("Comment").fill("good enough")
    page.get_by_role("textbox", name="Tags").fill("plain, small")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("good enough")).to_be_visible()
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("button", name="Publish model").click()
    expect(page.locator("[data-status=published]")).to_be_visible()
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Archive").click()
    expect(page.locator(".tag", has_text="archived")).to_be_visible()
    now = place.backend.call(GetModel(id=found.id))
    assert (now.comment, now.tags, now.archived) == ("good enough", ("plain", "small"), True)
    assert now.published


def test_a_model_is_found_by_the_palette_and_by_its_id(visit, place):
    found = model(place, "embedding")
    page = visit(place=place).go("/")
    for typed in ("embed", found.id):
        page.keyboard.press("Control+k")
        page.get_by_role("combobox").fill(typed)
        page.get_by_role("option", name="embedding").first.click()
        page.wait_for_url(f"**/models/{found.id}")
        page.goto(f"{place.url}/")
        page.get_by_role("heading", name="Pipelines", level=1).wait_for()


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE}])
@pytest.mark.parametrize("one", [False, True])
def test_models_can_be_used_by_everybody(visit, place, options, one):
    looker = visit(place=place, **options)
    page = looker.go(f"/models/{model(place, 'embedding').id}" if one else "/models")
    page.get_by_text("PyTorch").first.wait_for()
    looker.check_accessible()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
