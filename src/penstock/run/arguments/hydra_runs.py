"""Follows hydra: its overrides are the parameter `overrides`, the configuration that it composes is `OmegaConf`.

The overrides decide what hydra composes; so a task's overrides win, and the recorded configuration is for people. What
hydra resolves from elsewhere, such as the environment, is recorded unresolved.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any, cast

from penstock.core.secret import MASK
from penstock.core.secret_names import is_secret
from penstock.core.task import Configuration
from penstock.run.arguments.patches import Patches, Place, wrap
from penstock.run.arguments.recording import RECORDING, Found, attempt
from penstock.run.connecting.secrets import masked
from penstock.run.connecting.values import read_list

OVERRIDES = "overrides"
NAME = "config_name"
CONFIGURATION = "OmegaConf"
MULTIRUN = "hydra.mode=MULTIRUN"

_ASKING = ("help", "hydra_help", "cfg", "info", "shell_completion", "experimental_rerun")  # nothing runs


def _run_hydra(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
    """Stand around the function that runs an application."""
    attempt(lambda: _follow(kwargs), None)
    return wrapped(*args, **kwargs)


def _follow(kwargs: dict[str, Any]) -> None:
    arguments = kwargs.get("args")
    if arguments is None or not RECORDING.wants((OVERRIDES,)) or any(getattr(arguments, one, None) for one in _ASKING):
        return
    assigned = RECORDING.assigned()
    overrides, name = assigned.get(OVERRIDES), assigned.get(NAME)
    if overrides is not None and overrides.value is not None:
        arguments.overrides = _read(overrides.value)
    if name is not None and name.value:
        arguments.config_name = str(name.value)
    told = [str(one) for one in cast("Iterable[object]", arguments.overrides)]
    if arguments.multirun and MULTIRUN not in told:
        told.append(MULTIRUN)  # as an override, the task can say it without a command line
    found = [Found((OVERRIDES,), [_hidden(one) for one in told], "what Hydra was told on the command line")]
    if arguments.config_name:
        found.append(Found((NAME,), arguments.config_name, "the configuration that Hydra begins with"))
    RECORDING.heard(found, "hydra")
    if MULTIRUN not in told:  # the processes that it may start need the function as it is
        kwargs["task_function"] = wrap(kwargs["task_function"], _task_function)


def _task_function(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
    attempt(lambda: _configure(args[0]), None)
    return wrapped(*args, **kwargs)


def _configure(composed: Any) -> None:
    omega: Any = sys.modules["omegaconf"].OmegaConf  # hydra needs it
    values = masked(omega.to_container(composed, resolve=False))
    text: str = omega.to_yaml(omega.create(values))
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
