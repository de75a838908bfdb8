"""Requirement lines that a script asks for before its task begins, beside what it is seen to import."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from penstock.core.errors import Invalid
from penstock.sdk.given import requirements

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
OPERATORS = ("=", "<", ">", "!", "~", "@", ";")

_demanded: dict[str, str] = {}
_ignored: set[str] = set()


def demand(package: str, version: str | None = None) -> None:
    """Ask for a package, or for the lines of a requirements file; of one package the last line counts.

    Args:
        version: A version, or a condition such as `>=2.0`; None for any version.

    Raises:
        Invalid: It is neither the name of a package nor a file.
    """
    if Path(package).is_file():
        lines: tuple[str, ...] = requirements(package) or ()
    elif NAME.match(package) is None:
        raise Invalid(f"{package!r} is neither a package nor a file", hint="give a name such as 'pandas'")
    else:
        condition = (version or "").strip()
        exact = "" if not condition or condition.startswith(OPERATORS) else "=="
        lines = (f"{package}{exact}{condition}",)
    _demanded.update({_name(line): line for line in lines})


def ignore(package: str) -> None:
    """Leave a package out of those that a script is seen to import."""
    _ignored.add(_name(package))


def with_demanded(found: Iterable[str]) -> tuple[str, ...]:
    """Return requirement lines with those that were asked for, which take the place of others for the same package.

    Those that are to be left out, and that nobody asked for, are.
    """
    seen = {name: line for line in found if (name := _name(line)) not in _ignored}
    return tuple((seen | _demanded).values())


def forget() -> None:
    """Forget what was asked for."""
    _demanded.clear()
    _ignored.clear()


def _name(line: str) -> str:
    """Return what tells the package of a line from others; of a line without a name, such as a URL, the line."""
    found = NAME.match(line)
    return line if found is None or "://" in line.partition("@")[0] else re.sub(r"[-_.]+", "-", found[0]).lower()
