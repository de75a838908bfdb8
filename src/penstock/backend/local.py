"""The embedded backend: the service, in this process, on the files of one home."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any, Self, TypeVar, cast

import msgspec

from penstock.backend.secrets import SystemSecrets
from penstock.blobs.files import FileBlobs
from penstock.core.access import Identity
from penstock.core.errors import NotFound, StoreError
from penstock.core.lease import Held
from penstock.core.run import Change
from penstock.core.secret import Secret
from penstock.core.topics import Topics
from penstock.ops.base import Once, Op
from penstock.ops.lifecycle import DeleteTask, ResetTask
from penstock.ops.models import DeleteModel, GetModel
from penstock.ops.outputs import AddArtifact, ListArtifacts
from penstock.ops.runs import DeleteRun, GetRun
from penstock.ops.tasks import EndTask, GetTask
from penstock.service import Service
from penstock.settings import Settings
from penstock.store.opening import open_store

R = TypeVar("R")

Deletes = DeleteRun | DeleteTask | ResetTask | DeleteModel
"""What leaves bytes behind that nothing refers to."""


class Local:
    """The service and the blob store of one home."""

    def __init__(self, service: Service, blobs: FileBlobs) -> None:
        self._service = service
        self._unsynced = FileBlobs(blobs.root, durable=False)
        self.blobs = blobs

    def call(self, op: Op[R], by: Identity | None = None, *, held: Held | None = None, once: Once | None = None) -> R:
        """Carry out one operation; see `Service.call`."""
        answer: object
        if isinstance(op, EndTask | AddArtifact) and op.contents:
            answer = self._record(op, by, held, once)
        elif isinstance(op, Deletes) and not self._was_done(once):
            answer = self._delete(op, by, once)
        else:
            answer = self._service.call(op, by, held=held, once=once)
        return cast("R", answer)

    def waits_for(self, op: Op[Any], by: Identity | None = None, *, held: Held | None = None) -> Topics | None:
        """Return whether an operation that may wait has its answer now; others always have."""
        return self._service.waits_for(op, by, held=held)

    def follow(self, told: Callable[[list[Change]], object] | None) -> None:
        """Have somebody told what is changed here, at once; see `Service.follow`."""
        self._service.follow(told)

    def hurry(self) -> None:
        """Do nothing: what is here does not go away."""

    def known_by(self, key: Secret) -> Self:
        """Return this: in a home, nobody shows a key."""
        _ = key
        return self

    def holding(self, held: Held) -> Holding:
        """Return the backend of who carries a claimed task out."""
        return Holding(self, held)

    def forget_answers(self, older_than: float) -> int:
        """Forget what calls were answered this many seconds ago, or earlier; return how many those are."""
        return self._service.forget_answers(older_than)

    def close(self) -> None:
        """Close the database."""
        self._service.close()

    def _record(self, op: EndTask | AddArtifact, by: Identity | None, held: Held | None, once: Once | None) -> object:
        """Record artifacts whose bytes came along.

        The bytes are stored before, and on the disk before this is answered: who follows the task need not wait for
        that. Should the machine die in between, nobody was answered, and all of it comes again.
        """
        contents = self._still_wanted(op) if self._was_done(once) else op.contents
        stored = [self._unsynced.put_bytes(content) for content in contents]
        answer: object = self._service.call(op, by, held=held, once=once)
        for blob in stored:
            self.blobs.secure(blob.hash)
        return answer

    def _still_wanted(self, op: EndTask | AddArtifact) -> list[bytes]:
        """Return the bytes of artifacts that were recorded before, and not deleted since."""
        id = op.id if isinstance(op, EndTask) else op.artifact.task
        with suppress(NotFound):
            recorded = {one.hash for one in self._service.call(ListArtifacts(task=id))}
            return [content for content in op.contents if sha256(content).hexdigest() in recorded]
        return []

    def _was_done(self, once: Once | None) -> bool:
        return once is not None and self._service.knows(once)

    def _delete(self, op: Deletes, by: Identity | None, once: Once | None) -> list[str]:
        """Delete what was recorded, and then the bytes that nothing refers to any more."""
        before = self._last_stored(op)
        unused = self._service.call(op, by, once=once)
        for hash in () if isinstance(op, DeleteModel) and op.keep_bytes else unused:
            self.blobs.delete(hash, stored_before=before)
        return unused

    def _last_stored(self, op: Deletes) -> float | None:
        """Return when the last bytes of what is deleted were stored."""
        match op:
            case DeleteModel(id=id):
                return self._service.call(GetModel(id=id)).updated
            case DeleteRun(id=id):
                return self._service.call(GetRun(id=id)).run.task.ended
            case _:
                return self._service.call(GetTask(id=op.id)).ended


class Holding:
    """The backend of who carries a claimed task out: its writes are refused once the task went to another.

    Args:
        local: Where the operations go.
        held: What is shown with each.
    """

    def __init__(self, local: Local, held: Held) -> None:
        self._local = local
        self._held = held
        self.blobs = local.blobs

    def call(self, op: Op[R]) -> R:
        """Carry out one operation."""
        return self._local.call(op, held=self._held)

    def call_once(self, op: Op[R], key: str) -> R:
        """Carry out one operation, once however often it comes with this key."""
        asked = sha256(type(op).__name__.encode() + b"\n" + msgspec.msgpack.encode(op)).hexdigest()
        return self._local.call(op, held=self._held, once=Once(key, asked))

    def close(self) -> None:
        """Close the database."""
        self._local.close()


def open_local(settings: Settings) -> Local:
    """Open the home that the settings name, and the database; make the home when it is not there.

    Raises:
        Invalid: `database_url` is no PostgreSQL URL.
        StoreError: The database cannot be used, or the home.
    """
    blobs = FileBlobs(settings.blobs)

    def drop(hash: str, at: float) -> None:
        with suppress(StoreError):  # what was asked for is recorded; bytes that cannot be removed cost only space
            blobs.delete(hash, stored_before=at)

    return Local(Service(open_store(settings.database, settings.database_url), time.time, drop, SystemSecrets()), blobs)
