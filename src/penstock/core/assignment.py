"""What an attempt is given beside its task's own record, so that any process anywhere can carry it out.

References are looked up before it is made: whoever carries the attempt out needs nothing else of its run.
"""

from __future__ import annotations

from msgspec import Struct

from penstock.core.outputs import Artifact
from penstock.core.pipeline import Argument
from penstock.core.task import Json, Script


class Resolved(Struct, frozen=True, kw_only=True):
    """What a reference turned out to be: a plain value, or an artifact to load.

    Args:
        text: What it becomes inside a longer text.
    """

    value: Json = None
    artifact: Artifact | None = None
    text: str = ""


class Assignment(Struct, frozen=True, kw_only=True):
    """What an attempt is given.

    Args:
        arguments: What its function is called with; empty for a script, whose parameters its task holds.
        inputs: The artifacts that hold arguments, under the name that `arguments` gives them.
        references: What each reference in the arguments turned out to be, under its text.
        returns: Names of what its function returns.
        connect: What is recorded by itself, by the names of the arguments of `Task.init`; what is missing is as there.
        time_limit: Seconds after which it is stopped; None for no limit.
        working, folder: The folder that its run was started in, and that of the run's script, on the machine where that
            was; empty when there is none, or when nothing is to be imported from there.
        serializer, deserializer: The pipeline's own functions for artifacts.
    """

    arguments: dict[str, Argument] = {}
    inputs: dict[str, Artifact] = {}
    references: dict[str, Resolved] = {}
    returns: tuple[str, ...] = ()
    connect: dict[str, Json] = {}
    time_limit: float | None = None
    working: str = ""
    folder: str = ""
    serializer: Script | None = None
    deserializer: Script | None = None
