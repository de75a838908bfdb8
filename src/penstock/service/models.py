"""What the operations on models do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.errors import Conflict, Invalid
from penstock.core.outputs import Model
from penstock.core.tags import TagFilter
from penstock.core.task import Status
from penstock.ops.models import (
    AddModel,
    ArchiveModel,
    ChangeModel,
    DeleteModel,
    FindModels,
    GetModel,
    LinkModel,
    ListModels,
    PublishModel,
)
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx

DIRECTIONS = ("output", "input")


@handles(AddModel)
def add_model(tx: Tx, op: AddModel, now: float) -> Model:
    """Record a model, by default in the project of its task."""
    model = op.model
    if model.task:
        _check_direction(model.direction)
        model = replace(model, project=model.project or tx.tasks.get(model.task).project)
    else:
        model = replace(model, direction="", maker="")
    known = tx.models.find(model.id)
    if known is not None:
        _must_be_of(known, model.task)
        _must_not_be_published(known)
    created = model.created or (known.created if known else now)
    published = now if op.publish else model.published
    model = replace(model, created=created, updated=model.updated or now, published=published)
    tx.projects.ensure(model.project, now)
    tx.models.add(model)
    return model


@handles(GetModel)
def get_model(tx: Tx, op: GetModel, now: float) -> Model:
    """Return the model."""
    return tx.models.get(op.id)


@handles(ListModels)
def list_models(tx: Tx, op: ListModels, now: float) -> list[Model]:
    """Return the models of a task."""
    found = tx.models.of_task(op.task)
    if not found:
        tx.tasks.get(op.task)
    return found


@handles(FindModels)
def find_models(tx: Tx, op: FindModels, now: float) -> list[Model]:
    """Return the models that the filters let through."""
    wanted = TagFilter.of(op.tags)
    noted = op.metadata.items()
    found = (one for one in tx.models.search(op) if wanted.fits(one.tags) and noted <= one.metadata.items())
    return list(found)[: op.limit]


@handles(ChangeModel)
def change_model(tx: Tx, op: ChangeModel, now: float) -> Model:
    """Change a model."""
    model = tx.models.get(op.id)
    _must_be_of(model, op.task)
    changed = op.applied(model)
    if replace(changed, comment=model.comment, tags=model.tags) != model:
        _must_not_be_published(model)
    if op.weights is not None:
        changed = replace(changed, updated=now)
    tx.models.update(changed)
    return changed


@handles(PublishModel)
def publish_model(tx: Tx, op: PublishModel, now: float) -> Model:
    """Fix a model; one that is fixed stays so."""
    model = tx.models.get(op.id)
    _must_be_of(model, op.task)
    if model.published is None:
        if not model.url:
            raise Conflict(f"model {_shown(model)} has no weights to publish", hint="give it weights first")
        model = replace(model, published=now)
        tx.models.update(model)
    return model


@handles(ArchiveModel)
def archive_model(tx: Tx, op: ArchiveModel, now: float) -> Model:
    """Put a model out of sight, or back."""
    model = tx.models.get(op.id)
    _must_be_of(model, op.task)
    model = replace(model, archived=op.archived)
    tx.models.update(model)
    return model


@handles(LinkModel)
def link_model(tx: Tx, op: LinkModel, now: float) -> Model:
    """Make a model one of a task, as an input in the place of the one of its name."""
    _check_direction(op.direction)
    task = tx.tasks.get(op.task)
    if task.status is Status.PUBLISHED:
        raise Conflict(f"task {task.id} is published and stays as it is", hint="clone it and change the clone")
    model = tx.models.get(op.model)
    name = op.name or model.name
    there = [one for one in tx.models.of_task(task.id) if (one.direction, one.name) == (op.direction, name)]
    if op.direction == "input":
        tx.models.unlink(task.id, "input", [(one.id, name) for one in there if one.id != model.id])
    if model.id not in {one.id for one in there}:
        tx.models.link(task.id, model.id, op.direction, name, op.maker)
    return next(
        one for one in tx.models.of_task(task.id) if (one.id, one.direction, one.name) == (model.id, op.direction, name)
    )


@handles(DeleteModel)
def delete_model(tx: Tx, op: DeleteModel, now: float) -> list[str]:
    """Delete a model that is not published, and that no other task has unless this is forced."""
    model = tx.models.get(op.id)
    _must_not_be_published(model)
    others = [task for task in tx.models.tasks(model.id) if task != model.task]
    if others and not op.force:
        count = "another task has it" if len(others) == 1 else f"{len(others)} other tasks have it"
        raise Conflict(f"model {_shown(model)} cannot be deleted: {count}", hint="force=True deletes it all the same")
    return tx.models.delete(model.id)


def _check_direction(direction: str) -> None:
    if direction not in DIRECTIONS:
        raise Invalid(f"a model is no {direction!r} of a task", hint=f"it is one of {', '.join(DIRECTIONS)}")


def _must_be_of(model: Model, task: str) -> None:
    """Raise Conflict unless the task made the model: who asks for a task's models must not reach another's."""
    if model.task != task:
        raise Conflict(f"model {_shown(model)} is not of task {task or '(none)'}")


def _must_not_be_published(model: Model) -> None:
    if model.published is not None:
        raise Conflict(
            f"model {_shown(model)} is published and stays as it is", hint="make another one, with base_model_id="
        )


def _shown(model: Model) -> str:
    return f"{model.id} ({model.name!r})"
