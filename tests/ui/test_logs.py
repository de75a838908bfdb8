"""Consoles that are longer than what the page loads of them: searched, gone through, saved."""

from __future__ import annotations

from uuid import uuid4

from playwright.sync_api import expect

from penstock.core.outputs import ConsoleLine, Stream
from penstock.core.pipeline import Pipeline, Step
from penstock.core.task import Script, Status, Worker
from penstock.ops.outputs import AppendConsole
from penstock.ops.runs import CreateRun, EndRun, GetRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import EndTask, NewTask


def test_what_is_not_loaded_is_found_too_and_all_of_it_is_saved(visit, world, tmp_path):
    run = _printed(world, chunks=300, each=20)
    page = visit().go(f"/runs/{run}?tab=logs")
    lines = page.locator(".logs-lines")
    expect(lines).to_contain_text("line 5999")
    expect(page.get_by_text("more above")).to_be_visible()
    box = page.get_by_role("searchbox", name="Search in the console")
    box.fill("a NEEDLE")
    expect(page.get_by_text("1 of 3", exact=True)).to_be_visible()
    hit = page.locator(".log-line[data-hit]")
    expect(hit).to_contain_text("line 10 is a needle")
    box.press("Enter")
    expect(hit).to_contain_text("line 3010 is a needle")
    page.get_by_role("button", name="Next match").click()
    page.get_by_role("button", name="Next match").click()
    expect(hit).to_contain_text("line 10 is a needle")
    box.press("Shift+Enter")
    expect(hit).to_contain_text("line 5990 is a needle")
    expect(hit).to_be_in_viewport()
    box.fill("a hayfork")
    expect(page.get_by_text("not found")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the whole log").click()
    saved.value.save_as(tmp_path / "all.log")
    kept = (tmp_path / "all.log").read_text().splitlines()
    assert [len(kept), kept[0], kept[-1]] == [6000, "talk │ line 0", "talk │ line 5999"]


def test_a_search_hears_of_what_is_printed_meanwhile(visit, world):
    run = _printed(world, chunks=2, each=20, ends=False)
    page = visit().go(f"/runs/{run}?step=talk&view=logs")
    page.get_by_role("searchbox", name="Search in the console").fill("is a needle")
    expect(page.get_by_text("1 of 2", exact=True)).to_be_visible()
    task = world.backend.call(GetRun(id=run)).steps[0].task
    world.backend.call(AppendConsole(task=task, lines=(ConsoleLine(1.0, Stream.OUT, "it is a needle, too"),)))
    expect(page.get_by_text("1 of 3", exact=True)).to_be_visible()


def _printed(place, *, chunks, each, ends=True):
    """Record a run with a step that printed; the first, the last but nine and one in the middle are needles."""
    call, id = place.backend.call, uuid4().hex
    step = Step(name="talk", code="c")
    worker = Worker(host="here", pid=1)
    definition = Pipeline(name="talks", project="demo", steps=(step,), code={"c": Script(source="", entry_point="f")})
    call(CreateRun(pipeline="talks", project="demo", task=NewTask(id=id, name="talks", project="demo")))
    call(StartRun(id=id, definition=definition, worker=worker))
    task = NewTask(id=uuid4().hex, name="talk", project="demo", parent=id)
    task = call(LaunchStep(run=id, step="talk", attempt=1, task=task, worker=worker)).id
    needles = {10, chunks * each // 2 + 10, chunks * each - 10}
    for chunk in range(chunks):
        texts = (
            f"line {number} is a \x1b[32mneed\x1b[0mle" if number in needles else f"line {number}"
            for number in range(chunk * each, (chunk + 1) * each)
        )
        call(AppendConsole(task=task, lines=tuple(ConsoleLine(1.0, Stream.OUT, text) for text in texts)))
    if ends:
        call(EndTask(id=task, status=Status.COMPLETED))
        call(EndRun(id=id, status=Status.COMPLETED))
    return id
