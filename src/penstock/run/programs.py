"""Runs other programs to their end, with a time limit; when it is over, all that they started is ended with them.

It must never know which programs.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from penstock.core.errors import NotFound, PenstockError


class Ended(Struct, frozen=True):
    """How a program ended.

    Args:
        code: Its exit code; 0 when all went well.
        output: What it wrote to standard output.
        message: What it wrote to standard error.
    """

    code: int
    output: bytes
    message: str


class Program(Struct, frozen=True, kw_only=True):
    """A program to run.

    Args:
        command: Its name or path, and its arguments.
        variables: Its environment variables.
        what: What it does, for the error when it takes too long.
        folder: Where it runs; None for where this process does.
        keep: Descriptors that stay open in it, and in all that it starts.
    """

    command: Sequence[str]
    variables: Mapping[str, str]
    what: str
    folder: str | None = None
    keep: tuple[int, ...] = ()


def run_to_end(program: Program, timeout: float, stdin: bytes = b"") -> Ended:
    """Run a program to its end.

    Args:
        timeout: Seconds.
        stdin: What it reads.

    Raises:
        NotFound: It cannot be run.
        PenstockError: It took too long.
    """
    file = program.command[0]
    try:
        # A session of its own: no terminal to ask on, and all that it starts can be ended with it.
        process = subprocess.Popen(
            program.command,
            cwd=program.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=program.variables,
            pass_fds=program.keep,
            start_new_session=True,
        )
    except OSError as error:
        why = f"{file} cannot be run: {error.strerror or error}"
        raise NotFound(why, hint=f"install {Path(file).name}") from error
    with process:
        try:
            output, message = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            raise PenstockError(f"{program.what} took more than {timeout:.0f} s") from None
        except BaseException:
            _end(process)
            raise
    return Ended(process.returncode, output, message.decode("utf-8", "replace"))


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()  # leaving the context does not wait when the keyboard interrupted
