"""The entry point of processes that carry a task out: follows libraries and arguments before the task's code runs."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from typing import cast

from penstock.core.errors import PenstockError
from penstock.core.task import ScriptKind
from penstock.run import child, rehearsal, stand_in
from penstock.run.attempt import AttemptSpec
from penstock.run.frameworks.install import FOLLOWED
from penstock.sdk import recording
from penstock.sdk.recording import Options, Recording, Wanted

ENTRY = f"{__name__}:main"
LIBRARIES = "penstock.sdk.libraries"  # imported once in the warm process, and not in every step
WRAPPING = "penstock.run.frameworks.wrapping"  # imported where a library is there that is followed
REHEARSE = f"{__name__}:rehearse"


def preloaded(modules: Iterable[str]) -> tuple[str, ...]:
    """Return what the warm process imports besides: what every step needs, and what the libraries among these do.

    Args:
        modules: What it imports for the steps' own sake.
    """
    chosen = tuple(modules)
    follows = any(one.partition(":")[0].partition(".")[0] in FOLLOWED for one in chosen)
    return (*chosen, LIBRARIES, *((WRAPPING,) if follows else ()), REHEARSE)


def main(payload: bytes, connection: socket.socket) -> int:
    """Carry out an attempt; see `penstock.run.child`."""
    return child.main(payload, connection, follow)


def rehearse() -> None:
    """Do what every attempt does, so that a fork that waits is quick when it is wanted; nothing of it is left."""
    try:
        rehearsal.rehearse(follow)
    finally:
        recording.forget()


def follow(spec: AttemptSpec) -> None:
    """Follow what the step's definition says; the command line, which functions have none of, only of scripts.

    From here on a library's names mean Penstock, if they did so where the step's code was recorded.
    """
    stand_in.stand_for(spec.task.script.stands_for)
    is_script = spec.task.script.kind is not ScriptKind.FUNCTION
    options = Options(
        arguments=cast("bool", _wanted(spec, "auto_connect_arg_parser", otherwise=is_script)),
        frameworks=_wanted(spec, "auto_connect_frameworks", otherwise=True),
    )
    try:
        recording.begin(Recording(spec.task.id, assigned=True), options)
    except PenstockError as error:
        sys.stderr.write(f"penstock: {error}\n")


def _wanted(spec: AttemptSpec, name: str, *, otherwise: bool) -> Wanted:
    given = spec.connect.get(name)
    return otherwise if given is None else cast("Wanted", given)
