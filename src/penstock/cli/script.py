"""Runs a script in this process as Python itself would: as `__main__`, with its own `sys.argv` and import path."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Generator

PACKAGE = str(Path(__file__).resolve().parents[1]) + os.sep


class Ending(Struct, frozen=True):
    """How a script ended.

    Args:
        code: The exit code that Python would leave with.
        error: What it raised, if that was anything but SystemExit.
    """

    code: int
    error: BaseException | None = None


class Interrupts:
    """Whether the keyboard has interrupted the script, also where that was taken care of."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def watched(self) -> Generator[None]:
        """Count interrupts during the block; they raise KeyboardInterrupt as ever."""
        before = signal.getsignal(signal.SIGINT)
        if before is not signal.default_int_handler:  # ignored, as under nohup, or somebody else's
            yield
            return
        signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            if signal.getsignal(signal.SIGINT) == self._interrupt:
                signal.signal(signal.SIGINT, before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        signal.default_int_handler(number, frame)


def run_script(script: str, arguments: Sequence[str]) -> Ending:
    """Run the script and return how it ended; it stays `__main__` until the process ends."""
    from penstock.run.scripts import run_file

    path = Path(script).absolute()
    sys.argv = [script, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = str(path.resolve().parent)
    return ending_of(lambda: run_file(path))


def ending_of(run: Callable[[], object]) -> Ending:
    """Run somebody's code and return how it ended."""
    try:
        run()
    except SystemExit as leaving:
        return Ending(_code(leaving))
    except BaseException as error:  # noqa: BLE001 - a script may raise anything
        return Ending(1, error)
    return Ending(0)


def own_frames(error: BaseException) -> TracebackType | None:
    """Return the traceback from the script's own code on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith((PACKAGE, "<frozen runpy>")):
        trace = trace.tb_next
    return trace


def place(error: BaseException) -> str | None:
    """Return where in the user's own code an error came up: the innermost line that is not Penstock's."""
    found, trace = None, own_frames(error)
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(PACKAGE):
            found = f"{code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _code(leaving: SystemExit) -> int:
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code & 0xFF
    sys.stderr.write(f"{leaving.code}\n")
    return 1
