"""Models as users meet them: weights that a task made or took in, found by id, by name, or in a task's list."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, SupportsIndex, cast, overload

from penstock.core import outputs
from penstock.core.errors import BadParameter, Damaged, Invalid, PenstockError
from penstock.core.parameters import cast as cast_value
from penstock.core.task import Parameter
from penstock.ops.models import ArchiveModel, ChangeModel, DeleteModel, FindModels, GetModel, ListModels, PublishModel
from penstock.sdk import model_files, session
from penstock.sdk.absent import NotModel
from penstock.sdk.model_facts import words

_log = logging.getLogger("penstock")


class Model(NotModel):
    """A recorded model. What is read of it is what was recorded when it was last read or changed here.

    Args:
        model_id: Its id.

    Raises:
        NotFound: There is no model of this id.
    """

    _record: outputs.Model

    def __init__(self, model_id: str) -> None:
        self._record = session.backend().call(GetModel(id=model_id))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}: {self.size} bytes>"

    @classmethod
    def from_record(cls, record: outputs.Model) -> Self:
        """Return the model of a record that was read already."""
        model = cls.__new__(cls)
        model._record = record  # noqa: SLF001 - its own class fills it
        return model

    @classmethod
    def query_models(
        cls,
        project_name: str | None = None,
        model_name: str | None = None,
        tags: Sequence[str] | None = None,
        only_published: bool = False,
        include_archived: bool = False,
        max_results: int | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> list[Model]:
        """Return the models that the filters let through, newest first.

        Args:
            project_name: Path of the project, exactly.
            model_name: Name, exactly.
            tags: One of these tags; `-tag` excludes it. `__$all` before tags asks for all of them, `__$or` for one of
                them, `__$not` excludes the tag that follows.
            only_published: Whether only published models are wanted.
            include_archived: Whether archived ones are wanted as well.
            max_results: At most this many; None for all.
            metadata: Entries that they must have.

        Raises:
            Invalid: The tags hold an operator that there is not.
        """
        wanted = FindModels(
            project=project_name,
            name=model_name,
            tags=words(tags),
            published=only_published,
            archived=include_archived,
            limit=max_results,
            metadata={str(key): str(value) for key, value in (metadata or {}).items()},
        )
        return [Model.from_record(one) for one in session.backend().call(wanted)]

    @classmethod
    def remove(cls, model: Model | str, delete_weights_file: bool = True, force: bool = False) -> bool:
        """Delete a model; return True.

        Args:
            model: The model, or its id.
            delete_weights_file: Whether its bytes go too, when nothing else refers to them. Weights that are elsewhere,
                and were only registered or sent there, are never touched.
            force: Whether it goes although other tasks have it.

        Raises:
            Conflict: It is published, or other tasks have it.
            NotFound: There is no such model.
        """
        id = model if isinstance(model, str) else model.id
        session.backend().call(DeleteModel(id=id, force=force, keep_bytes=not delete_weights_file))
        return True

    @property
    def id(self) -> str:
        """Its id, 32 hexadecimal digits."""
        return self._record.id

    @property
    def name(self) -> str:
        """Its name; in a task's list the one that it has there. Setting it renames the model."""
        return self._record.name

    @name.setter
    def name(self, value: str) -> None:
        self._change(name=value)

    @property
    def url(self) -> str:
        """Where the weights are, for example as a `file://` URL; empty until there are any."""
        return self._record.url

    @property
    def task(self) -> str:
        """Id of the task that made it; empty when it came from elsewhere."""
        return self._record.task

    @property
    def original_task(self) -> str:
        """The same as `task`."""
        return self._record.task

    @property
    def project(self) -> str:
        """Path of its project."""
        return self._record.project

    @property
    def framework(self) -> str:
        """The library that wrote it, as far as known."""
        return self._record.framework

    @property
    def tags(self) -> list[str]:
        """Its tags. Setting them replaces them."""
        return list(self._record.tags)

    @tags.setter
    def tags(self, value: Sequence[str]) -> None:
        self._change(tags=words(value))

    @property
    def labels(self) -> dict[str, int]:
        """The number that it gives to each class."""
        return dict(self._record.labels)

    @property
    def comment(self) -> str:
        """Its comment. Setting it replaces it."""
        return self._record.comment

    @comment.setter
    def comment(self, value: str) -> None:
        self._change(comment=value)

    @property
    def design(self) -> str:
        """The text of its configuration."""
        return self._record.design

    @property
    def config_text(self) -> str:
        """The same as `design`."""
        return self._record.design

    @property
    def config_dict(self) -> dict[str, Any] | None:
        """Its configuration, where that is a JSON object; else None."""
        try:
            found: object = json.loads(self._record.design)
        except ValueError:
            return None
        return cast("dict[str, Any]", found) if isinstance(found, dict) else None

    @property
    def published(self) -> bool:
        """Whether it is published: it stays as it is, but for its comment and tags."""
        return self._record.published is not None

    @property
    def archived(self) -> bool:
        """Whether somebody put it out of sight."""
        return self._record.archived

    @property
    def size(self) -> int:
        """Length of its bytes: of the file, or of the archive of a folder; 0 when it is not known."""
        return self._record.size

    @property
    def hash(self) -> str:
        """SHA-256 of these bytes; empty when they are elsewhere and were never read."""
        return self._record.hash

    @property
    def created(self) -> float:
        """Epoch seconds when it was recorded."""
        return self._record.created

    def reload(self) -> None:
        """Read it again."""
        self._record = session.backend().call(GetModel(id=self.id))

    def get_local_copy(
        self, extract_archive: bool | None = None, raise_on_error: bool = False, force_download: bool = False
    ) -> str | None:
        """Return the path of a copy of its file or folder; None when what is elsewhere cannot be fetched.

        Args:
            extract_archive: Whether an archive is unpacked; None: what was stored as a folder or a package is.
            raise_on_error: Whether a failure to fetch raises, instead of a warning and None.
            force_download: Whether what is elsewhere is fetched although there is a copy here.

        Raises:
            Damaged: The bytes are gone or are not what was recorded; this raises always.
        """
        try:
            return model_files.local_copy(self._record, extract=extract_archive, force=force_download)
        except Damaged:
            raise
        except (PenstockError, OSError) as error:
            if raise_on_error:
                raise
            _log.warning("model %r cannot be fetched: %s", self.name, error)
            return None

    def get_weights(self, raise_on_error: bool = False, force_download: bool = False) -> str | None:
        """Return the path of a copy of its file; of a folder or package the archive. See `get_local_copy`."""
        return self.get_local_copy(False, raise_on_error, force_download)

    def get_weights_package(
        self,
        return_path: bool = False,
        raise_on_error: bool = False,
        force_download: bool = False,
        extract_archive: bool = True,
    ) -> str | list[str] | None:
        """Return the files of a model that is a package, or with `return_path` their folder. See `get_local_copy`.

        Raises:
            Invalid: It is a single file.
        """
        if not model_files.is_package(self._record):
            raise Invalid(f"model {self.name!r} is a single file", hint="get it with get_weights()")
        found = self.get_local_copy(extract_archive, raise_on_error, force_download)
        if found is None or return_path or not Path(found).is_dir():
            return found
        return [str(file) for file in sorted(Path(found).rglob("*")) if file.is_file()]

    def publish(self) -> None:
        """Fix it for others to build on: from now on only its comment and tags may change, and it is not deleted.

        Raises:
            Conflict: It has no weights.
        """
        self._record = session.backend().call(PublishModel(id=self.id, task=self.task))

    def archive(self) -> None:
        """Put it out of sight: it is kept, but found only by who asks for archived ones."""
        self._record = session.backend().call(ArchiveModel(id=self.id, task=self.task))

    def unarchive(self) -> None:
        """Bring it back from the archive."""
        self._record = session.backend().call(ArchiveModel(id=self.id, task=self.task, archived=False))

    def set_metadata(self, key: str, value: object, v_type: str | None = None) -> bool:
        """Note a fact about it, as a text with a type; one of the same key is replaced. Return True.

        Args:
            v_type: Name of the type; by default that of the value.

        Raises:
            Conflict: It is published.
        """
        return self.set_all_metadata({key: {"value": value, "type": v_type or type(value).__name__}}, replace=False)

    def set_all_metadata(self, metadata: Mapping[str, Mapping[str, object]], replace: bool = True) -> bool:
        """Note several facts, as `{key: {"value": ..., "type": ...}}`; `replace` removes all others. Return True."""
        types = {str(key): str(one["type"]) for key, one in metadata.items() if one.get("type")}
        texts = {str(key): str(one.get("value", "")) for key, one in metadata.items()}
        self._change(metadata=texts, metadata_types=types, only_these=replace)
        return True

    def get_metadata(self, key: str) -> str | None:
        """Return a noted fact as its text; None when there is none of this key."""
        return self._record.metadata.get(key)

    def get_metadata_casted(self, key: str) -> object:
        """Return a noted fact in its type; as its text where that is no type of parameters, None when there is none."""
        text = self._record.metadata.get(key)
        kind = self._record.metadata_types.get(key, "str")
        if text is None:
            return None
        try:
            return cast_value(Parameter(section="", name=key, value=text, type=kind), text)
        except (BadParameter, KeyError):
            return text

    def get_all_metadata(self) -> dict[str, dict[str, str]]:
        """Return all noted facts as `{key: {"key", "type", "value"}}`, the values as texts."""
        types = self._record.metadata_types
        return {
            key: {"key": key, "type": types.get(key, "str"), "value": value}
            for key, value in self._record.metadata.items()
        }

    def get_all_metadata_casted(self) -> dict[str, dict[str, object]]:
        """Return all noted facts, the values in their types."""
        return {key: {**one, "value": self.get_metadata_casted(key)} for key, one in self.get_all_metadata().items()}

    def _change(self, **changes: Any) -> None:
        self._record = session.backend().call(ChangeModel(id=self._record.id, task=self._record.task, **changes))


class ModelList(list[Model]):
    """Models of a task, by index or by name; of several of one name the last is meant."""

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> Model: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[Model]: ...
    @overload
    def __getitem__(self, index: str, /) -> Model: ...
    def __getitem__(self, index: SupportsIndex | slice | str, /) -> Model | list[Model]:
        if isinstance(index, str):
            return self._by_name()[index]
        return super().__getitem__(index)

    def __contains__(self, item: object, /) -> bool:
        return item in self._by_name() if isinstance(item, str) else super().__contains__(item)

    def keys(self) -> list[str]:
        """Return the names, each once."""
        return list(self._by_name())

    def values(self) -> list[Model]:
        """Return the models that the names stand for."""
        return list(self._by_name().values())

    def items(self) -> list[tuple[str, Model]]:
        """Return the names with the models that they stand for."""
        return list(self._by_name().items())

    def get(self, name: str, default: Model | None = None) -> Model | None:
        """Return the model of a name; `default` when there is none."""
        return self._by_name().get(name, default)

    def _by_name(self) -> dict[str, Model]:
        return {one.name: one for one in self}


class TaskModels(dict[str, ModelList]):
    """The models of a task: `["input"]` in the order in which they came, `["output"]` oldest first."""

    @property
    def input(self) -> ModelList:
        """Those that it was given."""
        return self["input"]

    @property
    def output(self) -> ModelList:
        """Those that it made."""
        return self["output"]


def of_task(task_id: str) -> TaskModels:
    """Return the models of a task as they are recorded now.

    Raises:
        NotFound: There is no such task.
    """
    found = session.backend().call(ListModels(task=task_id))
    sides = ("input", "output")
    return TaskModels(
        {side: ModelList(Model.from_record(one) for one in found if one.direction == side) for side in sides}
    )
