"""How tasks are found, and how they are copied: within the system, and as plain data out of it and in again."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Self, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from penstock.core import task as record
from penstock.core.errors import Invalid
from penstock.core.task import Configuration, Parameter, Status
from penstock.ops.lifecycle import CloneTask, Copied, DequeueTask, EnqueueTask, ResetTask
from penstock.ops.tasks import (
    CreateTask,
    DescribeTask,
    GetConfigurations,
    GetTask,
    ListTasks,
    NewTask,
    SetConfiguration,
    SetParameters,
)
from penstock.run import current, liveness
from penstock.sdk import session
from penstock.sdk.given import task_type
from penstock.sdk.task.record import Record

MOST = 500
"""Tasks that one question returns at the most, as in the documented API."""


SAID = ("name", "project", "type", "comment", "tags", "script", "container", "queue", "output_uri")
"""What goes with a task to another system, of what its record holds."""


class Portable(Struct, frozen=True, kw_only=True):
    """A task as plain data: what it is asked to do, not what it left."""

    task: record.Task
    parameters: tuple[Parameter, ...] = ()
    configurations: tuple[Configuration, ...] = ()


class Findable(Record):
    """How tasks are found and copied."""

    @classmethod
    def of(cls, id: str) -> Self:
        """Return the task of this id.

        Raises:
            NotFound: There is none.
        """
        return cls(session.backend().call(GetTask(id=id)))

    @classmethod
    def get_task(
        cls,
        task_id: str | None = None,
        project_name: str | None = None,
        task_name: str | None = None,
        tags: Sequence[str] | None = None,
        allow_archived: bool = True,
        task_filter: Mapping[str, object] | None = None,
    ) -> Self | None:
        """Return a task by its id, or the newest of a project, name and tags; None when there is none of these.

        Args:
            project_name, task_name: Exactly these.
            tags: As in `get_tasks`.
            allow_archived: Whether one that is archived is returned when there is no other.
            task_filter: As in `get_tasks`.

        Raises:
            NotFound: There is no task of this id.
            Invalid: Nothing says which task.
        """
        if task_id is not None:
            return cls.of(task_id)
        if project_name is None and task_name is None and not tags:
            raise Invalid("get_task needs task_id, or task_name, project_name or tags")
        op = _filtered(
            ListTasks(name=task_name, project=project_name, tags=tuple(tags or ()), archived=False, limit=1),
            task_filter,
        )
        found = session.backend().call(op)
        if not found and allow_archived:
            found = session.backend().call(replace(op, archived=True))
        return cls(found[0]) if found else None

    @classmethod
    def get_tasks(
        cls,
        task_ids: Sequence[str] | None = None,
        project_name: Sequence[str] | str | None = None,
        task_name: str | None = None,
        tags: Sequence[str] | None = None,
        allow_archived: bool = True,
        task_filter: Mapping[str, object] | None = None,
    ) -> list[Self]:
        """Return tasks, newest first; at most 500.

        Args:
            task_ids: Only these.
            project_name: Only tasks of this project, or of one of these.
            task_name: Only tasks whose name this regular expression is found in.
            tags: Only tasks with one of these tags; `-tag` excludes, and `__$all`, `__$or`, `__$not` change what
                follows them.
            allow_archived: Whether archived ones are returned too.
            task_filter: More filters: `status`, `type`, `parent`, `system_tags`, each a value or a list.

        Raises:
            Invalid: The name is no regular expression, or the filter is none that is known.
        """
        op = ListTasks(
            ids=None if task_ids is None else tuple(task_ids),
            pattern=task_name or None,
            tags=tuple(tags or ()),
            archived=None if allow_archived else False,
            limit=MOST,
        )
        projects = [project_name] if isinstance(project_name, str) or project_name is None else list(project_name)
        found = [
            task
            for project in projects
            for task in session.backend().call(_filtered(replace(op, project=project), task_filter))
        ]
        return [cls(task) for task in sorted(found, key=lambda one: one.created, reverse=True)[:MOST]]

    @classmethod
    def query_tasks(
        cls,
        project_name: Sequence[str] | str | None = None,
        task_name: str | None = None,
        tags: Sequence[str] | None = None,
        additional_return_fields: Sequence[str] | None = None,
        task_filter: Mapping[str, object] | None = None,
    ) -> list[str] | list[dict[str, object]]:
        """Return the ids of tasks, newest first; with additional fields a dict for each.

        Args:
            project_name, task_name, tags, task_filter: As in `get_tasks`.
            additional_return_fields: Fields of `task.data`, with dots for what lies deeper, for example
                `script.entry_point`.

        Raises:
            Invalid: A field is none that a task has.
        """
        found = cls.get_tasks(
            project_name=project_name, task_name=task_name, tags=tags, allow_archived=False, task_filter=task_filter
        )
        if not additional_return_fields:
            return [task.id for task in found]
        return [
            {"id": task.id} | {name: _field(task.data, name) for name in additional_return_fields} for task in found
        ]

    @classmethod
    def clone(
        cls,
        source_task: Record | str | None = None,
        name: str | None = None,
        comment: str | None = None,
        parent: str | None = None,
        project: str | None = None,
    ) -> Self:
        """Record a draft that is asked to do what another task was: code, parameters, configurations, container.

        Args:
            source_task: The task or its id; None means that of this process.
            name: Its name; `Clone of <name>` when there is none.
            parent: Id of the task that it comes from; by default the source's parent, or the source.
            project: Path of its project; that of the source when there is none.
        """
        source = cls._this_or(source_task)
        wanted = Copied(
            id=uuid.uuid4().hex,
            name=name or f"Clone of {source.name}",
            project=project,
            parent=parent,
            comment=comment,
            user=session.settings().user,
        )
        return cls(session.backend().call(CloneTask(source=source.id, clone=wanted)))

    @classmethod
    def enqueue(
        cls, task: Record | str, queue_name: str | None = None, queue_id: str | None = None, force: bool = False
    ) -> Self:
        """Put a draft into a queue, for an agent to carry it out; return it.

        Args:
            queue_name, queue_id: The queue; here both are its name.
            force: Whether one that has ended is reset first.

        Raises:
            Invalid: No queue is named.
            BadTransition: It is no draft.
        """
        queue = queue_name or queue_id
        if not queue:
            raise Invalid("enqueue needs queue_name")
        found = cls._this_or(task)
        if force and found.data.status in record.ENDED:
            session.backend().call(ResetTask(id=found.id, worker=liveness.here()))
        return cls(session.backend().call(EnqueueTask(id=found.id, queue=queue)))

    @classmethod
    def dequeue(cls, task: Record | str) -> Self:
        """Take a task out of its queue: it is a draft again. Return it."""
        return cls(session.backend().call(DequeueTask(id=cls._this_or(task).id)))

    def export_task(self) -> dict[str, object]:
        """Return what it is asked to do as plain data, which `import_task` makes a task of again, here or elsewhere."""
        self.reload()
        whole = Portable(
            task=self._record,
            parameters=tuple(self._parameters()),
            configurations=tuple(session.backend().call(GetConfigurations(task=self.id))),
        )
        return cast("dict[str, object]", msgspec.to_builtins(whole))

    @classmethod
    def import_task(
        cls, task_data: Mapping[str, object], target_task: Record | str | None = None, update: bool = False
    ) -> Self:
        """Record a draft that is asked to do what the data says.

        Args:
            task_data: What `export_task` returned.
            target_task: A draft that is changed, instead of a new one.
            update: Whether parameters of the draft that the data does not name stay.

        Raises:
            Invalid: The data is nothing that `export_task` returned.
        """
        try:
            whole = msgspec.convert(dict(task_data), Portable)
        except msgspec.ValidationError as error:
            raise Invalid(f"this is no exported task: {error}", hint="give what export_task() returned") from None
        backend = session.backend()
        facts = {name: getattr(whole.task, name) for name in SAID}
        if target_task is None:
            new = NewTask(
                id=uuid.uuid4().hex,
                user=session.settings().user,
                parameters=whole.parameters,
                configurations=whole.configurations,
                **facts,
            )
            return cls(backend.call(CreateTask(task=new)))
        task = cls(backend.call(DescribeTask(id=cls._this_or(target_task).id, **facts)))
        backend.call(SetParameters(task=task.id, parameters=whole.parameters, replace=not update))
        for configuration in whole.configurations:
            backend.call(SetConfiguration(task=task.id, configuration=configuration))
        return task

    @classmethod
    def _this_or(cls, task: Record | str | None) -> Self:
        """Return the task that is meant: the one that is given, or that of this process."""
        if isinstance(task, Record):
            return cls.of(task.id)
        working = current.get()
        id = task or (working.task if working else None)
        if id is None:
            raise Invalid("this process works on no task", hint="name the task")
        return cls.of(id)


def _filtered(op: ListTasks, more: Mapping[str, object] | None) -> ListTasks:
    """Return the question with the filters of `task_filter`."""
    changes: dict[str, object] = {}
    for name, value in (more or {}).items():
        values = (
            [str(one) for one in cast("Iterable[object]", value)] if isinstance(value, list | tuple) else [str(value)]
        )
        match name:
            case "status":
                changes["statuses"] = tuple(_status(one) for one in values)
            case "type":
                changes["type"] = task_type(_only(name, values))
            case "parent":
                changes["parent"] = _only(name, values)
            case "system_tags":
                changes["archived"] = _archived(values)
            case "order_by":
                pass  # the newest come first, which is what is asked for
            case _:
                known = "it may hold status, type, parent and system_tags"
                raise Invalid(f"task_filter cannot hold {name!r}", hint=known)
    return replace(op, **changes)


def _status(word: str) -> Status:
    try:
        return Status(word)
    except ValueError:
        raise Invalid(f"there is no status {word!r}", hint=", ".join(Status)) from None


def _only(name: str, values: list[str]) -> str:
    if len(values) != 1:
        raise Invalid(f"task_filter: {name} must be one value, not {len(values)}")
    return values[0]


def _archived(words: list[str]) -> bool | None:
    if "archived" in words:
        return True
    return False if "-archived" in words else None


def _field(task: record.Task, path: str) -> object:
    found: object = task
    for word in path.split("."):
        if word not in getattr(found, "__struct_fields__", ()):
            raise Invalid(f"a task has no field {path!r}", hint=", ".join(record.Task.__struct_fields__))
        found = getattr(found, word)
    return found
