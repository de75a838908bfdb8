"""Pipelines that are written as functions, carried out by real processes: here, in one process, and by agents."""

from __future__ import annotations

import json
import signal
import textwrap

import pytest
from tests.place import until

from penstock.ops.outputs import GetScalars, ListArtifacts
from penstock.ops.runs import ListRuns
from penstock.ops.tasks import GetParameters

PRELUDE = """
import json, os, sys, time
from pathlib import Path
from penstock import PipelineDecorator, Task

FOLDER = Path(os.environ["PYTHONPATH"])
component, pipeline = PipelineDecorator.component, PipelineDecorator.pipeline

def note(what):
    with (FOLDER / "noted").open("a") as file:
        file.write(f"{what}\\n")

def noted(what):
    file = FOLDER / "noted"
    return file.read_text().splitlines().count(what) if file.exists() else 0

match os.environ.get("HOW", "here"):
    case "here":
        PipelineDecorator.run_locally()
    case "inline":
        PipelineDecorator.debug_pipeline()
    case "queues":
        PipelineDecorator.set_default_execution_queue("default")
"""
SEARCH = """
@component(return_values=["table"])
def load(rows):
    note("load")
    return {"x": list(range(rows)), "kind": ("a", "b")}

@component(return_values=["model", "score"], retry_on_failure=1)
def train(table, rate):
    note(f"train {rate}")
    if rate == 0.4 and noted("train 0.4") == 1:
        raise ValueError("it did not converge")
    return {"rate": rate, "kind": table["kind"]}, -abs(rate - 0.3) * len(table["x"])

@component(return_values=["text"])
def deploy(model):
    note("deploy")
    return f"rate {model['rate']} of {model['kind']}"

@pipeline(name="search", project="Tests", return_value="deployed")
def search(rows: int = 5, trials: int = 10):
    table = load(rows)
    found = [train(table, number / 10) for number in range(trials)]
    best, score = max(found, key=lambda one: one[1])
    if score > -0.1:
        return deploy(best)
    return "nothing is good enough"
"""
CALL = """
if __name__ == "__main__":
    print(search())
"""
STEPS = {"load", "train", *(f"train_{number}" for number in range(1, 10)), "deploy"}
BEST = "rate 0.3 of ('a', 'b')"


def noted(place):
    return (place.folder / "noted").read_text().splitlines()


@pytest.mark.parametrize("how", ["here", "inline"])
def test_a_loop_of_ten_trainings_and_the_choice_of_the_best(place, how):
    assert place.run(PRELUDE + SEARCH + CALL, HOW=how).strip().endswith(BEST)
    assert place.ended("search") == ("completed", dict.fromkeys(STEPS, "completed"))
    assert [task.status.value for task in place.attempts("search", "train_4")] == ["failed", "completed"]
    assert sorted(noted(place)) == sorted(
        ["load", *(f"train {number / 10}" for number in range(10)), "train 0.4", "deploy"]
    )
    definition = place.found("search").definition
    parents = {step.name: set(step.parents) for step in definition.steps}
    assert parents["train_7"] == {"load"}
    assert parents["deploy"] == STEPS - {"load", "deploy"}
    stored = {one.name: one.preview for one in place.backend.call(ListArtifacts(task=place.found("search").run.id))}
    assert BEST in stored["deployed"]


@pytest.mark.parametrize("place", ["home", "server"], indirect=True)
def test_a_loop_of_ten_trainings_goes_through_queues_and_its_script_leaves_at_once(place):
    place.agent("--workers", "2")
    place.run(PRELUDE + SEARCH + CALL, HOW="queues")
    assert place.ended("search") == ("completed", dict.fromkeys(STEPS, "completed"))
    assert len(place.attempts("search", "train_4")) == 2
    stored = {one.name: one.preview for one in place.backend.call(ListArtifacts(task=place.found("search").run.id))}
    assert BEST in stored["deployed"]
    assert len(place.backend.call(ListRuns())) == 1


def test_the_command_line_shows_such_a_run_and_starts_it_with_other_values(place):
    place.run(PRELUDE + SEARCH + CALL)
    assert "train_9" in place.penstock("graph", "search")
    assert "train_9" in place.penstock("show", "search")
    assert "try 2 of 2" in place.penstock("explain", "search", "train_4")
    place.penstock("run", str(place.folder / "script.py"), "--param", "trials=2")
    assert place.ended("search #2") == ("completed", dict.fromkeys(["load", "train", "train_1"], "completed"))
    assert place.found("search #2").run.version == "1.0.0"


def test_a_rerun_reuses_the_calls_that_are_the_same(place):
    place.run(PRELUDE + SEARCH + CALL)
    before = len(noted(place))
    place.penstock("rerun", "search", "--param", "trials=11")
    status, steps = place.ended("search #2")
    assert status == "completed"
    assert {name for name, one in steps.items() if one != "cached"} == {"train_10", "deploy"}
    assert noted(place)[before:] == ["train 1.0", "deploy"]


def test_a_rerun_from_a_step_runs_it_and_what_builds_on_it(place):
    place.run(PRELUDE + SEARCH + CALL)
    place.penstock("rerun", "search", "--from", "train_2")
    _, steps = place.ended("search #2")
    assert {name for name, one in steps.items() if one != "cached"} == {"train_2", "deploy"}


KILLED = SEARCH.replace(
    '    note(f"train {rate}")\n',
    """
    note(f"train {rate}")
    if rate == 0.6 and not (FOLDER / "go").exists():
        (FOLDER / "there").write_text("1")
        time.sleep(1000)
""",
).replace("rate == 0.4 and", "rate == 99 and")


@pytest.mark.parametrize("way", ["script", "command"])
def test_what_ended_before_the_script_was_killed_is_not_run_again_when_the_run_goes_on(place, way):
    process = place.start(PRELUDE + KILLED + CALL, PENSTOCK_WORKERS="1")
    until((place.folder / "there").exists)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    ended = {state.name for state in place.found("search").steps if state.status == "completed"}
    assert {"load", "train", "train_5"} <= ended
    before = noted(place)
    (place.folder / "go").write_text("1")
    if way == "script":
        place.penstock("run", str(place.folder / "script.py"), "--resume", "last")
    else:
        place.penstock("resume", "last")
    assert place.ended("search") == ("completed", dict.fromkeys(STEPS, "completed"))
    assert sorted(noted(place)[len(before) :]) == ["deploy", *(f"train {number / 10}" for number in range(6, 10))]
    assert len(place.backend.call(ListRuns())) == 1


MANY = """
@component
def double(value: int) -> int:
    return value * 2

@component(return_values="total", stage="end")
def add(values, more):
    return sum(values) + more["last"] + more["pair"][1]

@pipeline(name="many", project="Tests")
def many(start: int = 1):
    first = double(start)
    chain = first
    for _ in range(4):
        chain = double(chain)
    wide = [double(number) for number in range(5)]
    return add(wide, {"last": chain, "pair": ("${none.here}", first), "text": "${HOME}/x"})

@pipeline(name="outer", project="Tests")
def outer(start: int = 2):
    left, right = many(start), many(start + 1)
    return left + right

if __name__ == "__main__":
    print(many(), outer(), sep="\\n")
"""


@pytest.mark.parametrize("how", ["here", "inline"])
def test_one_component_is_called_many_times_and_a_pipeline_calls_two_pipelines(place, how):
    total = sum(2 * number for number in range(5))
    expected = [total + 32 * start + 2 * start for start in (1, 2, 3)]
    printed = place.run(PRELUDE + MANY, HOW=how).split()
    assert printed[-2:] == [str(expected[0]), str(expected[1] + expected[2])]
    status, steps = place.ended("many")
    assert (status, len(steps)) == ("completed", 11)
    status, steps = place.ended("outer")
    assert (status, len(steps)) == ("completed", 22)
    definition = place.found("outer").definition
    assert {step.stage for step in definition.steps} == {"many", "end"}
    assert definition.step("double_1").parents == ("double",)
    assert definition.step("add_1").parents[-1] == "double_10"


FAILING = """
@component(return_values=["x"])
def give(value):
    if value == "bad":
        raise RuntimeError("no such value")
    return value

@component(return_values=["x"], continue_on_fail=True)
def perhaps(value):
    raise RuntimeError("not today")

@pipeline(name="failing", project="Tests")
def failing(kind: str = "used"):
    good, bad = give("good"), give("bad")
    after = give(bad)
    match kind:
        case "used":
            return [good, after]
        case "caught":
            try:
                return after + "!"
            except Exception as error:
                (FOLDER / "caught").write_text(json.dumps([type(error).__name__, str(error)]))
                return str(good)
        case "left":
            return str(good)

@pipeline(name="lenient", project="Tests")
def lenient():
    return [give("good"), perhaps(1), give(perhaps(2))]

@pipeline(name="raising", project="Tests")
def raising():
    give("good")
    raise KeyError("the function itself")
"""


@pytest.mark.parametrize("how", ["here", "inline"])
@pytest.mark.parametrize("kind", ["used", "left"])
def test_a_step_that_failed_is_named_with_its_cause_by_what_the_call_raises(place, how, kind):
    process = place.start(PRELUDE + FAILING + f"failing({kind!r})", HOW=how)
    _, err = process.communicate()
    assert process.returncode == 1
    assert "StepFailed" in err
    assert "step 'give_1' failed" in err
    assert kind == "left" or "step 'give_2' was skipped: step 'give_1' failed: RuntimeError: no such value" in err
    status, steps = place.ended("failing")
    assert (status, steps["give_1"], steps["give_2"]) == ("failed", "failed", "skipped")
    assert place.found("failing").run.task.message == "step 'give_1' failed"


def test_the_function_may_catch_what_a_step_raised_and_go_on_but_the_run_has_failed(place):
    place.run(PRELUDE + FAILING + "failing('caught')", code=1)
    name, said = json.loads((place.folder / "caught").read_text())
    assert name == "StepFailed"
    assert "RuntimeError: no such value" in said
    assert "hint: see what it printed: penstock logs" in said
    assert place.ended("failing")[1]["give"] == "completed"


@pytest.mark.parametrize("how", ["here", "inline"])
def test_the_value_of_a_step_without_which_the_run_may_go_on_is_none(place, how):
    assert place.run(PRELUDE + FAILING + "print(lenient())", HOW=how).split("\n")[-2] == "['good', None, None]"
    status, steps = place.ended("lenient")
    assert (status, steps["perhaps"], steps["give_1"]) == ("completed", "failed", "skipped")


@pytest.mark.parametrize("how", ["here", "inline"])
def test_a_function_that_raises_fails_its_run_and_the_call_raises_that(place, how):
    process = place.start(PRELUDE + FAILING + "raising()", HOW=how)
    _, err = process.communicate()
    assert "KeyError: 'the function itself'" in err
    status, _ = place.ended("raising")
    assert status == "failed"
    assert place.found("raising").run.task.message == "KeyError: 'the function itself'"


def test_independent_calls_run_side_by_side(place):
    text = """
    @component(return_values=["x"])
    def meet(me, other):
        (FOLDER / me).write_text("1")
        while not (FOLDER / other).exists():
            time.sleep(0.01)
        return me

    @component(return_values=["x"])
    def after(value):
        return value

    @pipeline(name="meeting", project="Tests")
    def meeting():
        "Each of two chains begins with a step that waits for the other chain's."
        left = after(meet("a", "b"))
        right = after(meet("b", "a"))
        return left + right

    print(meeting())
    """
    assert place.run(PRELUDE + textwrap.dedent(text), PENSTOCK_WORKERS="2").split()[-1] == "ab"


def test_steps_are_cached_as_those_of_other_pipelines(place):
    text = SEARCH.replace('@component(return_values=["table"])', '@component(return_values=["table"], cache=True)')
    place.run(PRELUDE + text + CALL)
    place.run(PRELUDE + text + CALL)
    assert place.ended("search #2")[1]["load"] == "cached"
    assert noted(place).count("load") == 1


def test_a_run_that_is_asked_to_stop_ends_what_it_does_and_its_function_hears_of_it(place):
    text = """
    @component
    def forever():
        (FOLDER / "there").write_text("1")
        time.sleep(1000)

    @pipeline(name="stopped", project="Tests")
    def stopped():
        return forever() or 1

    stopped()
    """
    process = place.start(PRELUDE + textwrap.dedent(text))
    until((place.folder / "there").exists)
    place.penstock("abort", "stopped")
    _, err = process.communicate()
    assert process.returncode == 1
    assert "StepFailed" in err
    assert place.ended("stopped") == ("stopped", {"forever": "aborted"})


def test_the_keyboard_stops_a_run_while_its_function_waits_for_a_value(place):
    text = """
    @component
    def forever():
        (FOLDER / "there").write_text("1")
        time.sleep(1000)

    @pipeline(name="stopped", project="Tests")
    def stopped():
        return forever() or 1

    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a test's shell may have it ignored
    stopped()
    """
    process = place.start(PRELUDE + textwrap.dedent(text))
    until((place.folder / "there").exists)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert "KeyboardInterrupt" in err
    assert place.ended("stopped") == ("stopped", {"forever": "aborted"})


CALLBACKS = """
def veto(pipe, node, parameters):
    note(f"before {node.name} {parameters['kwargs/value']}")
    parameters["kwargs/value"] = 7
    return node.name != "give_1"

def after(pipe, node):
    note(f"after {node.name} {node.status}")

@component(return_values=["x"], pre_execute_callback=veto, post_execute_callback=after)
def give(value):
    PipelineDecorator.get_logger().report_scalar("given", "value", value, 0)
    PipelineDecorator.upload_artifact("note", {"given": value})
    return value

@pipeline(name="watched", project="Tests", args_map={"Model": ["size"]})
def watched(size: int = 3):
    return [give(size), give(size)]

print(watched())
"""


def test_callbacks_are_called_and_steps_speak_to_the_run(place):
    assert place.run(PRELUDE + CALLBACKS).split("\n")[-2] == "[7, None]"
    assert sorted(noted(place)) == ["after give completed", "before give 3", "before give_1 3"]
    assert place.ended("watched")[1] == {"give": "completed", "give_1": "skipped"}
    run = place.found("watched").run.id
    assert [one.path for one in place.backend.call(GetParameters(task=run))] == ["Model/size"]
    assert [one.name for one in place.backend.call(ListArtifacts(task=run))] == ["note"]
    assert [one.series for one in place.backend.call(GetScalars(task=run))] == ["value"]


PARALLEL = """
@component
def double(value: int) -> int:
    return value * 2

@pipeline(name="several", project="Tests", multi_instance_support="parallel", pipeline_execution_queue="services")
def several(value: int):
    return double(double(value))

if __name__ == "__main__":
    found = [several(number) for number in (1, 2, 3)]
    print(found, PipelineDecorator.wait_for_multi_pipelines())
"""


def test_calls_that_go_on_side_by_side_are_runs_of_their_own_and_are_collected(place):
    assert place.run(PRELUDE + PARALLEL).split("\n")[-2] == "[None, None, None] [4, 8, 12]"
    runs = place.backend.call(ListRuns(pipeline="several"))
    assert [str(run.task.status) for run in runs] == ["completed"] * 3
    assert sorted(run.number for run in runs) == [1, 2, 3]


def test_calls_that_go_into_a_queue_are_runs_of_their_own(place):
    place.agent("--workers", "2")
    place.run(PRELUDE + PARALLEL, HOW="queues")
    until(lambda: len(place.backend.call(ListRuns(pipeline="several"))) == 3)
    until(lambda: all(run.task.ended for run in place.backend.call(ListRuns(pipeline="several"))))
    runs = place.backend.call(ListRuns(pipeline="several"))
    assert [str(run.task.status) for run in runs] == ["completed"] * 3
