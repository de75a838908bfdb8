"""Steps that carry out recorded tasks: which task, changed how, and what goes in and out; in real runs.

What else is overridden is in `test_task_step_overrides.py`; failures, callbacks and what the run takes over in
`test_task_step_rules.py`; reuse in `test_task_step_cache.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock import PipelineController, StorageManager, Task
from penstock.ops.outputs import ListArtifacts, ReadConsole
from penstock.sdk import session

ECHO = """
    from penstock import Task

    task = Task.init("ignored", "ignored")
    seen = task.connect({"x": "", "y": 0, "deep": {"a": 1, "b": [1, 2]}, "flag": False})
    task.upload_artifact("seen", dict(seen))
"""
MAKE = """
    import pathlib

    from penstock import InputModel, OutputModel, Task

    task = Task.init()
    task.connect({"given": "", "computed": 1})
    task.set_parameter("Args/input_file", "/data/in.csv")
    task.upload_artifact("data", [1, 2, 3])
    task.upload_artifact("with.dots", {"a": 1})
    for name in ("first", "last"):
        pathlib.Path(name).write_text(name)
        OutputModel(task=task, name=name, framework="none").update_weights(name)
    InputModel.import_model("https://example.org/base.bin", name="base").connect(task)
    print("made")
"""


@pytest.fixture
def pipe(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return PipelineController("tasks", "Tests")


def load(count):
    return list(range(count)), count


def total(of, plain, id):
    from penstock import Task

    return sum(of), plain, sum(Task.get_task(id).artifacts["data"].get())


def everything(task):
    """Return all that is recorded of a task."""
    task.reload()
    ask = session.backend().call
    left = [ask(ListArtifacts(task=task.id)), ask(ReadConsole(task=task.id, limit=1000))]
    return repr(task.data), json.dumps(task.export_task(), sort_keys=True), task.get_status(), left


def parameters(task):
    return {path: value for path, value in task.get_parameters().items() if not path.startswith("return/")}


# Which task


def test_functions_and_tasks_are_mixed_and_pass_data_both_ways(pipe, run, record, task_of):
    """Promise 13; promise 27: the id arrives exactly."""
    make = record("make", MAKE)
    pipe.add_function_step("load", load, {"count": 4}, ["rows", "count"])
    pipe.add_step(
        "make",
        make.id,
        parameter_override={"General/given": "${load.artifacts.rows.url}", "General/computed": "${load.count}"},
    )
    pipe.add_function_step(
        "total",
        total,
        {"of": "${make.data}", "plain": "${make.parameters.General/computed}", "id": "${make.id}"},
        ["x"],
    )
    assert run(pipe) == {"load": "completed", "make": "completed", "total": "completed"}
    given = parameters(task_of(pipe, "make"))
    assert given["General/given"] == task_of(pipe, "load").artifacts["rows"].url
    assert given["General/computed"] == 4
    assert task_of(pipe, "total").artifacts["x"].get() == (6, 4, 6)
    assert pipe.get_pipeline_dag()["total"].parents == ["make"]


def test_a_clone_runs_and_the_task_itself_stays_as_it_was(pipe, run, record, task_of):
    """Promises 18 and 20: a new id, the run as parent, the step's name; what is overridden is so in the clone alone."""
    base = record("echo", ECHO, argparse_args=[("file", "a.csv")])
    base.set_configuration_object("settings", config_dict={"a": 1})
    base.add_tags(["old"])
    before = everything(base)
    pipe.add_step(
        "step",
        base.id,
        parameter_override={"General/x": "other", "General/y": 7},
        configuration_overrides={"settings": "other"},
        task_overrides={"container.image": "python:3.12", "comment": "other"},
    )
    assert run(pipe) == {"step": "completed"}
    clone = task_of(pipe, "step")
    assert clone.id != base.id
    assert (clone.parent, clone.name, clone.project) == (pipe.id, "step", "Tests/.pipelines/tasks")
    assert clone.artifacts["seen"].get() == {"x": "other", "y": 7, "deep": {"a": 1, "b": [1, 2]}, "flag": False}
    assert (clone.get_tags(), clone.get_parameter("Args/file")) == (["old"], "a.csv")
    assert everything(base) == before


def test_a_task_is_found_by_its_project_and_name(pipe, run, record):
    """Promise 21: the newest of them; those that failed do not count."""
    for number in range(2):
        record("echo", ECHO).set_comment(str(number))
    failed = record("echo", ECHO)
    failed.mark_started()
    failed.mark_failed()
    record("echo", ECHO, project="Elsewhere")
    pipe.add_step("step", base_task_project="Base", base_task_name="echo")
    assert Task.get_task(pipe.get_pipeline_dag()["step"].base_task_id).comment == "1"
    assert run(pipe) == {"step": "completed"}


def test_an_archived_task_is_used_with_a_warning_where_there_is_no_other(pipe, run, record):
    """Promise 21."""
    old = record("echo", ECHO)
    old.set_archived(archive=True)
    with pytest.warns(UserWarning, match="the only task 'echo' is archived") as warned:
        pipe.add_step("step", base_task_project="Base", base_task_name="echo")
    assert warned[0].filename == __file__
    new = record("echo", ECHO)
    newest = record("echo", ECHO)
    newest.set_archived(archive=True)
    pipe.add_step("other", base_task_project="Base", base_task_name="echo")
    dag = pipe.get_pipeline_dag()
    assert (dag["step"].base_task_id, dag["other"].base_task_id) == (old.id, new.id)
    assert run(pipe) == {"step": "completed", "other": "completed"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"base_task_project": "Base", "base_task_name": "no"}, "could not find base_task_project='Base' base_task_na"),
        ({"base_task_id": "f" * 32}, "could not find base_task_id='ffff"),
        ({}, "either base_task_id or base_task_project/base_task_name must be provided"),
        ({"base_task_factory": lambda _: None, "base_task_id": "f"}, "none can be named beside it"),
    ],
)
def test_a_task_that_is_not_there_is_refused_when_the_step_is_added(pipe, given, said):
    """Promises 21 and 22: the step and what was asked for are named."""
    with pytest.raises(ValueError, match=said) as refused:
        pipe.add_step("step", **given)
    assert "'step'" in str(refused.value)
    assert pipe.get_pipeline_dag() == {}


def test_a_factory_makes_the_task_at_the_launch_and_it_is_carried_out_itself(pipe, run, record, task_of):
    """Promise 35: `base_task_factory`."""
    made = []

    def factory(node):
        made.append((record("echo", ECHO), node.name, node.status))
        return made[0][0]

    pipe.add_step("step", base_task_factory=factory, parameter_override={"General/y": "${pipeline.y}"})
    pipe.add_parameter("y", 5)
    assert made == []
    assert run(pipe) == {"step": "completed"}
    ((task, *said),) = made
    assert said == ["step", "pending"]
    assert task_of(pipe, "step").id == task.id
    task.reload()
    assert (task.parent, task.status, task.artifacts["seen"].get()["y"]) == (pipe.id, "completed", 5)


@pytest.mark.parametrize("factory", [lambda _: None, lambda _: 1 / 0])
def test_a_factory_that_makes_no_task_fails_its_step(pipe, run, factory):
    """Promise 35: the reason names it."""
    pipe.add_step("step", base_task_factory=factory)
    assert run(pipe) == {"step": "failed"}
    assert "base_task_factory raised" in pipe.get_pipeline_dag()["step"].reason


def test_a_draft_is_carried_out_itself_when_it_shall_not_be_cloned(pipe, run, record, task_of):
    """Promise 35: `clone_base_task=False`."""
    base = record("echo", ECHO)
    pipe.add_step("step", base.id, clone_base_task=False, parameter_override={"General/y": 2})
    assert run(pipe) == {"step": "completed"}
    assert task_of(pipe, "step").id == base.id
    base.reload()
    assert (base.name, base.project, base.status, base.parent) == ("echo", "Base", "completed", pipe.id)
    assert base.artifacts["seen"].get()["y"] == 2


def test_what_is_no_draft_is_cloned_after_all(pipe, run, record, task_of, capfd):
    """Promise 35: with a warning, on the screen and on the run's console."""
    base = record("echo", ECHO)
    base.mark_started()
    base.mark_completed()
    pipe.add_step("step", base.id, clone_base_task=False)
    assert run(pipe) == {"step": "completed"}
    assert task_of(pipe, "step").id != base.id
    said = "step 'step': task 'echo' is no draft but completed; a clone of it runs"
    assert said in capfd.readouterr().err
    assert said in "\n".join(pipe.task.get_reported_console_output())


# What is other this time


@pytest.mark.parametrize(("path", "said"), [("x", "'x'"), ("General/", "'General/'"), ("/x", "'/x'")])
def test_a_parameter_needs_its_section(pipe, record, path, said):
    """Promise 26."""
    with pytest.raises(ValueError, match="should be in the form of `section-name/parameter`") as refused:
        pipe.add_step("step", record("echo", ECHO).id, parameter_override={path: 1})
    assert said in str(refused.value)


def test_every_form_of_reference_arrives(pipe, run, record, task_of):
    """Promises 27 to 31 and 10."""
    pipe.add_parameter("rate", 0.5)
    pipe.add_step("make", record("make", MAKE).id, parameter_override={"General/given": "me"})
    wanted = {
        "id": "${make.id}",
        "url": "${make.artifacts.data.url}",
        "dots": r"${make.artifacts.with\.dots.hash}",
        "model": "${make.models.output.-1.url}",
        "first": "${make.models.output.0.name}",
        "last": "${make.models.output.-1.id}",
        "input": "${make.models.input.0.url}",
        "set by itself": "${make.parameters.Args/input_file}",
        "overridden": "${make.parameters.General/given}",
        "default": "${make.parameters.General/computed}",
        "rate": "${pipeline.rate}",
        "mixed": "at ${pipeline.rate} of ${make.id}",
        "run": "${pipeline.id}",
        "script": "${make.script.entry_point}",
        "none": r"$${make.id}",
    }
    pipe.add_step("echo", record("echo", ECHO).id, parameter_override={f"In/{key}": one for key, one in wanted.items()})
    assert run(pipe) == {"make": "completed", "echo": "completed"}
    make = task_of(pipe, "make")
    first, last = make.models.output
    assert parameters(task_of(pipe, "echo")) == {
        "General/x": "",
        "General/y": 0,
        "General/deep/a": 1,
        "General/deep/b": [1, 2],
        "General/flag": False,
        "In/id": make.id,
        "In/url": make.artifacts["data"].url,
        "In/dots": make.artifacts["with.dots"].hash,
        "In/model": last.url,
        "In/first": "first",
        "In/last": last.id,
        "In/input": "https://example.org/base.bin",
        "In/set by itself": "/data/in.csv",
        "In/overridden": "me",
        "In/default": 1,
        "In/rate": 0.5,
        "In/mixed": f"at 0.5 of {make.id}",
        "In/run": pipe.id,
        "In/script": "make.py",
        "In/none": "${make.id}",
    }
    assert (first.name, last.name) == ("first", "last")
    assert json.loads(Path(StorageManager.get_local_copy(make.artifacts["data"].url)).read_text()) == [1, 2, 3]
    assert Path(StorageManager.get_local_copy(last.url)).read_text() == "last"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("${make.models.output.5.url}", "has 2 such models"),
        ("${make.models.input.1.url}", "has 1 such models"),
        ("${make.artifacts.dat.url}", "data"),
        ("${make.parameters.Args/no}", "no parameter 'Args/no'"),
    ],
)
def test_a_reference_to_what_the_step_did_not_leave_fails_with_its_reason(pipe, run, record, task_of, reference, said):
    """Promises 28 to 30: nothing runs with a value that is not there."""
    pipe.add_step("make", record("make", MAKE).id)
    pipe.add_step("echo", record("echo", ECHO).id, parameter_override={"General/x": reference})
    assert run(pipe) == {"make": "completed", "echo": "failed"}
    assert said in str(task_of(pipe, "echo").data.message)
    assert pipe.task.status == "failed"


def test_references_inside_lists_and_dicts_count_where_that_is_asked(pipe, run, record, task_of):
    """Promise 32: `recursively_parse_parameters`, at any depth, and the parent is found."""
    given = {"General/deep/b": ["${make.id}", {"a": ["at ${make.parameters.General/computed}"]}]}
    pipe.add_step("make", record("make", MAKE).id)
    pipe.add_step("deep", record("echo", ECHO).id, parameter_override=given, recursively_parse_parameters=True)
    pipe.add_step("plain", record("echo", ECHO).id, parameter_override=given)
    assert run(pipe) == dict.fromkeys(("make", "deep", "plain"), "completed")
    seen = {step: task_of(pipe, step).artifacts["seen"].get()["deep"]["b"] for step in ("deep", "plain")}
    assert seen["deep"] == [task_of(pipe, "make").id, {"a": ["at 1"]}]
    assert seen["plain"] == given["General/deep/b"]
    dag = pipe.get_pipeline_dag()
    assert (dag["deep"].parents, dag["plain"].parents) == (["make"], [])
