"""Files and folders: a path that a step returns stands for what lies there, and comes back as a path to a copy."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from penstock.blobs.files import writing_below
from penstock.core.errors import NotSerializable
from penstock.run.formats import archive, preview
from penstock.run.formats.stored import Facts

if TYPE_CHECKING:
    from penstock.blobs.files import BlobWriter
    from penstock.run.formats.stored import Format, Source

_PIECE = 4 << 20
_LONGEST = 255  # bytes that a file system takes for a name
_LISTED = 30
_TYPE = "pathlib.Path"


class File:
    """The content of a file, its name and whether it can be run."""

    name = "file"

    def accepts(self, value: object) -> bool:
        """Return whether it is a path to a file."""
        return type(value) is type(Path()) and os.path.isfile(value)  # noqa: PTH113 - that one raises

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Copy the file."""
        path = cast("Path", value)
        try:
            with path.open("rb", buffering=0) as file:
                is_executable = os.access(path, os.X_OK) and bool(os.fstat(file.fileno()).st_mode & 0o100)
                while piece := file.read(_PIECE):
                    sink.write(piece)
        except OSError as error:
            raise NotSerializable(f"cannot store the file {path}: {error.strerror or error}") from error
        name = _name(path)
        facts = {"file_name": name, "bytes": str(sink.tell())} | ({"executable": "true"} if is_executable else {})
        return Facts(preview=preview.cut(f"{name}, {sink.tell():,} bytes"), metadata=facts, type=_TYPE)

    def read(self, source: Source) -> object:
        """Return the path of a copy that has the file's name, in a fresh folder."""
        with writing_below(source.workdir):
            target = _fresh(source) / _safe_name(source, "file")
            shutil.copyfile(source.path, target)
            if source.metadata.get("executable") == "true":
                target.chmod(target.stat().st_mode | 0o100)
        return target


class Folder:
    """Everything below a folder, as one zip file."""

    name = "folder"

    def accepts(self, value: object) -> bool:
        """Return whether it is a path to a folder."""
        return type(value) is type(Path()) and os.path.isdir(value)  # noqa: PTH112 - that one raises

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Pack the folder."""
        path = cast("Path", value)
        entries = archive.scan(path)
        archive.pack(path, entries, sink)
        files = [entry for entry in entries if not entry.name.endswith("/")]
        size = sum(entry.size for entry in files)
        name = _name(path)
        lines = [f"{name}/: {len(files):,} files, {size:,} bytes"]
        lines += [f"{entry.size:>15,}  {entry.name}" for entry in files[:_LISTED]]
        lines += ["..."] if len(files) > _LISTED else []
        facts = {"file_name": name, "files": str(len(files)), "bytes": str(size)}
        return Facts(preview=preview.cut("\n".join(lines)), metadata=facts, type=_TYPE)

    def read(self, source: Source) -> object:
        """Return the path of a copy that has the folder's name, in a fresh folder."""
        with writing_below(source.workdir):
            fresh = _fresh(source)
            target = fresh / _safe_name(source, "folder")
            target.mkdir()
        try:
            archive.unpack(source.path, target)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        return target


FORMATS: tuple[Format, ...] = (File(), Folder())


def _name(path: Path) -> str:
    return preview.cut(os.path.basename(os.path.abspath(path)) or "root")  # noqa: PTH100, PTH119 - `..` has no name yet


def _fresh(source: Source) -> Path:
    source.workdir.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="artifact-", dir=source.workdir))


def _safe_name(source: Source, otherwise: str) -> str:
    """Return the recorded name where it is one, and no path: it is data that somebody wrote."""
    name = source.metadata.get("file_name", "")
    is_name = name not in ("", ".", "..") and "/" not in name and "\0" not in name
    return name if is_name and len(name.encode("utf-8", "replace")) <= _LONGEST else otherwise
