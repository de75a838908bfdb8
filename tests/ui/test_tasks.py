"""Tasks in the page: found by project, cloned, edited, enqueued, carried out, reset."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.place import Place, until
from tests.ui.conftest import PHONE
from tests.ui.records import MODELS, draft

from penstock.core.search import Condition, Fact
from penstock.core.task import Status
from penstock.ops.claims import ListHeld
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.search import SearchTasks
from penstock.ops.tasks import GetConfigurations, GetParameters, GetTask


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("tasks"), server=True)
    place.run(MODELS)
    yield place
    place.close()


def found(place, name):
    where = Condition(column=Fact("name"), test="=", values=(name,))
    return place.backend.call(SearchTasks(where=(where,))).rows[0].task


def test_tasks_are_filtered_by_project_and_by_what_they_were_asked(visit, place):
    draft(place, "elsewhere", project="other/place", parameters={"rate": 0.5})
    page = visit(place=place).go("/tasks")
    expect(page.get_by_role("link", name="train classifiers")).to_be_visible()
    page.get_by_label("Project").select_option("other/place")
    expect(page.get_by_role("link", name="train classifiers")).to_have_count(0)
    expect(page.get_by_role("link", name="elsewhere")).to_be_visible()
    page.get_by_label("Filter tasks").fill("Args/rate>0.9")
    expect(page.get_by_role("heading", name="No task fits the filter")).to_be_visible()
    page.get_by_label("Filter tasks").fill("Args/rate<0.9")
    page.reload()
    expect(page.get_by_role("link", name="elsewhere")).to_be_visible()


def test_no_letter_is_lost_that_is_written_quickly_and_the_box_follows_the_address(visit, place):
    page = visit(place=place).go("/tasks")
    box = page.get_by_label("Filter tasks")
    box.press_sequentially("status:completed tag:none")
    expect(page.get_by_role("heading", name="No task fits the filter")).to_be_visible()
    expect(box).to_have_value("status:completed tag:none")
    page.get_by_role("button", name="Show all").click()
    expect(box).to_have_value("")
    expect(page.get_by_role("link", name="train classifiers")).to_be_visible()


def test_a_task_shows_what_it_recorded(visit, place):
    task = found(place, "train classifiers")
    page = visit(place=place).go(f"/tasks/{task.id}")
    expect(page.get_by_role("row", name="rate")).to_contain_text("0.01")
    page.get_by_role("tab", name="Console").click()
    expect(page.get_by_text("epoch 29")).to_be_visible()
    page.get_by_role("tab", name="Metrics").click()
    expect(page.get_by_role("figure", name="loss")).to_be_visible()
    page.get_by_role("tab", name="Artifacts").click()
    expect(page.get_by_role("button", name="summary")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="summary")).to_be_visible()


def test_a_task_is_cloned_edited_enqueued_carried_out_and_reset(visit, place):
    source = draft(place, "one of many", code="print('asked again')\n", parameters={"rate": 0.5, "name": "a"})
    page = visit(place=place).go(f"/tasks/{source}")
    page.get_by_role("button", name="Clone").click()
    page.get_by_role("textbox", name="Name").fill("the clone")
    page.get_by_role("button", name="Clone task").click()
    expect(page.get_by_role("heading", name="the clone", level=1)).to_be_visible()
    clone = found(place, "the clone").id
    page.get_by_role("button", name="Edit parameters").click()
    page.get_by_label("rate").fill("oops")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.get_by_label("rate").fill("1e-4")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="rate")).to_contain_text("0.0001")
    page.get_by_role("button", name="New configuration").click()
    page.get_by_role("textbox", name="Name").fill("augmentation")
    page.get_by_role("textbox", name="Text").fill("flip: true")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="augmentation")).to_contain_text("flip: true")
    values = {one.name: one.value for one in place.backend.call(GetParameters(task=clone))}
    assert values == {"rate": 0.0001, "name": "a"}
    assert place.backend.call(GetConfigurations(task=clone))[0].text == "flip: true"
    assert {one.name: one.value for one in place.backend.call(GetParameters(task=source))}["rate"] == 0.5

    page.get_by_role("button", name="Enqueue").click()
    page.get_by_label("Queue", exact=True).select_option("default")
    page.get_by_role("button", name="Enqueue", exact=True).last.click()
    expect(page.locator("[data-status=queued]")).to_be_visible()
    agent = place.agent("--queue", "default")
    expect(page.locator("[data-status=completed]")).to_be_visible()
    page.get_by_role("tab", name="Console").click()
    expect(page.get_by_text("asked again")).to_be_visible()
    agent.terminate()
    agent.wait()
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Reset").click()
    page.get_by_role("button", name="Reset task").click()
    until(lambda: place.backend.call(GetTask(id=clone)).status is Status.CREATED)
    expect(page.locator("[data-status=created]")).to_be_visible()


@pytest.mark.parametrize("begun", [False, True])
def test_a_task_is_aborted_where_it_waits_and_where_an_agent_carries_it_out(visit, place, begun):
    id = draft(place, f"endless {begun}", code="import time\nprint('it runs', flush=True)\ntime.sleep(1000)\n")
    place.backend.call(EnqueueTask(id=id, queue="default"))
    agent = place.agent("--queue", "default") if begun else None
    page = visit(place=place).go(f"/tasks/{id}")
    expect(page.locator(f"[data-status={'in_progress' if begun else 'queued'}]").first).to_be_visible()
    page.get_by_role("button", name="Abort", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Abort task").click()
    expect(page.locator("[data-status=stopped]").first).to_be_visible()
    expect(page.get_by_role("button", name="Abort", exact=True)).to_have_count(0)
    assert place.backend.call(GetTask(id=id)).message.startswith("aborted by ")
    until(lambda: place.backend.call(ListHeld()) == [])
    if agent is not None:
        agent.terminate()
        agent.wait()


def test_a_task_is_deleted_by_who_said_so_twice(visit, place):
    task = draft(place, "unwanted")
    page = visit(place=place).go(f"/tasks/{task}")
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name="Delete task").click()
    page.wait_for_url("**/tasks")
    expect(page.get_by_role("link", name="train classifiers")).to_be_visible()
    expect(page.get_by_role("link", name="unwanted")).to_have_count(0)


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE}])
@pytest.mark.parametrize("tab", [None, "summary", "console", "artifacts"])
def test_tasks_can_be_used_by_everybody(visit, place, options, tab):
    looker = visit(place=place, **options)
    page = looker.go(f"/tasks/{found(place, 'train classifiers').id}?tab={tab}" if tab else "/tasks")
    page.locator("[data-status=completed]").first.wait_for()
    looker.check_accessible()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
