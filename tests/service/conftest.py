"""A backend on an empty home, and short words for what the tests put into it."""

from __future__ import annotations

import itertools

import pytest

from penstock.backend import connect
from penstock.core.assignment import Assignment
from penstock.core.outputs import Artifact, Model
from penstock.core.pipeline import Pipeline, Step, runs_project
from penstock.core.progress import StepStatus
from penstock.core.task import EndReason, Parameter, Script, Status, Worker
from penstock.ops.changes import LastChange, ListChanges
from penstock.ops.claims import ClaimTask
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.runs import CreateRun, EndRun, GetRun, StartRun
from penstock.ops.steps import DecideSteps, EnqueueStep, LaunchStep, StepDecision
from penstock.ops.tasks import CreateTask, EndTask, GetTask, NewTask
from penstock.service import Service
from penstock.settings import Settings
from penstock.store.sqlite import SqliteStore

WORKER = Worker(host="here", pid=1, started="2", boot="3")


class Desk:
    """Makes tasks and runs through a backend, with ids that count up."""

    def __init__(self, backend):
        self.backend = backend
        self._numbers = itertools.count(1)

    def id(self):
        return f"{next(self._numbers):032x}"

    def new(self, name="work", project="P", **fields):
        return NewTask(id=self.id(), name=name, project=project, **fields)

    def task(self, name="work", **fields):
        return self.backend.call(CreateTask(task=self.new(name, **fields)))

    def pipeline(self, *steps, name="flow", project="P", source="def work(): pass", parameters=()):
        """Steps are names, or pairs of a name and its parents."""
        pairs = [(step, ()) if isinstance(step, str) else step for step in steps]
        return Pipeline(
            name=name,
            project=project,
            steps=tuple(Step(name=step, code="code", parents=tuple(parents)) for step, parents in pairs),
            code={"code": Script(source=source, entry_point="work")},
            parameters=tuple(Parameter(section="Args", name=one, value=1) for one in parameters),
        )

    def draft(self, name="flow", project="P", **fields):
        return self.backend.call(CreateRun(pipeline=name, project=project, task=self.new(name, "", **fields)))

    def start(self, run, definition=None, **options):
        definition = definition or self.pipeline("a", "b", name=run.pipeline, project=run.project)
        return self.backend.call(StartRun(id=run.id, definition=definition, worker=WORKER, **options))

    def run(self, *steps, name="flow", project="P", **options):
        definition = self.pipeline(*steps, name=name, project=project)
        return self.start(self.draft(name, project), definition, **options)

    def launch(self, run, step, attempt=1, keyed=None, **fields):
        new = NewTask(id="", name=step, project=runs_project(run.project, run.pipeline), **fields)
        op = LaunchStep(run=run.id, step=step, attempt=attempt, task=new, worker=WORKER, keyed=keyed)
        return self.backend.call(op)

    def decide(self, run, step, status, reason="", kind=None):
        decision = StepDecision(step=step, status=StepStatus(status), reason=reason, kind=kind)
        self.backend.call(DecideSteps(run=run.id, decisions=(decision,)))

    def end(self, task, status=Status.COMPLETED, reason=None, message="", **left):
        return self.backend.call(EndTask(id=task.id, status=status, reason=reason, message=message, **left))

    def end_run(self, run, status=Status.COMPLETED, reason=None, message=""):
        return self.backend.call(EndRun(id=run.id, status=status, reason=reason, message=message))

    def fail(self, task, message="it broke"):
        return self.end(task, Status.FAILED, EndReason.EXCEPTION, message)

    def states(self, run):
        return {state.name: state for state in self.backend.call(GetRun(id=run.id)).steps}

    def statuses(self, run):
        return {name: str(state.status) for name, state in self.states(run).items()}

    def last(self):
        return self.backend.call(LastChange())

    def changes(self, after=0, run=None):
        """What the feed says since: kind, step, status."""
        found = self.backend.call(ListChanges(after=after, run=run and run.id))
        return [(str(change.kind), change.step, change.status) for change in found]

    def artifact(self, task, name="x", blob=b"1", **fields):
        stored = self.backend.blobs.put_bytes(blob)
        url = self.backend.blobs.url(stored.hash)
        facts = {"format": "json", "type": "int", "url": url, **fields}
        return Artifact(task=task.id, name=name, hash=stored.hash, size=stored.size, **facts)

    def model(self, task, name="net", blob=b"weights", **fields):
        stored = self.backend.blobs.put_bytes(blob)
        facts = {"project": "", "direction": "output", "url": self.backend.blobs.url(stored.hash), **fields}
        return Model(id=self.id(), task=task.id, name=name, hash=stored.hash, size=stored.size, **facts)


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", workers=4)


@pytest.fixture
def backend(settings):
    """The service in this process, on a real SQLite file."""
    opened = connect(settings)
    yield opened
    opened.close()


@pytest.fixture
def desk(backend):
    return Desk(backend)


@pytest.fixture
def desk_of():
    """For tests that open many homes."""
    return Desk


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


class Timed(Desk):
    """A desk whose clock stands until it is moved."""

    def __init__(self, service, clock):
        super().__init__(service)
        self.clock = clock

    def queued(self, name="work", queue="default"):
        return self.backend.call(EnqueueTask(id=self.task(name).id, queue=queue))

    def queued_run(self, queue="services"):
        run = self.draft()
        self.backend.call(EnqueueTask(id=run.id, queue=queue))
        return run

    def enqueue_step(self, run, step="a", attempt=1, assignment=None, **fields):
        new = NewTask(id="", name=step, project="P", **({"queue": "default"} | fields))
        given = assignment or Assignment()
        return self.backend.call(EnqueueStep(run=run.id, step=step, attempt=attempt, task=new, assignment=given))

    def claim(self, *queues, agent="agent", request=None, workers=100, seconds=60.0, wait=0.0):
        op = ClaimTask(agent=agent, queues=queues or ("default", "services"), request=request or self.id(),
                       workers=workers, seconds=seconds, wait=wait)  # fmt: skip
        return self.backend.call(op)

    def status(self, task):
        return self.backend.call(GetTask(id=task.id)).status


@pytest.fixture
def timed(tmp_path):
    clock = Clock()
    service = Service(SqliteStore(tmp_path / "penstock.db"), clock)
    yield Timed(service, clock)
    service.close()
