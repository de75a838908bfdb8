"""Finds uv, which builds environments, and runs it: with a list of arguments, a time limit, and nobody else's settings.

It must never know what is built.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from penstock.core.errors import NotFound
from penstock.core.requirements import masked
from penstock.run.programs import Program, run_to_end
from penstock.settings import environment

LAST_LINES = 12  # of what uv said, in an error
QUICK = 60.0  # seconds; what only looks

# Of the interpreter or project around this process; and what nobody who builds a package needs to know.
_LEFT_OUT = ("CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "UV_SYSTEM_PYTHON", "VIRTUAL_ENV")
_LEFT_OUT_BEGINNINGS = ("PENSTOCK_", "UV_PROJECT", "UV_PYTHON", "UV_VENV_")


class Answer(Struct, frozen=True):
    """What uv answered.

    Args:
        code: Its exit code; 0 when all went well.
        output: What it wrote to standard output.
        message: What it wrote to standard error, without credentials.
    """

    code: int
    output: str
    message: str

    @property
    def last_lines(self) -> str:
        """The end of what it said, as it said it."""
        lines = [line.rstrip() for line in self.message.splitlines() if line.strip()]
        return "\n".join(lines[-LAST_LINES:]) or f"uv ended with exit code {self.code}"


def find(variables: Mapping[str, str] | None = None) -> Path:
    """Return where uv is: on PATH, beside this interpreter, or in the Python package `uv`.

    Args:
        variables: Environment variables, of which PATH counts; None for those of this process.

    Raises:
        NotFound: It is nowhere.
    """
    path = (environment() if variables is None else variables).get("PATH", "")
    beside = os.pathsep.join(str(Path(one).parent) for one in (sys.executable, os.path.realpath(sys.executable)))
    for folders in (path, beside):
        if found := shutil.which("uv", path=folders):
            return Path(found).absolute()
    if importlib.util.find_spec("uv") is not None:
        with suppress(Exception):  # it raises an error of its own where the program is not with it
            return Path(importlib.import_module("uv").find_uv_bin())
    raise NotFound(
        "uv, which builds the environments of tasks, is not installed",
        hint="pip install 'penstock[environments]', or run the task with what is installed here: --same-env",
    )


def uv(program: Path, *arguments: str, timeout: float = QUICK, keep: tuple[int, ...] = ()) -> Answer:
    """Run uv to its end.

    Args:
        program: Where uv is.
        arguments: Its command, options, and `--` before values.
        timeout: Seconds.
        keep: Descriptors that stay open in it, and in all that it starts.

    Raises:
        NotFound: It cannot be run.
        PenstockError: It took too long.
    """
    asked = Program(
        command=[str(program), *arguments],
        variables=_variables(environment()),
        what=f"`uv {arguments[0]}`",
        folder="/",  # where no project lies whose settings would count
        keep=keep,
    )
    ended = run_to_end(asked, timeout)
    return Answer(ended.code, ended.output.decode("utf-8", "replace"), masked(ended.message))


def _variables(found: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in found.items()
        if name not in _LEFT_OUT and not name.startswith(_LEFT_OUT_BEGINNINGS)
    }
    quiet = {"GIT_TERMINAL_PROMPT": "0", "NO_COLOR": "1", "SSH_ASKPASS_REQUIRE": "never", "UV_NO_PROGRESS": "1"}
    return {"UV_LINK_MODE": "hardlink", **kept, **quiet}
