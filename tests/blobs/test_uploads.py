"""Blobs that arrive in pieces: whole or not there, whatever is sent, and whoever is cut off."""

from __future__ import annotations

import os
import stat
import time
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.blobs.files import FileBlobs
from penstock.blobs.uploads import Uploads
from penstock.core.errors import Conflict, Damaged, DiskFull, Invalid
from penstock.core.outputs import Blob

DATA = b"0123456789"


def blob_of(data):
    return Blob(sha256(data).hexdigest(), len(data))


@pytest.fixture
def blobs(tmp_path):
    return FileBlobs(tmp_path / "blobs")


@pytest.fixture
def uploads(blobs):
    return Uploads(blobs, blobs.root, largest=1000)


class Disk:
    """A disk with room for so many bytes."""

    def __init__(self, free):
        self.free = free

    def __call__(self, root):
        return self.free


@pytest.mark.parametrize(("free", "fits"), [(110, True), (109, False), (0, False)])
def test_no_blob_is_taken_that_would_come_out_of_the_reserve(blobs, free, fits):
    uploads, blob = Uploads(blobs, blobs.root, reserve=100, free=Disk(free)), blob_of(DATA)
    assert uploads.takes_more == (free > 100)
    if fits:
        send(uploads, blob, 0, DATA, commit=True)
        assert uploads.has(blob)
        return
    for refused in (lambda: send(uploads, blob, 0, DATA), lambda: uploads.check_room(blob.size)):
        with pytest.raises(DiskFull, match=f"no room for 10 bytes more: {free} are left on its disk") as caught:
            refused()
        assert "penstock rm" in caught.value.hint
    assert uploads.arrived(blob) == 0


def test_what_others_send_meanwhile_counts_and_what_has_arrived_is_kept(blobs):
    disk, blob = Disk(1000), blob_of(DATA)
    uploads = Uploads(blobs, blobs.root, reserve=100, free=disk)
    with uploads.go_on(blob, 0) as upload:
        upload.write(DATA[:4])
        disk.free = 100
        with pytest.raises(DiskFull):
            upload.write(DATA[4:])
    disk.free = 1000
    assert uploads.arrived(blob) == 4
    send(uploads, blob, 4, DATA[4:], commit=True)
    assert uploads.has(blob)


def test_the_disk_is_looked_at_before_there_is_a_folder(tmp_path):
    blobs = FileBlobs(tmp_path / "not" / "there" / "blobs")
    assert 0 < Uploads(blobs, blobs.root).free <= os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize


def send(uploads, blob, at, *pieces, commit=False):
    with uploads.go_on(blob, at) as upload:
        for piece in pieces:
            upload.write(piece)
        if commit:
            upload.commit()


def staged(blobs):
    return list((blobs.root / "staging").glob("*")) if blobs.root.exists() else []


def test_a_blob_that_arrived_in_pieces_is_a_blob_like_any_other(blobs, uploads):
    blob = blob_of(DATA)
    assert not uploads.has(blob)
    send(uploads, blob, 0, DATA[:3])
    assert blobs.stat(blob.hash) is None
    assert uploads.arrived(blob) == 3
    send(uploads, blob, 3, DATA[3:7], DATA[7:], commit=True)
    assert blobs.read(blob) == DATA
    assert uploads.has(blob)
    assert stat.S_IMODE(blobs.path(blob.hash).stat().st_mode) == 0o400
    assert staged(blobs) == []


@given(cuts=st.lists(st.integers(0, 10), max_size=6))
def test_it_can_be_cut_anywhere_and_begun_again_from_anywhere_before(tmp_path_factory, cuts):
    blobs = FileBlobs(tmp_path_factory.mktemp("some"))
    uploads, blob = Uploads(blobs, blobs.root), blob_of(DATA)
    for cut in cuts:
        arrived = uploads.arrived(blob)
        at = min(cut, arrived)
        send(uploads, blob, at, DATA[at:cut] if cut > at else b"")
    at = uploads.arrived(blob)
    send(uploads, blob, at, DATA[at:], commit=True)
    assert blobs.read(blob) == DATA


def test_what_is_not_what_was_announced_is_thrown_away(blobs, uploads):
    blob = blob_of(DATA)
    for wrong in (b"9876543210", DATA[:-1], b""):
        with pytest.raises(Damaged, match=blob.hash):
            send(uploads, blob, 0, wrong, commit=True)
        assert uploads.arrived(blob) == 0
        assert blobs.stat(blob.hash) is None
    assert staged(blobs) == []


def test_more_than_was_announced_is_refused(blobs, uploads):
    with pytest.raises(Invalid, match="longer"):
        send(uploads, blob_of(DATA), 0, DATA, b"!")


def test_a_hole_is_refused(uploads):
    send(uploads, blob_of(DATA), 0, DATA[:3])
    with pytest.raises(Conflict, match="3 bytes"):
        send(uploads, blob_of(DATA), 4, DATA[4:])


def test_one_sender_at_a_time(uploads):
    blob = blob_of(DATA)
    with uploads.go_on(blob, 0) as first:
        first.write(DATA[:5])
        with pytest.raises(Conflict, match="just now"):
            uploads.go_on(blob, 0)
    send(uploads, blob, 5, DATA[5:], commit=True)


def test_who_waited_for_the_file_that_has_become_a_blob_does_not_write_to_it(blobs, uploads, monkeypatch):
    """Between opening the staged file and locking it, the other sender may have given it its name."""
    blob = blob_of(DATA)
    real = os.open
    first = uploads.go_on(blob, 0)
    first.write(DATA)

    def open_late(path, flags, mode=0o777):
        file = real(path, flags, mode)
        if flags & os.O_CREAT and blobs.stat(blob.hash) is None:
            first.commit()
            first.close()
        return file

    monkeypatch.setattr(os, "open", open_late)
    with uploads.go_on(blob, 0) as second:
        second.write(b"!")
    assert blobs.read(blob) == DATA


def test_a_damaged_blob_is_not_there_and_sending_it_repairs_it(blobs, uploads):
    blob = blobs.put_bytes(DATA)
    path = blobs.path(blob.hash)
    path.chmod(0o600)
    path.write_bytes(b"9876543210")
    assert not uploads.has(blob)
    send(uploads, blob, 0, DATA, commit=True)
    assert blobs.read(blob) == DATA


def test_a_blob_that_is_there_becomes_young(blobs, uploads):
    blob = blobs.put_bytes(DATA)
    os.utime(blobs.path(blob.hash), (1.0, 1.0))
    before = time.time()
    assert uploads.has(blob)
    blobs.delete(blob.hash, stored_before=before - 1)
    assert blobs.stat(blob.hash) == blob


@pytest.mark.parametrize("size", [-1, 1001])
def test_lengths_that_no_blob_has_are_refused(uploads, size):
    for ask in (uploads.has, uploads.arrived, lambda blob: uploads.go_on(blob, 0)):
        with pytest.raises(Invalid):
            ask(Blob("0" * 64, size))


@pytest.mark.parametrize(
    "hash", ["", "..", "../" * 30, "0" * 63, "0" * 64 + "\n", "A" * 64, "/etc/passwd", "0" * 62 + "/."]
)
def test_what_is_no_hash_is_no_path(tmp_path, blobs, uploads, hash):
    for ask in (uploads.has, uploads.arrived, lambda blob: uploads.go_on(blob, 0)):
        with pytest.raises(Invalid, match="not the hash"):
            ask(Blob(hash, 1))
    assert not any(tmp_path.rglob("*"))


def test_what_nobody_went_on_with_is_swept_away(blobs, uploads):
    send(uploads, blob_of(DATA), 0, DATA[:3])
    assert blobs.sweep(3600.0, time.time()) == 0
    assert blobs.sweep(3600.0, time.time() + 7200.0) == 1
    assert staged(blobs) == []


def test_an_empty_blob_arrives_too(blobs, uploads):
    send(uploads, blob_of(b""), 0, commit=True)
    assert blobs.read(blob_of(b"")) == b""
