"""Where the cause lies that a step did not end well, or did not run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.causes import Causes, because, first_line, follow
from penstock.core.pipeline import Pipeline, Step, plan
from penstock.core.progress import Begun, Ended, Launch, Progress, Skip, StepStatus
from penstock.core.run import Run, RunDetail, StepState
from penstock.core.task import Status, Task

LENGTH = 20_000


def detail(
    steps: list[Step],
    states: dict[str, StepState],
    status: Status = Status.FAILED,
    message: str = "",
    stop_asked: str | None = None,
) -> RunDetail:
    task = Task(id="r", name="sums #3", project="p", status=status, message=message)
    definition = Pipeline(name="sums", project="p", steps=tuple(steps))
    run = Run(task=task, pipeline="sums", project="p", stop_asked=stop_asked)
    return RunDetail(run=run, definition=definition, steps=tuple(states[step.name] for step in steps))


def carried_out(steps: list[Step], ends: dict[str, StepStatus]) -> dict[str, StepState]:
    """Let the planner carry steps out that end so, and return what is recorded of them."""
    progress = Progress(plan(steps))
    reasons: dict[str, str] = {}
    todo = progress.handle(Begun())
    while todo:
        match todo.pop(0):
            case Launch(step=name):
                todo += progress.handle(Ended(name, ends[name]))
                reasons[name] = f"{name} has its reason" if ends[name] is not StepStatus.COMPLETED else ""
            case Skip(step=name, reason=reason):
                reasons[name] = str(reason)
            case _:
                pass
    return {
        step.name: StepState(name=step.name, status=progress.status[step.name], reason=reasons[step.name])
        for step in steps
    }


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[Step], dict[str, StepState]]:
    names = [f"s{number}" for number in range(draw(st.integers(1, 12)))]
    flag = st.booleans()
    steps = [
        Step(
            name=name,
            code="c",
            parents=tuple(draw(st.lists(st.sampled_from(names[:number]), unique=True, max_size=3))) if number else (),
            skip_children_on_fail=draw(flag),
            skip_children_on_abort=draw(flag),
        )
        for number, name in enumerate(names)
    ]
    ends = st.sampled_from([StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.ABORTED])
    return steps, carried_out(steps, {name: draw(ends) for name in names})


@given(runs())
def test_the_root_of_a_skip_is_a_step_above_it_that_was_not_skipped_itself(run) -> None:
    steps, states = run
    causes = Causes(detail(steps, states), [], [])
    above: dict[str, set[str]] = {}
    for step in steps:
        above[step.name] = {step.name}.union(*(above[parent] for parent in step.parents))
        root, distance = causes.root(step.name)
        skipped = states[step.name].status is StepStatus.SKIPPED
        assert root in above[step.name]
        assert (distance > 0) is skipped
        assert states[root].status in ({StepStatus.FAILED, StepStatus.ABORTED} if skipped else set(StepStatus))
        assert (step.name in causes.skipped_by.get(root, [])) is skipped


@given(runs())
def test_the_root_does_not_depend_on_which_step_is_asked_about_first(run) -> None:
    steps, states = run
    forwards, backwards = (Causes(detail(steps, states), [], []) for _ in range(2))
    names = [step.name for step in steps]
    expected = {name: forwards.root(name) for name in names}
    assert {name: backwards.root(name) for name in reversed(names)} == expected


def test_a_long_way_is_followed_without_recursion_and_but_once() -> None:
    asked: list[int] = []

    def further(one: int) -> int | None:
        asked.append(one)
        return one - 1 if one else None

    known: dict[int, tuple[int, int]] = {}
    assert follow(LENGTH, further, known) == (0, LENGTH)
    assert [follow(one, further, known) for one in range(LENGTH + 1)] == [(0, one) for one in range(LENGTH + 1)]
    assert len(asked) == LENGTH + 1


def test_without_a_recorded_reason_the_first_parent_that_blocks_is_the_cause() -> None:
    steps = [Step(name="a", code="c"), Step(name="b", code="c"), Step(name="c", code="c", parents=("a", "b"))]
    states = {
        "a": StepState(name="a", status=StepStatus.COMPLETED),
        "b": StepState(name="b", status=StepStatus.FAILED, reason="KeyError: 'x'"),
        "c": StepState(name="c", status=StepStatus.SKIPPED),
    }
    assert Causes(detail(steps, states), [], []).root("c") == ("b", 1)


def test_of_two_parents_that_failed_the_one_that_was_recorded_is_the_cause() -> None:
    steps = [Step(name="a", code="c"), Step(name="b", code="c"), Step(name="c", code="c", parents=("a", "b"))]
    states = carried_out(steps, {"a": StepStatus.FAILED, "b": StepStatus.FAILED})
    assert states["c"].reason == "parent 'a' failed"
    states["c"] = StepState(name="c", status=StepStatus.SKIPPED, reason="parent 'b' failed")
    assert Causes(detail(steps, states), [], []).root("c") == ("b", 1)


def test_the_step_that_the_run_names_is_the_culprit_else_the_first_that_ended() -> None:
    steps = [Step(name=name, code="c") for name in "abc"]
    states = {
        "a": StepState(name="a", status=StepStatus.FAILED, ended=3.0),
        "b": StepState(name="b", status=StepStatus.FAILED, ended=1.0),
        "c": StepState(name="c", status=StepStatus.COMPLETED, ended=0.0),
    }
    assert Causes(detail(steps, states, message="step 'a' failed"), [], []).culprit == "a"
    assert Causes(detail(steps, states), [], []).culprit == "b"


def test_who_may_fail_is_no_culprit_and_neither_is_who_was_stopped_with_the_run() -> None:
    steps = [Step(name="a", code="c", continue_on_fail=True), Step(name="b", code="c")]
    states = {
        "a": StepState(name="a", status=StepStatus.FAILED),
        "b": StepState(name="b", status=StepStatus.ABORTED, reason="stopped: the run was stopped"),
    }
    assert Causes(detail(steps, states), [], []).culprit is None


def test_the_first_line_is_the_first_that_says_something() -> None:
    assert first_line("\n  \n  ValueError: bad \nTraceback") == "ValueError: bad"
    assert first_line(" \n") == ""
    assert because("it failed", "") == "it failed"


def test_a_stop_that_was_asked_for_is_why_a_run_stops() -> None:
    steps = [Step(name="a", code="c")]
    states = {"a": StepState(name="a", status=StepStatus.RUNNING)}
    asked = detail(steps, states, Status.IN_PROGRESS, stop_asked="it takes too long")
    assert Causes(asked, [], []).why_stopping() == "it takes too long"
    assert Causes(detail(steps, states, Status.IN_PROGRESS), [], []).why_stopping() == ""


def test_what_a_person_did_to_a_step_is_said_in_one_breath_and_lies_with_that_step() -> None:
    steps = [Step(name="a", code="c"), Step(name="b", code="c", parents=("a",)), Step(name="c", code="c")]
    states = {
        "a": StepState(name="a", status=StepStatus.SKIPPED, reason="skipped by ada"),
        "b": StepState(name="b", status=StepStatus.SKIPPED, reason="parent 'a' skipped"),
        "c": StepState(name="c", status=StepStatus.ABORTED, reason="aborted by ada"),
    }
    found = Causes(detail(steps, states), [], [])
    assert [found.cause(name) for name in ("a", "c")] == ["a was skipped by ada", "c was aborted by ada"]
    assert (found.root("b")[0], found.culprit, found.skipped_by) == ("a", "c", {"a": ["b"]})
    failed = StepState(name="c", status=StepStatus.FAILED, reason="aborted by peer")
    assert Causes(detail(steps, states | {"c": failed}), [], []).cause("c") == "c failed: aborted by peer"
