"""What stands for the steps of a rerun: what the run before left, where the plan says so and it still holds.

The plan knows definitions and records. What only shows when a step is due is looked at here: whether the bytes are
whole, whether the code that the step uses is what it was, whether a callback changed its arguments, whether what it
builds on was reused indeed. A step that the plan has run, or that turns out to have to, goes the way of any other,
through the cache.
"""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from penstock.backend import Backend
from penstock.core import refs
from penstock.core.cachekey import KeyParts, compared, differences
from penstock.core.decision import DecisionKind
from penstock.core.errors import Invalid
from penstock.core.pipeline import Step, configurations
from penstock.core.progress import StepStatus
from penstock.core.rerun import BUILDS_ON, PlannedStep, RerunPlan, Treatment
from penstock.ops.decisions import ListDecisions
from penstock.ops.executions import Keyed, ListExecutions
from penstock.ops.steps import StepDecision
from penstock.run.cache import OFF, Answer, Cache, Source
from penstock.run.launch import Prepared
from penstock.run.plan import Plan


class Rerunning:
    """Answers for the steps of one run, whether it is a rerun or not."""

    def __init__(self, backend: Backend, told: Plan, cache: Cache) -> None:
        self._backend = backend
        self._cache = cache
        self._run = told.rerun.request.name if told.rerun else ""
        self._planned: dict[str, PlannedStep] = {}
        if told.rerun:
            self.plan(told.rerun)
        self._has_id = any(one.name == "id" for one in told.pipeline.parameters)
        self._taken: set[str] = set()  # steps for which the run before stands
        if self._planned and told.steps:  # it goes on
            for one in backend.call(ListDecisions(run=told.run.id)):
                if one.kind is DecisionKind.REUSE and one.related:
                    self.took(one.step, one.related)

    def plan(self, rerun: RerunPlan) -> None:
        """Take note of what is to be done with the steps."""
        self._planned = {one.step: one for one in rerun.steps}

    def left_out(self) -> list[StepDecision]:
        """Return the decisions on steps that the rerun leaves out."""
        return [
            StepDecision(step=name, status=StepStatus.SKIPPED, reason=one.why)
            for name, one in self._planned.items()
            if one.treatment is Treatment.SKIP
        ]

    def took(self, step: str, task: str) -> None:
        """Note that this task stands for the step."""
        if step in self._planned and self._planned[step].task == task:
            self._taken.add(step)

    def ask(self, step: Step, prepared: Prepared) -> Answer:
        """Return what stands for a step that is due, or why it runs."""
        planned = self._planned.get(step.name)
        if planned is None:
            return self._cache.ask(step, prepared)
        reasons = (planned.why, *planned.details)
        if planned.treatment is Treatment.REUSE and planned.task is not None:
            found = self._reuse(step, planned, planned.task, prepared)
            if isinstance(found, Answer):
                return found
            reasons = (found,)
        answer = self._cache.ask(replace(step, cache=False) if planned.fresh else step, prepared)
        if answer.source is not None:
            return replace(answer, details=reasons)
        first, *others = reasons
        details = (*others, *(() if answer.reason == OFF else (answer.reason,)), *answer.details)
        return replace(answer, reason=first, details=tuple(dict.fromkeys(details)), related=answer.related)

    def _reuse(self, step: Step, planned: PlannedStep, task: str, prepared: Prepared) -> Answer | str:
        """Return the answer that the run before stands for the step; the reason when it cannot."""
        anew = next((one for one in step.parents if one not in self._taken), None)
        if anew is not None:
            return BUILDS_ON.format(parent=anew)
        own: Keyed | None = None
        with suppress(Invalid):  # then the definitions alone are compared, which the plan has done
            own = self._cache.key(prepared)
        executions = self._backend.call(ListExecutions(task=task, limit=1))
        former = executions[0].keyed if executions else None
        if own is not None and former is not None:
            found = differences(self._decisive(step, own.parts, former.parts), former.parts)
            if found:
                return compared(found[0], self._run)
        if damage := self._cache.damage(task, prepared.returns, self._run):
            return damage
        return Answer(
            reason=planned.why,
            details=_installed(own, former, self._run),
            keyed=own,
            source=Source(task=task, run=self._run, keyed=former),
            related=task,
        )

    def _decisive(self, step: Step, own: KeyParts, former: KeyParts) -> KeyParts:
        """Return the parts of a key in which a difference counts.

        Packages are the machine's, and a rerun is asked for on purpose. The id of the run is another one each time.
        """
        spared = self._given_the_id(step)
        arguments = {name: former.arguments.get(name, text) if name in spared else text
                     for name, text in own.arguments.items()}  # fmt: skip
        return replace(own, arguments=arguments, packages=former.packages, interpreter=former.interpreter)

    def _given_the_id(self, step: Step) -> set[str]:
        """Return what of a step holds `${pipeline.id}`, under the names that cache keys give it."""
        if self._has_id:
            return set()
        texts = configurations(step, self._planned)
        named = [*step.arguments.items(), *((f"configuration {name}", one) for name, one in texts.items())]
        found = {name for name, one in named if any(map(_is_the_id, one.refs()))}
        return found | {name.partition("/")[2] for name in found}  # the function of a base task has no sections


def _installed(own: Keyed | None, former: Keyed | None, run: str) -> tuple[str, ...]:
    """Say which packages are others than those that the step ran with."""
    if own is None or former is None:
        return ()
    now = replace(former.parts, packages=own.parts.packages, interpreter=own.parts.interpreter)
    return tuple(compared(one, run) for one in differences(now, former.parts))


def _is_the_id(reference: refs.Ref) -> bool:
    return isinstance(reference, refs.PipelineValue) and reference.name == "id"
