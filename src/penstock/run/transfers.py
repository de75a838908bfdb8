"""What steps wait for that takes long: their blobs on the way to a server, or from there.

Each goes on in a thread, so that whoever serves the steps goes on with all the others. It must never know what the
answer says.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Transfers:
    """Answers that are made in threads.

    Args:
        wake: Called from such a thread when there is an answer to be taken.
    """

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake
        self._answers: deque[tuple[str, bytes]] = deque()

    def start(self, key: str, work: Callable[[], bytes]) -> None:
        """Begin to make the answer for somebody."""

        def answer() -> None:
            self._answers.append((key, work()))
            self._wake()

        threading.Thread(target=answer, name="penstock-transfer", daemon=True).start()

    def take(self) -> list[tuple[str, bytes]]:
        """Return the answers that are ready, each behind who waits for it."""
        return [self._answers.popleft() for _ in range(len(self._answers))]
