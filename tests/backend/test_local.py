"""The embedded backend: the service and the blobs of one home, opened where they are and made where they are not."""

from __future__ import annotations

import os
import stat
import time
from hashlib import sha256
from pathlib import Path

import pytest

from penstock.backend import connect
from penstock.core.decision import DecisionKind
from penstock.core.errors import DiskFull, Invalid, NotFound, StoreError, StoreTooNew
from penstock.core.outputs import Artifact, ConsoleLine, Stream
from penstock.core.pipeline import Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.task import Script, Status, Worker
from penstock.ops.claims import ClaimTask
from penstock.ops.lifecycle import DeleteTask, EnqueueTask, ResetTask
from penstock.ops.outputs import AddArtifact, AppendConsole, ReadConsole
from penstock.ops.runs import CreateRun, DeleteRun, EndRun, ListRuns, ResumeRun, StartRun
from penstock.ops.steps import DecideSteps, DraftStep, StepDecision
from penstock.ops.tasks import CreateTask, EndTask, GetTask, NewTask
from penstock.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "some" / "home", workers=1)


@pytest.fixture
def backend(settings):
    opened = connect(settings)
    yield opened
    opened.close()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def finished_run(backend, id, *blobs):
    """A run that has ended and holds these bytes."""
    backend.call(CreateRun(pipeline="p", project="P", task=NewTask(id=id, name="p", project="")))
    backend.call(StartRun(id=id, definition=Pipeline(name="p", project="P"), worker=Worker(host="h", pid=1)))
    for number, data in enumerate(blobs):
        blob = backend.blobs.put_bytes(data)
        facts = {"format": "json", "type": "int", "url": backend.blobs.url(blob.hash)}
        artifact = Artifact(task=id, name=str(number), hash=blob.hash, size=blob.size, **facts)
        backend.call(AddArtifact(artifact=artifact))
    backend.call(EndRun(id=id, status=Status.COMPLETED))


def test_a_home_is_made_for_its_owner_alone(settings, backend):
    """The state directory is 0700, its files 0600, whatever the umask is."""
    backend.blobs.put_bytes(b"x")
    backend.call(CreateTask(task=NewTask(id="1" * 32, name="t", project="P")))
    for path in [settings.home, *settings.home.rglob("*")]:
        assert mode(path) & 0o077 == 0, path
    assert mode(settings.home) == 0o700


def test_a_generous_umask_changes_nothing(settings):
    before = os.umask(0)
    try:
        backend = connect(settings)
        backend.blobs.put_bytes(b"x")
        backend.close()
    finally:
        os.umask(before)
    assert not [path for path in [settings.home, *settings.home.rglob("*")] if mode(path) & 0o077]


def test_what_was_recorded_is_there_when_the_home_is_opened_again(settings):
    first = connect(settings)
    task = first.call(CreateTask(task=NewTask(id="1" * 32, name="t", project="P")))
    blob = first.blobs.put_bytes(b"x")
    first.close()
    second = connect(settings)
    assert second.call(GetTask(id=task.id)) == task
    assert second.blobs.read(blob) == b"x"
    second.close()


def test_homes_know_nothing_of_each_other(settings, backend, tmp_path):
    other = connect(Settings(home=tmp_path / "other", workers=1))
    backend.call(CreateTask(task=NewTask(id="1" * 32, name="t", project="P")))
    with pytest.raises(NotFound):
        other.call(GetTask(id="1" * 32))
    other.close()


def test_two_backends_on_one_home_see_each_other_s_work(settings, backend):
    other = connect(settings)
    task = other.call(CreateTask(task=NewTask(id="1" * 32, name="t", project="P")))
    assert backend.call(GetTask(id="1" * 32)) == task
    other.close()


def test_a_closed_backend_says_so(backend):
    backend.close()
    with pytest.raises(StoreError, match="was closed"):
        backend.call(ListRuns())


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be one" * 100, b"SQLite format 3\0"])
def test_what_is_no_database_is_refused_by_its_name_and_left_alone(settings, content):
    settings.home.mkdir(parents=True)
    settings.database.write_bytes(content)
    with pytest.raises(StoreError, match=r"penstock\.db"):
        connect(settings)
    assert settings.database.read_bytes() == content


def test_a_database_of_a_newer_version_is_refused_with_what_to_do(settings, backend):
    import sqlite3

    connection = sqlite3.connect(settings.database)
    connection.execute("INSERT INTO schema_migrations VALUES (999, '0999_later', 'x', 0)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreTooNew, match=r"penstock\.db has migration 999") as caught:
        connect(settings)
    assert "pip install --upgrade" in caught.value.hint


def test_what_comes_twice_with_one_key_is_carried_out_once_and_forgotten_in_time(backend):
    task = backend.call(CreateTask(task=NewTask(id="1" * 32, name="t", project="P")))
    backend.call(EnqueueTask(id=task.id, queue="default"))
    held = backend.call(ClaimTask(agent="a", queues=(), request="r")).held
    words = AppendConsole(task=task.id, lines=(ConsoleLine(1.0, Stream.OUT, "once"),))
    for _ in range(3):
        backend.holding(held).call_once(words, "key")
    backend.holding(held).call_once(words, "another key")
    assert len(backend.call(ReadConsole(task=task.id))) == 2
    with pytest.raises(Invalid, match="another request"):
        backend.holding(held).call_once(EndTask(id=task.id, status=Status.FAILED), "key")
    assert backend.forget_answers(60.0) == 0
    assert backend.forget_answers(-1.0) == 2


def test_a_file_in_the_place_of_the_home_is_refused_by_its_name(settings):
    settings.home.parent.mkdir(parents=True)
    settings.home.write_text("")
    with pytest.raises(StoreError, match=str(settings.home)):
        connect(settings)


def test_the_bytes_of_a_run_go_with_it_unless_another_run_holds_them(backend):
    finished_run(backend, "1" * 32, b"mine", b"ours")
    finished_run(backend, "2" * 32, b"ours")
    gone = backend.call(DeleteRun(id="1" * 32))
    assert len(gone) == 1
    left = {path.read_bytes() for path in backend.blobs.path(gone[0]).parents[2].rglob("*") if path.is_file()}
    assert left == {b"ours"}
    assert len(backend.call(DeleteRun(id="2" * 32))) == 1
    assert backend.call(ListRuns()) == []


def test_bytes_that_are_gone_already_do_not_keep_a_run_from_being_deleted(backend, settings):
    finished_run(backend, "1" * 32, b"mine")
    for path in settings.blobs.rglob("*"):
        if path.is_file():
            path.unlink()
    assert len(backend.call(DeleteRun(id="1" * 32))) == 1


def stored(backend, task, data, name="x"):
    """Store these bytes as an artifact of the task, and return their place."""
    blob = backend.blobs.put_bytes(data)
    facts = {"format": "json", "type": "int", "url": backend.blobs.url(blob.hash)}
    backend.call(AddArtifact(artifact=Artifact(task=task, name=name, hash=blob.hash, size=blob.size, **facts)))
    return backend.blobs.path(blob.hash)


@pytest.fixture
def task(backend):
    return backend.call(CreateTask(task=NewTask(id="1" * 32, name="t", project="P"))).id


def test_the_bytes_of_an_artifact_go_when_another_takes_its_place(backend, task):
    places = [stored(backend, task, str(number).encode()) for number in range(3)]
    assert [place.exists() for place in places] == [False, False, True]


def test_bytes_that_something_else_refers_to_stay(backend, task):
    place = stored(backend, task, b"ours")
    assert stored(backend, task, b"ours") == stored(backend, task, b"ours", "y") == place
    stored(backend, task, b"mine")
    assert place.exists()
    stored(backend, task, b"mine", "y")
    assert not place.exists()


def test_bytes_that_somebody_has_stored_again_stay(backend, task):
    """They may be about to be recorded."""
    place = stored(backend, task, b"1")
    os.utime(place, (time.time() + 10, time.time() + 10))
    stored(backend, task, b"2")
    assert place.exists()


def test_bytes_that_cannot_be_removed_keep_nothing_from_being_recorded(backend, task, monkeypatch):
    place = stored(backend, task, b"1")

    def full(hash, stored_before):
        raise DiskFull("read-only")

    monkeypatch.setattr(backend.blobs, "delete", full)
    assert stored(backend, task, b"2").exists()
    assert place.exists()


def ending(task, data):
    """The end of a task, with an artifact whose bytes come along."""
    facts = {"format": "json", "type": "int", "url": "x", "size": len(data), "hash": sha256(data).hexdigest()}
    artifacts = (Artifact(task=task, name="x", **facts),)
    return EndTask(id=task, status=Status.COMPLETED, artifacts=artifacts, contents=(data,))


@pytest.fixture
def holding(backend, task):
    """The backend of who carries the task out."""
    backend.call(EnqueueTask(id=task, queue="default"))
    return backend.holding(backend.call(ClaimTask(agent="a", queues=(), request="r")).held)


def test_bytes_that_come_along_are_stored_before_what_names_them_and_on_the_disk_before_that_is_answered(
    backend, holding, task, monkeypatch
):
    met = []
    synced = os.fsync

    def sync(descriptor):
        met.append((backend.call(GetTask(id=task)).status, str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        synced(descriptor)

    def tell(*_):
        met.append(("told", place.read_bytes()))

    op = ending(task, b"1")
    place = backend.blobs.path(op.artifacts[0].hash)
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(backend._service._store.waiter, "notify", tell)
    assert holding.call_once(op, "key").status == Status.COMPLETED
    told, *later = met
    assert told == ("told", b"1"), "who waits for the end does not wait for the disk"
    assert (Status.COMPLETED, str(place)) in later
    assert {str(one) for one in place.parents} >= {path for _, path in later} - {str(place)} >= {str(place.parent)}


@pytest.mark.parametrize("torn", [b"", None])
def test_bytes_that_the_disk_did_not_keep_come_again_with_what_was_not_answered(backend, holding, task, torn):
    op = ending(task, b"1")
    place = backend.blobs.path(op.artifacts[0].hash)
    answer = holding.call_once(op, "key")
    place.unlink()
    if torn is not None:
        place.write_bytes(torn)
    assert holding.call_once(op, "key") == answer
    assert place.read_bytes() == b"1"


@pytest.mark.parametrize("gone", ["task", "artifact"])
def test_bytes_of_what_was_deleted_meanwhile_do_not_come_again(backend, holding, task, gone):
    op = ending(task, b"1")
    place = backend.blobs.path(op.artifacts[0].hash)
    answer = holding.call_once(op, "key")
    backend.call(DeleteTask(id=task) if gone == "task" else ResetTask(id=task))
    assert holding.call_once(op, "key") == answer
    assert not place.exists()


@pytest.mark.parametrize("end", ["vetoed", "over", "resumed"])
def test_what_a_callback_stored_with_a_draft_goes_with_it(backend, end):
    id, worker = "2" * 32, Worker(host="h", pid=1)
    definition = Pipeline(name="p", project="P", steps=(Step(name="a", code="c"),), code={"c": Script(source="")})
    backend.call(CreateRun(pipeline="p", project="P", task=NewTask(id=id, name="p", project="")))
    backend.call(StartRun(id=id, definition=definition, worker=worker))
    draft = backend.call(DraftStep(run=id, step="a", attempt=1, task=NewTask(id="", name="a", project="P")))
    place = stored(backend, draft.id, b"1")
    if end == "vetoed":
        veto = StepDecision(step="a", status=StepStatus.SKIPPED, kind=DecisionKind.VETO)
        backend.call(DecideSteps(run=id, decisions=(veto,)))
    elif end == "over":
        backend.call(EndRun(id=id, status=Status.STOPPED))
    else:
        backend.call(ResumeRun(id=id, worker=worker, seen=worker))
    assert not place.exists()
    with pytest.raises(NotFound):
        backend.call(GetTask(id=draft.id))
