"""The mark that a step leaves on what it stores in the name of its run, whatever it says itself."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from penstock.ops.base import Op
from penstock.ops.models import AddModel, LinkModel
from penstock.ops.outputs import AddArtifact


def signed(op: Op[Any], task: str) -> Op[Any]:
    """Return the operation with this task named as the maker of what it stores with another one."""
    match op:
        case AddArtifact(artifact=artifact):
            return replace(op, artifact=replace(artifact, maker=task if artifact.task != task else ""))
        case AddModel(model=model):
            return replace(op, model=replace(model, maker=task if model.task != task else ""))
        case LinkModel(task=target):
            return replace(op, maker=task if target != task else "")
        case _:
            return op
