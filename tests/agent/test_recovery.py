from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid

import pytest
from msgspec.structs import replace

from penstock.agent.delivery import deliver
from penstock.agent.journal import Journal, Opening, file_of
from penstock.agent.recovery import Recovery, folder_of, place_of
from penstock.core.outputs import ConsoleLine, Stream
from penstock.core.task import EndReason, Script, Status
from penstock.ops.claims import BeginClaimed, ClaimTask, EndLeases, ListHeld
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.outputs import AppendConsole, ReadConsole
from penstock.ops.steering import AbortTask
from penstock.ops.tasks import CreateTask, EndTask, GetTask, NewTask
from penstock.run.liveness import here


@pytest.fixture
def dead():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return replace(here(), pid=process.pid, started="1")


@pytest.fixture
def said():
    return []


@pytest.fixture
def recovery(place, said):
    return Recovery(place.backend, place.settings, said.append)


def claimed(place, seconds):
    """Claim a task; return what is held."""
    new = NewTask(id=os.urandom(16).hex(), name="work", project="P", script=Script(source="1", entry_point="a.py"))
    place.backend.call(EnqueueTask(id=place.backend.call(CreateTask(task=new)).id, queue="default"))
    claim = ClaimTask(agent="a", queues=(), request=uuid.uuid4().hex, seconds=seconds, workers=9)
    return place.backend.call(claim).held


def begun(place, worker, seconds=60.0):
    """Claim a task and begin it; return what is held."""
    held = claimed(place, seconds)
    place.backend.call(BeginClaimed(held=held, worker=worker, seconds=seconds))
    return held


def journal(place, held, worker, *said, where=None):
    opening = Opening(held=held, writer=worker, place=place_of(place.settings) if where is None else where)
    made = Journal.create(folder_of(place.settings), opening)
    for op in said:
        made.add(op)
    made.close(remove=False)
    return made.file


def line(held, text="last words"):
    return AppendConsole(task=held.task, lines=(ConsoleLine(time.time(), Stream.OUT, text),))


def outcome(held):
    return EndTask(id=held.task, status=Status.COMPLETED)


def printed(place, held):
    return [line.text for chunk in place.backend.call(ReadConsole(task=held.task)) for line in chunk.lines]


def test_what_a_dead_shim_had_left_to_say_is_delivered_and_its_task_ends_as_it_said(place, recovery, said, dead):
    held = begun(place, dead)
    file = journal(place, held, dead, line(held), outcome(held))
    recovery.look()
    assert place.backend.call(GetTask(id=held.task)).status is Status.COMPLETED
    assert printed(place, held) == ["last words"]
    assert not file.exists()
    assert said == [f"task {held.task[:12]}: delivered 1 reports that its shim, which died, had left; it is completed"]


def test_without_an_outcome_the_task_is_lost_with_its_shim(place, recovery, dead):
    held = begun(place, dead)
    journal(place, held, dead, line(held))
    recovery.look()
    task = place.backend.call(GetTask(id=held.task))
    assert (task.status, task.reason) == (Status.FAILED, EndReason.AGENT_LOST)
    assert printed(place, held) == ["last words"]
    assert place.backend.call(ListHeld()) == []


def test_what_a_shim_had_delivered_before_it_could_note_that_is_not_said_again(place, recovery, dead):
    held = begun(place, dead)
    left = Journal.open(journal(place, held, dead, line(held, "one"), line(held, "two"), outcome(held)))
    deliver(place.backend.holding(held), held, left.first(), {})
    left.close(remove=False)
    recovery.look()
    assert printed(place, held) == ["one", "two"]
    assert place.backend.call(GetTask(id=held.task)).status is Status.COMPLETED


def test_an_outcome_that_was_delivered_before_that_could_be_noted_is_nothing_that_is_lost(place, recovery, said, dead):
    held = begun(place, dead)
    left = Journal.open(journal(place, held, dead, line(held), outcome(held)))
    for entry in left.rest():
        deliver(place.backend.holding(held), held, entry, {})
    left.close(remove=False)
    recovery.look()
    assert printed(place, held) == ["last words"]
    assert not any("dropped" in one for one in said)


def test_the_journal_of_a_shim_that_lives_or_is_another_machine_s_is_left_alone(place, recovery, said, dead):
    for worker in (here(), replace(dead, host="elsewhere")):
        held = begun(place, worker)
        file = journal(place, held, worker, outcome(held))
        recovery.look()
        assert file.exists()
        assert place.backend.call(GetTask(id=held.task)).status is Status.IN_PROGRESS
    assert said == []


def test_a_journal_that_is_meant_for_another_server_is_left_alone(place, recovery, dead):
    held = begun(place, dead)
    assert journal(place, held, dead, outcome(held), where="elsewhere").exists()
    recovery.look()
    assert file_of(folder_of(place.settings), held).exists()


def test_where_the_lease_is_over_it_is_said_how_much_is_dropped(place, recovery, said, dead):
    held = begun(place, dead, seconds=0.001)
    file = journal(place, held, dead, line(held), line(held), outcome(held))
    time.sleep(0.01)
    place.backend.call(EndLeases())
    recovery.look()
    assert place.backend.call(GetTask(id=held.task)).reason is EndReason.AGENT_LOST
    assert said == [
        f"task {held.task[:12]}: its lease is over; 2 reports and its outcome of its shim, which died, are dropped"
    ]
    assert not file.exists()


def test_what_a_dead_shim_had_printed_is_taken_where_its_task_was_stopped_before_it_was_recorded_that_it_began(
    place, recovery, dead
):
    held = claimed(place, 60.0)
    place.backend.call(AbortTask(id=held.task, by="ada"))
    file = journal(place, held, dead, BeginClaimed(held=held, worker=dead, seconds=60.0), line(held))
    recovery.look()
    assert printed(place, held) == ["last words"]
    assert not file.exists()


def test_what_was_held_without_a_journal_is_let_go_of(place, recovery, dead):
    held = begun(place, dead)
    file = journal(place, held, dead)
    recovery.let_go(held)
    assert [one.held for one in place.backend.call(ListHeld())] == [held], "whoever has the journal sees to it"
    file.unlink()
    recovery.let_go(held)
    assert place.backend.call(ListHeld()) == []


def test_the_place_does_not_say_a_password(place):
    settings = replace(place.settings, database_url="postgresql://me:hunter2@host/db")
    assert place_of(settings) not in {"", place_of(replace(settings, database_url="postgresql://me:other@host/db"))}
    assert "hunter2" not in place_of(settings)
