"""What source can be had of code that has no file: cells of a notebook, a command given with `-c`.

It only looks at what is there, and runs nothing. It must never know what the source is for.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import PurePath
from types import ModuleType
from typing import cast

CELLS = "In"  # where IPython, and so every notebook of Python, keeps what was entered

_MAGIC = re.compile(r"^\s*(?:[%!?].*|[^#'\"]*\?\s*)$")
_COMMAND = re.compile(r"-[A-Za-z]*c")
_WITH_VALUE = {"-W", "-X", "--check-hash-based-pycs"}
_NAMED = ("__vsc_ipynb_file__", "__session__")  # where editors say what a notebook's file is called


def is_interactive() -> bool:
    """Return whether a person enters code into this process: at a prompt, or in a notebook."""
    main = sys.modules.get("__main__")
    return hasattr(sys, "ps1") or (main is not None and "get_ipython" in vars(main))


def cells(main: ModuleType | None) -> list[str]:
    """Return what was entered so far in a notebook or in IPython; empty elsewhere."""
    entered: object = vars(main).get(CELLS) if main is not None and "get_ipython" in vars(main) else None
    if not isinstance(entered, list):
        return []
    return [cell for cell in cast("list[object]", entered) if isinstance(cell, str) and cell.strip()]


def script_of(entered: Sequence[str]) -> str:
    """Return the cells as one script; what is not Python in them becomes comments."""
    return "\n\n".join(_as_python(cell.replace("\0", "").rstrip()) for cell in entered) + "\n"


def name_of(main: ModuleType | None, environment: Mapping[str, str]) -> str:
    """Return the name of a script for a notebook, as far as its editor tells what its file is called."""
    known = [vars(main).get(name) for name in _NAMED] if main is not None else []
    for one in (*known, environment.get("JPY_SESSION_NAME")):
        if isinstance(one, str) and (stem := PurePath(one).stem):
            return f"{stem}.py"
    return "notebook.py"


def command(arguments: Sequence[str]) -> str:
    """Return the text that follows `-c` on the command line of an interpreter; empty when there is none.

    Args:
        arguments: As in `sys.orig_argv`.
    """
    waiting = list(arguments[1:])
    while waiting and waiting[0].startswith("-"):
        option = waiting.pop(0)
        if _COMMAND.fullmatch(option):
            return waiting[0] if waiting else ""
        if option in _WITH_VALUE and waiting:
            waiting.pop(0)
    return ""


def _as_python(cell: str) -> str:
    if _parses(cell):
        return cell
    if not cell.lstrip().startswith("%%"):
        lines = [f"# {line}" if _MAGIC.match(line) else line for line in cell.split("\n")]
        if _parses("\n".join(lines)):
            return "\n".join(lines)
    return "\n".join(f"# {line}" for line in cell.split("\n"))


def _parses(text: str) -> bool:
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ast.parse(text)
        return True
    return False
