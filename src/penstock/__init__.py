"""Penstock: pipelines of Python functions for machine learning and data, recorded and fast.

The names below are loaded when they are first used, so that `import penstock` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.core.errors import PenstockError
    from penstock.core.task import TaskType as TaskTypes
    from penstock.sdk.artifacts import Artifact
    from penstock.sdk.dataset import Dataset
    from penstock.sdk.decorators import PipelineDecorator
    from penstock.sdk.input_model import InputModel
    from penstock.sdk.logger import Logger
    from penstock.sdk.models import Model
    from penstock.sdk.output_model import OutputModel
    from penstock.sdk.pipeline import PipelineController
    from penstock.sdk.storage import StorageManager
    from penstock.sdk.task import Task

__all__ = [
    "Artifact",
    "Dataset",
    "InputModel",
    "Logger",
    "Model",
    "OutputModel",
    "PenstockError",
    "PipelineController",
    "PipelineDecorator",
    "StorageManager",
    "Task",
    "TaskTypes",
]

_PLACES = {
    "Artifact": ("penstock.sdk.artifacts", "Artifact"),
    "Dataset": ("penstock.sdk.dataset", "Dataset"),
    "InputModel": ("penstock.sdk.input_model", "InputModel"),
    "Logger": ("penstock.sdk.logger", "Logger"),
    "Model": ("penstock.sdk.models", "Model"),
    "OutputModel": ("penstock.sdk.output_model", "OutputModel"),
    "PenstockError": ("penstock.core.errors", "PenstockError"),
    "PipelineController": ("penstock.sdk.pipeline", "PipelineController"),
    "PipelineDecorator": ("penstock.sdk.decorators", "PipelineDecorator"),
    "StorageManager": ("penstock.sdk.storage", "StorageManager"),
    "Task": ("penstock.sdk.task", "Task"),
    "TaskTypes": ("penstock.core.task", "TaskType"),
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return _version()
    if name not in _PLACES:
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    module, attribute = _PLACES[name]
    found: object = getattr(import_module(module), attribute)
    globals()[name] = found
    return found


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("penstock")
    except PackageNotFoundError:
        return "0+unknown"


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
