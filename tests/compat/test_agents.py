"""On agents, and beside the real library, the same names mean Penstock."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
    from clearml import PipelineController

    def work(n):
        import clearml
        from clearml.automation import PipelineController
        print("means", clearml.Task.__module__, PipelineController.__module__)
        return n

    pipe = PipelineController("flow", "Tests", "1.0.0")
    pipe.add_function_step("work", work, {"n": 1}, ["out"], execution_queue="default")
    pipe.start(queue="services")
"""


def run(place, *command, **variables):
    script = place.folder / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    done = subprocess.run(
        [sys.executable, "-m", *command, str(script)],
        env=place.environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.parametrize("place", ["home", "server"], indirect=True)
def test_a_pipeline_that_agents_carry_out_sees_the_names_in_its_script_and_its_steps(place):
    run(place, "penstock.compat")
    assert place.found("flow").run.task.script.stands_for == "clearml"
    place.agent()
    assert place.ended("flow") == ("completed", {"work": "completed"}), place.logs()
    assert "means penstock.sdk.task penstock.sdk.pipeline" in place.penstock("logs", "flow", "work")


@pytest.fixture
def real(place):
    """A module that is called like the library, where everybody finds it."""
    (place.folder / "clearml.py").write_text("Task = 'the real one'\n")


def test_beside_the_real_library_every_process_says_which_is_used(place, real):
    done = run(place, "penstock", "run", "--as-clearml", "--plain")
    said = f"`import clearml` means Penstock here; clearml of {place.folder / 'clearml.py'} is not used"
    assert said in done.stderr
    place.agent()
    assert place.ended("flow")[0] == "completed", place.logs()
    printed = place.penstock("logs", "flow", "work")
    assert said in printed
    assert "means penstock.sdk.task penstock.sdk.pipeline" in printed
