"""Runs whole scripts as `__main__`, as Python itself would: files, and the code of attempts and of recorded runs.

It must never know who started the script.
"""

from __future__ import annotations

import builtins
import io
import os
import runpy
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from penstock.core.errors import PenstockError
from penstock.core.task import EndReason, Status
from penstock.run.attempt import AttemptSpec, Outcome
from penstock.run.checkout import Checkout, checkout, opened
from penstock.run.inner import conclude
from penstock.run.outcomes import failed, left, raised

MODULE = "-m"


def run_script(spec: AttemptSpec) -> Outcome:
    """Carry out the attempt and return how it went. Only what ends the whole process gets past it."""
    outcome = _carry_out(spec)
    try:
        return conclude(spec.task, outcome)
    except PenstockError as error:
        return failed(EndReason.OUTPUT, str(error))


def _carry_out(spec: AttemptSpec) -> Outcome:
    script = spec.task.script
    try:
        code = checkout(script, Path(spec.cache)) if spec.code is None else opened(spec.code)
    except PenstockError as error:
        return failed(EndReason.INPUT, str(error))
    try:
        if script.repository:
            os.chdir(code.folder)
        run_code(code)
    except SystemExit as error:
        return left(error, ())
    except BaseException as error:  # noqa: BLE001 - a script may raise anything
        return raised(error)
    return Outcome(status=Status.COMPLETED)


def run_code(code: Checkout) -> None:
    """Run what was checked out, with an empty command line: its arguments come from the task."""
    for note in code.left_out:
        sys.stderr.write(f"penstock: {note}\n")
    sys.path.extend(str(one) for one in code.path)
    if code.entry[0] == MODULE:
        sys.path.insert(0, str(code.folder))
        sys.argv = [code.entry[1]]
        runpy.run_module(code.entry[1], run_name="__main__", alter_sys=True)
    else:
        file = code.entry[0]
        sys.path.insert(0, str(Path(file).parent))
        sys.argv = [file]
        run_file(Path(file))


def run_file(path: Path) -> None:
    """Run a file; it stays `__main__` until the process ends.

    Args:
        path: Absolute, and not resolved: a script is shown the path that it was started by.
    """
    module = ModuleType("__main__")
    module.__file__ = str(path)
    module.__loader__ = SourceFileLoader("__main__", str(path))
    vars(module)["__builtins__"] = builtins
    sys.modules["__main__"] = module
    with io.open_code(str(path)) as file:
        code = compile(file.read(), str(path), "exec", dont_inherit=True)
    exec(code, module.__dict__)  # noqa: S102 - running the user's script is the point
