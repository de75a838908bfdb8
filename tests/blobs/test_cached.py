"""Blobs that are kept elsewhere: stored there when they are stored here, fetched when they are read."""

from __future__ import annotations

import os
import time

import pytest

from penstock.blobs.cached import KEPT, CachedBlobs
from penstock.blobs.files import FileBlobs
from penstock.core.errors import Damaged, Unreachable

DATA = b"as they are"


class Elsewhere:
    """Another blob store, and a record of what was asked of it."""

    def __init__(self, near, there):
        self.near = near
        self.there = there
        self.asked = []
        self.away = False

    def _ask(self, what):
        self.asked.append(what)
        if self.away:
            raise Unreachable

    def keep_blob(self, blob):
        self._ask("keep")
        self.there.put_file(self.near.path(blob.hash))

    def fetch_blob(self, blob):
        self._ask("fetch")
        self.near.put_file(self.there.verified_path(blob))

    def check_blob(self, blob):
        self._ask("check")
        self.there.check(blob)

    def stat_blob(self, hash):
        self._ask("stat")
        return self.there.stat(hash)


@pytest.fixture
def there(tmp_path):
    return FileBlobs(tmp_path / "there")


@pytest.fixture
def far(tmp_path, there):
    return Elsewhere(FileBlobs(tmp_path / "here"), there)


@pytest.fixture
def blobs(tmp_path, far):
    return CachedBlobs(tmp_path / "here", far, "https://s/blobs")


def damage(path):
    path.chmod(0o600)
    path.write_bytes(b"x" * path.stat().st_size)


def test_what_is_stored_here_is_there_before_anybody_is_told(blobs, there):
    blob = blobs.put_bytes(DATA)
    assert there.read(blob) == DATA
    with blobs.writer() as writer:
        writer.write(b"more")
        assert there.read(writer.commit()) == b"more"


def test_copies_wait_for_no_disk_and_one_that_a_crash_tore_is_fetched_anew(blobs, there, monkeypatch):
    blob = there.put_bytes(b"fetched")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: pytest.fail("a copy was synced"))
        monkeypatch.setattr(blobs.far, "keep_blob", lambda _blob: None)
        blobs.put_bytes(DATA)
        monkeypatch.setattr(blobs.far, "near", FileBlobs(blobs.root, durable=False))
        assert blobs.read(blob) == b"fetched"
    path = blobs.path(blob.hash)
    path.chmod(0o600)
    path.write_bytes(b"")  # what a file system may leave of a file that was not synced
    assert blobs.read(blob) == b"fetched"


def test_what_cannot_be_stored_there_is_not_stored(blobs, far):
    far.away = True
    with pytest.raises(Unreachable):
        blobs.put_bytes(DATA)
    assert list((blobs.root / "staging").iterdir()) == []


def test_what_is_not_here_is_fetched_once(blobs, there, far):
    blob = there.put_bytes(DATA)
    assert blobs.read(blob) == DATA
    assert blobs.verified_path(blob).read_bytes() == DATA
    assert far.asked == ["fetch"]


def test_a_damaged_copy_is_fetched_anew(blobs, there, far):
    blob = blobs.put_bytes(DATA)
    for read in (blobs.read, lambda blob: blobs.verified_path(blob).read_bytes()):
        damage(blobs.path(blob.hash))
        assert read(blob) == DATA
    assert far.asked == ["keep", "fetch", "fetch"]


def test_what_is_damaged_there_is_damaged(blobs, there):
    blob = there.put_bytes(DATA)
    damage(there.path(blob.hash))
    for ask in (blobs.read, blobs.verified_path, blobs.check):
        with pytest.raises(Damaged):
            ask(blob)


def test_who_only_wants_to_know_whether_it_is_whole_fetches_nothing(blobs, there, far):
    blobs.check(there.put_bytes(DATA))
    assert far.asked == ["check"]
    assert not blobs.root.exists()


def test_it_is_there_when_it_is_here_or_there(blobs, there):
    mine, theirs = blobs.put_bytes(DATA), there.put_bytes(b"other")
    assert (blobs.stat(mine.hash), blobs.stat(theirs.hash)) == (mine, theirs)
    assert blobs.stat("0" * 64) is None


def test_the_address_is_the_same_for_everybody(blobs):
    assert blobs.url("0" * 64) == f"https://s/blobs/{'0' * 64}"


def test_copies_go_that_nobody_wanted_for_long_and_come_again(blobs, far):
    old, young = blobs.put_bytes(b"old"), blobs.put_bytes(b"young")
    now = time.time()
    os.utime(blobs.path(old.hash), (now - KEPT - 1, now - KEPT - 1))
    assert blobs.sweep(3600.0, now) == 1
    assert not blobs.path(old.hash).exists()
    assert blobs.path(young.hash).exists()
    assert blobs.read(old) == b"old"
