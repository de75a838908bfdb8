"""Archives of anybody: zip and tar files become folders and regular files below one new folder, or nothing at all.

Whatever an archive says about itself is a claim. Names are judged before they are used, links and devices are refused,
and what comes out is counted while it comes out. A refused archive leaves nothing behind. This must never follow what
an archive contains: no links, no set-id bits, no archives inside of archives, and no name that was not judged.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import stat
import struct
import tarfile
import tempfile
import zlib
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from msgspec import Struct

from penstock.blobs.files import writing_below
from penstock.core.errors import UnsafeArchive

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from penstock.core.errors import PenstockError

    Refuse = Callable[[str], PenstockError]

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
LONGEST_NAME = 4_096  # bytes of a path
_LONGEST_PART = 255  # bytes that file systems take for one name
_DEEPEST = 100  # folders in folders: removing what was unpacked must not fail on depth
_PIECE = 1 << 20
_MOST_HEADER = 256 << 10  # bytes that one entry of a tar file may spend on its name and attributes
_MOST_DIRECTORY = 24 << 20  # bytes of the directory of a zip file, which is read at once
_DIRECTORY_ENTRY = b"PK\x01\x02"
_DRIVE = re.compile(r".:", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNREADABLE = (BadZipFile, EOFError, LookupError, OverflowError, RuntimeError, ValueError, gzip.BadGzipFile,
               struct.error, tarfile.TarError, zlib.error)  # fmt: skip
_TAR_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}


class Limits(Struct, frozen=True):
    """How much an archive may unpack to.

    Args:
        entries: Files and folders.
        size: Bytes in all.
        ratio: Bytes for each byte of the archive, from `free` bytes on.
        free: Bytes that any archive may unpack to, whatever the ratio: small files of zeros are no bomb.
    """

    entries: int = 100_000
    size: int = 64 << 30
    ratio: int = 200
    free: int = 64 << 20


LIMITS = Limits()


def is_archive(name: str) -> bool:
    """Return whether a file of this name is an archive that `unpack` can read."""
    return name.lower().endswith(SUFFIXES)


def bare_name(name: str) -> str:
    """Return the name of an archive without its suffix."""
    found = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(found)]


def unpack(path: Path, folder: Path, limits: Limits = LIMITS) -> None:
    """Unpack an archive to a folder, which is made by this and appears only when all of it is there.

    Args:
        path: The archive; its name does not matter, its first bytes tell what it is.
        folder: Where to; must not exist.

    Raises:
        UnsafeArchive: It holds something that is never unpacked, is too large unpacked, or cannot be read; the message
            names the entry. No part of it stays on the disk.
        DiskFull: There is no space for it.
    """
    with writing_below(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="unpacking-", dir=folder.parent))
    try:
        _fill(path, fresh, limits)
        with writing_below(folder.parent):
            fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def shown(name: str) -> str:
    """Return a name as it may be shown: quoted, cut, and without anything that a terminal would act on."""
    return repr(name[:200]) if name.isprintable() else ascii(name[:200])


def is_inside(name: str) -> bool:
    """Return whether a name, joined to a folder, leads below that folder and nowhere else on this system."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return False
    parts = name.split("/")
    return "\0" not in name and length <= LONGEST_NAME and not any(part in ("", ".", "..") for part in parts)


def is_portable(name: str) -> bool:
    """Return whether a name leads inside on every system: also where backslashes and drive letters mean something."""
    if not is_inside(name) or "\\" in name or _DRIVE.match(name) or _CONTROL.search(name):
        return False
    parts = name.split("/")
    return len(parts) <= _DEEPEST and all(len(part.encode()) <= _LONGEST_PART for part in parts)


class Growing:
    """A folder that files and folders are added to, counted while they are: never over one that is there.

    Args:
        folder: The folder; fresh, and nobody else writes below it.
        size: Bytes of the archive that they are from.
        limits: How much there may be.
        refuse: Makes the error from the reason why the archive is refused.
    """

    def __init__(self, folder: Path, size: int, limits: Limits, refuse: Refuse) -> None:
        self._folder = folder
        self._limits = limits
        self._refuse = refuse
        self._most = min(limits.size, max(limits.free, limits.ratio * size))
        self._entries = 0
        self._bytes = 0

    def count_entry(self) -> None:
        """Count a file or folder."""
        self._entries += 1
        if self._entries > self._limits.entries:
            raise self._refuse(f"it holds more than {self._limits.entries:,} files and folders")

    def count_bytes(self, number: int) -> None:
        """Count bytes that came out."""
        self._bytes += number
        if self._bytes > self._most:
            raise self._refuse(f"it would unpack to more than {self._most:,} bytes")

    def add_folder(self, name: str) -> None:
        """Make a folder; one that is there already is fine."""
        with self._placing(name) as target:
            target.mkdir(parents=True, exist_ok=True)

    def add_file(self, name: str, content: IO[bytes], *, executable: bool, counted: bool = True) -> None:
        """Write a file.

        Args:
            content: What to read its bytes from.
            counted: Whether its bytes are counted here, not by who reads them.
        """
        with self._placing(name) as target:
            target.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            made = os.fdopen(os.open(target, flags, 0o777 if executable else 0o666), "wb")
        with made:
            while piece := content.read(_PIECE):
                if counted:
                    self.count_bytes(len(piece))
                with writing_below(self._folder):
                    made.write(piece)

    @contextmanager
    def _placing(self, name: str) -> Generator[Path]:
        with writing_below(self._folder):
            try:
                yield self._folder / name
            except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
                raise self._refuse(f"{shown(name)} is in it twice") from error


def _fill(path: Path, folder: Path, limits: Limits) -> None:
    refuse = partial(_refusal, path)
    try:
        with path.open("rb") as file:
            growing = Growing(folder, os.fstat(file.fileno()).st_size, limits, refuse)
            start = file.read(2)
            file.seek(0)
            if start == b"PK":
                _unpack_zip(file, growing, limits, refuse)
            elif start == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as unzipped:
                    _unpack_tar(cast("IO[bytes]", unzipped), growing, refuse)
            else:
                _unpack_tar(file, growing, refuse)
    except _UNREADABLE as error:
        raise refuse(f"it is damaged or no archive ({str(error)[:200] or type(error).__name__})") from error


def _refusal(path: Path, reason: str) -> UnsafeArchive:
    hint = "nothing of it was unpacked; extract_archive=False gives the archive itself"
    return UnsafeArchive(f"{shown(path.name)} is not unpacked: {reason}", hint=hint)


def _judged(name: str, refuse: Refuse) -> str:
    """Return the name of an entry, which is fit to be used; "" for the folder itself, as in `./`."""
    if name in {"./", "."}:
        return ""
    inner = name.removesuffix("/").removeprefix("./")
    if not is_portable(inner):
        raise refuse(f"it holds a file of the name {shown(name)}")
    return inner


# Zip


class _ZipBytes:
    """A zip file as `ZipFile` reads it: a directory that is too large is refused before it is taken apart."""

    def __init__(self, file: IO[bytes], most: int, refuse: Refuse) -> None:
        self._file = file
        self._most = most
        self._refuse = refuse
        self.is_open = False
        self.tell, self.close, self.seekable = file.tell, file.close, file.seekable

    def seek(self, to: int, whence: int = 0) -> int:
        """Go to a place; one before the beginning is the archive's fault, not the disk's."""
        if whence == 0 and to < 0:
            raise BadZipFile("an entry leads to before the beginning")
        return self._file.seek(to, whence)

    def read(self, number: int = -1) -> bytes:
        """Return the next bytes of the file."""
        if self.is_open:
            return self._file.read(number)
        if number > _MOST_DIRECTORY:
            raise self._refuse(f"its directory is {number:,} bytes long")
        found = self._file.read(number)
        if found.count(_DIRECTORY_ENTRY) > self._most:
            raise self._refuse(f"it holds more than {self._most:,} files and folders")
        return found


def _unpack_zip(file: IO[bytes], growing: Growing, limits: Limits, refuse: Refuse) -> None:
    source = _ZipBytes(file, limits.entries, refuse)
    with ZipFile(cast("IO[bytes]", source)) as archive:
        source.is_open = True
        for info in archive.infolist():
            growing.count_entry()
            if "\0" in info.orig_filename:
                raise refuse(f"it holds a file of the name {shown(info.orig_filename)}")
            name = _judged(info.filename, refuse)
            if reason := _zip_reason(info):
                raise refuse(f"{shown(info.filename)} in it is {reason}")
            if info.is_dir():
                growing.add_folder(name)
                continue
            with archive.open(info) as content:
                growing.add_file(name, content, executable=bool(info.external_attr >> 16 & stat.S_IXUSR))


def _zip_reason(info: ZipInfo) -> str:
    if info.flag_bits & 1:
        return "encrypted"
    if info.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        return "compressed in a way that is not unpacked here"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if stat.S_ISLNK(kind):
        return "a symbolic link"
    if kind not in {0, stat.S_IFDIR if info.is_dir() else stat.S_IFREG}:
        return "no plain file"
    return ""


# Tar


class _TarBytes:
    """A tar file as `TarFile` reads it: only forwards, counted, and with little for each header.

    `TarFile` takes whatever a header announces into memory, and takes what is no header at all for the end.
    """

    def __init__(self, file: IO[bytes], growing: Growing, refuse: Refuse) -> None:
        self._file = file
        self._growing = growing
        self._refuse = refuse
        self._at = 0
        self._header = 0
        self._is_header = True
        self._last = b""

    def expect_header(self) -> None:
        """Take what is read from here on for a header."""
        self._is_header = True
        self._header = 0

    def expect_content(self) -> None:
        """Take what is read from here on for the content of a file."""
        self._is_header = False

    def check_end(self) -> None:
        """Check that the header read last marks the end, and read what follows so that gzip checks its own sum."""
        if len(self._last) != tarfile.BLOCKSIZE or any(self._last):
            raise self._refuse("it is damaged or cut off")
        self.expect_content()
        while self.read(_PIECE):
            pass

    def tell(self) -> int:
        """Return where reading goes on."""
        return self._at

    def read(self, number: int = -1) -> bytes:
        """Return the next bytes."""
        if self._is_header:
            self._header += max(number, 0)
            if number < 0 or self._header > _MOST_HEADER:
                raise self._refuse(f"the header of an entry is longer than {_MOST_HEADER:,} bytes")
        found = self._file.read(number)
        self._growing.count_bytes(len(found))
        self._at += len(found)
        self._last = found
        return found

    def seek(self, to: int, whence: int = 0) -> int:
        """Go forward to a place."""
        if whence != 0 or to < self._at:
            raise tarfile.ReadError("an entry leads backwards")
        while self._at < to:
            found = self._file.read(min(_PIECE, to - self._at))
            if not found:
                raise tarfile.ReadError("it ends too early")
            self._growing.count_bytes(len(found))
            self._at += len(found)
        return self._at


def _unpack_tar(file: IO[bytes], growing: Growing, refuse: Refuse) -> None:
    source = _TarBytes(file, growing, refuse)
    with tarfile.TarFile(fileobj=cast("IO[bytes]", source)) as archive:
        kept = cast("list[tarfile.TarInfo]", vars(archive)["members"])  # all that it has read
        while True:
            source.expect_header()
            member = archive.next()
            if member is None:
                source.check_end()
                return
            source.expect_content()
            growing.count_entry()
            _unpack_member(archive, member, growing, refuse)
            kept.clear()


def _unpack_member(archive: tarfile.TarFile, member: tarfile.TarInfo, growing: Growing, refuse: Refuse) -> None:
    name = _judged(member.name, refuse)
    if member.issparse():
        raise refuse(f"{shown(member.name)} in it is a sparse file")
    if member.isdir():
        growing.add_folder(name)
        return
    if member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or not name:
        raise refuse(f"{shown(member.name)} in it is {_TAR_KINDS.get(member.type, 'no plain file')}")
    content = archive.extractfile(member)
    if member.size < 0 or content is None:
        raise refuse(f"{shown(member.name)} in it has a length of {member.size}")
    with content:
        growing.add_file(name, content, executable=bool(member.mode & stat.S_IXUSR), counted=False)
