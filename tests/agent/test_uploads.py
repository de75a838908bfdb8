"""Blobs of a step go to a server with what names them, at once, or by the journal; nothing names what it refuses."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from penstock.agent.journal import Stored
from penstock.agent.uploads import ALONG, PATIENT, SMALL, Along, artifacts_of, checked, send, send_again
from penstock.agent.uploads import noting as noting_with
from penstock.backend.transfers import Transfers
from penstock.blobs.cached import CachedBlobs
from penstock.blobs.files import FileBlobs
from penstock.core.errors import Damaged, DiskFull, Unreachable
from penstock.core.outputs import Artifact
from penstock.core.task import EndReason, Status
from penstock.ops.outputs import AddArtifact
from penstock.ops.tasks import DescribeTask, EndTask

TASK = "a" * 32
GOOD, BAD = (
    Artifact(task=TASK, name=name, format="json", type="int", hash=digit * 64, size=1, url="")
    for name, digit in (("good", "1"), ("bad", "2"))
)
LARGE, LARGER = (digit * (SMALL + 1) for digit in (b"x", b"y"))
REFUSED = {BAD.hash: Damaged("it arrives as another one")}


class Far(Transfers):
    """A place that takes blobs, unless it is to fail."""

    def __init__(self, near):
        super().__init__(None, near)
        self.fails = None
        self.asked = []

    def keep_blob(self, blob, seconds=None):
        self.asked.append((blob.hash, seconds))
        if self.fails is not None:
            raise self.fails


@pytest.fixture
def far(tmp_path):
    return Far(FileBlobs(tmp_path))


@pytest.fixture
def blobs(far, tmp_path):
    return CachedBlobs(tmp_path, far, "http://s/blobs")


def noting(blobs, note, is_away):
    return noting_with(blobs, Along(blobs, pytest.fail), note, is_away)


def artifact(blob):
    return replace(GOOD, name=blob.hash[:8], hash=blob.hash, size=blob.size)


def test_a_small_blob_travels_with_what_names_it_and_is_there_for_the_step_already(blobs, far):
    along = Along(blobs, pytest.fail)
    spooling = noting_with(blobs, along, pytest.fail, lambda: False)
    stored = [spooling.put_bytes(text) for text in (b"a", b"b", b"nobody names it")]
    assert spooling.far.stat_blob(stored[0].hash) == stored[0]
    spooling.far.check_blob(stored[0])
    ending = EndTask(id=TASK, status=Status.COMPLETED, artifacts=tuple(map(artifact, stored[:2])))
    assert along.loaded(ending) == replace(ending, contents=(b"a", b"b"))
    assert along.loaded(ending) == ending, "they travel once"
    assert far.asked == []


def test_small_blobs_that_find_no_room_together_are_owed(blobs):
    owed = []
    along = Along(blobs, owed.append)
    spooling = noting_with(blobs, along, pytest.fail, lambda: False)
    stored = [spooling.put_bytes(number.to_bytes(2, "big") * (SMALL // 2)) for number in range(ALONG // SMALL + 1)]
    loaded = along.loaded(EndTask(id=TASK, status=Status.COMPLETED, artifacts=tuple(map(artifact, stored))))
    assert sum(map(len, loaded.contents)) == ALONG
    assert owed == [Stored(blob=stored[-1])]


def test_small_blobs_are_owed_before_something_else_may_name_them(blobs):
    owed = []
    along = Along(blobs, owed.append)
    stored = noting_with(blobs, along, pytest.fail, lambda: False).put_bytes(b"of a plot")
    along.release()
    along.release()
    assert owed == [Stored(blob=stored)]


def test_a_blob_is_sent_at_once_while_the_server_answers(blobs, far):
    owed = []
    stored = noting(blobs, owed.append, lambda: False).put_bytes(LARGE)
    assert far.asked == [(stored.hash, PATIENT)]
    assert owed == []


def test_a_blob_that_cannot_be_sent_is_owed_and_the_next_one_is_not_even_tried(blobs, far):
    owed = []
    spooling = noting(blobs, owed.append, lambda: bool(owed))
    far.fails = Unreachable("away")
    stored = [spooling.put_bytes(text) for text in (LARGE, LARGER)]
    assert owed == [Stored(blob=one) for one in stored]
    assert [hash for hash, _ in far.asked] == [stored[0].hash]
    assert [spooling.read(one) for one in stored] == [LARGE, LARGER]
    assert spooling.url("1" * 64) == blobs.url("1" * 64)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_is_owed_is_on_the_disk_before_it_is_noted_and_what_was_sent_need_not_be(blobs, far, monkeypatch):
    synced = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    noting(blobs, pytest.fail, lambda: False).put_bytes(LARGER)
    assert synced == []
    before = []
    far.fails = Unreachable("away")
    stored = noting(blobs, lambda _owed: before.extend(synced), lambda: False).put_bytes(LARGE)
    assert before[:2] == [str(blobs.path(stored.hash)), str(blobs.path(stored.hash).parent)]


def test_what_the_server_refuses_is_refused_to_the_step(blobs, far):
    owed = []
    far.fails = Damaged("it arrives as another one")
    with pytest.raises(Damaged):
        noting(blobs, owed.append, lambda: False).put_bytes(LARGE)
    assert owed == []


def test_blobs_that_are_kept_on_this_machine_are_left_as_they_are(tmp_path):
    own = FileBlobs(tmp_path)
    assert noting(own, pytest.fail, lambda: True) is own
    assert send(own, own.put_bytes(b"x"), {}) is None


def test_what_is_refused_for_good_is_remembered_and_what_cannot_be_done_now_is_not(blobs, far):
    refused = {}
    stored = FileBlobs(blobs.root).put_bytes(b"x")
    far.fails = Damaged("no")
    assert send(blobs, stored, refused) is far.fails
    assert refused == {stored.hash: far.fails}
    for far.fails in (Unreachable("away"), DiskFull("no room")):
        with pytest.raises(type(far.fails)):
            send(blobs, stored, {})


def test_what_lies_here_is_sent_again_before_it_is_named_and_nothing_else(blobs, far):
    stored = FileBlobs(blobs.root).put_bytes(b"x")
    here = replace(GOOD, hash=stored.hash, size=1)
    send_again(blobs, EndTask(id=TASK, status=Status.COMPLETED, artifacts=(here, BAD)), {})
    assert far.asked == [(stored.hash, None)]


def test_a_task_that_made_what_cannot_be_stored_has_failed_and_keeps_the_rest():
    ending = EndTask(id=TASK, status=Status.COMPLETED, artifacts=(GOOD, BAD))
    assert checked(ending, {}) == ending
    assert checked(replace(ending, artifacts=(GOOD,)), REFUSED) == replace(ending, artifacts=(GOOD,))
    found = checked(ending, REFUSED)
    assert (found.status, found.reason, found.artifacts) == (Status.FAILED, EndReason.OUTPUT, (GOOD,))
    assert found.message == "artifact 'bad' cannot be stored: it arrives as another one"
    failed = replace(ending, status=Status.FAILED, reason=EndReason.EXCEPTION, message="boom")
    assert checked(failed, REFUSED) == replace(failed, artifacts=(GOOD,))


def test_whatever_else_names_what_cannot_be_stored_is_refused():
    assert artifacts_of(AddArtifact(artifact=GOOD)) == (GOOD,)
    assert checked(AddArtifact(artifact=GOOD), REFUSED) == AddArtifact(artifact=GOOD)
    for op in (AddArtifact(artifact=BAD), DescribeTask(id=TASK, runtime={"weights": BAD.hash})):
        with pytest.raises(Damaged):
            checked(op, REFUSED)
