"""How user code ended that did not just return, as an outcome or in words: by an exception, or by `sys.exit`.

It must never know whose code it was, a step's or a plain script's.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from penstock.core.task import EndReason, Status
from penstock.run.attempt import Outcome, printable

NOT_THE_USER_S = (str(Path(__file__).parents[1]) + os.sep, "<frozen runpy>")  # code that runs the user's


def failed(reason: EndReason, message: str) -> Outcome:
    """Return the outcome of an attempt that could not do its work, and say so on the console."""
    _tell(f"penstock: {message}\n")
    return Outcome(status=Status.FAILED, reason=reason, message=printable(message))


def left(error: SystemExit, returns: Sequence[str]) -> Outcome:
    """Return the outcome of code that left by `sys.exit`: well, when it says so and owes no results.

    Args:
        returns: Names of the results that it owes.
    """
    if is_success(error.code) and not returns:
        return Outcome(status=Status.COMPLETED)
    if error.code is not None and not isinstance(error.code, int):
        with suppress(Exception):  # its own code may raise anything
            _tell(f"{error.code}\n")  # as Python itself does
    owed = f" before it returned {', '.join(returns)}" if returns else ""
    return Outcome(status=Status.FAILED, reason=EndReason.EXIT_CODE, message=exit_call(error.code) + owed)


def raised(error: BaseException) -> Outcome:
    """Return the outcome of an exception that the user's code raised, and show it on the console."""
    _tell(_traceback(error))
    return Outcome(status=Status.FAILED, reason=EndReason.EXCEPTION, message=told(error))


def told(error: BaseException) -> str:
    """Return an exception as it is recorded: in one line, then with the traceback of the user's code alone."""
    return printable(f"{_summary(error)}\n\n{_traceback(error)}")


def is_success(code: object) -> bool:
    """Return whether Python leaves with exit code 0 for this argument of `sys.exit`."""
    return code is None or (isinstance(code, int) and code & 0xFF == 0)


def exit_call(code: object) -> str:
    """Return the call of `sys.exit` that left, in words."""
    try:
        return printable(f"sys.exit({code!r})")
    except Exception:  # noqa: BLE001 - its own code may raise anything
        return "sys.exit(...)"


def _traceback(error: BaseException) -> str:
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(NOT_THE_USER_S):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))


def _tell(text: str) -> None:
    """Show a text on the step's console, if the user's code left one."""
    with suppress(Exception):
        encoding = sys.stderr.encoding or "utf-8"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _summary(error: BaseException) -> str:
    """Return the exception in one line: its class and the first line of what it says."""
    try:
        said = str(error).strip().partition("\n")[0]
    except Exception:  # noqa: BLE001 - its own code may raise anything
        said = "(its text cannot be read)"
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
