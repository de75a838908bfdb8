"""The choice of a format: by the exact type of a value when it is stored, by what was recorded when it is loaded.

Libraries are imported with the module of their format, which is imported for values that come from them and for no
others: see `_LIBRARIES`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from penstock.core.errors import ArtifactError, Damaged, Invalid, NotTrusted, PenstockError
from penstock.core.names import did_you_mean
from penstock.run.formats import paths, plain, preview
from penstock.run.formats.stored import Source, Stored, Unsuited, package_of, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.blobs.files import BlobWriter, FileBlobs
    from penstock.core.outputs import Blob
    from penstock.run.formats.stored import Facts, Format

_LIBRARIES = {
    "numpy": "arrays",
    "pandas": "pandas_frames",
    "polars": "polars_frames",
    "pyarrow": "arrow_tables",
    "PIL": "images",
}
_OWNERS = {"npy": "numpy", "png": "PIL"}  # formats of one library; that of `arrow` is told by the type
_ALWAYS: tuple[Format, ...] = (*plain.FORMATS, *paths.FORMATS)
KNOWN = ("json", "text", "bytes", "npy", "arrow", "png", "file", "folder", "pickle", "custom")


def dump(value: object, blobs: FileBlobs) -> tuple[Stored, Blob]:
    """Store a value in the format that keeps it as it is.

    Raises:
        NotSerializable: Nothing can store it; the message names its type and the part that is at fault.
        DiskFull: The blob store's folder is full or read-only.
    """
    try:
        format_ = _choose(value)
        if format_ is not None:
            return _store(format_, value, blobs)
        note = _path_note(value)
    except Unsuited as unsuited:
        note = f"stored by pickle: {unsuited}"
    return _store(_pickle(), value, blobs, note)


def dump_custom(value: object, serializer: Callable[[object], object], blobs: FileBlobs) -> tuple[Stored, Blob]:
    """Store the bytes that a function of the user makes of a value.

    Raises:
        NotSerializable: The function raised, or returned something else than bytes.
        DiskFull: The blob store's folder is full or read-only.
    """
    custom = import_module("penstock.run.formats.pickles").Custom(serializer)
    return _store(cast("Format", custom), value, blobs)


def load(
    format: str,
    type: str,
    metadata: Mapping[str, str],
    path: Path,
    *,
    trusted: bool,
    workdir: Path,
) -> object:
    """Return a stored value.

    Args:
        format: As recorded.
        type: As recorded.
        metadata: As recorded.
        path: The verified file of the blob. It is never changed; arrays are mapped from it, so it must not be either.
        trusted: Whether this store recorded the artifact; only then a pickle is loaded.
        workdir: Where copies of files and folders are put, each in a folder of its own.

    Raises:
        NotTrusted: It is a pickle, and `trusted` is False.
        Damaged: The bytes are not of the format.
        ArtifactError: The value cannot be made here, for example because a library is missing.
    """
    if format == "pickle" and not trusted:
        raise NotTrusted(
            f"this {type} is a pickle that this store did not record: loading it would run code from it",
            hint="load it only where it was made, or store it in another format",
        )
    source = Source(type=type, metadata=dict(metadata), path=path, workdir=workdir)
    try:
        return _by_name(format, type).read(source)
    except (PenstockError, MemoryError):
        raise
    except ImportError as error:
        raise ArtifactError(
            f"cannot load this {type} here: {error}", hint="install what the step that made it had installed"
        ) from error
    except Exception as error:
        kind = ArtifactError if format == "pickle" else Damaged
        raise kind(
            f"cannot load this {type} from its {format}: {error.__class__.__name__}: {error}", hint=_versions(metadata)
        ) from error


def load_custom(deserializer: Callable[[bytes], object], path: Path) -> object:
    """Return what the user's function makes of stored bytes.

    Raises:
        ArtifactError: The function raised.
    """
    data = path.read_bytes()
    try:
        return deserializer(data)
    except Exception as error:
        name = getattr(deserializer, "__name__", "the deserializer")
        raise ArtifactError(f"{name}() could not read the artifact: {error.__class__.__name__}: {error}") from error


def _store(format_: Format, value: object, blobs: FileBlobs, note: str = "") -> tuple[Stored, Blob]:
    with blobs.writer() as writer:
        facts = _write(format_, value, writer)
        blob = writer.commit()
    metadata = facts.metadata | ({"note": note} if note else {})
    kind = facts.type or type_name(type(value))
    stored = Stored(format=format_.name, type=kind, preview=facts.preview, metadata=metadata, table=facts.table)
    return stored, blob


def _write(format_: Format, value: object, writer: BlobWriter) -> Facts:
    try:
        return format_.write(value, writer)
    except (PenstockError, MemoryError, Unsuited):
        writer.check()
        raise
    except Exception as error:
        writer.check()  # a full disk, however a library has wrapped it, is no reason to try another format
        raise Unsuited(f"{format_.name} cannot hold it: {preview.cut(str(error))}") from error


def _choose(value: object) -> Format | None:
    package = package_of(type(value))
    try:
        candidates = (*_ALWAYS, *_library(package))
    except ImportError as error:
        raise Unsuited(f"{error.name} is not installed") from error
    return next((one for one in candidates if one.accepts(value)), None)


def _library(package: str) -> tuple[Format, ...]:
    if package not in _LIBRARIES:
        return ()
    return cast("tuple[Format, ...]", import_module(f"penstock.run.formats.{_LIBRARIES[package]}").FORMATS)


def _by_name(name: str, kind: str) -> Format:
    if name == "pickle":
        return _pickle()
    if name == "custom":
        raise Invalid(
            "this artifact was stored by a function of yours, and only your other function can read it",
            hint="pass the artifact_deserialization_function that belongs to it",
        )
    candidates = _ALWAYS
    if name in KNOWN and name not in {one.name for one in _ALWAYS}:
        candidates = _library(_OWNERS.get(name, kind.partition(".")[0]))
    for format_ in candidates:
        if format_.name == name:
            return format_
    raise Invalid(f"there is no format {name!r} for a value of type {kind!r}", hint=did_you_mean(name, KNOWN, ""))


def _pickle() -> Format:
    return cast("Format", import_module("penstock.run.formats.pickles").FORMAT)


def _path_note(value: object) -> str:
    return "stored by pickle: there is no file or folder at this path" if isinstance(value, Path) else ""


def _versions(metadata: Mapping[str, str]) -> str | None:
    return f"it was made with {metadata['made_with']}" if "made_with" in metadata else None
