"""The attempt of a step, as the documented callbacks meet it: `node.job`."""

from __future__ import annotations

import time
from contextlib import suppress

from penstock.core.errors import BadTransition, Conflict, NotFound
from penstock.core.run import REUSED
from penstock.core.task import OPEN, EndReason, Status
from penstock.ops.changes import LastChange, ListChanges
from penstock.ops.outputs import SummarizeScalars
from penstock.ops.tasks import EndTask
from penstock.run.callbacks import is_calling
from penstock.sdk import session
from penstock.sdk.task import Task

RAN_WELL = frozenset({Status.COMPLETED, Status.PUBLISHED})
NOT_BEGUN = frozenset({Status.CREATED, Status.QUEUED})
AT_ONCE = 30.0  # seconds that one question to the change feed may wait


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

    def started(self) -> bool:
        """Return whether it has begun, also when it has ended since."""
        return self._record_status() not in NOT_BEGUN

    def wait(
        self, timeout: float | None = None, pool_period: float = 30.0, aborted_nonresponsive_as_running: bool = False
    ) -> bool:
        """Wait until it has ended; return whether it has.

        Args:
            timeout: Minutes; None waits as long as it takes.
            pool_period, aborted_nonresponsive_as_running: Accepted for compatibility; nothing is polled.

        Raises:
            Conflict: A callback asks this of an attempt that goes on, while the run waits for the callback.
        """
        _ = pool_period, aborted_nonresponsive_as_running
        deadline = None if timeout is None else time.monotonic() + timeout * 60
        while True:
            seen = session.backend().call(LastChange())
            if self.is_stopped():
                return True
            if is_calling():
                hint = "look at it with is_stopped(), or wait in a thread of your own"
                raise Conflict(f"task {self._id} ends only once this callback has returned", hint=hint)
            left = AT_ONCE if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return False
            session.backend().call(ListChanges(after=seen, wait=min(left, AT_ONCE)))

    def abort(self) -> None:
        """Stop it, with its process and all that this started; one that has ended stays as it is.

        Raises:
            Conflict: It has not begun: a `pre_execute_callback` that returns False keeps its step from running.
        """
        status = self._record_status()
        if status in NOT_BEGUN:
            raise Conflict(f"task {self._id} is {status}; only one that has begun can be aborted")
        if status in OPEN:
            op = EndTask(id=self._id, status=Status.STOPPED, reason=EndReason.ABORTED, message="a callback aborted it")
            with suppress(BadTransition):  # it has just ended of its own accord
                session.backend().call(op)

    def delete(self) -> bool:
        """Delete its task and return whether it is deleted: the attempt of a step is not, it goes with its run."""
        return self.task.delete()

    def iterations(self) -> int:
        """Return the last iteration that it reported a scalar at; -1 when it reported none."""
        found = session.backend().call(SummarizeScalars(task=self._id))
        return max((one.iteration for one in found if one.iteration is not None), default=-1)

    def worker(self) -> str | None:
        """Return which process carries it out, or did, as `host:pid`; None before one did."""
        worker = self.task.data.worker
        return None if worker is None else f"{worker.host}:{worker.pid}"

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
