"""Ctrl-C while a run goes: the first one asks it to stop, the second one leaves at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self


class Interrupts:
    """Takes SIGINT over while it is entered, in the main thread and where nobody else has.

    A signal may arrive between any two lines; taken here it interrupts nothing that is being recorded.

    Args:
        stop: Asks the run to stop, with the reason; may be called from a signal handler.

    Attributes:
        came: Whether an interrupt came.
    """

    def __init__(self, stop: Callable[[str], None]) -> None:
        self.came = False
        self._stop = stop
        self._taken = False

    def __enter__(self) -> Self:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._take)
            self._taken = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._taken:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = True
        self._stop("interrupted from the keyboard")
