"""A step of a run, as the documented API shows it to users: `PipelineController.Node`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from penstock.core.pipeline import Step
from penstock.core.progress import StepStatus
from penstock.core.run import StepState
from penstock.core.task import Json
from penstock.sdk.job import Job


class Node(Struct, kw_only=True):
    """One step: how it is defined and where it stands.

    Attributes:
        executed: Id of its task once it has ended well, False when it ended and blocks its children, None before.
        status: `pending`, `queued`, `running`, `completed`, `cached`, `failed`, `aborted` or `skipped`.
        timeout: Seconds that one try may run, or None.
        job_started, job_ended: Epoch seconds, or None.
        task_id: Id of the task of its latest try, or None.
        reason: Why it stands so, in a sentence; empty where the status says it all.
        attempt: Number of its latest try; 0 before the first.
        job: The latest try, with its task as `job.task`; None before the first.
    """

    name: str
    status: str
    executed: str | Literal[False] | None = None
    base_task_id: str | None = None
    queue: str | None = None
    parents: list[str]
    timeout: float | None = None
    parameters: dict[str, Json]
    configurations: dict[str, Json] = {}
    task_overrides: dict[str, Json] = {}
    clone_task: bool = True
    task_id: str | None = None
    attempt: int = 0
    reason: str = ""
    job_started: float | None = None
    job_ended: float | None = None
    cache_executed_step: bool = False
    return_artifacts: list[str]
    monitor_metrics: list[Json]
    monitor_artifacts: list[Json]
    monitor_models: list[Json]
    output_uri: str | None = None
    draft: bool = False
    continue_on_fail: bool = False
    continue_on_abort: bool = False
    skip_children_on_fail: bool = True
    skip_children_on_abort: bool = True
    stage: str | None = None
    job: Job | None = None


def node(step: Step, state: StepState, task: str | None = None) -> Node:
    """Return the node that a step and its state make.

    Args:
        task: Id of the attempt to show; None for the latest one.
    """
    task = task or state.task
    return Node(
        name=step.name,
        status=state.status.value,
        executed=_executed(step, state),
        queue=step.queue,
        parents=list(step.parents),
        timeout=step.time_limit,
        parameters=_parameters(step),
        base_task_id=step.base.task or None if step.base else None,
        clone_task=step.base.clone if step.base else True,
        configurations={name: one.value for name, one in step.configurations.items()},
        task_overrides={path: one.value for path, one in step.overrides.items()},
        task_id=task,
        attempt=state.attempt,
        reason=state.reason,
        job_started=state.started,
        job_ended=state.ended,
        cache_executed_step=step.cache,
        return_artifacts=list(step.returns),
        monitor_metrics=list(step.monitor_metrics),
        monitor_artifacts=list(step.monitor_artifacts),
        monitor_models=list(step.monitor_models),
        output_uri=step.output_uri,
        draft=step.draft,
        continue_on_fail=step.continue_on_fail,
        continue_on_abort=step.continue_on_abort,
        skip_children_on_fail=step.skip_children_on_fail,
        skip_children_on_abort=step.skip_children_on_abort,
        stage=step.stage,
        job=Job(task) if task else None,
    )


def _parameters(step: Step) -> dict[str, Json]:
    section = "kwargs/" if step.base is None else ""
    return {f"{section}{name}": argument.value for name, argument in step.arguments.items()}


def _executed(step: Step, state: StepState) -> str | Literal[False] | None:
    match state.status:
        case StepStatus.COMPLETED | StepStatus.CACHED:
            return state.task
        case StepStatus.FAILED:
            return False if step.skip_children_on_fail else state.task
        case StepStatus.ABORTED:
            return False if step.skip_children_on_abort else state.task
        case StepStatus.SKIPPED:
            return False
        case _:
            return None
