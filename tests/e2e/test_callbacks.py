"""What the user's callbacks are told and may do, in real runs; the rows of the promises that each test is about."""

from __future__ import annotations

import threading

import pytest

from penstock import PipelineController, Task
from penstock.core.decision import DecisionKind
from penstock.core.errors import Conflict
from penstock.core.run import attempt_id
from penstock.ops.changes import ListChanges
from penstock.ops.decisions import ListDecisions
from penstock.ops.outputs import ReadConsole
from penstock.ops.tasks import ListTasks
from penstock.sdk import session
from penstock.store.sql import Session


def give(value=1):
    return value


def fail():
    raise ValueError("no luck")


def fail_once(marker):
    from pathlib import Path

    if not Path(marker).exists():
        Path(marker).touch()
        raise ValueError("not yet")
    return 1


def see(value=1, more=None):
    """Return what this step sees of itself."""
    task = Task.current_task()
    found = task.get_parameters()
    return {
        "value": value,
        "more": more,
        "tags": task.get_tags(),
        "docker": task.get_base_docker(),
        "comment": task.comment,
        "name": task.name,
        "extra": found.get("General/extra"),
        "recorded": found.get("kwargs/more"),
    }


def wait():
    import time

    time.sleep(600)


def wait_for(file):
    import time
    from pathlib import Path

    while not Path(file).exists():
        time.sleep(0.005)


@pytest.fixture
def pipe(home):
    return PipelineController("called", "Tests")


def run(pipe):
    pipe.start_locally(run_pipeline_steps_locally=True)
    return {name: node.status for name, node in pipe.get_pipeline_dag().items()}


def result(pipe, step, name="x"):
    return pipe.get_pipeline_dag()[step].job.task.artifacts[name].get()


def decisions(pipe, step, kind):
    return [one for one in session.backend().call(ListDecisions(run=pipe.id, step=step)) if one.kind is kind]


def printed_by_run(pipe):
    chunks = session.backend().call(ReadConsole(task=pipe.id))
    return "\n".join(line.text for chunk in chunks for line in chunk.lines)


# Before the launch


@pytest.mark.here
def test_the_pre_callback_sees_a_draft_before_anything_is_launched(pipe):
    """Promise 45: created, then the callback, then in progress."""
    seen = []

    def before(pipeline, node, parameters):
        feed = session.backend().call(ListChanges(run=pipeline.id))
        seen.append((node.status, node.job.task.status, [one.status for one in feed if one.task == node.job.task_id()]))

    pipe.add_function_step("a", give, pre_execute_callback=before)
    assert run(pipe) == {"a": "completed"}
    assert seen == [("queued", "created", ["created"])]
    feed = session.backend().call(ListChanges(run=pipe.id))
    task = attempt_id(pipe.id, "a", 1)
    assert [one.status for one in feed if one.task == task] == ["created", "in_progress", "completed"]


def test_what_the_pre_callback_changes_at_the_task_reaches_the_step(pipe):
    """Promise 46."""

    def before(pipeline, node, parameters):
        task = node.job.task
        task.add_tags(["nightly", "gpu"])
        task.set_base_docker("python:3.12", docker_arguments="--gpus all")
        task.set_comment("tried by hand")
        task.set_name("renamed")
        task.set_parameter("General/extra", 7)
        task.set_parameter("kwargs/value", 2)

    pipe.add_function_step("a", see, {"value": 1}, ["x"], pre_execute_callback=before)
    assert run(pipe) == {"a": "completed"}
    assert result(pipe, "a") == {
        "value": 2,
        "more": None,
        "tags": ["nightly", "gpu"],
        "docker": "python:3.12 --gpus all",
        "comment": "tried by hand",
        "name": "renamed",
        "extra": 7,
        "recorded": None,
    }


def test_the_pre_callback_gets_parameters_with_their_references_resolved(pipe):
    """Promise 47."""
    seen = {}
    pipe.add_parameter("rate", default=0.5)
    pipe.add_function_step("a", give, {"value": 3}, ["x"])
    pipe.add_function_step(
        "b",
        see,
        {"value": "${a.x}", "more": ["${pipeline.rate}", "is ${pipeline.rate}"]},
        pre_execute_callback=lambda pipeline, node, parameters: seen.update(parameters),
    )
    assert run(pipe) == {"a": "completed", "b": "completed"}
    assert seen == {"kwargs/value": 3, "kwargs/more": [0.5, "is 0.5"]}


@pytest.mark.parametrize(
    "value", [5, 1.5, True, None, float("inf"), "text", "${a.x}", "$${", "$${a.x} $", ["${a.x}", {"k": "$$${b}"}]]
)
def test_what_the_pre_callback_puts_among_the_parameters_is_what_the_step_gets(pipe, value):
    """Promise 47: as it is, also where it looks like a reference; and it is recorded."""

    def before(pipeline, node, parameters):
        parameters["kwargs/more"] = value

    pipe.add_function_step("a", see, {"more": "before"}, ["x"], pre_execute_callback=before)
    assert run(pipe) == {"a": "completed"}
    found = result(pipe, "a")
    assert (found["more"], found["recorded"]) == (value, value)


def test_what_the_pre_callback_changes_deep_inside_reaches_the_step(pipe):
    pipe.add_function_step("a", give, {"value": 3}, ["x"])
    pipe.add_function_step(
        "b",
        see,
        {"more": [{"k": "${a.x}"}, 2]},
        ["x"],
        pre_execute_callback=lambda pipeline, node, parameters: parameters["kwargs/more"][0].update(k=4),
    )
    run(pipe)
    assert result(pipe, "b")["more"] == [{"k": 4}, 2]


def test_an_artifact_among_the_parameters_cannot_be_changed(pipe):
    def before(pipeline, node, parameters):
        parameters["kwargs_artifacts/value"] = "other.x"

    pipe.add_function_step("a", give, {"value": {1, 2}}, pre_execute_callback=before)
    assert run(pipe) == {"a": "failed"}
    assert "kwargs_artifacts/value names an artifact" in pipe.get_pipeline_dag()["a"].reason


HOLDS_ITSELF: list[object] = []
HOLDS_ITSELF.append(HOLDS_ITSELF)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (5, 1, "a parameter's name is a text, not a int"),
        ("plain", 1, "'plain' is not of the form section/name"),
        ("kwargs/more", {1}, "parameter 'kwargs/more' cannot hold a set"),
        ("kwargs/more", [{1: 2}], "parameter 'kwargs/more' cannot hold a dict whose keys are no texts"),
        ("kwargs/more", HOLDS_ITSELF, "parameter 'kwargs/more' is nested too deeply, or holds itself"),
    ],
)
def test_what_no_step_can_be_given_fails_the_step_of_the_pre_callback_alone(pipe, name, value, message):
    """Promise 47, the other side: the reason names the callback."""

    def before(pipeline, node, parameters):
        parameters[name] = value

    pipe.add_function_step("a", see, pre_execute_callback=before)
    pipe.add_function_step("b", give)
    assert run(pipe) == {"a": "failed", "b": "completed"}
    assert pipe.get_pipeline_dag()["a"].reason == f"pre_execute_callback left what a step cannot be given: {message}"


def test_a_step_whose_pre_callback_says_no_is_skipped_with_all_below(pipe):
    """Promise 48: siblings run, and the run completes."""
    pipe.add_function_step("a", give, function_return=["x"], pre_execute_callback=lambda *_: False)
    pipe.add_function_step("b", give, {"value": "${a.x}"}, ["x"])
    pipe.add_function_step("c", give, {"value": "${b.x}"})
    pipe.add_function_step("d", give)
    assert run(pipe) == {"a": "skipped", "b": "skipped", "c": "skipped", "d": "completed"}
    assert pipe.task.status == "completed"
    assert pipe.is_successful()
    assert pipe.get_pipeline_dag()["a"].reason == "pre_execute_callback returned False"
    assert pipe.get_pipeline_dag()["a"].job is None
    assert [task.step for task in session.backend().call(ListTasks(run=pipe.id))] == ["d"]
    assert [one.step for one in decisions(pipe, "a", DecisionKind.VETO)] == ["a"]


@pytest.mark.parametrize("answer", [None, True, 0, "", []])
def test_only_false_itself_says_no(pipe, answer):
    pipe.add_function_step("a", give, pre_execute_callback=lambda *_: answer)
    assert run(pipe) == {"a": "completed"}


@pytest.mark.parametrize("error", [KeyError("lost"), SystemExit(3)])
def test_a_pre_callback_that_raises_fails_its_step_alone(pipe, error):
    def before(pipeline, node, parameters):
        raise error

    pipe.add_function_step("a", give, function_return=["x"], pre_execute_callback=before, retry_on_failure=3)
    pipe.add_function_step("b", give, {"value": "${a.x}"})
    pipe.add_function_step("c", give)
    assert run(pipe) == {"a": "failed", "b": "skipped", "c": "completed"}
    assert pipe.task.status == "failed"
    node = pipe.get_pipeline_dag()["a"]
    assert node.reason.startswith(f"pre_execute_callback raised {type(error).__name__}: ")
    assert (node.attempt, node.job.task.data.reason) == (1, "callback")


# After the end


def test_the_post_callback_is_called_once_for_each_step_that_ended(pipe, tmp_path):
    """Promise 49: completed, failed after its last try, cached and aborted; before the children start."""
    calls = []

    def after(pipeline, node):
        dag = pipeline.get_pipeline_dag()
        children = [dag[name].status for name in dag if node.name in dag[name].parents]
        calls.append((node.name, node.status, node.job and node.job.status(), children))
        if node.name == "a":
            pipeline.get_logger()

    options = {"post_execute_callback": after}
    marker = str(tmp_path / "marker")
    pipe.add_function_step("a", give, function_return=["x"], cache_executed_step=True, **options)
    pipe.add_function_step("b", fail_once, {"marker": marker}, ["x"], retry_on_failure=1, **options)
    pipe.add_function_step("c", give, {"value": "${b.x}"}, parents=["a"], **options)
    pipe.add_function_step("d", fail, retry_on_failure=2, continue_on_fail=True, **options)
    pipe.add_function_step("e", give, parents=["d"], **options)
    run(pipe)
    assert sorted(calls) == [
        ("a", "completed", "completed", ["pending"]),
        ("b", "completed", "completed", ["pending"]),
        ("c", "completed", "completed", []),
        ("d", "failed", "failed", ["pending"]),
    ]
    calls.clear()
    again = PipelineController("called", "Tests")
    again.add_function_step("a", give, function_return=["x"], cache_executed_step=True, **options)
    assert run(again) == {"a": "cached"}
    assert calls == [("a", "cached", "completed", [])]


def test_the_post_callback_is_called_for_steps_that_were_aborted(pipe):
    """Also for one that had not begun."""
    calls = []

    def after(pipeline, node):
        calls.append((node.name, node.status))

    def started(pipeline, node, previous):
        if node.status == "running":
            pipeline.stop()

    pipe.add_function_step("a", wait, post_execute_callback=after, status_change_callback=started)
    pipe.add_function_step("b", give, parents=["a"], post_execute_callback=after)
    assert run(pipe) == {"a": "aborted", "b": "skipped"}
    assert calls == [("a", "aborted")]
    assert pipe.task.status == "stopped"


@pytest.mark.here
def test_a_step_that_was_stopped_while_it_waited_has_no_job(pipe, monkeypatch):
    """Promise 49, with one slot: nothing was recorded that could be told of, or taken over."""
    monkeypatch.setenv("PENSTOCK_WORKERS", "1")
    calls = []

    def started(pipeline, node, previous):
        if node.status == "running":
            pipeline.stop()

    options = {
        "post_execute_callback": lambda pipeline, node: calls.append((node.name, node.status, node.job is None)),
        "monitor_artifacts": ["x"],
    }
    pipe.add_function_step("a", wait, status_change_callback=started, **options)
    pipe.add_function_step("b", wait, **options)
    assert run(pipe) == {"a": "aborted", "b": "aborted"}
    assert sorted(calls) == [("a", "aborted", False), ("b", "aborted", True)]
    assert pipe.task.status == "stopped"


def test_the_post_callback_can_fail_a_step(pipe):
    """Promise 50: its children are skipped, and the run fails."""

    def after(pipeline, node):
        node.job.task.mark_failed(status_message="too good to be true")

    pipe.add_function_step("a", give, function_return=["x"], post_execute_callback=after, retry_on_failure=5)
    pipe.add_function_step("b", give, {"value": "${a.x}"})
    assert run(pipe) == {"a": "failed", "b": "skipped"}
    assert (pipe.task.status, pipe.task.data.message) == ("failed", "step 'a' failed")
    node = pipe.get_pipeline_dag()["a"]
    assert (node.reason, node.attempt, node.job.task.status) == ("too good to be true", 1, "failed")
    assert [one.reason for one in decisions(pipe, "a", DecisionKind.JUDGE)] == ["too good to be true"]


def test_the_post_callback_can_rescue_a_step(pipe):
    """Promise 50, the other way."""
    pipe.add_function_step("a", fail, post_execute_callback=lambda pipeline, node: node.job.task.mark_completed())
    pipe.add_function_step("b", give, parents=["a"])
    assert run(pipe) == {"a": "completed", "b": "completed"}
    assert pipe.task.status == "completed"


def test_a_step_that_was_judged_failed_is_never_reused(pipe):
    options = {"function_return": ["x"], "cache_executed_step": True}
    pipe.add_function_step(
        "a", give, post_execute_callback=lambda pipeline, node: node.job.task.mark_failed(), **options
    )
    assert run(pipe) == {"a": "failed"}
    again = PipelineController("called", "Tests")
    again.add_function_step("a", give, **options)
    assert run(again) == {"a": "completed"}


def test_a_step_that_was_rescued_without_its_results_is_never_reused(pipe):
    """Promise 23: what relies on it would have nothing to go on with."""
    options = {"function_return": ["x"], "cache_executed_step": True}
    pipe.add_function_step(
        "a", fail, post_execute_callback=lambda pipeline, node: node.job.task.mark_completed(), **options
    )
    assert run(pipe) == {"a": "completed"}
    again = PipelineController("called", "Tests")
    again.add_function_step("a", fail, **options)
    again.add_function_step("b", give, {"value": "${a.x}"})
    assert run(again) == {"a": "failed", "b": "skipped"}
    (why,) = (one.reason for one in decisions(again, "a", DecisionKind.EXECUTE))
    assert why == "the equal execution in called #1 did not return 'x'"


def test_a_post_callback_that_raises_fails_its_step(pipe):
    def after(pipeline, node):
        raise RuntimeError("broken callback")

    pipe.add_function_step("a", give, function_return=["x"], post_execute_callback=after)
    pipe.add_function_step("b", give, {"value": "${a.x}"})
    pipe.add_function_step("c", give)
    assert run(pipe) == {"a": "failed", "b": "skipped", "c": "completed"}
    assert pipe.get_pipeline_dag()["a"].reason == "post_execute_callback raised RuntimeError: broken callback"


def test_what_ended_is_final_once_the_run_has_ended(pipe):
    pipe.add_function_step("a", give)
    run(pipe)
    with pytest.raises(Conflict, match="is completed, and that is final"):
        pipe.get_pipeline_dag()["a"].job.task.mark_failed()


def test_a_callback_cannot_judge_an_earlier_step(pipe):
    """Its children run already: what is recorded of it stays what the run went on from."""

    def after(pipeline, node):
        pipeline.get_pipeline_dag()["a"].job.task.mark_failed(status_message="too late")

    pipe.add_function_step("a", give, function_return=["x"])
    pipe.add_function_step("b", give, {"value": "${a.x}"}, post_execute_callback=after)
    assert run(pipe) == {"a": "completed", "b": "failed"}
    assert pipe.get_pipeline_dag()["a"].job.status() == "completed"
    reason = pipe.get_pipeline_dag()["b"].reason
    assert reason.startswith("post_execute_callback raised Conflict: step 'a' is completed, and its run has gone on")
    assert (pipe.task.status, pipe.task.data.message) == ("failed", "step 'b' failed")


# While it goes


@pytest.mark.here
def test_the_status_callback_hears_of_every_change_in_order(pipe, tmp_path):
    heard = []

    def changed(pipeline, node, previous):
        heard.append((previous, node.status))

    marker = str(tmp_path / "marker")
    pipe.add_function_step("a", fail_once, {"marker": marker}, retry_on_failure=1, status_change_callback=changed)
    assert run(pipe) == {"a": "completed"}
    assert heard == [
        ("pending", "running"),
        ("running", "failed"),
        ("failed", "running"),
        ("running", "completed"),
    ]


def test_a_status_callback_that_raises_changes_nothing_and_is_told_of(pipe):
    def changed(pipeline, node, previous):
        raise LookupError("who is that?")

    pipe.add_function_step("a", give, status_change_callback=changed)
    assert run(pipe) == {"a": "completed"}
    assert "step 'a': status_change_callback raised LookupError: who is that?" in printed_by_run(pipe)


def test_a_retry_function_is_asked_with_the_node_and_the_retries_so_far(pipe):
    asked = []

    def again(pipeline, node, retries):
        asked.append((node.name, node.status, retries))
        return retries < 2

    pipe.add_function_step("a", fail, retry_on_failure=again)
    assert run(pipe) == {"a": "failed"}
    assert asked == [("a", "failed", 0), ("a", "failed", 1), ("a", "failed", 2)]
    assert [one.reason for one in decisions(pipe, "a", DecisionKind.GIVE_UP)] == ["retry_on_failure said no"]


def test_stop_from_a_callback_ends_the_run(pipe):
    done = threading.Event()

    def after(pipeline, node):
        pipeline.stop()
        done.set()

    pipe.add_function_step("a", give, function_return=["x"], post_execute_callback=after)
    pipe.add_function_step("b", give, {"value": "${a.x}"})
    assert run(pipe)["a"] == "completed"
    assert done.is_set()
    assert pipe.task.status == "stopped"


def test_nothing_is_opened_after_a_callback_has_stopped_the_run(pipe):
    opened = []

    def before(pipeline, node, parameters):
        opened.append(node.name)
        pipeline.stop()

    for name in "abc":
        pipe.add_function_step(name, give, pre_execute_callback=before)
    assert run(pipe) == {"a": "aborted", "b": "aborted", "c": "aborted"}
    assert opened == ["a"]
    assert pipe.task.status == "stopped"


def test_a_callback_may_have_another_thread_stop_the_run(pipe):
    """As long as that thread says how long it waits."""

    def after(pipeline, node):
        other = threading.Thread(target=pipeline.stop, args=(0.001,))
        other.start()
        other.join()

    pipe.add_function_step("a", give, post_execute_callback=after)
    pipe.add_function_step("b", give, parents=["a"])
    found = run(pipe)
    assert found["a"] == "completed"
    assert found["b"] in {"skipped", "aborted"}  # whichever the planner heard first: the end of a, or the wish to stop
    assert [task.step for task in session.backend().call(ListTasks(run=pipe.id))] == ["a"]
    assert pipe.task.status == "stopped"


def test_the_job_of_a_node_tells_how_its_attempt_went(pipe):
    pipe.add_function_step("a", give, function_return=["x"])
    pipe.add_function_step("b", fail)
    assert pipe.get_pipeline_dag()["a"].job is None
    run(pipe)
    good, bad = (pipe.get_pipeline_dag()[name].job for name in "ab")
    assert good.task_id() == attempt_id(pipe.id, "a", 1) == good.task.id
    assert (good.status(), bad.status()) == ("completed", "failed")
    assert (good.is_completed(), good.is_stopped(), good.is_running(), good.is_failed()) == (True, True, False, False)
    assert (bad.is_failed(), bad.is_aborted(), bad.is_pending(), good.is_cached_task()) == (True, False, False, False)
    assert "ValueError: no luck" in bad.status_message()
    assert good.elapsed() >= 0
    assert "ValueError: no luck" in bad.get_console_output()[0]


def test_callbacks_of_many_steps_cost_in_proportion(pipe, monkeypatch):
    """Each call reads one step, not the whole run."""
    counts = []
    call = type(session.backend()).call

    def counted(self, op):
        counts.append(type(op).__name__)
        return call(self, op)

    monkeypatch.setattr(type(session.backend()), "call", counted)
    for number in range(40):
        pipe.add_function_step(f"s{number}", give, post_execute_callback=lambda pipeline, node: node.name)
    run(pipe)
    assert counts.count("GetRun") < 10
    assert counts.count("GetStep") == 40


def test_the_callbacks_of_three_hundred_steps_cost_three_hundred_times_those_of_one(home, monkeypatch):
    """Counted in statements of the store by the run's own thread: others look more often on a slow machine."""
    counts = {}
    statements = []
    run_one = Session.run

    def counted(self, sql, *values):
        if threading.current_thread() is threading.main_thread():
            statements.append(sql)
        return run_one(self, sql, *values)

    def see(pipeline, node, *more):
        seen.append(node.name)
        return node.job is None

    def make(steps):
        pipe = PipelineController("called", "Tests")
        tell = {"status_change_callback": lambda pipeline, node, previous: seen.append(node.status)}
        for number in range(steps):
            parents = ["s0"] if number else None
            pipe.add_function_step(
                f"s{number}",
                give,
                function_return=["x"],
                parents=parents,
                cache_executed_step=True,
                pre_execute_callback=lambda pipeline, node, parameters: see(pipeline, node) or None,
                post_execute_callback=see,
                **tell,
            )
        return pipe

    seen = []
    assert run(make(1)) == {"s0": "completed"}
    monkeypatch.setattr(Session, "run", counted)
    for steps in (10, 155, 300):
        pipe, seen = make(steps), []
        statements.clear()
        pipe.start_locally(run_pipeline_steps_locally=True)
        counts[steps] = len(statements)
        assert {node.status for node in pipe.get_pipeline_dag().values()} == {"cached"}
        assert (seen.count("s7"), seen.count("cached")) == (2, steps)
    first, second = counts[155] - counts[10], counts[300] - counts[155]
    assert abs(second - first) < first / 20
    assert first / 145 < 80, "statements for a step with all its callbacks"


def read_extra():
    return Task.current_task().get_parameters()["General/extra"]


@pytest.mark.parametrize("through", ["task", "parameters"])
def test_what_a_pre_callback_sets_decides_whether_a_step_is_reused(home, through):
    """Promises 23 and 46: also where it is no argument, for the step may read it."""

    def before(extra):
        def callback(pipeline, node, parameters):
            if through == "task":
                node.job.task.set_parameter("General/extra", extra)
            else:
                parameters["General/extra"] = extra

        return callback

    seen = []
    for extra in (1, 2, 2):
        pipe = PipelineController("called", "Tests")
        pipe.add_function_step(
            "a", read_extra, None, ["x"], cache_executed_step=True, pre_execute_callback=before(extra)
        )
        seen.append((run(pipe)["a"], result(pipe, "a")))
    assert seen == [("completed", 1), ("completed", 2), ("cached", 2)]


def test_a_job_is_aborted_with_its_process(pipe, tmp_path):
    def after(pipeline, node):
        job = pipeline.get_pipeline_dag()["slow"].job
        job.abort()
        assert job.delete() is False, "it goes with its run"

    pipe.add_function_step("slow", wait, function_return=["x"], retry_on_failure=2)
    pipe.add_function_step("a", give, post_execute_callback=after)
    pipe.add_function_step("b", give, {"value": "${slow.x}"})
    assert run(pipe) == {"slow": "aborted", "a": "completed", "b": "skipped"}
    assert pipe.get_pipeline_dag()["slow"].reason == "a callback aborted it"
    assert (pipe.task.status, pipe.task.data.message) == ("failed", "step 'slow' was aborted")


@pytest.mark.parametrize("ends", [True, False])
def test_marking_a_step_that_still_runs_is_what_counts(pipe, tmp_path, ends):
    """Promise 50: however its process would end, it ends now, and the run goes on."""

    def after(pipeline, node):
        pipeline.get_pipeline_dag()["slow"].job.task.mark_failed(status_message="it takes too long")
        if ends:
            (tmp_path / "go").touch()

    pipe.add_function_step("slow", wait_for, {"file": str(tmp_path / "go")}, ["x"])
    pipe.add_function_step("a", give, post_execute_callback=after)
    pipe.add_function_step("b", give, {"value": "${slow.x}"})
    assert run(pipe) == {"slow": "failed", "a": "completed", "b": "skipped"}
    assert (pipe.task.status, pipe.task.data.message) == ("failed", "step 'slow' failed")
    assert pipe.get_pipeline_dag()["slow"].reason == "it takes too long"
