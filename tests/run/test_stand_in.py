from __future__ import annotations

import sys

import pytest

from penstock.core.task import Script
from penstock.run import stand_in
from penstock.run.needs import choose
from penstock.run.preload import plan
from penstock.run.project import reach


@pytest.fixture
def standing():
    stand_in.put("clearml")
    yield
    stand_in.put("")


@pytest.fixture
def installed(tmp_path):
    """A path on which a module of the library's name lies."""
    (tmp_path / "clearml.py").write_text("import json\n")
    return [str(tmp_path), *sys.path]


def test_what_is_known_is_imported_and_nothing_else():
    stand_in.stand_for("os; no library")
    stand_in.stand_for("")
    assert stand_in.get() == ""


def test_a_module_of_the_library_is_ours_where_it_means_penstock(standing):
    assert [stand_in.is_ours(name) for name in ("penstock", "clearml", "json")] == [True, True, False]


def test_steps_have_penstock_imported_in_advance_instead_of_the_library(standing, installed):
    assert plan(["from clearml import Task"], installed).modules == ("penstock:Task",)


def test_where_the_library_itself_is_meant_it_is_left_alone(installed):
    assert "penstock" not in plan(["from clearml import Task"], installed).modules
    assert reach("import clearml", installed).modules == {"clearml": "import json\n"}


def test_the_library_is_no_part_of_what_a_script_reaches(standing, installed):
    assert reach("import clearml", installed).modules == {}


def test_an_environment_is_built_without_the_library(tmp_path):
    lines = ("clearml==1.9", "Clearml>=1", "iniconfig")
    script = Script(source="", packages=lines, stands_for="clearml", interpreter="3.11")
    assert choose(script, tmp_path, same_env=False).requirements == ("iniconfig",)
    assert not choose(script, tmp_path, same_env=None).own
