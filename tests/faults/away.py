"""Has a server be away for minutes while an agent carries out steps, and looks what becomes of them.

    python -m tests.faults.away --seconds 600

One step says and measures something ten times a second all the while. Another one ends while the server is away and
leaves an artifact. A third one needs both. It is done with SQLite and with PostgreSQL, side by side. In the end no
process was killed, no step was begun twice, every line and every point is there once, and the run has completed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.place import Place, alive, until
from tests.support.postgresql import Cluster

from penstock.ops.claims import ListHeld
from penstock.ops.outputs import GetScalars, ReadConsole

SCRIPT = """
import json, os, time
from pathlib import Path
from penstock import Logger, PipelineController

FOLDER = os.environ["PYTHONPATH"]

def talk(folder, name):
    "Say and measure something until it may end; return how often it did."
    with open(f"{folder}/{name}.begun", "a") as begun:
        begun.write("x")
    Path(folder, f"{name}.pid").write_text(json.dumps(os.getpid()))
    said = 0
    while not Path(folder, f"{name}.go").exists():
        print("line", said)
        Logger.current_logger().report_scalar("loss", "train", said, iteration=said)
        said += 1
        Path(folder, f"{name}.said").write_text(str(said))
        time.sleep(0.1)
    return list(range(said)) * 100

def join(folder, first, second):
    return [len(first), len(second)]

pipe = PipelineController("away", "Faults", packages=[])
pipe.set_default_execution_queue("default")
for name in ("steady", "early"):
    pipe.add_function_step(name, talk, {"folder": FOLDER, "name": name}, ["values"])
arguments = {"folder": FOLDER, "first": "${steady.values}", "second": "${early.values}"}
pipe.add_function_step("join", join, arguments, ["lengths"])
pipe.start(wait=False)
"""
STEPS = ("steady", "early")


class Broken(Exception):
    """Something was killed, lost, or done twice."""


class Absence:
    """A server with an agent and a run, and what there is to see of them."""

    def __init__(self, folder: Path, database: str | None) -> None:
        folder.mkdir()
        self.kind = "PostgreSQL" if database else "SQLite"
        self.place = Place(folder, server=True, database=database)
        self.port = self.place.port
        self.place.agent("--workers", "2")
        self.place.run(SCRIPT)
        self.pids = {step: self.place.told(f"{step}.pid") for step in STEPS}

    def said(self, step: str) -> int:
        """Return how often a step has said something."""
        file = self.place.folder / f"{step}.said"
        return int(until(lambda: file.exists() and file.read_text()))

    def go(self, step: str) -> None:
        """Let a step end."""
        (self.place.folder / f"{step}.go").touch()

    def look_at_processes(self) -> None:
        """Look whether the steps that go on live."""
        if not alive(self.pids["steady"]):
            raise Broken(f"{self.kind}: the step that goes on was killed\n{self.place.logs()}")

    def look(self) -> str:
        """Look at what is recorded; return it in words."""
        found = self.place.ended("away")
        if found != ("completed", dict.fromkeys((*STEPS, "join"), "completed")):
            raise Broken(f"{self.kind}: the run and its steps ended as {found}\n{self.place.logs()}")
        for step in STEPS:
            self._look_at_step(step)
        if held := self.place.backend.call(ListHeld()):
            raise Broken(f"{self.kind}: these are still held: {[one.task.name for one in held]}")
        return f"{self.kind}: {' and '.join(str(self.said(step)) for step in STEPS)} lines and as many points"

    def _look_at_step(self, step: str) -> None:
        attempts = self.place.attempts("away", step)
        begun = (self.place.folder / f"{step}.begun").read_text()
        if len(attempts) != 1 or begun != "x":
            raise Broken(f"{self.kind}: {step} was begun {len(begun)} times, in {len(attempts)} attempts")
        count = self.said(step)
        chunks = self.place.backend.call(ReadConsole(task=attempts[0].id, limit=count + 1_000))
        lines = [line.text for chunk in chunks for line in chunk.lines]
        if lines != [f"line {number}" for number in range(count)]:
            raise Broken(f"{self.kind}: {step} said {count} lines, and {len(lines)} are recorded, or others")
        series = self.place.backend.call(GetScalars(task=attempts[0].id, titles=("loss",)))
        if [point.value for one in series for point in one.points] != list(range(count)):
            raise Broken(f"{self.kind}: of {count} points of {step}, not all are recorded, or some twice")


def main() -> None:
    """Let the servers be away once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0, help="for how long they are away")
    told = parser.parse_args()
    cluster = Cluster()
    absences: list[Absence] = []
    with tempfile.TemporaryDirectory(prefix="away-") as folder:
        try:
            for name, database in (("sqlite", None), ("postgres", cluster.url(cluster.make()))):
                absences.append(Absence(Path(folder, name), database))
            print("; ".join(_be_away(absences, told.seconds)))
        except Broken as broken:
            raise SystemExit(f"BROKEN: {broken}") from None
        finally:
            for one in absences:
                one.place.close()
            cluster.remove()


def _be_away(absences: list[Absence], seconds: float) -> list[str]:
    for one in absences:
        one.place.kill_server()
    left = time.monotonic()
    time.sleep(min(5.0, seconds / 2))
    for one in absences:
        one.go("early")
    while time.monotonic() - left < seconds:
        time.sleep(min(5.0, seconds / 10))
        for one in absences:
            one.look_at_processes()
    away = time.monotonic() - left
    for one in absences:
        one.place.start_server(one.port)
    back = time.monotonic()
    for one in absences:
        one.go("steady")
    found = [one.look() for one in absences]
    return [f"away for {away:.0f} s, all is there {time.monotonic() - back:.1f} s after it was back", *found]


if __name__ == "__main__":
    main()
