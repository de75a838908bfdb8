"""Records what the process of a task does by itself: what it prints, its arguments, what libraries save, how it leaves.

A plain script records all of it. A process that carries out a task which existed before has its output recorded by who
launched it, and its end too: there only arguments and libraries are followed.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from msgspec import Struct

from penstock.backend import Backend
from penstock.core.errors import PenstockError
from penstock.core.task import MONITORING, OFF, Configuration
from penstock.ops.tasks import DescribeTask, EndTask, SetConfiguration
from penstock.run import current
from penstock.run.heed import Heed
from penstock.run.interactive import is_interactive
from penstock.run.leaving import Farewell, Leaving, farewell, leave
from penstock.sdk import session
from penstock.sdk.demanded import with_demanded
from penstock.sdk.sections import TaskSection

ARGUMENTS = "Args"
Wanted = bool | Mapping[str, object]


class Options(Struct, frozen=True, kw_only=True):
    """What is recorded by itself; see `Task.init`."""

    arguments: bool | Mapping[str, bool] = True
    frameworks: Wanted = True
    resources: Wanted = True
    streams: Wanted = True


class Recording:
    """What this process records of itself for one task.

    Args:
        task: Id of the task.
        assigned: Whether the task existed before this process, which somebody launched to carry it out.
    """

    def __init__(self, task: str, *, assigned: bool) -> None:
        self.task = task
        self._assigned = assigned
        self._stops: list[Callable[[], object]] = []
        self._leaving: Leaving | None = None
        self._working = None if assigned else current.get()
        self._process = os.getpid()
        self.options = Options()

    def begin(self, options: Options) -> None:
        """Record from now on."""
        self.options = options
        if not self._assigned:
            self._leaving = Leaving(self._end)
            self._leaving.watch()
            self._capture(options.streams)
            self._find_packages()
        self._follow_arguments(options.arguments)
        self._follow_frameworks(options.frameworks)
        if not self._assigned and not is_interactive():
            heed = Heed(session.backend(), self.task, leave)
            heed.start()
            self._stops.append(heed.stop)
        if not self._assigned and options.resources:
            from penstock.run.resources import ResourceMonitor

            monitor = ResourceMonitor(session.reporter(self.task))
            monitor.start()
            self._stops.append(monitor.stop)
        if self._assigned and not options.resources:  # where an agent carries it out, its shim reports this
            session.backend().call(DescribeTask(id=self.task, runtime={MONITORING: OFF}))

    def close(self, farewell: Farewell | None = None) -> None:
        """Stop recording, and end a task that this process began: well, unless it is said otherwise.

        In a process that was forked since it does nothing: the task is its parent's to end.
        """
        if self._process != os.getpid():
            return
        if self._leaving is not None:
            self._leaving.stop()
        self._end(farewell or Farewell())

    def let_go(self) -> None:
        """Stop recording, and leave the task as it stands."""
        if self._leaving is not None:
            self._leaving.stop()
        self._stop()

    def note(self, error: BaseException | None, code: int) -> None:
        """Take note of how the script ended, where our own command ran it."""
        if self._leaving is not None:
            self._leaving.note(error, code)

    def _end(self, farewell: Farewell) -> None:
        self._stop()
        if self._assigned:
            return
        op = EndTask(id=self.task, status=farewell.status, reason=farewell.reason, message=farewell.message)
        with suppress(PenstockError):  # it may be gone, or marked already; there is nobody left to tell
            session.backend().call(op)

    def _stop(self) -> None:
        if get() is self:
            put(None)
        for stop in reversed(self._stops):
            with suppress(Exception):
                stop()
        self._stops.clear()
        if self._working is not None:  # by now this process may work on a pipeline's run
            self._working.close()
            if current.get() is self._working:
                current.put(None)

    def _capture(self, wanted: Wanted) -> None:
        if not wanted or (isinstance(wanted, Mapping) and not any(wanted.values())):
            return
        from penstock.run.capture import Capture

        capture = Capture(session.reporter(self.task))
        capture.start()
        self._stops.append(capture.stop)

    def _follow_arguments(self, wanted: bool | Mapping[str, bool]) -> None:
        if wanted is False:
            return
        from penstock.run.arguments.following import follow_arguments

        section = TaskSection(self.task, ARGUMENTS, assigned=self._assigned)
        self._stops.append(follow_arguments(section, wanted, self._store_configuration).stop)

    def _store_configuration(self, configuration: Configuration) -> None:
        session.backend().call(SetConfiguration(task=self.task, configuration=configuration))

    def _follow_frameworks(self, wanted: Wanted) -> None:
        if wanted is False:
            return
        from penstock.run.frameworks.install import install
        from penstock.sdk.libraries import Libraries

        self._stops.append(install(Libraries(self.task), wanted).remove)

    def _find_packages(self) -> None:
        """Record the packages that the script imports, in the background: finding them takes a while."""
        backend = session.backend()  # where the task is, whatever this process uses by then
        thread = threading.Thread(target=self._record_packages, args=(backend,), name="penstock-packages", daemon=True)
        thread.start()
        self._stops.append(thread.join)

    def _record_packages(self, backend: Backend) -> None:
        from penstock.run.script import describe_packages

        found = with_demanded(describe_packages(sys.modules.get("__main__"), sys.argv))
        with suppress(PenstockError):
            backend.call(DescribeTask(id=self.task, packages=found))


_recording: Recording | None = None
_last: str | None = None


def get() -> Recording | None:
    """Return what records this process; None when nothing does."""
    return _recording


def last() -> str | None:
    """Return the id of the last task that was recorded in this process, also when it has ended; None for none."""
    return _last


def begin(recording: Recording, options: Options) -> None:
    """Record this process from now on, in the place of what recorded it so far.

    Raises:
        Invalid: An option makes no sense; the task has failed then.
    """
    before = _recording
    if before is not None:
        before.let_go()
    put(recording)
    try:
        recording.begin(options)
    except BaseException as error:
        recording.close(farewell(error))
        raise


def forget() -> None:
    """Stop recording, in a process that has not recorded anything yet for anybody to know of."""
    global _last  # noqa: PLW0603 - as below
    if _recording is not None:
        _recording.let_go()
    _last = None


def put(recording: Recording | None) -> None:
    """Set what records this process."""
    global _recording, _last  # noqa: PLW0603 - this is the state that belongs to the process
    _recording = recording
    if recording is not None:
        _last = recording.task
