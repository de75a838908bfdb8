"""What users give in more than one place: packages, containers, tags, types, limits."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from penstock.core.errors import Invalid
from penstock.core.task import Container, TaskType
from penstock.sdk.given import container, requirements, task_type, time_limit, words


@pytest.mark.parametrize(
    ("packages", "lines"),
    [(None, None), (True, None), (False, ()), ("", ()), ([], ()), (["numpy", "torch==2"], ("numpy", "torch==2"))],
)
def test_packages_are_found_given_or_none(packages, lines):
    assert requirements(packages) == lines


@pytest.mark.parametrize("kind", [str, Path])
def test_a_requirements_file_is_read_as_pip_reads_it(tmp_path, kind):
    file = tmp_path / "needs.txt"
    file.write_bytes("\ufeff# all\nnumpy==1  # why\n\n  git+https://host/r.git#egg=r \n#end".encode())
    assert requirements(kind(file)) == ("numpy==1", "git+https://host/r.git#egg=r")


def test_a_requirements_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(Invalid, match="names no file"):
        requirements(str(tmp_path / "none.txt"))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Invalid, match="cannot be read"):
        requirements(tmp_path / "bytes")


def test_a_container_needs_an_image():
    assert container(None, "--rm", "apt") is None
    assert container("python", None, "apt") == Container(image="python", setup_script="apt")


@pytest.mark.parametrize(
    ("tags", "found"), [(None, []), ("", []), ("a  b", ["a", "b"]), (("a b", "c"), ["a b", "c"]), ({"a"}, ["a"])]
)
def test_a_text_of_tags_is_split_at_spaces(tags, found):
    assert words(tags) == found


def test_a_task_type_is_one_of_those_that_there_are():
    assert (task_type(None), task_type("qc"), task_type(TaskType.TESTING)) == ("training", "qc", "testing")
    with pytest.raises(Invalid, match="'trianing'") as raised:
        task_type("trianing")
    assert "training" in raised.value.hint


def test_a_time_limit_is_a_number_above_0():
    assert (time_limit("x", None), time_limit("x", 2)) == (None, 2.0)
    for wrong in (0, -1, True, "3", math.nan):
        with pytest.raises(Invalid, match="x: time_limit must be a number of hours"):
            time_limit("x", wrong, "hours")
