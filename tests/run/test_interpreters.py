"""The Pythons of this machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import pytest

from penstock.core.errors import Invalid, NotFound
from penstock.run import uv
from penstock.run.interpreters import Python, find, here, installed, minor

NEXT = f"3.{sys.version_info.minor + 1}"


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """Make a uv that finds these interpreters."""

    def make(*found, text=None):
        listing = [{"implementation": "cpython", "variant": "default", "os": "linux"} | one for one in found]
        file = tmp_path / "bin" / "uv"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(listing) if text is None else text}\nEND\n")
        file.chmod(0o755)
        monkeypatch.setenv("PATH", f"{file.parent}:{os.environ['PATH']}")
        return file

    return make


def test_this_one_runs_and_is_of_this_version():
    code = "import platform; print(platform.python_version())"
    assert subprocess.check_output([here().path, "-c", code], text=True).strip() == here().version
    assert here().version == platform.python_version()


@pytest.mark.parametrize(
    ("version", "expected"),
    [("3.11.7", "3.11"), ("3.12", "3.12"), ("python3.11", "3.11"), ("3", ""), ("", ""), ("3.x", ""), ("3.11rc1", "")],
)
def test_packages_depend_on_the_first_two_numbers(version, expected):
    assert minor(version) == expected


def test_another_patch_of_the_same_version_is_as_good():
    assert find(f"{here().minor}.999") == here()


def test_another_version_is_looked_for_and_the_newest_patch_taken(listed):
    listed(
        {"version": f"{NEXT}.1", "path": "/a"},
        {"version": f"{NEXT}.10", "path": "/b"},
        {"version": f"{NEXT}.11", "path": "/pypy", "implementation": "pypy"},
        {"version": f"{NEXT}.12", "path": "/free", "variant": "freethreaded"},
        {"version": f"{NEXT}.13", "path": None},
    )
    assert find(f"{NEXT}.5") == Python("/b", f"{NEXT}.10")


def test_a_version_that_is_not_there_is_an_error_that_names_those_that_are(listed):
    listed({"version": f"{NEXT}.1", "path": "/a"})
    with pytest.raises(NotFound) as caught:
        find("3.99")
    assert f"there is: {here().minor}, {NEXT}" in caught.value.message
    assert "uv python install 3.99" in str(caught.value.hint)


@pytest.mark.parametrize("version", ["", "3", "latest", "3.11; id", "--help", "3.-1", "9" * 50 + ".1"])
def test_what_is_no_version_is_refused(version):
    with pytest.raises(Invalid, match="no version of Python"):
        find(version)


def test_a_python_that_penstock_does_not_run_in_is_refused():
    with pytest.raises(Invalid, match="or newer"):
        find("3.8.1")


def test_what_uv_finds_here_can_be_run():
    found = installed(uv.find())
    assert here().minor in {one.minor for one in found}
    for one in found:
        code = "import platform; print(platform.python_version())"
        assert subprocess.check_output([one.path, "-c", code], text=True).strip() == one.version


def test_an_answer_that_cannot_be_read_finds_none(listed):
    assert installed(listed(text="error: no")) == []
