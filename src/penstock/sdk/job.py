"""The attempt of a step, as the documented callbacks meet it: `node.job`."""

from __future__ import annotations

import time

from penstock.core.errors import NotFound
from penstock.core.run import REUSED
from penstock.core.task import OPEN, Status
from penstock.ops.outputs import SummarizeScalars
from penstock.sdk import session
from penstock.sdk.task import Task

RAN_WELL = frozenset({Status.COMPLETED, Status.PUBLISHED})
NOT_BEGUN = frozenset({Status.CREATED, Status.QUEUED})


class Job:
    """One attempt of a step. Each call reads what is recorded now.

    Args:
        task: Id of the attempt's task.
    """

    def __init__(self, task: str) -> None:
        self._id = task

    def __repr__(self) -> str:
        return f"<Job of {self.task!r}>"

    @property
    def task(self) -> Task:
        """The attempt's task. Before the launch, what is changed here reaches the step."""
        return Task.of(self._id)

    @property
    def task_parameter_override(self) -> dict[str, object]:
        """What the step is called with, by `Section/name`."""
        return {path: value for path, value in self.task.get_parameters().items() if not path.startswith("return/")}

    def task_id(self) -> str:
        """Return the id of the task."""
        return self._id

    def status(self, force: bool = False) -> str:
        """Return where the task stands; `force` is accepted for compatibility, nothing is kept from earlier calls."""
        _ = force
        return self.task.status

    def status_message(self) -> str:
        """Return why the task ended otherwise than well; empty when it did not."""
        return self.task.data.message

    def elapsed(self) -> float:
        """Return for how many seconds it has been running, or ran; -1 before it began."""
        task = self.task.data
        if task.started is None:
            return -1.0
        return (task.ended or time.time()) - task.started

    def get_metric(self, title: str, series: str) -> tuple[float, float, float]:
        """Return the least, the greatest and the last value of a series.

        Raises:
            NotFound: The task reported no such series.
        """
        for one in session.backend().call(SummarizeScalars(task=self._id)):
            if (one.title, one.series) == (title, series):
                return one.minimum, one.maximum, one.last
        raise NotFound(f"task {self._id} reported no series {series!r} of {title!r}")

    def get_console_output(self, number_of_reports: int = 1) -> list[str]:
        """Return the last console lines, as that many texts at the most."""
        return self.task.get_reported_console_output(number_of_reports)

    def is_pending(self) -> bool:
        """Return whether it has not begun."""
        return self._record_status() in NOT_BEGUN

    def is_running(self) -> bool:
        """Return whether it runs."""
        return self._record_status() is Status.IN_PROGRESS

    def is_stopped(self) -> bool:
        """Return whether it has ended, in any way."""
        return self._record_status() not in OPEN

    def is_completed(self) -> bool:
        """Return whether it ended well."""
        return self._record_status() in RAN_WELL

    def is_failed(self) -> bool:
        """Return whether it failed."""
        return self._record_status() is Status.FAILED

    def is_aborted(self) -> bool:
        """Return whether it was stopped."""
        return self._record_status() is Status.STOPPED

    def is_cached_task(self) -> bool:
        """Return whether an earlier execution stands for it, and nothing ran."""
        return REUSED in self.task.data.runtime

    def _record_status(self) -> Status:
        return self.task.data.status
