"""What a task is asked to do: parameters, configurations, code, packages, container."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock import Task
from penstock.core.errors import BadParameter, Conflict, Invalid

SECTIONS = st.text("abc .é", min_size=1, max_size=4)
NAMES = st.text("abc .é/\\", min_size=1, max_size=4)
TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS
NESTED = st.recursive(VALUES, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=6)


@pytest.fixture
def task(home):
    return Task.create("P", "work", script=__file__, packages=[], force_single_script_file=True)


@pytest.mark.parametrize("value", [None, True, 3, 0.5, "text", [1, {"a": None}], {"a": [1.5]}])
def test_a_parameter_comes_back_in_its_type(task, value):
    task.set_parameter("General/deep/name", value)
    found = task.get_parameters()["General/deep/name"]
    assert (found, type(found)) == (value, type(value))
    assert (task.get_parameter("General/deep/name"), task.get_parameter("General/x", 7)) == (value, 7)


def test_a_parameter_that_cannot_be_held_is_refused_by_name(task):
    with pytest.raises(BadParameter, match="'General/x'"):
        task.set_parameter("General/x", {1, 2})
    for name in ("x", "/x", "x/"):
        with pytest.raises(Invalid, match=f"'{name}' should be in the form"):
            task.set_parameter(name, 1)
    assert task.get_parameters() == {}


def test_a_parameter_is_turned_into_the_type_that_it_must_keep(task):
    task.set_parameter("Args/count", "3", description="how many", value_type=int)
    assert task.get_parameters() == {"Args/count": 3}
    with pytest.raises(BadParameter):
        task.set_parameter("Args/count", "many", value_type="int")


def test_setting_all_parameters_replaces_them_and_updating_does_not(task):
    task.set_user_properties(seen="yes")
    task.set_parameters({"General/a": 1, "Args/b": 2})
    task.update_parameters({"Args/b": 3}, {"Args/c": 4})
    assert task.get_parameters() == {"properties/seen": "yes", "General/a": 1, "Args/b": 3, "Args/c": 4}
    task.set_parameters({"General/z": 0})
    assert task.get_parameters() == {"properties/seen": "yes", "General/z": 0}
    task.set_parameters()
    assert task.get_parameters() == {"properties/seen": "yes"}


def test_one_bad_parameter_among_others_changes_nothing(task):
    task.set_parameters({"General/a": 1})
    with pytest.raises(BadParameter):
        task.set_parameters({"General/b": 1, "General/c": object()})
    assert task.get_parameters() == {"General/a": 1}


def test_a_parameter_is_removed_by_its_whole_name(task):
    task.set_parameters({"General/a": 1, "Args/a": 2})
    assert task.delete_parameter("General/a") is True
    assert task.delete_parameter("General/a") is False
    assert task.get_parameters() == {"Args/a": 2}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(sections=st.dictionaries(SECTIONS, st.dictionaries(NAMES, NESTED, min_size=1, max_size=3), max_size=3))
def test_nested_dicts_come_back_as_they_were(task, sections):
    task.set_parameters_as_dict(sections)
    assert task.get_parameters_as_dict() == sections


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
def test_a_value_in_the_place_of_a_dict_hides_nothing(task, names):
    for name in names:
        task.set_parameter(f"General/{name}", name)
    assert task.get_parameters_as_dict() == {"General": {"a": "a", "a/b": "a/b"}}


def test_configuration_objects_are_texts_and_dicts_are_json(task):
    task.set_configuration_object("net", config_dict={"layers": [1, 2]}, description="the net")
    task.set_configuration_object("raw", config_text="layers: [1]\n", config_type="yaml")
    assert task.get_configuration_object_as_dict("net") == {"layers": [1, 2]}
    assert task.get_configuration_object("raw") == "layers: [1]\n"
    assert sorted(task.get_configuration_objects()) == ["net", "raw"]
    assert task.get_configuration_object("none") is task.get_configuration_object_as_dict("none") is None
    assert task.get_configuration_object_as_dict("raw") is None
    for wrong in ({}, {"config_text": "", "config_dict": {}}):
        with pytest.raises(Invalid, match="one of them"):
            task.set_configuration_object("net", **wrong)


def test_what_is_set_of_the_script_stays_with_the_rest_of_it(task):
    task.set_script(repository="https://host/r.git", branch="main", entry_point="train.py", working_dir="src")
    task.set_script(commit="c" * 40, diff="--- a\n+++ b\n")
    found = task.get_script()
    assert (found["repository"], found["branch"], found["commit"]) == ("https://host/r.git", "main", "c" * 40)
    assert (found["diff"], found["entry_point"], found["working_dir"]) == ("--- a\n+++ b\n", "train.py", "src")
    task.set_repo(repo="", branch="", commit="")
    assert [task.get_script()[name] for name in ("repository", "branch", "commit")] == [None, None, None]
    task.set_script(diff="print('alone')\n")
    assert task.data.script.source == "print('alone')\n"
    assert Task.get_task(task.id).data.script == task.data.script


def test_packages_are_lines_or_a_file_of_them(task, tmp_path):
    task.set_packages(["numpy==1.0"])
    assert task.get_packages() == ["numpy==1.0"]
    (tmp_path / "needs.txt").write_text("pandas  # tables\n")
    for named in (tmp_path / "needs.txt", str(tmp_path / "needs.txt")):
        task.set_packages(named)
        assert Task.get_task(task.id).get_packages() == ["pandas"]
    with pytest.raises(Invalid, match="names no file"):
        task.set_packages(tmp_path / "none.txt")


def test_a_container_is_asked_for_before_the_start(task):
    assert task.get_base_docker() is None
    task.set_base_docker("python:3.12", docker_arguments="--rm")
    assert task.get_base_docker() == "python:3.12 --rm"
    with pytest.raises(Invalid, match="docker_image"):
        task.set_base_docker()
    task.mark_started()
    with pytest.raises(Conflict, match="only a draft"):
        task.set_base_docker("other")


def test_what_has_ended_keeps_its_code(task):
    task.mark_started()
    task.mark_completed()
    for change in (lambda: task.set_repo(repo="x"), lambda: task.set_script(diff="x"), lambda: task.set_packages([])):
        with pytest.raises(Conflict, match="what it ran stays as it is"):
            change()
