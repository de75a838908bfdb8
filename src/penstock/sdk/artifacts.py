"""Artifacts as users meet them: named values of a task."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core import outputs
from penstock.core.errors import Invalid
from penstock.core.outputs import Blob
from penstock.ops.outputs import AddArtifact
from penstock.ops.tasks import GetTask
from penstock.run.execute import destination_of
from penstock.run.storage import Serializer, Values
from penstock.sdk import session

if TYPE_CHECKING:
    from penstock.run.remote.outputs import Destination

LONGEST_PREVIEW = 64 * 1024  # characters of one that the user gives


class Artifact:
    """One artifact of a task. Its bytes are checked against their recorded hash each time they are read.

    Attributes:
        name: Its name, unique within the task.
        url: Where the bytes are, as a `file://` URL.
        hash: SHA-256 of the bytes, as 64 hexadecimal digits.
        size: Length in bytes.
        type: The Python type that it had, for example `pandas.DataFrame`.
        mode: `output`; kept because the documented API has it.
        timestamp: When it was recorded, in epoch seconds.
        metadata: Facts about it and what was given with it, as texts.
        preview: A short text that shows it.
    """

    def __init__(self, record: outputs.Artifact) -> None:
        self._record = record
        self.name = record.name
        self.url = record.url
        self.hash = record.hash
        self.size = record.size
        self.type = record.type
        self.mode = "output"
        self.timestamp = record.created
        self.metadata = record.metadata
        self.preview = record.preview

    def __repr__(self) -> str:
        return f"<Artifact {self.name!r}: {self.type}, {self.size} bytes>"

    def get(self, deserialization_function: Serializer | None = None) -> object:
        """Return the value, as it was stored.

        Args:
            deserialization_function: Turns the stored bytes into the value, when the pipeline wrote them with a
                function of its own.

        Raises:
            Damaged: The bytes are gone or are not what was recorded.
        """
        return _values(deserializer=deserialization_function).load(self._record)

    def get_local_copy(
        self, extract_archive: bool = True, raise_on_error: bool = False, force_download: bool = False
    ) -> str:
        """Return the path of a file (of a folder, for a folder artifact) with the content.

        Args:
            extract_archive: Whether a folder comes back as a folder, not as the archive that it is stored as.
            raise_on_error, force_download: Accepted for compatibility; the bytes are here, and what is wrong with them
                is always raised.

        Raises:
            Damaged: The bytes are gone or are not what was recorded.
        """
        _ = raise_on_error, force_download
        if self._record.format in {"file", "folder"} and extract_archive:
            return str(self.get())
        stored = session.backend().blobs.verified_path(Blob(self.hash, self.size))
        folder = session.scratch() / self.hash[:16]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy = folder / f"{_file_name(self.name)}.{self._record.format}"
        shutil.copyfile(stored, copy)
        return str(copy)


def _file_name(name: str) -> str:
    """Return the name as a file may be called: an artifact's name is no path, and may be anything."""
    kept = "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in name[:50])
    return kept.strip(". ") or "artifact"


def upload(
    task: str,
    name: str,
    value: object,
    *,
    metadata: Mapping[str, object] | None = None,
    serializer: Serializer | None = None,
    preview: str | None = None,
    delete: bool = False,
) -> Artifact:
    """Store a value as an artifact of a task and record it; a text that names an existing file stores the file.

    Args:
        delete: Whether that file is removed once it is stored.

    Raises:
        Invalid: The name is empty.
        NotSerializable: No format can store the value.
        DiskFull: There is no space for it.
    """
    if not name or not name.isprintable():
        raise Invalid(f"an artifact cannot be called {name!r}", hint="give it a name of printable characters")
    if isinstance(value, str) and 0 < len(value) < 4096 and "\n" not in value and Path(value).exists():  # noqa: PLR2004 - no path is longer
        value = Path(value)
    facts = {key: str(fact) for key, fact in (metadata or {}).items()}
    place = destination_of(session.backend().call(GetTask(id=task)))
    stored = Artifact(record_as_is(task, name, value, serializer, facts, preview, place))
    if delete and isinstance(value, Path) and value.is_file():
        value.unlink()
    return stored


def record_as_is(
    task: str,
    name: str,
    value: object,
    serializer: Serializer | None = None,
    facts: dict[str, str] | None = None,
    preview: str | None = None,
    place: Destination | None = None,
) -> outputs.Artifact:
    """Store a value as an artifact of a task, record it, and return the record; a text stays a text."""
    record = _values(serializer=serializer, place=place).store(task, name, value, facts)
    if preview is not None:
        record = replace(record, preview=preview[:LONGEST_PREVIEW])
    return session.backend().call(AddArtifact(artifact=record))


def _values(
    *,
    serializer: Serializer | None = None,
    deserializer: Serializer | None = None,
    place: Destination | None = None,
) -> Values:
    return Values(session.backend().blobs, str(session.scratch()), serializer, deserializer, destination=place)
