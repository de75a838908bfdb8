"""Runs a pipeline from the user's own process: records the run, gathers what the steps need, starts the controller."""

from __future__ import annotations

import atexit
import json
import os
import platform
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import cast

from msgspec import Struct

from penstock.backend import Backend
from penstock.core.errors import BadParameter, Invalid, PenstockError, StoreError
from penstock.core.names import did_you_mean
from penstock.core.parameters import plain
from penstock.core.pipeline import Pipeline
from penstock.core.run import Run
from penstock.core.task import ENDED, Container, Parameter, Script, Status, Worker
from penstock.ops.changes import LastChange, ListChanges
from penstock.ops.outputs import ListArtifacts
from penstock.ops.runs import CreateRun, GetRun, StartRun
from penstock.ops.tasks import GetTask, NewTask
from penstock.run import current, liveness, owed, preload
from penstock.run.controller import Controller, Plan, breakdown
from penstock.run.launch import Surroundings
from penstock.run.reporter import Reporter
from penstock.sdk import launched
from penstock.sdk.display import Careful, observer
from penstock.settings import Settings, environment

HALF_WRITTEN = 3600.0  # seconds after which what a dead process left half-written is removed
LARGEST_SCRIPT = 1_000_000  # bytes of a script that are recorded as its code


class StartOptions(Struct, frozen=True, kw_only=True):
    """How a run is started; see `PipelineController`."""

    version: str | None
    auto_version_bump: bool | None
    add_run_number: bool
    enable_local_imports: bool
    retry: Callable[[str, int], bool | None]


class Started(Struct, frozen=True, kw_only=True):
    """A run that has begun, and the controller that carries it out."""

    run: Run
    controller: Controller


def record(backend: Backend, settings: Settings, definition: Pipeline, script: Script, image: Container | None) -> Run:
    """Record a draft run. Unless this process is a step, the run is what it works on from now on."""
    owed.settle()
    new = NewTask(
        id=uuid.uuid4().hex, name=definition.name, project="", user=settings.user, script=script, container=image
    )
    run = backend.call(CreateRun(pipeline=definition.name, project=definition.project, task=new))
    working = current.get()
    if working is None or not working.is_step:
        mine = current.Current(run.id, run.id, backend, Reporter(backend, run.id), str(settings.scratch / "copies"))
        atexit.register(mine.close)
        current.put(mine)
    return run


def start(backend: Backend, settings: Settings, run: str, definition: Pipeline, options: StartOptions) -> Started:
    """Begin the run and return its controller, ready to carry it out."""
    with suppress(StoreError):  # what is in the way of sweeping shows below, where it matters
        backend.blobs.sweep(HALF_WRITTEN, time.time())
    worker = liveness.here()
    since = backend.call(LastChange())
    op = StartRun(
        id=run,
        definition=definition,
        worker=worker,
        version=options.version,
        auto_version_bump=options.auto_version_bump,
        add_run_number=options.add_run_number,
    )
    begun: Run | None = None
    try:
        begun = backend.call(op)
        return Started(run=begun, controller=_controller(backend, settings, begun, since, worker, options))
    except BaseException as error:
        refused = begun is None and isinstance(error, PenstockError)
        if not refused:  # an interrupt may come when it has begun, and before this process knows
            _end_if_begun(backend, run, error)
        raise


def _end_if_begun(backend: Backend, run: str, error: BaseException) -> None:
    """End a run that cannot go on, if it has begun."""
    with suppress(PenstockError):
        if backend.call(GetTask(id=run)).status is not Status.IN_PROGRESS:
            return
    owed.end(backend, breakdown(run, error))


def _controller(
    backend: Backend, settings: Settings, begun: Run, since: int, worker: Worker, options: StartOptions
) -> Controller:
    """Gather what the steps need and return the controller of a run that has begun."""
    complete = backend.call(GetRun(id=begun.id)).definition
    place = _surroundings(settings, local_imports=options.enable_local_imports)
    warm = preload.plan([script.source for script in complete.code.values()], place.path)
    watching = launched.get()
    shown = Careful((watching.observer if watching else None) or observer(settings))
    plan = Plan(
        pipeline=complete,
        run=begun,
        worker=worker,
        surroundings=place,
        inputs={artifact.name: artifact for artifact in backend.call(ListArtifacts(task=begun.id))},
        preload=warm.modules,
        preload_fingerprint=warm.fingerprint,
        slots=settings.workers,
        since=since,
        retry=options.retry,
        observer=shown,
    )
    if watching is not None:
        watching.runs.append(begun.id)
    shown.begun(begun, [step.name for step in complete.steps])
    return Controller(backend, plan)


def wait(backend: Backend, run: str, seconds: float | None) -> bool:
    """Wait until the run has ended; return whether it has."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        seen = backend.call(LastChange())
        if backend.call(GetRun(id=run)).run.task.status in ENDED:
            return True
        left = 30.0 if deadline is None else deadline - time.monotonic()
        if left <= 0:
            return False
        backend.call(ListChanges(after=seen, run=run, wait=left))


def refuse_queues(definition: Pipeline) -> None:
    """Say why steps cannot go to queues."""
    for step in definition.steps:
        if not (step.queue or definition.default_queue):
            raise Invalid(
                f"step {step.name!r} has no execution queue, and the pipeline has no default one",
                hint="name one with execution_queue= or set_default_execution_queue(), or run the steps here with "
                "start_locally(run_pipeline_steps_locally=True)",
            )
    raise Invalid(
        "steps on queues need agents, which this version of Penstock does not have",
        hint="run the steps on this machine: start_locally(run_pipeline_steps_locally=True)",
    )


def override(name: str, default: object) -> object:
    """Return the value that a command gave for the parameter, else the default."""
    given = launched.get()
    if given is None or name not in given.parameters:
        return default
    given.used.add(name)
    return given.parameters[name]


def check_overrides(parameters: Mapping[str, Parameter]) -> None:
    """Raise BadParameter when a command gave a parameter that the pipeline does not have."""
    given = launched.get()
    for name in given.parameters if given is not None else ():
        if name not in parameters:
            hint = did_you_mean(name, parameters, "the pipeline has no parameters; add them with add_parameter()")
            raise BadParameter(f"the pipeline has no parameter {name!r}", hint=hint)


def controller_script(
    packages: tuple[str, ...] | None, repo: str | None, branch: str | None, commit: str | None, working_dir: str | None
) -> Script:
    """Return what is recorded of the script that makes the pipeline."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    source = ""
    if isinstance(file, str) and Path(file).is_file() and Path(file).stat().st_size <= LARGEST_SCRIPT:
        source = Path(file).read_text("utf-8", errors="replace")
    return Script(
        source=source,
        entry_point=Path(file).name if isinstance(file, str) else "",
        repository=repo,
        branch=branch,
        commit=commit,
        working_dir=working_dir,
        packages=packages,
        interpreter=platform.python_version(),
    )


def configuration_text(configuration: object) -> tuple[str, str]:
    """Return a configuration as text, and the format that it is in."""
    if isinstance(configuration, dict | list):
        return json.dumps(plain(cast("object", configuration), "configuration"), indent=2), "json"
    if isinstance(configuration, str | Path):
        try:
            return Path(configuration).read_text("utf-8"), Path(configuration).suffix.lstrip(".")
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"configuration file {str(configuration)!r} cannot be read: {error}") from None
    raise Invalid(f"a configuration is a dict, a list or the path of a file, not a {type(configuration).__name__}")


def _surroundings(settings: Settings, *, local_imports: bool) -> Surroundings:
    first = os.path.abspath(sys.path[0]) if sys.path else ""  # noqa: PTH100 - an empty entry means the working folder
    path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - likewise
    if not local_imports:
        path = [entry for entry in path if entry != first]
    return Surroundings(
        home=settings.home,
        blobs=settings.blobs,
        scratch=settings.scratch,
        working=os.getcwd(),  # noqa: PTH109 - a text is wanted
        path=tuple(dict.fromkeys(path)),
        environment=environment(),
    )
