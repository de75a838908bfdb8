"""Which containers a task may ask for, and the command line that starts one.

What a task asks for is data from anybody. Its image must fit a pattern that the machine's owner wrote; of its further
arguments only those of the table here can be allowed at all, each with the values that it may have. What would let a
container out (more rights, folders of the machine, its network, its processes, its devices) is not in the table: the
owner can give it to all containers, and no task to itself. It must never know which programs are installed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from penstock.core.errors import Forbidden, Invalid
from penstock.core.task import Container

Runtime = Literal["docker", "podman"]

_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]{1,5})?"
_IMAGE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
)
_LONGEST_IMAGE = 512
_LONGEST_HOST = 63
_NOT_MOUNTED = frozenset(",\"'\n")
_LONGEST_TEXT = 100_000
_AMOUNT = r"[0-9]{1,15}[bkmgBKMG]?"
_TEXT = r"[^\x00-\x1f\x7f]{0,4000}"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,200}")

ARGUMENTS: dict[str, re.Pattern[str]] = {
    "cpus": re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,3})?"),
    "env": re.compile(rf"(?!PENSTOCK_)[A-Za-z_][A-Za-z0-9_]{{0,200}}={_TEXT}"),
    "hostname": re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}"),
    "init": re.compile(r"(?:true)?"),
    "label": re.compile(rf"[A-Za-z0-9][A-Za-z0-9._/-]{{0,200}}(?:={_TEXT})?"),
    "memory": re.compile(_AMOUNT),
    "memory-swap": re.compile(_AMOUNT),
    "pids-limit": re.compile(r"[0-9]{1,9}"),
    "platform": re.compile(r"[a-z0-9]+(?:/[a-z0-9]+){1,2}"),
    "read-only": re.compile(r"(?:true)?"),
    "shm-size": re.compile(_AMOUNT),
    "ulimit": re.compile(r"(?:core|cpu|data|fsize|memlock|nofile|nproc|rss|stack)=[0-9]{1,15}(?::[0-9]{1,15})?"),
}
"""What tasks can be allowed to add, with the values that it may have; whole values, from their first character on."""

_SHORT = {"-e": "env", "-h": "hostname", "-l": "label", "-m": "memory"}
_FLAGS = frozenset({"init", "read-only"})


class Allowed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the owner of a machine lets tasks ask for: the table `[agent.containers]` of the configuration file.

    Args:
        images: Patterns; `*` stands for any characters but `/`, and as the last part of a path `**` for any parts.
        arguments: Names from `ARGUMENTS`, without dashes.
        always: Arguments that every container gets, as the owner writes them: mounts, devices, network.
        runtime: `docker` or `podman`; empty for the one that is installed.
    """

    images: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    runtime: Literal["", "docker", "podman"] = ""


class Mount(Struct, frozen=True, kw_only=True):
    """A folder of the machine that a container sees; never one that a task names.

    Args:
        folder: Where it is.
        inside: Where it is in the container; empty for the same.
        writable: Whether what runs in the container may write to it.
    """

    folder: str
    inside: str = ""
    writable: bool = False


class Checked(Struct, frozen=True, kw_only=True):
    """A container that a task may have.

    Args:
        image: Its image.
        arguments: Its own further arguments, each `--name=value`.
        setup_script: What its shell runs before the task; empty for nothing.
    """

    image: str
    arguments: tuple[str, ...] = ()
    setup_script: str = ""


def check(container: Container, allowed: Allowed) -> Checked:
    """Return the container that a task asks for, if it may have it.

    Raises:
        Invalid: Its image, an argument or the setup script cannot be one.
        Forbidden: It is not allowed on this machine.
    """
    image = container.image
    if len(image) > _LONGEST_IMAGE or not _IMAGE.fullmatch(image):
        raise Invalid(
            f"not the name of an image: {image[:200]!r}", hint="it reads [HOST[:PORT]/]PATH[:TAG][@sha256:DIGEST]"
        )
    if not any(_fits(image, pattern) for pattern in allowed.images):
        listed = ", ".join(allowed.images) or "none"
        raise Forbidden(
            f"image {image!r} is not allowed on this machine (allowed: {listed})",
            hint=f"to allow it, add {image!r} to `images` under [agent.containers] in config.toml",
        )
    arguments = tuple(_argument(name, value, allowed) for name, value in _split(container.arguments))
    setup = container.setup_script
    if "\0" in setup or len(setup) > _LONGEST_TEXT:
        raise Invalid("the setup script of the container is no text, or too long")
    return Checked(image=image, arguments=arguments, setup_script=setup)


def command(
    runtime: Runtime,
    container: Checked,
    program: Sequence[str],
    *,
    name: str,
    mounts: Sequence[Mount] = (),
    always: Sequence[str] = (),
) -> list[str]:
    """Return the command line that runs a program in a container, and removes the container when it has ended.

    The program reads and writes what the command line does; what its setup script prints goes to standard error. What
    the image itself would run is left out, and root runs the program, who may become another user.

    Args:
        program: What runs in it, behind the setup script.
        name: Of the container, by which it can be killed.
        mounts: Folders of the machine that it sees.
        always: The arguments of the machine's owner.

    Raises:
        Invalid: It cannot have this name, or a folder is none that can be mounted.
    """
    if not _NAME.fullmatch(name):
        raise Invalid(f"not a name for a container: {name[:200]!r}")
    # What runs in it gains no rights by a setuid program, and what it says is written to no log of the runtime's.
    fixed = ["--rm", "--interactive", f"--name={name}", f"--hostname={name[:_LONGEST_HOST]}", "--user=0"]
    fixed += ["--entrypoint=/bin/sh", "--security-opt=no-new-privileges", "--log-driver=none"]
    seen = [_mounted(one) for one in mounts]
    script = f'exec 8<&0 9>&1 </dev/null >&2\n{container.setup_script}\nexec "$@" <&8 >&9 8<&- 9>&-'
    inner = ["-e", "-c", script, "sh", *program]
    return [runtime, "run", *fixed, *seen, *container.arguments, *always, container.image, *inner]


def _mounted(mount: Mount) -> str:
    """Return the argument that mounts a folder."""
    folders = (mount.folder, mount.inside or mount.folder)
    for one in folders:
        if not one.startswith("/") or set(one) & _NOT_MOUNTED or not one.isprintable():
            raise Invalid(
                f"the folder {one[:500]!r} cannot be mounted into a container",
                hint="keep the home of Penstock in a folder whose name has no comma, quote or line end",
            )
    source, target = folders
    return f"--mount=type=bind,source={source},target={target}{'' if mount.writable else ',readonly'}"


def _fits(image: str, pattern: str) -> bool:
    """Return whether an image fits a pattern, part by part: a `*` never reaches into another part or a host."""
    parts, wanted = image.split("/"), pattern.split("/")
    if wanted[-1] == "**" and len(wanted) > 1:
        wanted, rest = wanted[:-1], parts[len(wanted) - 1 :]
        parts = parts[: len(wanted)]
        if not rest:
            return False
    if len(parts) != len(wanted):
        return False
    return all(
        re.fullmatch(".*".join(map(re.escape, one.split("*"))), part) for part, one in zip(parts, wanted, strict=True)
    )


def _split(text: str) -> list[tuple[str, str]]:
    """Return a task's further arguments as pairs of a name without dashes and a value."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Invalid(f"the arguments of the container cannot be read: {error}", hint="close every quote") from None
    found: list[tuple[str, str]] = []
    waiting = iter(words)
    for word in waiting:
        option, equals, value = word.partition("=")
        name = _SHORT.get(option) or (option[2:] if option.startswith("--") else "")
        if not name:
            raise _refused(word, "it is no option that is known here")
        if name not in ARGUMENTS:
            raise _refused(option, "no task may have it")
        if not equals and name not in _FLAGS:
            value = next(waiting, "")
        found.append((name, value))
    return found


def _argument(name: str, value: str, allowed: Allowed) -> str:
    if name not in allowed.arguments:
        raise Forbidden(
            f"the container's argument --{name} is not allowed on this machine",
            hint=f"to allow it, add {name!r} to `arguments` under [agent.containers] in config.toml",
        )
    if not ARGUMENTS[name].fullmatch(value):
        raise Invalid(f"the container's argument --{name} cannot be {value[:200]!r}")
    return f"--{name}={value}" if value else f"--{name}"


def _refused(word: str, why: str) -> Forbidden:
    known = ", ".join(f"--{name}" for name in sorted(ARGUMENTS))
    return Forbidden(
        f"the container's argument {word[:200]!r} is refused: {why}",
        hint=f"tasks can be allowed {known}; anything else the machine's owner gives to all, as `always`",
    )
