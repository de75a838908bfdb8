"""What a format is, what it is given and what it tells about a value. It must never know one format from another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from penstock.core.outputs import TableHead

if TYPE_CHECKING:
    from penstock.blobs.files import BlobWriter


class Stored(Struct, frozen=True, kw_only=True):
    """How a value was stored: the part of an artifact's record that its bytes do not tell.

    Args:
        format: Name of the format.
        type: The Python type that the value had.
        preview: At most 2,000 characters that show the value to a person.
        table: Of a table, its first rows.
        metadata: Facts about the value; `note` says why a value that has a format of its own was pickled.
    """

    format: str
    type: str
    preview: str
    metadata: dict[str, str]
    table: TableHead | None = None


class Facts(Struct, frozen=True, kw_only=True):
    """What a format tells about a value that it wrote.

    Args:
        preview: See Stored.
        metadata: See Stored.
        table: See Stored.
        type: The name of the value's type, where that is another than the name of its class.
    """

    preview: str
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    table: TableHead | None = None
    type: str | None = None


class Source(Struct, frozen=True, kw_only=True):
    """What a format is given to read a value from.

    Args:
        type: The Python type that the value had.
        metadata: What was recorded with the value.
        path: The file with the bytes; it must not be changed.
        workdir: Folder in which copies may be made.
    """

    type: str
    metadata: dict[str, str]
    path: Path
    workdir: Path


class Format(Protocol):
    """One way to store values."""

    @property
    def name(self) -> str:
        """What is recorded in the artifact."""
        ...

    def accepts(self, value: object) -> bool:
        """Return whether the value is of a type that this format is for."""
        ...

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Write the value.

        Raises:
            Unsuited: The value would not come back as it is.
            NotSerializable: Nothing can store this value.
        """
        ...

    def read(self, source: Source) -> object:
        """Return the value."""
        ...


class Unsuited(Exception):
    """This format would not give the value back as it is; the message says why."""


def type_name(kind: type) -> str:
    """Return the name under which users know a type: `int`, `pandas.DataFrame`, `mymodule.Outer.Inner`."""
    module, name = str(kind.__module__), kind.__qualname__
    if module == "builtins":
        return name
    package = package_of(kind)
    exported = getattr(sys.modules.get(package), "__dict__", {}).get(name)  # not getattr: that may import more
    return f"{package}.{name}" if exported is kind else f"{module}.{name}"


def package_of(kind: type) -> str:
    """Return the name of the top-level package that a type comes from."""
    return str(kind.__module__).partition(".")[0]
