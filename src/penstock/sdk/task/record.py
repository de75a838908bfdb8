"""What a task is: id, name, project, tags, and what people note about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from penstock.core import task as record
from penstock.core.errors import Invalid, NotFound
from penstock.core.flat import is_dict
from penstock.core.parameters import held, plain, restore
from penstock.core.task import PROPERTIES, Parameter, TaskType
from penstock.ops.runs import GetRun
from penstock.ops.tasks import DescribeTask, GetParameters, GetTask, RemoveParameters, SetParameters
from penstock.sdk import given, session


class Record:
    """A task's record, as it was when it was read."""

    def __init__(self, found: record.Task) -> None:
        self._record = found

    def __repr__(self) -> str:
        return f"<Task {self.name!r} {self.id[:12]}: {self.status}>"

    @property
    def id(self) -> str:
        """Its id, 32 hexadecimal digits."""
        return self._record.id

    @property
    def task_id(self) -> str:
        """The same as `id`."""
        return self._record.id

    @property
    def name(self) -> str:
        """Its name."""
        return self._record.name

    @property
    def project(self) -> str:
        """Path of its project."""
        return self._record.project

    @property
    def task_type(self) -> str:
        """What kind of work it does, for example `training`."""
        return self._record.type

    @property
    def parent(self) -> str | None:
        """Id of the task that made it; of a step, its run; of a clone, what it was cloned from."""
        return self._record.parent

    @property
    def status(self) -> str:
        """Where it stood when it was read: `created`, `queued`, `in_progress`, `stopped`, `failed`, `completed`, ..."""
        return self._record.status.value

    @property
    def comment(self) -> str:
        """Its comment."""
        return self._record.comment

    @property
    def output_uri(self) -> str | None:
        """Where copies of its artifacts and models are sent; None for nowhere. It can be set."""
        return self._record.output_uri

    @output_uri.setter
    def output_uri(self, uri: str | bool | None) -> None:
        self._describe(DescribeTask(id=self.id, output_uri=uri if isinstance(uri, str) else ""))

    def get_executed_queue(self, return_name: bool = False) -> str | None:
        """Return the queue that it was meant for, or came from; None when there is none.

        Args:
            return_name: Accepted for compatibility; a queue is known by its name.
        """
        _ = return_name
        return self._record.queue

    @property
    def data(self) -> record.Task:
        """Everything that is recorded of it, read-only."""
        return self._record

    def reload(self) -> None:
        """Read it again."""
        self._record = session.backend().call(GetTask(id=self.id))

    def get_project_name(self) -> str:
        """Return the path of its project."""
        return self._record.project

    def set_comment(self, comment: str) -> None:
        """Set its comment."""
        self._describe(DescribeTask(id=self.id, comment=comment))

    def set_name(self, name: str) -> None:
        """Set its name."""
        self._describe(DescribeTask(id=self.id, name=name))

    def rename(self, new_name: str) -> bool:
        """Set its name; return True."""
        self.set_name(new_name)
        return True

    def set_parent(self, parent: str | Record | None) -> None:
        """Say which task it comes from; None for none.

        Raises:
            Conflict: It is a run or a step; those have the parent that their run gives them.
        """
        id = parent.id if isinstance(parent, Record) else parent
        self._describe(DescribeTask(id=self.id, parent=id or ""))

    def set_task_type(self, task_type: str) -> None:
        """Say what kind of work it does; see `TaskTypes`."""
        self._describe(DescribeTask(id=self.id, type=given.task_type(task_type)))

    def move_to_project(self, new_project_id: str | None = None, new_project_name: str | None = None) -> bool:
        """Move it to another project, which is made when it is not there; return True.

        Args:
            new_project_id, new_project_name: The path of the project; here both are the same.

        Raises:
            Invalid: Neither is given.
            Conflict: It is a run or a step; those lie where their pipeline does.
        """
        name = new_project_name or new_project_id
        if not name:
            raise Invalid("move_to_project needs new_project_name")
        self._describe(DescribeTask(id=self.id, project=name))
        return True

    def set_project(self, project_id: str | None = None, project_name: str | None = None) -> None:
        """The same as `move_to_project`."""
        self.move_to_project(new_project_id=project_id, new_project_name=project_name)

    def get_tags(self) -> list[str]:
        """Return its tags."""
        return list(self._record.tags)

    def add_tags(self, tags: Iterable[str] | str) -> None:
        """Add tags; a text is split at spaces."""
        self._describe(DescribeTask(id=self.id, add_tags=tuple(given.words(tags))))

    def set_tags(self, tags: Iterable[str] | str) -> None:
        """Replace its tags; a text is split at spaces."""
        self._describe(DescribeTask(id=self.id, tags=tuple(given.words(tags))))

    def get_system_tags(self) -> list[str]:
        """Return the tags by which the system knows it, for example `archived`."""
        return list(self._record.system_tags)

    def set_user_properties(
        self, *iterables: Mapping[str, object] | Iterable[Mapping[str, object]], **properties: object
    ) -> bool:
        """Note facts about it that may be changed at any time, also when it has ended or is published; return True.

        Args:
            iterables: Dicts of a name and a value, or lists of `{"name": ..., "value": ..., "description": ...}`.
            properties: A name and its value, or a dict with `value`, `description` and `type`.
        """
        facts: dict[str, object] = {}
        for one in iterables:
            facts.update(_named(one))
        found = tuple(_property(name, value) for name, value in (facts | properties).items())
        session.backend().call(SetParameters(task=self.id, parameters=found))
        return True

    def get_user_properties(self, value_only: bool = False) -> dict[str, object]:
        """Return the facts that people noted about it, by name.

        Args:
            value_only: Whether each is its value alone, instead of a dict of `section`, `name`, `value`, `description`.
        """
        found = [one for one in self._parameters() if one.section == PROPERTIES]
        if value_only:
            return {one.name: restore(one) for one in found}
        facts = ("section", "name", "value", "type", "description")
        return {one.name: {fact: getattr(one, fact) for fact in facts} for one in found}

    def delete_user_properties(self, *iterables: Iterable[str | Mapping[str, str]]) -> bool:
        """Remove facts that people noted about it, each by its name; return whether it had any of them."""
        names = [one if isinstance(one, str) else one["name"] for some in iterables for one in some]
        op = RemoveParameters(task=self.id, paths=tuple(f"{PROPERTIES}/{name}" for name in names))
        return session.backend().call(op) > 0

    def _parameters(self) -> list[Parameter]:
        return session.backend().call(GetParameters(task=self.id))

    def _describe(self, op: DescribeTask) -> None:
        self._record = session.backend().call(op)

    def _is_run(self) -> bool:
        """Return whether it stands for the run of a pipeline, which decides about it."""
        if self._record.type is not TaskType.CONTROLLER:
            return False
        try:
            session.backend().call(GetRun(id=self.id))
        except NotFound:
            return False
        return True


def _named(facts: Mapping[str, object] | Iterable[Mapping[str, object]]) -> dict[str, object]:
    if isinstance(facts, Mapping):
        return {str(name): value for name, value in cast("Mapping[object, object]", facts).items()}
    return {str(one["name"]): one for one in facts}


def _property(name: str, value: object) -> Parameter:
    facts = value if is_dict(value) and "value" in value else {"value": value}
    value = facts["value"]
    kind = "float" if isinstance(value, float) else "" if value is None else type(plain(value, name)).__name__
    return Parameter(
        section=PROPERTIES,
        name=name,
        value=held(value, name),
        type=str(facts.get("type") or kind),
        description=str(facts.get("description") or ""),
    )
