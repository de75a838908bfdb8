"""What a task leaves behind, as records: artifacts, models, scalars, plots, console lines. The bytes are elsewhere."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field


class Blob(Struct, frozen=True):
    """Bytes in the blob store.

    Args:
        hash: SHA-256 of the bytes, as 64 lower-case hexadecimal digits; also their address.
        size: Length in bytes.
    """

    hash: str
    size: int


class TableHead(Struct, frozen=True):
    """The first rows of a table, for a person: at most 200 rows of 20 columns, of 40 characters each.

    Args:
        columns, types: Names and types of the first columns.
        rows: Their values as texts.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()


class Artifact(Struct, frozen=True, kw_only=True):
    """A named value that a task stored, or that was given to it.

    Args:
        task: Id of the task that holds it.
        name: Unique within the task.
        format: Name of the format its bytes are in, for example `npy`, `arrow`, `json`, `pickle`.
        type: The Python type it had, for example `pandas.DataFrame`.
        hash: SHA-256 of the bytes.
        size: Length in bytes.
        url: Where the bytes are.
        preview: A short text that shows the value to a person.
        table: Of a table, its first rows.
        metadata: Facts about it, for example `rows`; what the user gave with it comes here too.
        created: Epoch seconds.
        maker: Id of the task that stored it, where that is not the one that holds it.
    """

    task: str
    name: str
    format: str
    type: str
    hash: str
    size: int
    url: str
    preview: str = ""
    table: TableHead | None = None
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    created: float = 0.0
    maker: str = ""


class Model(Struct, frozen=True, kw_only=True):
    """Weights, and what is said of them. Any number of tasks may have one model, as an output or as an input.

    Args:
        id: 32 hexadecimal digits.
        task: The task that made it; empty when it came from elsewhere.
        project: Path of its project.
        name: Its name; in the list of a task's models the one that it has there. Several models may share one.
        direction: In the list of a task's models `output` or `input`; empty where it is looked at by itself.
        url: Where the bytes are; empty until there are any.
        hash: SHA-256 of the bytes; empty when they are elsewhere and were never read.
        size: Length in bytes; 0 when it is not known.
        framework: The library that wrote it, as far as known.
        comment: A text for people.
        tags: Words to find it by.
        labels: The number that it gives to each class.
        metadata: What users noted of it, as texts.
        metadata_types: The types that users said these texts are of, where they said one.
        facts: How its bytes are stored, for example `format` and `file_name`.
        design: The text of its configuration.
        published: Epoch seconds since when it stays as it is; None while it may change.
        archived: Whether somebody put it out of sight.
        created: Epoch seconds.
        updated: Epoch seconds when its weights were last set.
        maker: Id of the task that linked it, where that is not the one that holds it.
    """

    id: str
    task: str
    project: str
    name: str
    url: str
    direction: str = ""
    hash: str = ""
    size: int = 0
    framework: str = ""
    comment: str = ""
    tags: tuple[str, ...] = ()
    labels: dict[str, int] = field(default_factory=dict[str, int])
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    metadata_types: dict[str, str] = field(default_factory=dict[str, str])
    facts: dict[str, str] = field(default_factory=dict[str, str])
    design: str = ""
    published: float | None = None
    archived: bool = False
    created: float = 0.0
    updated: float = 0.0
    maker: str = ""


class Stream(StrEnum):
    """Where a console line came from."""

    OUT = "out"
    ERR = "err"


class ConsoleLine(Struct, frozen=True, array_like=True):
    """One line of what a task printed.

    Args:
        at: Epoch seconds when it was read.
        stream: Standard output or standard error.
        text: The line without its line break.
    """

    at: float
    stream: Stream
    text: str


class ScalarPoint(Struct, frozen=True, array_like=True):
    """One reported number.

    Args:
        iteration: The step of training that it belongs to; None for a value that the whole task has once.
        value: The number.
        at: Epoch seconds.
    """

    iteration: int | None
    value: float
    at: float


class ScalarSeries(Struct, frozen=True, kw_only=True):
    """The points of one line in one diagram, in the order of their report."""

    title: str
    series: str
    points: tuple[ScalarPoint, ...]


class ScalarSummary(Struct, frozen=True, kw_only=True):
    """What is known of a series without reading its points."""

    title: str
    series: str
    last: float
    minimum: float
    maximum: float
    count: int
    iteration: int | None


class Plot(Struct, frozen=True, kw_only=True):
    """A figure, table, histogram, image or text that a task reported.

    Args:
        kind: `plotly`, `table`, `image` or `media`; in older records also `histogram`.
        data: JSON text of the figure, the table or the media file; for an image the hash of its blob.
    """

    title: str
    series: str
    kind: str
    iteration: int
    data: str
    at: float = 0.0
