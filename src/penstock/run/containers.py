"""Finds the program that runs containers on this machine.

It must never know what a container is asked for; see `core.containers`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

from penstock.core.containers import Allowed, Runtime
from penstock.core.errors import NotFound, PenstockError
from penstock.settings import environment

PREFERRED: tuple[Runtime, ...] = ("podman", "docker")
QUICK = 20.0  # seconds that it gets to answer


def find(allowed: Allowed, variables: Mapping[str, str] | None = None) -> Runtime:
    """Return the program that runs containers: the one that the owner of the machine chose, else the one that is here.

    Args:
        allowed: What the owner says of containers.
        variables: Environment variables; None for those of this process.

    Raises:
        NotFound: There is none.
        PenstockError: It does not answer, since its service does not run or does not let this user in.
    """
    found = environment() if variables is None else dict(variables)
    names: tuple[Runtime, ...] = (allowed.runtime,) if allowed.runtime else PREFERRED
    there: list[Runtime] = [name for name in names if shutil.which(name, path=found.get("PATH", ""))]
    if not there:
        raise NotFound(
            f"no program that runs containers is installed (looked for {' and '.join(names)})",
            hint="install podman or docker on this machine, or take the container from the task",
        )
    if reason := _why_not(there[0], found):
        raise PenstockError(f"{there[0]} is installed and does not answer: {reason}", hint=f"see: {there[0]} version")
    return there[0]


def _why_not(runtime: Runtime, variables: Mapping[str, str]) -> str:
    """Return why a program cannot start containers; empty when it can."""
    program = shutil.which(runtime, path=variables.get("PATH", "")) or runtime
    try:
        done = subprocess.run(
            [program, "version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=QUICK,
            env=variables,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if not done.returncode:
        return ""
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:500] if lines else f"it ended with exit code {done.returncode}"
