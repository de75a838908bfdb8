"""Where a task stands, and what its owner says about that."""

from __future__ import annotations

from collections.abc import Iterable

from penstock.core import task as record
from penstock.core.errors import Conflict, PenstockError, StepFailed
from penstock.core.progress import SETTLED
from penstock.core.run import ARCHIVED
from penstock.core.task import Status
from penstock.ops.changes import LastChange, ListChanges
from penstock.ops.lifecycle import ArchiveTask, BeginTask, DeleteTask, PublishTask, ResetTask
from penstock.ops.runs import ArchiveRun, DeleteRun, GetRun, StopRun
from penstock.ops.steering import AbortStep, AbortTask
from penstock.ops.tasks import DescribeTask, EndTask, JudgeTask
from penstock.run import liveness
from penstock.sdk import session
from penstock.sdk.task.record import Record

WHOLE = 100
AT_ONCE = 30.0  # seconds that one question to the change feed may wait


class Standing(Record):
    """Where a task stands."""

    def get_status(self) -> str:
        """Read and return where it stands now."""
        self.reload()
        return self.status

    def get_status_message(self) -> str:
        """Read and return why it ended otherwise than well; empty when it did not."""
        self.reload()
        return self._record.message

    def wait_for_status(
        self,
        status: Iterable[str] | str = ("completed", "stopped", "closed"),
        raise_on_status: Iterable[str] | str | None = ("failed",),
        check_interval_sec: float = 60.0,
    ) -> None:
        """Wait until it stands as wished. The system tells of each change at once; nothing is polled.

        Args:
            status: Where it may stand for this to return.
            raise_on_status: Where it may stand for this to raise.
            check_interval_sec: Accepted for compatibility.

        Raises:
            StepFailed: It stands where that is asked to raise.
        """
        _ = check_interval_sec
        wished, feared = _words(status), _words(raise_on_status or ())
        while True:
            seen = session.backend().call(LastChange())
            now = self.get_status()
            if now in feared:
                raise StepFailed(f"task {self.name!r} is {now}: {self._record.message or 'no reason was recorded'}")
            if now in wished:
                return
            session.backend().call(ListChanges(after=seen, wait=AT_ONCE))

    def started(self, ignore_errors: bool = True, force: bool = False) -> None:
        """The same as `mark_started`."""
        _ = ignore_errors
        self.mark_started(force=force)

    def mark_started(self, force: bool = False) -> None:
        """Say that it goes on from now, in this process.

        Raises:
            Conflict: It is neither a draft nor queued, or it is a run or a step: those are started by their pipeline.
        """
        _ = force
        self._record = session.backend().call(BeginTask(id=self.id, worker=liveness.here()))

    def completed(self, ignore_errors: bool = True) -> None:
        """The same as `mark_completed`."""
        self.mark_completed(ignore_errors=ignore_errors)

    def mark_completed(
        self, ignore_errors: bool = True, status_message: str | None = None, force: bool = False
    ) -> None:
        """Say that it ended well; see `mark_failed`."""
        _ = ignore_errors, force
        self._mark(Status.COMPLETED, None, status_message)

    def mark_failed(
        self,
        ignore_errors: bool = True,
        status_reason: str | None = None,
        status_message: str | None = None,
        force: bool = False,
    ) -> None:
        """Say that it failed. Of a step that has ended, its own post_execute_callback may say so, while it is called.

        Args:
            status_reason, status_message: Why, for people.
            ignore_errors, force: Accepted for compatibility; what cannot be changed raises, for everybody.

        Raises:
            Conflict: How it ended is final, or it has not begun.
        """
        _ = ignore_errors, force
        self._mark(Status.FAILED, record.EndReason.CALLBACK, status_message or status_reason)

    def stopped(self, ignore_errors: bool = True, force: bool = False) -> None:
        """The same as `mark_stopped`."""
        _ = ignore_errors
        self.mark_stopped(force=force)

    def mark_stopped(self, force: bool = False, status_message: str | None = None) -> None:
        """Say that it was stopped; see `mark_failed`."""
        _ = force
        self._mark(Status.STOPPED, record.EndReason.ABORTED, status_message)

    def mark_stop_request(self, force: bool = False, status_message: str | None = None) -> None:
        """Ask for its end: of a run, of a step's attempt, or of a task of its own; whoever carries it out ends it.

        Raises:
            Conflict: It is a run that is not in progress, an attempt that has ended, or a draft.
            BadTransition: It has ended, and not by being aborted.
        """
        _ = force
        call, by = session.backend().call, session.settings().user
        if self._is_run():
            call(StopRun(id=self.id, why=status_message or "a user asked for it"))
        elif self._record.run is not None:
            if self.get_status() in record.ENDED:
                raise Conflict(f"task {self.id} is {self.status}: this attempt has ended")
            call(AbortStep(run=self._record.run, step=self._record.step or "", by=by))
        else:
            call(AbortTask(id=self.id, by=by))

    def publish(self, ignore_errors: bool = True) -> None:
        """Publish it: from now on it stays as it is.

        Raises:
            BadTransition: It did not complete.
        """
        _ = ignore_errors
        self._record = session.backend().call(PublishTask(id=self.id))

    def reset(self, set_started_on_success: bool = False, force: bool = False) -> None:
        """Make it a draft again: what it recorded goes, what it was asked to do stays.

        Args:
            set_started_on_success: Whether it begins at once, in this process.
            force: Accepted for compatibility; what is published is never reset.

        Raises:
            Conflict: It goes on in another process, is published, or is a run or a step.
        """
        _ = force
        session.backend().call(ResetTask(id=self.id, worker=liveness.here()))
        self.reload()
        if set_started_on_success:
            self.mark_started()

    def archive(self) -> None:
        """Put it out of sight; of a run, its steps too. What is archived is kept, not listed, and never reused."""
        self.set_archived(archive=True)

    def unarchive(self) -> None:
        """Bring it back."""
        self.set_archived(archive=False)

    def set_archived(self, archive: bool) -> None:
        """Put it out of sight, or bring it back.

        Raises:
            Conflict: It goes on, or it is a step, which is archived with its run.
        """
        if self._is_run():
            session.backend().call(ArchiveRun(id=self.id, archived=archive))
            self.reload()
        else:
            self._record = session.backend().call(ArchiveTask(id=self.id, archived=archive))

    def get_archived(self) -> bool:
        """Return whether it is archived."""
        return ARCHIVED in self._record.system_tags

    def delete(
        self,
        delete_artifacts_and_models: bool = True,
        skip_models_used_by_other_tasks: bool = True,
        raise_on_error: bool = False,
        force: bool = False,
    ) -> bool:
        """Delete it with all that it recorded; of a run, its steps too. Return whether it is deleted.

        Args:
            delete_artifacts_and_models, skip_models_used_by_other_tasks: Accepted for compatibility; bytes that
                something else refers to stay, others go.
            raise_on_error: Whether to raise what is in the way, instead of returning False.
            force: Delete it although it is published.
        """
        _ = delete_artifacts_and_models, skip_models_used_by_other_tasks
        try:
            op = DeleteRun(id=self.id) if self._is_run() else DeleteTask(id=self.id, force=force)
            session.backend().call(op)
        except PenstockError:
            if raise_on_error:
                raise
            return False
        return True

    def set_progress(self, progress: int | None) -> None:
        """Say how much of it is done, in percent from 0 to 100; None says nothing any more."""
        known = "" if progress is None else str(min(max(int(progress), 0), WHOLE))
        self._describe(DescribeTask(id=self.id, runtime={record.PROGRESS: known}))

    def get_progress(self) -> int | None:
        """Return how much of it is done, in percent: what it said, of a run the part of its steps that have ended."""
        self.reload()
        said = self._record.runtime.get(record.PROGRESS)
        if said:
            return int(said)
        if not self._is_run():
            return WHOLE if self._record.status in record.ENDED else 0
        counts = session.backend().call(GetRun(id=self.id)).run.counts
        settled = sum(count for status, count in counts.items() if status in SETTLED)
        return WHOLE * settled // max(sum(counts.values()), 1)

    def _mark(self, status: Status, reason: record.EndReason | None, message: str | None) -> None:
        said = message or ""
        self.reload()
        kind = JudgeTask if self._record.status in record.ENDED else EndTask
        self._record = session.backend().call(kind(id=self.id, status=status, reason=reason, message=said))


def _words(statuses: Iterable[str] | str) -> set[str]:
    return {str(one) for one in ([statuses] if isinstance(statuses, str) else statuses)}
