"""Environments of tasks: an interpreter with the recorded packages and with Penstock, built by uv, kept in a cache.

    <cache>/environments/<key>-<n>                 a virtual environment that is whole (see `slots`)
    <cache>/environments/<key>-<n>/penstock.json   what it was made of

The key is a hash of all that decides what is in it. Penstock is not installed in it but linked to: a task runs with the
Penstock of whoever carries it out. It must never know what runs in an environment.
"""

from __future__ import annotations

import json
import os
import platform
import sysconfig
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from penstock.blobs.files import writing_below
from penstock.core.errors import StoreError
from penstock.core.requirements import masked
from penstock.run import wire
from penstock.run.building import Facts, build, facts_of, is_whole, own_requirements
from penstock.run.interpreters import Python
from penstock.run.slots import Occupant, Slot, last_use, lock_of, remove, remove_unused, share
from penstock.settings import Environments

_LAYOUT = 1  # counts on when environments are made in another way, so that older ones are not used
_GIGABYTE = 1_000_000_000


class Environment(Occupant):
    """An environment in use: nobody removes it for as long as this is open here, or in a process that inherited it.

    Args:
        folder: Where it lies.
        interpreter: Its Python.
        path: Its `sys.path`: the standard library, its packages, Penstock.
        packages: What is installed in it, as lines `name==version`.
        is_new: Whether it was built for this use.
    """

    def __init__(self, slot: Slot, *, is_new: bool) -> None:
        if (facts := facts_of(slot.folder)) is None:
            raise StoreError(f"{slot.folder} was changed while it was in use", hint="remove it, and try again")
        super().__init__(slot)
        self.folder = slot.folder
        self.interpreter = str(slot.folder / "bin" / "python")
        self.path = tuple(os.path.join(slot.folder, one) for one in facts.path)  # noqa: PTH118 - an absolute one wins
        self.packages = facts.packages
        self.is_new = is_new

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the environment variables of a process in it: its programs come first, no other Python has a say.

        Args:
            given: Those that it would have otherwise.
        """
        kept = {name: value for name, value in given.items() if name not in {"PYTHONHOME", "PYTHONPATH"}}
        programs = os.pathsep.join(filter(None, (str(self.folder / "bin"), given.get("PATH", ""))))
        return {**kept, "PATH": programs, "VIRTUAL_ENV": str(self.folder)}


def environment_for(
    requirements: tuple[str, ...],
    python: Python,
    cache: Path,
    how: Environments,
    say: Callable[[str], object] = lambda _: None,
) -> Environment:
    """Return an environment with these packages: one that is there, else a new one.

    Of several processes that want the same one at once, one builds and the others wait.

    Args:
        requirements: Lines as `core.requirements.normalised` gives them.
        python: Its interpreter.
        cache: A folder of this machine's own; made when it is not there.
        how: How environments are built on this machine.
        say: Called with a line when something is done that takes a while.

    Raises:
        NotFound: uv is not there, or a package cannot be had; the message names it, and has uv's own last lines.
        PenstockError: It took too long, or what was built does not work.
        StoreError: The cache cannot be written to.
    """
    recipe = _Recipe(requirements, python, how, say)
    cache = cache.absolute()
    with writing_below(cache):
        slot = share(cache / "environments", recipe)
    try:
        environment = Environment(slot, is_new=recipe.was_made)
    except BaseException:
        slot.close()
        raise
    if recipe.was_made:
        prune(cache, how)
    return environment


class Kept(Struct, frozen=True, kw_only=True):
    """An environment in the cache.

    Args:
        used: When it was last used, in epoch seconds.
    """

    folder: Path
    facts: Facts
    used: float


def kept(cache: Path) -> list[Kept]:
    """Return the environments in a cache, those first that were not used for longest."""
    folders = [one for one in (cache.absolute() / "environments").glob("*") if "." not in one.name]
    found = [
        Kept(folder=one, facts=facts, used=last_use(lock_of(one)))
        for one in folders
        if (facts := facts_of(one)) is not None
    ]
    return sorted(found, key=lambda one: one.used)


def prune(cache: Path, how: Environments) -> int:
    """Remove environments that nobody uses: those unused for long, then the oldest while all take too much.

    Args:
        cache: As for `environment_for`.
        how: How long, and how much.

    Returns:
        How many were removed.
    """
    parent = cache.absolute() / "environments"
    removed = remove_unused(parent, time.time() - how.days * 86_400)
    there = kept(cache)
    size = sum(one.facts.size for one in there)
    for one in there:
        if size <= how.gigabytes * _GIGABYTE:
            break
        if remove(one.folder, float("inf")):
            size -= one.facts.size
            removed += 1
    return removed


class _Recipe:
    """An environment as a shared content of the cache."""

    def __init__(
        self, requirements: tuple[str, ...], python: Python, how: Environments, say: Callable[[str], object]
    ) -> None:
        self._requirements = requirements
        self._python = python
        self._how = how
        self._say = say
        self.was_made = False

    @property
    def key(self) -> str:
        machine = (platform.python_implementation(), sysconfig.get_platform(), platform.libc_ver())
        sources = (self._how.index, self._how.find_links)
        own = (own_requirements(), wire.ROOT)
        parts = (_LAYOUT, self._requirements, self._python.path, self._python.version, machine, sources, own)
        return sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def make(self, folder: Path, descriptor: int) -> None:
        self._say(f"building an environment with Python {self._python.minor} and {_in_words(self._requirements)}")
        build(self._requirements, self._python, self._how, folder, (descriptor,))
        self.was_made = True

    def is_untouched(self, folder: Path) -> bool:
        return is_whole(folder)


def _in_words(requirements: tuple[str, ...]) -> str:
    """Return in a few words which packages these are."""
    if not requirements:
        return "no packages"
    shown = ", ".join(masked(line).partition(" --hash=")[0] for line in requirements[:3])
    return shown if len(requirements) <= 3 else f"{shown} and {len(requirements) - 3} more"  # noqa: PLR2004 - as above
