"""Reports what the machine uses, and what a process does with all that it started, as scalars under `:monitor:machine`.

It reads what Linux tells in /proc; elsewhere it reports nothing, but GPUs where `pynvml` is there. It must never know
whom it reports for.
"""

from __future__ import annotations

import importlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from penstock.run.reporter import Reporter

TITLE: Final = ":monitor:machine"
FIRST: Final = 3.0  # seconds until the first report, so that short tasks have one
EVERY: Final = 10.0  # seconds between reports
SETTLED: Final = 0.5  # seconds before it looks at all: most tasks that are over by then are over at once

Process = int | str
"""A process id, or `self` for this process."""

_PROC: Final = Path("/proc")
_SECTOR: Final = 512  # bytes, in /proc/diskstats, whatever the disk's own are
_TICKS: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100  # of a second of CPU time
_MB: Final = 1e6
_GB: Final = 1e9
_NOT_A_DISK: Final = ("loop", "ram", "zram", "dm-", "md", "sr")  # or what lies on others and would be counted twice

Counts = dict[str, float]


class ResourceMonitor:
    """Reports from a thread of its own between `start` and `stop`.

    Args:
        reporter: Takes the scalars; the iteration of each is the seconds since the start.
        process: Whose use is reported beside the machine's.
        first: Seconds until the first report.
        every: Seconds between reports.
        find: Finds the process whose use is reported, where it is another one; None for none yet.
    """

    def __init__(
        self,
        reporter: Reporter,
        process: Process = "self",
        first: float = FIRST,
        every: float = EVERY,
        *,
        find: Callable[[], Process | None] | None = None,
    ) -> None:
        self._reporter = reporter
        self._process = process
        self._first = first
        self._every = every
        self._find = find
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to report."""
        self._thread = threading.Thread(target=self._work, name="penstock-resources", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Report no more."""
        self._stopped.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=1)

    def _work(self) -> None:
        began = before = time.monotonic()
        if self._stopped.wait(min(SETTLED, self._first / 2)):
            return
        gpu = gpu_reader()
        self._look()
        counted = counts(self._process)
        pause = self._first
        while not self._stopped.wait(pause):
            now = time.monotonic()
            latest = counts(self._process)
            found = rates(counted, latest, now - before) | levels(self._process) | gpu()
            for name, value in found.items():
                self._reporter.scalar(TITLE, name, value, int(now - began))
            counted, before, pause = latest, now, self._every
            if self._look():
                counted = counts(self._process)

    def _look(self) -> bool:
        """Look for the process that is meant, until it is found; return whether it was found just now."""
        found = self._find() if self._find is not None else None
        if found is None:
            return False
        self._process, self._find = found, None
        return True


def counts(process: Process = "self") -> Counts:
    """Return what only ever grows: seconds of work, bytes moved; of the machine, and of a process and its children."""
    return cpu_seconds() | _disk_bytes() | _network_bytes() | _of_processes(tree(process))


def tree(process: Process) -> list[Process]:
    """Return a process with all that it started and that lives."""
    found: list[Process] = [process]
    for one in found:  # which grows meanwhile
        with suppress(OSError):
            for thread in (_PROC / str(one) / "task").iterdir():
                with suppress(OSError):
                    found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def rates(before: Counts, after: Counts, seconds: float) -> Counts:
    """Return how fast it grew: per cent of all cores, MB a second.

    Args:
        before, after: What `counts` returned, and this many seconds later.
    """
    grown = {name: max(after[name] - before[name], 0.0) for name in after if name in before}
    found: Counts = {}
    total = grown.pop("cpu_total", 0.0)
    busy = grown.pop("cpu_busy", 0.0)
    if total:
        found["cpu_usage"] = 100 * busy / total
    if "process_cpu" in grown and seconds:
        found["process_cpu_usage"] = 100 * grown.pop("process_cpu") / seconds / (os.cpu_count() or 1)
    return found | {f"{name}_mbs": value / _MB / seconds for name, value in grown.items() if seconds}


def levels(process: Process = "self") -> Counts:
    """Return what goes up and down, in GB: memory, of the machine and of a process and its children, and free disk.

    What processes share is counted for each of them. The disk is that of the folder which the process works in.
    """
    found = memory()
    with suppress(KeyError):
        found["disk_free_gb"] = disk(_PROC / str(process) / "cwd")["disk_free_gb"]
    pages = 0
    for one in tree(process):
        with suppress(OSError, ValueError, IndexError):
            pages += int((_PROC / str(one) / "statm").read_text().split()[1])
    if pages:
        found["process_memory_gb"] = pages * os.sysconf("SC_PAGE_SIZE") / _GB
    return found


def memory() -> Counts:
    """Return how much memory of the machine is used and free, in GB."""
    with suppress(OSError, ValueError, KeyError):
        lines = (line.split() for line in (_PROC / "meminfo").read_text().splitlines())
        amounts = {name.rstrip(":"): int(rest[0]) * 1024 for name, *rest in lines}
        used, free = amounts["MemTotal"] - amounts["MemAvailable"], amounts["MemAvailable"]
        return {"memory_used_gb": used / _GB, "memory_free_gb": free / _GB}
    return {}


def disk(folder: Path) -> Counts:
    """Return how much of the disk that a folder lies on is used, and free to others than root, in GB."""
    with suppress(OSError):
        found = shutil.disk_usage(folder)
        return {"disk_used_gb": found.used / _GB, "disk_free_gb": found.free / _GB}
    return {}


def _of_processes(processes: list[Process]) -> Counts:
    """Return what these processes used, with their children that have ended: seconds of CPU, bytes of disks."""
    found: Counts = {}
    for one in processes:
        with suppress(OSError, ValueError, IndexError):
            ticks = (_PROC / str(one) / "stat").read_text(errors="replace").rpartition(")")[2].split()[11:15]
            found["process_cpu"] = found.get("process_cpu", 0.0) + sum(map(int, ticks)) / _TICKS
        with suppress(OSError, ValueError, KeyError):
            lines = (line.partition(":") for line in (_PROC / str(one) / "io").read_text().splitlines())
            moved = {name: int(amount) for name, _, amount in lines}
            for name in ("read", "write"):
                key = f"process_io_{name}"
                found[key] = found.get(key, 0.0) + moved[f"{name}_bytes"]
    return found


def cpu_seconds() -> Counts:
    """Return for how many seconds the cores of the machine worked, and all they had."""
    with suppress(OSError, ValueError, IndexError):
        user, nice, system, idle, waiting, *rest = map(int, (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9])
        busy = user + nice + system + sum(rest)
        return {"cpu_busy": float(busy), "cpu_total": float(busy + idle + waiting)}
    return {}


def _disk_bytes() -> Counts:
    found = {"io_read": 0.0, "io_write": 0.0}
    with suppress(OSError, ValueError, IndexError):
        disks: list[str] = []
        for line in (_PROC / "diskstats").read_text().splitlines():
            words = line.split()
            name = words[2]
            if name.startswith(_NOT_A_DISK) or any(name.startswith(disk) for disk in disks):
                continue  # a partition comes after its disk
            disks.append(name)
            found["io_read"] += int(words[5]) * _SECTOR
            found["io_write"] += int(words[9]) * _SECTOR
        return found
    return {}


def _network_bytes() -> Counts:
    found = {"network_rx": 0.0, "network_tx": 0.0}
    with suppress(OSError, ValueError, IndexError):
        for line in (_PROC / "net" / "dev").read_text().splitlines()[2:]:
            name, _, rest = line.partition(":")
            if name.strip() != "lo":
                numbers = rest.split()
                found["network_rx"] += int(numbers[0])
                found["network_tx"] += int(numbers[8])
        return found
    return {}


def gpu_reader() -> Callable[[], Counts]:
    """Return what reads the GPUs; it returns nothing where there are none, or no library that knows them."""
    try:
        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
        handles = [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount())]
    except Exception:  # noqa: BLE001 - a library of others, and a driver: whatever it is, there is nothing to read
        return dict
    return lambda: _gpus(nvml, handles)


def _gpus(nvml: Any, handles: list[Any]) -> Counts:
    found: Counts = {}
    for number, handle in enumerate(handles):
        with suppress(Exception):  # one that fell off the bus
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            found[f"gpu_{number}_utilization"] = float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
            found[f"gpu_{number}_mem_used_gb"] = memory.used / _GB
            found[f"gpu_{number}_mem_free_gb"] = memory.free / _GB
    return found
