"""Under any sequence of operations the rows of the steps, the tasks and the change feed tell one story."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from penstock.backend import connect
from penstock.core.cachekey import KeyParts
from penstock.core.code import Code
from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import Conflict, Invalid
from penstock.core.progress import StepStatus
from penstock.core.run import REUSED, STEP_STATUS, ChangeKind
from penstock.core.task import ENDED, EndReason, Status, Worker
from penstock.ops.changes import ListChanges
from penstock.ops.decisions import RecordDecision
from penstock.ops.executions import Keyed, ReuseStep
from penstock.ops.runs import ResumeRun, StopRun
from penstock.ops.steps import DraftStep
from penstock.ops.tasks import GetTask, JudgeTask, ListTasks
from penstock.settings import Settings

OPEN_STEPS = {StepStatus.PENDING, StepStatus.QUEUED, StepStatus.RUNNING}
STEPS = ("a", "b", "c")
WORKER = Worker(host="here", pid=1, started="2", boot="3")
KEYED = Keyed(key="k", parts=KeyParts(code=Code("d", {})))
steps = st.sampled_from(STEPS)
ends = st.sampled_from([Status.COMPLETED, Status.FAILED, Status.STOPPED])


class Records(RuleBasedStateMachine):
    """Whatever is asked in whatever order: the rows of the steps, the tasks and the feed tell one story."""

    def __init__(self, desk_of, *, any_order):
        super().__init__()
        self.any_order = any_order
        self.folder = TemporaryDirectory(prefix="penstock-records-")
        self.backend = connect(Settings(home=Path(self.folder.name) / "home", workers=1))
        self.desk = desk_of(self.backend)
        self.runs = {}
        self.pids = {}
        self.launched = {}
        self.start()

    def teardown(self):
        self.backend.close()
        self.folder.cleanup()

    @precondition(lambda self: len(self.runs) < 2)
    @rule()
    def start(self):
        run = self.desk.run(*STEPS, name=f"flow {len(self.runs)}")
        self.runs[run.id] = run
        self.pids[run.id] = [run.task.worker.pid]

    def run(self, second):
        return list(self.runs.values())[second and len(self.runs) > 1]

    def status(self, run, step):
        return self.desk.states(run)[step].status

    @rule(step=steps, second=st.booleans(), attempt=st.integers(1, 3))
    def launch(self, step, second, attempt):
        run = self.run(second)
        state = self.desk.states(run)[step]
        in_turn = state.status in {"pending", "queued", "failed"} and attempt == state.attempt + 1
        if self.any_order or in_turn or attempt <= state.attempt:
            with suppress(Conflict, Invalid):
                self.launched[run.id, step, attempt] = self.desk.launch(run, step, attempt)

    @precondition(lambda self: self.launched)
    @rule(data=st.data(), status=ends)
    def end(self, data, status):
        task = self.launched[data.draw(st.sampled_from(sorted(self.launched)))]
        with suppress(Conflict):
            self.desk.end(task, status, None, f"ended as {status}")

    @rule(step=steps, second=st.booleans(), attempt=st.integers(1, 3))
    def draft(self, step, second, attempt):
        run = self.run(second)
        if self.any_order or attempt == self.desk.states(run)[step].attempt + 1:
            with suppress(Conflict):
                self.backend.call(DraftStep(run=run.id, step=step, attempt=attempt, task=self.desk.new(step)))

    @precondition(lambda self: self.launched)
    @rule(step=steps, second=st.booleans(), attempt=st.integers(1, 3), data=st.data())
    def reuse(self, step, second, attempt, data):
        run = self.run(second)
        source = self.launched[data.draw(st.sampled_from(sorted(self.launched)))]
        decision = Decision(kind=DecisionKind.REUSE, reason="the same", step=step)
        new = self.desk.new(step)
        if self.any_order or attempt == self.desk.states(run)[step].attempt + 1:
            with suppress(Conflict):
                self.launched[run.id, step, attempt] = self.backend.call(
                    ReuseStep(
                        run=run.id,
                        step=step,
                        attempt=attempt,
                        task=new,
                        source=source.id,
                        keyed=KEYED,
                        decision=decision,
                    )
                )

    @precondition(lambda self: self.launched)
    @rule(data=st.data(), status=ends, asked=st.booleans())
    def judge(self, data, status, asked):
        task = self.launched[data.draw(st.sampled_from(sorted(self.launched)))]
        if asked:
            ask = Decision(kind=DecisionKind.ASK, reason="", step=task.step, attempt=task.attempt, related=task.id)
            self.backend.call(RecordDecision(run=task.run, decision=ask))
        with suppress(Conflict):
            self.backend.call(JudgeTask(id=task.id, status=status, message="judged"))

    @rule(
        step=steps, second=st.booleans(), status=st.sampled_from(["queued", "skipped", "aborted"]), vetoed=st.booleans()
    )
    def decide(self, step, second, status, vetoed):
        run = self.run(second)
        allowed = self.status(run, step) in {"pending", "queued"} and self.is_open(run)
        if self.any_order or allowed:
            with suppress(Conflict):
                self.desk.decide(run, step, status, "decided", DecisionKind.VETO if vetoed else None)

    @rule(second=st.booleans(), seen=st.booleans())
    def resume(self, second, seen):
        run = self.run(second)
        last = self.backend.call(GetTask(id=run.id)).worker
        with suppress(Conflict):
            worker = Worker(host="here", pid=last.pid + 1)
            self.backend.call(ResumeRun(id=run.id, worker=worker, seen=last if seen else WORKER))
            self.pids[run.id].append(worker.pid)

    @rule(second=st.booleans(), status=ends)
    def end_run(self, second, status):
        run = self.run(second)
        with suppress(Conflict):
            self.desk.end_run(run, status, EndReason.ABORTED, "the end")

    @rule(second=st.booleans())
    def stop(self, second):
        with suppress(Conflict):
            self.backend.call(StopRun(id=self.run(second).id))

    def is_open(self, run):
        return self.backend.call(GetTask(id=run.id)).status is Status.IN_PROGRESS

    @invariant()
    def steps_agree_with_tasks(self):
        for run in self.runs.values():
            tasks = self.backend.call(ListTasks(run=run.id))
            for name, state in self.desk.states(run).items():
                mine = [task for task in tasks if task.step == name and task.status is not Status.CREATED]
                drafts = [task.attempt for task in tasks if task.step == name and task.status is Status.CREATED]
                assert [task.attempt for task in mine] == list(range(1, state.attempt + 1))
                assert drafts in ([], [state.attempt + 1])
                assert all(task.status in ENDED for task in mine[:-1])
                assert state.task == (mine[-1].id if mine else None)
                if state.status in {"running", "completed", "cached", "failed"}:
                    status = STEP_STATUS[mine[-1].status]
                    assert state.status == ("cached" if self.is_cached(mine[-1], state) else status)
                elif mine:
                    assert mine[-1].status in ENDED

    def is_cached(self, task, state):
        """A reused step is cached until somebody judges it, and completed when a second judgement says so."""
        return REUSED in task.runtime and task.status is Status.COMPLETED and state.reason == "the same"

    @invariant()
    def a_run_is_carried_out_by_whoever_resumed_it_last(self):
        for id, pids in self.pids.items():
            assert self.backend.call(GetTask(id=id)).worker.pid == pids[-1]

    @invariant()
    def nothing_is_open_under_a_run_that_has_ended(self):
        for run in self.runs.values():
            if not self.is_open(run):
                assert not OPEN_STEPS & {state.status for state in self.desk.states(run).values()}
                assert all(task.status in ENDED for task in self.backend.call(ListTasks(run=run.id)))

    @invariant()
    def the_feed_replayed_gives_the_same_states(self):
        for run in self.runs.values():
            tasks, told = {}, dict.fromkeys(STEPS, StepStatus.PENDING)
            for change in self.backend.call(ListChanges(run=run.id)):
                if change.kind is ChangeKind.STATUS:
                    tasks[change.task] = change.status
                if change.step is not None:
                    by_task = change.kind is ChangeKind.STATUS
                    told[change.step] = STEP_STATUS[Status(change.status)] if by_task else StepStatus(change.status)
            assert told == {name: state.status for name, state in self.desk.states(run).items()}
            recorded = [self.backend.call(GetTask(id=run.id)), *self.backend.call(ListTasks(run=run.id))]
            untold = {task.id for task in recorded if REUSED in task.runtime and task.id not in tasks}
            assert tasks == {task.id: task.status for task in recorded if task.id not in untold}


def play(desk_of, *, any_order):
    few = settings(
        max_examples=25,
        stateful_step_count=20,
        phases=[Phase.generate],  # twenty steps can be read as they are; making them fewer takes minutes
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(lambda: Records(desk_of, any_order=any_order), settings=few)


def test_what_a_controller_does_keeps_the_records_in_agreement(desk_of):
    play(desk_of, any_order=False)


def test_what_anybody_may_ask_keeps_the_records_in_agreement(desk_of):
    play(desk_of, any_order=True)
