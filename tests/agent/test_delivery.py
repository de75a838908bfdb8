from __future__ import annotations

import threading

import pytest

from penstock.agent import delivery
from penstock.agent.delivery import Journaled
from penstock.agent.journal import Journal, Opening
from penstock.backend.transfers import Transfers
from penstock.blobs.cached import CachedBlobs
from penstock.blobs.files import FileBlobs
from penstock.core.errors import BadTransition, LeaseLost, NotFound, Unreachable
from penstock.core.lease import Held
from penstock.core.outputs import Artifact, ConsoleLine, ScalarPoint, Stream
from penstock.core.task import Status, Worker
from penstock.ops.claims import BeginClaimed
from penstock.ops.outputs import AddArtifact, AppendConsole, NewPoints, ReportPlots, ReportScalars
from penstock.ops.tasks import DescribeTask, EndTask, GetTask

TASK = "a" * 32
OUTCOME = EndTask(id=TASK, status=Status.COMPLETED)
OPENING = Opening(held=Held(TASK, 7), writer=Worker(host="h", pid=1), place="")


class Holder:
    """A server that answers once it is there."""

    blobs = None

    def __init__(self):
        self.there = threading.Event()
        self.there.set()
        self.asked = []
        self.keys = []
        self.tried = threading.Semaphore(0)
        self.refusal = {}

    def call_once(self, op, key):
        self.tried.release()
        if not self.there.is_set():
            raise Unreachable("away")
        self.keys.append(key)
        return self.call(op)

    def call(self, op):
        if type(op) in self.refusal:
            raise self.refusal[type(op)]
        self.asked.append(op)
        return f"answer to {type(op).__name__}"

    def texts(self):
        return [line.text for op in self.asked if isinstance(op, AppendConsole) for line in op.lines]


@pytest.fixture
def holder():
    return Holder()


@pytest.fixture
def journal(tmp_path, monkeypatch):
    monkeypatch.setattr(delivery, "PAUSE", 0.005)
    return Journal.create(tmp_path, OPENING)


def line(text="x"):
    return AppendConsole(task=TASK, lines=(ConsoleLine(0.0, Stream.OUT, text),))


def points(title="loss"):
    return ReportScalars(task=TASK, series=(NewPoints(title=title, series="a", points=(ScalarPoint(1, 1.0, 0.0),)),))


def away(holder):
    holder.there.clear()


def test_reports_are_taken_at_once_while_nobody_answers_and_delivered_in_order_later(holder, journal):
    away(holder)
    with Journaled(holder, journal, lambda: None) as backend:
        for number in range(50):
            backend.call(line(str(number)))
        assert holder.tried.acquire(timeout=60)
        assert holder.asked == []
        holder.there.set()
        assert backend.call(OUTCOME) == "answer to EndTask"
    assert holder.texts() == [str(number) for number in range(50)]
    assert len(set(holder.keys)) == 51
    assert not journal.file.exists()


def test_what_is_asked_for_comes_behind_what_was_said_before(holder, journal):
    with Journaled(holder, journal, lambda: None) as backend:
        for number in range(20):
            backend.call(line(str(number)))
        assert backend.call(GetTask(id=TASK)) == "answer to GetTask"
    assert [type(op) for op in holder.asked] == [AppendConsole] * 20 + [GetTask]


def test_an_outcome_that_is_refused_is_refused_to_whoever_said_it(holder, journal):
    holder.refusal[EndTask] = BadTransition("it has ended")
    with Journaled(holder, journal, lambda: None) as backend, pytest.raises(BadTransition, match="it has ended"):
        backend.call(OUTCOME)


def test_a_report_that_is_refused_holds_up_nothing_and_is_told_of_once(holder, journal):
    holder.refusal[ReportScalars] = NotFound("no such thing")
    with Journaled(holder, journal, lambda: None) as backend:
        backend.call(points())
        backend.call(points())
        backend.call(line("behind"))
    assert sorted(holder.texts()) == ["behind", "penstock: a report could not be recorded: no such thing"]


def test_once_the_lease_is_lost_nothing_more_is_taken_and_the_journal_goes(holder, journal):
    lost = threading.Event()
    holder.refusal[AppendConsole] = LeaseLost("it went")
    with Journaled(holder, journal, lost.set) as backend:
        backend.call(line())
        assert lost.wait(60)
        assert backend.is_lost
        for said in (OUTCOME, line()):
            with pytest.raises(LeaseLost):
                backend.call(said)
    assert holder.asked == []
    assert not journal.file.exists()


def test_what_was_printed_is_still_delivered_where_the_lease_was_over_before_the_begin_was_recorded(holder, journal):
    lost = threading.Event()
    holder.refusal |= {BeginClaimed: LeaseLost("somebody stopped it"), DescribeTask: LeaseLost("somebody stopped it")}
    with Journaled(holder, journal, lost.set) as backend:
        backend.note(BeginClaimed(held=OPENING.held, worker=OPENING.writer, seconds=60.0))
        backend.note(DescribeTask(id=TASK, runtime={"a": "b"}))
        backend.call(line("before it heard of it"))
        assert lost.wait(60)
        backend.call(line("last words"))
        with pytest.raises(LeaseLost):
            backend.call(OUTCOME)
    assert holder.texts() == ["before it heard of it", "last words"]
    assert not journal.file.exists()


def test_an_error_leaves_the_journal_to_others(holder, journal):
    away(holder)
    backend = Journaled(holder, journal, lambda: None)
    backend.call(line())
    backend.__exit__(RuntimeError, RuntimeError(), None)
    assert [entry.read() for entry in Journal.open(journal.file).rest()] == [line()]


def test_beyond_the_bound_lines_are_dropped_and_counted_but_what_is_measured_is_kept(holder, journal):
    away(holder)
    with Journaled(holder, journal, lambda: None, most=500) as backend:
        for _ in range(100):
            backend.call(line("y" * 50))
        backend.call(points())
        holder.there.set()
        backend.call(GetTask(id=TASK))
        backend.call(line("last"))
    kept = holder.texts()
    dropped = 100 - kept.count("y" * 50)
    assert 0 < dropped < 100
    assert kept[-2:] == [
        f"penstock: {dropped} lines are not recorded: there was no room while nobody took them",
        "last",
    ]
    assert points() in holder.asked


def artifact(name="x"):
    return Artifact(task=TASK, name=name, format="json", type="int", hash="1" * 64, size=1, url="")


def test_an_artifact_is_answered_as_it_is_recorded_and_refused_to_whoever_added_it(holder, journal):
    with Journaled(holder, journal, lambda: None) as backend:
        assert backend.call(AddArtifact(artifact=artifact())) == "answer to AddArtifact"
        holder.refusal[AddArtifact] = NotFound("no such task")
        with pytest.raises(NotFound, match="no such task"):
            backend.call(AddArtifact(artifact=artifact()))
    assert holder.texts() == []


def test_an_artifact_is_noted_while_nobody_answers_and_recorded_later_in_its_place(holder, journal, monkeypatch):
    monkeypatch.setattr(delivery, "PATIENT", 0.01)
    away(holder)
    with Journaled(holder, journal, lambda: None) as backend:
        backend.call(line("before"))
        given = AddArtifact(artifact=artifact())
        assert backend.call(given) == given.artifact
        assert holder.asked == []
        backend.call(line("behind"))
        holder.there.set()
        backend.call(OUTCOME)
    assert [type(op) for op in holder.asked] == [AppendConsole, AddArtifact, AppendConsole, EndTask]


def test_an_artifact_that_was_noted_and_is_refused_later_is_told_of(holder, journal, monkeypatch):
    monkeypatch.setattr(delivery, "PATIENT", 0.01)
    away(holder)
    holder.refusal[AddArtifact] = NotFound("no such task")
    with Journaled(holder, journal, lambda: None) as backend:
        backend.call(AddArtifact(artifact=artifact()))
        holder.there.set()
    assert holder.texts() == ["penstock: a report could not be recorded: no such task"]


def test_whose_begin_is_refused_has_lost_the_task_and_how_it_ends_there_is_not_taken(holder, journal):
    lost = threading.Event()
    holder.refusal[BeginClaimed] = LeaseLost("it went")
    with Journaled(holder, journal, lost.set) as backend:
        backend.note(BeginClaimed(held=OPENING.held, worker=Worker(host="h", pid=1)))
        assert holder.asked == []
        backend.deliver()
        assert lost.wait(60)
        assert backend.is_lost
        with pytest.raises(LeaseLost):
            backend.call(OUTCOME)
    assert holder.asked == []


class Far(Transfers):
    """A place that takes blobs, in the order of what the holder is asked."""

    def __init__(self, near, asked):
        super().__init__(None, near)
        self._asked = asked

    def keep_blob(self, blob, seconds=None):
        self._asked.append(blob)


def test_a_small_blob_is_sent_before_a_report_that_may_name_it(holder, journal, tmp_path):
    holder.blobs = CachedBlobs(tmp_path, Far(FileBlobs(tmp_path), holder.asked), "http://s/blobs")
    with Journaled(holder, journal, lambda: None) as backend:
        blob = backend.blobs.put_bytes(b"of a plot")
        backend.call(line())
        plots = ReportPlots(task=TASK, plots=())
        backend.call(plots)
    assert holder.asked == [line(), blob, plots]


def test_what_is_said_of_the_task_waits_for_nobody(holder, journal):
    away(holder)
    begun = BeginClaimed(held=OPENING.held, worker=Worker(host="h", pid=1))
    told = DescribeTask(id=TASK, runtime={"environment": "own"})
    with Journaled(holder, journal, lambda: None) as backend:
        backend.note(begun)
        backend.note(told)
        assert holder.asked == []
        holder.there.set()
    assert holder.asked == [begun, told]
