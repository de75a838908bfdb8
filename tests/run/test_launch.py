"""From a step's definition to the task that is recorded and the process that is started."""

from __future__ import annotations

import os
from copy import deepcopy
from pathlib import Path

import pytest

from penstock.core import refs
from penstock.core.assignment import Resolved
from penstock.core.errors import BadReference, DiskFull, Invalid, NotFound
from penstock.core.outputs import Artifact
from penstock.core.pipeline import Argument, Pipeline, Step
from penstock.core.task import Container, Script, Task, TaskType
from penstock.run.attempt import decode_spec
from penstock.run.launch import (
    Surroundings,
    as_given,
    assignment,
    changed,
    differs,
    parameter,
    prepare,
    start,
    write_script,
)

SCRIPT = Script(source="def work(): return '\u00e9'\n", entry_point="work")
RUN = Task(id="r" * 32, name="flow", project="P/.pipelines/flow", user="ada")
FRAME = Artifact(task="t", name="frame", format="arrow", type="F", hash="0" * 64, size=1, url="file:///frame")
INPUT = Artifact(task=RUN.id, name="s.data", format="json", type="list", hash="1" * 64, size=1, url="file:///data")


FOUND = {
    "${pipeline.rate}": Resolved(value=0.5, text="0.5"),
    "${a.n}": Resolved(value=3, text="3"),
    "${a.frame}": Resolved(artifact=FRAME, text=FRAME.url),
    "${pipeline.q}": Resolved(value="gpu", text="gpu"),
}


class Answers:
    """Stands in for `Lookup`: what each reference turns out to be, by its text."""

    @staticmethod
    def resolve(reference):
        if reference.text not in FOUND:
            raise NotFound(f"{reference.text} names nothing")
        return FOUND[reference.text]


def pipeline(**options):
    return Pipeline(name="flow", project="P", code={"c": SCRIPT, "d": SCRIPT}, **options)


def step(arguments=None, **options):
    return Step(name="s", code="c", arguments={k: Argument(value=v) for k, v in (arguments or {}).items()}, **options)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "work").mkdir()
    return Surroundings(
        home=tmp_path,
        blobs=tmp_path / "blobs",
        scratch=tmp_path / "scratch",
        working=str(tmp_path / "work"),
        path=("/a", "/b"),
        environment={"A": "1", "PENSTOCK_HOME": "elsewhere"},
    )


def test_arguments_are_recorded_as_what_they_turned_out_to_be():
    """Promises 37 and 40: plain values under `kwargs/`, artifacts as `kwargs_artifacts/`, references resolved."""
    given = {
        "rate": "${pipeline.rate}",
        "text": "n=${a.n} of ${a.frame}",
        "frame": "${a.frame}",
        "deep": [{"n": "${a.n}", "frame": "${a.frame}"}],
        "none": None,
        "number": 2**62,
    }
    prepared = prepare(pipeline(), RUN, step(given), Answers())
    assert {one.path: (one.value, one.type) for one in prepared.new.parameters} == {
        "kwargs/rate": (0.5, "float"),
        "kwargs/text": ("n=3 of file:///frame", "str"),
        "kwargs_artifacts/frame": ("t.frame", "str"),
        "kwargs/deep": ([{"n": 3, "frame": "t.frame"}], "list"),
        "kwargs/none": (None, ""),
        "kwargs/number": (2**62, "int"),
    }
    assert set(prepared.references) == {"${pipeline.rate}", "${a.n}", "${a.frame}"}


def test_values_that_are_stored_are_recorded_by_the_name_of_their_artifact():
    """Promise 37: `<step>.<arg>` of the controller."""
    made = Step(name="s", code="c", arguments={"data": Argument(artifact="s.data", references=("${a.n}",))})
    prepared = prepare(pipeline(), RUN, made, Answers())
    (found,) = prepared.new.parameters
    assert (found.path, found.value) == ("kwargs_artifacts/data", f"{RUN.id}.s.data")
    assert set(prepared.references) == {"${a.n}"}


def test_a_reference_that_turns_out_to_name_nothing_is_named():
    with pytest.raises(NotFound, match=r"\$\{a\.lost\}"):
        prepare(pipeline(), RUN, step({"x": "${a.lost}"}), Answers())
    with pytest.raises(BadReference):
        prepare(pipeline(), RUN, step({"x": "${a.}"}), Answers())


@pytest.mark.parametrize(
    ("options", "of_pipeline", "expected"),
    [
        ({}, {}, {"name": "s", "project": RUN.project, "queue": None, "output_uri": None, "tags": ()}),
        ({}, {"target_project": "T"}, {"project": "T"}),
        ({"project": "Mine", "task_name": "named"}, {"target_project": "T"}, {"project": "Mine", "name": "named"}),
        ({}, {"default_queue": "cpu", "output_uri": "s3://a"}, {"queue": "cpu", "output_uri": "s3://a"}),
        ({"queue": "${pipeline.q}-1", "output_uri": "s3://b"}, {"output_uri": "s3://a"},
         {"queue": "gpu-1", "output_uri": "s3://b"}),
        ({"tags": ("red",)}, {"add_pipeline_tags": True}, {"tags": ("red", f"pipe: {RUN.id}")}),
        ({"task_type": TaskType.QC, "container": Container(image="i")}, {},
         {"type": TaskType.QC, "container": Container(image="i")}),
    ],
)  # fmt: skip
def test_what_a_step_says_wins_over_what_its_pipeline_says(options, of_pipeline, expected):
    """Promises 4 and 60."""
    new = prepare(pipeline(**of_pipeline), RUN, step(**options), Answers()).new
    assert {field: getattr(new, field) for field in expected} == expected
    assert (new.user, new.script) == ("ada", SCRIPT)


def started(place, made, task_script=SCRIPT, **options):
    task = Task(id="t" * 32, name="s", project="P", script=task_script)
    prepared = prepare(pipeline(**options), RUN, made, Answers())
    given = assignment(pipeline(**options), task, made, prepared, {"s.data": INPUT, "s.other": INPUT})
    return start(task, given, place, prepared.stamps)


def test_the_process_is_told_all_that_it_needs_and_no_more(place):
    made = Step(
        name="s",
        code="c",
        arguments={"data": Argument(artifact="s.data"), "n": Argument(value="${a.n}")},
        returns=("x", "y"),
        time_limit=2.5,
    )
    launch = started(place, made, serializer="d")
    spec = decode_spec(launch.payload)
    assert (spec.inputs, spec.returns, spec.arguments) == ({"s.data": INPUT}, ("x", "y"), made.arguments)
    assert spec.references == {"${a.n}": Resolved(value=3, text="3")}
    assert (spec.serializer, spec.deserializer) == (SCRIPT, None)
    assert (launch.key, launch.time_limit, launch.path) == ("t" * 32, 2.5, ("/a", "/b"))
    assert launch.environment == {"A": "1", "PENSTOCK_HOME": str(place.home), "PENSTOCK_TASK_ID": "t" * 32}
    assert Path(spec.file).read_text("utf-8") == SCRIPT.source
    assert "PENSTOCK_TASK_ID" not in place.environment, "the surroundings are shared by all steps"


@pytest.mark.parametrize(("folder", "expected"), [(None, "work"), ("", "work"), ("sub/er", "work/sub/er")])
def test_a_process_starts_in_the_folder_of_its_step_from_that_of_the_run(place, tmp_path, folder, expected):
    (tmp_path / "work" / "sub" / "er").mkdir(parents=True, exist_ok=True)
    script = Script(source="", entry_point="work", working_dir=folder)
    assert Path(started(place, step(), script).cwd) == tmp_path / expected
    absolute = Script(source="", entry_point="work", working_dir=str(tmp_path))
    assert started(place, step(), absolute).cwd == str(tmp_path)


def test_a_folder_that_is_not_there_is_named_with_its_step(place, tmp_path):
    script = Script(source="", entry_point="work", working_dir="nowhere")
    with pytest.raises(NotFound, match=r"work/nowhere' of step 's'"):
        started(place, step(), script)


def test_a_script_is_written_once_and_by_nobody_in_part(tmp_path):
    file = write_script(SCRIPT, "key", tmp_path)
    before = file.stat()
    assert write_script(SCRIPT, "key", tmp_path) == file
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert [one.name for one in file.parent.iterdir()] == ["work.py"]
    assert (file.parent.stat().st_mode & 0o077) == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; tests/faults/test_disk.py has the full disk")
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DiskFull, match=str(tmp_path)):
        write_script(SCRIPT, "key", tmp_path)


def test_a_file_in_the_place_of_the_scratch_folder_is_an_error_that_names_it(tmp_path):
    (tmp_path / "scratch").write_text("")
    with pytest.raises(DiskFull, match="scratch"):
        write_script(SCRIPT, "key", tmp_path / "scratch")


# What a callback changes


@pytest.mark.parametrize(
    ("value", "other"),
    [
        *((1, 1.0), (1, True), (0, False), (None, ""), ([1], [True])),
        *(({"a": 1}, {"a": 1.0}), ({"a": 1, "b": 2}, {"b": 2, "a": 1})),
    ],
)
def test_values_that_a_step_can_tell_apart_differ(value, other):
    assert differs(value, other)
    assert not differs(value, deepcopy(value))


def test_what_is_no_number_does_not_differ_from_itself():
    assert not differs(float("nan"), float("nan"))


def test_only_what_differs_is_changed_and_text_stays_text():
    """Promise 47: what looks like a reference is none, and a reference that was left alone stays one."""
    given = {"a": Argument(value="${x.y}"), "b": Argument(value=1), "c": Argument(artifact="s.c")}
    before = {"kwargs/a": 5, "kwargs/b": 1, "kwargs_artifacts/c": "r.s.c"}
    after = before | {"kwargs/b": "${x.y} $${", "General/rate": 2, "kwargs/new": True}
    found = changed(given, before, after)
    assert (found["a"], found["c"]) == (given["a"], given["c"])
    assert refs.resolve(found["b"].value, lambda reference: pytest.fail("it is no reference")) == "${x.y} $${"
    assert found["new"] == Argument(value=True)
    assert set(found) == {"a", "b", "c", "new"}
    assert given["b"] == Argument(value=1), "the definition is shared by all attempts"


def test_an_artifact_is_not_changed_by_its_name():
    with pytest.raises(Invalid, match="kwargs_artifacts/c names an artifact"):
        changed({}, {"kwargs_artifacts/c": "r.s.c"}, {"kwargs_artifacts/c": "r.s.d"})


@pytest.mark.parametrize("path", ["plain", "/name", "kwargs/", ""])
def test_a_parameter_needs_a_section_and_a_name(path):
    with pytest.raises(Invalid, match="is not of the form section/name"):
        parameter(path, 1)


def test_a_parameter_keeps_the_slashes_of_its_name_and_the_type_of_its_value():
    found = parameter("General/deep/name", None)
    assert (found.section, found.name, found.value, found.type) == ("General", "deep/name", None, "")
    assert parameter("kwargs/x", 0.5).type == "float"


def test_what_a_function_left_is_made_plain():
    class Float64(float):
        """As numpy has it."""

    found = as_given({"kwargs/x": (Float64(0.5), {"k": (1, None)}), "kwargs/y": float("-inf")})
    assert found == {"kwargs/x": [0.5, {"k": [1, None]}], "kwargs/y": float("-inf")}
    assert type(found["kwargs/x"][0]) is float


def test_no_code_of_the_user_s_objects_is_called():
    class Loud:
        def __repr__(self):
            raise RuntimeError("called")

    with pytest.raises(Invalid, match="parameter 'kwargs/x' cannot hold a Loud"):
        as_given({"kwargs/x": [Loud()]})
    with pytest.raises(Invalid, match="a text, not a Loud"):
        as_given({Loud(): 1})
