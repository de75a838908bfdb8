"""What else the change feed tells of: new drafts, that a task is described otherwise, other models, users or keys.

How the status of something changed, its own handler says. Here stands, for every other operation, what it is news of;
`base` has it told in the transaction of the call. It must never know how the feed is kept, or who reads it.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from penstock.core.run import ChangeKind
from penstock.core.task import Status
from penstock.ops import access, lifecycle, models, reruns, runs, tasks
from penstock.ops.base import Op

if TYPE_CHECKING:
    from penstock.ports import Tx

_TASK: Final[dict[type[Op[Any]], str]] = {
    tasks.CreateTask: "task.id",
    lifecycle.CloneTask: "clone.id",
    runs.CreateRun: "task.id",
    runs.CloneRun: "clone.id",
    runs.DefineRun: "id",
    reruns.DraftRerun: "id",
    tasks.DescribeTask: "id",
    tasks.SetParameters: "task",
    tasks.RemoveParameters: "task",
    tasks.SetConfiguration: "task",
    lifecycle.ArchiveTask: "id",
    runs.ArchiveRun: "id",
}
_MODEL: Final[dict[type[Op[Any]], str]] = {
    models.AddModel: "model.id",
    models.ChangeModel: "id",
    models.PublishModel: "id",
    models.ArchiveModel: "id",
    models.LinkModel: "model",
    models.DeleteModel: "id",
}
_ACCESS: Final[frozenset[type[Op[Any]]]] = frozenset(
    {access.AddUser, access.ChangeUser, access.RemoveUser, access.ChangePassword, access.AddKey, access.RevokeKey}
)
_ASKED: Final = frozenset({tasks.SetParameters, tasks.RemoveParameters, tasks.SetConfiguration})
"""What a task is asked to do is news while it is a draft, which people edit. What it says of itself comes in masses."""
_SEEN: Final = ("name", "comment", "tags", "project", "parent", "type")
"""What lists show of what is described."""


class News(Struct, frozen=True):
    """What is told of once an operation is carried out.

    Args:
        task: The task that it is about, or whose model it is; empty for none.
        place: As in `Change`.
    """

    kind: ChangeKind
    task: str = ""
    place: str = ""


def news_of(tx: Tx, op: Op[Any]) -> News | None:
    """Return what an operation that is about to be carried out is news of; None when that is for its handler to say.

    Of users and keys nothing is told but that there is news: their names are not for everybody who reads the feed.
    """
    kind = type(op)
    if kind in _ACCESS:
        return News(ChangeKind.ACCESS)
    if kind in _MODEL:
        id = attrgetter(_MODEL[kind])(op)
        model = tx.models.find(id) or getattr(op, "model", None)
        return News(ChangeKind.MODEL, getattr(model, "task", ""), id)
    if kind not in _TASK or (isinstance(op, tasks.DescribeTask) and not _is_seen(op)):
        return None
    id = attrgetter(_TASK[kind])(op)
    if kind in _ASKED and tx.tasks.status(id) is not Status.CREATED:
        return None
    return News(ChangeKind.DESCRIBED, id)


def tell(tx: Tx, news: News, now: float) -> None:
    """Add the line to the feed."""
    tx.changes.note(news.kind, news.place, now, tx.tasks.find(news.task) if news.task else None)


def _is_seen(op: tasks.DescribeTask) -> bool:
    return bool(op.add_tags) or any(getattr(op, name) is not None for name in _SEEN)
