"""Function steps that name their packages, carried out by agents: in an environment of their own, built by uv."""

from __future__ import annotations

import zipfile

import pytest

from penstock.ops.outputs import ReadConsole
from penstock.run.needs import ENVIRONMENT

SCRIPT = """
from penstock import PipelineController

def versions():
    "Say which package is here, and where."
    import importlib.metadata, iniconfig, sys
    print(iniconfig.__file__)
    return importlib.metadata.version("iniconfig"), sys.prefix

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
pipe.add_function_step("own", versions, None, ["version", "prefix"], packages=["iniconfig==0.0.1"])
pipe.add_function_step("same", versions, None, ["version", "prefix"])
pipe.start_locally()
"""


@pytest.fixture
def configured(place, wheels):
    """The path of a configuration file by which packages come from a folder, and never from an index."""
    file = place.folder / "config.toml"
    file.write_text(f'[environments]\nindex = "none"\nfind_links = ["{wheels.folder}"]\n')
    return str(file)


@pytest.mark.parametrize("place", ["home", "server"], indirect=True)
def test_a_step_runs_with_the_packages_that_it_names_and_others_with_what_is_here(place, configured):
    place.agent("--workers", "2", PENSTOCK_CONFIG=configured)
    place.run(SCRIPT)
    assert place.ended("flow") == ("completed", {"own": "completed", "same": "completed"})
    own, same = place.attempts("flow", "own")[0], place.attempts("flow", "same")[0]
    assert own.runtime[ENVIRONMENT].startswith("own: iniconfig==0.0.1 is needed, and "), own.runtime
    assert same.runtime[ENVIRONMENT].startswith("same: ")
    printed = [line.text for chunk in place.backend.call(ReadConsole(task=own.id)) for line in chunk.lines]
    assert any("cache/environments" in line and line.endswith("iniconfig.py") for line in printed), printed


def test_a_step_that_names_no_packages_runs_with_those_that_its_code_imports_as_they_were_where_it_was_written(
    place, configured, wheels
):
    there = place.folder / "there"
    with zipfile.ZipFile(next(wheels.folder.glob("iniconfig-0.0.1-*.whl"))) as wheel:
        wheel.extractall(there)
    place.agent(PENSTOCK_CONFIG=configured)
    place.run(SCRIPT, PYTHONPATH=f"{there}:{place.folder}")
    same = place.attempts("flow", "same")[0]
    assert same.script.packages == ("iniconfig==0.0.1",)
    assert same.runtime[ENVIRONMENT].startswith("own: iniconfig==0.0.1 is needed, and "), same.runtime


def test_an_agent_that_is_to_use_its_own_packages_leaves_the_environment_out(place, configured):
    place.agent("--same-env", PENSTOCK_CONFIG=configured)
    place.run(SCRIPT)
    own = place.attempts("flow", "own")[0]
    assert own.runtime[ENVIRONMENT] == "same: it was asked for"
