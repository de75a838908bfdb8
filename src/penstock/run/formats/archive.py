"""A folder as one zip file, the same bytes for the same content, and our own way to unpack one.

Packing follows links inside of the folder and refuses what a file cannot hold. Unpacking makes folders and regular
files below one fresh folder and nothing else, whoever wrote the archive. It must never trust a name in an archive.
"""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from msgspec import Struct

from penstock.core.errors import Damaged, NotSerializable
from penstock.run.unpack import Growing, Limits, is_inside, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.blobs.files import BlobWriter

MOST_ENTRIES = 1_000_000
_PIECE = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that zip can tell: when files were written is not content
_UNIX = 3


class Entry(Struct, frozen=True):
    """A file or folder of a folder.

    Args:
        name: Its path from the folder, with slashes; a folder's ends in one.
        path: Where it is, links resolved.
        size: Bytes; 0 for a folder.
        executable: Whether its owner may run it.
    """

    name: str
    path: str
    size: int
    executable: bool


def scan(folder: Path) -> list[Entry]:
    """Return everything below a folder, in an order that depends on the names only.

    Raises:
        NotSerializable: Something in it is neither file nor folder, is a link to outside, or cannot be read.
    """
    root = os.path.realpath(folder)
    entries: list[Entry] = []
    try:
        for entry in _walk(root):
            entries.append(entry)
            if len(entries) > MOST_ENTRIES:
                raise NotSerializable(f"cannot store the folder {folder}: it holds more than {MOST_ENTRIES:,} files")
    except OSError as error:
        raise _unreadable(error, folder) from error
    return entries


def pack(folder: Path, entries: list[Entry], sink: BlobWriter) -> None:
    """Write the entries of a folder as a zip file."""
    with ZipFile(cast("IO[bytes]", sink), "w", ZIP_STORED) as archive:
        for entry in entries:
            info = ZipInfo(entry.name, _EPOCH)
            info.create_system = _UNIX
            if entry.name.endswith("/"):
                info.external_attr = (stat.S_IFDIR | 0o755) << 16
                archive.writestr(info, b"")
                continue
            info.external_attr = (stat.S_IFREG | (0o755 if entry.executable else 0o644)) << 16
            try:
                with open(entry.path, "rb", buffering=0) as file, archive.open(info, "w", force_zip64=True) as packed:  # noqa: PTH123 - as scanned
                    while piece := file.read(_PIECE):
                        packed.write(piece)
            except OSError as error:
                raise _unreadable(error, folder) from error


def unpack(path: Path, folder: Path) -> None:
    """Fill a fresh folder from an archive.

    Raises:
        Damaged: The archive is not one that `pack` could have written; parts of it may lie in the folder then.
    """
    size = path.stat().st_size
    # Nothing is compressed, so an archive that unpacks to more than itself is made to fill disks.
    growing = Growing(folder, size, Limits(MOST_ENTRIES, size, ratio=1, free=0), partial(_foreign, path))
    try:
        with ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) > MOST_ENTRIES or sum(info.file_size for info in infos) > size:
                raise _foreign(path, "it would unpack to more than it holds")
            for info in infos:
                _check(info, path)
                if info.is_dir():
                    growing.add_folder(info.filename)
                    continue
                with archive.open(info) as packed:
                    growing.add_file(info.filename, packed, executable=bool(info.external_attr >> 16 & stat.S_IXUSR))
    except (BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise _foreign(path, str(error)) from error


def _walk(root: str) -> Iterator[Entry]:
    left: list[tuple[str, str, tuple[str, ...]]] = [(root, "", (root,))]
    while left:
        folder, prefix, above = left.pop()
        with os.scandir(folder) as found:
            inside = [_entry(root, entry, prefix + entry.name) for entry in sorted(found, key=_name_bytes)]
        for entry in inside:
            if entry.path in above:
                name = shown(entry.name)
                raise NotSerializable(f"cannot store the folder {root}: {name} is a link that goes in a circle")
            if entry.name.endswith("/"):
                left.append((entry.path, entry.name, (*above, entry.path)))
            yield entry


def _name_bytes(entry: os.DirEntry[str]) -> bytes:
    return os.fsencode(entry.name)


def _entry(root: str, entry: os.DirEntry[str], name: str) -> Entry:
    if not is_inside(name):
        message = f"cannot store the folder {root}: the name {shown(name)} cannot be kept"
        raise NotSerializable(message, hint="rename the file; names must be UTF-8")
    path = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
    if not path.startswith(root + os.sep) and path != root:
        message = f"cannot store the folder {root}: {shown(name)} is a link to {shown(path)}, outside of it"
        raise NotSerializable(message, hint="copy into the folder what the link points to")
    facts = entry.stat()
    if stat.S_ISDIR(facts.st_mode):
        return Entry(f"{name}/", path, 0, executable=False)
    if stat.S_ISREG(facts.st_mode):
        return Entry(name, path, facts.st_size, executable=bool(facts.st_mode & stat.S_IXUSR))
    raise NotSerializable(f"cannot store the folder {root}: {shown(name)} is neither a file nor a folder")


def _check(info: ZipInfo, path: Path) -> None:
    if not is_inside(info.filename.removesuffix("/")) or info.orig_filename != info.filename:
        raise _foreign(path, f"it holds a file of the name {shown(info.orig_filename)}")
    kind = stat.S_IFDIR if info.is_dir() else stat.S_IFREG
    if info.compress_type != ZIP_STORED or stat.S_IFMT(info.external_attr >> 16) != kind or info.flag_bits & 1:
        raise _foreign(path, f"{shown(info.filename)} in it is compressed, encrypted or no plain file")


def _foreign(path: Path, reason: str) -> Damaged:
    message = f"{path} is not the archive of a folder that was stored here: {reason}"
    return Damaged(message, hint="nothing outside of the folder for copies was touched")


def _unreadable(error: OSError, folder: Path) -> NotSerializable:
    name = shown(str(error.filename or folder))
    return NotSerializable(f"cannot store the folder {folder}: {name} cannot be read: {error.strerror or error}")
