"""Folders of a cache, with a content as simple as can be."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Barrier, Thread

import pytest

from penstock.run import slots
from penstock.run.slots import Slot, last_use, lock_of, locked, occupy, remove, remove_unused, share

OLD = 1_000_000.0


class Word:
    """A folder with one file."""

    def __init__(self, key: str = "aa") -> None:
        self.key = key
        self.made = 0

    def make(self, folder: Path) -> None:
        self.made += 1
        folder.mkdir()
        (folder / "word").write_text("x")

    def place(self, folder: Path) -> None:
        assert (folder / "word").exists()

    def is_untouched(self, folder: Path) -> bool:
        return [one.name for one in folder.iterdir()] == ["word"]


def grow_old(parent: Path) -> None:
    for file in parent.glob("*.lock"):
        os.utime(file, (OLD, OLD))


def test_a_folder_that_nobody_changed_is_used_again(tmp_path):
    word = Word()
    with occupy(tmp_path, word) as first:
        assert (first.folder / "word").read_text() == "x"
    with occupy(tmp_path, word) as second:
        assert second.folder == first.folder
    assert word.made == 1


def test_a_folder_that_was_changed_is_not_used_again(tmp_path):
    word = Word()
    with occupy(tmp_path, word) as first:
        (first.folder / "output").touch()
    for _ in range(2):
        with occupy(tmp_path, word) as second:
            assert second.folder != first.folder
    assert word.made == 2
    assert (first.folder / "output").exists()


def test_two_at_once_have_folders_of_their_own(tmp_path):
    word = Word()
    with occupy(tmp_path, word) as first, occupy(tmp_path, word) as second:
        assert first.folder != second.folder


def test_many_at_once_never_meet(tmp_path):
    start, taken = Barrier(8), list[Slot]()

    def take() -> None:
        start.wait()
        taken.append(occupy(tmp_path, Word()))

    threads = [Thread(target=take) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({one.folder for one in taken}) == 8
    for one in taken:
        one.close()
        one.close()


def test_other_contents_have_other_folders(tmp_path):
    with occupy(tmp_path, Word("aa")) as first:
        pass
    with occupy(tmp_path, Word("bb")) as second:
        assert first.folder != second.folder


def test_what_cannot_be_made_leaves_nothing(tmp_path):
    class Half(Word):
        def place(self, folder: Path) -> None:
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - raised above, without words
        occupy(tmp_path, Half())
    assert [one.name for one in tmp_path.iterdir()] == ["aa-0.lock"]
    with occupy(tmp_path, Word()) as slot:
        assert (slot.folder / "word").exists()


def test_a_new_folder_is_given_even_if_it_looks_changed_at_once(tmp_path):
    class Odd(Word):
        def is_untouched(self, folder: Path) -> bool:
            return False

    with occupy(tmp_path, Odd()) as slot:
        assert slot.folder.name == "aa-0"
    with occupy(tmp_path, Odd()) as slot:
        assert slot.folder.name == "aa-1"


def test_a_folder_that_was_not_used_for_long_is_removed(tmp_path):
    occupy(tmp_path, Word()).close()
    assert remove_unused(tmp_path, time.time() - 100) == 0
    grow_old(tmp_path)
    assert remove_unused(tmp_path, time.time() - 100) == 1
    assert list(tmp_path.iterdir()) == []


def test_closing_is_a_use(tmp_path):
    slot = occupy(tmp_path, Word())
    grow_old(tmp_path)
    slot.close()
    assert remove_unused(tmp_path, time.time() - 100) == 0


def test_a_folder_in_use_is_never_removed(tmp_path):
    with occupy(tmp_path, Word()) as slot:
        grow_old(tmp_path)
        assert remove_unused(tmp_path, time.time()) == 0
        assert (slot.folder / "word").exists()


def test_a_folder_is_in_use_for_as_long_as_a_process_that_inherited_it_lives(tmp_path):
    slot = occupy(tmp_path, Word())
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[slot.descriptor], close_fds=True
    )
    slot.close()
    grow_old(tmp_path)
    assert remove_unused(tmp_path, time.time()) == 0
    child.communicate(b"\n")
    assert remove_unused(tmp_path, time.time()) == 1


def test_a_changed_folder_grows_old_though_others_of_its_content_are_used(tmp_path):
    with occupy(tmp_path, Word()) as slot:
        (slot.folder / "output").touch()
    occupy(tmp_path, Word()).close()
    grow_old(tmp_path)
    occupy(tmp_path, Word()).close()
    assert remove_unused(tmp_path, time.time() - 100) == 1
    assert not slot.folder.exists()


def test_what_a_dead_process_left_half_made_is_removed(tmp_path):
    (tmp_path / "aa-0.0123").mkdir()
    assert remove_unused(tmp_path, time.time()) == 0
    assert list(tmp_path.iterdir()) == []


def test_links_are_not_followed_when_a_folder_is_removed(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    with occupy(tmp_path / "cache", Word()) as slot:
        (slot.folder / "link").symlink_to(tmp_path / "kept")
    grow_old(tmp_path / "cache")
    assert remove_unused(tmp_path / "cache", time.time()) == 1
    assert (tmp_path / "kept" / "file").exists()


def test_nothing_to_remove_is_no_error(tmp_path):
    assert remove_unused(tmp_path / "none", time.time()) == 0


def test_a_lock_is_held_by_one(tmp_path):
    lock = tmp_path / "a" / "lock"
    assert last_use(lock) == 0
    with locked(lock) as first, locked(lock, wait=False) as second:
        assert first
        assert not second
    with locked(lock, wait=False) as third:
        assert third
    assert last_use(lock) > OLD


class SharedWord(Word):
    """The same for many."""

    def make(self, folder: Path, descriptor: int | None = None) -> None:
        if descriptor is not None:
            os.fstat(descriptor)
        super().make(folder)


def test_a_shared_folder_is_used_by_many_at_once_and_made_by_one(tmp_path):
    start, word, taken = Barrier(8), SharedWord(), list[Slot]()

    def take() -> None:
        start.wait()
        taken.append(share(tmp_path, word))

    threads = [Thread(target=take) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({one.folder for one in taken}) == 1
    assert word.made == 1
    grow_old(tmp_path)
    for one in taken[1:]:
        one.close()
        grow_old(tmp_path)
        assert not remove(one.folder, time.time()), "one is left that uses it"
    taken[0].close()
    grow_old(tmp_path)
    assert remove(taken[0].folder, time.time())


def test_who_comes_to_make_a_shared_folder_does_not_wait_for_those_who_use_it_by_then(tmp_path, monkeypatch):
    word, taken = SharedWord(), list[Slot]()
    folder = tmp_path / "aa-0"
    monkeypatch.setattr(slots, "sleep", lambda _: word.make(folder))
    with Slot(folder, os.open(lock_of(folder), os.O_RDWR | os.O_CREAT)) as other:
        fcntl.flock(other.descriptor, fcntl.LOCK_SH)  # saw, like the next one, that the folder is missing
        late = Thread(target=lambda: taken.append(share(tmp_path, word)), daemon=True)
        late.start()
        late.join(30)
        assert [one.folder for one in taken] == [folder]
    assert word.made == 1
    taken[0].close()


def test_a_shared_folder_that_was_changed_is_left_to_those_who_use_it(tmp_path):
    with share(tmp_path, SharedWord()) as first:
        (first.folder / "output").touch()
        with share(tmp_path, SharedWord()) as second, share(tmp_path, SharedWord()) as third:
            assert first.folder != second.folder == third.folder
    assert (first.folder / "output").exists()


def test_a_shared_folder_that_cannot_be_made_is_made_by_the_next(tmp_path):
    class Broken(SharedWord):
        def make(self, folder: Path, descriptor: int) -> None:
            super().make(folder, descriptor)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        share(tmp_path, Broken())
    assert [one.suffix for one in tmp_path.iterdir()] == [".lock"]
    with share(tmp_path, SharedWord()) as slot:
        assert (slot.folder / "word").exists()


def test_what_was_left_half_made_is_removed_by_who_makes_it(tmp_path):
    (tmp_path / "aa-0.0123").mkdir()
    with share(tmp_path, SharedWord()):
        assert not (tmp_path / "aa-0.0123").exists()
