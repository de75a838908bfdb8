"""What a server costs: `python bench/server.py`. A server in a process of its own, and clients on the same machine.

It prints how long the server takes to be ready, its memory when nobody asks, and what a small operation costs both
sides. The floor is the same operation without HTTP, in one process.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from penstock.backend import Backend, connect
from penstock.ops.tasks import CreateTask, GetTask, NewTask, SetParameters
from penstock.settings import Settings

TASK = "1" * 32
STARTS = 5
CALLS = 2000
CLIENTS = 4
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_of(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000


def start(home: Path) -> tuple[subprocess.Popen[str], str, float]:
    """Start a server; return it, its address, and the seconds until it said that it is ready."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "penstock", "server", "--port", "0"]
    environment = {**os.environ, "PENSTOCK_HOME": str(home)}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    said = server.stdout.readline()
    return server, said.rpartition("=")[2].strip(), time.perf_counter() - began


def stop(server: subprocess.Popen[str]) -> float:
    """Stop a server; return the seconds that it took."""
    began = time.perf_counter()
    server.send_signal(signal.SIGTERM)
    server.communicate()
    return time.perf_counter() - began


def ask(backend: Backend, number: int) -> None:
    """Ask for a small thing so many times."""
    for _ in range(number):
        backend.call(GetTask(id=TASK))


def write(backend: Backend, number: int) -> None:
    """Change a small thing so many times."""
    for _ in range(number):
        backend.call(SetParameters(task=TASK, parameters=()))


def row(name: str, value: float, unit: str) -> None:
    """Print one figure."""
    print(f"{name:55} {value:10.1f} {unit}")


def measure(home: Path) -> None:
    """Measure everything with one home."""
    starts = [start(home) for _ in range(1)]
    for _ in range(STARTS - 1):
        stop(starts[-1][0])
        starts.append(start(home))
    server, url, _ = starts[-1]
    row("ready after (median of 5)", statistics.median(one[2] for one in starts) * 1000, "ms")
    row("memory when nobody has asked yet", memory_of(server.pid), "MB")
    own = connect(Settings(home=home, workers=1))
    own.call(CreateTask(task=NewTask(id=TASK, name="t", project="Bench")))
    remote = connect(Settings(home=home, workers=1, url=url))
    for name, work in (("GetTask", ask), ("SetParameters", write)):
        work(own, 100)
        began, used = time.perf_counter(), time.process_time()
        work(own, CALLS)
        row(f"{name} without HTTP: processor time", (time.process_time() - used) / CALLS * 1e6, "us")
        row(f"{name} without HTTP: time", (time.perf_counter() - began) / CALLS * 1e6, "us")
        work(remote, 100)
        there, began, used = cpu_of(server.pid), time.perf_counter(), time.process_time()
        work(remote, CALLS)
        row(f"{name} over HTTP: processor time of the server", (cpu_of(server.pid) - there) / CALLS * 1e6, "us")
        row(f"{name} over HTTP: processor time of the client", (time.process_time() - used) / CALLS * 1e6, "us")
        row(f"{name} over HTTP: time, one client", (time.perf_counter() - began) / CALLS * 1e6, "us")
    threads = [threading.Thread(target=ask, args=(remote, CALLS // CLIENTS)) for _ in range(CLIENTS)]
    began = time.perf_counter()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    row(f"GetTask a second, {CLIENTS} threads of one client", CALLS / (time.perf_counter() - began), "")
    row("memory after that", memory_of(server.pid), "MB")
    own.close()
    remote.close()
    row("stopped after", stop(server) * 1000, "ms")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder) / "home")
