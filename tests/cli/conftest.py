"""A home with recorded runs, and three ways to call the command line: here, as a process, and in a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import textwrap
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from penstock.backend import Backend
from penstock.backend.local import open_local
from penstock.cli.main import execute
from penstock.core.decision import Decision, DecisionKind
from penstock.core.outputs import Artifact, ConsoleLine, Stream
from penstock.core.pipeline import Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.run import Run
from penstock.core.task import EndReason, Parameter, Script, Status, Task, Worker
from penstock.ops.decisions import RecordDecision
from penstock.ops.lifecycle import BeginTask
from penstock.ops.outputs import AddArtifact, AppendConsole
from penstock.ops.runs import CreateRun, EndRun, GetRun, StartRun
from penstock.ops.steps import DecideSteps, LaunchStep, StepDecision
from penstock.ops.tasks import CreateTask, EndTask, NewTask, SetParameters
from penstock.run.liveness import here
from penstock.settings import load

SOURCE = Path(__file__).resolve().parents[2] / "src"


class Answer(msgspec.Struct, frozen=True):
    """What a command said."""

    code: int
    out: str
    err: str = ""

    def document(self) -> dict[str, object]:
        return msgspec.json.decode(self.out, type=dict[str, object])


class Recorder:
    """Records runs as the controller does, without carrying anything out."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.call = backend.call

    def draft(self, name: str = "iris", project: str = "Examples") -> Run:
        new = NewTask(id=uuid.uuid4().hex, name=name, project="", user="ada")
        return self.call(CreateRun(pipeline=name, project=project, task=new))

    def run(
        self,
        parents: Mapping[str, Sequence[str]],
        name: str = "iris",
        project: str = "Examples",
        parameters: Sequence[Parameter] = (),
        worker: Worker | None = None,
    ) -> Run:
        """Begin a run with these steps, of this very process unless another worker is given."""
        draft = self.draft(name, project)
        self.call(SetParameters(task=draft.id, parameters=tuple(parameters)))
        steps = tuple(Step(name=step, code="c", parents=tuple(above)) for step, above in parents.items())
        code = {"c": Script(source="def f(): ...", entry_point="f")}
        definition = Pipeline(name=name, project=project, steps=steps, parameters=tuple(parameters), code=code)
        return self.call(StartRun(id=draft.id, definition=definition, worker=worker or here()))

    def task(self, name: str = "train", project: str = "Examples", **facts: object) -> Task:
        """Record a draft that belongs to no run."""
        new = NewTask(id=uuid.uuid4().hex, name=name, project=project, user="ada", **facts)  # type: ignore[arg-type]
        return self.call(CreateTask(task=new))

    def begin(self, task: Task) -> Task:
        return self.call(BeginTask(id=task.id, worker=here()))

    def attempt(self, run: Run, step: str, number: int = 1, decision: Decision | None = None) -> Task:
        new = NewTask(id="", name=step, project=run.task.project)
        launch = LaunchStep(run=run.id, step=step, attempt=number, task=new, worker=here(), decision=decision)
        return self.call(launch)

    def decide(
        self, run: Run, kind: DecisionKind, reason: str, step: str = "", attempt: int = 0, details: tuple[str, ...] = ()
    ) -> None:
        decision = Decision(kind=kind, reason=reason, step=step, attempt=attempt, details=details)
        self.call(RecordDecision(run=run.id, decision=decision))

    def end(self, task: Task, status: Status = Status.COMPLETED, message: str = "") -> Task:
        reason = EndReason.EXCEPTION if status is Status.FAILED else None
        return self.call(EndTask(id=task.id, status=status, reason=reason, message=message))

    def skip(self, run: Run, step: str, reason: str) -> None:
        decision = StepDecision(step=step, status=StepStatus.SKIPPED, reason=reason)
        self.call(DecideSteps(run=run.id, decisions=(decision,)))

    def finish(self, run: Run, status: Status = Status.COMPLETED, message: str = "") -> Run:
        reason = EndReason.STEP_FAILED if status is Status.FAILED else None
        return self.call(EndRun(id=run.id, status=status, reason=reason, message=message))

    def complete(self, parents: Mapping[str, Sequence[str]], name: str = "iris", project: str = "Examples") -> Run:
        """Record a run all of whose steps completed."""
        run = self.run(parents, name, project)
        for step in parents:
            self.end(self.attempt(run, step))
        return self.finish(run)

    def prints(self, task: str, *lines: str) -> None:
        console = tuple(ConsoleLine(1.0, Stream.OUT, line) for line in lines)
        self.call(AppendConsole(task=task, lines=console))

    def artifact(
        self, task: str, name: str, data: bytes = b"[1]", form: str = "json", preview: str = "[1]"
    ) -> Artifact:
        blob = self.backend.blobs.put_bytes(data)
        url = self.backend.blobs.url(blob.hash)
        made = Artifact(
            task=task, name=name, format=form, type="list", hash=blob.hash, size=blob.size, url=url, preview=preview
        )
        return self.call(AddArtifact(artifact=made))

    def status(self, run: Run) -> Status:
        return self.call(GetRun(id=run.id)).run.task.status


@pytest.fixture
def home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty home, also for processes that are started, with nothing that changes how they print."""
    for name in ("PENSTOCK_PROGRESS", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PENSTOCK_USER", "ada")
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    return home


@pytest.fixture
def recorder(home: Path) -> Iterator[Recorder]:
    """Records runs in the home."""
    backend = open_local(load())
    yield Recorder(backend)
    backend.close()


@pytest.fixture
def penstock(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Call a command in this process."""

    def call(*arguments: str) -> Answer:
        capsys.readouterr()
        code = execute(arguments)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return call


@pytest.fixture
def dead_worker() -> Worker:
    """A process of this machine that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return msgspec.structs.replace(here(), pid=process.pid, started="1")


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Write a script and return its path."""

    def write(text: str, name: str = "pipeline.py") -> str:
        file = tmp_path / name
        file.write_text(textwrap.dedent(text), "utf-8")
        return str(file)

    return write


def command(*arguments: str) -> list[str]:
    """The command line as a process of its own."""
    return [sys.executable, "-m", "penstock.cli.main", *arguments]


@pytest.fixture
def process(home: Path) -> Callable[..., Answer]:
    """Call a command in a process of its own."""

    def call(*arguments: str) -> Answer:
        ended = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    return call


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command as a process and go on; it is killed when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command(*arguments), stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield begin
    for one in started:
        with one:
            one.kill()


class Terminal(msgspec.Struct):
    """A pseudo-terminal of a given size.

    Args:
        columns: Its width.
        rows: Its height.
    """

    columns: int
    rows: int

    def open(self) -> tuple[int, int]:
        """Return our end and the end for a process."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))
        return ours, theirs

    def start(self, theirs: int, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "TERM": "xterm-256color"}
        return subprocess.Popen(
            command(*arguments), stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )

    def call(self, *arguments: str) -> Answer:
        """Call a command in this terminal; what it wrote to both streams comes as one."""
        ours, theirs = self.open()
        with self.start(theirs, *arguments) as process:
            os.close(theirs)
            written = b""
            with suppress(OSError):  # what Linux says when the other end is closed
                while piece := os.read(ours, 65536):
                    written += piece
            os.close(ours)
        return Answer(process.returncode, written.decode("utf-8", "replace").replace("\r\n", "\n"))


@pytest.fixture
def terminal(home: Path) -> Callable[[int, int], Terminal]:
    """A terminal of so many columns and rows."""
    return Terminal
