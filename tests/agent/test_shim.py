"""Where a task works that an agent carries out. What a shim does: test_agent.py, and tests/faults for its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from penstock.agent.order import Order, clock
from penstock.agent.shim import begun, surroundings
from penstock.core.assignment import Assignment
from penstock.core.lease import Held
from penstock.core.task import Task, Worker
from penstock.ops.claims import BeginClaimed, Claim
from penstock.run.liveness import here
from penstock.settings import Settings

HELD = Held("a", 1)


def ordered(assignment=None, **facts):
    return Order(
        claim=Claim(task=Task(id="a", name="a", project="P"), held=HELD, queue="default", assignment=assignment),
        token="",
        working="/agent",
        environment={},
        path=("/lib",),
        lease=60.0,
        **facts,
    )


@pytest.fixture
def place_of():
    def place_of(assignment):
        order = ordered(assignment, agent=here(), safe_until=clock())
        found = surroundings(Settings(home=Path("/home"), workers=1), order)
        return found.working, found.path

    return place_of


def test_a_step_works_where_its_run_was_started_and_imports_what_lies_beside_its_script(place_of, tmp_path):
    given = Assignment(working=str(tmp_path), folder="/scripts")
    assert place_of(given) == (str(tmp_path), ("/scripts", "/lib"))


@pytest.mark.parametrize("assignment", [None, Assignment(), Assignment(working="/of/another/machine")])
def test_what_no_run_of_this_machine_assigned_works_where_the_agent_does(place_of, assignment):
    assert place_of(assignment) == ("/agent", ("/lib",))


class Backend:
    """Answers that a task has begun, or notes that it does."""

    def __init__(self):
        self.asked, self.noted = [], []

    def call(self, op):
        self.asked.append(op)
        return "the task, as it is recorded"

    def note(self, op):
        self.noted.append(op)


@pytest.mark.parametrize(("seconds", "lives"), [(60.0, True), (-0.001, True), (60.0, False)])
def test_nobody_waits_for_the_record_of_a_begin_while_no_other_can_have_got_the_task(seconds, lives):
    agent = here() if lives else replace(here(), started="long ago")
    begin = BeginClaimed(held=HELD, worker=Worker(host="h", pid=1))
    given, backend = ordered(safe_until=clock() + seconds, agent=agent), Backend()
    task = begun(backend, given, begin)
    if seconds > 0 and lives:
        assert (task, backend.noted, backend.asked) == (given.claim.task, [begin], [])
    else:
        assert (task, backend.noted, backend.asked) == ("the task, as it is recorded", [], [begin])
