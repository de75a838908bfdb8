"""Carries out one attempt that is a whole script: puts its code in place, runs it as `__main__`, says how it ended."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from types import ModuleType

from penstock.core.errors import PenstockError
from penstock.core.task import EndReason, Status
from penstock.run.attempt import AttemptSpec, Outcome
from penstock.run.checkout import checkout
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
        place = checkout(script, Path(spec.cache))
    except PenstockError as error:
        return failed(EndReason.INPUT, str(error))
    for note in place.left_out:
        sys.stderr.write(f"penstock: {note}\n")
    if script.repository:
        os.chdir(place.folder)
    try:
        _run(place.entry, place.folder)
    except SystemExit as error:
        return left(error, ())
    except BaseException as error:  # noqa: BLE001 - a script may raise anything
        return raised(error)
    return Outcome(status=Status.COMPLETED)


def _run(entry: tuple[str, ...], folder: Path) -> None:
    """Run the script as Python itself would, with an empty command line: its arguments come from the task."""
    if entry[0] == MODULE:
        sys.path.insert(0, str(folder))
        sys.argv = [entry[1]]
        runpy.run_module(entry[1], run_name="__main__", alter_sys=True)
        return
    (file,) = entry
    sys.path.insert(0, str(Path(file).parent))
    sys.argv = [file]
    module = ModuleType("__main__")
    module.__file__ = file
    sys.modules["__main__"] = module
    source = Path(file).read_bytes()
    exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - running the user's script is the point
