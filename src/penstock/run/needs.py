"""What a task needs to run - packages and a Python - and whether what is installed here meets it.

    packages of the record         they were found in the code, or somebody named them
    else the script's header       `# /// script` (PEP 723)
    else requirements.txt          of the repository that the script comes from

It must never know how what is needed comes to be there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from msgspec import Struct
from packaging.utils import canonicalize_name

from penstock.core.errors import Invalid, PenstockError
from penstock.core.requirements import allows_python, header, masked, normalised, parsed
from penstock.core.task import Script, ScriptKind
from penstock.run.checkout import checkout
from penstock.run.imports import read_source
from penstock.run.interpreters import here, minor
from penstock.run.project import reach

SAME, OWN = "same", "own"
ENVIRONMENT = "environment"
"""Among the facts kept with a task: in which environment it ran, `same` or `own`, and why."""

_FILE = "requirements.txt"
_NAMED = 3  # differences that are named; there may be a hundred


class Needs(Struct, frozen=True, kw_only=True):
    """What a task needs.

    Args:
        requirements: Requirement lines as they were found, or None when nothing says.
        python: A version such as `3.11.7`; empty when nothing says.
        said_by: Where it was found, in words.
    """

    requirements: tuple[str, ...] | None
    python: str = ""
    said_by: str = ""


class Choice(Struct, frozen=True, kw_only=True):
    """In which environment a task runs.

    Args:
        own: Whether in one of its own, with what was recorded, and not in the one that is here.
        reason: Why, for people.
        requirements: Of its own one: the checked lines.
        python: Of its own one: a version.
    """

    own: bool
    reason: str
    requirements: tuple[str, ...] = ()
    python: str = ""

    @property
    def recorded(self) -> str:
        """What is recorded of it with the task."""
        return f"{OWN if self.own else SAME}: {self.reason}"


def choose(script: Script, cache: Path, *, same_env: bool | None) -> Choice:
    """Decide in which environment a task runs.

    Args:
        script: What it runs.
        cache: Where code is checked out, if the repository has to be looked at.
        same_env: What somebody asked for: True for the one that is here, False for its own. None for its own where
            something says which packages it needs, and what is here differs from that.

    Raises:
        Invalid: Its own one is meant, and what it needs cannot be followed.
    """
    if same_env:
        return Choice(own=False, reason="it was asked for")
    found = needs(script, cache)
    if same_env is False:
        lines = as_installed(script.source, sys.path) if found.requirements is None else found.requirements
        return Choice(
            own=True, reason="it was asked for", requirements=_own_left_out(script, lines), python=_python(found)
        )
    if found.requirements is None:
        return Choice(own=False, reason="nothing says which packages it needs")
    try:
        lines = _own_left_out(script, found.requirements)
        python = _python(found)
    except Invalid as error:
        if script.packages is not None:
            raise
        return Choice(own=False, reason=f"{found.said_by} cannot be followed: {error.message}")
    if unmet := differences(lines, python):
        more = f"; and {len(unmet) - _NAMED} more" if len(unmet) > _NAMED else ""
        return Choice(own=True, reason="; ".join(unmet[:_NAMED]) + more, requirements=lines, python=python)
    reason = f"what {found.said_by} names is installed here" if lines else "it needs no packages"
    return Choice(own=False, reason=reason)


def needs(script: Script, cache: Path) -> Needs:
    """Return what a task needs, as far as its record or its code says.

    Args:
        cache: Where code is checked out, if the repository has to be looked at.

    Raises:
        Invalid: The script's header cannot be read.
    """
    if script.packages is not None:
        return Needs(requirements=script.packages, python=script.interpreter, said_by="its record")
    if script.kind is ScriptKind.FUNCTION:
        return Needs(requirements=None, python=script.interpreter)
    if not script.repository:
        return _headed(script.source, script.interpreter) or Needs(requirements=None, python=script.interpreter)
    with suppress(PenstockError):  # whoever runs it meets the same, and says so
        with checkout(script, cache) as code:
            entry = Path(code.entry[0]) if code.entry and script.kind is ScriptKind.SCRIPT else None
            source = read_source(entry) if entry else ""
            listed = _read(code.root / _FILE)
        if said := _headed(source, script.interpreter):
            return said
        if listed is not None:
            lines = tuple(listed.replace("\\\n", " ").splitlines())
            return Needs(requirements=lines, python=script.interpreter, said_by=f"{_FILE} of its repository")
    return Needs(requirements=None, python=script.interpreter)


class Present(Struct, frozen=True, kw_only=True):
    """A Python with its packages, as far as it matters for what is needed.

    Args:
        version: Of Python.
        place: Where it is, in words.
        packages: The version of each of its packages, by the names that `canonicalize_name` gives them; None for what
            is installed here.
        markers: What conditions on the environment see; what is missing is as here.
    """

    version: str
    place: str = "here"
    packages: Mapping[str, str] | None = None
    markers: dict[str, str] = {}

    def version_of(self, package: str) -> str | None:
        """Return the version of a package; None when it is not there."""
        if self.packages is not None:
            return self.packages.get(canonicalize_name(package))
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            return None


def differences(requirements: tuple[str, ...], python: str, present: Present | None = None) -> list[str]:
    """Return in words what of a task's needs is not met; nothing when all is.

    Args:
        requirements: Lines as `normalised` gives them.
        python: A version; empty for any.
        present: What is there; None for what is installed here.
    """
    there = present or Present(version=here().version)
    found: list[str] = []
    if minor(python) not in {"", minor(there.version)}:
        found.append(f"Python {there.version} is {there.place}, and {python} was recorded")
    for line in requirements:
        wanted = parsed(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": "", **there.markers}):
            continue
        shown = masked(line.partition(" --hash=")[0])
        version = there.version_of(wanted.name)
        if version is None:
            found.append(f"{shown} is needed, and {wanted.name} is not installed {there.place}")
        elif wanted.url is not None:
            found.append(
                f"{shown} is needed, and nobody can tell whether {wanted.name} {version} {there.place} is that"
            )
        elif not wanted.specifier.contains(version, prereleases=True):
            found.append(f"{shown} is needed, and {version} is installed {there.place}")
    return found


def _headed(source: str, recorded: str) -> Needs | None:
    """Return what the header of a script says; None when it says nothing."""
    said = header(source)
    if said is None:
        return None
    candidates = [one for one in (recorded, here().version) if one]
    allowed = [one for one in candidates if not said.python or allows_python(said.python, one)]
    if not allowed:
        raise Invalid(
            f"the script's header wants Python {said.python}; it was recorded with {candidates[0]}, and here is "
            f"{here().version}",
            hint="correct the header, or record the script with a Python that it allows",
        )
    return Needs(requirements=said.dependencies, python=allowed[0], said_by="the script's header")


def _python(found: Needs) -> str:
    """Return the version to run; what was recorded without one runs with the one that is here."""
    return found.python if minor(found.python) else here().version


def as_installed(source: str, path: Sequence[str]) -> tuple[str, ...]:
    """Return the packages that a source imports, as lines with the versions that are installed here.

    Args:
        source: Its text.
        path: Where its modules are looked for, as in `sys.path`.
    """
    return tuple(f"{name}=={version}" for name, version in reach(source, path).packages.items())


def _own_left_out(script: Script, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return requirement lines in one form, without those of a library that Penstock stands for in the script."""
    return tuple(line for line in normalised(lines) if parsed(line).name != script.stands_for)


def _read(file: Path) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        if file.is_file() and not file.is_symlink():
            return file.read_text("utf-8-sig")
    return None
