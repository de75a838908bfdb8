"""Write the page that says which names of ClearML's documentation Penstock has, from the code.

`python tests/compat/page.py` writes it; a test compares it, so that it stays true. What is documented stands in the
tables of `tests/sdk/test_signatures.py` and in `FURTHER` here; what is there is looked up in the classes themselves.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import penstock
from penstock.compat.finder import is_there
from penstock.compat.names import ABSENT, MODULES, VERSION
from penstock.sdk.absent import Absent

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "reference" / "clearml.md"
YES, PARTLY, NO = "yes", "partly", "no"

sys.path.insert(0, str(ROOT))
from tests.sdk.test_signatures import DOCUMENTED, FACTS, NOT_THERE  # noqa: E402 - they are found only now

CLASSES = (
    "PipelineController",
    "PipelineDecorator",
    "Task",
    "Logger",
    "Model",
    "InputModel",
    "OutputModel",
    "Dataset",
    "StorageManager",
)
FURTHER: dict[str, tuple[str, ...]] = {
    "PipelineDecorator": (
        "component",
        "pipeline",
        "run_locally",
        "debug_pipeline",
        "set_default_execution_queue",
        "get_current_pipeline",
        "get_logger",
        "upload_artifact",
        "upload_model",
        "wait_for_multi_pipelines",
    ),
    "PipelineController": ("Node",),
    "Task": (
        "TaskTypes",
        "completed",
        "delete_user_properties",
        "flush",
        "get_base_docker",
        "get_initial_iteration",
        "get_last_iteration",
        "get_project_name",
        "get_reported_single_value",
        "get_reported_single_values",
        "get_script",
        "get_status_message",
        "get_system_tags",
        "running_locally",
        "set_initial_iteration",
        "set_task_type",
        "started",
        "stopped",
        "task_id",
    ),
    "Logger": (
        "get_default_upload_destination",
        "matplotlib_force_report_non_interactive",
        "tensorboard_auto_group_scalars",
        "tensorboard_single_series_per_graph",
    ),
    "Model": (
        "archive",
        "get_all_metadata",
        "get_all_metadata_casted",
        "get_metadata",
        "get_metadata_casted",
        "get_weights_package",
        "remove",
        "set_all_metadata",
        "set_metadata",
        "unarchive",
    ),
    "InputModel": ("connect", "empty", "load_model"),
    "OutputModel": (
        "connect",
        "set_default_upload_uri",
        "set_upload_destination",
        "update_design",
        "update_labels",
        "wait_for_all_uploads",
        "wait_for_uploads",
    ),
}
"""Documented names beside those whose signatures the tests compare."""

NOTES: dict[str, str] = {
    "Task.set_random_seed": "`Task.init` seeds nothing by itself",
    "Task.set_offline": "with `PENSTOCK_URL` it raises; without it nothing needs a connection",
    "Task.set_credentials": "it is passed over, and that is said",
    "Task.register_artifact": "it is stored at each flush and at the end, not every few minutes",
    "Task.execute_remotely": "without a server the task stays a draft, with its queue noted",
    "Task.set_base_docker": "it acts where agents that allow containers carry the task out",
}
"""What differs, of names that are there."""

HEAD = f"""<!-- Written by tests/compat/page.py from the code: change it there. -->

# Scripts that were written for ClearML

They run as they are, with their `import clearml`, and need neither ClearML nor a server:

```
penstock run --as-clearml train.py -- --epochs 3
python -m penstock.compat train.py --epochs 3
```

or, from inside, before the script's own imports:

```python
import penstock.compat.clearml
from clearml import Task
```

Tasks and steps record that they were made so: wherever they are carried out again - in processes of their own, from
their record with `penstock execute`, by agents - the same names mean Penstock there, too. Where ClearML itself is
installed as well, a line on standard error says which of the two is used. What is not there raises an `ImportError` or
an `AttributeError` that names it, with what to do instead.

The tables follow the documentation of ClearML {VERSION}. *partly* means that a script runs, and that something is
accepted without an effect, or works otherwise; what, stands beside it.
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD, _modules()]
    parts += [_class(name) for name in CLASSES]
    parts.append(_elsewhere())
    return "\n".join(parts)


def _modules() -> str:
    rows = [
        (f"`from {module} import {name}`", *_importable(module, name))
        for module, names in MODULES.items()
        for name in names
    ]
    return _table("What is imported", ("name", "there", "note"), rows)


def _importable(module: str, name: str) -> tuple[str, str]:
    if is_there(MODULES[module][name]):
        return YES, ""
    raise LookupError(f"{MODULES[module][name]} is not there, and {module}.{name} should lead to it")


def _class(name: str) -> str:
    kind = getattr(penstock, name)
    rows = [(f"`{member}`", *_member(kind, name, member)) for member in documented(name)]
    return _table(name, ("name", "there", "note"), rows)


def documented(name: str) -> list[str]:
    """Return the documented names of a class."""
    kind = getattr(penstock, name)
    methods = [one for one in DOCUMENTED.get(kind, ()) if one != "__init__"]
    absent = [one for one, what in vars(NOT_THERE.get(kind, object)).items() if isinstance(what, Absent)]
    return sorted({*methods, *FACTS.get(kind, ()), *FURTHER.get(name, ()), *absent})


def _member(kind: type, owner: str, name: str) -> tuple[str, str]:
    found = inspect.getattr_static(kind, name, None)
    if isinstance(found, Absent):
        return NO, found.hint
    if found is None:
        raise LookupError(f"{owner}.{name} is documented; write it, or say in sdk/absent.py what to do instead")
    passed_over = accepted(inspect.getdoc(found) or "")
    notes = [NOTES[f"{owner}.{name}"]] if f"{owner}.{name}" in NOTES else []
    if passed_over:
        notes.append(f"without effect: {', '.join(f'`{one}`' for one in passed_over)}")
    return (PARTLY, "; ".join(notes)) if notes else (YES, "")


def accepted(docstring: str) -> list[str]:
    """Return the arguments that a docstring says are accepted for compatibility."""
    found = re.findall(r"^\s+([a-z_, ]+): Accepted for compatibility", docstring, re.MULTILINE)
    return [name.strip() for names in found for name in names.split(",")]


def _elsewhere() -> str:
    there = {f"{module}.{name}" for module, names in MODULES.items() for name in names}
    rows = [(f"`{name}`", NO, hint) for name, hint in sorted(ABSENT.items()) if name not in there]
    return _table("What is not there at all", ("name", "there", "what to do instead"), rows)


def _table(title: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"## {title}\n", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(page(), "utf-8")
