"""Runs a Python process and measures it with all its descendants: time, processor time, memory.

It knows nothing of what the process does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

HERE = Path(__file__).resolve().parent
PAUSE = 0.002  # seconds between two looks at the memory
RESULT = "result.json"


class Said(Struct, frozen=True, kw_only=True):
    """What a measured process tells of itself, in the file that it is given.

    Args:
        seconds: What the thing to measure took, without the start of the process around it.
        cpu: Seconds of processor time that the process itself spent in it, without its children.
        commits: Durable commits that the process made, from its start to its end.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    commits: int = 0


class Sample(Struct, frozen=True, kw_only=True):
    """One process, measured.

    Args:
        wall: Seconds from its start to its end.
        cpu: Seconds of user and system time, of it and of all descendants that were waited for.
        largest: Bytes of the largest process among them at its peak, as the kernel counted.
        tree: Bytes of all of them at the peak of their sum, shared pages counted once; 0 when nobody looked.
        said: What it said itself.
    """

    wall: float
    cpu: float
    largest: int
    tree: int = 0
    said: Said = Said()


def measure(
    command: tuple[str, ...], folder: Path, *, times: int = 1, warm: bool = False, look: bool = False
) -> Sample:
    """Run Python with these arguments, each time in a fresh home below the folder, and return the medians.

    Args:
        command: What follows `python`; `{result}` stands for the file that is read as `Said`.
        times: How often it is run.
        warm: Whether the home has been used by the same command once before.
        look: Whether to watch the memory of all processes, which slows them down.
    """
    samples: list[Sample] = []
    for _ in range(times):
        home = Path(tempfile.mkdtemp(dir=folder))
        try:
            if warm:
                _run(command, home, look=False)
            samples.append(_run(command, home, look=look))
        finally:
            shutil.rmtree(home)
    return middle(samples)


def middle(samples: list[Sample]) -> Sample:
    """Return the median of each figure."""
    return Sample(
        wall=median(one.wall for one in samples),
        cpu=median(one.cpu for one in samples),
        largest=max(one.largest for one in samples),
        tree=max(one.tree for one in samples),
        said=Said(
            seconds=median(one.said.seconds for one in samples),
            cpu=median(one.said.cpu for one in samples),
            commits=max(one.said.commits for one in samples),
        ),
    )


def _run(command: tuple[str, ...], home: Path, *, look: bool) -> Sample:
    result, errors = home / RESULT, home / "errors.txt"
    arguments = [sys.executable, *(one.replace("{result}", str(result)) for one in command)]
    with errors.open("w") as file:
        began = time.perf_counter()
        process = subprocess.Popen(
            arguments,
            cwd=HERE,
            env=_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
        )
        tree = _watch(process.pid) if look else 0
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}:\n{errors.read_text()}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Sample(
        wall=wall,
        cpu=used.ru_utime + used.ru_stime,
        largest=used.ru_maxrss * unit,
        tree=tree,
        said=msgspec.json.decode(result.read_bytes(), type=Said) if result.exists() else Said(),
    )


def _environment(home: Path) -> Mapping[str, str]:
    """Return an environment in which only this source tree and this home count, and bytecode is kept as usual."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PENSTOCK", "COV"))}
    return ours | {
        "PYTHONPATH": str(HERE.parent / "src"),
        "PENSTOCK_HOME": str(home / "home"),
        "PENSTOCK_CONFIG": str(home / "none.toml"),
    }


def _watch(root: int) -> int:
    """Look at the memory of a process and its descendants until it ends; return the largest sum."""
    largest = 0
    while os.waitid(os.P_PID, root, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        largest = max(largest, sum(map(_memory, _descendants(root))))
        time.sleep(PAUSE)
    return largest


def _descendants(root: int) -> list[int]:
    found = [root]
    for pid in found:
        with suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def _memory(pid: int) -> int:
    """Return the bytes of a process, its part of shared pages counted by how many share them; 0 when it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
