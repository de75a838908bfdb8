"""The palette and the keys: anything is found by some of its letters, whatever has an id by that."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.ui.conftest import PHONE


def opened(page):
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Find anything")
    expect(box).to_be_focused()
    return box


def test_a_run_is_found_by_some_of_its_letters_and_opened_by_keyboard_alone(visit, world):
    page = visit().go("/queues")
    run = world.found("prepare").run
    box = opened(page)
    box.press_sequentially("prepa")
    option = page.get_by_role("group", name="Runs").get_by_role("option").first
    expect(option).to_contain_text(run.task.name)
    expect(page.get_by_role("group", name="Pipelines").get_by_role("option", name="prepare")).to_be_visible()
    while option.get_attribute("aria-selected") != "true":
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/{run.id}")
    expect(page.get_by_role("combobox", name="Find anything")).to_have_count(0)


def test_an_id_leads_to_its_run_and_the_id_of_an_attempt_to_its_step_there(visit, world):
    detail = world.found("train-pipeline")
    step = detail.steps[0]
    page = visit().go("/queues")
    for id, beside in ((detail.run.id, ""), (step.task[:12], f"?step={step.name}")):
        opened(page).fill(id)
        expect(page.get_by_role("group", name="With this id").get_by_role("option")).to_have_count(1)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{world.url}/runs/{detail.run.id}{beside}")
        page.go_back()


def test_what_was_gone_to_is_offered_first(visit, world):
    page = visit().go("/queues")
    opened(page).fill("services")
    expect(page.get_by_role("group", name="Queues").get_by_role("option", name="services")).to_be_visible()
    page.get_by_role("option", name="services").click()
    page.wait_for_url("**/queues?queue=services")
    opened(page)
    first = page.get_by_role("option").first
    expect(first).to_contain_text("services")
    page.keyboard.press("Escape")
    expect(first).to_have_count(0)


def test_an_action_is_found_and_done(visit):
    page = visit().go("/")
    opened(page).fill("dark")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_what_does_not_exist_is_not_found(visit):
    page = visit().go("/")
    opened(page).fill("zzqqxx")
    expect(page.get_by_text("Nothing found")).to_be_visible()


def test_all_keys_are_shown_when_asked_for(visit):
    page = visit().go("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Find anything")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("key", ["Control+k", "?"])
def test_palette_and_keys_can_be_used_by_everybody(visit, key):
    one = visit()
    page = one.go("/")
    page.keyboard.press(key)
    page.get_by_role("dialog").wait_for()
    if key != "?":
        page.get_by_role("combobox").fill("r")
        expect(page.get_by_role("option").first).to_be_visible()
    one.check_accessible()


def test_the_palette_fits_a_telephone(visit):
    page = visit(viewport=PHONE).go("/runs")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("combobox").fill("train")
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
