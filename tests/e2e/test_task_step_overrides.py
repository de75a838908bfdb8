"""What of a recorded task is other in a pipeline: configurations, code, container, queue; references in them count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.place import until

from penstock import PipelineController

CONFIGURED = """
    import pathlib

    from penstock import Task

    task = Task.init()
    config = task.connect_configuration({"rate": 0.1, "layers": [1]}, name="my_config")
    given = pathlib.Path("own.yaml")
    given.write_text("own: 1\\n")
    file = task.connect_configuration(given, name="my_file")
    file = pathlib.Path(file)
    task.upload_artifact("seen", {"config": config, "text": file.read_text(), "file": str(file.absolute())})
"""
SAY = """
    from penstock import Task

    task = Task.init()
    task.upload_artifact("said", "as recorded")
"""
OTHER = SAY.replace("as recorded", "other code")


@pytest.fixture
def pipe(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return PipelineController("overridden", "Tests")


def give():
    return "from elsewhere"


def dedented(text):
    import textwrap

    return textwrap.dedent(text)


# Configurations


def test_a_configuration_that_is_a_dict_reaches_connect_configuration(pipe, run, record, task_of):
    """Promise 33: it is recorded as JSON, with what was inside; the code's own values do not count."""
    base = record("configured", CONFIGURED)
    own = {"rate": 0.5, "layers": [3, "${oc.env:HOME}"], "nested": {"deep": None}}
    pipe.add_step("other", base.id, configuration_overrides={"my_config": own})
    pipe.add_step("own", base.id)
    assert run(pipe) == {"other": "completed", "own": "completed"}
    task = task_of(pipe, "other")
    assert json.loads(task.get_configuration_object("my_config")) == own
    seen = task.artifacts["seen"].get()
    assert (seen["config"], seen["text"]) == (own, "own: 1\n")
    assert task_of(pipe, "own").artifacts["seen"].get()["config"] == {"rate": 0.1, "layers": [1]}
    assert json.loads(task_of(pipe, "own").get_configuration_object("my_config")) == {"rate": 0.1, "layers": [1]}
    assert base.get_configuration_objects() == {}


@pytest.mark.parametrize(
    "text", ["a { b = 1, c = ${?X}, d = ${a.b} }\n# $${x}", "- 1\n- ü: [x]\n", "", "\ttabs  and spaces \n\n"]
)
def test_a_configuration_that_is_a_text_arrives_to_the_letter(pipe, run, record, task_of, text):
    """Promise 34."""
    pipe.add_step("step", record("configured", CONFIGURED).id, configuration_overrides={"my_file": text})
    assert run(pipe) == {"step": "completed"}
    task = task_of(pipe, "step")
    assert task.get_configuration_object("my_file") == text
    seen = task.artifacts["seen"].get()
    assert seen["text"] == text
    until(lambda: not Path(seen["file"]).exists(), "it stays when the task that it was made for has ended")


@pytest.mark.parametrize("value", [1, None, ["a"], b"x"])
def test_a_configuration_that_is_neither_is_refused(pipe, record, value):
    """Promise 34."""
    with pytest.raises(ValueError, match="step 'step': configuration_overrides 'my_config' must be a text or a dict"):
        pipe.add_step("step", record("configured", CONFIGURED).id, configuration_overrides={"my_config": value})


# Other facts


def test_other_facts_of_the_task_are_overridden_by_their_paths(pipe, run, record, task_of, tmp_path):
    """Promise 35: `task_overrides`, with dots and as nested dicts; what the task runs is really other."""
    base = record("say", SAY, docker="python:3.11", docker_args="--rm")
    pipe.add_step(
        "step",
        base.id,
        task_overrides={
            "script": {"diff": dedented(OTHER), "requirements": {"pip": "numpy==2.0\n# why\npandas"}},
            "container.image": "python:3.12",
            "container.setup_shell_script": "apt-get update",
            "name": "renamed",
            "project": "Else/where",
            "comment": "by hand",
            "tags": ["x", "y"],
            "type": "testing",
            "output.destination": f"{tmp_path}/outputs",
        },
    )
    assert run(pipe) == {"step": "completed"}
    task = task_of(pipe, "step")
    assert task.artifacts["said"].get() == "other code"
    assert task.get_packages() == ["numpy==2.0", "pandas"]
    assert (task.get_base_docker(), task.data.container.setup_script) == ("python:3.12 --rm", "apt-get update")
    assert (task.name, task.project, task.comment, task.get_tags()) == ("renamed", "Else/where", "by hand", ["x", "y"])
    assert (task.task_type, task.data.output_uri) == ("testing", f"{tmp_path}/outputs")
    assert base.get_script()["diff"] == dedented(SAY)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"script.brunch": "main"}, "script.branch"),
        ({"script": {"brunch": "main"}}, "script.branch"),
        ({"id": "f" * 32}, "cannot change 'id'"),
        ({"status": "completed"}, "cannot change 'status'"),
    ],
)
def test_a_fact_that_no_task_has_is_refused(pipe, record, overrides, said):
    """Promise 35: when the step is added, and the nearest one is named."""
    with pytest.raises(ValueError, match="step 'step': task_overrides cannot change") as refused:
        pipe.add_step("step", record("say", SAY).id, task_overrides=overrides)
    assert said in str(refused.value)


def test_a_value_that_no_task_can_have_fails_the_step(pipe, run, record):
    """Promise 35."""
    pipe.add_step("step", record("say", SAY).id, task_overrides={"type": "trainin"})
    assert run(pipe) == {"step": "failed"}
    assert "cannot set 'type' to 'trainin'" in pipe.get_pipeline_dag()["step"].reason


@pytest.mark.here
def test_references_in_everything_that_is_overridden_make_parents_and_are_looked_up(pipe, run, record, task_of):
    """Promise 32: in configurations, other facts, and the queue."""
    base = record("configured", CONFIGURED)
    pipe.add_parameter("image", "python:3.12")
    pipe.add_function_step("give", give, function_return=["x"])
    pipe.add_step("in_dict", base.id, configuration_overrides={"my_config": {"a": ["${give.x}"]}})
    pipe.add_step("in_text", base.id, configuration_overrides={"my_file": "x: ${give.x}, id: ${give.id}"})
    pipe.add_step("in_facts", base.id, task_overrides={"container": {"image": "${pipeline.image}-${give.x}"}})
    pipe.add_step("in_queue", base.id, execution_queue="${give.x}")
    expected = {"give": [], "in_dict": ["give"], "in_text": ["give"], "in_facts": ["give"], "in_queue": ["give"]}
    assert run(pipe) == dict.fromkeys(expected, "completed")
    assert {name: node.parents for name, node in pipe.get_pipeline_dag().items()} == expected
    assert task_of(pipe, "in_dict").artifacts["seen"].get()["config"] == {"a": ["from elsewhere"]}
    give_id = task_of(pipe, "give").id
    assert task_of(pipe, "in_text").artifacts["seen"].get()["text"] == f"x: from elsewhere, id: {give_id}"
    assert task_of(pipe, "in_facts").get_base_docker() == "python:3.12-from elsewhere"
    assert task_of(pipe, "in_queue").data.queue == "from elsewhere"


@pytest.mark.parametrize(
    "where",
    [
        {"configuration_overrides": {"a": {"b": "${pipeline.nobody}"}}},
        {"configuration_overrides": {"a": "${pipeline.nobody}"}},
        {"task_overrides": {"container.image": "${nobody.id}"}},
        {"execution_queue": "${nobody.id}"},
        {"parameter_override": {"General/a": "${nobody.id}"}},
    ],
)
def test_a_reference_to_nobody_is_refused_before_anything_runs(pipe, run, record, where):
    """Promises 16 and 32: the message names step and reference, wherever it stands."""
    pipe.add_step("step", record("say", SAY).id, **where)
    with pytest.raises(ValueError, match="nobody") as refused:
        run(pipe)
    assert "'step'" in str(refused.value)
    assert pipe.task.status == "created"


def test_the_destination_of_outputs_is_that_of_the_step_then_of_the_task_then_of_the_pipeline(
    home, tmp_path, monkeypatch, run, record, task_of
):
    """Promise 35: `output_uri`."""
    monkeypatch.chdir(tmp_path)
    pipe = PipelineController("overridden", "Tests", output_uri=f"{tmp_path}/run")
    own = record("own", SAY)
    own.import_task(own.export_task() | {"task": own.export_task()["task"] | {"output_uri": f"{tmp_path}/task"}}, own)
    pipe.add_step("step", own.id, output_uri=f"{tmp_path}/step")
    pipe.add_step("task", own.id)
    pipe.add_step("run", record("none", SAY).id)
    assert set(run(pipe).values()) == {"completed"}
    names = ("step", "task", "run")
    assert {name: task_of(pipe, name).data.output_uri for name in names} == {
        name: f"{tmp_path}/{name}" for name in names
    }
    for name in names:
        (copy,) = [file for file in (tmp_path / name).rglob("*") if file.is_file()]
        assert "as recorded" in copy.read_text()
