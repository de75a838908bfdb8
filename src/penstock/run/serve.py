"""What a step may ask of its launcher: to read, and to write to its own task and run. Nothing else gets through."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from penstock.backend import Backend
from penstock.blobs.cached import CachedBlobs
from penstock.blobs.files import FileBlobs
from penstock.core.errors import Conflict, NotFound, PenstockError
from penstock.core.outputs import Blob
from penstock.core.task import Task
from penstock.ops.base import REGISTRY, Op
from penstock.ops.changes import ListChanges
from penstock.ops.models import AddModel, ArchiveModel, ChangeModel, LinkModel, PublishModel
from penstock.ops.outputs import AddArtifact, AppendConsole, ReportPlots, ReportScalars
from penstock.ops.tasks import DescribeTask, GetTask, RemoveParameters, SetConfiguration, SetParameters
from penstock.run.attempt import TRANSFER, Reply, Request, Transfer, encode, printable

WRITES = (
    AddArtifact,
    AddModel,
    AppendConsole,
    ArchiveModel,
    ChangeModel,
    DescribeTask,
    LinkModel,
    PublishModel,
    RemoveParameters,
    ReportPlots,
    ReportScalars,
    SetConfiguration,
    SetParameters,
)


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
        _check(op, task, backend)
        op = _signed(op, task)
        if isinstance(op, ListChanges):
            op = replace(op, wait=0.0)  # one thread serves all steps: it does not wait for one of them
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


def _check(op: Op[Any], task: Task, backend: Backend) -> None:
    if op.reads:
        return
    if not isinstance(op, WRITES):
        raise Conflict(f"a step may not ask for {type(op).__name__}")
    target = _target(op)
    if target not in {task.id, task.run} and not _is_about_a_free_model(op, task, backend):
        raise Conflict(f"step {task.step!r} may write to its own task and run, not to task {target}")


def _is_about_a_free_model(op: Op[Any], task: Task, backend: Backend) -> bool:
    """Return whether it adds a model of no task, or changes one that another step of the run made."""
    match op:
        case AddModel(model=model):
            return not model.task
        case ArchiveModel(task=maker) | ChangeModel(task=maker) | PublishModel(task=maker) if maker:
            try:
                return task.run is not None and backend.call(GetTask(id=maker)).run == task.run
            except NotFound:
                return False
        case _:
            return False


def _signed(op: Op[Any], task: Task) -> Op[Any]:
    """Return the operation with the step named as the maker of what it stores in the name of its run."""
    match op:
        case AddArtifact(artifact=artifact):
            return replace(op, artifact=replace(artifact, maker=task.id if artifact.task != task.id else ""))
        case AddModel(model=model):
            return replace(op, model=replace(model, maker=task.id if model.task != task.id else ""))
        case LinkModel(task=target):
            return replace(op, maker=task.id if target != task.id else "")
        case _:
            return op


def _target(op: Op[Any]) -> str:
    match op:
        case AddArtifact(artifact=artifact):
            return artifact.task
        case AddModel(model=model):
            return model.task
        case DescribeTask(id=id):
            return id
        case AppendConsole(task=task) | ReportPlots(task=task) | ReportScalars(task=task):
            return task
        case RemoveParameters(task=task) | SetConfiguration(task=task) | SetParameters(task=task):
            return task
        case LinkModel(task=task):
            return task
        case ArchiveModel(task=task) | ChangeModel(task=task) | PublishModel(task=task):
            return task
        case _:
            return ""
