"""The task of this process: how a script becomes one, what it connects to it, and how it leaves."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from msgspec.structs import replace

from penstock.core.errors import Conflict, NotFound
from penstock.core.secret import opened
from penstock.core.task import ENDED
from penstock.ops.lifecycle import ResetTask
from penstock.ops.queues import ListQueues, Queue
from penstock.ops.runs import GetRun
from penstock.ops.tasks import DescribeTask, GetConfigurations, SetConfiguration
from penstock.run import current, liveness
from penstock.run.arguments import following
from penstock.run.reporter import Reporter
from penstock.sdk import recording, registered, session
from penstock.sdk.given import task_type as kind_of
from penstock.sdk.given import words
from penstock.sdk.input_model import InputModel
from penstock.sdk.output_model import OutputModel
from penstock.sdk.recording import Options, Recording
from penstock.sdk.sections import TaskSection
from penstock.sdk.task import beginning
from penstock.sdk.task.making import Makeable

if TYPE_CHECKING:
    from pathlib import Path

Connected = TypeVar("Connected")
Written = TypeVar("Written", bound="dict[str, Any] | list[Any] | str | Path")

following.listen()  # a script may read its command line before it becomes a task


class Main(Makeable):
    """The task of this process."""

    @classmethod
    def init(
        cls,
        project_name: str | None = None,
        task_name: str | None = None,
        task_type: str = "training",
        tags: Iterable[str] | str | None = None,
        reuse_last_task_id: bool | str = True,
        continue_last_task: bool | str | int = False,
        output_uri: str | bool | None = None,
        auto_connect_arg_parser: bool | Mapping[str, bool] = True,
        auto_connect_frameworks: bool | Mapping[str, Any] = True,
        auto_resource_monitoring: bool | Mapping[str, Any] = True,
        auto_connect_streams: bool | Mapping[str, bool] = True,
        deferred_init: bool = False,
    ) -> Self:
        """Make this process a recorded task and return it; called again, return the same task.

        The script, its repository, commit and uncommitted changes, its packages, its command line, what it prints, and
        what it saves with known libraries are recorded from now on. In a process that was launched to carry out a task
        that exists already, that task is returned, and its values win over those of the script.

        Args:
            project_name: Path of the project; that of the repository, or `Untitled`, when there is none.
            task_name: Its name; that of the script's file when there is none.
            task_type: For example `training` or `data_processing`; see `TaskTypes`.
            tags: Tags to add; a text is split at spaces.
            reuse_last_task_id: Whether the last task of this project, name and type is used again, and what it recorded
                is forgotten, if it ended within 72 hours and left neither artifacts nor models; or the id of a task.
            continue_last_task: Whether that task goes on with all that it recorded; or the id of a task; or a number
                to add to the iterations that are reported.
            output_uri: Where copies of its artifacts and models are sent: a folder, or a URL such as `s3://bucket/out`.
            auto_connect_arg_parser: Whether the command line is recorded; or which arguments, `{"name": False}`.
            auto_connect_frameworks: Whether what libraries do is recorded; or of which, `{"matplotlib": False}`.
            auto_resource_monitoring: Whether the use of CPU, memory, disk, network and GPU is reported.
            auto_connect_streams: Whether what it prints is recorded.
            deferred_init: Accepted for compatibility; nothing here takes long enough to be put off.

        Raises:
            Conflict: This process works on another task already; `close()` it first.
            NotFound: There is no task of the id that is named.
        """
        _ = deferred_init
        options = Options(
            arguments=auto_connect_arg_parser,
            frameworks=auto_connect_frameworks,
            resources=auto_resource_monitoring,
            streams=auto_connect_streams,
        )
        going_on = cls._going_on(project_name, task_name, options)
        if going_on is not None:
            return going_on
        wanted = beginning.wanted(project_name, task_name, kind_of(task_type), words(tags), output_uri)
        id = beginning.begin(wanted, reuse_last_task_id, continue_last_task)
        mine = current.Current(
            id, None, session.backend(), Reporter(session.backend(), id), str(session.settings().scratch / "copies")
        )
        current.put(mine)
        recording.begin(Recording(id, assigned=False), options)
        task = cls.of(id)
        if continue_last_task is not False:
            task.set_initial_iteration(beginning.offset(id, continue_last_task))
        return task

    @classmethod
    def _going_on(cls, project: str | None, name: str | None, options: Options) -> Self | None:
        """Return the task that this process works on already; None when it works on none.

        Raises:
            Conflict: It is not the one that is named.
        """
        working, recorded = current.get(), recording.get()
        if working is None:
            return None
        if working.process != os.getpid():
            return cls.of(working.task)  # a process that was forked works on what its parent does
        if working.assigned:
            if recorded is None or recorded.options != options:
                recording.begin(Recording(working.task, assigned=True), options)
            return cls.of(working.task)
        task = cls.of(working.task if recorded is None else recorded.task)
        if recorded is None and task.data.status in ENDED:
            return None  # a run that this process carried out before
        if task._is_called(project, name):  # noqa: SLF001 - it is of this very class
            return task
        raise Conflict(
            f"this process works on task {task.name!r} in project {task.project!r} already",
            hint="call close() on that task before Task.init makes another",
        )

    def _is_called(self, project: str | None, name: str | None) -> bool:
        """Return whether these are its project and name, or those of the pipeline whose run it is."""
        names, projects = {None, self.name}, {None, self.project}
        if self._is_run():
            run = session.backend().call(GetRun(id=self.id)).run
            names.add(run.pipeline)
            projects.add(run.project)
        return name in names and project in projects

    @classmethod
    def current_task(cls) -> Self | None:
        """Return the task that this process works on: the step's in a step, the run's in a pipeline's script."""
        working = current.get()
        return None if working is None else cls.of(working.task)

    @classmethod
    def running_locally(cls) -> bool:
        """Return whether this process was started by a person, and not launched to carry out a recorded task."""
        working = current.get()
        return working is None or not working.assigned

    def connect(self, mutable: Connected, name: str | None = None, ignore_remote_overrides: bool = False) -> Connected:
        """Record an object's values as hyper-parameters, and return it with the values that the task has.

        In a process that carries out a task which existed before, the task's values are put into the object; else the
        object's values are recorded, and what is written into a dict that is returned is recorded, too.

        Args:
            mutable: A dict, an object, a class, a dataclass, a pydantic model, an `argparse` parser or namespace; or an
                InputModel or OutputModel, which becomes a model of the task.
            name: Section of the parameters; `General` when there is none, `Args` for a parser.
            ignore_remote_overrides: Whether the object's values are kept in any case.

        Raises:
            BadParameter: The object cannot be connected, or the task has a value that it cannot take.
        """
        from penstock.run.connect import connect

        if isinstance(mutable, InputModel | OutputModel):
            mutable.connect(self, name=name, ignore_remote_overrides=ignore_remote_overrides)
            return mutable
        section = name or _section_of(mutable)
        assigned = self._is_assigned() and not ignore_remote_overrides
        found: Connected = connect(mutable, TaskSection(self.id, section, assigned=assigned))
        return found

    def connect_configuration(
        self,
        configuration: Written,
        name: str | None = None,
        description: str | None = None,
        ignore_remote_overrides: bool = False,
    ) -> Written:
        """Record a configuration, and return it with the content that the task has.

        Args:
            configuration: A dict or list, or the path of a text file. In a process that carries out a task which
                existed before, a dict is filled with the task's content; of a file the path of one with the task's
                text is returned, which goes when the task ends.
            name: Its name; `General` when there is none.
            description: What it is for.
            ignore_remote_overrides: Whether the given content is kept in any case.

        Raises:
            NotFound: There is no such file.
            BadParameter: The configuration cannot be written as a text, or the task's text cannot be read.
            StoreError: The file with the task's text cannot be written.
        """
        from penstock.run.connecting.configurations import connect_configuration

        name = name or "General"
        stored = None
        if self._is_assigned() and not ignore_remote_overrides:
            had = session.backend().call(GetConfigurations(task=self.id))
            stored = next((one for one in had if one.name == name), None)
        return connect_configuration(
            configuration,
            name,
            stored=stored and replace(stored, text=str(opened(stored.text, current.secrets_for(self.id)))),
            store=lambda made: session.backend().call(SetConfiguration(task=self.id, configuration=made)),
            folder=session.scratch(),
            description=description or "",
        )

    def set_initial_iteration(self, offset: int = 0) -> int:
        """Add a number to the iterations that are reported from now on, and return it."""
        session.reporter(self.id).first_iteration = int(offset)
        return int(offset)

    def get_initial_iteration(self) -> int:
        """Return the number that is added to reported iterations."""
        return session.reporter(self.id).first_iteration

    def flush(self, wait_for_uploads: bool = False) -> bool:
        """Record what was reported so far; return True. What is uploaded is stored already when its call returns."""
        _ = wait_for_uploads
        registered.store(self.id)
        session.reporter(self.id).flush()
        return True

    def execute_remotely(
        self, queue_name: str | None = None, clone: bool = False, exit_process: bool = True
    ) -> Self | None:
        """Stop here, and leave the task to be carried out later: by an agent, a pipeline, or a command.

        In the process that carries it out, nothing happens.

        Args:
            queue_name: The queue that it waits in from now on, behind a server. Without one it stays a draft, with
                the queue noted, as it does without a name.
            clone: Whether a clone of the task is what is left, and the task itself ends as completed.
            exit_process: Whether this process leaves now, with exit code 0.

        Returns:
            The task that is left, when this process does not leave; None in the process that carries it out.

        Raises:
            Conflict: The task is not the one of this process.
            NotFound: There is no such queue; nothing has changed then.
        """
        if self._is_assigned():
            return None
        found = recording.get()
        if found is None or found.task != self.id:
            raise Conflict(f"task {self.name!r} is not the one of this process", hint="enqueue it with Task.enqueue")
        waits_in = self._queue(queue_name) if queue_name and session.settings().url else None
        if clone:
            draft = type(self).clone(self, name=self.name)
            found.close()
        else:
            found.let_go()
            session.backend().call(ResetTask(id=self.id, worker=liveness.here()))
            draft = type(self).of(self.id)
        if waits_in is not None:
            draft = self.enqueue(draft, waits_in.name)
        elif queue_name:
            session.backend().call(DescribeTask(id=draft.id, queue=queue_name))
        sys.stderr.write(f"penstock: task {draft.name!r} {_what_is_left(waits_in)}: {draft.id}\n")
        if exit_process:
            _leave()
        return draft

    @staticmethod
    def _queue(name: str) -> Queue:
        found = session.backend().call(ListQueues(names=(name,)))
        if not found:
            known = ", ".join(repr(one.name) for one in session.backend().call(ListQueues()))
            raise NotFound(f"there is no queue {name!r}", hint=f"there are {known}")
        return found[0]

    def close(self) -> None:
        """End the task of this process, well, and stop recording. Another one may begin then.

        A run is ended by its pipeline; after this it is only not the task of this process any more.
        """
        found, working = recording.get(), current.get()
        if found is not None and found.task == self.id:
            registered.store(self.id)
            found.close()
            self.reload()
        elif working is not None and working.task == self.id and not working.assigned:
            working.close()
            current.put(None)

    def _is_assigned(self) -> bool:
        working = current.get()
        return working is not None and working.assigned and working.task == self.id


def _section_of(mutable: object) -> str:
    return "Args" if isinstance(mutable, argparse.ArgumentParser | argparse.Namespace) else "General"


def _what_is_left(queue: Queue | None) -> str:
    if queue is None:
        return "is recorded as a draft"
    from penstock.core.waiting import unserved

    return f"waits in queue {queue.name!r}{'' if queue.agents else f' ({unserved(queue.name)})'}"


def _leave() -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(0)
