"""Blobs that arrive in pieces, from somebody who may be cut off and go on later.

    <root>/staging/upload-<hash>    what has arrived; locked by whoever takes the next piece

What arrived is kept until it is whole, is found to be what it was announced as, and gets its name by the blob store; or
until the store's sweep finds that nobody went on with it. Nothing is taken on trust: not a hash, not a length.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from penstock.blobs.digest import Digest
from penstock.blobs.files import FileBlobs, writing_below
from penstock.core.errors import Conflict, Damaged, DiskFull, Invalid
from penstock.core.outputs import Blob

LARGEST: Final = 1 << 40
"""Bytes of one blob, where nobody says otherwise."""

_PIECE: Final = 1 << 20  # bytes read at once from what had arrived before


class Uploads:
    """The uploads into one blob store.

    Args:
        blobs: The store.
        root: Its folder.
        largest: Bytes that a blob may have.
        reserve: Bytes of the disk that no upload gets: what is recorded, and how work ended, needs some to the last.
        free: Returns how many bytes are left on the disk of a folder.
    """

    def __init__(
        self,
        blobs: FileBlobs,
        root: Path,
        largest: int = LARGEST,
        reserve: int = 0,
        free: Callable[[Path], int] | None = None,
    ) -> None:
        self._blobs = blobs
        self._root = root
        self._largest = largest
        self._reserve = reserve
        self._free = free or _free

    @property
    def free(self) -> int:
        """How many bytes are left on the disk."""
        return self._free(self._root)

    @property
    def takes_more(self) -> bool:
        """Whether there is room for anything beside the reserve."""
        return self.free > self._reserve

    def check_room(self, size: int) -> None:
        """Raise DiskFull when so many bytes more would come out of the reserve."""
        free = self.free
        if size and free - size < self._reserve:
            raise DiskFull(
                f"the server has no room for {size:,} bytes more: {free:,} are left on its disk, and it keeps "
                f"{self._reserve:,} of them free",
                hint="free some there: penstock rm RUN deletes runs with what they stored",
            )

    def has(self, blob: Blob) -> bool:
        """Return whether the blob is stored and whole. It is then as young as if it had been stored just now.

        Raises:
            Invalid: It is no hash, or the length is one that no blob may have.
        """
        self._check(blob)
        path = self._blobs.path(blob.hash)
        now = time.time_ns()
        with writing_below(self._root):
            try:
                os.utime(path, ns=(now, now))  # before it is read: whoever tidies up meanwhile leaves it alone
            except FileNotFoundError:
                return False
        try:
            self._blobs.check(blob)
        except Damaged:
            return False
        return True

    def arrived(self, blob: Blob) -> int:
        """Return how many bytes of the blob have arrived."""
        self._check(blob)
        with suppress(FileNotFoundError):
            return min(self._staged(blob).stat().st_size, blob.size)
        return 0

    def go_on(self, blob: Blob, at: int) -> Upload:
        """Return where the next pieces go.

        Args:
            blob: What it shall become.
            at: Where the next piece belongs; what had arrived beyond it is thrown away.

        Raises:
            Conflict: Somebody else is sending it just now, or less than this has arrived.
            DiskFull: What is missing would come out of the reserve.
        """
        self._check(blob)
        self.check_room(blob.size - at)
        with writing_below(self._root):
            (self._root / "staging").mkdir(mode=0o700, parents=True, exist_ok=True)
            return Upload(self._blobs, self._staged(blob), blob, at, self.check_room)

    def _staged(self, blob: Blob) -> Path:
        return self._root / "staging" / f"upload-{blob.hash}"

    def _check(self, blob: Blob) -> None:
        self._blobs.path(blob.hash)  # refuses what is no hash
        if not 0 <= blob.size <= self._largest:
            raise Invalid(
                f"a blob of {blob.size:,} bytes is too large: this server takes {self._largest:,}",
                hint="store it elsewhere and register its URL, or have the server's limit raised",
            )


class Upload:
    """What has arrived of one blob, held by one sender at a time; used as a context manager."""

    def __init__(
        self, blobs: FileBlobs, staged: Path, blob: Blob, at: int, check_room: Callable[[int], object]
    ) -> None:
        self._blobs = blobs
        self._root = staged.parent.parent
        self._staged = staged
        self._blob = blob
        self._check_room = check_room
        self._digest = Digest()
        self._file = _locked(staged)
        try:
            self._size = self._rewind(at)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def size(self) -> int:
        """How many bytes have arrived."""
        return self._size

    def write(self, data: bytes) -> None:
        """Take the next piece, which must not change any more.

        Raises:
            Invalid: There is more of it than was announced.
            DiskFull: There is no space left but the reserve.
        """
        self._check_room(len(data))  # others have been sending, too
        if self._size + len(data) > self._blob.size:
            raise Invalid(f"blob {self._blob.hash} is longer than the {self._blob.size:,} bytes that were announced")
        left = memoryview(data)
        self._digest.update(left)
        with writing_below(self._root):
            while left:
                left = left[os.write(self._file, left) :]
        self._size += len(data)

    def commit(self) -> None:
        """Store what has arrived as the blob that was announced; its bytes are on the disk when this returns.

        Raises:
            Damaged: It is another one. What had arrived is thrown away.
        """
        with writing_below(self._root):
            os.fsync(self._file)
            found = self._digest.finish()
            if (found, self._size) != (self._blob.hash, self._blob.size):
                self._staged.unlink()
                raise Damaged(
                    f"blob {self._blob.hash} of {self._blob.size:,} bytes was announced, and what arrived are "
                    f"{self._size:,} bytes that hash to {found}",
                    hint="send it again, from its beginning",
                )
            os.fchmod(self._file, 0o400)
            self._blobs.publish(str(self._staged), self._blob)

    def close(self) -> None:
        """Let others go on with it."""
        self._digest.finish()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _rewind(self, at: int) -> int:
        """Hash what has arrived up to there, throw away what is beyond, and return where the next piece goes."""
        size = os.fstat(self._file).st_size
        if at > size:
            raise Conflict(f"{size:,} bytes of blob {self._blob.hash} have arrived, not {at:,}")
        with writing_below(self._root):
            os.ftruncate(self._file, at)
            while (left := at - os.lseek(self._file, 0, os.SEEK_CUR)) > 0:
                self._digest.update(memoryview(os.read(self._file, min(_PIECE, left))))
        return at


def _free(root: Path) -> int:
    while not root.exists():
        root = root.parent
    found = os.statvfs(root)
    return found.f_bavail * found.f_frsize


def _locked(path: Path) -> int:
    """Open a staged file for one sender.

    Raises:
        Conflict: Another one has it.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(file, path):
                return file
        except BlockingIOError:
            os.close(file)
            raise Conflict(f"somebody is sending blob {path.name.removeprefix('upload-')} just now") from None
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # it got its name, or was thrown away, between the two calls: it must not be written to


def _is_still(file: int, path: Path) -> bool:
    """Return whether this is the file that has the path."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
