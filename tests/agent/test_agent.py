"""An agent in this process; what it starts are real processes. Killed and frozen ones: tests/faults/test_agents.py."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest
from tests.place import until

from penstock.agent import agent
from penstock.agent.agent import Agent, Options, default_name
from penstock.agent.keeper import SETTLED
from penstock.core.errors import Conflict, Unreachable
from penstock.core.outputs import Stream
from penstock.core.run import RETURNS
from penstock.core.task import EndReason, Parameter, Script, ScriptKind, Status, Worker
from penstock.ops.agents import Agent as Record
from penstock.ops.agents import DrainAgent, ForgetAgent, ListAgents, ReportAgent
from penstock.ops.claims import ClaimTask, EndLeases, ListHeld
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.outputs import ListArtifacts, ReadConsole
from penstock.ops.queues import CreateQueue
from penstock.ops.tasks import CreateTask, GetTask, NewTask

FUNCTION = Script(source="def work(n):\n    print('n is', n)\n    return n + 1\n", entry_point="work")


@pytest.fixture
def options(tmp_path):
    path = tuple(one for one in sys.path if one)
    return {"name": "agent", "working": str(tmp_path), "path": path, "environment": dict(os.environ)}


@pytest.fixture
def run(place, options):
    """Return what runs an agent until it leaves, and returns what it said."""

    def run(**given):
        said = []
        Agent(place.backend, place.settings, Options(**options | {"idle": 1.0} | given), said.append).run()
        return said

    return run


def queued(place, script=FUNCTION, queue="default", name="work", **fields):
    id = os.urandom(16).hex()
    new = NewTask(id=id, name=name, project="P", script=script, **fields)
    place.backend.call(CreateTask(task=new))
    return place.backend.call(EnqueueTask(id=id, queue=queue))


def ended(place, task):
    return place.backend.call(GetTask(id=task.id))


def lines(place, task):
    return [line for chunk in place.backend.call(ReadConsole(task=task.id)) for line in chunk.lines]


def test_a_function_is_carried_out_with_what_its_record_says_and_what_it_made_is_there(place, run):
    task = queued(
        place,
        parameters=(Parameter(section="kwargs", name="n", value=4, type="int"),),
        runtime={RETURNS: '["x"]'},
    )
    said = run()
    assert ended(place, task).status is Status.COMPLETED, ended(place, task).message
    assert [(line.stream, line.text) for line in lines(place, task)] == [(Stream.OUT, "n is 4")]
    assert [one.preview for one in place.backend.call(ListArtifacts(task=task.id))] == ["5"]
    assert said == [f"default: work ({task.id[:12]})"]
    assert place.backend.call(ListHeld()) == place.backend.call(ListAgents()) == []


def test_a_script_is_carried_out_and_one_that_fails_says_why(place, run):
    text = "import sys\nprint('to err', file=sys.stderr)\nraise ValueError('too bad')\n"
    task = queued(place, Script(source=text, entry_point="script.py", kind=ScriptKind.SCRIPT))
    run()
    found = ended(place, task)
    assert (found.status, found.reason) == (Status.FAILED, EndReason.EXCEPTION)
    assert found.message.startswith("ValueError: too bad")
    assert lines(place, task)[0].text == "to err"


def test_a_function_that_cannot_be_called_as_recorded_fails_and_the_agent_goes_on(place, run):
    broken = Parameter(section="kwargs_artifacts", name="n", value=f"{'f' * 32}.gone", type="str")
    first, second = queued(place, parameters=(broken,)), queued(place, Script(source="", kind=ScriptKind.SCRIPT))
    run()
    assert [(one.status, one.reason) for one in (ended(place, first),)] == [(Status.FAILED, EndReason.LAUNCH)]
    assert ended(place, second).status is Status.FAILED


def test_an_agent_that_is_to_carry_out_one_task_leaves_after_it(place, run):
    tasks = [queued(place, Script(source="1", entry_point="a.py", kind=ScriptKind.SCRIPT)) for _ in range(2)]
    run(once=True)
    assert [ended(place, task).status for task in tasks] == [Status.COMPLETED, Status.QUEUED]


def test_an_agent_looks_at_its_queues_in_their_order_or_in_turn(place, run):
    place.backend.call(CreateQueue(name="gpu"))
    for fair, expected in ((False, ["gpu", "gpu", "default", "default"]), (True, ["gpu", "default", "gpu", "default"])):
        script = Script(source="1", entry_point="a.py", kind=ScriptKind.SCRIPT)
        for _ in range(2):
            queued(place, script, "default")
            queued(place, script, "gpu")
        said = run(queues=("gpu", "default"), fair=fair, workers=1)
        assert [one.partition(":")[0] for one in said] == expected


@pytest.mark.parametrize("seconds", [0.0, 1.5 * SETTLED])
def test_tasks_that_ended_well_leave_their_shim_to_others_also_when_their_lease_was_renewed(place, run, seconds):
    """A shim's processes are forked from a warm one of its own."""
    script = Script(
        source=f"import os, time\ndef f():\n    time.sleep({seconds})\n    print(os.getppid())", entry_point="f"
    )
    tasks = [queued(place, script) for _ in range(6)]
    run()
    assert {ended(place, task).status for task in tasks} == {Status.COMPLETED}
    warm = {line.text for task in tasks for line in lines(place, task)}
    assert len(warm) < len(tasks), "one may still be about to be free when the next task comes"


def test_a_name_that_a_living_agent_has_is_refused(place, run):
    other = Worker(host="elsewhere", pid=1)
    place.backend.call(ReportAgent(agent=Record(name="agent", process=other)))
    with pytest.raises(Conflict, match="an agent 'agent' lives already"):
        run()
    assert [one.process for one in place.agents()] == [other]


def test_an_agent_that_somebody_drains_leaves(place, run):
    leaving = threading.Thread(target=run, kwargs={"idle": None})
    leaving.start()
    until(place.agents)
    place.backend.call(DrainAgent(name="agent"))
    leaving.join(60)
    assert not leaving.is_alive()
    assert place.agents() == []


def test_nothing_is_heard_of_an_agent_that_has_left(place, options, monkeypatch):
    """Its last words would be taken for those of the next one of its name."""
    home = Watched(place.backend)
    call = home.call

    def slow(op):
        if type(op) is DrainAgent:
            time.sleep(0.3)
        return call(op)

    monkeypatch.setattr(home, "call", slow)
    Agent(home, place.settings, Options(**options | {"idle": 0.01}), lambda _: None).run()
    assert home.asked[-2:] == [DrainAgent, ForgetAgent]


class Watched:
    """A home that remembers what it is asked for, and may lose an answer on its way.

    Args:
        loses: The operation whose first answer that is one never arrives.
    """

    def __init__(self, home, loses=None):
        self._home = home
        self._loses = loses
        self.asked = []

    def __getattr__(self, name):
        return getattr(self._home, name)

    def call(self, op):
        answer = self._home.call(op)
        self.asked.append(type(op))
        if type(op) is self._loses and answer is not None:
            self._loses = None
            raise Unreachable("the answer was lost", hint="try again")
        return answer


def test_a_task_that_was_claimed_and_not_heard_of_is_carried_out_by_the_next_try(place, options, monkeypatch):
    monkeypatch.setattr(agent, "PAUSE", 0.01)
    task, other = queued(place), queued(place)
    home = Watched(place.backend, loses=ClaimTask)
    said = []
    Agent(home, place.settings, Options(**options | {"idle": 0.2}), said.append).run()
    assert [one.partition(" ")[0] for one in said] == ["cannot", "default:", "default:"]
    assert task.id[:12] in said[1]
    assert other.id[:12] in said[2]
    assert place.backend.call(ListHeld()) == []


@pytest.mark.parametrize(("place", "ends"), [("home", True), ("server", False)], indirect=["place"])
def test_an_agent_leaves_it_to_its_server_to_end_leases(place, options, monkeypatch, ends):
    monkeypatch.setattr(agent, "LOOK", 0.01)
    claim = ClaimTask(agent="other", queues=(), request="r")
    queued(place)
    assert place.backend.call(claim) is not None  # so that there is something to look at
    home = Watched(place.backend)
    found = Agent(home, place.settings, Options(**options), lambda _: None)
    working = threading.Thread(target=found.run)
    working.start()
    until(lambda: home.asked.count(ListAgents) > 2)  # which is asked after that
    found.stop()
    place.backend.call(DrainAgent(name="agent"))  # it waits for a task, and hears of nothing else
    working.join(60)
    assert not working.is_alive()
    assert (EndLeases in home.asked, ListHeld in home.asked) == (ends, ends)


def test_agents_of_two_processes_have_two_names():
    assert default_name().endswith(f"-{os.getpid()}")
