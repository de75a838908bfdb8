"""The journal of a shim: what it has to say of its task, in a file of its own until that is delivered.

    <home>/journals/<task>-<fence>.journal      0600, in a folder that only its owner enters

    magic      8 bytes
    delivered  8 bytes, big-endian: where the first entry begins that is not delivered yet
    frames     each 4 bytes of length, 4 of CRC-32 and a body; the first one says whose journal it is

A frame that the end of the process, or of the machine, cut off is the last one, and is left out. Only the outcome is
synced to disk: the system keeps what was written when a process dies. It must never know how entries are delivered.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import msgspec
from msgspec import Struct

from penstock.blobs.files import writing_below
from penstock.core.lease import Held
from penstock.core.outputs import Blob
from penstock.core.task import Worker
from penstock.ops.base import Op
from penstock.ops.claims import BeginClaimed
from penstock.ops.outputs import AddArtifact, AppendConsole, ReportPlots, ReportScalars
from penstock.ops.tasks import DescribeTask, EndTask

ENDING: Final = ".journal"


class Stored(Struct, frozen=True, kw_only=True):
    """What a server is owed: a blob that is stored on this machine, and has to be there before what comes behind."""

    blob: Blob


Said = Op[Any] | Stored

KINDS: Final[dict[str, type[Said]]] = {
    kind.__name__: kind
    for kind in (BeginClaimed, AppendConsole, ReportScalars, ReportPlots, AddArtifact, DescribeTask, EndTask, Stored)
}
"""What a journal may hold; whatever else stands in one is not carried out."""

_MAGIC: Final = b"pnstckj1"
_PLACE: Final = struct.Struct(">Q")
_FRAME: Final = struct.Struct(">II")
_BEGIN: Final = len(_MAGIC) + _PLACE.size
_SHORTENED: Final = 16 << 20  # bytes; when all is delivered, a longer file begins anew
_LONGEST: Final = 1 << 30  # bytes of a frame that is believed


class Opening(Struct, frozen=True, kw_only=True):
    """Whose journal it is.

    Args:
        held: The task, and the number that it is held under.
        writer: The process that writes it.
        place: Tells where it is to be delivered; see `recovery.place_of`.
    """

    held: Held
    writer: Worker
    place: str


class Entry(Struct, frozen=True, kw_only=True):
    """One operation, or blob, that waits for its turn.

    Args:
        number: Counts the entries of the journal.
        op: The name of the operation.
        body: The operation, encoded.
    """

    number: int
    op: str
    body: bytes

    def read(self) -> Said | None:
        """Return what it is; None when it is none that a journal may hold."""
        kind = KINDS.get(self.op)
        try:
            return None if kind is None else msgspec.msgpack.decode(self.body, type=kind)
        except msgspec.DecodeError:
            return None


def file_of(folder: Path, held: Held) -> Path:
    """Return the file of the journal of whoever holds a task."""
    return folder / f"{held.task}-{held.fence}{ENDING}"


class Journal:
    """An open journal. Its methods may be called from any thread; entries are taken out by one.

    Args:
        file: Where it lies.
        descriptor: It, open; closed with this.
    """

    def __init__(self, file: Path, descriptor: int, opening: Opening, begin: int) -> None:
        self.file = file
        self.opening = opening
        self._descriptor = descriptor
        self._turn = threading.Lock()
        self._begin = self._end = begin  # of the entries, and of the last whole one
        self._delivered = begin
        self._next: tuple[Entry, int] | None = None
        self._count = 0

    @classmethod
    def create(cls, folder: Path, opening: Opening) -> Self:
        """Begin a journal.

        Raises:
            StoreError: It cannot be written.
        """
        file = file_of(folder, opening.held)
        part = file.with_suffix(".part")
        frame = _framed(msgspec.msgpack.encode(opening))
        begin = _BEGIN + len(frame)
        with writing_below(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                _write(descriptor, _MAGIC + _PLACE.pack(begin) + frame, 0)
                part.replace(file)  # so that no journal is ever seen which does not say whose it is
            except BaseException:
                os.close(descriptor)
                raise
        return cls(file, descriptor, opening, begin)

    @classmethod
    def open(cls, file: Path) -> Self | None:
        """Open the journal that somebody left; None when the file is none."""
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            begin, opening = _opening(descriptor)
        except (ValueError, OSError):
            os.close(descriptor)
            return None
        journal = cls(file, descriptor, opening, begin)
        journal._find_end()
        return journal

    @property
    def waiting(self) -> int:
        """How many bytes wait to be delivered."""
        return self._end - self._delivered

    def add(self, op: Said, *, synced: bool = False) -> int:
        """Append an operation, or a blob; return its number.

        Args:
            synced: Whether it is on the disk when this returns, whatever becomes of the machine.

        Raises:
            StoreError: It cannot be written; nothing of it stays.
        """
        with self._turn, writing_below(self.file.parent):
            number = self._count + 1
            body = msgspec.msgpack.encode(op)
            frame = _framed(msgspec.msgpack.encode(Entry(number=number, op=type(op).__name__, body=body)))
            try:
                _write(self._descriptor, frame, self._end)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(self._descriptor, self._end)
                raise
            if synced:
                os.fsync(self._descriptor)
            self._end += len(frame)
            self._count = number
            return number

    def first(self) -> Entry | None:
        """Return the first entry that is not delivered; None when there is none."""
        with self._turn:
            if self._next is None and self._delivered < self._end:
                if found := _frame(self._descriptor, self._delivered):
                    self._next = msgspec.msgpack.decode(found[0], type=Entry), found[1]
                else:  # the disk has changed it since: nothing behind it can be read either
                    self._delivered = self._end
            return None if self._next is None else self._next[0]

    def rest(self) -> list[Entry]:
        """Return all entries that are not delivered, and leave them where they are."""
        found: list[Entry] = []
        with self._turn:
            place = self._delivered
            while place < self._end and (frame := _frame(self._descriptor, place)):
                found.append(msgspec.msgpack.decode(frame[0], type=Entry))
                place = frame[1]
        return found

    def take_out(self) -> None:
        """Note that the first entry is delivered."""
        with self._turn:
            if self._next is None:
                return
            self._delivered, self._next = self._next[1], None
            if self._delivered == self._end > _SHORTENED:
                os.ftruncate(self._descriptor, self._begin)  # first: an end before what is delivered is no harm
                self._delivered = self._end = self._begin
            _write(self._descriptor, _PLACE.pack(self._delivered), len(_MAGIC))

    def claim(self) -> bool:
        """Return whether nobody else has this journal in hand now; from then on it is in ours."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return self.file.exists()  # whoever had it may have removed it

    def close(self, *, remove: bool) -> None:
        """Close it.

        Args:
            remove: Whether nothing of it is wanted any more.
        """
        with self._turn:
            if remove:
                self.file.unlink(missing_ok=True)
            os.close(self._descriptor)

    def _find_end(self) -> None:
        """Look where the last whole entry ends, and which ones are delivered."""
        self._delivered = max(self._begin, _PLACE.unpack(os.pread(self._descriptor, _PLACE.size, len(_MAGIC)))[0])
        while found := _frame(self._descriptor, self._end):
            self._end = found[1]
        self._delivered = min(self._delivered, self._end)


def _opening(descriptor: int) -> tuple[int, Opening]:
    """Return whose journal it is, and where its entries begin; raise ValueError when it is none."""
    found = _frame(descriptor, _BEGIN) if os.pread(descriptor, len(_MAGIC), 0) == _MAGIC else None
    if found is None:
        raise ValueError
    return found[1], msgspec.msgpack.decode(found[0], type=Opening)


def _framed(body: bytes) -> bytes:
    return _FRAME.pack(len(body), zlib.crc32(body)) + body


def _frame(descriptor: int, place: int) -> tuple[bytes, int] | None:
    """Return the body of the frame at a place, and where it ends; None when none is whole there."""
    head = os.pread(descriptor, _FRAME.size, place)
    if len(head) < _FRAME.size:
        return None
    length, checksum = _FRAME.unpack(head)
    if length > _LONGEST:
        return None
    place += _FRAME.size
    body = os.pread(descriptor, length, place)
    return (body, place + length) if len(body) == length and zlib.crc32(body) == checksum else None


def _write(descriptor: int, data: bytes, place: int) -> None:
    written = 0
    while written < len(data):
        written += os.pwrite(descriptor, memoryview(data)[written:], place + written)
