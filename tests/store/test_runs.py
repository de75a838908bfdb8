from __future__ import annotations

from collections.abc import Iterator
from math import inf, isnan, nan

import pytest
from msgspec.structs import replace

from penstock.core.errors import Conflict, NotFound
from penstock.core.pipeline import Argument, Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.run import ARCHIVED, Run, StepState
from penstock.core.task import Parameter, Script, Status, Task, TaskType
from penstock.ops.runs import ListRuns
from penstock.ops.steps import StepDecision
from penstock.store.sqlite import SqliteStore
from penstock.store.transaction import SqlTx

IRIS = Pipeline(name="iris", project="demo", steps=(Step(name="load", code="c", arguments={"n": Argument(value=1)}),))


@pytest.fixture
def tx(store: SqliteStore) -> Iterator[SqlTx]:
    with store.transaction(durable=False) as tx:
        yield tx


def add_run(tx: SqlTx, id: str, *, pipeline: str = "iris", created: float = 0.0, name: str = "") -> str:
    """Add a draft whose id begins with these digits."""
    id = id.ljust(32, "0")
    tx.tasks.add(Task(id=id, name=name or pipeline, project="hidden", type=TaskType.CONTROLLER, created=created))
    tx.runs.add(id, "demo", pipeline)
    return id


def start_run(tx: SqlTx, id: str, *, now: float = 1.0) -> int:
    run = tx.runs.get(id)
    number = tx.runs.next_number(run.project, run.pipeline)
    tx.runs.start(id, IRIS, number=number, version=f"1.0.{number}", code_hash=f"hash {number}")
    assert tx.tasks.move(id, Status.IN_PROGRESS, now=now)
    return number


def test_only_a_step_that_waits_is_skipped_and_with_it_the_very_try_that_waits(tx: SqlTx) -> None:
    id = add_run(tx, "a")
    tx.steps.add(id, [StepState(name=name) for name in "abc"])
    tx.steps.attempt(id, "a", 1, "t", 2.0)
    for anew in (False, True):
        with pytest.raises(Conflict, match="is running"):
            tx.steps.skip(id, "a", "no", anew=anew, forget=None)
    tx.steps.enqueue(id, "b", 1, "u")
    with pytest.raises(Conflict, match="is queued after try 1"):
        tx.steps.skip(id, "b", "no", anew=False, forget="another")
    tx.steps.skip(id, "b", "no", anew=False, forget="u")
    assert tx.steps.get(id, "b") == StepState(name="b", status=StepStatus.SKIPPED, reason="no")
    tx.steps.end(id, "a", StepStatus.FAILED, "broke", 3.0)
    with pytest.raises(Conflict, match="is failed"):
        tx.steps.skip(id, "a", "no", anew=False, forget=None)
    tx.steps.skip(id, "a", "no", anew=True, forget=None)
    assert tx.steps.decide(id, [StepDecision(step=name, status=StepStatus.SKIPPED) for name in "abc"]) == {"a", "b"}


def test_a_draft_is_a_run_without_number_version_or_steps(tx: SqlTx) -> None:
    id = add_run(tx, "a1")
    run = tx.runs.get(id)
    assert run == Run(task=tx.tasks.get(id), pipeline="iris", project="demo")
    assert tx.runs.definition(id) == Pipeline(name="iris", project="demo")


def test_a_run_that_started_has_its_definition_number_version_and_counts(tx: SqlTx) -> None:
    id = add_run(tx, "a1")
    start_run(tx, id)
    tx.steps.add(id, [StepState(name=name) for name in "abcd"])
    tx.steps.decide(id, [StepDecision(step="a", status=StepStatus.SKIPPED, reason="no")])
    tx.steps.attempt(id, "b", 1, "t", 2.0)
    run = tx.runs.get(id)
    assert (run.number, run.version, run.stop_asked) == (1, "1.0.1", None)
    assert run.counts == {"pending": 2, "skipped": 1, "running": 1}
    assert tx.runs.definition(id) == IRIS


def test_a_definition_comes_back_with_values_that_json_cannot_write(tx: SqlTx) -> None:
    arguments = {
        "none": Argument(value=nan),
        "most": Argument(value=[inf, -inf, {"deep": [2**80, None, True, 1, 1.0]}]),
        "half": Argument(value="\ud800 é"),
    }
    definition = Pipeline(
        name="iris",
        project="demo",
        steps=(Step(name="load", code="c", arguments=arguments, connect={"x": nan}),),
        parameters=(Parameter(section="Args", name="x", value=-inf),),
        code={"c": Script(source="def f():\n    return 'é'\n")},
    )
    id = add_run(tx, "a1")
    tx.runs.start(id, definition, number=1, version="1", code_hash="h")
    found = tx.runs.definition(id)
    assert repr(found) == repr(definition)
    assert isnan(found.steps[0].arguments["none"].value)


def test_a_definition_with_fields_of_newer_code_is_read(tx: SqlTx) -> None:
    id = add_run(tx, "a1")
    tx.runs._session.run("UPDATE runs SET definition = ?", '{"name": "iris", "project": "demo", "invented": {"x": 1}}')
    assert tx.runs.definition(id) == Pipeline(name="iris", project="demo")


def test_only_a_task_that_is_there_can_become_a_run(tx: SqlTx) -> None:
    with pytest.raises(NotFound, match="there is no task 3f00"):
        tx.runs.add("3f00", "demo", "iris")


@pytest.mark.parametrize(
    "call",
    [
        lambda tx: tx.runs.get("3f00"),
        lambda tx: tx.runs.definition("3f00"),
        lambda tx: tx.runs.ask_stop("3f00", "why"),
        lambda tx: tx.runs.start("3f00", IRIS, number=1, version="1", code_hash="h"),
    ],
)
def test_a_run_that_is_not_there_is_named(tx: SqlTx, call) -> None:
    tx.tasks.add(Task(id="3f00", name="a plain task", project="p"))
    with pytest.raises(NotFound, match="there is no run 3f00"):
        call(tx)


def test_a_wish_to_stop_is_kept_with_its_reason(tx: SqlTx) -> None:
    id = add_run(tx, "a1")
    tx.runs.ask_stop(id, "ann asked")
    assert tx.runs.get(id).stop_asked == "ann asked"
    tx.runs.ask_stop(id, None)
    assert tx.runs.get(id).stop_asked is None


def test_numbers_count_up_by_pipeline_and_project_and_are_never_given_twice(tx: SqlTx) -> None:
    """Promise 3: the second run of a pipeline is number 2, the third number 3, also when earlier ones were deleted."""
    assert [tx.runs.next_number("demo", "iris") for _ in range(3)] == [1, 2, 3]
    assert tx.runs.next_number("demo", "other") == 1
    assert tx.runs.next_number("elsewhere", "iris") == 1
    id = add_run(tx, "a1")
    assert start_run(tx, id) == 4
    tx.tasks.delete([id])
    assert tx.runs.next_number("demo", "iris") == 5


def test_versions_are_those_of_started_runs_of_the_pipeline_oldest_first(tx: SqlTx) -> None:
    """Promise 6: what version a run gets depends on the versions and the code of those before it."""
    for id in ("a1", "a2", "a3"):
        start_run(tx, add_run(tx, id))
    add_run(tx, "a4")
    start_run(tx, add_run(tx, "a5", pipeline="other"))
    assert tx.runs.versions("demo", "iris") == [("1.0.1", "hash 1"), ("1.0.2", "hash 2"), ("1.0.3", "hash 3")]
    assert tx.runs.versions("elsewhere", "iris") == []


def test_runs_are_listed_newest_first_with_their_counts(tx: SqlTx) -> None:
    old, new, middle = (add_run(tx, id, created=created) for id, created in (("a1", 1.0), ("a2", 9.0), ("a3", 5.0)))
    same = add_run(tx, "a4", created=5.0)
    tx.steps.add(old, [StepState(name=name) for name in "abc"])
    tx.steps.add(new, [StepState(name="a", status=StepStatus.COMPLETED)])
    found = tx.runs.list(ListRuns(limit=10))
    assert [run.id for run in found] == [new, same, middle, old]
    assert [run.counts for run in found] == [{"completed": 1}, {}, {}, {"pending": 3}]
    assert found == [tx.runs.get(run.id) for run in found]
    assert [run.id for run in tx.runs.list(ListRuns(limit=1))] == [new]


def test_runs_are_filtered_by_project_pipeline_and_status(tx: SqlTx) -> None:
    a, b = add_run(tx, "a1"), add_run(tx, "a2", pipeline="other")
    start_run(tx, a)

    def found(**filters: object) -> list[str]:
        return [run.id for run in tx.runs.list(ListRuns(**filters, limit=9))]

    assert found() == [b, a]
    assert found(pipeline="iris") == [a]
    assert found(project="demo") == [b, a]
    assert found(project="elsewhere") == []
    assert found(statuses=(Status.IN_PROGRESS,)) == [a]
    assert found(statuses=()) == []


def test_archived_runs_are_listed_apart(tx: SqlTx) -> None:
    a, b, c = (add_run(tx, id) for id in ("a1", "a2", "a3"))
    tx.tasks.tag(a, ("pipeline", ARCHIVED))
    tx.tasks.tag(b, (f'not "{ARCHIVED}"', f"{ARCHIVED}!", "pipeline"))
    for wanted, found in ((None, [c, b, a]), (True, [a]), (False, [c, b])):
        assert [run.id for run in tx.runs.list(ListRuns(archived=wanted))] == found
    assert tx.runs.list(ListRuns(archived=True, pipeline="other")) == []


def test_the_last_run_is_one_that_is_in_sight(tx: SqlTx) -> None:
    first, second = add_run(tx, "a1"), add_run(tx, "a2")
    for now, id in enumerate((first, second)):
        start_run(tx, id, now=float(now))
    tx.tasks.tag(second, (ARCHIVED,))
    assert tx.runs.find("last") == [first]
    tx.tasks.tag(first, (ARCHIVED,))
    assert tx.runs.find("last") == []


def test_more_runs_are_counted_than_a_statement_takes_values(tx: SqlTx) -> None:
    for number in range(1100):
        tx.steps.add(add_run(tx, f"{number:05x}"), [StepState(name="a")])
    found = tx.runs.list(ListRuns(limit=2000))
    assert [run.counts for run in found] == [{"pending": 1}] * 1100


def test_last_is_the_run_that_started_last(tx: SqlTx) -> None:
    assert tx.runs.find("last") == []
    first, second, draft = (add_run(tx, id, created=created) for id, created in (("a1", 1.0), ("a2", 2.0), ("a3", 3.0)))
    start_run(tx, second, now=5.0)
    start_run(tx, first, now=6.0)
    assert tx.runs.find("last") == [first]
    assert tx.runs.find(draft) == [draft]


def test_a_run_is_found_by_its_id_or_the_beginning_of_it(tx: SqlTx) -> None:
    one = add_run(tx, "abcd1234", created=1.0)
    two = add_run(tx, "abcdff", created=2.0)
    three = add_run(tx, "f" * 32, created=3.0)
    assert tx.runs.find(one) == [one]
    assert tx.runs.find("abcd") == [two, one]
    assert tx.runs.find("ABCD12") == [one]
    assert tx.runs.find("ffff") == [three]
    assert tx.runs.find("abc") == []
    assert tx.runs.find("abce") == []


def test_a_run_is_found_by_its_name_or_by_pipeline_and_number(tx: SqlTx) -> None:
    first, second = add_run(tx, "a1"), add_run(tx, "a2", name="iris #2")
    odd = add_run(tx, "a3", pipeline="a #1", created=2.0)
    for id in (first, second, odd):
        start_run(tx, id)
    assert tx.runs.find("iris") == [first]
    assert tx.runs.find("iris #1") == tx.runs.find("iris#1") == [first]
    assert tx.runs.find("iris #2") == tx.runs.find("iris#2") == [second]
    assert tx.runs.find("iris #02") == [second]
    assert tx.runs.find("a #1") == [odd]
    assert tx.runs.find("a #1 #1") == [odd]
    assert tx.runs.find("iris #3") == []
    assert tx.runs.find("iris #" + "9" * 40) == []


def test_a_name_means_runs_that_have_begun_before_drafts(tx: SqlTx) -> None:
    """A script makes a draft of the same name before it can say which run is to go on."""
    drafts = [add_run(tx, "a1", created=1.0), add_run(tx, "a2", created=2.0)]
    assert tx.runs.find("iris") == drafts[::-1]
    start_run(tx, drafts[0])
    assert tx.runs.find("iris") == drafts[:1]


def test_a_name_goes_before_the_beginning_of_an_id(tx: SqlTx) -> None:
    add_run(tx, "beef")
    named = add_run(tx, "a2", name="beef", pipeline="beef")
    assert tx.runs.find("beef") == [named]


@pytest.mark.parametrize("text", ["%", "____", "a%", "' OR 1=1 --", "", "#", "#1", "\n", "\\", "a*"])
def test_what_looks_like_a_pattern_finds_nothing(tx: SqlTx, text: str) -> None:
    start_run(tx, add_run(tx, "abcd"))
    assert tx.runs.find(text) == []


def test_a_task_that_is_no_run_is_not_found(tx: SqlTx) -> None:
    tx.tasks.add(Task(id="abcd" + "0" * 28, name="plain", project="p"))
    assert tx.runs.find("abcd") == tx.runs.find("plain") == tx.runs.find("abcd" + "0" * 28) == []


def test_steps_come_in_the_order_in_which_they_were_added(tx: SqlTx) -> None:
    names = [f"s{number}" for number in range(30)]
    states = [StepState(name=name, stage="one") for name in names]
    tx.steps.add("r", states)
    tx.steps.add("other", [StepState(name="s1")])
    tx.steps.attempt("r", "s7", 1, "t", 1.0)
    assert [state.name for state in tx.steps.list("r")] == names
    assert tx.steps.list("r")[:7] == states[:7]
    assert tx.steps.list("other") == [StepState(name="s1")]
    assert tx.steps.list("none") == []


def test_a_step_goes_through_its_tries(tx: SqlTx) -> None:
    tx.steps.add("r", [StepState(name="fit"), StepState(name="score")])

    def fit() -> StepState:
        return tx.steps.list("r")[0]

    tx.steps.attempt("r", "fit", 1, "t1", 1.0)
    running = StepState(name="fit", status=StepStatus.RUNNING, attempt=1, task="t1", started=1.0)
    assert fit() == running
    tx.steps.end("r", "fit", StepStatus.FAILED, "ValueError", 2.0)
    assert fit() == replace(running, status=StepStatus.FAILED, reason="ValueError", ended=2.0)
    tx.steps.decide("r", [StepDecision(step="fit", status=StepStatus.QUEUED, reason="try 2 of 3")])
    assert fit() == replace(running, status=StepStatus.QUEUED, reason="try 2 of 3", ended=2.0)
    tx.steps.attempt("r", "fit", 2, "t2", 3.0)
    assert fit() == replace(running, attempt=2, task="t2", started=3.0)
    assert tx.steps.list("r")[1] == StepState(name="score")


@pytest.mark.parametrize("before", ["pending", "queued", "failed", "aborted"])
def test_a_try_that_does_not_have_to_run_is_cached(tx: SqlTx, before: str) -> None:
    tx.steps.add("r", [StepState(name="fit", status=StepStatus(before), attempt=1, task="t1", started=1.0)])
    for attempt in (1, 3, 0):
        with pytest.raises(Conflict, match=f"step 'fit' of run r is {before} after try 1"):
            tx.steps.reuse("r", "fit", attempt, "t2", "the same", 5.0)
    tx.steps.reuse("r", "fit", 2, "t2", "the same", 5.0)
    cached = {"status": StepStatus.CACHED, "attempt": 2, "task": "t2", "reason": "the same"}
    assert tx.steps.list("r") == [StepState(name="fit", **cached, started=5.0, ended=5.0)]


@pytest.mark.parametrize("before", ["running", "completed", "cached", "skipped"])
def test_a_step_that_runs_or_needs_no_try_reuses_nothing(tx: SqlTx, before: str) -> None:
    tx.steps.add("r", [StepState(name="fit", status=StepStatus(before), attempt=1, task="t1")])
    with pytest.raises(Conflict, match=f"step 'fit' of run r is {before}"):
        tx.steps.reuse("r", "fit", 2, "t2", "the same", 5.0)


@pytest.mark.parametrize("before", StepStatus)
def test_how_the_latest_try_of_a_step_ended_is_judged(tx: SqlTx, before: StepStatus) -> None:
    state = StepState(name="fit", status=before, attempt=2, task="t2", reason="why", started=1.0, ended=2.0)
    tx.steps.add("r", [state])
    with pytest.raises(Conflict):
        tx.steps.judge("r", "fit", "t1", StepStatus.COMPLETED, "an earlier one")
    if before in {"completed", "cached", "failed", "aborted"}:
        tx.steps.judge("r", "fit", "t2", StepStatus.COMPLETED, "said so")
        state = replace(state, status=StepStatus.COMPLETED, reason="said so")
    else:
        with pytest.raises(Conflict, match=f"is {before}"):
            tx.steps.judge("r", "fit", "t2", StepStatus.COMPLETED, "said so")
    assert tx.steps.list("r") == [state]


def test_all_steps_are_pending_again_but_those_to_keep(tx: SqlTx) -> None:
    facts = {"attempt": 3, "task": "t", "reason": "why", "started": 1.0, "ended": 2.0, "stage": "s"}
    states = [StepState(name=status, status=status, **facts) for status in StepStatus]
    for run in ("r", "other"):
        tx.steps.add(run, states)
    tx.steps.reset("r", ["completed", "skipped", "gone"])
    assert tx.steps.list("r") == [
        state
        if state.name in {"completed", "skipped"}
        else replace(state, status=StepStatus.PENDING, reason="", started=None, ended=None)
        for state in states
    ]
    assert tx.steps.list("other") == states
    tx.steps.attempt("r", "failed", 4, "t4", 3.0)


def test_one_step_is_found_by_its_name(tx: SqlTx) -> None:
    states = [StepState(name=name, stage=name) for name in ("fit", "Fit")]
    tx.steps.add("r", states)
    assert [tx.steps.get("r", state.name) for state in states] == states


@pytest.mark.parametrize(
    "call",
    [
        lambda tx: tx.steps.get("r1", "gone"),
        lambda tx: tx.steps.reuse("r1", "gone", 1, "t", "", 1.0),
        lambda tx: tx.steps.judge("r1", "gone", "t", StepStatus.FAILED, ""),
        lambda tx: tx.steps.attempt("r1", "gone", 1, "t", 1.0),
        lambda tx: tx.steps.end("r1", "gone", StepStatus.FAILED, "", 1.0),
        lambda tx: tx.steps.decide("r1", [StepDecision(step="gone", status=StepStatus.SKIPPED)]),
    ],
)
def test_a_step_that_is_not_there_is_named_with_its_run(tx: SqlTx, call) -> None:
    with pytest.raises(NotFound, match="there is no step 'gone' in run r1"):
        call(tx)


@pytest.mark.parametrize(
    ("before", "call"),
    [
        ([], lambda tx: tx.steps.end("r", "fit", StepStatus.FAILED, "", 9.0)),
        ([], lambda tx: tx.steps.attempt("r", "fit", 2, "t2", 9.0)),
        (["attempt"], lambda tx: tx.steps.attempt("r", "fit", 1, "other", 9.0)),
        (["attempt"], lambda tx: tx.steps.attempt("r", "fit", 2, "t2", 9.0)),
        (["attempt"], lambda tx: tx.steps.decide("r", [StepDecision(step="fit", status=StepStatus.SKIPPED)])),
        (["attempt", "end"], lambda tx: tx.steps.end("r", "fit", StepStatus.FAILED, "", 9.0)),
        (["attempt", "end"], lambda tx: tx.steps.attempt("r", "fit", 2, "t2", 9.0)),
        (["attempt", "end"], lambda tx: tx.steps.decide("r", [StepDecision(step="fit", status=StepStatus.QUEUED)])),
    ],
)
def test_what_a_step_has_behind_it_is_not_undone(tx: SqlTx, before: list[str], call) -> None:
    tx.steps.add("r", [StepState(name="fit")])
    if "attempt" in before:
        tx.steps.attempt("r", "fit", 1, "t1", 1.0)
    if "end" in before:
        tx.steps.end("r", "fit", StepStatus.COMPLETED, "", 2.0)
    states = tx.steps.list("r")
    with pytest.raises(Conflict, match="step 'fit' of run r is"):
        call(tx)
    assert tx.steps.list("r") == states
