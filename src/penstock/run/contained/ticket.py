"""Tickets of containers that may be there: a file each, so that none is left behind by whoever started it and died.

    <home>/containers/<name>          written before the container is started, gone when it is gone

It must never know what runs in a container.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from penstock.blobs.files import writing_below
from penstock.core.containers import Runtime
from penstock.core.errors import PenstockError
from penstock.core.task import Worker
from penstock.run.liveness import here, is_alive
from penstock.run.programs import Program, run_to_end
from penstock.settings import environment

PATIENCE = 60.0  # seconds that a container gets to disappear
LATE = 5.0  # seconds after which what was asked for before its owner died has come about, or will not

_GONE = ("no such container", "no container with name or id")


class Ticket(Struct, frozen=True, kw_only=True):
    """A container that may be there.

    Args:
        runtime: The program that started it.
        name: Its name.
        owner: The process that sees to its end.
    """

    runtime: Runtime
    name: str
    owner: Worker


def folder_of(home: Path) -> Path:
    """Return the folder of the tickets of a home."""
    return home / "containers"


def leave(home: Path, runtime: Runtime, name: str) -> Path:
    """Write down that a container is about to be there, which this process sees to; return the ticket."""
    folder = folder_of(home)
    with writing_below(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / name
        part = file.with_name(f".{name}.{os.getpid()}")
        part.write_bytes(msgspec.json.encode(Ticket(runtime=runtime, name=name, owner=here())))
        part.replace(file)
    return file


def clear(file: Path) -> None:
    """Remove the container of a ticket, and the ticket; nothing is done where there is no ticket.

    Raises:
        PenstockError: It cannot be removed now; the ticket stays.
    """
    if (ticket := _read(file)) is not None:
        remove(ticket.runtime, ticket.name)
        file.unlink(missing_ok=True)


def recover(home: Path, say: Callable[[str], object]) -> None:
    """Remove the containers whose owners died.

    Such a ticket stays for a while after that, for a container that its runtime was about to make.

    Raises:
        PenstockError: One cannot be removed now.
    """
    for file, ticket in _tickets(home):
        if is_alive(ticket.owner) is False:
            is_second = file.stat().st_mode & 0o100
            if is_second and time.time() - file.stat().st_ctime < LATE:
                continue
            remove(ticket.runtime, ticket.name)
            if is_second:
                file.unlink(missing_ok=True)
            else:
                say(f"container {ticket.name}: removed, if it was there; what had started it died")
                file.chmod(0o700)


def remove(runtime: Runtime, name: str) -> None:
    """Kill and remove a container, if it is there.

    Raises:
        PenstockError: The runtime cannot do it.
    """
    _ask(runtime, "stop", "-t", "1", name)  # with 0 podman may leave behind what runc keeps of it
    code, said = _ask(runtime, "rm", "--force", name)
    if code and not any(one in said.lower() for one in _GONE):
        raise PenstockError(f"container {name} cannot be removed: {said}", hint=f"see: {runtime} rm --force {name}")


def first_process(runtime: Runtime, name: str) -> int | None:
    """Return the id of a container's first process, as this machine counts; None while there is none to be seen."""
    with suppress(PenstockError, ValueError):
        return int(_ask(runtime, "inspect", "--format={{.State.Pid}}", name)[1]) or None
    return None


def _ask(runtime: Runtime, *words: str) -> tuple[int, str]:
    """Return how the runtime's answer ended, and its last line."""
    asked = Program(command=[runtime, *words], variables=environment(), what=f"`{runtime} {words[0]}`", folder="/")
    ended = run_to_end(asked, PATIENCE)
    lines = (ended.message if ended.code else ended.output.decode("utf-8", "replace")).strip().splitlines()
    return ended.code, lines[-1] if lines else ""


def _tickets(home: Path) -> Iterator[tuple[Path, Ticket]]:
    for file in sorted(folder_of(home).glob("[!.]*")):
        if (ticket := _read(file)) is not None:
            yield file, ticket


def _read(file: Path) -> Ticket | None:
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(file.read_bytes(), type=Ticket)
    return None
