"""Kills and freezes a server, its agents and what they carry out at random moments, and looks what becomes of the runs.

    python tests/faults/chaos_agents.py --kills 500 --freezes 50 --seed 1

One wave: some runs are put into the queue of a server, and two agents carry them out. SIGKILL goes to the server, to an
agent, to a shim, to the controller of a run, to a step, to a process that others are forked from; the server and the
agents are started again, as by a supervisor. Or one of them is frozen until what it held went to another, and wakes up
then. In the end each run has completed and made what an undisturbed one makes, no attempt was executed or completed
twice, nobody is left over, and what a frozen process held is as it was when it lost that.

What was executed is counted in files that the steps append to, and what is recorded is read from the database itself:
neither depends on what is killed.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

from findings import MARK, Broken, Made, check_attempts, children, compare, made, marked, parent
from invariants import check_invariants

from penstock.backend import open_home
from penstock.core.run import ChangeKind, Run
from penstock.core.task import ENDED, EndReason, Status, Task, TaskType
from penstock.ops.changes import ListChanges
from penstock.ops.claims import Claim, ListHeld
from penstock.ops.health import CheckHealth
from penstock.ops.lifecycle import Copied, EnqueueTask
from penstock.ops.outputs import GetScalars, ListArtifacts, ReadConsole
from penstock.ops.runs import CloneRun, DeleteRun, FindRun, GetRun
from penstock.ops.tasks import GetParameters, GetTask, ListTasks
from penstock.settings import Settings

SCRIPT = """
import os
import time

from penstock import Logger, PipelineController, Task


def note(ledgers, what):
    task = Task.current_task().data
    descriptor = os.open(os.path.join(ledgers, task.run), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{task.step} {task.attempt} {what}\\n".encode())
    os.close(descriptor)


def first(ledgers):
    note(ledgers, "started")
    return [1, 2, 3]


def wide(ledgers, values, number):
    note(ledgers, "started")
    for epoch in range(20):
        Logger.current_logger().report_scalar("loss", "train", 1 / (epoch + number), iteration=epoch)
        print("epoch", epoch)
        time.sleep(0.03 * number)
    return {"number": number, "sum": sum(values) * number}


def join(ledgers, parts):
    note(ledgers, "started")
    time.sleep(0.1)
    return [part["sum"] for part in parts]


def last(ledgers, total):
    note(ledgers, "started")
    return sum(total)


LEDGERS = LEDGERS_HERE
pipe = PipelineController("chaos", "Faults", retry_on_failure=1000)  # a step that is killed has failed
pipe.set_default_execution_queue("default")
pipe.add_function_step("first", first, {"ledgers": LEDGERS}, ["values"])
for number in range(1, 4):
    arguments = {"ledgers": LEDGERS, "values": "${first.values}", "number": number}
    monitored = [(("loss", "train"), ("loss", f"wide{number}"))]
    pipe.add_function_step(f"wide{number}", wide, arguments, ["part"], monitor_metrics=monitored)
parts = [f"${{wide{number}.part}}" for number in range(1, 4)]
pipe.add_function_step("join", join, {"ledgers": LEDGERS, "parts": parts}, ["total"])
pipe.add_function_step("last", last, {"ledgers": LEDGERS, "total": "${join.total}"}, ["sum"])
pipe.start(queue=None)
"""
STEPS = ("first", "wide1", "wide2", "wide3", "join", "last")
AGENTS = 2
WIDTH = 3  # runs that go at once
LEASE = 6.0  # seconds
MOST_IN_A_WAVE = 25  # kills and freezes
SHARE_OF_FREEZES = 0.5  # how many waves, and how much in those, are freezes
AT_ONCE = 3  # that are frozen
LONGEST_PAUSE = 0.15  # seconds between two disturbances
LONGEST = 90.0  # seconds that somebody is frozen who does not lose what they hold
MOST_LOSSES = 2  # of the process of one run; it is given up when it was lost too often
PATIENCE = 120.0  # seconds after the last disturbance in which everything has to end
OFTEN = {"step": 8, "shim": 8, "controller": 3, "shim of a run": 2, "warm process": 2, "agent": 1, "server": 1}
FREEZABLE = ("server", "agent", "shim", "shim of a run", "controller", "step")


class Frozen:
    """A process that was stopped.

    Args:
        kind: What it is.
        pid: Which one.
        claim: Of a shim, what it holds.
        seconds: How long it sleeps, where that does not depend on what it holds.
    """

    def __init__(self, kind: str, pid: int, claim: Claim | None, seconds: float) -> None:
        self.kind, self.pid, self.claim = kind, pid, claim if "shim" in kind else None
        self.until = time.monotonic() + seconds
        self.longest = time.monotonic() + LONGEST

    def wake(self) -> None:
        """Let it go on."""
        with suppress(OSError):
            os.kill(self.pid, signal.SIGCONT)


class Ground:
    """A server with its agents, as processes that are started again when they are gone, and the database they use."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self.folder = folder
        self.ledgers = folder / "ledgers"
        self.ledgers.mkdir()
        self.mark = f"agents-{os.getpid()}"
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        (folder / "script.py").write_text(SCRIPT.replace("LEDGERS_HERE", repr(str(self.ledgers))), encoding="utf-8")
        self.home = Settings(home=folder / "kept", workers=2, database_url=database)
        self.backend = open_home(self.home)
        self.server: subprocess.Popen[bytes] | None = None
        self.agents: list[subprocess.Popen[bytes] | None] = [None] * AGENTS
        self.tend()

    def tend(self) -> None:
        """Start what is not there, as a supervisor would."""
        if self.server is None or self.server.poll() is not None:
            database = ["--database", self.home.database_url] if self.home.database_url else []
            self.server = self.start("server", "server", "--port", str(self.port), *database)
        for number, agent in enumerate(self.agents):
            if agent is None or agent.poll() is not None:
                given = ("--workers", "2", "--lease", str(LEASE), "--same-env")
                self.agents[number] = self.start(f"agent{number}", "agent", *given)

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a command of Penstock's; what it prints goes to a file."""
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "penstock", *command],
                env=self.environment("kept" if name == "server" else name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )

    def environment(self, home: str) -> dict[str, str]:
        """Return the variables of a process with this home."""
        clean = {name: text for name, text in os.environ.items() if not name.startswith(("PENSTOCK_", "COV"))}
        mine = {"PENSTOCK_HOME": str(self.folder / home), "PENSTOCK_CONFIG": "/nowhere", "PENSTOCK_START_AGENT": "off"}
        there = {"PENSTOCK_URL": f"http://127.0.0.1:{self.port}", "PENSTOCK_KEY": self.token()}
        return clean | mine | ({} if home == "kept" else there) | {MARK: self.mark, "PENSTOCK_PROGRESS": "none"}

    def token(self) -> str:
        """Return the key of the server's owner, once there is one."""
        file = self.folder / "kept" / "token"
        until = time.monotonic() + PATIENCE
        while not (file.exists() and file.read_text()) and self.server and time.monotonic() < until:
            time.sleep(0.01)
        return file.read_text().strip() if file.exists() else ""

    def draft(self) -> Run:
        """Record the pipeline as a draft that runs are cloned from."""
        made = subprocess.run(
            [sys.executable, str(self.folder / "script.py")],
            env=self.environment("author"), cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise Broken(made.stdout + made.stderr)
        return self.backend.call(FindRun(text="chaos"))

    def enqueue(self, draft: Run) -> str:
        """Put a run like the draft into the queue of runs; return its id."""
        id = os.urandom(16).hex()
        self.backend.call(CloneRun(source=draft.id, clone=Copied(id=id)))
        self.backend.call(EnqueueTask(id=id, queue="services"))
        return id

    def claims(self) -> list[Claim]:
        """Return what is held now."""
        return self.backend.call(ListHeld())

    def found(self) -> dict[str, list[tuple[int, Claim | None]]]:
        """Return the processes that can be killed now, by what they are, and what they hold."""
        agents = [one.pid for one in self.agents if one and one.poll() is None]
        found: dict[str, list[tuple[int, Claim | None]]] = {"agent": [(pid, None) for pid in agents]}
        if self.server and self.server.poll() is None:
            found["server"] = [(self.server.pid, None)]
        found["warm process"] = [(one, None) for pid in agents for one in children(pid)]
        for claim in self.claims():
            if claim.task.worker is None:
                continue
            pid, shim = claim.task.worker.pid, claim.task.worker.pid
            if claim.task.type is TaskType.CONTROLLER:
                if is_controller(pid):
                    found.setdefault("controller", []).append((pid, claim))
                    shim = parent(parent(pid))
                found.setdefault("shim of a run", []).append((shim, claim))
            else:
                found.setdefault("shim", []).append((shim, claim))
                steps = [(one, claim) for warm in children(shim) for one in children(warm)]
                found.setdefault("step", []).extend(steps)
            found["warm process"] += [(one, claim) for one in children(shim)]
        mine = set(marked(self.mark))
        kept = {kind: [one for one in pids if one[0] in mine] for kind, pids in found.items()}
        return {kind: pids for kind, pids in kept.items() if pids}

    def left_over(self) -> list[int]:
        """Return the processes that are neither the server, nor an agent, nor a shim of one that has no task."""
        agents = [one.pid for one in self.agents if one]
        warm = [one for agent in agents for one in children(agent)]
        standing_by: list[int] = []
        for shim in (shim for one in warm for shim in children(one)):
            below = children(shim)
            ahead = [fork for one in below for fork in children(one)]
            if len(ahead) <= 1:  # the fork that was made ahead
                standing_by += [shim, *below, *ahead]
        known = {*agents, *warm, *standing_by, self.server.pid if self.server else 0}
        return [pid for pid in marked(self.mark) if pid not in known]

    def close(self) -> None:
        """End what is left."""
        self.backend.close()
        for pid in marked(self.mark):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        for process in (self.server, *self.agents):
            if process:
                process.wait()


def is_controller(pid: int) -> bool:
    """Return whether a process carries a run out, and is not the shim that has yet to start it."""
    with suppress(OSError):
        return b"execute" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return False


class Chaos:
    """Runs waves and keeps count.

    Args:
        ground: What is disturbed.
        seed: Where chance begins.
        kills, freezes: How many there shall be.
    """

    def __init__(self, ground: Ground, seed: int, kills: int, freezes: int) -> None:
        self.ground = ground
        self.chance = random.Random(seed)
        self.kills, self.freezes = kills, freezes
        self.killed: Counter[str] = Counter()
        self.frozen: Counter[str] = Counter()
        self.lost = 0  # leases that went while their holder was frozen
        self.waves = self.runs = self.anew = 0
        self.resumed: list[subprocess.Popen[bytes]] = []
        self.losses: Counter[str] = Counter()
        self.asleep: list[Frozen] = []
        self.kept: dict[str, object] = {}  # of what a frozen process held, what was recorded when it lost it
        self.draft = ground.draft()
        self.expected: Made | None = None
        self.wave(disturbed=False)

    @property
    def is_over(self) -> bool:
        """Whether enough was disturbed."""
        return self.killed.total() >= self.kills and self.frozen.total() >= self.freezes

    def wave(self, *, disturbed: bool = True) -> None:
        """Have some runs carried out, whatever happens meanwhile, and look at what they left."""
        self.waves += disturbed
        self.losses.clear()
        self.kept.clear()
        runs = [self.ground.enqueue(self.draft) for _ in range(WIDTH if disturbed else 1)]
        left = self.chance.randint(5, MOST_IN_A_WAVE) if disturbed else 0
        all_killed = self.killed.total() >= self.kills
        freezing = self.frozen.total() < self.freezes and (all_killed or self.chance.random() < SHARE_OF_FREEZES)
        deadline = time.monotonic() + PATIENCE
        while going := [number for number, run in enumerate(runs) if self.is_open(run)]:
            time.sleep(self.chance.uniform(0.02, LONGEST_PAUSE))
            self.ground.tend()
            check_invariants(self.ground.home)
            if left and not self.is_over and self.disturb(freezing=freezing):
                left -= 1
                deadline = time.monotonic() + PATIENCE
            self.wake()
            for number in going:
                runs[number] = self.taken_up(runs[number])
            if time.monotonic() > deadline:
                raise Broken(f"runs {[runs[number] for number in going]} did not end")
        self.settle()
        self.runs += len(runs) * disturbed
        for run in runs:
            self.look(run)
        for task, before in self.kept.items():
            if (now := self.recorded(task)) != before:
                raise Broken(f"a stale write was accepted: of task {task} there was {before}, and is {now}")
        for run in runs:
            self.ground.backend.call(DeleteRun(id=run))

    def is_open(self, run: str) -> bool:
        """Return whether a run has not completed yet, or somebody holds it still."""
        completed = self.ground.backend.call(GetTask(id=run)).status is Status.COMPLETED
        return not completed or run in {one.task.id for one in self.ground.claims()}

    def taken_up(self, run: str) -> str:
        """Let a run go on that was given up as it was lost too often; return the one that goes on.

        One that had not begun is asked for anew.
        """
        found = self.ground.backend.call(GetRun(id=run)).run
        if found.task.status not in ENDED - {Status.COMPLETED}:
            return run
        if found.task.reason is not EndReason.CONTROLLER_LOST:
            raise Broken(f"run {run} is {found.task.status}: {found.task.message}")
        if not found.number:
            self.anew += 1
            return self.ground.enqueue(self.draft)
        resumed = self.ground.start("resume", "resume", run, "--plain")
        self.resumed.append(resumed)
        with suppress(subprocess.TimeoutExpired):
            resumed.wait(PATIENCE)
        return run

    def disturb(self, *, freezing: bool) -> bool:
        """Kill or freeze somebody; return whether there was somebody.

        A server that comes back lets no lease run out for a minute: where somebody is to lose one, it stays.
        """
        found = {
            kind: [(pid, claim) for pid, claim in pids if self.may_lose(claim)]
            for kind, pids in self.ground.found().items()
            if not (freezing and kind == "server")
        }
        frozen = {one.pid for one in self.asleep}
        freezes = freezing and len(self.asleep) < AT_ONCE and self.chance.random() < SHARE_OF_FREEZES
        (kind,) = self.chance.choices(list(OFTEN), list(OFTEN.values()))
        if not found.get(kind) or (freezes and kind not in FREEZABLE):
            return False
        if not freezes and self.killed.total() >= self.kills:
            return False
        pid, claim = self.chance.choice(found[kind])
        if pid in frozen:
            return False
        if claim is not None and claim.task.type is TaskType.CONTROLLER:
            self.losses[claim.task.id] += 1
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP if freezes else signal.SIGKILL)
        if freezes:
            self.asleep.append(Frozen(kind, pid, claim, LEASE * self.chance.uniform(1.1, 1.6)))
        else:
            self.killed[kind] += 1
        return True

    def may_lose(self, claim: Claim | None) -> bool:
        """Return whether what somebody holds may be lost once more without being given up."""
        return claim is None or self.losses[claim.task.id] < MOST_LOSSES

    def wake(self) -> None:
        """Wake those up that have slept long enough: of what a shim holds, until it went to another."""
        held = {one.held for one in self.ground.claims()}
        for one in list(self.asleep):
            lost = one.claim is not None and one.claim.held not in held
            if one.claim is None and time.monotonic() < one.until:
                continue
            if one.claim is not None and not lost and time.monotonic() < one.longest:
                continue
            if lost and one.claim is not None and one.kind == "shim":
                self.kept[one.claim.task.id] = self.recorded(one.claim.task.id)
            self.lost += lost
            self.frozen[one.kind] += 1
            self.asleep.remove(one)
            one.wake()

    def recorded(self, task: str) -> object:
        """Return all that is recorded of an attempt."""
        call = self.ground.backend.call
        return (
            call(GetTask(id=task)),
            [line for chunk in call(ReadConsole(task=task)) for line in chunk.lines],
            call(GetScalars(task=task)),
            call(ListArtifacts(task=task)),
            call(GetParameters(task=task)),
        )

    def settle(self) -> None:
        """Wait until nobody does anything any more: only the server, the agents and their warm processes are left."""
        deadline = time.monotonic() + PATIENCE
        while self.asleep:
            time.sleep(0.05)
            self.ground.tend()
            self.wake()
        while left := self.ground.left_over():
            if time.monotonic() > deadline:
                raise Broken(f"processes are left: {left}")
            time.sleep(0.05)
        call = self.ground.backend.call
        if held := self.ground.claims():
            raise Broken(f"nothing goes on, and this is held: {held}")
        if waiting := call(ListTasks(statuses=(Status.QUEUED,))):
            raise Broken(f"nothing goes on, and this waits: {waiting}")
        if health := call(CheckHealth()).problems:
            raise Broken(f"the database is not whole: {health}")

    def look(self, run: str) -> None:
        """Look at what a run that completed has left."""
        call = self.ground.backend.call
        detail = call(GetRun(id=run))
        attempts: dict[str, list[Task]] = {}
        for task in call(ListTasks(run=run, limit=10_000)):
            attempts.setdefault(task.step or "", []).append(task)
        executed = Counter((self.ground.ledgers / run).read_text().splitlines())
        for name in STEPS:
            check_attempts(name, attempts.get(name, []), executed)
        self.look_at_changes(run)
        found = made(self.ground.backend, detail)
        self.expected = self.expected or found
        compare(run, found, self.expected)

    def look_at_changes(self, run: str) -> None:
        """Nothing completes twice, and of an attempt what has ended stays ended."""
        ended: set[str] = set()
        completed: Counter[str] = Counter()
        for change in self.ground.backend.call(ListChanges(run=run, limit=100_000)):
            if change.kind is not ChangeKind.STATUS:
                continue
            if change.task in ended and change.task != run:
                raise Broken(f"attempt {change.task} had ended, and became {change.status}")
            ended |= {change.task} if change.status in ENDED else set()
            completed[change.task] += change.status == Status.COMPLETED
        if twice := [task for task, count in completed.items() if count > 1]:
            raise Broken(f"these completed twice: {twice}")


def main() -> None:
    """Disturb until there was enough of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--freezes", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--database", help="the URL of a PostgreSQL database that the server is to use")
    parser.add_argument("--folder", type=Path, help="where everything lies, to be looked at afterwards")
    told = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        ground = Ground(told.folder or Path(temporary), told.database)
        chaos = None
        try:
            chaos = Chaos(ground, told.seed, told.kills, told.freezes)
            print(f"seed {told.seed}", flush=True)
            while not chaos.is_over:
                chaos.wave()
                if chaos.waves % 5 == 0:
                    print(f"{told_of(chaos)}, {time.monotonic() - began:.0f} s", flush=True)
        except Broken as broken:
            raise SystemExit(f"BROKEN: {broken}\nafter {told_of(chaos)}") from None
        finally:
            ground.close()
    print(f"{told_of(chaos)}: 0 lost, 0 twice, 0 left, 0 stale, {time.monotonic() - began:.0f} s")


def told_of(chaos: Chaos | None) -> str:
    """Return what was done so far, in words."""
    if chaos is None:
        return "nothing"
    kills, freezes = (
        ", ".join(f"{count} {kind}" for kind, count in sorted(one.items())) for one in (chaos.killed, chaos.frozen)
    )
    done = (
        f"{chaos.killed.total()} kills ({kills}), {chaos.frozen.total()} freezes ({freezes}; {chaos.lost} lost a lease)"
    )
    return f"{done}, {chaos.runs} runs ({len(chaos.resumed)} resumed, {chaos.anew} asked for anew)"


if __name__ == "__main__":
    main()
