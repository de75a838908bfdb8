"""Queues and agents in the page: what waits, in which order, who listens, and who leaves."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.place import Place, until
from tests.ui.conftest import PHONE
from tests.ui.records import queued

from penstock.ops.queues import ListEntries, ListQueues


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("queues"), server=True)
    yield place
    place.close()


def order(place, queue):
    return [one.name for one in place.backend.call(ListEntries(queue=queue))]


def found(place, name):
    return next((one for one in place.backend.call(ListQueues()) if one.name == name), None)


def test_a_queue_that_nobody_serves_says_so_with_the_command_that_helps(visit, place):
    queued(place, "lonely one", "a")
    page = visit(place=place).go("/queues")
    row = page.get_by_role("row", name="lonely one")
    expect(row).to_contain_text("No agent listens")
    row.get_by_role("button", name="Copy the command").click()
    assert page.evaluate("navigator.clipboard.readText()") == "penstock agent --queue 'lonely one'"


def test_the_order_is_changed_by_keyboard_and_stays_with_who_moves(visit, place):
    queued(place, "keys", "a", "b", "c")
    page = visit(place=place).go("/queues?queue=keys")
    page.get_by_role("button", name="3: move c").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_role("button", name="2: move c")).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_role("button", name="1: move c")).to_be_focused()
    expect(page.get_by_text("c is at place 1 of 3")).to_be_attached()
    until(lambda: order(place, "keys") == ["c", "a", "b"])


def test_the_order_is_changed_by_dragging(visit, place):
    queued(place, "mouse", "a", "b", "c", "d")
    page = visit(place=place).go("/queues?queue=mouse")
    box = page.get_by_role("button", name="1: move a").bounding_box()
    x, y = box["x"] + 10, box["y"] + 10
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 60, steps=4)
    page.mouse.move(x, y + 2 * 52, steps=4)
    page.mouse.up()
    expect(page.get_by_role("button", name="3: move a")).to_be_visible()
    until(lambda: order(place, "mouse") == ["b", "c", "a", "d"])


def test_what_waits_is_moved_to_another_queue_and_taken_out(visit, place):
    queued(place, "from", "goes", "leaves", "stays")
    queued(place, "into")
    page = visit(place=place).go("/queues?queue=from")
    page.get_by_role("button", name="More of goes").click()
    page.get_by_role("menuitem", name="into").click()
    until(lambda: order(place, "into") == ["goes"])
    page.get_by_role("button", name="More of leaves").click()
    page.get_by_role("menuitem", name="Remove from queue").click()
    until(lambda: order(place, "from") == ["stays"])  # behind a menu or a dialog nothing has a role
    expect(page.get_by_role("listitem").filter(has_text="leaves")).to_have_count(0)


def test_a_priority_lets_a_task_go_before_others(visit, place):
    queued(place, "priorities", "a", "b")
    page = visit(place=place).go("/queues?queue=priorities")
    page.get_by_role("button", name="More of b").click()
    page.get_by_role("menuitem", name="Priority").click()
    page.get_by_role("textbox", name="Priority").fill("5")
    page.keyboard.press("Enter")
    expect(page.get_by_text("priority 5")).to_be_visible()
    assert order(place, "priorities") == ["b", "a"]


def test_what_another_person_puts_into_a_queue_appears_by_itself(visit, place):
    queued(place, "live", "a")
    page = visit(place=place).go("/queues?queue=live")
    queued(place, "live", "came later")
    expect(page.get_by_text("came later")).to_be_visible()
    expect(page.get_by_text("2 waiting")).to_be_visible()


def test_a_queue_is_made_paused_limited_renamed_and_deleted(visit, place):
    page = visit(place=place).go("/queues")
    page.keyboard.press("n")
    page.get_by_label("Name").fill("made here")
    page.get_by_role("button", name="Create queue").click()
    row = page.get_by_role("row", name="made here")
    row.get_by_role("button", name="Pause made here").click()
    expect(row).to_contain_text("nothing is claimed")
    row.get_by_role("button", name="More of made here").click()
    page.get_by_role("menuitem", name="Limit").click()
    page.get_by_label("How many").fill("3")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("of 3")
    assert (found(place, "made here").paused, found(place, "made here").limit) == (True, 3)
    row.get_by_role("button", name="More of made here").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("New name").fill("another name")
    page.keyboard.press("Enter")
    row = page.get_by_role("row", name="another name")
    row.get_by_role("button", name="More of another name").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name="Delete queue").click()
    until(lambda: found(place, "another name") is None)
    expect(row).to_have_count(0)


def test_a_queue_in_which_something_waits_is_deleted_only_by_who_has_read_what_follows(visit, place):
    queued(place, "full", "a")
    page = visit(place=place).go("/queues")
    page.get_by_role("button", name="More of full").click()
    page.get_by_role("menuitem", name="Delete").click()
    button = page.get_by_role("button", name="Delete queue")
    expect(button).to_be_disabled()
    page.get_by_role("checkbox").check()
    button.click()
    until(lambda: found(place, "full") is None)
    expect(page.get_by_role("row", name="full")).to_have_count(0)


def test_a_tag_is_limited_and_let_go(visit, place):
    page = visit(place=place).go("/queues")
    page.get_by_role("button", name="New limit").click()
    page.get_by_role("textbox", name="Tag").fill("heavy")
    page.get_by_label("How many tasks with it").fill("2")
    page.keyboard.press("Enter")
    row = page.get_by_role("row", name="heavy")
    expect(row).to_contain_text("of 2")
    row.get_by_role("button", name="Remove limit of heavy").click()
    expect(row).to_have_count(0)


def test_an_agent_comes_is_drained_with_a_reason_and_leaves(visit, place):
    page = visit(place=place).go("/agents")
    expect(page.get_by_text("penstock agent --queue default")).to_be_visible()
    queued(place, "served", "long work")
    agent = place.agent("--queue", "served", "--name", "worker-7")
    row = page.get_by_role("row", name="worker-7")
    expect(row).to_contain_text("long work")
    expect(row).to_contain_text("Busy, 1 of")
    for used in ("CPU", "Memory", "Disk"):
        expect(row.get_by_role("meter", name=used)).to_have_attribute("value", re.compile(r"\d+"))
    row.get_by_role("button", name="Drain worker-7").click()
    page.get_by_label("Why").fill("new driver")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("new driver")
    row.get_by_role("button", name="Let worker-7 go on").click()
    expect(row).to_contain_text("Busy, 1 of")
    agent.kill()
    agent.wait()
    row.get_by_role("button", name="Forget worker-7").click()
    page.get_by_role("button", name="Forget agent").click()
    expect(page.get_by_role("heading", name="No agent lives")).to_be_visible()


def test_rows_are_walked_through_by_keyboard(visit, place):
    queued(place, "walked", "a")
    page = visit(place=place).go("/")
    page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page.get_by_role("heading", name="Queues", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="walked")).to_be_visible()
    for _ in range(30):
        page.keyboard.press("j")
        if page.evaluate("document.activeElement.textContent") == "walked":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="1: move a")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="1: move a")).to_have_count(0)


@pytest.mark.parametrize("path", ["/queues?queue=shown", "/agents"])
def test_queues_and_agents_can_be_used_by_everybody(visit, place, path):
    if found(place, "shown") is None:
        queued(place, "shown", "a", "b with quite a long name that will never fit into its row, whatever happens")
    one = visit(place=place)
    page = one.go(path)
    expect(page.get_by_text("No agent").first).to_be_visible()
    one.check_accessible()


@pytest.mark.parametrize("path", ["/queues", "/queues?queue=shown", "/agents"])
def test_queues_and_agents_are_not_wider_than_a_telephone(visit, place, path):
    page = visit(place=place, viewport=PHONE).go(path)
    page.get_by_role("heading", level=1).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
