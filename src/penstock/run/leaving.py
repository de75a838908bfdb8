"""How the process of a plain script leaves: well, by an exception, by `sys.exit`, or because somebody stopped it.

Python tells nobody the code that it leaves with, so `sys.exit` is followed where it is called; an exception that
nothing catches comes through `sys.excepthook`. A process that is killed says nothing: whoever looks finds it gone.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import NoReturn

from msgspec import Struct

from penstock.core.task import EndReason, Status

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], object]


class Farewell(Struct, frozen=True):
    """How the process leaves.

    Args:
        message: Why, when it does not leave well: one line, then the traceback.
    """

    status: Status = Status.COMPLETED
    reason: EndReason | None = None
    message: str = ""


class Leaving:
    """Calls a function once, when this process leaves.

    Args:
        say: Takes how it leaves. It may take a moment; what it raises is lost.
    """

    def __init__(self, say: Callable[[Farewell], None]) -> None:
        self._say = say
        self._process = os.getpid()
        self._farewell = Farewell()
        self._hook: Hook = sys.excepthook
        self._exit = sys.exit
        self._terminate: object = None
        self._watching = False
        self._noted = False

    def watch(self) -> None:
        """Begin."""
        self._watching = True
        self._hook, self._exit = sys.excepthook, sys.exit
        sys.excepthook = self._raised
        sys.exit = self._left
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._terminate = signal.signal(signal.SIGTERM, self._terminated)
        atexit.register(self._end)

    def stop(self) -> None:
        """Put everything back, and call nothing any more."""
        if not self._watching:
            return
        self._watching = False
        atexit.unregister(self._end)
        if sys.excepthook == self._raised:
            sys.excepthook = self._hook
        if sys.exit == self._left:
            sys.exit = self._exit
        if signal.getsignal(signal.SIGTERM) == self._terminated:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def note(self, error: BaseException | None, code: int = 0) -> None:
        """Take note of how a script ended that was run by our own command and not by Python.

        How that command itself leaves says nothing about the script any more.
        """
        self._noted = True
        if error is not None:
            self._farewell = farewell(error)
        elif code:
            self._farewell = _by_code(code)

    def _raised(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if os.getpid() == self._process and not self._noted:
            self._farewell = farewell(error.with_traceback(trace))
        self._hook(kind, error, trace)

    def _left(self, code: object = None, /) -> NoReturn:
        if os.getpid() == self._process and not self._noted:
            self._farewell = _by_code(code)
        self._exit(code)  # type: ignore[arg-type]

    def _terminated(self, number: int, frame: FrameType | None) -> None:
        """Say that somebody stopped the process, and let the signal do what it would have done."""
        _ = frame
        if os.getpid() == self._process:
            self._farewell = Farewell(Status.STOPPED, EndReason.SIGNAL, "stopped by SIGTERM")
            self._end()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _end(self) -> None:
        if self._watching and os.getpid() == self._process:
            self.stop()
            self._say(self._farewell)


def farewell(error: BaseException) -> Farewell:
    """Return how a process leaves that this exception ends."""
    if isinstance(error, KeyboardInterrupt):
        return Farewell(Status.STOPPED, EndReason.ABORTED, "interrupted from the keyboard")
    if isinstance(error, SystemExit):
        return _by_code(error.code)
    text = "".join(traceback.format_exception(error))
    said = str(error).strip().partition("\n")[0]
    line = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return Farewell(Status.FAILED, EndReason.EXCEPTION, f"{line}\n\n{text}")


def _by_code(code: object) -> Farewell:
    if code is None or code == 0:
        return Farewell()
    return Farewell(Status.FAILED, EndReason.EXIT_CODE, f"sys.exit({code!r})")
