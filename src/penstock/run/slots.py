"""Folders of a cache: made once, used again while nobody changes them, removed when long unused.

One that its user may write to is used by one at a time (`occupy`), one that its users only read by many (`share`).

    <parent>/<key>-<n>             a folder with the content of this key; n counts on when an earlier one is in use, or
                                   was changed
    <parent>/<key>-<n>.lock        locked by whoever makes, uses or removes the folder; its time stamp is that of the
                                   last use, and it holds a word when the folder was found changed
    <parent>/<key>-<n>.<random>    a folder that is being made, or removed

A folder appears under its name by one rename. The kernel lets go of a lock when the last process that holds it ends,
however it ends. It must never know what the folders hold.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Protocol, Self

_LOOK_AGAIN = 0.01  # seconds, when somebody else is about to make a folder


class Content(Protocol):
    """What a folder is to hold."""

    @property
    def key(self) -> str:
        """Tell it from all others, in hexadecimal digits."""
        ...

    def make(self, folder: Path) -> None:
        """Make it in a folder that is not there yet."""
        ...

    def place(self, folder: Path) -> None:
        """Finish what needs the folder's final name."""
        ...

    def is_untouched(self, folder: Path) -> bool:
        """Return whether a folder still holds it, and nothing else."""
        ...


class SharedContent(Protocol):
    """What a folder is to hold that many use at once."""

    @property
    def key(self) -> str:
        """Tell it from all others, in hexadecimal digits."""
        ...

    def make(self, folder: Path, descriptor: int) -> None:
        """Make it in a folder that is not there yet.

        Nobody else begins to make it before every process has closed this descriptor: a program that does the work may
        inherit it, and outlive who started it.
        """
        ...

    def is_untouched(self, folder: Path) -> bool:
        """Return whether a folder still holds it."""
        ...


class Slot:
    """A folder in use; it stays for as long as this is open here or in a process that inherited its descriptor."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.folder = folder
        self.descriptor = descriptor

    def close(self) -> None:
        """Say that the folder is no longer used from here."""
        if self.descriptor >= 0:
            with suppress(OSError):
                os.utime(self.descriptor)
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Occupant:
    """What lies in a slot, and keeps it in use for as long as it is open."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def close(self) -> None:
        """Say that the folder is no longer used from here."""
        self._slot.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def occupy(parent: Path, content: Content) -> Slot:
    """Return a folder that holds a content, for this caller alone: one that is there and untouched, or a new one."""
    return _first(parent, content.key, lambda folder: _enter(folder, content))


def share(parent: Path, content: SharedContent) -> Slot:
    """Return a folder that holds a content, for this caller beside others: made by the first, who has all wait."""
    return _first(parent, content.key, lambda folder: _join(folder, content))


def _first(parent: Path, key: str, take: Callable[[Path], Slot | None]) -> Slot:
    """Return the first folder of a key that can be taken."""
    parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    number = 0
    while True:
        folder = parent / f"{key}-{number}"
        slot = None if _is_spent(folder) else take(folder)
        if slot is not None:
            return slot
        number += 1


def remove_unused(parent: Path, before: float) -> int:
    """Remove the folders that nobody uses and nobody has used for long, and what was left half-made.

    Args:
        before: Epoch seconds; a folder that was used since stays.

    Returns:
        How many folders were removed.
    """
    if not parent.is_dir():
        return 0
    names = {entry.name.partition(".")[0] for entry in parent.iterdir()}
    return sum(remove(parent / name, before) for name in sorted(names) if name)


@contextmanager
def locked(lock: Path, *, wait: bool = True) -> Generator[bool]:
    """Hold a lock file exclusively; yields whether that was possible, which it always is for who waits."""
    lock.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    try:
        descriptor = _lock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        os.close(descriptor)


def last_use(lock: Path) -> float:
    """Return when a lock was last taken or let go, in epoch seconds; 0 when it never was."""
    with suppress(FileNotFoundError):
        return lock.stat().st_mtime
    return 0.0


def _is_spent(folder: Path) -> bool:
    """Return whether a folder was once found changed; it is not looked at again, so that it grows old."""
    with suppress(FileNotFoundError):
        return lock_of(folder).stat().st_size > 0
    return False


def _enter(folder: Path, content: Content) -> Slot | None:
    """Return the folder, made where it is missing; None when somebody uses it or it was changed."""
    try:
        slot = Slot(folder, _lock(lock_of(folder), fcntl.LOCK_EX | fcntl.LOCK_NB))
    except BlockingIOError:
        return None
    try:
        is_new = not folder.exists()
        if is_new:
            _make(folder, content)
        os.utime(slot.descriptor)
        if is_new or content.is_untouched(folder):
            return slot
        os.write(slot.descriptor, b"changed\n")
    except BaseException:
        slot.close()
        raise
    slot.close()
    return None


def _join(folder: Path, content: SharedContent) -> Slot | None:
    """Return the folder, made where it is missing; None when it was found changed."""
    lock = lock_of(folder)
    while True:
        slot = Slot(folder, _lock(lock, fcntl.LOCK_SH))  # waits for who makes or removes it
        try:
            if folder.exists():
                if content.is_untouched(folder):
                    return slot
                os.write(slot.descriptor, b"changed\n")
                slot.close()
                return None
        except BaseException:
            slot.close()
            raise
        slot.close()
        # Never waited for: whoever made the folder meanwhile may go on to use it, for as long as it likes.
        try:
            mine = Slot(folder, _lock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError:
            sleep(_LOOK_AGAIN)
            continue
        with mine:
            if not folder.exists():
                _make_shared(folder, content, mine.descriptor)


def _make_shared(folder: Path, content: SharedContent, descriptor: int) -> None:
    lock = lock_of(folder)
    for left in folder.parent.glob(f"{folder.name}.*"):  # by a process that died
        if left != lock:
            shutil.rmtree(left, ignore_errors=True)
    temporary = _temporary(folder)
    try:
        content.make(temporary, descriptor)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def lock_of(folder: Path) -> Path:
    """Return the lock of a folder."""
    return folder.with_name(f"{folder.name}.lock")


def _lock(path: Path, operation: int) -> int:
    """Return a descriptor that holds the lock; waits for it unless the operation says otherwise."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, operation)
            # Whoever removes a folder removes its lock as well, perhaps while this one waited for it.
            if os.fstat(descriptor).st_nlink:
                if not operation & fcntl.LOCK_NB:
                    os.utime(descriptor)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _temporary(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.{secrets.token_hex(8)}")


def _make(folder: Path, content: Content) -> None:
    temporary = _temporary(folder)
    try:
        content.make(temporary)
        temporary.rename(folder)
        content.place(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        raise


def remove(folder: Path, before: float) -> bool:
    """Remove a folder, unless it is in use, and what was left half-made of it; returns whether there was one.

    Args:
        before: Epoch seconds; a folder that was used since stays.
    """
    lock = lock_of(folder)
    used = last_use(lock)
    if used >= before:
        return False
    with locked(lock, wait=False) as is_mine:
        if not is_mine or (used and last_use(lock) != used):
            return False
        existed = folder.exists()
        if existed:
            folder.rename(_temporary(folder))
        for left in folder.parent.glob(f"{folder.name}.*"):
            if left != lock:
                shutil.rmtree(left, ignore_errors=True)
        lock.unlink(missing_ok=True)
        return existed
