"""`PipelineController`: its documented signatures, and what each of its arguments does."""

from __future__ import annotations

import inspect
import textwrap
import threading
from pathlib import Path

import pytest

from penstock import PipelineController, Task
from penstock.core.errors import (
    BadParameter,
    BadPipeline,
    BadReference,
    BadVersion,
    Conflict,
    Invalid,
    NotFound,
    NotStandalone,
)
from penstock.core.task import Container, TaskType
from penstock.ops.runs import ListRuns
from penstock.ops.tasks import GetConfigurations, GetParameters
from penstock.run import current
from penstock.sdk import session

CONSTRUCTOR = {
    "name": inspect.Parameter.empty,
    "project": inspect.Parameter.empty,
    "version": None,
    "pool_frequency": 0.2,
    "add_pipeline_tags": False,
    "target_project": True,
    "auto_version_bump": None,
    "abort_on_failure": False,
    "add_run_number": True,
    "retry_on_failure": None,
    "docker": None,
    "docker_args": None,
    "docker_bash_setup_script": None,
    "packages": None,
    "repo": None,
    "repo_branch": None,
    "repo_commit": None,
    "always_create_from_code": True,
    "artifact_serialization_function": None,
    "artifact_deserialization_function": None,
    "output_uri": None,
    "skip_global_imports": False,
    "working_dir": None,
    "enable_local_imports": True,
}
ADD_FUNCTION_STEP = {
    "name": inspect.Parameter.empty,
    "function": inspect.Parameter.empty,
    "function_kwargs": None,
    "function_return": None,
    "project_name": None,
    "task_name": None,
    "task_type": None,
    "auto_connect_frameworks": None,
    "auto_connect_arg_parser": None,
    "packages": None,
    "repo": None,
    "repo_branch": None,
    "repo_commit": None,
    "helper_functions": None,
    "docker": None,
    "docker_args": None,
    "docker_bash_setup_script": None,
    "parents": None,
    "execution_queue": None,
    "monitor_metrics": None,
    "monitor_artifacts": None,
    "monitor_models": None,
    "time_limit": None,
    "continue_on_fail": False,
    "pre_execute_callback": None,
    "post_execute_callback": None,
    "cache_executed_step": False,
    "retry_on_failure": None,
    "status_change_callback": None,
    "tags": None,
    "output_uri": None,
    "draft": False,
    "working_dir": None,
    "continue_behaviour": None,
    "stage": None,
}
OTHERS = {
    "add_parameter": {"name": inspect.Parameter.empty, "default": None, "description": None, "param_type": None},
    "set_default_execution_queue": {"default_execution_queue": inspect.Parameter.empty},
    "start_locally": {"run_pipeline_steps_locally": False, "resume": None},  # the last one is our own
    "set_pipeline_execution_time_limit": {"max_execution_minutes": inspect.Parameter.empty},
    "stop": {"timeout": None, "mark_failed": False, "mark_aborted": False},
    "is_successful": {"fail_on_step_fail": True, "fail_condition": "all"},
    "connect_configuration": {"configuration": inspect.Parameter.empty, "name": None, "description": None},
    "add_tags": {"tags": inspect.Parameter.empty},
    "upload_artifact": {
        "name": inspect.Parameter.empty,
        "artifact_object": inspect.Parameter.empty,
        "metadata": None,
        "delete_after_upload": False,
        "auto_pickle": None,
        "preview": None,
        "wait_on_upload": False,
        "serialization_function": None,
        "sort_keys": True,
    },
    "upload_model": {
        "model_name": inspect.Parameter.empty,
        "model_local_path": inspect.Parameter.empty,
        "upload_uri": None,
    },
    "get_logger": {},
    "get_pipeline_dag": {},
    "get_processed_nodes": {},
    "get_running_nodes": {},
    "get_parameters": {},
    "is_running": {},
    "elapsed": {},
}


def one():
    return 1


def add(left, right=10):
    return left + right


def fail():
    raise RuntimeError("no luck")


def folder_name():
    return Path.cwd().name


def import_from_the_script_folder():
    import beside_the_script

    return beside_the_script.ANSWER


def shout(value):
    import json

    return json.dumps(value).upper().encode()


def unshout(data):
    import json

    return json.loads(data.decode().lower())


def made(home=None, **options):
    return PipelineController(**{"name": "flow", "project": "Tests"} | options)


def run(pipe, *steps):
    """Add steps of these functions, run, and return their statuses."""
    for step in steps:
        pipe.add_function_step(step.__name__, step, function_return=["x"])
    pipe.start_locally(run_pipeline_steps_locally=True)
    return {name: str(node.status) for name, node in pipe.get_pipeline_dag().items()}


def task(pipe, step):
    return Task.get_task(pipe.get_pipeline_dag()[step].task_id)


# Signatures


def given(function):
    parameters = list(inspect.signature(function).parameters.values())
    assert all(one.kind is one.POSITIONAL_OR_KEYWORD for one in parameters)
    return {one.name: one.default for one in parameters if one.name != "self"}


def test_the_constructor_takes_the_documented_arguments():
    """Promise 7: the same 24 names in the same order with the same defaults."""
    assert len(CONSTRUCTOR) == 24
    assert list(given(PipelineController.__init__).items()) == list(CONSTRUCTOR.items())


def test_add_function_step_takes_the_documented_arguments():
    """Promise 44: the same names in the same order with the same defaults."""
    assert len(ADD_FUNCTION_STEP) == 35
    assert list(given(PipelineController.add_function_step).items()) == list(ADD_FUNCTION_STEP.items())


@pytest.mark.parametrize("name", OTHERS)
def test_the_other_methods_take_the_documented_arguments(name):
    assert list(given(getattr(PipelineController, name)).items()) == list(OTHERS[name].items())


# Each argument of the constructor


@pytest.mark.parametrize(("name", "project", "expected"), [("a", "b", "a"), ("", "b", "b"), (None, "b", "b")])
def test_a_pipeline_without_a_name_is_called_like_its_project(home, name, project, expected):
    """Promise 3: the task's name is that of the pipeline. Promise 7: `name`."""
    assert made(name=name, project=project).task.name == expected


def test_a_pipeline_without_any_name_is_called_by_the_time(home):
    """Promise 7: `name`."""
    assert made(name="", project="").task.name.startswith("20")


@pytest.mark.parametrize(("project", "expected"), [("A/B", "A/B/.pipelines/flow"), ("", ".pipelines/flow")])
def test_the_run_lies_in_the_hidden_project_of_the_pipeline(home, project, expected):
    """Promise 4: `P/.pipelines/NAME`. Promise 7: `project`."""
    assert made(project=project).task.project == expected


def test_a_version_is_refused_before_anything_is_recorded(home):
    """Promise 5: `abc` raises ValueError. Promise 7: `version`."""
    with pytest.raises(BadVersion, match="'abc'"):
        made(version="abc")
    assert session.backend().call(ListRuns()) == []


def test_the_version_is_known_once_the_run_has_begun(home):
    """Promises 5 and 6: the one asked for, else the next. Promise 7: `version`."""
    pipe, named = made(), made(name="named", version="2.1")
    assert (pipe.version, named.version) == (None, "2.1")
    run(pipe, one)
    run(named, one)
    assert (pipe.version, named.version) == ("1.0.0", "2.1")


@pytest.mark.parametrize("frequency", [0.0001, 100_000.0])
def test_a_run_polls_nothing_so_its_frequency_costs_no_time(home, frequency):
    """Promise 7: `pool_frequency`. With polling, the second run would last for months."""
    assert run(made(pool_frequency=frequency), one) == {"one": "completed"}


def test_steps_are_tagged_with_their_run_when_asked_for(home):
    """Promise 7: `add_pipeline_tags`."""
    for wanted in (True, False):
        pipe = made(add_pipeline_tags=wanted)
        pipe.add_function_step("one", one, tags="red blue")
        run(pipe)
        assert task(pipe, "one").get_tags() == ["red", "blue", *([f"pipe: {pipe.id}"] if wanted else [])]


@pytest.mark.parametrize(
    ("target", "expected"),
    [(True, "Tests/.pipelines/flow"), ("Else/Where", "Else/Where"), (None, "Tests"), ("", "Tests")],
)
def test_steps_lie_where_the_target_says(home, target, expected):
    """Promises 4 and 7: `target_project`; a step's own `project_name` wins."""
    pipe = made(target_project=target)
    pipe.add_function_step("own", one, project_name="Mine", task_name="named")
    run(pipe, one)
    assert task(pipe, "one").project == expected
    assert (task(pipe, "own").project, task(pipe, "own").name) == ("Mine", "named")


def test_a_version_is_raised_when_its_code_has_changed(home):
    """Promises 6 and 7: `auto_version_bump`."""
    versions = []
    for steps, bump in (([one], True), ([one], True), ([one, folder_name], True), ([fail], None)):
        pipe = made(version="1.0.0", auto_version_bump=bump)
        run(pipe, *steps)
        versions.append(pipe.version)
    assert versions == ["1.0.0", "1.0.0", "1.0.1", "1.0.0"]


def test_one_failure_stops_the_run_when_asked_for(home, monkeypatch):
    """Promise 7: `abort_on_failure`. With one step at a time, what comes after the failed one never starts."""
    monkeypatch.setenv("PENSTOCK_WORKERS", "1")
    assert run(made(abort_on_failure=True), fail, one) == {"fail": "failed", "one": "aborted"}
    assert run(made(), fail, one) == {"fail": "failed", "one": "completed"}


def test_a_run_keeps_the_plain_name_when_asked_for(home):
    """Promises 3 and 7: `add_run_number`."""
    names = []
    for number in (True, True, False):
        pipe = made(add_run_number=number)
        run(pipe)
        names.append(pipe.task.name)
    assert names == ["flow", "flow #2", "flow"]


def test_failed_steps_are_tried_again_as_often_as_the_pipeline_says(home):
    """Promise 7: `retry_on_failure`; what a step says itself wins, 0 too."""
    pipe = made(retry_on_failure=2)
    pipe.add_function_step("own", fail, retry_on_failure=1)
    pipe.add_function_step("never", fail, retry_on_failure=0)
    run(pipe, fail)
    assert {name: node.attempt for name, node in pipe.get_pipeline_dag().items()} == {"own": 2, "never": 1, "fail": 3}


def test_the_container_of_the_controller_is_recorded(home):
    """Promise 7: `docker`, `docker_args`, `docker_bash_setup_script`."""
    pipe = made(docker="python:3.12", docker_args="--rm", docker_bash_setup_script="apt-get update")
    assert pipe.task.data.container == Container(image="python:3.12", arguments="--rm", setup_script="apt-get update")
    assert made().task.data.container is None


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        (None, None),
        (True, None),
        (False, ()),
        ("", ()),
        (["pandas>=2", "numpy"], ("pandas>=2", "numpy")),
        ("requirements.txt", ("pandas>=2", "numpy")),
    ],
)
def test_the_packages_of_the_controller_are_recorded(home, tmp_path, monkeypatch, packages, expected):
    """Promise 7: `packages`: a list, the path of a file, False, or None to find them."""
    monkeypatch.chdir(tmp_path)
    Path("requirements.txt").write_text("pandas>=2  # frames\n\n# more\nnumpy\n")
    pipe = made(packages=packages)
    assert pipe.task.data.script.packages == expected


def test_packages_that_name_no_file_are_refused(home):
    """Promise 7: `packages`."""
    with pytest.raises(Invalid, match=r"'nowhere\.txt'"):
        made(packages="nowhere.txt")


def test_the_repository_of_the_controller_is_recorded(home):
    """Promise 7: `repo`, `repo_branch`, `repo_commit`, `working_dir`."""
    script = made(repo="https://x/y.git", repo_branch="main", repo_commit="abc", working_dir="sub").task.data.script
    assert (script.repository, script.branch, script.commit, script.working_dir) == (
        "https://x/y.git",
        "main",
        "abc",
        "sub",
    )


@pytest.mark.parametrize("wanted", [True, False])
def test_a_run_in_this_process_always_follows_the_code(home, wanted):
    """Promise 7: `always_create_from_code`."""
    assert run(made(always_create_from_code=wanted), one) == {"one": "completed"}


def test_inputs_and_outputs_go_through_the_functions_of_the_pipeline(home):
    """Promise 7: `artifact_serialization_function`, `artifact_deserialization_function`."""
    pipe = made(artifact_serialization_function=shout, artifact_deserialization_function=unshout)
    pipe.add_function_step("first", add, {"left": ["MiXed"], "right": []}, ["x"])
    pipe.add_function_step("second", add, {"left": "${first.x}", "right": ["DoNe"]}, ["y"])
    assert run(pipe) == {"first": "completed", "second": "completed"}
    stored = task(pipe, "second").artifacts["y"]
    assert Path(stored.get_local_copy()).read_bytes() == b'["MIXED", "DONE"]'
    assert stored.get(deserialization_function=unshout) == ["mixed", "done"]
    assert Path(pipe.task.artifacts["first.left"].get_local_copy()).read_bytes() == b'["MIXED"]'


def test_a_serializer_that_stands_in_no_module_is_refused(home):
    """Promise 7: its source is taken into each step, so it must have one."""
    with pytest.raises(NotStandalone, match="lambda"):
        made(artifact_serialization_function=lambda value: b"")
    assert session.backend().call(ListRuns()) == []


def test_outputs_go_where_the_pipeline_says(home):
    """Promise 7: `output_uri`; that of a step wins."""
    pipe = made(output_uri="s3://all")
    pipe.add_function_step("own", one, output_uri="s3://mine")
    run(pipe, one)
    assert (task(pipe, "one").data.output_uri, task(pipe, "own").data.output_uri) == ("s3://all", "s3://mine")


@pytest.mark.parametrize(("skip", "status"), [(False, "completed"), (True, "failed")])
def test_imports_of_the_module_go_with_the_function_unless_they_are_skipped(home, skip, status):
    """Promises 7 and 42: `skip_global_imports`."""
    pipe = made(skip_global_imports=skip)
    assert run(pipe, folder_name) == {"folder_name": status}
    assert ("import Path" in task(pipe, "folder_name").data.script.source) is not skip
    if skip:
        assert "name 'Path' is not defined" in pipe.get_pipeline_dag()["folder_name"].reason


@pytest.mark.parametrize(("enabled", "status"), [(True, "completed"), (False, "failed")])
def test_modules_beside_the_script_can_be_imported_unless_that_is_off(home, tmp_path, monkeypatch, enabled, status):
    """Promise 7: `enable_local_imports`."""
    (tmp_path / "beside_the_script.py").write_text("ANSWER = 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    pipe = made(enable_local_imports=enabled)
    assert run(pipe, import_from_the_script_folder) == {"import_from_the_script_folder": status}


# Parameters


def parameters(pipe):
    return {one.name: one for one in session.backend().call(GetParameters(task=pipe.id)) if one.section == "Args"}


def test_a_parameter_is_recorded_with_default_type_and_description(home):
    """Promises 8 and 12: section `Args`, default, description; `get_parameters()` returns it."""
    pipe = made()
    pipe.add_parameter("rate", default=0.5, description="how fast")
    pipe.add_parameter(name="free")
    found = parameters(pipe)
    assert (found["rate"].value, found["rate"].type, found["rate"].description) == (0.5, "float", "how fast")
    assert (found["free"].value, found["free"].type, found["free"].description) == (None, "", "")
    assert pipe.get_parameters() == {"rate": 0.5, "free": None}


@pytest.mark.parametrize(
    ("default", "param_type", "value"),
    [
        ("3", int, 3),
        ("3", "int", 3),
        (3, None, 3),
        ("1e-4", float, 1e-4),
        ("yes", bool, True),
        (1, str, "1"),
        ("[1, 2]", list, [1, 2]),
        ((1, 2), None, [1, 2]),
        ('{"a": 1}', "dict", {"a": 1}),
        ({"a": {"b": [None]}}, None, {"a": {"b": [None]}}),
        (None, int, None),
        (float("inf"), None, float("inf")),
    ],
)
def test_a_parameter_has_the_type_that_was_asked_for_or_that_of_its_default(home, default, param_type, value):
    """Promise 8: `param_type` casts."""
    pipe = made()
    pipe.add_parameter("x", default, param_type=param_type)
    found = pipe.get_parameters()["x"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "default", "param_type", "message"),
    [
        ("x", "three", int, "'x' must be an integer, not 'three'"),
        ("x", object(), None, "cannot be of type 'object'"),
        ("x", 1, "number", "cannot be of type 'number'"),
        ("x", [object()], None, "'x'"),
        ("", 1, None, "cannot be called ''"),
        ("a}b", 1, None, "cannot be called 'a}b'"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_and_not_recorded(home, name, default, param_type, message):
    """Promise 8: each a clear error that names the thing."""
    pipe = made()
    with pytest.raises((BadParameter, Invalid), match=message):
        pipe.add_parameter(name, default, param_type=param_type)
    assert (pipe.get_parameters(), parameters(pipe)) == ({}, {})


def test_adding_a_parameter_again_replaces_it(home):
    """Promise 8."""
    pipe = made()
    pipe.add_parameter("x", 1, "first")
    pipe.add_parameter("x", "text", "second")
    assert pipe.get_parameters() == {"x": "text"}
    assert parameters(pipe)["x"].description == "second"


def test_parameters_reach_the_steps_in_their_types(home):
    """Promise 10: whole references keep the type, references inside texts become text."""
    pipe = made()
    pipe.add_parameter("n", 3)
    pipe.add_parameter("deep", {"a": [1.5, None]})
    pipe.add_function_step("whole", add, {"left": ["${pipeline.n}"], "right": ["${pipeline.deep}"]}, ["x"])
    pipe.add_function_step("inside", add, {"left": "n is ${pipeline.n}", "right": " in ${pipeline.id}"}, ["x"])
    run(pipe)
    assert task(pipe, "whole").artifacts["x"].get() == [3, {"a": [1.5, None]}]
    assert task(pipe, "inside").artifacts["x"].get() == f"n is 3 in {pipe.id}"


# Steps


def test_a_step_name_is_unique_and_not_reserved(home):
    """Promise 15: ValueError both times."""
    pipe = made()
    assert pipe.add_function_step("a", one) is True
    with pytest.raises(BadPipeline, match="'a' already exists"):
        pipe.add_function_step("a", add, {"left": 1})
    with pytest.raises(ValueError, match="'pipeline'"):
        pipe.add_function_step("pipeline", one)
    assert list(pipe.get_pipeline_dag()) == ["a"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"function": lambda: 1}, NotStandalone, "lambda"),
        ({"function_kwargs": {"lefft": 1}}, Invalid, r"'add' has no argument 'lefft'[^$]*did you mean 'left'"),
        ({"function_kwargs": {}}, Invalid, "'add' needs a value for 'left'"),
        ({"function_kwargs": {"left": "${a.}"}}, BadReference, r"\$\{a\.\}"),
        ({"function_return": ["x", "x"]}, Invalid, "'x'.* more than once"),
        ({"function_return": [1]}, Invalid, "function_return must be a list of names"),
        ({"parents": [None]}, Invalid, "parents must be a list of names"),
        ({"task_type": "trainning"}, Invalid, r"'trainning'[^$]*'training'"),
        ({"time_limit": 0}, Invalid, "time_limit must be a number of seconds above 0"),
        ({"time_limit": "1"}, Invalid, "time_limit"),
        ({"retry_on_failure": -1}, Invalid, "retry_on_failure must be a number from 0"),
        ({"continue_behaviour": {"continue_on_fial": True}}, Invalid, "'continue_on_fail'"),
        ({"monitor_metrics": "loss"}, Invalid, "monitor_metrics must be a list"),
        ({"pre_execute_callback": "print"}, Invalid, "pre_execute_callback is 'print'"),
        ({"post_execute_callback": 3}, Invalid, "post_execute_callback is 3"),
        ({"status_change_callback": []}, Invalid, "status_change_callback"),
        ({"packages": "nowhere.txt"}, Invalid, "'nowhere.txt'"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused_and_leaves_nothing(home, arguments, error, message):
    pipe = made()
    with pytest.raises(error, match=message):
        pipe.add_function_step(**{"name": "a", "function": add, "function_kwargs": {"left": [object()]}} | arguments)
    assert pipe.get_pipeline_dag() == {}
    assert pipe.task.artifacts == {}


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ({"a": ["c"], "b": ["a"], "c": ["b"]}, r"cycle: .*a -> b -> c|cycle: "),
        ({"a": ["a"]}, "cycle: a -> a"),
        ({"a": ["lost"]}, "unknown parent 'lost'"),
    ],
)
def test_what_is_no_graph_is_refused_before_anything_runs(home, parents, message):
    """Promise 17: the message lists the cycle."""
    pipe = made()
    for name, above in parents.items():
        pipe.add_function_step(name, one, parents=above)
    with pytest.raises(BadPipeline, match=message):
        run(pipe)
    assert pipe.task.status == "created"
    assert {node.status for node in pipe.get_pipeline_dag().values()} == {"pending"}


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("${frist.x}", r"step 'second', argument 'left': \$\{frist\.x\}[^$]*did you mean 'first'"),
        ("in ${first.y} text", r"\$\{first\.y\} names no output of step 'first'[^$]*'x'"),
        ([{"deep": "${pipeline.raet}"}], r"\$\{pipeline\.raet\}[^$]*did you mean 'rate'"),
        ("${first.parameters.kwargs/n}", "names no parameter of step 'first'"),
    ],
)
def test_a_reference_to_nothing_is_refused_before_anything_runs(home, reference, message):
    """Promise 16: ValueError; the message names step, argument and the nearest name."""
    pipe = made()
    pipe.add_parameter("rate", 1)
    pipe.add_function_step("first", one, function_return=["x"])
    pipe.add_function_step("second", add, {"left": reference})
    with pytest.raises(ValueError, match=message) as caught:
        run(pipe)
    assert isinstance(caught.value, BadReference)
    assert pipe.task.status == "created"


def test_steps_may_be_added_in_any_order(home):
    """A reference may name a step that is added later."""
    pipe = made()
    pipe.add_function_step("second", add, {"left": "${first.x}", "right": 1}, ["y"])
    pipe.add_function_step("first", one, function_return=["x"])
    assert run(pipe) == {"second": "completed", "first": "completed"}
    assert task(pipe, "second").artifacts["y"].get() == 2


def test_what_a_step_is_given_is_recorded_with_it(home):
    pipe = made()
    pipe.add_function_step(
        "one",
        one,
        task_type="data_processing",
        packages=["pandas"],
        repo="r",
        repo_branch="b",
        repo_commit="c",
        docker="python:3.12",
        docker_args="--rm",
        docker_bash_setup_script="true",
        execution_queue="gpu",
        tags=["a b", "c"],
        stage="load",
        cache_executed_step=True,
        time_limit=60,
        monitor_metrics=[("t", "s")],
        continue_on_fail=True,
    )
    run(pipe)
    data = task(pipe, "one").data
    assert (data.type, data.queue, data.tags) == (TaskType.DATA_PROCESSING, "gpu", ("a b", "c"))
    assert data.container == Container(image="python:3.12", arguments="--rm", setup_script="true")
    script = data.script
    assert (script.packages, script.repository, script.branch, script.commit) == (("pandas",), "r", "b", "c")
    node = pipe.get_pipeline_dag()["one"]
    assert (node.stage, node.cache_executed_step, node.timeout, node.queue) == ("load", True, 60.0, "gpu")
    assert (node.monitor_metrics, node.continue_on_fail) == ([["t", "s"]], True)


def test_a_step_starts_in_the_folder_that_it_names(home, tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path)
    pipe = made()
    pipe.add_function_step("inner", folder_name, function_return=["x"], working_dir="inner")
    pipe.add_function_step("lost", one, function_return=["x"], working_dir="nowhere")
    assert run(pipe, folder_name) == {"inner": "completed", "lost": "failed", "folder_name": "completed"}
    assert [task(pipe, name).artifacts["x"].get() for name in ("inner", "folder_name")] == ["inner", tmp_path.name]
    assert "nowhere" in task(pipe, "lost").data.message


def test_functions_of_other_modules_come_along(home, tmp_path, monkeypatch):
    """Promise 42: `helper_functions`, also where the other module cannot be imported from."""
    (tmp_path / "helpful_for_pipeline.py").write_text(
        textwrap.dedent("""
        import math

        def root(n):
            return math.sqrt(n)

        def work(n):
            return root(n) + 1
    """)
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import helpful_for_pipeline

    pipe = made(enable_local_imports=False)
    pipe.add_function_step(
        "work", helpful_for_pipeline.work, {"n": 9}, ["x"], helper_functions=[helpful_for_pipeline.root]
    )
    run(pipe)
    assert task(pipe, "work").artifacts["x"].get() == 4.0


# The run seen from its script


def test_what_is_asked_of_a_draft(home):
    pipe = made()
    pipe.add_function_step("one", one)
    assert (pipe.is_running(), pipe.is_successful(), pipe.elapsed()) == (False, False, -1.0)
    assert pipe.wait(timeout=0) is False
    assert (pipe.get_processed_nodes(), pipe.get_running_nodes()) == ([], [])
    assert isinstance(pipe.get_pipeline_dag()["one"], PipelineController.Node)
    assert (pipe.id, pipe.task.id) == (pipe.id, pipe.id)


def test_what_is_asked_of_a_run_that_has_ended(home):
    pipe = made()
    run(pipe, one, fail)
    assert (pipe.is_running(), pipe.is_successful()) == (False, False)
    assert pipe.elapsed() >= 0
    assert pipe.wait() is True
    assert [node.name for node in pipe.get_processed_nodes()] == ["one", "fail"]
    pipe.stop()
    assert pipe.task.status == "failed"
    for change in (lambda: pipe.add_function_step("late", one), lambda: run(pipe)):
        with pytest.raises(Conflict, match="'flow' has been started"):
            change()


@pytest.mark.parametrize(
    ("steps", "options", "expected"),
    [
        ((one,), {}, True),
        ((), {}, True),
        ((one, fail), {}, False),
        ((one, fail), {"fail_condition": "aborted"}, True),
        ((one, fail), {"fail_condition": "failed"}, False),
        ((one, fail), {"fail_on_step_fail": False}, False),
    ],
)
def test_a_run_is_successful_as_its_steps_are(home, steps, options, expected):
    pipe = made()
    run(pipe, *steps)
    assert pipe.is_successful(**options) is expected


def test_a_run_that_may_fail_in_a_step_is_successful_without_that_step(home):
    pipe = made()
    pipe.add_function_step("fail", fail, continue_on_fail=True)
    pipe.add_function_step("after", one, parents=["fail"])
    assert run(pipe) == {"fail": "failed", "after": "skipped"}
    assert (pipe.is_successful(), pipe.is_successful(fail_on_step_fail=False)) == (False, True)
    with pytest.raises(Invalid, match="'none'"):
        pipe.is_successful(fail_condition="none")


def test_a_thread_waits_for_the_end_of_a_run(home):
    pipe = made()
    pipe.add_function_step("one", one)
    ended = []
    waiting = threading.Thread(target=lambda: ended.append((pipe.wait(), pipe.task.status)))
    waiting.start()
    run(pipe)
    waiting.join()
    assert ended == [(True, "completed")]


def test_steps_that_are_to_go_to_a_queue_that_is_not_there_are_refused_and_nothing_is_started(home):
    """Promise 60: the step that names none takes the default."""
    pipe = made()
    pipe.add_function_step("own", one, execution_queue="gpu")
    pipe.set_default_execution_queue("cpu")
    pipe.add_function_step("one", one)
    with pytest.raises(NotFound, match="step 'own' names the queue 'gpu'"):
        pipe.start_locally()
    assert pipe.task.status == "created"
    run(pipe)
    assert [task(pipe, name).data.queue for name in ("own", "one")] == ["gpu", "cpu"]


@pytest.mark.parametrize("kind", ["dict", "list", "file"])
def test_configurations_are_recorded_as_they_are(home, tmp_path, kind):
    (tmp_path / "net.yaml").write_text("layers: [1]\n")
    given, text, form = {
        "dict": ({"layers": [1]}, '{\n  "layers": [\n    1\n  ]\n}', "json"),
        "list": ([1], "[\n  1\n]", "json"),
        "file": (tmp_path / "net.yaml", "layers: [1]\n", "yaml"),
    }[kind]
    pipe = made()
    assert pipe.connect_configuration(given, description="the net") is given
    (found,) = session.backend().call(GetConfigurations(task=pipe.id))
    assert (found.name, found.text, found.format, found.description) == ("General", text, form, "the net")


@pytest.mark.parametrize("configuration", ["nowhere.yaml", 3])
def test_a_configuration_that_cannot_be_read_is_refused(home, configuration):
    with pytest.raises((NotFound, BadParameter), match=r"configuration|no file .nowhere"):
        made().connect_configuration(configuration)


def test_a_script_stores_artifacts_with_its_run(home, tmp_path):
    """Promise 58: any value, a file too; a file may go once it is stored."""
    pipe = made()
    file = tmp_path / "data.csv"
    file.write_text("a,b\n")
    assert pipe.upload_artifact("file", str(file), metadata={"rows": 0}, delete_after_upload=True)
    assert not file.exists()
    assert PipelineController.upload_artifact("text", "no file")
    found = pipe.task.artifacts
    assert Path(found["file"].get_local_copy()).read_text() == "a,b\n"
    assert found["file"].metadata["rows"] == "0"
    assert found["text"].get() == "no file"


def test_a_script_stores_models_with_its_run(home, tmp_path):
    """Promise 59: a file becomes a model in the pipeline's project."""
    pipe = made()
    (tmp_path / "net.onnx").write_bytes(b"weights")
    model = pipe.upload_model("net", str(tmp_path / "net.onnx"))
    assert (model.project, model.framework, model.task) == ("Tests/.pipelines/flow", "ONNX", pipe.id)
    assert Path(model.get_local_copy()).read_bytes() == b"weights"
    with pytest.raises(Invalid, match="model 'lost'"):
        pipe.upload_model("lost", str(tmp_path / "lost"))


def test_without_a_pipeline_there_is_nothing_to_store_with(home):
    current.put(None)
    for ask in (
        PipelineController.get_logger,
        lambda: PipelineController.upload_artifact("x", 1),
        lambda: PipelineController.upload_model("x", __file__),
    ):
        with pytest.raises(Invalid, match="works on no pipeline"):
            ask()


def test_each_of_two_pipelines_gets_what_is_given_to_it(home):
    """A script may make two: what is told to the first one is not recorded with the second."""
    first, second = made(name="first"), made(name="second")
    first.upload_artifact("x", 1)
    first.get_logger().report_scalar("t", "s", 1.0, 0)
    first.get_logger().flush()
    assert (list(first.task.artifacts), list(second.task.artifacts)) == (["x"], [])
    assert (list(first.task.get_reported_scalars()), list(second.task.get_reported_scalars())) == (["t"], [])


def test_two_pipelines_of_one_script_run_one_after_the_other(home):
    first, second = made(name="first"), made(name="second")
    assert (run(first, one), run(second, one)) == ({"one": "completed"}, {"one": "completed"})
    assert first.id != second.id
    assert Task.get_task(first.get_pipeline_dag()["one"].task_id).data.run == first.id


def test_a_callback_that_waits_for_its_run_is_refused_instead_of_hanging(home):
    heard = []

    def after(pipeline, node):
        with pytest.raises(Conflict, match="what the run waits for") as refused:
            pipeline.wait()
        heard.append(refused)

    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("one", one, post_execute_callback=after)
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert (len(heard), pipe.is_successful(), pipe.wait()) == (1, True, True)
