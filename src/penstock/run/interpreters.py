"""The Pythons of this machine, by version: this one, and those that uv finds.

It must never know what runs in them.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from penstock.core.errors import Invalid, NotFound
from penstock.run import uv

OLDEST = (3, 11)  # that Penstock itself runs in


class Python(Struct, frozen=True):
    """An interpreter.

    Args:
        path: Where it is.
        version: As in `3.11.7`.
    """

    path: str
    version: str

    @property
    def minor(self) -> str:
        """Its version as far as packages depend on it, as in `3.11`."""
        return minor(self.version)


def here() -> Python:
    """Return the interpreter of this process."""
    return Python(os.path.realpath(sys.executable), platform.python_version())


def minor(version: str) -> str:
    """Return the first two numbers of a version, which may be written as `python3.11`; empty where there are none."""
    parts = version.removeprefix("python").split(".")[:2]
    return ".".join(parts) if len(parts) > 1 and all(part.isdecimal() for part in parts) else ""


def find(version: str) -> Python:
    """Return an interpreter of this minor version: this one if it fits, else the newest that is installed.

    Args:
        version: As it was recorded, `3.11` or `3.11.7`; what is behind the second number does not count.

    Raises:
        Invalid: This is no version, or Penstock does not run in it.
        NotFound: There is none on this machine, or uv, which looks for others, is not.
    """
    wanted = minor(version)
    if not wanted or len(wanted) > len("999.999"):
        raise Invalid(f"{version[:40]!r} is no version of Python", hint="for example 3.11")
    if wanted == here().minor:
        return here()
    if _numbers(wanted) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise Invalid(
            f"the task was recorded with Python {wanted}, and Penstock runs in {oldest} or newer",
            hint="run it with this Python: --same-env",
        )
    there = installed(uv.find())
    if found := [one for one in there if one.minor == wanted]:
        return max(found, key=lambda one: _numbers(one.version))
    versions = sorted({here().minor, *(one.minor for one in there)}, key=_numbers)
    raise NotFound(
        f"the task was recorded with Python {wanted}, which is not on this machine (there is: {', '.join(versions)})",
        hint=f"uv python install {wanted}, or run it with this Python: --same-env",
    )


def installed(program: Path) -> list[Python]:
    """Return the interpreters that uv finds on this machine and that Penstock runs in.

    Args:
        program: Where uv is.
    """
    options = ("--only-installed", "--no-python-downloads", "--output-format", "json")
    answer = uv.uv(program, "python", "list", *options)
    try:
        listed = msgspec.json.decode(answer.output, type=list[_Listed])
    except msgspec.DecodeError:
        return []
    return [
        Python(one.path, one.version)
        for one in listed
        if one.path and one.implementation == "cpython" and one.variant == "default" and _numbers(one.version) >= OLDEST
    ]


class _Listed(Struct):
    """What uv says of an interpreter."""

    version: str
    path: str | None = None
    implementation: str = ""
    variant: str = ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
