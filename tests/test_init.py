"""The package's face: names that are loaded when they are used, and what an import costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import penstock
from penstock.core.errors import PenstockError

HEAVY = {"pandas", "numpy", "polars", "pyarrow", "sklearn", "scipy", "PIL", "matplotlib", "plotly", "torch", "rich",
         "click", "cloudpickle", "asyncio", "multiprocessing"}  # fmt: skip


def loaded_by(code):
    """The top-level modules that a fresh interpreter has after this code."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{n.partition('.')[0] for n in sys.modules}})))"
    result = subprocess.run([sys.executable, "-c", script], env=clean, capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout.splitlines()[-1]))


def test_all_names_are_there_and_no_others():
    """Promise 1, as far as this version goes: `from penstock import PipelineController`."""
    assert "PipelineController" in penstock.__all__
    for name in penstock.__all__:
        assert getattr(penstock, name).__name__
    assert sorted(penstock.__all__) == penstock.__all__
    public = {name for name in vars(penstock) if name.isidentifier() and not name.startswith("_")}
    folders = {path.stem for path in Path(penstock.__file__).parent.iterdir()}
    assert public - folders <= {*penstock.__all__, "annotations", "import_module", "TYPE_CHECKING"}


def test_dir_tells_the_names_before_they_are_loaded():
    assert {*penstock.__all__, "__version__"} <= set(dir(penstock))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'penstock' has no attribute 'PipelineControler'"):
        _ = penstock.PipelineControler
    with pytest.raises(ImportError):
        from penstock import Nothing  # noqa: F401 - it is not there


def test_the_version_is_a_text():
    assert isinstance(penstock.__version__, str)
    assert penstock.__version__


def test_the_error_of_the_package_is_the_root_of_its_tree():
    assert penstock.PenstockError is PenstockError
    assert penstock.TaskTypes.TRAINING == "training"


def test_importing_the_package_loads_next_to_nothing():
    """`import penstock` is paid by every process that looks at it."""
    assert not loaded_by("import penstock") & (HEAVY | {"sqlite3", "msgspec"})


@pytest.mark.parametrize("name", ["PipelineController", "Task", "Logger", "Artifact", "PenstockError", "TaskTypes"])
def test_importing_a_name_loads_no_library_of_the_user(name):
    """Libraries such as pandas are never imported unless the user's code did."""
    assert not loaded_by(f"from penstock import {name}") & (HEAVY - {"multiprocessing"})


def test_a_run_loads_no_library_of_the_user(tmp_path):
    """Neither does a whole run of steps that use none, in its script."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        f"os.environ.update(PENSTOCK_HOME={str(tmp_path / 'home')!r}, PENSTOCK_PROGRESS='plain')\n"
        "from penstock import PipelineController, Task\n"
        "def one(): return [1]\n"
        "pipe = PipelineController('flow', 'Tests')\n"
        "pipe.add_function_step('one', one, function_return=['x'])\n"
        "pipe.start_locally(run_pipeline_steps_locally=True)\n"
        "assert Task.get_task(pipe.get_pipeline_dag()['one'].task_id).artifacts['x'].get() == [1]\n"
    )
    heavy = HEAVY - {"multiprocessing", "cloudpickle"}
    assert not loaded_by(f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')") & heavy
