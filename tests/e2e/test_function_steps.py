"""Pipelines of functions, run for real: every step a process, everything on disk."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from penstock import Logger, PipelineController, Task
from penstock.core.errors import BadReference, Conflict, NotSerializable
from penstock.core.progress import StepStatus

FACTOR = 10


def double(n):
    return n * 2


def scaled(n):
    return n * FACTOR


def numbers():
    return 1, "two"


def one_of_two():
    return 1


def three():
    return [1, 2, 3]


def both(value, first, second, text):
    return {"value": value, "first": first, "second": second, "text": text}


def kinds(number: int, rate: float, flag: bool, name: str, missing, *, keyword=("k", 1)):
    return [type(one).__name__ for one in (number, rate, flag, name, missing, keyword)]


def fail(message="no luck"):
    raise RuntimeError(message)


def fail_until(folder, tries):
    tried = len(list(Path(folder).iterdir()))
    (Path(folder) / str(tried)).touch()
    if tried < tries:
        raise RuntimeError(f"try {tried}")
    return tried


def unpicklable():
    return threading.Lock()


def leave(code):
    sys.exit(code)


def vanish(code):
    os._exit(code)


def meet(folder, me, other):
    """Return only when the other step runs at the same time."""
    (Path(folder) / me).touch()
    deadline = time.monotonic() + 20
    while not (Path(folder) / other).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(other)
        time.sleep(0.005)


def sleep(seconds):
    time.sleep(seconds)


def report():
    print("printed")
    os.write(2, b"raw bytes\n")
    os.system("echo from a child")
    logger = Logger.current_logger()
    for step in range(5):
        logger.report_scalar("loss", "train", 1 / (step + 1), step)
    logger.report_single_value("accuracy", 0.5)
    logger.report_table("rows", "all", table_plot=[["a", "b"], [1, 2]])
    Task.current_task().add_tags("seen")
    PipelineController.upload_artifact("from step", {"a": [1]})


def save_model(folder):
    weights = Path(folder) / "weights"
    weights.mkdir()
    (weights / "layer.bin").write_bytes(b"\0\1")
    PipelineController.upload_model("net", str(weights))


@pytest.fixture
def pipe(home):
    return PipelineController(name="numbers", project="Tests", version="1.0.0")


def run(pipe):
    pipe.start_locally(run_pipeline_steps_locally=True)
    return {name: node.status for name, node in pipe.get_pipeline_dag().items()}


def value(pipe, step, name):
    return Task.get_task(pipe.get_pipeline_dag()[step].task_id).artifacts[name].get()


def test_making_a_pipeline_records_one_task_of_type_controller(pipe):
    """Promise 2: one task of type `controller` with system tag `pipeline`, no server."""
    assert (pipe.task.task_type, pipe.task.status, pipe.task.data.system_tags) == (
        "controller",
        "created",
        ("pipeline",),
    )


def test_the_second_run_is_called_number_two(home):
    """Promise 3: `name`, `name #2`, `name #3`; `add_run_number=False` keeps the name."""
    names = []
    for keep in (True, True, True, False):
        pipe = PipelineController(name="numbers", project="Tests", add_run_number=keep)
        run(pipe)
        names.append(pipe.task.name)
    assert names == ["numbers", "numbers #2", "numbers #3", "numbers"]


@pytest.mark.parametrize(
    ("target", "expected"), [(True, "Tests/.pipelines/numbers"), ("Other/Place", "Other/Place"), (None, "Tests")]
)
def test_steps_lie_in_the_project_of_the_run_unless_another_is_named(home, target, expected):
    """Promise 4: controller and steps in `P/.pipelines/NAME`; `target_project=` overrides."""
    pipe = PipelineController(name="numbers", project="Tests", target_project=target)
    pipe.add_function_step("a", double, {"n": 1})
    run(pipe)
    assert pipe.task.project == "Tests/.pipelines/numbers"
    assert Task.get_task(pipe.get_pipeline_dag()["a"].task_id).project == expected


@pytest.mark.parametrize("version", ["1.2.3", "23", "1.2"])
def test_versions_are_taken_as_they_are(home, version):
    """Promise 5: `1.2.3`, `23`, `1.2` are accepted."""
    pipe = PipelineController(name="numbers", project="Tests", version=version)
    run(pipe)
    assert pipe.version == version


def test_a_version_that_is_none_is_refused(home):
    """Promise 5: `abc` raises ValueError."""
    with pytest.raises(ValueError, match="abc"):
        PipelineController(name="numbers", project="Tests", version="abc")


def test_values_flow_from_step_to_step_and_keep_their_types(pipe):
    """Promises 38, 39, 40 and 41: return values by name, references anywhere, no parents given."""
    pipe.add_parameter("start", default=4)
    pipe.add_function_step("double", double, {"n": "${pipeline.start}"}, ["doubled"])
    pipe.add_function_step("pair", numbers, function_return=["first", "second"])
    pipe.add_function_step(
        "both",
        both,
        {
            "value": "${double.doubled}",
            "first": ["${pair.first}", {"deep": "${pair.second}"}],
            "second": "${pair.second}",
            "text": "${pair.first} and ${pair.second} of ${pipeline.start}",
        },
        ["all"],
    )
    assert set(run(pipe).values()) == {"completed"}
    assert value(pipe, "both", "all") == {
        "value": 8, "first": [1, {"deep": "two"}], "second": "two", "text": "1 and two of 4",
    }  # fmt: skip
    assert pipe.get_pipeline_dag()["both"].parents == ["double", "pair"]


def test_a_list_that_comes_from_a_step_arrives_whole(pipe):
    """Promise 39: one name takes the whole value."""
    pipe.add_function_step("three", three, function_return=["items"])
    pipe.add_function_step("again", double, {"n": "${three.items}"}, ["twice"])
    run(pipe)
    assert value(pipe, "again", "twice") == [1, 2, 3, 1, 2, 3]


def test_constants_of_the_module_travel_with_the_function(pipe):
    """Promise 42: module-level names that the function uses."""
    pipe.add_function_step("scaled", scaled, {"n": 3}, ["x"])
    run(pipe)
    assert value(pipe, "scaled", "x") == 30


def test_arguments_become_parameters_and_artifacts(pipe):
    """Promise 37: plain values under `kwargs/`, others as artifacts `<step>.<arg>` of the controller."""
    pipe.add_parameter("count", default="3", param_type=int, description="how many")
    pipe.add_function_step(
        "kinds",
        kinds,
        {"number": "${pipeline.count}", "rate": 1e-4, "flag": True, "name": "a", "missing": None},
        ["types"],
    )
    run(pipe)
    assert value(pipe, "kinds", "types") == ["int", "float", "bool", "str", "NoneType", "tuple"]
    task = Task.get_task(pipe.get_pipeline_dag()["kinds"].task_id)
    assert task.get_parameters()["kwargs/number"] == 3
    assert task.get_parameters()["kwargs_artifacts/keyword"] == f"{pipe.id}.kinds.keyword"
    assert pipe.task.artifacts["kinds.keyword"].get() == ("k", 1)
    assert pipe.task.get_parameters() == {"Args/count": 3}
    assert task.data.script.entry_point == "kinds"
    assert "def kinds(" in task.data.script.source


def test_an_edited_parameter_of_a_draft_reaches_the_steps(pipe):
    """Promise 9: the value that the draft was given counts, not the code's default."""
    pipe.add_parameter("start", default=4)
    pipe.add_function_step("double", double, {"n": "${pipeline.start}"}, ["doubled"])
    pipe.task.set_parameter("Args/start", 7)
    run(pipe)
    assert value(pipe, "double", "doubled") == 14
    assert pipe.get_parameters() == {"start": 7}


def test_a_failed_step_skips_its_children_and_spares_its_siblings(pipe):
    """Promise 25: the child is never created, ends skipped; the sibling branch is unaffected."""
    pipe.add_function_step("fail", fail, function_return=["x"])
    pipe.add_function_step("child", double, {"n": "${fail.x}"}, ["y"])
    pipe.add_function_step("grandchild", double, {"n": "${child.y}"})
    pipe.add_function_step("sibling", double, {"n": 1})
    assert run(pipe) == {"fail": "failed", "child": "skipped", "grandchild": "skipped", "sibling": "completed"}
    assert pipe.task.status == "failed"
    assert not pipe.is_successful()
    dag = pipe.get_pipeline_dag()
    assert dag["child"].task_id is None
    assert "'fail'" in dag["child"].reason
    assert "RuntimeError: no luck" in Task.get_task(dag["fail"].task_id).data.message
    assert "in fail" in Task.get_task(dag["fail"].task_id).data.message


def test_a_run_goes_on_where_a_step_may_fail(pipe):
    """`continue_on_fail` lets the run complete; `skip_children_on_fail=False` gives the children None."""
    pipe.add_function_step("fail", fail, function_return=["x"], continue_behaviour={"skip_children_on_fail": False})
    pipe.add_function_step(
        "child", kinds, {"number": "${fail.x}", "rate": 0, "flag": 0, "name": 0, "missing": 0}, ["types"]
    )
    assert run(pipe) == {"fail": "failed", "child": "completed"}
    assert pipe.task.status == "completed"
    assert value(pipe, "child", "types")[0] == "NoneType"


def test_a_failed_step_is_tried_again(pipe, tmp_path):
    """Each try is a task of its own; the number of retries is that of the step."""
    (tmp_path / "tries").mkdir()
    pipe.add_function_step(
        "again", fail_until, {"folder": str(tmp_path / "tries"), "tries": 2}, ["n"], retry_on_failure=2
    )
    assert run(pipe) == {"again": "completed"}
    assert value(pipe, "again", "n") == 2
    assert pipe.get_pipeline_dag()["again"].attempt == 3


def test_a_function_may_decide_on_retries(home, tmp_path):
    """Promise 7: `retry_on_failure` takes a callable of pipeline, node and number of retries."""
    asked = []

    def once(pipeline, node, retries):
        asked.append((pipeline.id, node.name, retries))
        return retries < 1

    pipe = PipelineController(name="numbers", project="Tests", retry_on_failure=once)
    pipe.add_function_step("fail", fail)
    assert run(pipe) == {"fail": "failed"}
    assert asked == [(pipe.id, "fail", 0), (pipe.id, "fail", 1)]


def test_a_function_that_cannot_decide_means_no_retry(pipe):
    def undecided(pipeline, node, retries):
        raise LookupError(node.name)

    pipe.add_function_step("fail", fail, retry_on_failure=undecided)
    assert run(pipe) == {"fail": "failed"}
    assert pipe.get_pipeline_dag()["fail"].attempt == 1
    pipe.get_logger().flush()
    assert "LookupError: fail" in "".join(pipe.task.get_reported_console_output(10))


def test_abort_on_failure_stops_the_others(home):
    """Promise 7: the first failure stops what runs and skips what waits."""
    pipe = PipelineController(name="numbers", project="Tests", abort_on_failure=True)
    pipe.add_function_step("slow", sleep, {"seconds": 60})
    pipe.add_function_step("after", double, {"n": 1}, parents=["slow"])
    pipe.add_function_step("fail", fail)
    assert run(pipe) == {"slow": "aborted", "after": "skipped", "fail": "failed"}
    assert pipe.task.status == "failed"


def test_a_step_that_runs_too_long_is_aborted_and_fails_the_run(pipe):
    pipe.add_function_step("slow", sleep, {"seconds": 60}, time_limit=0.2)
    pipe.add_function_step("after", double, {"n": 1}, parents=["slow"])
    assert run(pipe) == {"slow": "aborted", "after": "skipped"}
    assert pipe.task.status == "failed"
    assert "time limit of 0.2 s" in pipe.get_pipeline_dag()["slow"].reason


def test_independent_steps_run_at_the_same_time(pipe, tmp_path):
    """Promise 14: independent steps overlap in time."""
    pipe.add_function_step("left", meet, {"folder": str(tmp_path), "me": "left", "other": "right"})
    pipe.add_function_step("right", meet, {"folder": str(tmp_path), "me": "right", "other": "left"})
    assert run(pipe) == {"left": "completed", "right": "completed"}


@pytest.mark.parametrize(
    ("function", "returns", "message"),
    [
        (numbers, ["a", "b", "c"], "numbers returned 2 values, but its step declares 3 values (a, b, c)"),
        (one_of_two, ["a", "b"], "one_of_two returned a int, but its step declares 2 values (a, b)"),
        (unpicklable, ["lock"], "artifact 'lock' cannot be stored"),
    ],
)
def test_results_that_do_not_fit_fail_the_step_and_say_so(pipe, function, returns, message):
    """Promise 39: a count mismatch is a clear error. So is a value that no format can store."""
    pipe.add_function_step("a", function, function_return=returns)
    assert run(pipe) == {"a": "failed"}
    assert message in pipe.get_pipeline_dag()["a"].reason
    assert Task.get_task(pipe.get_pipeline_dag()["a"].task_id).artifacts == {}


@pytest.mark.parametrize(
    ("function", "code", "reason"), [(leave, 3, "sys.exit(3)"), (vanish, 4, "exit code 4"), (vanish, 0, "exit code 0")]
)
def test_a_process_that_leaves_on_its_own_fails_the_step(pipe, function, code, reason):
    """Promise 64: a non-zero exit fails the step; so does leaving before the function returned."""
    pipe.add_function_step("a", function, {"code": code}, ["x"])
    assert run(pipe) == {"a": "failed"}
    assert reason in pipe.get_pipeline_dag()["a"].reason


def test_each_step_is_a_process_of_this_interpreter_with_local_code(pipe, tmp_path, monkeypatch):
    """Promise 64: its own sub-process, same interpreter, code of the script's folder."""
    (tmp_path / "local_helper_for_steps.py").write_text("ANSWER = 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    pipe.add_function_step("where", where, function_return=["facts"])
    run(pipe)
    facts = value(pipe, "where", "facts")
    assert facts["pid"] != os.getpid()
    assert (facts["executable"], facts["answer"], facts["cwd"]) == (sys.executable, 42, str(tmp_path))


def where():
    from local_helper_for_steps import ANSWER

    return {"pid": os.getpid(), "executable": sys.executable, "answer": ANSWER, "cwd": str(Path.cwd())}


def test_what_a_step_prints_and_reports_is_recorded(pipe):
    """Promise 58: an artifact that a step uploads for its pipeline is on the controller."""
    pipe.add_function_step("report", report)
    assert run(pipe) == {"report": "completed"}
    task = Task.get_task(pipe.get_pipeline_dag()["report"].task_id)
    lines = "\n".join(task.get_reported_console_output(100)).splitlines()
    assert sorted(lines) == ["from a child", "printed", "raw bytes"]
    loss = task.get_reported_scalars()["loss"]["train"]
    assert (loss["x"], loss["y"]) == ([0, 1, 2, 3, 4], [1, 0.5, 1 / 3, 0.25, 0.2])
    assert task.get_reported_single_values() == {"accuracy": 0.5}
    assert task.get_last_scalar_metrics()["loss"]["train"] == {"last": 0.2, "min": 0.2, "max": 1.0}
    assert task.get_tags() == ["seen"]
    assert pipe.task.artifacts["from step"].get() == {"a": [1]}


def test_a_step_may_upload_a_model_for_its_pipeline(pipe, tmp_path):
    """Promise 59: a folder becomes a model of the pipeline."""
    pipe.add_function_step("save", save_model, {"folder": str(tmp_path)})
    run(pipe)
    (model,) = pipe.task.models["output"]
    assert (Path(model.get_local_copy()) / "layer.bin").read_bytes() == b"\0\1"
    assert model.project == "Tests/.pipelines/numbers"


@pytest.mark.here
@pytest.mark.parametrize(
    ("own", "default", "expected"), [("gpu", "cpu", "gpu"), (None, "cpu", "cpu"), (None, None, None)]
)
def test_the_queue_of_the_step_wins_over_the_default(pipe, own, default, expected):
    """Promise 60: step-specific overrides win."""
    pipe.set_default_execution_queue(default)
    pipe.add_function_step("a", double, {"n": 1}, execution_queue=own)
    run(pipe)
    assert Task.get_task(pipe.get_pipeline_dag()["a"].task_id).data.queue == expected


@pytest.mark.here
def test_a_step_without_any_queue_cannot_go_to_one(pipe):
    """Promise 60: neither queue -> ValueError naming the step."""
    pipe.add_function_step("lonely", double, {"n": 1})
    with pytest.raises(ValueError, match="'lonely'"):
        pipe.start_locally()
    assert pipe.task.status == "created"


def test_a_bad_reference_is_refused_before_anything_runs(pipe):
    """Promise 16: nothing has been started."""
    pipe.add_function_step("a", double, {"n": "${nowhere.x}"})
    with pytest.raises(BadReference, match="nowhere"):
        run(pipe)
    assert pipe.task.status == "created"
    assert pipe.get_pipeline_dag()["a"].status == StepStatus.PENDING


def test_an_argument_that_cannot_be_stored_is_refused_at_once(pipe):
    with pytest.raises(NotSerializable, match=r"a\.n"):
        pipe.add_function_step("a", double, {"n": threading.Lock()})
    assert pipe.get_pipeline_dag() == {}


def test_a_reference_that_turns_out_to_name_nothing_fails_its_step_alone(pipe):
    pipe.add_function_step("a", double, {"n": 1}, ["x"])
    pipe.add_function_step("b", double, {"n": "${a.artifacts.missing.url}"})
    pipe.add_function_step("c", double, {"n": "${a.x}"}, ["y"])
    assert run(pipe) == {"a": "completed", "b": "failed", "c": "completed"}
    assert "'missing'" in pipe.get_pipeline_dag()["b"].reason


def test_a_run_can_be_stopped_from_another_thread(pipe, tmp_path):
    pipe.add_function_step("slow", sleep, {"seconds": 60})
    pipe.add_function_step("after", double, {"n": 1}, parents=["slow"])
    runner = threading.Thread(target=run, args=(pipe,))
    runner.start()
    while not pipe.get_running_nodes():
        time.sleep(0.005)
    assert pipe.is_running()
    pipe.stop()
    runner.join()
    assert pipe.task.status == "stopped"
    assert {n.name: n.status for n in pipe.get_processed_nodes()} == {"slow": "aborted", "after": "skipped"}


def test_a_pipeline_runs_once(pipe):
    pipe.add_function_step("a", double, {"n": 1})
    run(pipe)
    with pytest.raises(Conflict, match="has been started"):
        run(pipe)
    assert pipe.elapsed() > 0


def test_stopping_before_the_start_does_nothing(pipe):
    assert pipe.elapsed() == -1.0
    pipe.stop()
    assert pipe.task.status == "created"


def test_an_empty_pipeline_completes(pipe):
    assert run(pipe) == {}
    assert pipe.is_successful()


def test_configurations_and_tags_are_recorded_with_the_run(pipe, tmp_path):
    assert pipe.connect_configuration({"a": 1}, name="net") == {"a": 1}
    pipe.add_tags("red blue")
    pipe.add_tags(["red", "green"])
    assert pipe.tags == ["red", "blue", "green"]


def test_the_run_itself_reports(pipe):
    pipe.get_logger().report_scalar("t", "s", 1.5, 0)
    pipe.get_logger().flush()
    assert pipe.task.get_last_scalar_metrics()["t"]["s"]["last"] == 1.5


def two_megabytes():
    return bytes(2_000_000)


def damage(url):
    path = Path(url.removeprefix("file://"))
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"x")


def count(data):
    return len(data)


@pytest.mark.parametrize("harmed", [False, True])
def test_a_large_input_that_was_touched_within_the_run_is_noticed(pipe, harmed):
    """A blob that the run itself wrote is not hashed again, unless somebody touched it."""
    pipe.add_function_step("make", two_megabytes, function_return=["data"])
    url = "${make.artifacts.data.url}" if harmed else str(Path("/dev/null").as_uri())
    pipe.add_function_step("harm", damage if harmed else double, {"url" if harmed else "n": url}, parents=["make"])
    pipe.add_function_step("use", count, {"data": "${make.data}"}, ["n"], parents=["harm"])
    statuses = run(pipe)
    assert statuses["use"] == ("failed" if harmed else "completed")
    assert ("damaged" in pipe.get_pipeline_dag()["use"].reason) == harmed


def make_outputs(folder, broken=False):
    logger = Logger.current_logger()
    for step, loss in enumerate([3.0, 1.0, 2.0]):
        logger.report_scalar("test", "loss", loss, step)
    task = Task.current_task()
    for name in ("m_1", "m_2", "m_10", "last"):
        file = Path(folder) / name
        file.write_text(name)
        task.upload_model(name, str(file))
    task.upload_artifact("table", [1, 2])
    if broken:
        raise ValueError(folder)


@pytest.mark.parametrize("broken", [False, True])
def test_the_pipeline_takes_over_what_it_monitors(pipe, tmp_path, broken):
    """Promises 51 to 57: metrics (also falling), artifacts and models, renamed, by pattern, also of a failed step."""
    pipe.add_function_step(
        "make",
        make_outputs,
        {"folder": str(tmp_path), "broken": broken},
        monitor_metrics=[("test", "loss"), (("test", "loss"), ("model", "falling")), ("test", "missing")],
        monitor_artifacts=["table", ("table", "final"), "missing"],
        monitor_models=["m_1", "m_*", "*", ("m_10", "ten")],
    )
    run(pipe)
    scalars = pipe.task.get_reported_scalars()
    for series in (scalars["test"]["loss"], scalars["model"]["falling"]):
        assert (series["x"], series["y"]) == ([0, 1, 2], [3.0, 1.0, 2.0])
    step = Task.get_task(pipe.get_pipeline_dag()["make"].task_id)
    assert pipe.task.artifacts["final"].url == pipe.task.artifacts["table"].url == step.artifacts["table"].url
    taken = {model.name: Path(model.get_local_copy()).read_text() for model in pipe.task.models["output"]}
    assert taken == {"m_1": "m_1", "m_2": "m_2", "last": "last", "ten": "m_10"}


@pytest.mark.parametrize(
    "wrong", [{"monitor_metrics": ["loss"]}, {"monitor_artifacts": "table"}, {"monitor_models": [1]}]
)
def test_a_monitor_that_is_none_is_refused_with_its_step(pipe, wrong):
    with pytest.raises(ValueError, match=f"step 'make': .*{next(iter(wrong))}"):
        pipe.add_function_step("make", double, {"n": 1}, **wrong)
