"""A task as users meet it: what was recorded of it, and what a step may record of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from penstock.core import task as record
from penstock.core.errors import Invalid
from penstock.core.outputs import ScalarSummary
from penstock.core.parameters import plain, restore
from penstock.core.progress import SETTLED
from penstock.core.task import Container, Parameter
from penstock.ops.outputs import GetScalars, ListArtifacts, ReadConsole, SummarizeScalars
from penstock.ops.runs import GetRun
from penstock.ops.tasks import DescribeTask, EndTask, GetParameters, GetTask, JudgeTask, ListTasks, SetParameters
from penstock.run import current
from penstock.sdk import artifacts, models, output_model, session
from penstock.sdk.artifacts import Artifact
from penstock.sdk.logger import Logger
from penstock.sdk.models import Model, TaskModels

if TYPE_CHECKING:
    from penstock.run.storage import Serializer


class Task:
    """One recorded unit of work. Get it with `Task.current_task()`, `Task.get_task(...)` or `pipe.task`."""

    def __init__(self, found: record.Task) -> None:
        self._record = found

    def __repr__(self) -> str:
        return f"<Task {self.name!r} {self.id[:12]}: {self.status}>"

    @classmethod
    def current_task(cls) -> Task | None:
        """Return the task that this process works on: the step's in a step, the run's in a pipeline's script."""
        working = current.get()
        return None if working is None else cls.get_task(working.task)

    @classmethod
    def get_task(
        cls, task_id: str | None = None, project_name: str | None = None, task_name: str | None = None
    ) -> Task:
        """Return a task by its id, or the newest of a project and name.

        Raises:
            NotFound: There is no task of this id.
            Invalid: Neither an id nor a name is given, or no task has that project and name.
        """
        if task_id is not None:
            return cls(session.backend().call(GetTask(id=task_id)))
        if task_name is None:
            raise Invalid("get_task needs task_id or task_name")
        found = session.backend().call(ListTasks(name=task_name, project=project_name, limit=1))
        if not found:
            raise Invalid(f"there is no task {task_name!r}" + (f" in project {project_name!r}" if project_name else ""))
        return cls(found[0])

    @property
    def id(self) -> str:
        """Its id, 32 hexadecimal digits."""
        return self._record.id

    @property
    def name(self) -> str:
        """Its name."""
        return self._record.name

    @property
    def project(self) -> str:
        """Path of its project."""
        return self._record.project

    @property
    def task_type(self) -> str:
        """What kind of work it does, for example `training`."""
        return self._record.type

    @property
    def parent(self) -> str | None:
        """Id of the task that made it; of a step, its run."""
        return self._record.parent

    @property
    def status(self) -> str:
        """Where it stood when it was read: `created`, `queued`, `in_progress`, `stopped`, `failed`, `completed`, ..."""
        return self._record.status.value

    @property
    def comment(self) -> str:
        """Its comment."""
        return self._record.comment

    @property
    def data(self) -> record.Task:
        """Everything that is recorded of it, read-only."""
        return self._record

    def get_status(self) -> str:
        """Read and return where it stands now."""
        self.reload()
        return self.status

    def reload(self) -> None:
        """Read it again."""
        self._record = session.backend().call(GetTask(id=self.id))

    def get_tags(self) -> list[str]:
        """Return its tags."""
        return list(self._record.tags)

    def add_tags(self, tags: Iterable[str] | str) -> None:
        """Add tags; a text is split at spaces."""
        words = tags.split() if isinstance(tags, str) else list(tags)
        self._record = session.backend().call(DescribeTask(id=self.id, add_tags=tuple(words)))

    def set_comment(self, comment: str) -> None:
        """Set its comment."""
        self._record = session.backend().call(DescribeTask(id=self.id, comment=comment))

    def set_name(self, name: str) -> None:
        """Set its name."""
        self._record = session.backend().call(DescribeTask(id=self.id, name=name))

    def set_base_docker(
        self, docker_image: str | None = None, docker_arguments: str = "", docker_setup_bash_script: str = ""
    ) -> None:
        """Set the container that it asks for, before it begins; it acts where an agent runs the task.

        Raises:
            Invalid: No image is given.
            Conflict: It has begun already.
        """
        if not docker_image:
            raise Invalid("set_base_docker needs docker_image")
        asked = Container(image=docker_image, arguments=docker_arguments, setup_script=docker_setup_bash_script)
        self._record = session.backend().call(DescribeTask(id=self.id, container=asked))

    def get_base_docker(self) -> str | None:
        """Return the image and arguments of the container that it asks for; None when it asks for none."""
        asked = self._record.container
        return None if asked is None else f"{asked.image} {asked.arguments}".strip()

    def mark_completed(
        self, ignore_errors: bool = True, status_message: str | None = None, force: bool = False
    ) -> None:
        """Say that it ended well; see `mark_failed`."""
        _ = ignore_errors, force
        self._mark(record.Status.COMPLETED, None, status_message)

    def mark_failed(
        self,
        ignore_errors: bool = True,
        status_reason: str | None = None,
        status_message: str | None = None,
        force: bool = False,
    ) -> None:
        """Say that it failed. Of a step that has ended, the callbacks of its run may say so while the run goes on.

        Args:
            status_reason, status_message: Why, for people.
            ignore_errors, force: Accepted for compatibility; what cannot be changed raises, for everybody.

        Raises:
            Conflict: How it ended is final, or it has not begun.
        """
        _ = ignore_errors, force
        self._mark(record.Status.FAILED, record.EndReason.CALLBACK, status_message or status_reason)

    def mark_stopped(self, force: bool = False, status_message: str | None = None) -> None:
        """Say that it was stopped; see `mark_failed`."""
        _ = force
        self._mark(record.Status.STOPPED, record.EndReason.ABORTED, status_message)

    def _mark(self, status: record.Status, reason: record.EndReason | None, message: str | None) -> None:
        said = message or ""
        self.reload()
        kind = JudgeTask if self._record.status in record.ENDED else EndTask
        self._record = session.backend().call(kind(id=self.id, status=status, reason=reason, message=said))

    def get_progress(self) -> int:
        """Return how much of it is done, in percent: of a run, the part of its steps that have ended."""
        if self._record.type is not record.TaskType.CONTROLLER:
            return 100 if self._record.status in record.ENDED else 0
        counts = session.backend().call(GetRun(id=self.id)).run.counts
        settled = sum(count for status, count in counts.items() if status in SETTLED)
        return 100 * settled // max(sum(counts.values()), 1)

    def get_parameters(self) -> dict[str, object]:
        """Return its hyper-parameters as `Section/name` -> value, each in its type."""
        return {one.path: restore(one) for one in session.backend().call(GetParameters(task=self.id))}

    def get_parameter(self, name: str, default: object = None) -> object:
        """Return one hyper-parameter by `Section/name`; `default` when it has none of that name."""
        return self.get_parameters().get(name, default)

    def set_parameters(self, parameters: Mapping[str, object]) -> None:
        """Set several hyper-parameters by `Section/name`; others stay as they are."""
        for name, value in parameters.items():
            self.set_parameter(name, value)

    def set_parameter(self, name: str, value: object, description: str = "") -> None:
        """Set one hyper-parameter by `Section/name`.

        Raises:
            BadParameter: The value is none that a parameter can hold.
            Conflict: The task is published.
        """
        section, _, rest = name.partition("/")
        if not rest:
            raise Invalid(f"parameter {name!r} should be in the form of `section-name/parameter`")
        kind = "" if value is None else type(value).__name__
        parameter = Parameter(section=section, name=rest, value=plain(value, name), type=kind, description=description)
        session.backend().call(SetParameters(task=self.id, parameters=(parameter,)))

    def upload_artifact(
        self,
        name: str,
        artifact_object: object,
        metadata: Mapping[str, object] | None = None,
        serialization_function: Serializer | None = None,
    ) -> bool:
        """Store a value as an artifact; a text or path that names an existing file stores the file. Return True.

        Args:
            metadata: Facts to record with it, as texts.
            serialization_function: Turns the value into bytes instead of its own format.

        Raises:
            NotSerializable: No format can store the value.
            DiskFull: There is no space for it.
        """
        artifacts.upload(self.id, name, artifact_object, metadata=metadata, serializer=serialization_function)
        return True

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """Its artifacts by name, as they are recorded now."""
        return {one.name: Artifact(one) for one in session.backend().call(ListArtifacts(task=self.id))}

    @property
    def models(self) -> TaskModels:
        """Its models as they are recorded now: `.input` and `.output`, each a list that is also a dict by name."""
        return models.of_task(self.id)

    def upload_model(self, name: str, path: str) -> Model:
        """Store a file or folder as an output model."""
        return output_model.upload(self.id, name, path)

    def get_logger(self) -> Logger:
        """Return the logger that reports for it."""
        return Logger(session.reporter(self.id))

    def get_reported_scalars(self) -> dict[str, dict[str, dict[str, list[float | int | None]]]]:
        """Return every reported point as `{title: {series: {"x": iterations, "y": values}}}`."""
        found: dict[str, dict[str, dict[str, list[float | int | None]]]] = {}
        for one in session.backend().call(GetScalars(task=self.id)):
            points = {"x": [point.iteration for point in one.points], "y": [point.value for point in one.points]}
            found.setdefault(one.title, {})[one.series] = points  # type: ignore[assignment]
        return found

    def get_last_scalar_metrics(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return `{title: {series: {"last", "min", "max"}}}` of what was reported."""
        found: dict[str, dict[str, dict[str, float]]] = {}
        for one in session.backend().call(SummarizeScalars(task=self.id)):
            found.setdefault(one.title, {})[one.series] = _extremes(one)
        return found

    def get_reported_single_values(self) -> dict[str, float]:
        """Return the values that were reported once, by name."""
        found = session.backend().call(SummarizeScalars(task=self.id))
        return {one.series: one.last for one in found if one.title == "Summary"}

    def get_reported_console_output(self, number_of_reports: int = 1) -> list[str]:
        """Return the last console lines, as that many texts at the most."""
        chunks = session.backend().call(ReadConsole(task=self.id, limit=1_000_000))
        texts = ["\n".join(line.text for line in chunk.lines) for chunk in chunks]
        return texts[-number_of_reports:]


def _extremes(summary: ScalarSummary) -> dict[str, float]:
    return {"last": summary.last, "min": summary.minimum, "max": summary.maximum}
