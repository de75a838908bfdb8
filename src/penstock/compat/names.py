"""The modules and names of ClearML's documentation: where ours are, and what to do instead where there is none."""

from __future__ import annotations

VERSION = "2.1.12"
"""The version of ClearML whose documented API these names follow."""

_TASKS = {"Task": "penstock:Task", "TaskTypes": "penstock:TaskTypes"}
_MODELS = {name: f"penstock:{name}" for name in ("InputModel", "Model", "OutputModel")}
_CONTROLLER = {"PipelineController": "penstock:PipelineController", "PipelineDecorator": "penstock:PipelineDecorator"}
_JOB = {"ClearmlJob": "penstock.sdk.job:Job"}

MODULES: dict[str, dict[str, str]] = {
    "clearml": {
        **_TASKS,
        **_MODELS,
        **_CONTROLLER,
        "Dataset": "penstock:Dataset",
        "Logger": "penstock:Logger",
        "StorageManager": "penstock:StorageManager",
    },
    "clearml.automation": {**_CONTROLLER, **_JOB},
    "clearml.automation.controller": {**_CONTROLLER},
    "clearml.automation.job": {**_JOB},
    "clearml.datasets": {"Dataset": "penstock:Dataset"},
    "clearml.errors": {"UsageError": "penstock:PenstockError"},
    "clearml.logger": {"Logger": "penstock:Logger"},
    "clearml.model": {**_MODELS},
    "clearml.storage": {"StorageManager": "penstock:StorageManager"},
    "clearml.storage.manager": {"StorageManager": "penstock:StorageManager"},
    "clearml.task": {**_TASKS},
}
"""By module its names, and where ours are."""

_SEARCH = "search by a pipeline: a step for each combination, with add_function_step in a loop"
_WHEN = "let cron, or a timer of systemd, start `penstock run` or `penstock rerun` at its times"

ABSENT: dict[str, str] = {
    "clearml.Session": "use Task, Model and StorageManager; over HTTP there is the API of `penstock server`",
    "clearml.backend_api": "use Task, Model and StorageManager; over HTTP there is the API of `penstock server`",
    "clearml.backend_config": "settings are in the configuration file, see docs/reference/settings.md",
    "clearml.backend_interface": "take Task from clearml itself",
    "clearml.binding": "what libraries save is recorded by itself, see docs/reference/frameworks.md",
    "clearml.browser_login": "nothing has to be logged in to; PENSTOCK_URL and PENSTOCK_KEY name a server",
    "clearml.config": "settings are in the configuration file, see docs/reference/settings.md",
    "clearml.external": "what libraries save is recorded by itself, see docs/reference/frameworks.md",
    "clearml.hyperdatasets": "data sets of files are there: Dataset",
    "clearml.router": "start a web server of your own in the task",
    "clearml.utilities": "it is for ClearML's own use; take what is documented from clearml itself",
    "clearml.automation.AutoScaler": "start agents: `penstock agent`; with --until-idle they leave by themselves",
    "clearml.automation.DiscreteParameterRange": _SEARCH,
    "clearml.automation.GridSearch": _SEARCH,
    "clearml.automation.HyperParameterOptimizer": _SEARCH,
    "clearml.automation.LogUniformParameterRange": _SEARCH,
    "clearml.automation.ParameterSet": _SEARCH,
    "clearml.automation.RandomSearch": _SEARCH,
    "clearml.automation.TaskScheduler": _WHEN,
    "clearml.automation.TriggerScheduler": _WHEN,
    "clearml.automation.UniformIntegerParameterRange": _SEARCH,
    "clearml.automation.UniformParameterRange": _SEARCH,
    "clearml.automation.hpbandster": _SEARCH,
    "clearml.automation.optimization": _SEARCH,
    "clearml.automation.optuna": _SEARCH,
    "clearml.automation.parameters": _SEARCH,
    "clearml.automation.scheduler": _WHEN,
    "clearml.automation.trigger": _WHEN,
}
"""What to do instead, by `module.name`; by `module` for all that is below it."""
