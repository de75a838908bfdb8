"""What is due once a step is final is done, recorded, and done once; whole runs are in e2e/test_callbacks.py."""

from __future__ import annotations

import pytest

from penstock.backend import connect
from penstock.core.decision import DecisionKind
from penstock.core.errors import Conflict
from penstock.core.outputs import ScalarPoint
from penstock.core.pipeline import Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.run import attempt_id
from penstock.core.task import Script, Status, Worker
from penstock.ops.decisions import ListDecisions, RecordDecision
from penstock.ops.outputs import GetScalars, NewPoints, ReportScalars
from penstock.ops.runs import CreateRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import EndTask, GetTask, JudgeTask, NewTask
from penstock.run.announcer import Announcer
from penstock.run.closing import Closing
from penstock.sdk.display import Silent
from penstock.settings import Settings

RUN = "1" * 32
TASK = attempt_id(RUN, "a", 1)
WORKER = Worker(host="h", pid=1)
STEPS = {"a": Step(name="a", code="c", monitor_metrics=(["t", "s"],)), "b": Step(name="b", code="c")}


@pytest.fixture
def backend(tmp_path):
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    definition = Pipeline(name="p", project="P", steps=tuple(STEPS.values()), code={"c": Script(source="")})
    opened.call(CreateRun(pipeline="p", project="P", task=NewTask(id=RUN, name="p", project="")))
    opened.call(StartRun(id=RUN, definition=definition, worker=WORKER))
    new = NewTask(id="", name="a", project="P")
    opened.call(LaunchStep(run=RUN, step="a", attempt=1, task=new, worker=WORKER))
    points = NewPoints(title="t", series="s", points=(ScalarPoint(0, 1.0, 1.0),))
    opened.call(ReportScalars(task=TASK, series=(points,)))
    opened.call(EndTask(id=TASK, status=Status.COMPLETED))
    yield opened
    opened.close()


def closing(backend, complaints=None, **after):
    complain = pytest.fail if complaints is None else complaints.append
    return Closing(backend, RUN, STEPS, after, Announcer(Silent(), {}, complain))


def kinds(backend):
    return [(one.kind, one.step, one.related) for one in backend.call(ListDecisions(run=RUN)) if one.step]


def taken_over(backend):
    return [point.value for series in backend.call(GetScalars(task=RUN)) for point in series.points]


def test_the_run_takes_over_before_the_callback_is_called(backend):
    seen = []
    one = closing(backend, a=lambda task: seen.append((task, taken_over(backend))))
    assert one.close("a", StepStatus.COMPLETED, TASK, 1) is StepStatus.COMPLETED
    assert seen == [(TASK, [1.0])]
    expected = (DecisionKind.TAKE_OVER, DecisionKind.ASK, DecisionKind.CALL)
    assert kinds(backend) == [(kind, "a", TASK) for kind in expected]


def test_the_callback_can_judge_and_a_reused_step_that_it_left_alone_stays_reused(backend):
    one = closing(backend, a=lambda task: None)
    assert one.close("a", StepStatus.CACHED, TASK, 1) is StepStatus.CACHED
    two = closing(backend, a=lambda task: backend.call(JudgeTask(id=task, status=Status.FAILED)))
    assert two.close("a", StepStatus.COMPLETED, TASK, 1) is StepStatus.FAILED


def test_what_the_planner_hears_is_what_is_recorded_whoever_judges_when(backend):
    """Also of somebody who judges just when the callback has returned: they are heard, or refused."""
    answers = []

    class Meddling:
        blobs = backend.blobs

        def call(self, op):
            found = backend.call(op)
            if isinstance(op, RecordDecision) and op.decision.kind is DecisionKind.CALL:
                with pytest.raises(Conflict, match="step 'a' is completed, and its run has gone on"):
                    backend.call(JudgeTask(id=TASK, status=Status.FAILED))
                answers.append("refused")
            return found

    one = closing(Meddling(), a=lambda task: None)
    assert one.close("a", StepStatus.COMPLETED, TASK, 1) is StepStatus.COMPLETED
    assert answers == ["refused"]
    assert backend.call(GetTask(id=TASK)).status is Status.COMPLETED


def test_a_callback_that_raises_fails_the_step_and_is_recorded_as_called(backend):
    complaints = []
    one = closing(backend, complaints, a=lambda task: 1 / 0)
    assert one.close("a", StepStatus.COMPLETED, TASK, 1) is StepStatus.FAILED
    task = backend.call(GetTask(id=TASK))
    assert (task.status, task.reason) == (Status.FAILED, "callback")
    assert task.message == "post_execute_callback raised ZeroDivisionError: division by zero" == complaints[0]
    assert (DecisionKind.CALL, "a", TASK) in kinds(backend)


def test_a_step_without_a_task_is_told_of_as_such(backend):
    seen = []
    assert closing(backend, b=seen.append).close("b", StepStatus.ABORTED, None, 0) is StepStatus.ABORTED
    assert seen == [None]


def test_what_was_due_when_the_process_died_is_done_late_and_nothing_twice(backend):
    seen = []
    settled = {"a": StepStatus.COMPLETED, "b": StepStatus.SKIPPED}

    def task_of(name):
        return (TASK, 1) if name == "a" else (None, 0)

    for _ in range(2):
        assert closing(backend, a=seen.append, b=seen.append).close_late(settled, task_of) == settled
    assert seen == [TASK]
    assert taken_over(backend) == [1.0]


def test_a_late_judgement_counts(backend):
    late = closing(backend, a=lambda task: backend.call(JudgeTask(id=task, status=Status.FAILED)))
    found = late.close_late({"a": StepStatus.COMPLETED}, lambda name: (TASK, 1))
    assert found == {"a": StepStatus.FAILED}
