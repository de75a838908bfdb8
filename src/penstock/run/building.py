"""Builds an environment in a folder: an interpreter, the packages that are wanted, and a link to Penstock.

uv takes packages from its own cache where it can, without asking any index, and links their files instead of copying
them. It must never know where environments are kept, nor what runs in them.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from importlib import metadata
from itertools import product
from pathlib import Path

import msgspec
from msgspec import Struct
from packaging.utils import canonicalize_name

from penstock.core.errors import NotFound, PenstockError
from penstock.core.requirements import OWN, masked, parsed
from penstock.run import uv, wire
from penstock.run.interpreters import Python
from penstock.settings import Environments

PATIENCE = 3600.0  # seconds; what one attempt to install may take

_FACTS = "penstock.json"
_COMPILED = "__pycache__"
_SEEN = "import json, sys; import penstock.run.child; print(json.dumps(sys.path))"
_MISSING = (
    re.compile(r"Because (?:only )?([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])? was not found"),
    re.compile(r"there (?:is|are) no versions? of ([A-Za-z0-9][\w.-]*)"),
    re.compile(r"Because only ([A-Za-z0-9][\w.-]*)[^ ]* is available"),
    re.compile(r"Failed to (?:download|build|fetch|read|resolve)[^`]*`([A-Za-z0-9][\w.-]*)"),
    re.compile(r"Because ([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?[=<>!~][^ ]* has no wheels"),
)


class Facts(Struct, frozen=True, kw_only=True):
    """What an environment was made of, kept in it.

    Args:
        requirements: The requirement lines.
        python: Version of its interpreter.
        packages: What is installed in it, as lines `name==version`.
        path: Its `sys.path`; what is relative lies in the environment.
        site: The folder of its packages, in the environment.
        names: What was in that folder when it was made.
        size: Bytes of its files; those that it shares with uv's cache are counted too.
        seconds: How long it took to make.
    """

    requirements: tuple[str, ...]
    python: str
    packages: tuple[str, ...]
    path: tuple[str, ...]
    site: str
    names: tuple[str, ...]
    size: int
    seconds: float


def build(
    requirements: tuple[str, ...], python: Python, how: Environments, folder: Path, keep: tuple[int, ...] = ()
) -> None:
    """Build an environment; it is whole when this returns, and can be renamed.

    Args:
        requirements: Lines as `core.requirements.normalised` gives them.
        python: Its interpreter.
        how: How environments are built on this machine.
        folder: It must not be there yet.
        keep: Descriptors that programs which do the work keep open.

    Raises:
        NotFound: uv is not there, or a package cannot be had.
        PenstockError: It took too long, or what was built does not work.
    """
    began = time.monotonic()
    program = uv.find()
    options = ("--quiet", "--relocatable", "--no-project", "--no-python-downloads", "--python", python.path)
    made = uv.uv(program, "venv", *options, "--", str(folder), keep=keep)
    if made.code:
        raise PenstockError(f"no environment can be made with {python.path}:\n{made.last_lines}")
    with_python = ("--python", str(folder / "bin" / "python"))
    install(program, requirements, how, Target(folder=folder, options=with_python, keep=keep))
    _finish(folder, requirements, python, began)


def facts_of(folder: Path) -> Facts | None:
    """Return what an environment was made of; None when that cannot be read."""
    try:
        return msgspec.json.decode((folder / _FACTS).read_bytes(), type=Facts)
    except (OSError, msgspec.DecodeError):
        return None


def is_whole(folder: Path) -> bool:
    """Return whether an environment still has the packages that it was made with, and an interpreter."""
    return has_its_packages(folder) and (folder / "bin" / "python").exists()  # else its interpreter is gone


def has_its_packages(folder: Path) -> bool:
    """Return whether an environment still has the packages that it was made with."""
    facts = facts_of(folder)
    return facts is not None and _names(folder / facts.site) == facts.names


def own_requirements(*, pinned: bool = False) -> tuple[str, ...]:
    """Return what Penstock itself needs to run, as requirement lines.

    Args:
        pinned: In the versions that are installed here, which uv's cache knows most likely.

    Raises:
        NotFound: Penstock runs from a folder, and is not installed.
    """
    try:
        lines = [parsed(line) for line in metadata.requires(OWN) or ()]
        needed = [one for one in lines if one.marker is None or one.marker.evaluate({"extra": ""})]
        found = [f"{one.name}=={metadata.version(one.name)}" if pinned else str(one) for one in needed]
    except metadata.PackageNotFoundError as error:
        raise NotFound(f"{error.name} is not installed as a package", hint="install Penstock: pip install .") from None
    return tuple(sorted(found))


class Target(Struct, frozen=True, kw_only=True):
    """Where packages are installed, and for which Python.

    Args:
        folder: A file may be written into it.
        options: Which of uv's options say so.
        keep: Descriptors that programs which do the work keep open.
    """

    folder: Path
    options: tuple[str, ...]
    keep: tuple[int, ...] = ()


def install(program: Path, requirements: tuple[str, ...], how: Environments, target: Target) -> None:
    """Install what is wanted and what Penstock needs, in the first of several ways that works.

    First without asking any index. Penstock's own requirements are tried in the versions that are here, which uv's
    cache knows most likely; if these do not go together with what is wanted, in any that suit.

    Raises:
        NotFound: A package cannot be had.
        PenstockError: It took too long.
    """
    file = target.folder / "requirements.txt"
    own_ways = (own_requirements(pinned=True), own_requirements())
    answer = uv.Answer(1, "", "")
    for offline, own in product((True,) if how.offline else (True, False), own_ways):
        file.write_text("".join(f"{line}\n" for line in (*requirements, *own)), "utf-8")
        options = ("--quiet", *target.options, *_sources(how), *(("--offline",) if offline else ()))
        given = ("install", *options, "--requirements", str(file))
        answer = uv.uv(program, "pip", *given, timeout=PATIENCE, keep=target.keep)
        if not answer.code:
            file.unlink()  # its URLs may hold credentials
            return
    raise _refusal(answer, requirements, how)


def _sources(how: Environments) -> Iterator[str]:
    if how.index == "none":
        yield "--no-index"
    elif how.index:
        yield f"--default-index={how.index}"
    for one in how.find_links:
        yield f"--find-links={one}"


def _refusal(answer: uv.Answer, requirements: tuple[str, ...], how: Environments) -> NotFound:
    """Return the error that names the package which could not be had."""
    said = answer.message
    name = next((found[1] for one in _MISSING if (found := one.search(said))), "")
    if not name:
        names = [parsed(line).name for line in requirements]
        name = next((one for one in names if re.search(rf"\b{re.escape(one)}\b", said)), "")
    line = next((line for line in requirements if parsed(line).name == canonicalize_name(name)), name)
    what = f"package {masked(line)!r} cannot be had" if line else "the packages cannot be had together"
    hint = "correct the task's packages, or look whether this machine reaches its package index"
    if how.offline:
        hint = "this machine installs only what uv has in its cache: `offline` under [environments] in config.toml"
    return NotFound(f"{what}; uv said:\n{answer.last_lines}", hint=hint)


def _finish(folder: Path, requirements: tuple[str, ...], python: Python, began: float) -> None:
    """Link Penstock into an environment, see that it can be imported, and write down what is there."""
    (site,) = folder.glob("lib/python*/site-packages")
    (site / OWN).symlink_to(Path(wire.ROOT) / OWN, target_is_directory=True)
    try:
        seen = subprocess.run(
            [str(folder / "bin" / "python"), "-I", "-c", _SEEN],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=uv.QUICK,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        said: object = getattr(error, "stderr", None) or str(error).encode()
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2] if isinstance(said, bytes) else ""
        raise PenstockError(
            f"Penstock cannot be imported in the environment that was built: {last}",
            hint="one of the task's packages may stand in the way: run it with what is installed here: --same-env",
        ) from None
    path = msgspec.json.decode(seen.stdout, type=tuple[str, ...])
    write_facts(folder, requirements, python.version, path, site, began)


def write_facts(
    folder: Path, requirements: tuple[str, ...], version: str, path: tuple[str, ...], site: Path, began: float
) -> None:
    """Write down what is in an environment, as the last thing that is done to it.

    Args:
        version: Of its Python.
        path: Its `sys.path`.
        site: The folder of its packages.
        began: When its making began, by the monotonic clock.
    """
    facts = Facts(
        requirements=tuple(masked(line) for line in requirements),
        python=version,
        packages=tuple(sorted(_packages(site))),
        path=tuple(os.path.relpath(one, folder) if Path(one).is_relative_to(folder) else one for one in path),
        site=str(site.relative_to(folder)),
        names=_names(site),
        size=_size(folder),
        seconds=round(time.monotonic() - began, 3),
    )
    (folder / _FACTS).write_bytes(msgspec.json.encode(facts))


def _packages(site: Path) -> Iterator[str]:
    for one in metadata.distributions(path=[str(site)]):
        yield f"{canonicalize_name(one.name)}=={one.version}"


def _names(site: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(one.name for one in site.iterdir() if one.name != _COMPILED))
    except OSError:
        return ()


def _size(folder: Path) -> int:
    """Return the bytes of all files below a folder; what links lead to does not count."""
    return sum(
        (Path(root) / name).lstat().st_size for root, _, names in os.walk(folder, followlinks=False) for name in names
    )
