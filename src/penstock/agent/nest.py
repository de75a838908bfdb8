"""A nest: a warm process and the shims that are forked from it, watched by a thread.

Tasks that import the same packages share a nest, so that their processes have these packages from the start. A shim
that has carried its task out stands by for the next one, and there is always one that does: no task waits for a fork.
"""

from __future__ import annotations

import os
import signal
import threading
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from msgspec.structs import replace

from penstock.core.errors import PenstockError
from penstock.run.process import Exited, Launch, Message
from penstock.run.processes import Processes
from penstock.run.wire import Spawned

IDLE = 300.0  # seconds that its warm process stays when nothing runs in it
MOST = 8  # shims that stand by; each has a few megabytes of its own
LEAVE = b""  # the order to a shim that is not needed any more


class Nest:
    """Has shims carry tasks out, and tells when each is gone.

    Args:
        modules, fingerprint: What its warm process imports; see `preload.plan`.
        shim: What starts a shim; each gets a key of its own.
        gone: Called from the nest's thread with each task whose shim is gone, and whether it left as it should.
    """

    def __init__(
        self, modules: tuple[str, ...], fingerprint: str, shim: Launch, gone: Callable[[str, bool], object]
    ) -> None:
        self._processes = Processes(modules, fingerprint, idle=IDLE)
        self._shim = shim
        self._gone = gone
        self._inbox: deque[tuple[str, bytes]] = deque()
        self._pids: dict[str, int] = {}
        self._standing_by: list[str] = []
        self._tasks: dict[str, str] = {}  # of each shim that has one, by the shim's key
        self._open: set[str] = set()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="penstock-nest", daemon=True)
        self._thread.start()

    @property
    def is_empty(self) -> bool:
        """Whether no shim of it has a task."""
        return not self._open

    def carry_out(self, task: str, order: bytes) -> None:
        """Have a shim carry a task out by this order; return at once."""
        self._open.add(task)
        self._inbox.append((task, order))
        self._processes.wake()

    def leave(self) -> None:
        """Tell every shim that it is to stop its task at once."""
        for pid in list(self._pids.values()):
            with suppress(OSError):
                os.kill(pid, signal.SIGTERM)

    def close(self) -> None:
        """Let the warm process go; shims that have a task go on."""
        self._closed.set()
        self._processes.wake()
        self._thread.join()

    def _work(self) -> None:
        with self._processes:
            while not self._closed.is_set():
                while self._inbox:
                    self._begin(*self._inbox.popleft())
                for event in self._processes.poll(None):
                    if isinstance(event, Spawned):
                        self._pids[event.key] = event.pid
                    elif isinstance(event, Message):
                        self._stand_by(event.key)
                    elif isinstance(event, Exited):
                        self._end(event.key, as_it_should=event.code == 0)

    def _begin(self, task: str, order: bytes) -> None:
        """Give a task to a shim that stands by, and see to it that another one does."""
        try:
            shim = self._standing_by.pop() if self._standing_by else self._start()
        except PenstockError:
            self._end_task(task, as_it_should=False)
            return
        self._tasks[shim] = task
        self._processes.reply(shim, order)
        if not self._standing_by:
            with suppress(PenstockError):  # then the next task is the one that finds no place for its process
                self._standing_by.append(self._start())

    def _start(self) -> str:
        key = uuid.uuid4().hex
        self._processes.launch(replace(self._shim, key=key))
        return key

    def _stand_by(self, shim: str) -> None:
        """A shim has carried its task out, and takes the next one."""
        self._standing_by.append(shim)
        if len(self._standing_by) > MOST:
            self._processes.reply(self._standing_by.pop(0), LEAVE)
        if task := self._tasks.pop(shim, None):
            self._end_task(task, as_it_should=True)

    def _end(self, shim: str, *, as_it_should: bool) -> None:
        self._pids.pop(shim, None)
        if shim in self._standing_by:
            self._standing_by.remove(shim)
        if task := self._tasks.pop(shim, None):
            self._end_task(task, as_it_should=as_it_should)

    def _end_task(self, task: str, *, as_it_should: bool) -> None:
        self._open.discard(task)
        self._gone(task, as_it_should)
