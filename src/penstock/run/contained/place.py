"""From a task that asks for a container to what starts its process there: allowed, found, named, and what it sees.

Of the machine a container sees this package, packages that were built for it, its script, and the folders in which it
keeps what it makes; a run of a pipeline sees the home. Never a folder that a task names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from penstock.core.assignment import Assignment
from penstock.core.containers import Allowed, Checked, Mount, Runtime, check
from penstock.core.errors import PenstockError
from penstock.core.lease import Held
from penstock.core.secret import Secrets
from penstock.core.task import Container, ScriptKind, Task
from penstock.run import containers, launch, wire
from penstock.run.attempt import decode_spec
from penstock.run.contained import bridge, ticket
from penstock.run.launch import Surroundings
from penstock.run.process import Launch

CONTAINER = "container"
"""Among the facts kept with a task: in which container it ran, or why in none."""

_GIVEN = ("PENSTOCK_URL", "PENSTOCK_KEY", "PENSTOCK_USER")


class Place(Struct, frozen=True, kw_only=True):
    """A container that a task may have, before it is there.

    Args:
        runtime: What starts it.
        container: What it asks for.
        name: Its name, which tells it from those of other leases.
        allowed: What the machine's owner says.
        home: The home of who carries the task out.
    """

    runtime: Runtime
    container: Checked
    name: str
    allowed: Allowed
    home: Path

    @property
    def recorded(self) -> str:
        """What is recorded of it with the task."""
        return f"{self.container.image} in {self.runtime}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """See that the container is gone. What cannot be removed now is left to the agent's next look."""
        with suppress(PenstockError):
            ticket.clear(ticket.folder_of(self.home) / self.name)

    def first_process(self) -> int | None:
        """Return the id of the container's first process; None while there is none to be seen."""
        return ticket.first_process(self.runtime, self.name)


def place_for(container: Container, allowed: Allowed, held: Held, home: Path) -> Place:
    """Return the container that a task asks for.

    Raises:
        Invalid, Forbidden: It cannot have it on this machine.
        NotFound, PenstockError: Nothing here can start it.
    """
    checked = check(container, allowed)
    name = f"penstock-{held.task}-{held.fence}"
    return Place(runtime=containers.find(allowed), container=checked, name=name, allowed=allowed, home=home)


def start_task(
    task: Task, given: Assignment, place: Surroundings, container: Place, secrets: Secrets | None = None
) -> Launch:
    """Return what starts the process of a task in its container; secrets go to it as they do to any other."""
    folder = _own_folder(place, task.id)
    script = task.script
    alone = replace(task, script=replace(script, working_dir=None))  # whether it is there shows in the container
    inner = launch.start(alone, given, replace(place, working=folder), secrets=secrets)
    inside = script.working_dir if script.kind is ScriptKind.FUNCTION else None
    variables = {"PENSTOCK_HOME": os.path.join(folder, "home"), "PENSTOCK_TASK_ID": task.id}  # noqa: PTH118 - texts
    given_too = {name: place.environment[name] for name in _GIVEN if name in place.environment}
    order = _order(place, container, inner, folder)
    order = replace(
        order,
        environment={**given_too, **variables},
        working=os.path.join(folder, inside or ""),  # noqa: PTH118 - an absolute one wins
        mounts=(*order.mounts, *_seen_by_task(place, task, inner)),
    )
    return _launch(inner, order, place)


def start_run(inner: Launch, place: Surroundings, container: Place) -> Launch:
    """Return what starts the process of a run in its container.

    Args:
        inner: What starts it without.
    """
    folder = _own_folder(place, inner.key)
    order = _order(place, container, inner, folder)
    kept = {name: text for name, text in inner.environment.items() if name.startswith("PENSTOCK_")}
    kept.pop("PENSTOCK_CONFIG", None)  # it lies outside
    mounts = (*order.mounts, Mount(folder=str(place.home.absolute()), writable=True))
    return _launch(inner, replace(order, environment=kept, mounts=mounts, is_attempt=False), place)


def _own_folder(place: Surroundings, task: str) -> str:
    folder = place.scratch_of(task).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return str(folder)


def _order(place: Surroundings, container: Place, inner: Launch, folder: str) -> bridge.Order:
    packages = place.home.absolute() / "cache" / "environments"
    packages.mkdir(mode=0o700, parents=True, exist_ok=True)
    code = Mount(folder=os.path.join(wire.ROOT, "penstock"), inside=f"{bridge.CODE}/penstock")  # noqa: PTH118 - a text
    return bridge.Order(
        runtime=container.runtime,
        container=container.container,
        name=container.name,
        ticket=str(ticket.leave(place.home, container.runtime, container.name)),
        always=container.allowed.always,
        mounts=(code, Mount(folder=str(packages)), Mount(folder=folder, writable=True)),
        entry=inner.entry,
        payload=inner.payload,
        environment={},
        folder=folder,
        working=folder,
        is_attempt=True,
        cache=str(place.home.absolute() / "cache"),
        same_env=bool(place.same_env),
        environments=place.environments,
    )


def _seen_by_task(place: Surroundings, task: Task, inner: Launch) -> Iterator[Mount]:
    place.blobs.mkdir(mode=0o700, parents=True, exist_ok=True)
    yield Mount(folder=str(place.blobs.absolute()), writable=True)
    if task.script.kind is ScriptKind.FUNCTION:
        spec = decode_spec(inner.payload)
        yield Mount(folder=str(Path(spec.file).parent.absolute()))


def _launch(inner: Launch, order: bridge.Order, place: Surroundings) -> Launch:
    return replace(
        inner,
        entry=bridge.ENTRY,
        payload=bridge.encode(order),
        cwd=order.folder,
        environment=place.environment,
        tidies=True,
    )
