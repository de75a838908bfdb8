"""`penstock launch`: a new run waits in a queue. That agents carry it out shows in tests/e2e/test_launches.py."""

from __future__ import annotations

import pytest

from penstock.cli.invocation import Exit
from penstock.core.overrides import StepOverride, recorded_overrides
from penstock.core.task import Parameter, Script
from penstock.ops.agents import Agent, ReportAgent
from penstock.ops.runs import FindRun, ListRuns
from penstock.ops.tasks import DescribeTask, GetParameters
from penstock.run.liveness import here
from penstock.sdk.local_agent import LocalAgent

RATE = Parameter(section="Args", name="rate", value=0.1, type="float")


@pytest.fixture
def before(recorder, monkeypatch):
    """A run that failed, with its script."""
    monkeypatch.setenv("PENSTOCK_START_AGENT", "off")
    run = recorder.run({"train": ()}, parameters=[RATE])
    recorder.call(DescribeTask(id=run.id, script=Script(source="pass", entry_point="iris.py")))
    recorder.end(recorder.attempt(run, "train"))
    return recorder.finish(run)


def test_what_is_asked_for_waits_in_the_queue_and_the_command_says_so(penstock, recorder, before):
    answer = penstock("launch", "iris", "-p", "rate=1e-4", "--queue", "default", "--tag", "a", "--name", "mine")
    made = recorder.call(FindRun(text="mine"))
    assert answer.code == Exit.OK
    assert f"mine waits in queue 'default'; see it with: penstock show {made.id[:12]}" in answer.err
    assert "no agent serves queue 'default'; start one with: penstock agent --queue default" in answer.err
    assert (made.task.queue, made.task.tags, made.task.user) == ("default", ("a",), "ada")
    assert [one.value for one in recorder.call(GetParameters(task=made.id))] == [1e-4]


def test_single_steps_get_another_queue_and_are_reused_or_not(penstock, recorder, before):
    assert penstock("launch", "iris", "--step-queue", "train=default", "--step-cache", "train=off").code == Exit.OK
    made = recorder.call(ListRuns())[0]
    assert recorded_overrides(made.task.runtime) == {"train": StepOverride(queue="default", cache=False)}


@pytest.mark.parametrize(
    "given", [("--step-queue", "train"), ("--step-queue", "=gpu"), ("--step-cache", "train=maybe")]
)
def test_what_says_nothing_of_a_step_is_refused(penstock, recorder, before, given):
    answer = penstock("launch", "iris", *given)
    assert answer.code == Exit.USAGE
    assert given[0] in answer.err
    assert len(recorder.call(ListRuns())) == 1


def test_where_an_agent_serves_the_queue_nothing_is_missing(penstock, recorder, before):
    recorder.call(ReportAgent(agent=Agent(name="there", process=here(), queues=("services",))))
    assert "no agent" not in penstock("launch", "iris").err


def test_nothing_is_missing_where_an_agent_starts_by_itself(penstock, before, monkeypatch):
    """It is on its way while the command ends; whoever is told to start one would have two."""
    monkeypatch.setattr(LocalAgent, "start", lambda self: True)
    (line,) = penstock("launch", "iris").err.splitlines()
    assert "waits in queue 'services'; see it with: penstock show" in line


def test_an_agent_that_lives_and_serves_other_queues_is_no_help(penstock, recorder, before, monkeypatch):
    monkeypatch.setenv("PENSTOCK_START_AGENT", "auto")
    recorder.call(ReportAgent(agent=Agent(name="there", process=here(), queues=("default",))))
    answer = penstock("launch", "iris")
    assert "no agent serves queue 'services'; start one with: penstock agent --queue services" in answer.err


def test_the_new_run_is_told_as_data(penstock, before):
    answer = penstock("launch", "iris", "--from", "train", "--json")
    (run,) = answer.document()["runs"]
    assert (run["task"]["status"], run["task"]["parent"]) == ("queued", before.id)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["-p", "rate=fast"], Exit.USAGE, "'rate' must be a number"),
        (["-p", "rate"], Exit.USAGE, "not of the form NAME=VALUE"),
        (["--from", "train", "--only", "train"], Exit.USAGE, "exclude each other"),
        (["--queue", "gpu"], Exit.NOT_FOUND, "no queue 'gpu'"),
    ],
)
def test_what_makes_no_sense_is_refused(penstock, before, arguments, code, said):
    answer = penstock("launch", "iris", *arguments)
    assert answer.code == code
    assert said in answer.err
