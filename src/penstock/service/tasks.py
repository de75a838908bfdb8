"""What the operations on tasks do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import Conflict, Invalid
from penstock.core.run import STEP_STATUS, ChangeKind
from penstock.core.task import (
    ENDED,
    JUDGED,
    PROPERTIES,
    Configuration,
    EndReason,
    Parameter,
    Status,
    Task,
    TaskType,
    refuse_move,
)
from penstock.core.topics import Topics, of_task
from penstock.ops.tasks import (
    AwaitTask,
    CreateTask,
    DescribeTask,
    EndTask,
    GetConfigurations,
    GetParameters,
    GetTask,
    JudgeTask,
    ListProjects,
    ListTasks,
    NewTask,
    RemoveParameters,
    SetConfiguration,
    SetParameters,
)
from penstock.service.base import handles, waits_until

if TYPE_CHECKING:
    from penstock.ports import Tx

CALLBACK = frozenset({DecisionKind.ASK, DecisionKind.CALL})

_SAID = ("comment", "name", "container", "script", "project", "parent", "type", "queue", "output_uri")


@handles(CreateTask)
def create_task(tx: Tx, op: CreateTask, now: float) -> Task:
    """Record a draft."""
    return add(tx, op.task, now)


@handles(GetTask)
def get_task(tx: Tx, op: GetTask, now: float) -> Task:
    """Return the task."""
    return tx.tasks.get(op.id)


@handles(AwaitTask)
def await_task(tx: Tx, op: AwaitTask, now: float) -> Task | None:
    """Return the task when it has ended."""
    task = tx.tasks.get(op.id)
    return task if task.status in ENDED else None


@waits_until(AwaitTask)
def goes_on(tx: Tx, op: AwaitTask, now: float) -> Topics | None:
    """Return what to wait for while the task has not ended."""
    return None if tx.tasks.status(op.id) in ENDED else frozenset({of_task(op.id)})


@handles(ListTasks)
def list_tasks(tx: Tx, op: ListTasks, now: float) -> list[Task]:
    """Return the tasks that the filters let through."""
    if op.pattern is not None:
        try:
            re.compile(op.pattern)
        except re.error as error:
            hint = "give a regular expression; re.escape(name) makes one of a name"
            raise Invalid(f"{op.pattern!r} is no regular expression: {error}", hint=hint) from None
    return tx.tasks.list(op)


@handles(EndTask)
def end_task(tx: Tx, op: EndTask, now: float) -> Task:
    """End a task with what it leaves behind."""
    task = tx.tasks.get(op.id)
    if op.status not in ENDED:
        raise _no_end(op.status)
    if task.type is TaskType.CONTROLLER and tx.runs.has(task.id):
        raise Conflict(f"task {task.id} is a run; EndRun ends it, together with its steps")
    if task.status is op.status:
        return task
    for artifact in op.artifacts:
        tx.outputs.add_artifact(artifact)
    if op.parameters:
        tx.settings.set_parameters(op.id, op.parameters)
    move(tx, task, op.status, now, reason=op.reason, message=op.message)
    return tx.tasks.get(op.id)


@handles(JudgeTask)
def judge_task(tx: Tx, op: JudgeTask, now: float) -> Task:
    """Change how a task ended; of an attempt, while that can still make a difference to its run."""
    task = tx.tasks.get(op.id)
    if op.status not in JUDGED:
        raise _no_end(op.status)
    if task.status is op.status:
        return task
    if task.status not in ENDED:
        raise Conflict(f"task {task.id} is {task.status}; only what has ended is judged")
    if (task.type is TaskType.CONTROLLER and tx.runs.has(task.id)) or (
        task.run is not None and tx.tasks.status(task.run) is not Status.IN_PROGRESS
    ):
        raise Conflict(
            f"task {task.id} is {task.status}, and that is final",
            hint="only the callbacks of a run in progress can change how one of its steps ended",
        )
    if task.run is not None and task.step is not None and not _is_asked_about(tx, task.run, task.step, task.id):
        raise Conflict(
            f"step {task.step!r} is {STEP_STATUS[task.status]}, and its run has gone on from that",
            hint="a step is judged by its own post_execute_callback, which is called before anything follows from it",
        )
    if not tx.tasks.judge(task.id, op.status, reason=op.reason, message=op.message):
        raise refuse_move(task.id, task.status, op.status)
    summary = op.message.partition("\n")[0]
    if task.run is not None and task.step is not None:
        tx.steps.judge(task.run, task.step, task.id, STEP_STATUS[op.status], summary)
        kind = DecisionKind.JUDGE
        reason = summary or f"a callback said {STEP_STATUS[op.status]}"
        tx.decisions.add(task.run, Decision(kind=kind, reason=reason, step=task.step, attempt=task.attempt, at=now))
    tx.changes.append(task, ChangeKind.STATUS, op.status, now, message=summary)
    return tx.tasks.get(op.id)


def _is_asked_about(tx: Tx, run: str, step: str, task: str) -> bool:
    """Return whether the callback that may judge this attempt is being called: the planner hears of it after that."""
    kinds = [one.kind for one in tx.decisions.list(run, step) if one.related == task]
    return next((kind for kind in reversed(kinds) if kind in CALLBACK), None) is DecisionKind.ASK


@handles(DescribeTask)
def describe_task(tx: Tx, op: DescribeTask, now: float) -> Task:
    """Change what people say of a task."""
    task = tx.tasks.get(op.id)
    _must_be_changeable(task, op)
    tags = task.tags if op.tags is None else op.tags
    said: dict[str, object] = {name: getattr(op, name) for name in _SAID if getattr(op, name) is not None}
    if not op.name:
        said.pop("name", None)
    if op.parent == "":
        said["parent"] = None
    if op.packages is not None and op.script is None and task.script.packages is None:
        said["script"] = replace(task.script, packages=op.packages)
    if op.project is not None:
        tx.projects.ensure(op.project, now)
    tx.tasks.describe(
        replace(task, **said, tags=tuple(dict.fromkeys((*tags, *op.add_tags))), runtime={**task.runtime, **op.runtime})
    )
    return tx.tasks.get(op.id)


def _must_be_changeable(task: Task, op: DescribeTask) -> None:
    if op.container is not None and task.status is not Status.CREATED:
        raise Conflict(f"task {task.id} is {task.status}; only a draft can be given another container")
    if op.script is not None and task.status in ENDED:
        raise Conflict(f"task {task.id} is {task.status}; what it ran stays as it is", hint="clone it, or reset it")
    moved = next((name for name in ("project", "parent", "type") if getattr(op, name) is not None), None)
    if moved and (task.run is not None or task.type is TaskType.CONTROLLER):
        raise Conflict(f"the {moved} of task {task.id} is given by its run, and stays")


@handles(SetParameters)
def set_parameters(tx: Tx, op: SetParameters, now: float) -> None:
    """Set parameters."""
    task = tx.tasks.get(op.task)
    if op.replace or any(one.section != PROPERTIES for one in op.parameters):
        _must_not_be_published(task)
    if op.replace:
        stored = tx.settings.parameters(op.task)
        tx.settings.remove_parameters(op.task, [one for one in stored if one.section != PROPERTIES])
    tx.settings.set_parameters(op.task, op.parameters)


@handles(RemoveParameters)
def remove_parameters(tx: Tx, op: RemoveParameters, now: float) -> int:
    """Remove parameters."""
    task = tx.tasks.get(op.task)
    found = [one for one in tx.settings.parameters(op.task) if one.path in op.paths]
    if any(not path.startswith(f"{PROPERTIES}/") for path in op.paths):
        _must_not_be_published(task)
    tx.settings.remove_parameters(op.task, found)
    return len(found)


@handles(GetParameters)
def get_parameters(tx: Tx, op: GetParameters, now: float) -> list[Parameter]:
    """Return the parameters."""
    tx.tasks.get(op.task)
    return tx.settings.parameters(op.task)


@handles(SetConfiguration)
def set_configuration(tx: Tx, op: SetConfiguration, now: float) -> None:
    """Set a configuration object."""
    _must_not_be_published(tx.tasks.get(op.task))
    tx.settings.set_configuration(op.task, op.configuration)


@handles(GetConfigurations)
def get_configurations(tx: Tx, op: GetConfigurations, now: float) -> list[Configuration]:
    """Return the configuration objects."""
    tx.tasks.get(op.task)
    return tx.settings.configurations(op.task)


@handles(ListProjects)
def list_projects(tx: Tx, op: ListProjects, now: float) -> list[str]:
    """Return the projects."""
    return tx.projects.list(hidden=op.hidden)


def add(tx: Tx, new: NewTask, now: float, *, run: str | None = None, step: str | None = None, attempt: int = 1) -> Task:
    """Add a draft with its project and parameters; return what is there when the id is taken."""
    tx.projects.ensure(new.project, now)
    task = Task(
        id=new.id,
        name=new.name,
        project=new.project,
        type=new.type,
        parent=new.parent,
        run=run,
        step=step,
        attempt=attempt,
        user=new.user,
        comment=new.comment,
        tags=new.tags,
        system_tags=new.system_tags,
        script=new.script,
        container=new.container,
        queue=new.queue,
        output_uri=new.output_uri,
        runtime=new.runtime,
        created=now,
    )
    if not tx.tasks.add(task):
        return tx.tasks.get(new.id)
    ask(tx, new)
    return task


def ask(tx: Tx, new: NewTask) -> None:
    """Record the parameters and configurations of a new task."""
    if new.parameters:
        tx.settings.set_parameters(new.id, new.parameters)
    for configuration in new.configurations:
        tx.settings.set_configuration(new.id, configuration)


def move(tx: Tx, task: Task, to: Status, now: float, *, reason: EndReason | None = None, message: str = "") -> None:
    """Change a task's status; the change feed and, of an attempt, the step follow in the same transaction."""
    if not tx.tasks.move(task.id, to, now=now, reason=reason, message=message):
        raise refuse_move(task.id, tx.tasks.get(task.id).status, to)
    if task.status is Status.QUEUED:
        tx.entries.remove(task.id)
    if to in ENDED:
        tx.assignments.remove(task.id)
        if not (task.type is TaskType.CONTROLLER and tx.runs.has(task.id)):  # whoever carries a run out still prints
            tx.leases.end(task.id)
    tx.changes.append(task, ChangeKind.STATUS, to, now, message=message.partition("\n")[0])
    if task.run is not None and task.step is not None and to in ENDED:
        tx.steps.end(task.run, task.step, STEP_STATUS[to], message.partition("\n")[0], now)


def _must_not_be_published(task: Task) -> None:
    if task.status is Status.PUBLISHED:
        raise Conflict(f"task {task.id} is published and stays as it is", hint="clone it and change the clone")


def _no_end(status: Status) -> Invalid:
    return Invalid(f"{status} is no way for a task to end", hint="completed, failed or stopped")
