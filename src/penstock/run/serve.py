"""What a step may ask of its launcher: to read, and to write to its own task and run. Nothing else gets through."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from penstock.backend import Backend
from penstock.blobs.cached import CachedBlobs
from penstock.blobs.files import FileBlobs
from penstock.core.errors import NotFound, PenstockError
from penstock.core.outputs import Blob
from penstock.core.policy import Located, check_step
from penstock.core.task import Task
from penstock.ops.base import REGISTRY, Op
from penstock.ops.makers import signed
from penstock.ops.tasks import GetTask
from penstock.run.attempt import TRANSFER, Reply, Request, Transfer, encode, printable


def serve(backend: Backend, task: Task, request: Request) -> bytes:
    """Carry out what the step of this task asks for; return the encoded reply. An error becomes part of the reply."""
    try:
        if request.op == TRANSFER:
            asked = msgspec.msgpack.decode(request.body, type=Transfer)
            return encode(Reply(number=request.number, body=msgspec.Raw(encode(_transfer(backend.blobs, asked)))))
        kind = REGISTRY.get(request.op)
        if kind is None:
            raise NotFound(f"there is no operation {request.op!r}")
        op: Op[Any] = msgspec.msgpack.decode(request.body, type=kind)
        if not op.reads:
            check_step(op, task.id, _Asked(backend, task))
            op = signed(op, task.id)
        if "wait" in kind.__struct_fields__:  # one thread serves all steps: it does not wait for one of them
            op = replace(op, wait=0.0)
        result = encode(backend.call(op))
    except PenstockError as error:
        hint = None if error.hint is None else printable(error.hint)
        return encode(Reply(number=request.number, code=error.code, message=printable(error.message), hint=hint))
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        return encode(Reply(number=request.number, code="invalid", message=printable(f"{request.op}: {error}")))
    return encode(Reply(number=request.number, body=msgspec.Raw(result)))


def _transfer(blobs: FileBlobs, asked: Transfer) -> Blob | None:
    """Do something about a blob; nothing where all of them are here."""
    if not isinstance(blobs, CachedBlobs):
        return None
    match asked.kind:
        case "keep":
            blobs.far.keep_blob(asked.blob)
        case "fetch":
            blobs.far.fetch_blob(asked.blob)
        case "check":
            blobs.far.check_blob(asked.blob)
        case "stat":
            return blobs.far.stat_blob(asked.blob.hash)
    return None


class _Asked:
    """Knows where things lie, from the backend; what only the rights of users and agents need, it leaves open."""

    def __init__(self, backend: Backend, own: Task) -> None:
        self._backend = backend
        self._own = own

    def task(self, id: str) -> Located | None:
        if id == self._own.id:
            return Located(self._own.project, self._own.run)
        try:
            found = self._backend.call(GetTask(id=id))
        except NotFound:
            return None
        return Located(found.project, found.run)

    def model(self, id: str) -> Located | None:
        _ = id
        return None

    def owner(self, key: str) -> str | None:
        _ = key
        return None
