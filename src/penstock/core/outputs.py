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
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    created: float = 0.0
    maker: str = ""


class Model(Struct, frozen=True, kw_only=True):
    """Weights that a task produced or took in.

    Args:
        id: 32 hexadecimal digits.
        task: The task that holds it.
        name: Its name; several models of a task may share one.
        direction: `output` when the task made it, `input` when the task was given it.
        url: Where the bytes are.
        hash: SHA-256 of the bytes.
        size: Length in bytes.
        framework: The library that wrote it, as far as known.
        created: Epoch seconds.
        maker: Id of the task that stored it, where that is not the one that holds it.
    """

    id: str
    task: str
    project: str
    name: str
    direction: str
    url: str
    hash: str
    size: int
    framework: str = ""
    comment: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    created: float = 0.0
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
