"""The graph of a run: complete before the first step starts, and every reason as data."""

from __future__ import annotations

import gzip

import msgspec
import pytest

from penstock.core.decision import Decision, DecisionKind
from penstock.core.task import Script, Worker
from penstock.ops.agents import Agent, ReportAgent
from penstock.ops.changes import LastChange
from penstock.ops.executions import ReuseStep
from penstock.ops.graphs import GetGraph, Try, Why
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.queues import ChangeQueue
from penstock.ops.runs import DefineRun
from penstock.ops.tasks import NewTask

STEPS = ("a", ("b", ["a"]), ("c", ["a", "b"]))


def graph(desk, run):
    return desk.backend.call(GetGraph(id=run.id))


def why(desk, run, step):
    return next(one.why for one in graph(desk, run).steps if one.name == step)


@pytest.fixture
def defined(desk):
    """A draft whose steps are known."""
    run = desk.draft(script=Script(source="x" * 100_000))
    desk.backend.call(DefineRun(id=run.id, definition=desk.pipeline(*STEPS)))
    return run


def test_the_graph_is_whole_before_the_run_begins(desk, defined):
    found = graph(desk, defined)
    assert [(one.name, one.parents, str(one.status)) for one in found.steps] == [
        ("a", (), "pending"), ("b", (0,), "pending"), ("c", (0, 1), "pending"),
    ]  # fmt: skip
    assert found.why.text == "is a draft: it was never started"
    assert found.run.task.script == Script(), "what nobody draws is not sent"


def test_a_run_that_nobody_fetches_says_so_with_the_command_that_helps(desk, defined):
    desk.backend.call(EnqueueTask(id=defined.id, queue="services"))
    command = "penstock agent --queue services"
    assert graph(desk, defined).why == Why(
        text=f"waits in queue 'services': no agent serves queue 'services'; start one with: {command}", help=command
    )
    desk.backend.call(ReportAgent(agent=Agent(name="there", process=Worker(host="here", pid=1))))
    assert graph(desk, defined).why == Why(text="waits in queue 'services'")


def test_a_pending_step_says_what_it_waits_for(desk):
    run = desk.run(*STEPS)
    desk.launch(run, "a")
    assert why(desk, run, "b") == Why(text="waits for a, which is running", steps=("a",))
    assert why(desk, run, "c").steps == ("a", "b")


def test_a_step_in_a_queue_says_since_when_and_whether_anybody_comes(timed):
    run = timed.run(*STEPS)
    timed.clock.now = 2_000.0
    timed.enqueue_step(run)
    found = graph(timed, run).steps[0]
    assert (found.queue, found.since, found.agent) == ("default", 2_000.0, None)
    assert found.why.help == "penstock agent --queue default"
    timed.backend.call(ChangeQueue(name="default", paused=True))
    assert "is paused" in why(timed, run, "a").text
    timed.backend.call(ChangeQueue(name="default", paused=False))
    timed.claim(agent="there")
    found = graph(timed, run).steps[0]
    assert (found.queue, found.since, found.agent, str(found.status)) == ("default", None, "there", "running")


def test_a_reused_step_names_the_run_that_it_comes_from(desk):
    before = desk.run("a")
    task = desk.end(desk.launch(before, "a"))
    run = desk.run("a")
    decision = Decision(kind=DecisionKind.REUSE, reason="it is equal", step="a", attempt=1, related=task.id)
    new = NewTask(id="", name="a", project="P")
    reuse = ReuseStep(run=run.id, step="a", attempt=1, task=new, source=task.id, keyed=None, decision=decision)
    desk.backend.call(reuse)
    assert why(desk, run, "a") == Why(text="was reused: it is equal", run=before.id, name="flow #1")


def test_a_skipped_step_names_the_step_in_which_the_cause_lies_and_a_failed_one_its_error(desk):
    run = desk.run(*STEPS)
    desk.fail(desk.launch(run, "a"), "ValueError: no\nmore of it")
    desk.decide(run, "b", "skipped", "parent 'a' failed")
    desk.decide(run, "c", "skipped", "parent 'a' failed")
    assert why(desk, run, "a").text == "failed: ValueError: no"
    assert why(desk, run, "c").text.startswith("was skipped: ")


def test_earlier_tries_come_along_each_with_how_it_ended(desk):
    run = desk.run("a")
    first = desk.fail(desk.launch(run, "a"), "ValueError: no\nmore")
    desk.launch(run, "a", attempt=2)
    (step,) = graph(desk, run).steps
    assert step.attempt == 2
    assert step.tries == (
        Try(attempt=1, task=first.id, status="failed", started=first.started, ended=first.ended,
            message="ValueError: no"),
    )  # fmt: skip


def test_steps_that_run_the_same_code_have_the_same_number(desk, defined):
    assert {one.code for one in graph(desk, defined).steps} == {0}


def test_whoever_follows_the_feed_from_the_graph_on_misses_nothing(desk):
    run = desk.run("a")
    found = graph(desk, run)
    assert found.seq == desk.backend.call(LastChange())
    desk.launch(run, "a")
    assert desk.changes(after=found.seq, run=run)


def test_a_thousand_steps_fit_into_what_a_page_may_load_at_once(desk):
    steps = [
        (f"layered_step_{n}", [f"layered_step_{m}" for m in {n // 2, max(n - 7, 0)} if m < n]) for n in range(1000)
    ]
    run = desk.run(*steps)
    for name, _ in steps[:100]:
        desk.end(desk.launch(run, name))
    document = msgspec.json.encode(graph(desk, run))
    assert len(gzip.compress(document)) < 150_000
