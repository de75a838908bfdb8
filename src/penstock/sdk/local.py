"""What a pipeline needs of the user's own process: its script, its overrides, what it works on. No run starts here."""

from __future__ import annotations

import atexit
import platform
import sys
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from penstock.backend import Backend
from penstock.core.errors import BadParameter, Conflict, Invalid, NotFound
from penstock.core.names import did_you_mean
from penstock.core.parameters import restore
from penstock.core.pipeline import Pipeline, Step
from penstock.core.run import Run
from penstock.core.secret import opened
from penstock.core.task import ENDED, Container, Parameter, Script, ScriptKind
from penstock.ops.changes import LastChange, ListChanges
from penstock.ops.queues import ListQueues
from penstock.ops.runs import CreateRun, GetRun
from penstock.ops.tasks import GetParameters, NewTask
from penstock.run import current, owed, stand_in
from penstock.run.reporter import Reporter
from penstock.sdk import launched
from penstock.sdk.wording import harmless
from penstock.settings import Settings

HALF_WRITTEN = 3600.0  # seconds after which what a dead process left half-written is removed
LARGEST_SCRIPT = 1_000_000  # bytes of a script that are recorded as its code


def record(backend: Backend, settings: Settings, definition: Pipeline, script: Script, image: Container | None) -> Run:
    """Record a draft run. It is what this process works on from now on; in a step's process, beside the step."""
    owed.settle()
    if (draft := _draft(backend, definition)) is not None:
        work_on(backend, settings, draft.id)
        return draft
    working = current.get()
    new = NewTask(
        id=uuid.uuid4().hex,
        name=definition.name,
        project="",
        parent=working.task if working is not None and working.assigned else None,
        user=settings.user,
        script=script,
        container=image,
    )
    run = backend.call(CreateRun(pipeline=definition.name, project=definition.project, task=new))
    work_on(backend, settings, run.id)
    return run


def _draft(backend: Backend, definition: Pipeline) -> Run | None:
    """Return the draft that a command wants this pipeline of its script to carry out, once."""
    given = launched.get()
    if given is None or given.draft is None:
        return None
    found = backend.call(GetRun(id=given.draft)).run
    if (found.pipeline, found.project) != (definition.name, definition.project):
        return None
    given.draft = None
    return found


def work_on(backend: Backend, settings: Settings, run: str) -> None:
    """Make the run what this process works on; in a step's process, beside the step."""
    working = current.get()
    if working is not None and working.assigned:
        working.take_on(run, backend)
        return
    mine = current.Current(run, run, backend, Reporter(backend, run), str(settings.scratch / "copies"))
    if working is not None and working.process == mine.process:
        mine.take_over(working)
    atexit.register(mine.close)
    current.put(mine)


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


def tell_where(run: Run, queue: str | None) -> None:
    """Say on standard error where a run waits, and how to look at it."""
    where = "is a draft" if queue is None else f"waits in queue {queue!r}"
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{harmless(run.task.name)} {where}; see it with: penstock show {run.id[:12]}\n")


def refuse_queues(backend: Backend, definition: Pipeline) -> None:
    """Refuse a step that is to go to no queue, or to one that is not there; a reference is looked up when it is due.

    Raises:
        Invalid: A step names no queue, and the pipeline has no default one.
        NotFound: There is no such queue.
    """
    queues = {step.name: step.queue or definition.default_queue for step in definition.steps}
    for name, queue in queues.items():
        if not queue:
            raise Invalid(
                f"step {name!r} has no execution queue, and the pipeline has no default one",
                hint="name one with execution_queue= or set_default_execution_queue('default'), or run the steps here "
                "with start_locally(run_pipeline_steps_locally=True)",
            )
    known = [queue.name for queue in backend.call(ListQueues())]
    for name, queue in queues.items():
        if queue and "${" not in queue and queue not in known:
            hint = did_you_mean(queue, known, "create one with: penstock queue create NAME")
            raise NotFound(f"step {name!r} names the queue {queue!r}, which is not there", hint=hint)


def refuse_lost_functions(steps: Mapping[str, Step], functions: Mapping[str, Mapping[str, object]]) -> None:
    """Raise Conflict when a step has callbacks that this process does not know: they are not recorded."""
    for name, step in steps.items():
        if set(step.callbacks) - set(functions.get(name, ())):
            raise Conflict(
                f"step {name!r} has callbacks, which are functions of the pipeline's script",
                hint="start it from its script, or keep it with always_create_from_code=True, which runs the script",
            )


def override(name: str, default: object) -> object:
    """Return the value that a command, or the step that this pipeline is, gave for the parameter; else the default."""
    given = launched.get()
    if given is not None and name in given.parameters:
        given.used.add(name)
        return given.parameters[name]
    if given is not None and name in given.values:
        return given.values[name]
    working = current.get()
    if working is None or not working.assigned:
        return default
    for one in working.backend.call(GetParameters(task=working.task)):  # of the step that this pipeline is
        if one.section == "Args" and one.name == name:
            return opened(restore(one), working.secrets)
    return default


def refuse_argument(name: str) -> None:
    """Raise BadParameter when a command line gave this secret as a plain argument, which all of the machine can see."""
    given = launched.get()
    if given is not None and name in given.parameters and name not in given.secrets:
        raise BadParameter(
            f"parameter {name!r} is a secret: --param shows it to everybody on this machine",
            hint=f"have it asked for, or read from a variable: --secret {name}, --secret {name}=VARIABLE",
        )


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
        kind=ScriptKind.SCRIPT,
        stands_for=stand_in.get(),
    )
