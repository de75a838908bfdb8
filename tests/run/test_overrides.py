"""What `task_overrides` changes of a task, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from penstock.core.errors import Invalid
from penstock.core.task import Container, Script, ScriptKind, TaskType
from penstock.ops.tasks import NewTask
from penstock.run.overrides import CHANGES, flat, override

SCRIPT = Script(
    entry_point="train.py",
    kind=ScriptKind.SCRIPT,
    repository="https://host/x.git",
    branch="main",
    commit="c" * 40,
    diff="diff --git",
    working_dir="src",
    interpreter="3.11",
)
TASK = NewTask(id="t", name="train", project="P", comment="said", tags=("a",), script=SCRIPT, queue="cpu")


def changed(overrides, task=TASK):
    for path, value in flat(overrides).items():
        task = override(task, path, value)
    return task


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("name", "other", {"name": "other"}),
        ("project", "Q/R", {"project": "Q/R"}),
        ("comment", None, {"comment": ""}),
        ("comment", 5, {"comment": "5"}),
        ("type", "qc", {"type": TaskType.QC}),
        ("tags", "red green", {"tags": ("red", "green")}),
        ("tags", ["red blue", 5], {"tags": ("red blue", "5")}),
        ("tags", None, {"tags": ()}),
        ("output.destination", "s3://b", {"output_uri": "s3://b"}),
        ("execution.queue", None, {"queue": None}),
    ],
)
def test_a_fact_of_the_task_is_changed_by_its_documented_path(path, value, expected):
    assert override(TASK, path, value) == replace(TASK, **expected)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("script.repository", "git@host:y", {"repository": "git@host:y"}),
        ("script.version_num", "d" * 40, {"commit": "d" * 40}),
        ("script.version_num", "", {"commit": None}),
        ("script.branch", None, {"branch": None}),
        ("script.entry_point", "test.py", {"entry_point": "test.py"}),
        ("script.entry_point", "-m pkg.run", {"entry_point": "-m pkg.run", "kind": ScriptKind.MODULE}),
        ("script.working_dir", ".", {"working_dir": "."}),
        ("script.working_dir", None, {"working_dir": None}),
        ("script.binary", "python3.12", {"interpreter": "python3.12"}),
        ("script.binary", None, {"interpreter": ""}),
        ("script.diff", "", {"diff": ""}),
        ("script.requirements.pip", "# first\nnumpy==2\n\n  torch ", {"packages": ("numpy==2", "torch")}),
        ("script.requirements.pip", ["numpy", " "], {"packages": ("numpy",)}),
        ("script.requirements.pip", None, {"packages": ()}),
    ],
)
def test_a_fact_of_the_script_is_changed_by_its_documented_path(path, value, expected):
    assert override(TASK, path, value) == replace(TASK, script=replace(SCRIPT, **expected))


def test_a_container_is_made_where_there_was_none_and_changed_where_there_was_one():
    made = changed({"container": {"image": "python:3.12", "setup_shell_script": "true"}})
    assert made.container == Container(image="python:3.12", setup_script="true")
    assert changed({"container.arguments": "--gpus all"}, made).container == replace(
        made.container, arguments="--gpus all"
    )


def test_another_branch_means_its_newest_commit_unless_one_is_given_with_it():
    """The recorded commit is one of the old branch, and would win over the branch."""
    assert (changed({"script.branch": "dev"}).script.branch, changed({"script.branch": "dev"}).script.commit) == (
        "dev",
        None,
    )
    both = changed({"script": {"version_num": "d" * 40, "branch": "dev"}}).script
    assert (both.branch, both.commit) == ("dev", "d" * 40)


@pytest.mark.parametrize("overrides", [{"diff": "D", "repository": "/r"}, {"repository": "/r", "diff": "D"}])
def test_in_which_order_overrides_are_given_makes_no_difference(overrides):
    plain = replace(TASK, script=Script(source="print()", entry_point="a.py", kind=ScriptKind.SCRIPT))
    script = changed({"script": overrides}, plain).script
    assert (script.repository, script.diff, script.source) == ("/r", "D", "print()")


def test_without_a_repository_the_changes_are_all_of_the_code():
    plain = replace(TASK, script=Script(source="print()", entry_point="a.py", kind=ScriptKind.SCRIPT))
    assert changed({"script.diff": "print(2)"}, plain).script == replace(plain.script, source="print(2)")


def test_the_entry_point_of_a_function_stays_that_of_a_function():
    function = replace(TASK, script=Script(source="def f(): ...", entry_point="f"))
    assert changed({"script.entry_point": "g"}, function).script.kind is ScriptKind.FUNCTION
    module = replace(TASK, script=replace(SCRIPT, entry_point="-m a", kind=ScriptKind.MODULE))
    assert changed({"script.entry_point": "a.py"}, module).script.kind is ScriptKind.SCRIPT


def test_nested_overrides_are_those_of_the_paths_that_they_spell():
    nested = {"script": {"requirements": {"pip": ["numpy"]}, "branch": "main"}, "container.image": "i", "name": "n"}
    assert flat(nested) == {
        "name": "n",
        "script.branch": "main",
        "script.requirements.pip": ["numpy"],
        "container.image": "i",
    }
    assert flat({"script": {}}) == {}


@pytest.mark.parametrize(
    ("overrides", "message", "hint"),
    [
        ({"script.brnch": "x"}, r"cannot change 'script\.brnch'", "script.branch"),
        ({"script": {"nothing": 1}}, r"cannot change 'script\.nothing'", ""),
        ({"id": "x"}, "cannot change 'id'", ""),
        ({"status": "completed"}, "cannot change 'status'", ""),
        ({5: 1}, "cannot change '5'", ""),
    ],
)
def test_what_cannot_be_overridden_is_refused_by_its_path(overrides, message, hint):
    with pytest.raises(Invalid, match=message) as caught:
        flat(overrides)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("name", "", "it cannot be empty"),
        ("project", None, "it cannot be empty"),
        ("name", ["a"], "it must be a text"),
        ("type", "qcc", "there is no such type"),
        ("type", None, "there is no such type"),
        ("tags", 5, "a list of texts"),
        ("script.requirements.pip", 5, "a list of texts"),
        ("script.requirements.pip", [["numpy"]], "it must be a text"),
        ("container.image", ["i"], "it must be a text"),
    ],
)
def test_a_value_that_the_fact_cannot_have_is_refused_by_path_and_value(path, value, why):
    with pytest.raises(Invalid) as caught:
        override(TASK, path, value)
    assert why in caught.value.message
    assert repr(path) in caught.value.message
    assert repr(value) in caught.value.message


@pytest.mark.parametrize("use", [flat, changed])
def test_a_repository_with_a_password_is_refused_and_the_password_is_not_repeated(use):
    with pytest.raises(Invalid, match="holds credentials") as caught:
        use({"script": {"repository": "https://ada:topsecret@host/x.git"}})
    assert "topsecret" not in str(caught.value)


def test_a_password_that_a_reference_turned_out_to_be_is_refused_as_well():
    assert flat({"script.repository": "${pipeline.address}"})
    with pytest.raises(Invalid, match="holds credentials") as caught:
        override(TASK, "script.repository", "https://topsecret@host/x.git")
    assert "topsecret" not in str(caught.value)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=3), scalars, max_size=2)


@given(path=st.sampled_from(list(CHANGES)), value=values)
def test_any_value_is_taken_into_a_whole_task_or_refused(path, value):
    try:
        found = override(TASK, path, value)
    except Invalid:
        return
    assert found.name
    assert found.project
    assert all(isinstance(tag, str) for tag in found.tags)
    assert all(isinstance(getattr(found.script, name), str) for name in ("source", "entry_point", "diff"))
    assert found.container is None or all(isinstance(getattr(found.container, one), str) for one in ("image",))
    assert replace(found, **{name: getattr(TASK, name) for name in ("id", "parameters", "runtime")}) == found


@given(st.dictionaries(st.sampled_from(list(CHANGES)), st.text(max_size=5), max_size=6))
def test_flat_overrides_are_flat_already(overrides):
    assert flat(flat(overrides)) == flat(overrides)
    assert flat(overrides) == overrides
