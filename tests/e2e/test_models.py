"""Models made and used inside of steps: each records for its own task, and builds upon what others made."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock import PipelineController, Task
from penstock.sdk.input_model import InputModel
from penstock.sdk.models import Model, of_task


def train():
    from pathlib import Path

    from penstock.sdk.output_model import OutputModel

    model = OutputModel(name="net", label_enumeration={"cat": 1}, tags=["fresh"])
    for text in ("first", "second"):
        Path("net.pt").write_text(text)
        model.update_weights("net.pt", iteration=2)
    model.set_metadata("accuracy", 0.9)
    return model.id


def deploy(model_id):
    from pathlib import Path

    from penstock import Task
    from penstock.sdk.input_model import InputModel
    from penstock.sdk.models import Model

    model = InputModel(model_id)
    model.connect(Task.current_task(), name="start")
    model.publish()
    base = InputModel.import_model("s3://bucket/base.pt", name="base")
    base.connect(Task.current_task())
    return Path(Model(model_id).get_local_copy()).read_text()


def trespass(task_id, model_id):
    from penstock import Task
    from penstock.sdk.models import Model

    seen = []
    foreign = Model(model_id)
    for ask in (
        foreign.publish,
        lambda: setattr(foreign, "tags", ["mine"]),
        lambda: Model.remove(foreign),
        lambda: input_model_of(model_id).connect(Task.get_task(task_id)),
    ):
        try:
            ask()
        except Exception as error:  # noqa: BLE001 - its class is what is looked at
            seen.append(type(error).__name__)
    return seen


def input_model_of(model_id):
    from penstock.sdk.input_model import InputModel

    return InputModel(model_id)


@pytest.fixture
def pipe(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return PipelineController("flow", "Tests")


def task_of(pipe, step):
    return Task.get_task(pipe.get_pipeline_dag()[step].task_id)


def test_a_step_trains_a_model_and_another_builds_upon_it(pipe):
    pipe.add_function_step("train", train, function_return=["model"], monitor_models=["net", ("net", "best")])
    pipe.add_function_step("deploy", deploy, {"model_id": "${train.models.output.-1.id}"}, ["text"], parents=["train"])
    pipe.start_locally(run_pipeline_steps_locally=True)
    made, user = task_of(pipe, "train"), task_of(pipe, "deploy")
    (model,) = made.models.output
    assert (model.id, model.task, model.published) == (made.artifacts["model"].get(), made.id, True)
    assert (model.labels, model.get_metadata_casted("accuracy"), model.framework) == ({"cat": 1}, 0.9, "PyTorch")
    assert user.artifacts["text"].get() == "second"
    assert [(one.name, one.task) for one in user.models.input] == [("start", made.id), ("base", "")]
    assert {(one.name, one.id) for one in pipe.task.models.output} == {("net", model.id), ("best", model.id)}
    assert {one.name for one in Model.query_models()} == {"net", "base"}
    assert Path(of_task(pipe.id).output["best"].get_local_copy()).read_text() == "second"


def test_a_reference_tells_what_is_recorded_of_a_model(pipe):
    pipe.add_function_step("train", train, function_return=["model"])
    facts = ("url", "labels", "tags", "metadata", "name")
    pipe.add_function_step("show", show, {name: f"${{train.models.output.-1.{name}}}" for name in facts}, ["seen"])
    pipe.start_locally(run_pipeline_steps_locally=True)
    (model,) = task_of(pipe, "train").models.output
    seen = task_of(pipe, "show").artifacts["seen"].get()
    expected = [model.url, {"cat": 1}, ["fresh"], {"iteration": "2", "accuracy": "0.9"}, "net"]
    assert seen == dict(zip(facts, expected, strict=True))


def show(url, labels, tags, metadata, name):
    return {"url": url, "labels": labels, "tags": tags, "metadata": metadata, "name": name}


def test_a_step_changes_no_model_of_another_run(pipe, tmp_path):
    (tmp_path / "w").write_text("w")
    foreign = PipelineController("other", "Tests")
    model = foreign.upload_model("net", str(tmp_path / "w"))
    pipe.add_function_step(
        "trespass", trespass, {"task_id": foreign.id, "model_id": model.id}, ["seen"], helper_functions=[input_model_of]
    )
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert task_of(pipe, "trespass").artifacts["seen"].get() == ["Forbidden"] * 4
    found = Model(model.id)
    assert (found.published, found.tags, foreign.task.models.input) == (False, [], [])


def start_from():
    from penstock import Task
    from penstock.sdk.input_model import InputModel

    model = InputModel.import_model("s3://bucket/own.pt", name="own")
    model.connect(Task.current_task(), name="start")
    return model.name


def test_a_step_that_was_launched_with_a_model_starts_from_that_one(pipe):
    given = InputModel.import_model("s3://bucket/given.pt", name="given")

    def give(pipeline, node, parameters):
        given.connect(node.job.task, name="start")

    pipe.add_function_step("plain", start_from, function_return=["name"])
    pipe.add_function_step("given", start_from, function_return=["name"], pre_execute_callback=give)
    pipe.start_locally(run_pipeline_steps_locally=True)
    names = {step: task_of(pipe, step).artifacts["name"].get() for step in ("plain", "given")}
    assert names == {"plain": "own", "given": "given"}
    assert [one.name for one in task_of(pipe, "given").models.input] == ["start"]


def test_a_step_that_is_reused_has_the_models_of_the_one_that_stands_for_it(pipe, tmp_path):
    seen = []
    for _ in range(2):
        pipe = PipelineController("cached", "Tests")
        pipe.add_function_step("train", train, function_return=["model"], cache_executed_step=True)
        pipe.start_locally(run_pipeline_steps_locally=True)
        seen.append((pipe.get_pipeline_dag()["train"].status, [one.id for one in task_of(pipe, "train").models.output]))
    assert [status for status, _ in seen] == ["completed", "cached"]
    assert seen[0][1] == seen[1][1] != []
