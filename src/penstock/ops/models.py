"""Operations on models."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from penstock.core.outputs import Model
from penstock.ops.base import Op


class AddModel(Op[Model], frozen=True, kw_only=True):
    """Record a model, and link it to the task that made it; one of the same id and task is replaced.

    Args:
        model: The record. Its blob is stored before.
        publish: Whether it is published at once.
    """

    model: Model
    publish: bool = False


class GetModel(Op[Model], frozen=True, kw_only=True):
    """Return a model by its id."""

    id: str
    reads: ClassVar[bool] = True


class ListModels(Op[list[Model]], frozen=True, kw_only=True):
    """Return the models of a task: its input models as they came, then its output models, oldest first."""

    task: str
    reads: ClassVar[bool] = True


class FindModels(Op[list[Model]], frozen=True, kw_only=True):
    """Return the models that the filters let through, newest first.

    Args:
        project: Path of the project, exactly.
        name: Name, exactly.
        url: Where the bytes are, exactly.
        tags: As in `core.tags`.
        metadata: Entries that a model must have.
        published: Whether only published ones are wanted.
        archived: Whether archived ones are wanted as well.
        limit: At most this many; None for all.
    """

    project: str | None = None
    name: str | None = None
    url: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    published: bool = False
    archived: bool = False
    limit: int | None = None
    reads: ClassVar[bool] = True


class Weights(Struct, frozen=True, kw_only=True):
    """Where weights are; the fields are those of a model."""

    url: str
    hash: str = ""
    size: int = 0
    facts: dict[str, str] = field(default_factory=dict[str, str])


class ChangeModel(Op[Model], frozen=True, kw_only=True):
    """Change a model; what is None stays as it is. Of a published one only comment and tags may change.

    Args:
        id: Id of the model.
        task: The task that made it; empty when it came from elsewhere.
        metadata: Entries to add.
        metadata_types: Types of these entries.
        only_these: Whether entries that were there before go.
    """

    id: str
    task: str
    name: str | None = None
    comment: str | None = None
    framework: str | None = None
    design: str | None = None
    tags: tuple[str, ...] | None = None
    labels: dict[str, int] | None = None
    metadata: dict[str, str] | None = None
    metadata_types: dict[str, str] = field(default_factory=dict[str, str])
    only_these: bool = False
    weights: Weights | None = None

    def applied(self, model: Model) -> Model:
        """Return the model as it is after this change."""
        changed = {name: value for name in _PLAIN if (value := getattr(self, name)) is not None}
        if self.metadata is not None:
            kept = {} if self.only_these else {k: v for k, v in model.metadata.items() if k not in self.metadata}
            types = {name: model.metadata_types[name] for name in kept if name in model.metadata_types}
            changed |= {"metadata": kept | self.metadata, "metadata_types": types | self.metadata_types}
        if self.weights is not None:
            changed |= {name: getattr(self.weights, name) for name in Weights.__struct_fields__}
        return replace(model, **changed)


_PLAIN = ("name", "comment", "framework", "design", "tags", "labels")


class PublishModel(Op[Model], frozen=True, kw_only=True):
    """Fix a model for others to build on: from now on it stays as it is.

    Args:
        id: Id of the model.
        task: The task that made it; empty when it came from elsewhere.
    """

    id: str
    task: str


class ArchiveModel(Op[Model], frozen=True, kw_only=True):
    """Put a model out of sight, or back.

    Args:
        id: Id of the model.
        task: The task that made it; empty when it came from elsewhere.
        archived: Whether it shall be out of sight.
    """

    id: str
    task: str
    archived: bool = True


class LinkModel(Op[Model], frozen=True, kw_only=True):
    """Make a model one of a task; return it as it is in the task's list.

    Args:
        task: Id of the task.
        model: Id of the model.
        direction: `output` or `input`. An input model of the same name gives way.
        name: The name that it has there; its own when empty.
        maker: Id of the task that links it, where that is another.
    """

    task: str
    model: str
    direction: str
    name: str = ""
    maker: str = ""


class DeleteModel(Op[list[str]], frozen=True, kw_only=True):
    """Delete a model that is not published; return the hashes of blobs that nothing refers to any more.

    Args:
        id: Id of the model.
        force: Whether it goes although other tasks have it.
        keep_bytes: Whether the blobs stay.
    """

    id: str
    force: bool = False
    keep_bytes: bool = False
