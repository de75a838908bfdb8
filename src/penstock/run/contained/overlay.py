"""The packages that a task needs and its container's image lacks, built by uv for the image's Python, and kept.

    <cache>/environments/<key>-<n>/site-packages   they are laid over what the image has, and only read

What the image has in a version that suits stays the image's. It must never know how a container is started.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from packaging.utils import canonicalize_name

from penstock.blobs.files import writing_below
from penstock.core.errors import NotFound
from penstock.core.requirements import normalised
from penstock.core.task import Script
from penstock.run import uv
from penstock.run.building import Target, has_its_packages, install, own_requirements, write_facts
from penstock.run.environments import prune
from penstock.run.interpreters import OLDEST, here, minor
from penstock.run.needs import Needs, Present, differences, needs
from penstock.run.slots import Slot, share
from penstock.settings import Environments

SITE = "site-packages"
IMAGE, LAID = "image", "image and packages of its own"

_LAYOUT = 1  # counts on when overlays are made in another way, so that older ones are not used
_GLIBC = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)  # the second numbers that uv knows platforms for
_MACHINE = re.compile(r"linux-(x86_64|aarch64)")


class Image(Struct, frozen=True, kw_only=True):
    """What the first program of a container found in its image; of a Python that is too old only the version.

    Args:
        version: Of its Python.
        executable: Its Python.
        pid: Of that first program, as the container counts.
        path: Its `sys.path`.
        variables: Its environment variables.
        platform: As `sysconfig` names it.
        libc: Version of the GNU C library; empty for another one.
        implementation: Such as `cpython`.
        packages: The version of each package.
    """

    version: str
    executable: str = ""
    pid: int = 0
    path: tuple[str, ...] = ()
    variables: dict[str, str] = {}
    platform: str = ""
    libc: str = ""
    implementation: str = ""
    packages: dict[str, str] = {}

    @property
    def present(self) -> Present:
        """Its Python with its packages."""
        major_minor = minor(self.version)
        return Present(
            version=self.version,
            place="in the image",
            packages={canonicalize_name(name): version for name, version in self.packages.items()},
            markers={"python_version": major_minor, "python_full_version": self.version},
        )


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be there.

    Args:
        script: What runs; None for nothing but Penstock.
        cache: Where overlays are kept.
        same_env: Whether the image's packages are to do, whatever is recorded.
        how: How environments are built on this machine.
    """

    script: Script | None
    cache: Path
    same_env: bool
    how: Environments


class Overlay(Struct, frozen=True, kw_only=True):
    """What is laid over an image's packages.

    Args:
        folder: Where the packages are; None for nothing.
        reason: Why, for people.
        slot: Keeps the folder for as long as it is open.
    """

    folder: Path | None
    reason: str
    slot: Slot | None = None

    @property
    def recorded(self) -> str:
        """What is recorded of it with the task."""
        return f"{IMAGE if self.folder is None else LAID}: {self.reason}"


def overlay_for(image: Image, wanted: Wanted, say: Callable[[str], object]) -> Overlay:
    """Return what is to be laid over an image: one that is there, else a new one, if anything.

    Args:
        say: Called with a line when something is done that takes a while.

    Raises:
        Invalid: What the task needs cannot be followed.
        NotFound: The image's Python is too old, uv is not there, or a package cannot be had.
        PenstockError: It took too long.
        StoreError: The cache cannot be written to.
    """
    if tuple(map(int, minor(image.version).split("."))) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise NotFound(
            f"the Python of the image is {image.version}, and Penstock needs {oldest} or later",
            hint="name an image with a newer Python, as python:3.12",
        )
    found = Needs(requirements=None) if wanted.script is None else needs(wanted.script, wanted.cache)
    lines = () if wanted.same_env or found.requirements is None else normalised(found.requirements)
    unmet = differences(lines, "", image.present)
    own = differences(normalised(own_requirements()), "", image.present)
    if not unmet and not own:
        return Overlay(folder=None, reason=_why_nothing(wanted, found, lines))
    recipe = _Recipe(lines if unmet else (), image, wanted.how, say)
    cache = wanted.cache.absolute()
    with writing_below(cache):
        slot = share(cache / "environments", recipe)
    reason = "; ".join(unmet[:3]) if unmet else "what Penstock needs is not in the image"
    return Overlay(folder=slot.folder / SITE, reason=reason, slot=slot)


def _why_nothing(wanted: Wanted, found: Needs, lines: tuple[str, ...]) -> str:
    if wanted.same_env:
        return "it was asked for"
    if found.requirements is None:
        return "nothing says which packages it needs"
    return f"what {found.said_by} names is installed in the image" if lines else "it needs no packages"


class _Recipe(Struct, frozen=True):
    """Packages for another Python as a shared content of the cache."""

    requirements: tuple[str, ...]
    image: Image
    how: Environments
    say: Callable[[str], object]

    @property
    def key(self) -> str:
        sources = (self.how.index, self.how.find_links)
        parts = ("overlay", _LAYOUT, self.requirements, minor(self.image.version), self._options, sources)
        return sha256(json.dumps((*parts, own_requirements())).encode()).hexdigest()[:32]

    def make(self, folder: Path, descriptor: int) -> None:
        began = time.monotonic()
        prune(folder.parent.parent, self.how)
        program = uv.find()
        what = f"{len(self.requirements)} packages of the task" if self.requirements else "what Penstock needs"
        self.say(f"installing {what} for Python {minor(self.image.version)} of the image")
        site = folder / SITE
        site.mkdir(parents=True)
        options = ("--target", str(site), "--python", sys.executable, *self._options)
        install(program, self.requirements, self.how, Target(folder=folder, options=options, keep=(descriptor,)))
        write_facts(folder, self.requirements, self.image.version, (str(site),), site, began)

    def is_untouched(self, folder: Path) -> bool:
        return has_its_packages(folder)

    @property
    def _options(self) -> tuple[str, ...]:
        """For which Python and machine it is; what is not built already can be only where both are as here."""
        version = minor(self.image.version)
        options = ("--python-version", version, "--python-platform", platform_of(self.image))
        return options if version == here().minor else (*options, "--only-binary", ":all:")


def platform_of(image: Image) -> str:
    """Return what uv calls the platform of an image.

    Raises:
        NotFound: There is none, or no packages are built for it.
    """
    machine = _MACHINE.fullmatch(image.platform)
    if machine is None or image.implementation != "cpython":
        raise NotFound(
            f"no packages can be installed for {image.implementation} on {image.platform}, as in the image",
            hint="install what the task needs, and Penstock, in the image",
        )
    if not image.libc:
        return f"{machine[1]}-unknown-linux-musl"
    version = int([*image.libc.split("."), "0"][1])
    known = [one for one in _GLIBC if one <= version]
    return f"{machine[1]}-manylinux_2_{known[-1] if known else _GLIBC[0]}"
