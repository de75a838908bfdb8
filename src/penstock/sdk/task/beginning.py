"""How a plain script's task begins: as a new one, as the last one used again, or as one that goes on."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from penstock.core.errors import Conflict
from penstock.core.secret import MASK
from penstock.core.secret_names import is_secret
from penstock.core.task import CONTINUABLE, Configuration, Script, Task, TaskType, Worker
from penstock.ops.lifecycle import BeginTask, ContinueTask, ResetTask
from penstock.ops.models import ListModels
from penstock.ops.outputs import ListArtifacts, SummarizeScalars
from penstock.ops.tasks import CreateTask, DescribeTask, ListTasks, NewTask, SetConfiguration
from penstock.run import liveness, reconcile
from penstock.sdk import session
from penstock.settings import environment_of_interest

ENVIRONMENT = "Environment"  # the configuration object that holds environment variables
REUSED_WITHIN = 72 * 3600.0  # seconds after its end in which the last task of a script is used again
NAMELESS_PROJECT = "Untitled"


def wanted(
    project: str | None, name: str | None, kind: TaskType, tags: Iterable[str], output_uri: str | bool | None
) -> Task:
    """Return the task that this process's script asks for."""
    script = _described()
    return Task(
        id="",
        name=name or Path(script.entry_point).stem or "task",
        project=project or _project_of(script),
        type=kind,
        script=script,
        tags=tuple(tags),
        output_uri=output_uri if isinstance(output_uri, str) else None,
    )


def begin(wanted: Task, reuse: bool | str, go_on: bool | str | int) -> str:
    """Record the task, or find the one to use again; return its id when it is in progress."""
    backend, here = session.backend(), liveness.here()
    reconcile.close_lost_tasks(backend)  # the last one of this script may have been killed
    last = _last(wanted)
    going_on = go_on if isinstance(go_on, str) else (last.id if last is not None and go_on is not False else None)
    if going_on is not None:
        return backend.call(ContinueTask(id=going_on, worker=here)).id
    if isinstance(reuse, str):
        return _again(reuse, wanted, here)
    if reuse and last is not None and _is_reusable(last):
        with suppress(Conflict):  # the same script, started twice at once: the other process was first
            return _again(last.id, wanted, here)
    new = NewTask(
        id=uuid.uuid4().hex,
        user=session.settings().user,
        configurations=(_environment(),),
        **{name: getattr(wanted, name) for name in ("name", "project", "type", "script", "tags", "output_uri")},
    )
    return backend.call(BeginTask(id=backend.call(CreateTask(task=new)).id, worker=here)).id


def _again(id: str, wanted: Task, here: Worker) -> str:
    """Use a task again: forget what it recorded and what it was asked to do."""
    backend = session.backend()
    backend.call(ResetTask(id=id, worker=here, request=True))
    backend.call(BeginTask(id=id, worker=here))
    backend.call(DescribeTask(id=id, script=wanted.script, add_tags=wanted.tags, output_uri=wanted.output_uri))
    backend.call(SetConfiguration(task=id, configuration=_environment()))
    return id


def _environment() -> Configuration:
    """Return the environment variables of interest, a line each; those that look like secrets without their values."""
    found = sorted(environment_of_interest().items())
    lines = [f"{name}={MASK if is_secret((name,), text) else text!r}" for name, text in found]
    note = "environment variables when it was recorded"
    return Configuration(name=ENVIRONMENT, text="\n".join(lines), format="env", description=note)


def _last(wanted: Task) -> Task | None:
    """Return the newest task of this project, name and type that belongs to no run."""
    op = ListTasks(project=wanted.project, name=wanted.name, type=wanted.type, archived=False, alone=True, limit=1)
    return next(iter(session.backend().call(op)), None)


def _is_reusable(last: Task) -> bool:
    """Return whether the task ended lately, and left nothing that somebody may want to keep."""
    if last.status not in CONTINUABLE or last.ended is None or time.time() - last.ended > REUSED_WITHIN:
        return False
    backend = session.backend()
    return not backend.call(ListArtifacts(task=last.id)) and not backend.call(ListModels(task=last.id))


def offset(task: str, go_on: bool | str | int) -> int:
    """Return what is added to the iterations of a task that goes on: what is asked for, else what it had so far."""
    if isinstance(go_on, int) and not isinstance(go_on, bool):
        return go_on
    found = session.backend().call(SummarizeScalars(task=task))
    last = max((one.iteration for one in found if one.iteration is not None), default=None)
    return 0 if last is None else last + 1


def _described() -> Script:
    from penstock.run.script import describe_script

    return describe_script(sys.modules.get("__main__"), sys.argv)


def _project_of(script: Script) -> str:
    name = (script.repository or "").rstrip("/").rpartition("/")[2].removesuffix(".git")
    return name or NAMELESS_PROJECT
