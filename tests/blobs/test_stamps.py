"""Telling that a file is untouched."""

from __future__ import annotations

import os

import pytest

from penstock.blobs.stamps import stamp


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "blob"
    path.write_bytes(b"x" * 100)
    return path


def test_an_untouched_file_keeps_its_stamp(file):
    before = stamp(file)
    file.read_bytes()
    assert stamp(file) == before


def change_one_byte(path):
    with path.open("r+b") as opened:
        opened.seek(50)
        opened.write(b"y")


def change_and_hide(path):
    """Put size and modification time back, as somebody would who wants to hide it."""
    facts = path.stat()
    change_one_byte(path)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def replace(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def remove(path):
    path.unlink()


@pytest.mark.parametrize("touch", [change_one_byte, change_and_hide, replace, remove])
def test_whatever_touches_it_changes_its_stamp(file, touch):
    before = stamp(file)
    while stamp(file.with_name("clock")) is None or stamp(file.with_name("clock"))[2] <= before[2]:
        file.with_name("clock").write_bytes(b"tick")  # the clock of the file system has moved on
    touch(file)
    assert stamp(file) != before
