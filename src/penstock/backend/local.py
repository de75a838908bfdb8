"""The embedded backend: the service, in this process, on the files of one home."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TypeVar, cast

from penstock.blobs.files import FileBlobs
from penstock.core.errors import StoreError
from penstock.core.task import Task
from penstock.ops.base import Once, Op
from penstock.ops.lifecycle import DeleteTask, ResetTask
from penstock.ops.models import DeleteModel, GetModel
from penstock.ops.runs import DeleteRun, GetRun
from penstock.ops.tasks import GetTask
from penstock.service import Service
from penstock.settings import Settings
from penstock.store.sqlite import SqliteStore

R = TypeVar("R")


class Local:
    """The service and the blob store of one home."""

    def __init__(self, service: Service, blobs: FileBlobs) -> None:
        self._service = service
        self.blobs = blobs

    def call(self, op: Op[R], once: Once | None = None) -> R:
        """Carry out one operation; with `once` it may come again, and is carried out the first time only."""
        if once is not None and self._service.knows(once):
            return self._service.call(op, once)
        if isinstance(op, DeleteRun | DeleteTask | ResetTask):
            return cast("R", self._delete(op, once))
        if isinstance(op, DeleteModel):
            return cast("R", self._delete_model(op, once))
        return self._service.call(op, once)

    def forget_answers(self, older_than: float) -> int:
        """Forget what calls were answered this many seconds ago, or earlier; return how many those are."""
        return self._service.forget_answers(older_than)

    def close(self) -> None:
        """Close the database."""
        self._service.close()

    def _delete(self, op: DeleteRun | DeleteTask | ResetTask, once: Once | None) -> list[str]:
        """Delete what was recorded, and then the bytes that nothing refers to any more."""
        known = self._service.call(GetRun(id=op.id)).run.task if isinstance(op, DeleteRun) else self._task(op.id)
        unused = self._service.call(op, once)
        for hash in unused:
            self.blobs.delete(hash, stored_before=known.ended)
        return unused

    def _task(self, id: str) -> Task:
        return self._service.call(GetTask(id=id))

    def _delete_model(self, op: DeleteModel, once: Once | None) -> list[str]:
        """Delete a model, and then its bytes if nothing refers to them any more."""
        updated = self._service.call(GetModel(id=op.id)).updated
        unused = self._service.call(op, once)
        for hash in () if op.keep_bytes else unused:
            self.blobs.delete(hash, stored_before=updated)
        return unused


def open_local(settings: Settings) -> Local:
    """Open the home that the settings name; make it when it is not there."""
    blobs = FileBlobs(settings.blobs)

    def drop(hash: str, at: float) -> None:
        with suppress(StoreError):  # what was asked for is recorded; bytes that cannot be removed cost only space
            blobs.delete(hash, stored_before=at)

    return Local(Service(SqliteStore(settings.database), time.time, drop), blobs)
