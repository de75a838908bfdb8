"""How an attempt ended that the user's code left early, as its outcome, and the words for it on the console."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from penstock.core.task import EndReason, Status
from penstock.run.attempt import Outcome, printable

OUR_CODE = str(Path(__file__).parent)


def failed(reason: EndReason, message: str) -> Outcome:
    """Return the outcome of an attempt that could not do its work, and say so on the console."""
    _tell(f"penstock: {message}\n")
    return Outcome(status=Status.FAILED, reason=reason, message=printable(message))


def left(error: SystemExit, returns: Sequence[str]) -> Outcome:
    """Return the outcome of code that left by `sys.exit`: well, when it says so and owes no results.

    Args:
        returns: Names of the results that it owes.
    """
    if (error.code is None or error.code == 0) and not returns:
        return Outcome(status=Status.COMPLETED)
    if error.code is not None and not isinstance(error.code, int):
        _tell(f"{error.code}\n")  # as Python itself does
    owed = f" before it returned {', '.join(returns)}" if returns else ""
    message = printable(f"sys.exit({error.code!r}){owed}")
    return Outcome(status=Status.FAILED, reason=EndReason.EXIT_CODE, message=message)


def raised(error: BaseException) -> Outcome:
    """Return the outcome of an exception that the user's code raised, with the traceback of that code alone."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(OUR_CODE):
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    _tell(text)
    message = printable(f"{_summary(error)}\n\n{text}")
    return Outcome(status=Status.FAILED, reason=EndReason.EXCEPTION, message=message)


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
