"""What wakes those who wait for a commit: a notice of this process, or a write of another to the same files.

Linux tells at once, and for nothing, that a file was written (inotify). Where it does not, only this process is heard.
A nudge says that something may have changed, or is about to: whoever is woken has to look.
"""

from __future__ import annotations

import ctypes
import os
import select
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

_IN_MODIFY = 0x2
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
_EVENTS = 65_536  # bytes of notices that are read at once; what they say does not matter


class Nudge:
    """Wakes the threads of this process that wait.

    Files are watched once somebody listens: a user may watch few (128 on most machines) at once.

    Args:
        folder: Writes to the files in it count.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._ears: set[int] = set()
        self._is_open = self._is_closed = False
        self._files = -1

    @property
    def hears_others(self) -> bool:
        """Whether writes of other processes are heard by those who listen."""
        return self._files >= 0

    def notify(self) -> None:
        """Wake everybody who listens."""
        with self._lock:
            for ear in self._ears:
                with suppress(BlockingIOError):  # it has not heard the last one yet
                    os.write(ear, b"!")

    @contextmanager
    def listening(self) -> Generator[Ear]:
        """Hear every nudge from now on."""
        heard, ear = os.pipe2(_FLAGS)
        with self._lock:
            self._ears.add(ear)
            if not self._is_open:
                self._is_open, self._files = True, _watch(self._folder)
        try:
            yield Ear(heard, self._files)
        finally:
            with self._lock:
                self._ears.discard(ear)
                if self._is_closed and not self._ears:
                    self.forget()
            os.close(heard)
            os.close(ear)

    def close(self) -> None:
        """Stop hearing others, for good, as soon as nobody listens any more."""
        with self._lock:
            self._is_open = self._is_closed = True
            if not self._ears:
                self.forget()

    def forget(self) -> None:
        """Stop hearing others at once: nobody listens, as in a process that was forked just now."""
        self._is_open = True
        if self._files >= 0:
            os.close(self._files)
            self._files = -1

    def __del__(self) -> None:
        self.forget()


class Ear:
    """What one thread hears.

    Args:
        heard: Is readable after a notice of this process.
        files: Is readable after a write; below zero where there is no such thing.
    """

    def __init__(self, heard: int, files: int) -> None:
        self._descriptors = [one for one in (heard, files) if one >= 0]
        self._poll = select.poll()
        for one in self._descriptors:
            self._poll.register(one, select.POLLIN)

    def wait(self, seconds: float) -> bool:
        """Return True as soon as there was a nudge, False when the time is over."""
        ready = self._poll.poll(max(0.0, seconds) * 1000)
        for descriptor, _ in ready:
            with suppress(OSError):  # another thread that listens has read it
                os.read(descriptor, _EVENTS)
        return bool(ready)


def _watch(folder: Path) -> int:
    """Return a descriptor that is readable whenever a file of the folder was written; -1 where there is none."""
    if sys.platform != "linux":
        return -1
    system = ctypes.CDLL(None, use_errno=True)
    descriptor = int(system.inotify_init1(_FLAGS))
    if descriptor >= 0 and system.inotify_add_watch(descriptor, os.fsencode(folder), _IN_MODIFY) < 0:
        os.close(descriptor)
        return -1
    return descriptor
