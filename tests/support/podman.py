"""A program that does what `podman` does with the command lines that are given to it here, on a machine without one.

Its containers are real processes, with an environment, a session and a keeper of their own, as podman's are: the keeper
outlives who asked for the container, and clears up behind it. They see the files of the machine. When the first process
of a container has ended, so have all others. Its only image has the Python that runs the tests.

`install` puts it into a folder; what was asked of it is in `asked` there, and what lives in `living`.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

IMAGE = "localhost/tests:1"
MARK = "PODMAN_OF_TESTS"
_PR_SET_NAME = 15
_FLAGS = {"--rm", "--interactive", "--force", "--init", "--read-only"}


def install(folder: Path, name: str = "podman") -> Path:
    """Make the program in a folder; return what it writes there."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{__file__}" "{folder}" "$@"\n')
    program.chmod(0o755)
    (folder / "living").mkdir(exist_ok=True)
    (folder / "asked").touch()
    return folder


def living(folder: Path) -> list[str]:
    """Return the names of its containers."""
    return sorted(one.name for one in (folder / "living").iterdir())


def main(folder: Path, words: list[str]) -> int:
    with (folder / "asked").open("a") as log:
        log.write(json.dumps(words) + "\n")
    command, *rest = words
    options = [one for one in rest if one.startswith("-")]
    match command:
        case "version":
            return 0
        case "run":
            return run(folder, rest)
        case "inspect" if "--format={{.State.Pid}}" in options:
            return tell(folder, rest[-1])
        case "stop" if rest[:2] == ["-t", "1"]:
            return stop(folder, rest[-1], forget=False)
        case "rm" if options == ["--force"]:
            return stop(folder, rest[-1], forget=True)
    sys.stderr.write(f"Error: unknown command {words}\n")
    return 125


def run(folder: Path, words: list[str]) -> int:
    """Run a container to its end, as long as nobody kills us."""
    options: dict[str, list[str]] = {}
    while words[0].startswith("-"):
        name, equals, value = words.pop(0).partition("=")
        if not equals and name not in _FLAGS:
            sys.stderr.write(f"Error: unknown flag: {name}\n")
            return 125
        options.setdefault(name, []).append(value)
    image, *arguments = words
    if image != IMAGE:
        sys.stderr.write(f"Error: initializing source docker://{image}: no registry is known\n")
        return 125
    for mount in options.get("--mount", []):
        parts = dict(part.partition("=")[::2] for part in mount.split(","))
        source, target = parts["source"], parts["target"]
        if not Path(source).exists():
            sys.stderr.write(f"Error: statfs {source}: no such file or directory\n")
            return 125
        arguments = [f"{source}{one[len(target) :]}" if one.startswith(f"{target}/") else one for one in arguments]
    (name,) = options["--name"]
    command = [*options["--entrypoint"], *arguments]
    ours, theirs = os.pipe()
    if not os.fork():
        os.close(ours)
        keep(folder / "living" / name, command, options.get("--env", []), theirs)
    os.close(theirs)
    told = b""
    while more := os.read(ours, 16):
        told += more
    return int(told or b"125")


def keep(file: Path, command: list[str], given: list[str], theirs: int) -> None:
    """Be the keeper of a container."""
    if os.fork():
        os._exit(0)
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_NAME, b"conmon", 0, 0, 0)
    programs = os.pathsep.join((str(Path(sys.executable).parent), "/usr/bin", "/bin"))
    variables = {"PATH": programs, "HOME": "/", "container": "podman", MARK: file.name}
    variables |= dict(one.split("=", 1) for one in given)
    process = subprocess.Popen(command, env=variables, cwd="/", start_new_session=True)
    file.write_text(str(process.pid))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    code = process.wait()
    end_all(file.name)
    file.unlink(missing_ok=True)
    with suppress(OSError):
        os.write(theirs, str(code if code >= 0 else 128 - code).encode())
    os._exit(0)


def end_all(name: str) -> None:
    """Kill every process of a container, wherever it went."""
    while True:
        found = [
            pid
            for pid in map(int, filter(str.isdigit, (one.name for one in Path("/proc").iterdir())))
            if is_of(pid, name)
        ]
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return
        time.sleep(0.01)


def is_of(pid: int, name: str) -> bool:
    with suppress(OSError):
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return f"{MARK}={name}".encode() in variables
    return False


def tell(folder: Path, name: str) -> int:
    with suppress(OSError):
        print((folder / "living" / name).read_text())
        return 0
    sys.stderr.write(f'Error: inspecting object: no such object: "{name}"\n')
    return 125


def stop(folder: Path, name: str, *, forget: bool) -> int:
    file = folder / "living" / name
    if not file.exists():
        sys.stderr.write(f'Error: no container with name or ID "{name}" found: no such container\n')
        return 1
    end_all(name)
    if forget:
        file.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
