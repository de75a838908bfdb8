"""What a data set is: its task, its facts, and the manifest of its files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from msgspec.structs import replace

from penstock.core.errors import Conflict
from penstock.core.task import Status, Task
from penstock.ops.lifecycle import PublishTask
from penstock.ops.tasks import DescribeTask, GetTask
from penstock.run import datasets
from penstock.run.datasets import Entry
from penstock.sdk import artifacts, session
from penstock.sdk.dataset import records
from penstock.sdk.given import words
from penstock.sdk.logger import Logger


class Record:
    """The record of a data set, and what was changed of it here and is not recorded yet."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._manifest = records.manifest_of(task)
        self._sources: dict[str, Path] = {}
        self._is_dirty = False

    def __repr__(self) -> str:
        return f"<Dataset {self.name!r} {self.version} {self.id[:12]}: {len(self._manifest.files)} files>"

    @cached_property
    def _before(self) -> dict[str, Entry]:
        """What is in its parents; nothing of one that was deleted."""
        return datasets.merged([one for id in self._manifest.parents if (one := records.manifest_at(id)) is not None])

    @property
    def id(self) -> str:
        """Id of the task that it is recorded as."""
        return self._task.id

    @property
    def name(self) -> str:
        """Its name."""
        return self._task.name

    @property
    def project(self) -> str:
        """Path of the project that it was made in."""
        return records.project_of(self._task)

    @property
    def version(self) -> str:
        """Its version."""
        return records.version_of(self._task)

    @property
    def tags(self) -> list[str]:
        """Its tags; they can be set."""
        return list(self._task.tags)

    @tags.setter
    def tags(self, tags: Iterable[str]) -> None:
        self._task = session.backend().call(DescribeTask(id=self.id, tags=tuple(words(tags))))

    @property
    def file_entries(self) -> list[Entry]:
        """Its files, each with the hash and the size of its content."""
        return list(self._manifest.files.values())

    @property
    def file_entries_dict(self) -> dict[str, Entry]:
        """The same by path."""
        return dict(self._manifest.files)

    def is_final(self) -> bool:
        """Return whether it stays as it is."""
        return self._task.status in records.DONE

    def is_dirty(self) -> bool:
        """Return whether there are changes that were not uploaded."""
        return self._is_dirty

    def add_tags(self, tags: Iterable[str] | str) -> None:
        """Add tags; a text is split at spaces."""
        self._task = session.backend().call(DescribeTask(id=self.id, add_tags=tuple(words(tags))))

    def set_description(self, description: str) -> None:
        """Set its comment."""
        self._task = session.backend().call(DescribeTask(id=self.id, comment=description))

    def set_metadata(self, metadata: object, metadata_name: str = "metadata", ui_visible: bool = True) -> None:
        """Keep a value with it, such as a dict or a table.

        Args:
            metadata_name: Its name.
            ui_visible: Accepted for compatibility.
        """
        _ = ui_visible
        artifacts.upload(self.id, metadata_name, metadata)

    def get_metadata(self, metadata_name: str = "metadata") -> object:
        """Return a value that is kept with it; None when there is none of that name."""
        found = next((one for one in records.kept_with(self._task) if one.name == metadata_name), None)
        return None if found is None else artifacts.Artifact(found).get()

    def get_logger(self) -> Logger:
        """Return the logger that reports for it."""
        return Logger(session.reporter(self.id))

    def publish(self, raise_on_error: bool = True) -> bool:
        """Publish it: others may build on it. Return True.

        Args:
            raise_on_error: Accepted for compatibility; what cannot be published raises.
        """
        _ = raise_on_error
        self._task = session.backend().call(PublishTask(id=self.id))
        return True

    def get_dependency_graph(self) -> dict[str, list[str]]:
        """Return, for it and all that it builds on, the ids of the parents by id."""
        found: dict[str, list[str]] = {}
        waiting = [self.id]
        while waiting:
            one = waiting.pop()
            if one not in found:
                manifest = records.manifest_at(one)
                found[one] = [] if manifest is None else list(manifest.parents)
                waiting += found[one]
        return found

    def _change(self, files: Mapping[str, Entry], *, changed: int) -> None:
        self._manifest = replace(self._manifest, files=dict(files))
        self._is_dirty = self._is_dirty or changed > 0

    def _must_be_open(self) -> None:
        self._task = session.backend().call(GetTask(id=self.id))
        if self._task.status is not Status.CREATED:
            hint = "make a new version: Dataset.create(parent_datasets=[...])"
            raise Conflict(f"data set {self.name!r} {self.version} is {self._task.status}", hint=hint)
