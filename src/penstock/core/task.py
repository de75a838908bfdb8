"""The task record: what was asked, how it stands, why it ended. And the one table of what a status may become.

Rule 1: a status changes only along `ALLOWED`: what ended stays ended, whoever reports late.
Rule 2: some things are said on purpose and not reported, and have tables of their own. While a step's own post-execute
callback is called, it may judge the attempt that has ended; a task that belongs to no run is judged by whoever owns it:
`JUDGED`. A task that was claimed and not begun waits in its queue again, and so does a run that was lost with its
agent. A run that ended short of its goal may be resumed: `RESUMABLE`. A task that belongs to no run may be made a draft
again: `RESETTABLE`.
Rule 3: nothing here knows where tasks are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from penstock.core.errors import BadTransition
from penstock.core.secret import MASK, SECRET, is_masked


class Status(StrEnum):
    """Where a task stands. The words are those of the documented API."""

    CREATED = "created"
    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    STOPPED = "stopped"
    FAILED = "failed"
    COMPLETED = "completed"
    PUBLISHED = "published"


ALLOWED: dict[Status, frozenset[Status]] = {
    Status.CREATED: frozenset({Status.QUEUED, Status.IN_PROGRESS}),
    Status.QUEUED: frozenset({Status.CREATED, Status.IN_PROGRESS, Status.STOPPED}),
    Status.IN_PROGRESS: frozenset({Status.COMPLETED, Status.FAILED, Status.STOPPED}),
    Status.STOPPED: frozenset(),
    Status.FAILED: frozenset(),
    Status.COMPLETED: frozenset({Status.PUBLISHED}),
    Status.PUBLISHED: frozenset(),
}

JUDGED: dict[Status, frozenset[Status]] = {
    Status.COMPLETED: frozenset({Status.FAILED, Status.STOPPED}),
    Status.FAILED: frozenset({Status.COMPLETED, Status.STOPPED}),
    Status.STOPPED: frozenset({Status.COMPLETED, Status.FAILED}),
}

RESUMABLE = frozenset({Status.IN_PROGRESS, Status.STOPPED, Status.FAILED})
"""Where a run may stand that is resumed; one in progress only when its process is gone."""

CONTINUABLE = frozenset({Status.STOPPED, Status.FAILED, Status.COMPLETED})
"""Where a task that belongs to no run may stand that goes on."""

RESETTABLE = frozenset(Status) - {Status.PUBLISHED}
"""Where a task may stand that is made a draft again; one in progress only by the process that carries it out."""

PROPERTIES = "properties"
"""The section of parameters that people may change at any time; the documented API calls them user properties."""

PROGRESS = "progress"
"""Among the facts kept with a task: what it said of how much is done, in percent."""

MONITORING, OFF = "resource_monitoring", "off"
"""Among the facts kept with a task: `off` when its code said that what it uses is not to be reported."""

ENDED = frozenset({Status.STOPPED, Status.FAILED, Status.COMPLETED, Status.PUBLISHED})
OPEN = frozenset(Status) - ENDED


def origins(to: Status, table: Mapping[Status, frozenset[Status]] = ALLOWED) -> tuple[Status, ...]:
    """Return the statuses from which a task may go to this one."""
    return tuple(status for status, targets in table.items() if to in targets)


def refuse_move(task: str, now: Status, to: Status) -> BadTransition:
    """Return the error that says why a task cannot go to this status."""
    can = ", ".join(sorted(ALLOWED[now]))
    hint = "it has ended, and what ended stays so" if now in ENDED else f"from {now} it can become {can}"
    return BadTransition(f"task {task} is {now}; it cannot become {to}", hint=hint)


class EndReason(StrEnum):
    """Why a task ended otherwise than well."""

    EXCEPTION = "exception"  # the user's code raised
    EXIT_CODE = "exit code"  # the process ended with a code other than 0
    SIGNAL = "signal"  # the process was killed from outside
    TIME_LIMIT = "time limit"
    ABORTED = "aborted"  # somebody asked for it
    INPUT = "input"  # a reference or an artifact that it needs cannot be had
    OUTPUT = "output"  # what it returned cannot be stored
    LAUNCH = "launch"  # its process could not be started
    AGENT_LOST = "agent lost"  # the agent that carried it out was not heard of any more
    AGENT_SHUTDOWN = "agent shutdown"  # the agent that carried it out was told to leave at once
    CONTROLLER_LOST = "controller lost"  # the process that ran the pipeline, or carried the task out, died
    STEP_FAILED = "step failed"  # of a run: one of its steps ended badly
    CALLBACK = "callback"  # a callback of the user's raised, or said so


LOST = frozenset({EndReason.AGENT_LOST, EndReason.AGENT_SHUTDOWN})
"""Why an attempt may have ended through no fault of its own: it is tried again, and its retries are not used up."""


class TaskType(StrEnum):
    """What kind of work a task does. The words are those of the documented API."""

    TRAINING = "training"
    TESTING = "testing"
    INFERENCE = "inference"
    DATA_PROCESSING = "data_processing"
    APPLICATION = "application"
    MONITOR = "monitor"
    CONTROLLER = "controller"
    OPTIMIZER = "optimizer"
    SERVICE = "service"
    QC = "qc"
    CUSTOM = "custom"

    # What scripts write, as the documented API has it: TaskTypes.training
    training = TRAINING
    testing = TESTING
    inference = INFERENCE
    data_processing = DATA_PROCESSING
    application = APPLICATION
    monitor = MONITOR
    controller = CONTROLLER
    optimizer = OPTIMIZER
    service = SERVICE
    qc = QC
    custom = CUSTOM


if TYPE_CHECKING:
    Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
else:
    Json = Any  # msgspec reads annotations at run time, and knows no type that contains itself


class ScriptKind(StrEnum):
    """What the entry point of a script is."""

    FUNCTION = "function"
    SCRIPT = "script"
    MODULE = "module"


class SourceFile(Struct, frozen=True, kw_only=True):
    """A module beside a script.

    Args:
        name: Its path from the script's folder, with `/`.
    """

    name: str
    text: str


class Script(Struct, frozen=True, kw_only=True):
    """The code of a task.

    Args:
        source: Text of the module; empty when the code is a file of the repository.
        entry_point: The function to call in `source`, the file to run, or the module to run, as `-m package.module`.
        kind: Which of the three.
        repository: URL or folder of the repository; with `branch` and `commit` where known.
        diff: What was not committed when it was recorded, as `git diff` writes it.
        working_dir: Folder to run in, relative to the repository or to where the pipeline was started.
        packages: Requirement lines; None lets the packages be found from the imports.
        modules: The modules that the source imports.
        interpreter: Version of Python that recorded it, for example `3.11`.
        files: Modules beside a script that is in no repository, as far as it imports them.
        stands_for: The library whose names mean Penstock in it, such as `clearml`; empty for none.
    """

    source: str = ""
    entry_point: str = ""
    kind: ScriptKind = ScriptKind.FUNCTION
    repository: str | None = None
    branch: str | None = None
    commit: str | None = None
    diff: str = ""
    working_dir: str | None = None
    packages: tuple[str, ...] | None = None
    modules: tuple[str, ...] = ()
    interpreter: str = ""
    files: tuple[SourceFile, ...] = ()
    stands_for: str = ""


class Container(Struct, frozen=True, kw_only=True):
    """The container that a task asks for; it acts where an agent runs the task."""

    image: str
    arguments: str = ""
    setup_script: str = ""


class Worker(Struct, frozen=True, kw_only=True):
    """The process that carries a task out; enough to tell later whether it still lives.

    Args:
        host: Name of its machine.
        pid: Its process id.
        started: When the process started, in the machine's own ticks; a reused pid differs here.
        boot: Id of the machine's present boot.
    """

    host: str
    pid: int
    started: str = ""
    boot: str = ""


class Parameter(Struct, frozen=True, kw_only=True):
    """One hyper-parameter of a task.

    Args:
        section: `Args`, `General`, `kwargs`, ...
        name: Unique within the section; may contain `/`.
        value: The value itself, with its type.
        type: Name of the type that the value must keep: `str`, `int`, `float`, `bool`, `list`, `dict`, ...; empty when
            free. Of a `secret` the value is kept apart, and what is recorded is its seal.
        description: What it is for.
    """

    section: str
    name: str
    value: Json
    type: str = ""
    description: str = ""

    @property
    def path(self) -> str:
        """The name with its section, as references and overrides write it."""
        return f"{self.section}/{self.name}"

    @property
    def shown(self) -> Parameter:
        """The parameter as anybody may see it: of a secret that is not sealed yet, with a mask for its value."""
        is_open = self.type == SECRET and self.value and not is_masked(self.value)
        return replace(self, value=MASK) if is_open else self

    def __repr__(self) -> str:
        return Struct.__repr__(self.shown)

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # what Rich prints of a struct, otherwise with its fields
        return [(name, getattr(self.shown, name)) for name in self.__struct_fields__]


class Configuration(Struct, frozen=True, kw_only=True):
    """A configuration object of a task: a named text, with the format that it is in."""

    name: str
    text: str
    format: str = ""
    description: str = ""


class Task(Struct, frozen=True, kw_only=True):
    """One recorded unit of work.

    Args:
        id: 32 hexadecimal digits.
        project: Path of the project, with `/`.
        parent: The task that made this one; of a step, its run.
        run: The run that it belongs to as a step's attempt.
        step: Name of that step.
        attempt: 1 for the first try of that step, 2 for its first retry, ...
        reason: Why it ended otherwise than well.
        message: The same for people, in one line or with a traceback.
        created, started, ended: Epoch seconds.
        queue: The queue that it is meant for.
        runtime: Small facts that the system keeps with it.
    """

    id: str
    name: str
    project: str
    type: TaskType = TaskType.TRAINING
    status: Status = Status.CREATED
    reason: EndReason | None = None
    message: str = ""
    parent: str | None = None
    run: str | None = None
    step: str | None = None
    attempt: int = 1
    user: str = ""
    comment: str = ""
    tags: tuple[str, ...] = ()
    system_tags: tuple[str, ...] = ()
    script: Script = Script()
    container: Container | None = None
    queue: str | None = None
    output_uri: str | None = None
    worker: Worker | None = None
    runtime: dict[str, str] = field(default_factory=dict[str, str])
    created: float = 0.0
    started: float | None = None
    ended: float | None = None

    @property
    def seconds(self) -> float | None:
        """How long it ran, once it has ended."""
        return self.ended - self.started if self.ended is not None and self.started is not None else None
