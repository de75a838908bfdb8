"""How data sets begin, and how they are found again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from penstock.core.errors import Conflict, Invalid, NotFound
from penstock.core.parameters import restore
from penstock.core.task import Parameter, Status, Task
from penstock.ops.lifecycle import DeleteTask
from penstock.ops.tasks import GetParameters, SetParameters
from penstock.run import current, datasets
from penstock.run.datasets import Manifest
from penstock.sdk import session
from penstock.sdk.dataset import records
from penstock.sdk.dataset.record import Record

USED = "Datasets"
"""The section of a task's parameters that tells which data sets it used, by their alias."""


class Findable(Record):
    """How data sets begin, and how they are found again."""

    @classmethod
    def create(
        cls,
        dataset_name: str | None = None,
        dataset_project: str | None = None,
        dataset_tags: Sequence[str] | None = None,
        parent_datasets: Sequence[str | Record] | None = None,
        use_current_task: bool = False,
        dataset_version: str | None = None,
        output_uri: str | None = None,
        description: str | None = None,
    ) -> Self:
        """Begin a new version of a data set, with all that is in its parents.

        Args:
            dataset_name: Its name; that of the first parent when there is none.
            dataset_project: Path of its project; that of the first parent when there is none.
            dataset_tags: Tags to add.
            parent_datasets: Data sets, or their ids; of a file that several have, that of the last one is taken.
            use_current_task: Not there: a data set is a task of its own.
            dataset_version: None for the one after the highest there is, 1.0.0 at first.
            output_uri: Accepted for compatibility; contents go to the blob store.
            description: A comment.

        Raises:
            Invalid: It has no name, or is to be the current task.
            Conflict: There is a final one of this version, or a parent is not final.
        """
        _ = output_uri
        if use_current_task:
            raise Invalid("a data set is a task of its own", hint="leave use_current_task out")
        parents = [one if isinstance(one, Record) else Record(records.get(one)) for one in parent_datasets or ()]
        for one in parents:
            if not one.is_final():
                raise Conflict(f"data set {one.name!r} {one.version} is not final", hint="call finalize() on it first")
        name = dataset_name or (parents[0].name if parents else "")
        if not name or "/" in name or name.startswith("."):
            raise Invalid(f"a data set cannot be called {name!r}", hint="give dataset_name, without slashes")
        project = dataset_project if dataset_project is not None else parents[0].project if parents else ""
        made = cls(records.create(project, name, dataset_version, dataset_tags or (), description or ""))
        made._before = datasets.merged([Manifest(files=one.file_entries_dict) for one in parents])
        made._manifest = Manifest(files=dict(made._before), parents=tuple(one.id for one in parents))
        records.keep(made._task, made._manifest)
        return made

    @classmethod
    def get(
        cls,
        dataset_id: str | None = None,
        dataset_project: str | None = None,
        dataset_name: str | None = None,
        dataset_tags: Sequence[str] | None = None,
        only_completed: bool = False,
        only_published: bool = False,
        include_archived: bool = False,
        auto_create: bool = False,
        writable_copy: bool = False,
        dataset_version: str | None = None,
        alias: str | None = None,
        overridable: bool = False,
        shallow_search: bool = False,
    ) -> Self:
        """Return a data set: by its id, or the highest version of a project, name and tags.

        Args:
            only_completed: Only a final one; without an id, one that is not final is found only when there is no other.
            only_published: Only a published one.
            auto_create: Whether one is begun when there is none.
            writable_copy: Whether a new version is begun that has it as its parent.
            dataset_version: Only this version.
            alias: The name under which the task of this process records that it used it.
            overridable: Whether that task's value of the alias, which somebody may have changed, wins.
            include_archived, shallow_search: Accepted for compatibility.

        Raises:
            NotFound: There is none that fits.
            Invalid: Nothing says which.
        """
        _ = include_archived, shallow_search
        if alias and overridable:
            dataset_id = _used_as(alias) or dataset_id
        if dataset_id:
            found = cls(records.get(dataset_id))
        else:
            if not (dataset_name or dataset_project):
                raise Invalid("Dataset.get needs dataset_id, dataset_name or dataset_project")
            statuses = (Status.PUBLISHED,) if only_published else records.DONE if only_completed else None
            task = _newest(dataset_project, dataset_name, dataset_tags or (), dataset_version, statuses)
            if task is None and not auto_create:
                shown = "/".join(filter(None, (dataset_project, dataset_name)))
                version = f" of version {dataset_version}" if dataset_version else ""
                raise NotFound(f"there is no data set {shown!r}{version}", hint="see them with Dataset.list_datasets()")
            if task is None:
                return cls.create(dataset_name, dataset_project, dataset_tags, dataset_version=dataset_version)
            found = cls(task)
        if alias:
            _note_use(alias, found.id)
        return cls.create(parent_datasets=[found]) if writable_copy else found

    @classmethod
    def list_datasets(
        cls,
        dataset_project: str | None = None,
        partial_name: str | None = None,
        tags: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        only_completed: bool = True,
        recursive_project_search: bool = True,
        include_archived: bool = True,
    ) -> list[dict[str, Any]]:
        """Return data sets, each as a dict of `name`, `project`, `id`, `version`, `tags`, `created`, `status`.

        Args:
            partial_name: Only those whose name has this in it.
            ids: Only these.
            recursive_project_search, include_archived: Accepted for compatibility.
        """
        _ = recursive_project_search, include_archived
        found = records.find(dataset_project, None, tags or (), None, records.DONE if only_completed else None)
        return [
            {
                "name": task.name,
                "project": records.project_of(task),
                "id": task.id,
                "version": records.version_of(task),
                "tags": list(task.tags),
                "created": task.created,
                "status": str(task.status),
            }
            for task in found
            if (partial_name or "") in task.name and (ids is None or task.id in ids)
        ]

    @classmethod
    def delete(
        cls,
        dataset_id: str | None = None,
        dataset_project: str | None = None,
        dataset_name: str | None = None,
        force: bool = False,
        dataset_version: str | None = None,
        entire_dataset: bool = False,
        shallow_search: bool = False,
        delete_files: bool = True,
        delete_external_files: bool = False,
    ) -> None:
        """Delete a data set; contents that nothing else has go with it.

        Args:
            force: Delete it although it is published.
            entire_dataset: Whether all versions go.
            shallow_search, delete_files, delete_external_files: Accepted for compatibility.

        Raises:
            NotFound: There is none that fits.
        """
        _ = shallow_search, delete_files, delete_external_files
        found = cls.get(dataset_id, dataset_project, dataset_name, dataset_version=dataset_version)
        doomed = records.versions(found.project, found.name) if entire_dataset else [records.get(found.id)]
        for task in doomed:
            session.backend().call(DeleteTask(id=task.id, force=force))


def _newest(
    project: str | None, name: str | None, tags: Sequence[str], version: str | None, statuses: tuple[Status, ...] | None
) -> Task | None:
    """Return the highest version that fits; one that is not final only when there is no other."""
    found = records.find(project, name, tags, version, statuses)
    return next((one for one in found if one.status in records.DONE), found[0] if found else None)


def _used_as(alias: str) -> str | None:
    working = current.get()
    if working is None or not working.assigned:
        return None
    found = session.backend().call(GetParameters(task=working.task))
    return next((str(restore(one)) for one in found if (one.section, one.name) == (USED, alias)), None)


def _note_use(alias: str, id: str) -> None:
    working = current.get()
    if working is not None:
        used = Parameter(section=USED, name=alias, value=id, type="str")
        session.backend().call(SetParameters(task=working.task, parameters=(used,)))
