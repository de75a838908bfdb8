from __future__ import annotations

import os
import stat
import time

import pytest

from penstock.agent import journal as journals
from penstock.agent.journal import Journal, Opening
from penstock.core.errors import StoreError
from penstock.core.lease import Held
from penstock.core.outputs import ConsoleLine, Stream
from penstock.core.task import Status, Worker
from penstock.ops.outputs import AppendConsole
from penstock.ops.tasks import EndTask, GetTask

TASK = "a" * 32
OPENING = Opening(held=Held(TASK, 7), writer=Worker(host="h", pid=1), place="")
OUTCOME = EndTask(id=TASK, status=Status.COMPLETED)


def line(text):
    return AppendConsole(task=TASK, lines=(ConsoleLine(time.time(), Stream.OUT, text),))


@pytest.fixture
def journal(tmp_path):
    return Journal.create(tmp_path / "journals", OPENING)


def left(file):
    """Return what whoever finds the file reads in it."""
    found = Journal.open(file)
    read = [(entry.number, entry.read()) for entry in found.rest()]
    found.close(remove=False)
    return read


def test_what_was_said_is_read_in_order_by_whoever_finds_the_file(journal):
    said = [line("one"), line("two"), OUTCOME]
    assert [journal.add(op) for op in said] == [1, 2, 3]
    assert Journal.open(journal.file).opening == OPENING
    assert left(journal.file) == list(enumerate(said, 1))


def test_only_its_owner_may_enter_the_folder_and_read_the_file(journal):
    assert stat.S_IMODE(journal.file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(journal.file.stat().st_mode) == 0o600


def test_what_was_delivered_is_not_read_again(journal):
    for text in ("one", "two", "three"):
        journal.add(line(text))
    assert journal.first().number == 1
    journal.take_out()
    assert [number for number, _ in left(journal.file)] == [2, 3]
    assert journal.waiting > 0
    for _ in range(2):
        assert journal.first() is not None
        journal.take_out()
    assert (journal.first(), journal.waiting) == (None, 0)


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_last_frame_that_was_cut_off_is_left_out_and_all_before_it_is_read(journal, cut):
    journal.add(line("whole"))
    journal.add(line("a line that did not get to its end"))
    os.truncate(journal.file, journal.file.stat().st_size - cut)
    assert [number for number, _ in left(journal.file)] == [1]


def test_a_frame_that_does_not_fit_its_checksum_is_left_out(journal):
    journal.add(line("whole"))
    journal.add(line("spoilt"))
    content = journal.file.read_bytes()
    journal.file.write_bytes(content.replace(b"spoilt", b"spoiled"[:6]))
    assert [number for number, _ in left(journal.file)] == [1]


def test_what_is_no_journal_is_none(tmp_path):
    for content in (b"", b"something else entirely", b"pnstckj1" + bytes(40)):
        (tmp_path / "file").write_bytes(content)
        assert Journal.open(tmp_path / "file") is None
    assert Journal.open(tmp_path / "nowhere") is None


def test_an_operation_that_a_journal_may_not_hold_is_not_read_from_one(journal):
    journal.add(GetTask(id=TASK))
    assert left(journal.file) == [(1, None)]


def test_a_long_journal_begins_anew_when_all_is_delivered_and_goes_on_counting(journal, monkeypatch):
    monkeypatch.setattr(journals, "_SHORTENED", 1000)
    empty = journal.file.stat().st_size
    journal.add(line("x" * 2000))
    journal.first()
    journal.take_out()
    assert journal.file.stat().st_size == empty
    assert journal.add(line("next")) == 2
    assert [number for number, _ in left(journal.file)] == [2]


def test_what_cannot_be_written_leaves_nothing_behind(journal, monkeypatch):
    journal.add(line("one"))
    size = journal.file.stat().st_size

    def half(descriptor, data, place):
        os.pwrite(descriptor, data[: len(data) // 2], place)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(journals, "_write", half)
        with pytest.raises(StoreError):
            journal.add(line("two"))
    assert journal.file.stat().st_size == size
    assert journal.add(OUTCOME, synced=True) == 2
    assert [number for number, _ in left(journal.file)] == [1, 2]


def test_a_journal_is_in_one_hand_only(journal):
    first, second = Journal.open(journal.file), Journal.open(journal.file)
    assert first.claim()
    assert not second.claim()
    first.close(remove=True)
    assert not second.claim(), "it is gone"
