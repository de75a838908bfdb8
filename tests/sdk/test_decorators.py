"""Pipelines that are written as functions, in one process; with real processes they are in e2e/test_decorators.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from penstock import PipelineController, PipelineDecorator
from penstock.core.errors import BadParameter, Conflict, Invalid, StepFailed
from penstock.ops.runs import GetRun, ListRuns
from penstock.ops.tasks import GetParameters
from penstock.sdk import session

SAMPLE = Path(__file__).with_name("sample_of_types.py")
CURRENT = []
SEEN = []


@pytest.fixture(autouse=True)
def inline(home):
    PipelineDecorator.debug_pipeline()
    yield
    PipelineDecorator._place = "agents"
    PipelineDecorator._queue_of_steps = None
    SEEN.clear()
    CURRENT.clear()


@PipelineDecorator.component(return_values="x")
def give(value):
    SEEN.append(value)
    return value


@PipelineDecorator.component
def nothing():
    return None


@PipelineDecorator.component(return_values=["x"], retry_on_failure=2)
def third_time():
    SEEN.append("tried")
    if SEEN.count("tried") < 3:
        raise ValueError("not yet")
    return "done"


@PipelineDecorator.component(return_values=None)
def silent():
    SEEN.append("silent")


@PipelineDecorator.component(return_values=["a", "b"])
def pair():
    return 1, 2


@PipelineDecorator.component(return_values=["a", "b"])
def wrong_pair():
    return 1


@PipelineDecorator.component(parents=["give"])
def behind():
    return 1


@PipelineDecorator.component(stage="own")
def staged(value):
    return give(value) + 1


def pipeline(function, **options):
    return PipelineDecorator.pipeline(name="flow", project="Tests", **options)(function)


def last():
    return session.backend().call(GetRun(id=session.backend().call(ListRuns())[0].id))


def parameters():
    return {one.path: (one.value, one.type) for one in session.backend().call(GetParameters(task=last().run.id))}


def run(function, *given, **options):
    return pipeline(function, **options)(*given)


def test_a_call_returns_what_the_function_returns_with_nothing_left_to_wait_for():
    found = run(lambda: {"a": [give(1), (give(2),)], "b": 3})
    assert found == {"a": [1, (2,)], "b": 3}
    assert type(found["a"][0]) is int


def test_arguments_become_parameters_in_their_types():
    def flow(a: int, b: float = 1, c=None, d: list[int] | None = None, e: str = "x", *, f=True, **more):
        SEEN.append((a, b, c, d, e, f, more))

    run(flow, 1)
    assert SEEN == [(1, 1.0, None, None, "x", True, {})]
    assert parameters() == {
        "Args/a": (1, "int"),
        "Args/b": (1.0, "float"),
        "Args/c": (None, ""),
        "Args/d": (None, ""),
        "Args/e": ("x", "str"),
        "Args/f": (True, "bool"),
    }


def test_arguments_without_any_value_are_none_and_others_than_plain_ones_are_passed_on():
    marker = object()

    def flow(a, b):
        return a is None and b is marker

    assert pipeline(flow)(b=marker) is True
    assert parameters() == {"Args/a": (None, "")}


def test_arguments_go_into_the_sections_that_are_named():
    run(lambda a, b=2: None, 1, args_map={"Model": ["a"]})
    assert parameters() == {"Model/a": (1, "int"), "Args/b": (2, "int")}
    with pytest.raises(Invalid, match="args_map names 'z'"):
        run(lambda a: None, args_map={"Model": ["z"]})


def test_a_pipeline_needs_names_for_its_arguments():
    with pytest.raises(Invalid, match="'rest' has no name"):
        run(lambda *rest: None)
    with pytest.raises(TypeError):
        run(lambda a: None, 1, 2)


def test_what_goes_into_a_queue_can_have_plain_parameters_only():
    PipelineDecorator._place = "agents"
    with pytest.raises(BadParameter):
        run(lambda a: None, object())


def test_steps_are_named_after_their_component_and_numbered():
    run(lambda: [give(1), give(2), pair(), give(3)])
    assert [step.name for step in last().steps] == ["give", "give_1", "pair", "give_2"]


def test_several_return_values_are_a_tuple_and_none_is_none():
    def flow():
        first, second = pair()
        return first + second, silent(), nothing()

    assert run(flow) == (3, None, None)
    assert SEEN == ["silent"]


def test_a_function_that_returns_another_number_of_values_fails_its_step():
    with pytest.raises(StepFailed, match=r"step 'wrong_pair' failed: .*its step declares 2 values"):
        run(lambda: wrong_pair()[0] + 1)


def test_a_step_waits_for_those_that_it_is_given_those_that_are_named_and_those_that_decided():
    def flow():
        one = give(1)
        two = give(one)
        if two > 0:
            behind()
        return give([two, {"a": one}])

    assert run(flow) == [1, {"a": 1}]
    parents = {step.name: step.parents for step in last().definition.steps}
    assert parents == {"give": (), "give_1": ("give",), "behind": ("give", "give_1"), "give_2": ("give_1", "give")}


def test_a_step_is_tried_again_as_it_says_and_as_its_pipeline_says():
    assert run(third_time) == "done"
    assert [(step.name, step.attempt) for step in last().steps] == [("third_time", 3)]
    SEEN.clear()

    def flow():
        return failing() + 1

    asked = []
    with pytest.raises(StepFailed):
        run(flow, retry_on_failure=lambda pipe, node, retries: asked.append((node.name, retries)) or retries < 1)
    assert asked == [("failing", 0), ("failing", 1)]


@PipelineDecorator.component
def failing():
    raise ZeroDivisionError("by zero")


def test_the_error_of_a_step_names_it_and_its_cause_and_in_one_process_has_it():
    with pytest.raises(StepFailed, match="step 'failing' failed: ZeroDivisionError: by zero") as caught:
        run(lambda: str(failing()))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert last().run.task.message == "step 'failing' failed"


def test_the_first_failure_stops_a_pipeline_that_wants_that():
    def flow():
        failing()
        give(1)

    with pytest.raises(StepFailed, match="step 'give' cannot be called: step 'failing' failed"):
        run(flow, abort_on_failure=True)
    assert SEEN == []


def test_the_current_pipeline_is_that_of_the_function_that_runs():
    assert PipelineDecorator.get_current_pipeline() is None
    run(lambda: CURRENT.append(PipelineDecorator.get_current_pipeline()))
    (found,) = CURRENT
    assert isinstance(found, PipelineController)
    assert found.id == last().run.id
    assert found.is_successful()
    assert PipelineDecorator.get_current_pipeline() is None


def test_what_a_pipeline_returns_is_stored_under_its_name():
    run(lambda: give(5), return_value="best")
    assert PipelineController.get(last().run.id).task.artifacts["best"].get() == 5


def test_a_pipeline_that_another_one_calls_is_a_part_of_it():
    inner = PipelineDecorator.pipeline(name="inner", project="Tests", default_queue="gpu")(lambda n: give(n) + 1)
    assert run(lambda: inner(1) + inner(2)) == 5
    assert [(step.name, step.stage, step.queue) for step in last().definition.steps] == [
        ("give", "inner", "gpu"),
        ("give_1", "inner", "gpu"),
    ]
    assert len(session.backend().call(ListRuns())) == 1


def test_a_component_that_another_one_calls_is_a_part_of_its_step():
    assert run(lambda: staged(1)) == 2
    assert [(step.name, step.stage) for step in last().definition.steps] == [("staged", "own")]


def test_components_may_be_called_from_threads_of_the_function():
    from concurrent.futures import ThreadPoolExecutor

    def flow():
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(give, range(4)))

    assert run(flow) == 6
    assert len(last().steps) == 4


def test_a_second_call_is_a_run_of_its_own():
    def function(n):
        return give(n)

    flow = pipeline(function)
    assert [flow(1), flow(2)] == [1, 2]
    assert [run.task.name for run in session.backend().call(ListRuns())] == ["flow #2", "flow"]


def test_a_run_that_goes_on_cannot_do_so_in_one_process():
    run(lambda: give(1))
    from penstock.sdk.launched import Launched, put

    put(Launched({}, resume=last().run.id))
    try:
        with pytest.raises(Conflict, match="that starts anew"):
            run(lambda: give(1))
    finally:
        put(None)


def test_values_of_the_command_line_replace_those_of_the_call():
    from penstock.sdk.launched import Launched, put

    put(Launched({"n": "5"}))
    try:
        assert run(lambda n=1: give(n)) == 5
        with pytest.raises(BadParameter, match="no parameter 'n'"):
            run(lambda other=1: None)
    finally:
        put(None)


def test_bare_decorators_and_those_with_arguments_are_the_same():
    direct = PipelineDecorator.pipeline(lambda: give(1), name="direct", project="Tests")
    assert direct() == 1
    assert PipelineDecorator.component(give)(3) == 3


WRONG = 4  # calls in the sample that no checker may accept


@pytest.mark.parametrize(
    ("command", "counts"),
    [
        (("mypy", "--strict", "--no-incremental", "--config-file="), "error:"),
        (("pyright", "--outputjson"), '"severity": "error"'),
    ],
    ids=["mypy", "pyright"],
)
def test_type_checkers_see_the_functions_own_signature_and_what_it_returns(command, counts, tmp_path):
    program = Path(sys.executable).with_name(command[0])
    if not program.exists():
        pytest.skip(f"{command[0]} is not installed here")
    sample = tmp_path / "sample.py"
    sample.write_text(SAMPLE.read_text("utf-8"), "utf-8")
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "pythonVersion": "3.11"}')
    given = ["--pythonpath", sys.executable] if command[0] == "pyright" else ["--python-executable", sys.executable]
    done = subprocess.run(
        [program, *command[1:], *given, str(sample)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    lines = sample.read_text("utf-8").splitlines()
    wrong = [number for number, line in enumerate(lines, start=1) if line.endswith("# wrong")]
    assert len(wrong) == WRONG
    assert said.count(counts) == WRONG, said
    for number in wrong:
        assert f"sample.py:{number}:" in said or f'"line": {number - 1},' in said, said
