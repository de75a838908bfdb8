"""Following on and off."""

from __future__ import annotations

import argparse
import subprocess
import sys

import click
import pytest

from penstock.core.task import Parameter
from penstock.run.arguments import following


class Section:
    name = "Args"
    assigned = False

    def __init__(self, **values):
        self.kept = {name: Parameter(section="Args", name=name, value=value) for name, value in values.items()}

    def stored(self):
        return self.kept

    def store(self, parameters):
        self.kept |= {one.name: one for one in parameters}


@pytest.fixture(autouse=True)
def untouched():
    """Whatever a test does, the libraries are afterwards as they were."""
    following.Following().stop()  # importing Task begins to listen
    before = argparse.ArgumentParser.parse_args, click.Command.invoke
    yield
    following.Following().stop()
    assert (argparse.ArgumentParser.parse_args, click.Command.invoke) == before


@pytest.fixture
def parser():
    one = argparse.ArgumentParser()
    one.add_argument("--lr", type=float)
    return one


def test_until_it_is_stopped_the_command_line_goes_to_the_section(parser):
    section = Section()
    followed = following.follow_arguments(section, wanted=True)
    parser.parse_args(["--lr", "1"])
    assert section.kept["lr"].value == 1.0
    followed.stop()
    parser.parse_args(["--lr", "2"])
    assert section.kept["lr"].value == 1.0


def test_what_is_not_wanted_changes_no_library(parser):
    before = argparse.ArgumentParser.parse_args
    following.follow_arguments(Section(), wanted=False)
    assert argparse.ArgumentParser.parse_args is before


def test_what_the_script_read_before_it_was_a_task_is_recorded_when_it_becomes_one(parser):
    following.listen()
    parser.parse_args(["--lr", "1"])
    section = Section()
    following.follow_arguments(section, wanted=True)
    assert section.kept["lr"].value == 1.0


def test_what_was_read_before_is_forgotten_when_it_is_not_wanted(parser):
    following.listen()
    parser.parse_args(["--lr", "1"])
    following.follow_arguments(Section(), wanted=False)
    section = Section()
    following.follow_arguments(section, wanted=True)
    assert section.kept == {}


def test_following_imports_no_library():
    code = (
        "import sys; from penstock.run.arguments.following import listen; listen(); "
        "print(*({'click', 'typer', 'fire', 'hydra', 'yaml', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
