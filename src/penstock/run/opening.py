"""From the planner's Launch to a process that runs, or to what makes one needless: a veto, a reuse, a failure.

Everything is recorded before it is told. What an attempt does once it runs is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy

from msgspec import Struct
from msgspec.structs import replace

from penstock.backend import Backend
from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import Conflict, Invalid, NotFound, PenstockError, StepFailed
from penstock.core.parameters import restore
from penstock.core.pipeline import Step
from penstock.core.progress import Ended, Launch, Reused, Started, StepEvent, StepStatus, Vetoed
from penstock.core.rerun import RerunPlan
from penstock.core.task import EndReason, ScriptKind, Status, Task
from penstock.ops.executions import ReuseStep
from penstock.ops.steps import DraftStep, EnqueueStep, GetStep, LaunchStep, StepDecision
from penstock.ops.tasks import EndTask, GetConfigurations, GetParameters, GetTask, NewTask, SetParameters
from penstock.run import bases
from penstock.run.announcer import Announcer
from penstock.run.attempts import Attempts
from penstock.run.cache import Answer, Cache, Source
from penstock.run.callbacks import FACTORY, PRE, call
from penstock.run.ids import Ids
from penstock.run.keys import Keys
from penstock.run.launch import Prepared, as_given, assignment, changed, differs, parameter, prepare, start
from penstock.run.lookup import Lookup
from penstock.run.plan import Plan
from penstock.run.rerun import Rerunning
from penstock.run.secrets import RunSecrets
from penstock.run.waiting import Waiting

ARGUMENTS = frozenset({"kwargs", "kwargs_artifacts"})  # the sections of a step's parameters that its function gets


class Carriers(Struct, frozen=True):
    """Who carries attempts out: this machine, or agents."""

    here: Attempts
    agents: Waiting


class Opening:
    """Opens the attempts of one run's steps."""

    def __init__(
        self,
        backend: Backend,
        told: Plan,
        lookup: Callable[[], Lookup],
        carriers: Carriers,
        announcer: Announcer,
        ids: Ids,
    ) -> None:
        self._waiting = carriers.agents
        self._backend = backend
        self._ids = ids
        self._told = told
        self._lookup = lookup
        cache = Cache(backend, told.run, Keys(backend, told.pipeline, told.surroundings.path, told.inputs))
        self._rerun = Rerunning(backend, told, cache)
        self._secrets = RunSecrets(backend, told.run.id, told.pipeline)
        self._attempts = carriers.here
        self._announcer = announcer
        self._steps = {step.name: step for step in told.pipeline.steps}

    def left_out(self) -> list[StepDecision]:
        """Return the decisions on steps that shall not run at all."""
        return self._rerun.left_out()

    def know(self, step: Step, rerun: RerunPlan | None) -> StepDecision | None:
        """Take note of a step that the run got; return the decision on it when it shall not run at all.

        Args:
            rerun: Of a run that does another one anew, what it does with the steps that it has by now.
        """
        self._steps[step.name] = step
        if rerun is not None:
            self._rerun.plan(rerun)
        return next((one for one in self._rerun.left_out() if one.step == step.name), None)

    def open(self, launch: Launch, why: str) -> StepEvent | None:
        """Launch an attempt and return what came of it: Started, Vetoed, Reused or, when it cannot start, Ended.

        None stands for one that waits in a queue.

        Args:
            why: Why it is tried again; empty at the first try.
        """
        try:
            return self._open(launch, why)
        except (Conflict, NotFound):
            state = self._backend.call(GetStep(run=self._told.run.id, step=launch.step))
            if state.status is not StepStatus.SKIPPED:
                raise
            self._announcer.step(launch.step, StepStatus.SKIPPED, 0, state.reason)  # by somebody, meanwhile
            return Vetoed(launch.step, recorded=True)

    def _open(self, launch: Launch, why: str) -> StepEvent | None:
        step = self._steps[launch.step]
        try:
            prepared = self._prepare(step)
        except PenstockError as error:
            bare = NewTask(id="", name=step.name, project=self._told.run.task.project)
            reason = EndReason.CALLBACK if isinstance(error, StepFailed) else EndReason.INPUT
            return self._fail(self._launch(launch, bare), reason, error)
        before = self._told.callbacks.before.get(step.name)
        if before is not None:
            draft, prepared = self._draft(launch, prepared)
            try:
                parameters = self._parameters(draft.id)
                shown = deepcopy(parameters)
                if call(PRE, lambda: before(draft.id, shown)) is False:
                    return Vetoed(step.name)
                prepared = self._with_changes(prepared, draft.id, parameters, shown)
            except PenstockError as error:
                return self._fail(self._launch(launch, prepared.new), EndReason.CALLBACK, error)
        return self._reuse_or_start(launch, step, prepared, why)

    def _prepare(self, step: Step) -> Prepared:
        told = self._told
        if step.base is None:
            return prepare(told.pipeline, told.run.task, step, self._lookup(), self._attempts.stamps)
        make = told.callbacks.make.get(step.name)
        made = None if make is None else call(FACTORY, make)
        asked = bases.read(self._backend, told.run.id, step, made, self._announcer.complain)
        artifact = bases.stored_artifact(self._backend)
        return bases.prepare(told.pipeline, told.run.task, step, self._lookup(), asked, artifact)

    def _reuse_or_start(self, launch: Launch, step: Step, prepared: Prepared, why: str) -> StepEvent | None:
        answer = self._rerun.ask(step, prepared)
        if answer.source is not None:
            if self._reuse(launch, prepared.new, answer, answer.source):
                self._rerun.took(step.name, answer.source.task)
                return Reused(step.name)
            gone = f"what was to be reused from {answer.source.run} was deleted or archived just now"
            answer = Answer(reason=gone, keyed=answer.keyed, related=answer.related)
        told, shown = self._told, why or (answer.reason if answer.related else "")
        if told.on_queues:
            task = self._record(self._enqueueing(launch, step, prepared, answer, why), launch)
            self._waiting.add(step.name, launch.attempt, task.id, task.queue)
            self._announcer.step(step.name, StepStatus.QUEUED, launch.attempt, shown)
            return None
        task = self._launch(launch, prepared.new, answer, why)
        self._announcer.step(step.name, StepStatus.RUNNING, launch.attempt, shown)
        try:
            secrets = self._secrets.of(prepared)
            given = assignment(told.pipeline, task, step, prepared, told.inputs)
            started = start(task, given, told.surroundings, prepared.stamps, secrets)
            self._attempts.start(task, started, secrets)
        except PenstockError as error:
            return self._fail(task, EndReason.LAUNCH, error)
        return Started(step.name)

    def _reuse(self, launch: Launch, new: NewTask, answer: Answer, source: Source) -> bool:
        """Let an earlier execution stand for the step; return whether it still can."""
        decision = Decision(
            kind=DecisionKind.REUSE,
            reason=answer.reason,
            step=launch.step,
            attempt=launch.attempt,
            details=answer.details,
        )
        op = ReuseStep(
            run=self._told.run.id,
            step=launch.step,
            attempt=launch.attempt,
            task=replace(new, adopted=False),
            source=source.task,
            keyed=source.keyed,
            decision=decision,
        )
        try:
            task = self._backend.call(op)
        except (Conflict, NotFound):
            return False
        self._ids.note(launch.step, launch.attempt, task.id)
        self._announcer.step(launch.step, StepStatus.CACHED, 0, answer.reason)
        return True

    def _launch(self, launch: Launch, new: NewTask, answer: Answer | None = None, why: str = "") -> Task:
        """Record an attempt that this machine carries out, and why it is made."""
        decision = _decision(launch, answer, why)
        op = LaunchStep(
            run=self._told.run.id,
            step=launch.step,
            attempt=launch.attempt,
            task=new,
            worker=self._told.worker,
            keyed=answer.keyed if answer else None,
            decision=decision if decision.reason else None,
        )
        return self._record(op, launch)

    def _enqueueing(self, launch: Launch, step: Step, prepared: Prepared, answer: Answer, why: str) -> EnqueueStep:
        """Return what records an attempt that an agent is to carry out, and why it is made."""
        decision = _decision(launch, answer, why)
        return EnqueueStep(
            run=self._told.run.id,
            step=launch.step,
            attempt=launch.attempt,
            task=_with_packages(prepared.new, answer),
            assignment=assignment(self._told.pipeline, self._told.run.task, step, prepared, self._told.inputs),
            keyed=answer.keyed,
            decision=decision if decision.reason else None,
        )

    def _record(self, op: LaunchStep | EnqueueStep, launch: Launch) -> Task:
        try:
            task = self._backend.call(op)
        except (Conflict, NotFound) as error:
            task = self._backend.call(replace(op, task=self._cloned(op.task, launch, error)))
        self._ids.note(launch.step, launch.attempt, task.id)
        return task

    def _cloned(self, new: NewTask, launch: Launch, error: PenstockError) -> NewTask:
        """Return the clone that runs where somebody took or deleted the draft that was to run itself."""
        if not new.adopted:
            raise error
        self._announcer.complain(f"step {launch.step!r}: {error.message}; a clone of it runs")
        return replace(new, adopted=False, name=launch.step)

    def _fail(self, task: Task, reason: EndReason, error: PenstockError) -> Ended:
        self._backend.call(EndTask(id=task.id, status=Status.FAILED, reason=reason, message=str(error)))
        step = task.step or ""
        self._announcer.step(step, StepStatus.FAILED, task.attempt, error.message)
        return Ended(step, StepStatus.FAILED, retry=False)

    def _draft(self, launch: Launch, prepared: Prepared) -> tuple[Task, Prepared]:
        op = DraftStep(run=self._told.run.id, step=launch.step, attempt=launch.attempt, task=prepared.new)
        try:
            draft = self._backend.call(op)
        except (Conflict, NotFound) as error:
            prepared = replace(prepared, new=self._cloned(prepared.new, launch, error))
            draft = self._backend.call(replace(op, task=prepared.new))
        self._ids.note(launch.step, launch.attempt, draft.id)
        self._announcer.step(launch.step, StepStatus.QUEUED, launch.attempt, "")
        return draft, prepared

    def _parameters(self, task: str) -> dict[str, object]:
        return {one.path: restore(one) for one in self._backend.call(GetParameters(task=task))}

    def _with_changes(
        self, prepared: Prepared, draft: str, before: Mapping[str, object], shown: Mapping[str, object]
    ) -> Prepared:
        """Return the attempt as the callback left it: what it changed in its dict, and of the task itself.

        Raises:
            StepFailed: It changed what a step cannot be given.
        """
        try:
            given = as_given(shown)
            changes = {path: one for path, one in given.items() if path not in before or differs(one, before[path])}
            after = self._parameters(draft) | changes
            arguments = changed(prepared.arguments, before, after, by_path=prepared.by_path)
            parameters = tuple(parameter(path, value) for path, value in changes.items())
        except Invalid as error:
            raise StepFailed(f"{PRE} left what a step cannot be given: {error.message}", hint=error.hint) from error
        if parameters:
            self._backend.call(SetParameters(task=draft, parameters=parameters))
        task = self._backend.call(GetTask(id=draft))
        new = replace(prepared.new, container=task.container, script=task.script)
        if not prepared.by_path:
            rest = {path: value for path, value in after.items() if path.partition("/")[0] not in ARGUMENTS}
            return replace(prepared, arguments=arguments, settings=rest, new=new)
        configurations = self._backend.call(GetConfigurations(task=draft))
        new = replace(
            new,
            parameters=tuple(self._backend.call(GetParameters(task=draft))),
            configurations=tuple(configurations),
        )
        return replace(prepared, arguments=arguments, settings=bases.settings(new, arguments), new=new)


def _with_packages(new: NewTask, answer: Answer) -> NewTask:
    """Return the task of a function with the packages that its code imports, where nobody said which it needs.

    Here it would find them installed. An agent has to know which those are.
    """
    script = new.script
    if script.kind is not ScriptKind.FUNCTION or script.packages is not None or answer.keyed is None:
        return new
    found = tuple(f"{name}=={version}" for name, version in answer.keyed.parts.packages.items())
    return replace(new, script=replace(script, packages=found))


def _decision(launch: Launch, answer: Answer | None, why: str) -> Decision:
    """Return why an attempt is made."""
    reason = answer.reason if answer else ""
    return Decision(
        kind=DecisionKind.RETRY if why else DecisionKind.EXECUTE,
        reason=why or reason,
        step=launch.step,
        attempt=launch.attempt,
        details=((reason,) if why and reason else ()) + (answer.details if answer else ()),
        related=answer.related if answer else None,
    )
