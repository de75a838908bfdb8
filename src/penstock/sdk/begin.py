"""Begins a run in the user's own process, or lets one go on: records it, and makes the controller that carries it out.

It must never know how a pipeline was written down: a definition comes in, complete.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from penstock.backend import Backend
from penstock.backend.protocol import blobs_address
from penstock.core.errors import Conflict, Invalid, PenstockError, StoreError
from penstock.core.outputs import ConsoleLine, Stream
from penstock.core.overrides import overridden
from penstock.core.pipeline import Pipeline, Step, changes, checked
from penstock.core.progress import SETTLED
from penstock.core.rerun import REQUEST
from penstock.core.run import FOLDER, SCRIPT, UNCACHED, WORKING, Run, RunDetail
from penstock.core.secret import SECRET
from penstock.core.task import Status, Task
from penstock.ops.changes import LastChange
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.outputs import AppendConsole, ListArtifacts
from penstock.ops.reruns import GetRerun
from penstock.ops.runs import DefineRun, DeleteRun, FindRun, GetRun, ResumeRun, StartRun
from penstock.ops.tasks import DescribeTask, GetTask
from penstock.run import liveness, owed, preload
from penstock.run.callbacks import Callbacks
from penstock.run.controller import Controller, breakdown
from penstock.run.growing import GrowingController
from penstock.run.inline import Inline
from penstock.run.launch import Surroundings
from penstock.run.plan import Plan
from penstock.sdk import assigned, launched
from penstock.sdk.display import Careful, observer
from penstock.sdk.local import refuse_queues, work_on
from penstock.sdk.local_agent import LocalAgent
from penstock.settings import Settings, environment

HALF_WRITTEN = 3600.0  # seconds after which what a dead process left half-written is removed
RERUN = "start a new run: steps with cache_executed_step=True that did not change are reused"


class StartOptions(Struct, frozen=True, kw_only=True):
    """How a run is started; see `PipelineController`."""

    version: str | None = None
    auto_version_bump: bool | None = None
    add_run_number: bool = True
    enable_local_imports: bool = True
    on_queues: bool = False
    inline: bool = False
    callbacks: Callbacks = Callbacks()


class Started(Struct, frozen=True, kw_only=True):
    """A run that has begun, and what carries it out: a controller, or for `inline` this thread."""

    run: Run
    carrier: Controller | Inline
    steps: dict[str, Step]
    definition: Pipeline
    goes_on: bool

    @property
    def controller(self) -> Controller:
        """The controller, of a run that is not carried out by this thread itself."""
        assert isinstance(self.carrier, Controller)  # noqa: S101 - who asks for `inline` does not ask for this
        return self.carrier


class Begin:
    """Begins runs in this process."""

    def __init__(self, backend: Backend, settings: Settings, options: StartOptions) -> None:
        self._backend = backend
        self._settings = settings
        given = launched.get()
        self._starter = None if given is None else given.starter
        self._options = replace(options, on_queues=launched.on_queues(wanted=options.on_queues))

    def start(self, run: str, definition: Pipeline) -> Started:
        """Begin a draft run and return its controller, ready to carry it out."""
        given = launched.get()
        task = self._backend.call(GetTask(id=run))
        if UNCACHED in task.runtime or (given is not None and not given.use_cache):
            steps = tuple(replace(step, cache=False) for step in definition.steps)
            definition = replace(definition, steps=steps)
        if self._options.on_queues:
            steps = overridden(definition.steps, task.runtime)
            refuse_queues(self._backend, replace(definition, steps=steps))
        place = surroundings(self._settings, local_imports=self._options.enable_local_imports)
        op = StartRun(
            id=run,
            definition=definition,
            worker=liveness.here(),
            version=self._options.version,
            auto_version_bump=self._options.auto_version_bump,
            add_run_number=self._options.add_run_number,
            runtime=self._whereabouts(task, place),
        )
        return self._begin(op, place)

    def go_on(self, run: Run, definition: Pipeline, draft: str) -> Started:
        """Let a run of this very pipeline go on in the place of a draft, which is deleted.

        Raises:
            Conflict: The pipeline is not what it was, or the run is not one that can go on.
        """
        stored = self._backend.call(GetRun(id=run.id)).definition
        definition = _with_kept_secrets(stored, definition)
        found = _changed_parameters(stored, definition) if stored.grows else changes(stored, checked(definition))
        found += [] if stored.grows else self._changed_values(run.id, draft)
        if found:
            raise Conflict(f"run {run.task.name!r} cannot go on: {'; '.join(found)}", hint=RERUN)
        started = self._resume(run, surroundings(self._settings, local_imports=self._options.enable_local_imports))
        self._backend.call(DeleteRun(id=draft))
        work_on(self._backend, self._settings, run.id)
        return started

    def go_on_without_script(self, run: Run) -> Started:
        """Let a run go on as it is recorded.

        Raises:
            Conflict: The run is not one that can go on, or needs functions of its script.
        """
        detail = self._backend.call(GetRun(id=run.id))
        _refuse_callbacks(detail)
        return self._resume(run, _recorded_surroundings(self._settings, run))

    def _resume(self, run: Run, place: Surroundings) -> Started:
        if run.task.status is Status.IN_PROGRESS and self._settings.held is None:
            _refuse_alive(run)
        op = ResumeRun(
            id=run.id,
            worker=liveness.here(),
            seen=run.task.worker,
            reason=f"by {self._settings.user}" if self._settings.user else "by a user",
        )
        return self._begin(op, place)

    def _begin(self, op: StartRun | ResumeRun, place: Surroundings) -> Started:
        with suppress(StoreError):  # what is in the way of sweeping shows below, where it matters
            self._backend.blobs.sweep(HALF_WRITTEN, time.time())
        since = self._backend.call(LastChange())
        begun = False
        try:
            self._backend.call(op)
            begun = True
            return self._controller(op, place, since)
        except BaseException as error:
            refused = not begun and isinstance(error, PenstockError)
            if not refused:  # an interrupt may come when it has begun, and before this process knows
                _end_if_begun(self._backend, op.id, error)
            raise

    def _controller(self, op: StartRun | ResumeRun, place: Surroundings, since: int) -> Started:
        """Gather what the steps need and return the controller of a run that has begun."""
        detail = self._backend.call(GetRun(id=op.id))
        complete = detail.definition
        warm = preload.plan([script.source for script in complete.code.values()], place.path)
        watching = launched.get()
        shown = Careful((watching.observer if watching else None) or observer(self._settings))
        plan = Plan(
            pipeline=complete,
            run=detail.run,
            worker=op.worker,
            surroundings=place,
            inputs={artifact.name: artifact for artifact in self._backend.call(ListArtifacts(task=op.id))},
            preload=assigned.preloaded(warm.modules),
            preload_fingerprint=warm.fingerprint,
            slots=self._settings.workers,
            since=since,
            callbacks=self._options.callbacks,
            observer=shown,
            complain=lambda text: self._complain(op.id, text),
            steps=tuple(one for one in detail.steps if isinstance(op, ResumeRun) or one.status in SETTLED),
            rerun=self._backend.call(GetRerun(run=op.id)) if REQUEST in detail.run.task.runtime else None,
            on_queues=self._options.on_queues,
            start_agent=LocalAgent(self._backend, self._settings).start,
            starter=self._starter,
        )
        if watching is not None:
            watching.runs.append(op.id)
        shown.begun(detail.run, [step.name for step in complete.steps])
        kind = GrowingController if complete.grows else Controller
        controller = Inline(self._backend, plan) if self._options.inline else kind(self._backend, plan)
        if detail.run.stop_asked is not None:  # before this process looked, or of the one that was lost
            controller.stop(detail.run.stop_asked)
        steps = {step.name: step for step in complete.steps}
        goes_on = isinstance(op, ResumeRun)
        return Started(run=detail.run, carrier=controller, steps=steps, definition=complete, goes_on=goes_on)

    def enqueue(self, run: str, definition: Pipeline, queue: str | None) -> None:
        """Keep a draft run with its definition, and put it into a queue for an agent to carry it out.

        Args:
            queue: None leaves it a draft.

        Raises:
            BadPipeline, BadReference: The steps form no pipeline that can run.
            Invalid: A step names no queue, and the pipeline has no default one.
            NotFound: This queue, or that of a step, is not there.
        """
        refuse_queues(self._backend, definition)
        place = surroundings(self._settings, local_imports=self._options.enable_local_imports)
        task = self._backend.call(GetTask(id=run))
        self._backend.call(DefineRun(id=run, definition=checked(definition)))
        self._backend.call(DescribeTask(id=run, runtime=self._whereabouts(task, place)))
        if queue is not None:
            self._backend.call(EnqueueTask(id=run, queue=queue))
            LocalAgent(self._backend, self._settings).start()

    def _whereabouts(self, task: Task, place: Surroundings) -> dict[str, str]:
        """Return what a run remembers of where it was started; one that runs from a recorded text knows better."""
        kept = () if task.script.repository else (FOLDER, SCRIPT)
        known = {name: task.runtime[name] for name in kept if name in task.runtime}
        return _whereabouts(place, local_imports=self._options.enable_local_imports) | known

    def _complain(self, run: str, text: str) -> None:
        """Say on the run's console, and on this process's, that a callback went wrong."""
        said = f"penstock: {text}"
        lines = tuple(ConsoleLine(time.time(), Stream.ERR, line) for line in said.splitlines())
        self._backend.call(AppendConsole(task=run, lines=lines))
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"{said}\n")

    def _changed_values(self, run: str, draft: str) -> list[str]:
        """Say which arguments that are artifacts of the run have another content in the draft."""
        old, new = (
            {one.name: one.hash for one in self._backend.call(ListArtifacts(task=task)) if not one.maker}
            for task in (run, draft)
        )
        return [f"argument {name!r} has another value" for name, hash in new.items() if old.get(name) != hash]


def _with_kept_secrets(stored: Pipeline, definition: Pipeline) -> Pipeline:
    """Return a definition with the secrets of the run that goes on where its script gives none: it needs no others."""
    kept = {one.path: one.value for one in stored.parameters if one.type == SECRET}
    parameters = [
        replace(one, value=kept.get(one.path)) if one.type == SECRET and not one.value else one
        for one in definition.parameters
    ]
    return replace(definition, parameters=tuple(parameters))


def _changed_parameters(stored: Pipeline, definition: Pipeline) -> list[str]:
    """Say which parameters of a run that grows are others: what it calls for shows only when it does."""
    old, new = ({one.path for one in each.parameters} for each in (stored, definition))
    found = [f"parameter {path!r} was {'added' if path in new else 'removed'}" for path in sorted(old ^ new)]
    return found if definition.grows else [*found, "its steps were added while it ran, and now they are not"]


def find_resumed(backend: Backend, definition: Pipeline, resume: str | None) -> Run | None:
    """Return the run that is to go on: the one that is named here, or by the command that runs the script.

    Raises:
        NotFound, Invalid: There is none of this name, or several.
        Conflict: It is a run of another pipeline.
    """
    given = launched.get()
    text = resume or (given.resume if given else None)
    if text is None:
        return None
    found = backend.call(FindRun(text=text))
    if (found.project, found.pipeline) == (definition.project, definition.name):
        return found
    if resume is None:
        return None  # the command means another pipeline of the script
    raise Conflict(
        f"run {found.task.name!r} is one of pipeline {found.pipeline!r} in project {found.project!r}, "
        f"not of {definition.name!r} in {definition.project!r}"
    )


def _refuse_alive(run: Run) -> None:
    worker = run.task.worker
    if worker is None or liveness.is_alive(worker) is False:
        return
    raise Conflict(
        f"run {run.task.name!r} is in progress, in process {worker.pid} on {worker.host}",
        hint=f"wait for its end, or stop it: penstock abort {run.id[:12]}",
    )


def _refuse_callbacks(detail: RunDetail) -> None:
    needy = [step.name for step in detail.definition.steps if step.callbacks]
    if needy:
        script = detail.run.task.runtime.get(SCRIPT) or "SCRIPT"
        raise Conflict(
            f"step {needy[0]!r} has callbacks, which are functions of the script",
            hint=f"let the script itself go on: penstock run {script} --resume {detail.run.id[:12]}",
        )


def _end_if_begun(backend: Backend, run: str, error: BaseException) -> None:
    """End a run that cannot go on, if it has begun."""
    with suppress(PenstockError):
        if backend.call(GetTask(id=run)).status is not Status.IN_PROGRESS:
            return
    owed.end(backend, breakdown(run, error))


def surroundings(settings: Settings, *, local_imports: bool) -> Surroundings:
    """Return where and how the steps of a run start that this process begins.

    Args:
        local_imports: Whether they may import modules from the folder of this process's script.
    """
    path = _import_path()
    if not local_imports:
        path = [entry for entry in path if entry != _script_folder()]
    return _place(settings, os.getcwd(), path)  # noqa: PTH109 - a text is wanted


def _import_path() -> list[str]:
    return [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - an empty entry means the working folder


def _script_folder() -> str:
    return os.path.abspath(sys.path[0]) if sys.path else ""  # noqa: PTH100 - as above


def _recorded_surroundings(settings: Settings, run: Run) -> Surroundings:
    """Return where and how the steps of a run started before."""
    known = run.task.runtime
    working = known.get(WORKING, "")
    if not Path(working).is_dir():
        raise Invalid(f"the folder {working!r} that run {run.task.name!r} was started in is not there")
    own = [entry for entry in _import_path() if entry != _script_folder()]
    return _place(settings, working, [*filter(None, [known.get(FOLDER)]), *own])


def _place(settings: Settings, working: str, path: list[str]) -> Surroundings:
    return Surroundings(
        home=settings.home,
        blobs=settings.blobs,
        address=blobs_address(settings.url),
        scratch=settings.scratch,
        working=working,
        path=tuple(dict.fromkeys(path)),
        environment=environment(),
        entry=assigned.ENTRY,
    )


def _whereabouts(place: Surroundings, *, local_imports: bool) -> dict[str, str]:
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    found = {WORKING: place.working, FOLDER: _script_folder() if local_imports else ""}
    return found | ({SCRIPT: os.path.abspath(script)} if isinstance(script, str) else {})  # noqa: PTH100 - a text
