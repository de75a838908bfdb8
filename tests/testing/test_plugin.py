"""The plugin costs nothing where it is not used, and is found by pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

ALONE = ("-p", "penstock.testing.plugin")
QUIET = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PENSTOCK_WORKERS": "7", "PENSTOCK_HOME": "/nowhere/at/all"}


def python(*arguments, **variables):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST", "PENSTOCK"))}
    done = subprocess.run(
        [sys.executable, *arguments], env=clean | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_plugin_imports_nothing_of_penstock_but_itself():
    code = (
        "import sys, pytest; before = set(sys.modules); import penstock.testing.plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    assert python("-c", code).split() == ["penstock", "penstock.testing", "penstock.testing.plugin"]


def test_the_fixture_gives_a_home_of_its_own_whatever_the_environment_says(tmp_path):
    file = tmp_path / "test_home.py"
    file.write_text(
        textwrap.dedent("""
            from penstock.settings import load

            def test_home(penstock, tmp_path_factory):
                settings = load()
                assert settings.home.is_relative_to(tmp_path_factory.getbasetemp())
                assert (settings.workers != 7, settings.url) == (True, "")
        """)
    )
    out = python("-m", "pytest", "-q", *ALONE, "-p", "no:cacheprovider", str(file), **QUIET)
    assert "1 passed" in out


PIPELINES = """
    from penstock import PipelineController

    def load(rows):
        raise RuntimeError("the test stands in for this step")

    def train(frame, rate):
        from penstock import Logger

        Logger.current_logger().report_scalar("loss", "train", rate, 0)
        return int(frame["x"].sum() * rate)

    def build():
        pipe = PipelineController("user", "Tests")
        pipe.add_parameter("rate", 1)
        pipe.add_function_step("load", load, {"rows": 4}, ["frame"])
        pipe.add_function_step("train", train, {"frame": "${load.frame}", "rate": "${pipeline.rate}"}, ["score"])
        return pipe
"""


def test_the_test_in_the_documentation_passes_and_is_short(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(block.strip().splitlines()) < 15
    (tmp_path / "pipelines.py").write_text(textwrap.dedent(PIPELINES))
    file = tmp_path / "test_pipeline.py"
    file.write_text(block)
    out = python("-m", "pytest", "-q", *ALONE, "-p", "no:cacheprovider", str(file), **QUIET)
    assert "1 passed" in out
