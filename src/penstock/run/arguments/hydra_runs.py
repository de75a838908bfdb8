"""Follows hydra: its overrides are the parameter `overrides`, the configuration that it composes is `OmegaConf`.

The overrides decide what hydra composes; so a task's overrides win, and the recorded configuration is for people. What
hydra resolves from elsewhere, such as the environment, is recorded unresolved.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any, cast

import wrapt

from penstock.core.task import Configuration
from penstock.run.arguments.patches import Patches, Place
from penstock.run.arguments.recording import RECORDING, Found, attempt
from penstock.run.connecting.secrets import MASK, is_secret, masked
from penstock.run.connecting.values import read_list

OVERRIDES = "overrides"
CONFIGURATION = "OmegaConf"


def _run_hydra(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
    """Stand around the function that runs an application."""
    attempt(lambda: _follow(kwargs), None)
    return wrapped(*args, **kwargs)


def _follow(kwargs: dict[str, Any]) -> None:
    arguments = kwargs.get("args")
    if arguments is None or not RECORDING.wants((OVERRIDES,)):
        return
    one = RECORDING.assigned().get(OVERRIDES)
    if one is not None and one.value is not None:
        arguments.overrides = _read(one.value)
    shown = [_hidden(str(override)) for override in cast("Iterable[object]", arguments.overrides)]
    RECORDING.heard([Found((OVERRIDES,), shown, "what Hydra was told on the command line")], "hydra")
    # The processes that a multirun may start need the function as it is.
    if not arguments.multirun:
        kwargs["task_function"] = wrapt.FunctionWrapper(kwargs["task_function"], _task_function)


def _task_function(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
    attempt(lambda: _configure(args[0]), None)
    return wrapped(*args, **kwargs)


def _configure(composed: Any) -> None:
    from omegaconf import OmegaConf  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415 - hydra needs it

    values = masked(OmegaConf.to_container(composed, resolve=False))
    text: str = OmegaConf.to_yaml(OmegaConf.create(values))
    RECORDING.configured(Configuration(name=CONFIGURATION, text=text, format="yaml", description="what Hydra composed"))


def _hidden(override: str) -> str:
    name, equals, value = override.partition("=")
    return f"{name}={MASK}" if equals and is_secret(name.split("."), value) else override


def _read(value: object) -> list[str]:
    """Return a task's overrides; one whose value was masked is left to hydra's own configuration."""
    return [one for one in map(str, read_list(value)) if not one.endswith(f"={MASK}")]


def _places(module: ModuleType) -> list[Place]:
    return [(module, "_run_hydra", _run_hydra)]


HYDRA_RUNS = Patches({"hydra.main": _places})
