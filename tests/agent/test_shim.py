"""Where a task works that an agent carries out. What a shim does: test_agent.py, and tests/faults for its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.agent.order import Order
from penstock.agent.shim import surroundings
from penstock.core.assignment import Assignment
from penstock.core.lease import Held
from penstock.core.task import Task
from penstock.ops.claims import Claim
from penstock.settings import Settings


@pytest.fixture
def place_of():
    def place_of(assignment):
        task = Task(id="a", name="a", project="P")
        order = Order(
            claim=Claim(task=task, held=Held("a", 1), queue="default", assignment=assignment),
            token="",
            working="/agent",
            environment={},
            path=("/lib",),
            lease=60.0,
        )
        found = surroundings(Settings(home=Path("/home"), workers=1), order)
        return found.working, found.path

    return place_of


def test_a_step_works_where_its_run_was_started_and_imports_what_lies_beside_its_script(place_of, tmp_path):
    given = Assignment(working=str(tmp_path), folder="/scripts")
    assert place_of(given) == (str(tmp_path), ("/scripts", "/lib"))


@pytest.mark.parametrize("assignment", [None, Assignment(), Assignment(working="/of/another/machine")])
def test_what_no_run_of_this_machine_assigned_works_where_the_agent_does(place_of, assignment):
    assert place_of(assignment) == ("/agent", ("/lib",))
