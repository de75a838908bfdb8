"""A nest: a warm process and the shims that are forked from it, watched by a thread.

Tasks that import the same packages share a nest, so that their processes have these packages from the start.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from penstock.core.errors import PenstockError
from penstock.run.process import Exited, Launch
from penstock.run.processes import Processes
from penstock.run.wire import Spawned

IDLE = 300.0  # seconds that its warm process stays when nothing runs in it


class Nest:
    """Launches shims, and tells when each is gone.

    Args:
        modules, fingerprint: What its warm process imports; see `preload.plan`.
        gone: Called from the nest's thread with the key of each shim that is gone, and whether it left as it should.
    """

    def __init__(self, modules: tuple[str, ...], fingerprint: str, gone: Callable[[str, bool], object]) -> None:
        self._processes = Processes(modules, fingerprint, idle=IDLE)
        self._gone = gone
        self._inbox: deque[Launch] = deque()
        self._pids: dict[str, int] = {}
        self._open: set[str] = set()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="penstock-nest", daemon=True)
        self._thread.start()

    @property
    def is_empty(self) -> bool:
        """Whether no shim of it lives."""
        return not self._open

    def launch(self, launch: Launch) -> None:
        """Have a shim started; return at once."""
        self._open.add(launch.key)
        self._inbox.append(launch)
        self._processes.wake()

    def leave(self) -> None:
        """Tell every shim that it is to stop its task at once."""
        for pid in list(self._pids.values()):
            with suppress(OSError):
                os.kill(pid, signal.SIGTERM)

    def close(self) -> None:
        """Let the warm process go; shims that live go on."""
        self._closed.set()
        self._processes.wake()
        self._thread.join()

    def _work(self) -> None:
        with self._processes:
            while not self._closed.is_set():
                while self._inbox:
                    self._start(self._inbox.popleft())
                for event in self._processes.poll(None):
                    if isinstance(event, Spawned):
                        self._pids[event.key] = event.pid
                    elif isinstance(event, Exited):
                        self._end(event.key, as_it_should=event.code == 0)

    def _start(self, launch: Launch) -> None:
        try:
            self._processes.launch(launch)
        except PenstockError:
            self._end(launch.key, as_it_should=False)

    def _end(self, key: str, *, as_it_should: bool) -> None:
        self._pids.pop(key, None)
        self._open.discard(key)
        self._gone(key, as_it_should)
