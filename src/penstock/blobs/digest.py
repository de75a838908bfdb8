"""SHA-256 of a stream, computed beside the one who writes it."""

from __future__ import annotations

from hashlib import sha256
from queue import Queue
from threading import Thread

_LARGE = 1 << 20  # from here on a piece is hashed in a thread: hashing 1 MiB takes ten times as long as handing it over
_WAITING = 8  # pieces that may wait for the hashing thread


class Digest:
    """SHA-256 of a stream; from the first large piece on it is computed in a thread."""

    def __init__(self) -> None:
        self._sha = sha256()
        self._pieces: Queue[memoryview | bytes | None] = Queue(_WAITING)
        self._thread: Thread | None = None

    def update(self, piece: memoryview) -> None:
        if self._thread is None and piece.nbytes >= _LARGE:
            self._thread = self._start()
        if self._thread is None:
            self._sha.update(piece)
        else:
            self._pieces.put(piece if piece.nbytes >= _LARGE else bytes(piece))

    def finish(self) -> str:
        if self._thread is not None:
            self._pieces.put(None)
            self._thread.join()
            self._thread = None
        return self._sha.hexdigest()

    def _start(self) -> Thread | None:
        thread = Thread(target=self._run, name="penstock-sha256", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads, or the interpreter is ending
            return None
        return thread

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            self._sha.update(piece)
