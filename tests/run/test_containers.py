"""The program that runs containers, as far as there is one."""

from __future__ import annotations

import pytest

from penstock.core.containers import Allowed
from penstock.core.errors import NotFound, PenstockError
from penstock.run.containers import find


@pytest.fixture
def programs(tmp_path):
    """Make programs, each with the shell text that it runs; returns the variables under which they are found."""

    def make(**texts):
        for name, text in texts.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
            (tmp_path / name).chmod(0o755)
        return {"PATH": str(tmp_path)}

    return make


def test_podman_comes_before_docker_unless_the_owner_says_otherwise(programs):
    variables = programs(docker="exit 0", podman="exit 0")
    assert find(Allowed(), variables) == "podman"
    assert find(Allowed(runtime="docker"), variables) == "docker"


def test_the_one_that_is_there_is_taken(programs):
    assert find(Allowed(), programs(docker="exit 0")) == "docker"


def test_none_at_all_is_an_error_that_says_what_to_do(programs):
    with pytest.raises(NotFound, match="podman and docker") as caught:
        find(Allowed(), programs())
    assert "install podman or docker" in str(caught.value.hint)


def test_the_one_that_was_chosen_and_is_not_there_is_missed(programs):
    with pytest.raises(NotFound, match="looked for podman"):
        find(Allowed(runtime="podman"), programs(docker="exit 0"))


def test_one_whose_service_does_not_run_is_an_error_with_its_own_words(programs):
    variables = programs(docker="echo first >&2; echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    with pytest.raises(PenstockError, match="does not answer: Cannot connect to the Docker daemon"):
        find(Allowed(), variables)
    with pytest.raises(PenstockError, match="exit code 4"):
        find(Allowed(), programs(docker="exit 4"))
