"""Turns the following of the command line on and off, for all libraries at once.

It must never import one of these libraries: each is followed when, and only when, the script imports it.
"""

from __future__ import annotations

from collections.abc import Callable

from penstock.core.task import Configuration
from penstock.run.arguments.commands import COMMANDS
from penstock.run.arguments.fire_calls import FIRE_CALLS
from penstock.run.arguments.hydra_runs import HYDRA_RUNS
from penstock.run.arguments.parsers import PARSES
from penstock.run.arguments.recording import RECORDING, Wanted
from penstock.run.connecting.section import Section

PATCHES = (PARSES, COMMANDS, FIRE_CALLS, HYDRA_RUNS)


class Following:
    """The command line goes to a task's section until this is stopped."""

    def stop(self) -> None:
        """Follow no longer, and leave the libraries as they were."""
        RECORDING.detach()
        for one in PATCHES:
            one.take_off()


def listen() -> None:
    """Begin to hear what the script makes of its command line, before it is known whether it will be a task."""
    for one in PATCHES:
        one.put_on()


def follow_arguments(
    section: Section, wanted: Wanted, configure: Callable[[Configuration], None] | None = None
) -> Following:
    """Follow the command line of this process.

    In a process that records a task, what the script's command line says is stored in the section, also what was
    heard since `listen`. In one that carries a task out, the script gets the task's values; then this has to be called
    before the script reads its command line.

    Args:
        section: Of the task, by custom `Args`.
        wanted: Which arguments: all, none, or by name, where `*` stands for those that are not named.
        configure: Called with the configuration that Hydra composed.

    Returns:
        What ends it.
    """
    following = Following()
    if wanted is False:
        following.stop()
        return following
    RECORDING.attach(section, wanted, configure)
    listen()
    return following
