"""Kills a run at random moments, lets it go on until it completes, and looks whether anything was lost or done twice.

    python tests/faults/chaos.py --kills 500 --seed 1

One cycle: a real script is started as a process of its own; at a moment drawn from the length of an undisturbed run,
SIGKILL goes to the script, its warm process or one of its steps; then the run goes on, by `penstock resume` or by its
script, perhaps to be killed again, until it completes. What was executed is counted in a file that the steps append to,
apart from the database.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from findings import MARK, Broken, check_attempts, children, compare, made, marked

from penstock.backend import Backend, connect
from penstock.core.decision import DecisionKind
from penstock.core.run import RunDetail
from penstock.core.task import Status, Task
from penstock.ops.decisions import ListDecisions
from penstock.ops.health import CheckHealth
from penstock.ops.runs import DeleteRun, FindRun, GetRun
from penstock.ops.tasks import ListTasks
from penstock.settings import Settings

SCRIPT = """
import os
import sys
import time

from penstock import Logger, PipelineController, Task

LEDGER, CALLS, FLAKE, WITH_CALLBACKS = sys.argv[1:5]


def note(ledger, what):
    task = Task.current_task().data
    descriptor = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{task.step} {task.attempt} {what}\\n".encode())
    os.close(descriptor)


def first(ledger):
    note(ledger, "started")
    return [1, 2, 3]


def wide(ledger, values, number):
    note(ledger, "started")
    for epoch in range(20):
        Logger.current_logger().report_scalar("loss", "train", 1 / (epoch + number), iteration=epoch)
        print("epoch", epoch)
        time.sleep(0.003)
    return {"number": number, "sum": sum(values) * number}


def flaky(ledger, values, flake):
    note(ledger, "started")
    if not os.path.exists(flake):
        open(flake, "w").close()
        raise RuntimeError("not yet")
    return sum(values)


def join(ledger, parts, flaky, more):
    note(ledger, "started")
    time.sleep(0.05)
    return [part["sum"] for part in parts] + [flaky, more]


def last(ledger, total):
    note(ledger, "started")
    return sum(total)


def called(pipe, node):
    with open(CALLS, "a") as calls:
        calls.write(f"{pipe.id} {node.name}\\n")


def asked(pipe, node, parameters):
    time.sleep(0.03)
    parameters["kwargs/more"] = 1000


with_callbacks = WITH_CALLBACKS == "yes"
pipe = PipelineController("chaos", "Faults")
pipe.add_function_step("first", first, {"ledger": LEDGER}, ["values"])
for number in range(1, 5):
    pipe.add_function_step(
        f"wide{number}",
        wide,
        {"ledger": LEDGER, "values": "${first.values}", "number": number},
        ["part"],
        monitor_metrics=[(("loss", "train"), ("loss", f"wide{number}"))],
        monitor_artifacts=[("part", f"part{number}")],
    )
pipe.add_function_step(
    "flaky", flaky, {"ledger": LEDGER, "values": "${first.values}", "flake": FLAKE}, ["sum"], retry_on_failure=1
)
parts = [f"${{wide{number}.part}}" for number in range(1, 5)]
pipe.add_function_step(
    "join", join, {"ledger": LEDGER, "parts": parts, "flaky": "${flaky.sum}", "more": 0 if with_callbacks else 1000},
    ["total"],
    pre_execute_callback=asked if with_callbacks else None,
    post_execute_callback=called if with_callbacks else None,
)
pipe.add_function_step("last", last, {"ledger": LEDGER, "total": "${join.total}"}, ["sum"])
pipe.start_locally(run_pipeline_steps_locally=True, resume=os.environ.get("CHAOS_RESUME"))
"""
STEPS = ("first", "wide1", "wide2", "wide3", "wide4", "flaky", "join", "last")
PARAMETERS = {"kwargs/ledger", "kwargs/flake"}  # that are others in each cycle
SOONEST = 0.2  # of the length of a run: before that, Python starts
AGAIN = 0.3  # how often a run that goes on is killed once more
MOST_RESUMES = 12
PATIENCE = 60.0  # seconds that a script gets
GONE = 5.0  # seconds after which nothing may be left of a script


class Cycle:
    """The files of one run, and the processes that carry it out."""

    def __init__(self, folder: Path, home: Path, number: int) -> None:
        self.number = number
        self.folder = folder / str(number)
        self.folder.mkdir()
        self.callbacks = number % 2 == 0
        self.ledger, self.calls = self.folder / "ledger", self.folder / "calls"
        self.mark = f"{os.getpid()}-{number}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COV_")},
            "PENSTOCK_HOME": str(home),
            "PENSTOCK_PROGRESS": "none",
            MARK: self.mark,
        }
        self.output = ""

    def start(self, resume: str | None = None) -> subprocess.Popen[str]:
        """Start the script, or let its run go on."""
        command = [sys.executable, str(self.folder.parent / "script.py"), str(self.ledger), str(self.calls)]
        command += [str(self.folder / "flake"), "yes" if self.callbacks else "no"]
        environment = self.environment
        if resume and not self.callbacks:
            command = [sys.executable, "-m", "penstock", "resume", resume, "--plain"]
        elif resume:
            environment = {**environment, "CHAOS_RESUME": resume}
        return subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder.parent,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> None:
        """Wait until the process has ended, and keep what it printed."""
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Broken(f"a script did not end within {PATIENCE:g} s") from None
        self.output += output

    def alive(self) -> list[int]:
        """Return the processes that are left of this cycle."""
        return marked(self.mark)


def victims(script: int) -> dict[str, list[int]]:
    """Return the processes that can be killed now, by what they are."""
    warm = children(script)
    return {"script": [script], "warm process": warm, "step": [one for each in warm for one in children(each)]}


def kill_somebody(script: int, chance: random.Random) -> str:
    """Kill the script, its warm process or a step; return which it was."""
    found = {name: pids for name, pids in victims(script).items() if pids}
    kind = chance.choice(sorted(found))
    with suppress(ProcessLookupError):
        os.kill(chance.choice(found[kind]), signal.SIGKILL)
    return kind


class Chaos:
    """Runs cycles and keeps count.

    Args:
        folder: Where the home and the files of the cycles lie.
        seed: Where chance begins.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.folder = folder
        self.home = folder / "home"
        (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
        self.killed: Counter[str] = Counter()
        self.resumes = self.cycles = 0
        self.backend: Backend = connect(Settings(home=self.home, workers=2))
        began = time.monotonic()
        calm = Cycle(folder, self.home, 0)
        calm.finish(calm.start())
        self.length = time.monotonic() - began
        self.expected = made(self.backend, self.check(calm, None))

    @property
    def kills(self) -> int:
        """How many processes have been killed."""
        return sum(self.killed.values())

    def cycle(self) -> None:
        """Run one pipeline to its end, whatever is killed meanwhile, and look at what it left."""
        self.cycles += 1
        cycle = Cycle(self.folder, self.home, self.cycles)
        process = cycle.start()
        self.disturb(cycle, process)
        run = self.run_of(cycle)
        if run is None or run.run.number == 0:
            return  # killed before it began: nothing is recorded that could go on
        for _ in range(MOST_RESUMES):
            if self.status(run) is Status.COMPLETED:
                break
            self.resumes += 1
            process = cycle.start(resume=run.run.id)
            if self.chance.random() < AGAIN:
                self.disturb(cycle, process)
            else:
                cycle.finish(process)
        found = made(self.backend, self.check(cycle, run.run.id))
        compare(run.run.id, found, self.expected)
        self.backend.call(DeleteRun(id=run.run.id))

    def disturb(self, cycle: Cycle, process: subprocess.Popen[str]) -> None:
        """Kill somebody at a random moment, and wait for the end of the script."""
        with suppress(subprocess.TimeoutExpired):
            process.wait(self.chance.uniform(SOONEST * self.length, self.length))
        if process.poll() is None:
            self.killed[kill_somebody(process.pid, self.chance)] += 1
        cycle.finish(process)

    def run_of(self, cycle: Cycle) -> RunDetail | None:
        """Return the run that the script of this cycle began, if it came so far."""
        if "is locked" in cycle.output:
            raise Broken(f"a script met a lock: {cycle.output}")
        with suppress(Exception):
            detail = self.backend.call(GetRun(id=self.backend.call(FindRun(text="last")).id))
            given = detail.definition.steps[0].arguments["ledger"].value
            return detail if given == str(cycle.ledger) else None
        return None

    def status(self, run: RunDetail) -> Status:
        """Return where the run stands now."""
        return self.backend.call(GetRun(id=run.run.id)).run.task.status

    def check(self, cycle: Cycle, run: str | None) -> RunDetail:
        """Look whether all is as it must be; return the run.

        Raises:
            Broken: It is not.
        """
        call = self.backend.call
        detail = call(GetRun(id=run or call(FindRun(text="last")).id))
        if detail.run.task.status is not Status.COMPLETED:
            raise Broken(f"the run is {detail.run.task.status}: {detail.run.task.message}\n{cycle.output}")
        attempts: dict[str, list[Task]] = {}
        for task in call(ListTasks(run=detail.run.id, limit=10_000)):
            attempts.setdefault(task.step or "", []).append(task)
        executed = Counter(line for line in cycle.ledger.read_text().splitlines())
        for name in STEPS:
            check_attempts(name, attempts.get(name, []), executed)
        self.check_calls(cycle, detail)
        if health := call(CheckHealth()).problems:
            raise Broken(f"the database is not whole: {health}")
        until = time.monotonic() + GONE
        while (alive := cycle.alive()) and time.monotonic() < until:
            time.sleep(0.01)
        if alive:
            raise Broken(f"processes are left: {alive}")
        return detail

    def check_calls(self, cycle: Cycle, detail: RunDetail) -> None:
        """The post-execute callback was called once an end of the step; once more where the script died in between."""
        if not cycle.callbacks:
            return
        calls = len(cycle.calls.read_text().splitlines()) if cycle.calls.exists() else 0
        found = self.backend.call(ListDecisions(run=detail.run.id, step="join"))
        recorded = [one.related for one in found if one.kind is DecisionKind.CALL]
        last = next(state.task for state in detail.steps if state.name == "join")
        wrong = len(recorded) != len(set(recorded)) or recorded[-1:] != [last]
        if wrong or not len(recorded) <= calls <= len(recorded) + self.killed["script"]:
            raise Broken(f"the callback of 'join' was called {calls} times, and is recorded for {recorded}")


def main() -> None:
    """Kill until enough have been killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    told = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        chaos = Chaos(Path(folder), told.seed)
        print(f"seed {told.seed}; an undisturbed run takes {chaos.length:.2f} s", flush=True)
        while chaos.kills < told.kills:
            try:
                chaos.cycle()
            except Broken as broken:
                raise SystemExit(f"BROKEN in cycle {chaos.cycles} after {chaos.kills} kills: {broken}") from None
            if chaos.cycles % 25 == 0:
                print(f"{chaos.kills} kills, {chaos.resumes} resumes", flush=True)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(chaos.killed.items()))
    print(
        f"{chaos.kills} kills ({kinds}) in {chaos.cycles} cycles, {chaos.resumes} resumes: "
        f"0 lost, 0 twice, {time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
