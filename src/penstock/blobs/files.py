"""Blobs in a folder of this machine.

    <root>/sha256/ab/cd/abcd...     one file a blob, read-only, named by the SHA-256 of its bytes
    <root>/staging/<pid>-<random>   a blob that is being written; locked by its writer for as long as that lives

A blob appears under its name by one rename, after its bytes are on the disk; so a name always stands for whole content,
whichever process dies at whichever moment, and any number of processes may write the same content at once. Names that
people gave never come here: an address is a hash, or it is refused.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import re
import time
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.blobs.digest import Digest
from penstock.core.errors import Damaged, DiskFull, Invalid, NotFound, StoreError
from penstock.core.outputs import Blob

if TYPE_CHECKING:
    from collections.abc import Generator

    from _typeshed import ReadableBuffer

_IS_HASH = re.compile(r"[0-9a-f]{64}").fullmatch
_CHUNK = 4 << 20  # bytes read at once from a file that is put
_BUFFER = 1 << 18  # bytes read at once when checking: stays in the cache of the processor

_REFUSALS = {
    errno.ENOSPC: ("the disk is full", "free some space, or set PENSTOCK_HOME to a folder on another disk"),
    errno.EDQUOT: ("the disk quota is used up", "free some space, or set PENSTOCK_HOME to a folder on another disk"),
    errno.EFBIG: ("the file would be larger than allowed", "raise the limit on file size (`ulimit -f`)"),
    errno.EROFS: ("the disk is read-only", "set PENSTOCK_HOME to a folder that can be written to"),
    errno.EACCES: ("permission denied", "make the folder yours, or set PENSTOCK_HOME to one that you can write to"),
    errno.EPERM: ("permission denied", "make the folder yours, or set PENSTOCK_HOME to one that you can write to"),
}
_RUN_AGAIN = "run the step that made it again: storing the same bytes once more repairs it"


@contextmanager
def writing_below(folder: Path) -> Generator[None]:
    """Raise what the operating system refuses as DiskFull or StoreError that names the folder."""
    try:
        yield
    except OSError as error:
        if error.errno in _REFUSALS:
            reason, hint = _REFUSALS[error.errno]
            raise DiskFull(f"cannot write below {folder}: {reason}", hint=hint) from error
        raise StoreError(f"cannot write below {folder}: {error.strerror or error}") from error


class FileBlobs:
    """A content-addressed store in a folder.

    Args:
        root: The store's folder; made, with access for its owner only, when the first blob is written.
        durable: Whether what was stored outlives the machine's death. Of copies, which are checked when they are read
            and can be had again, it need not.
    """

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        self._durable = durable
        self._root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow links, which the owner may move
        self._blobs = str(self._root / "sha256")
        self._staging = str(self._root / "staging")

    @property
    def root(self) -> Path:
        """The store's folder."""
        return self._root

    def writer(self) -> BlobWriter:
        """Return a file to write to; nothing is stored before its `commit()`."""
        with writing_below(self._root):
            try:
                return BlobWriter(self, self._root, self._staging)
            except FileNotFoundError:
                self._root.mkdir(parents=True, mode=0o700, exist_ok=True)
                _make_folder(self._staging)
                return BlobWriter(self, self._root, self._staging)

    def put_bytes(self, data: ReadableBuffer) -> Blob:
        """Store these bytes."""
        with self.writer() as writer:
            writer.write(data)
            return writer.commit()

    def put_file(self, path: Path) -> Blob:
        """Store the content of a file.

        Raises:
            NotFound: There is no such file.
            Invalid: It is a folder, or it may not be read.
        """
        try:
            source = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise NotFound(f"there is no file {path}") from error
        except OSError as error:
            raise Invalid(f"cannot read {path}: {error.strerror or error}") from error
        with source, self.writer() as writer:
            while piece := source.read(_CHUNK):
                writer.write(piece)
            return writer.commit()

    def path(self, hash: str) -> Path:
        """Return where the blob of this hash lies, whether it is there or not."""
        return Path(self._place(hash))

    def url(self, hash: str) -> str:
        """Return the blob's address as a file URL."""
        return self.path(hash).as_uri()

    def stat(self, hash: str) -> Blob | None:
        """Return the blob if it is stored, without reading it."""
        try:
            return Blob(hash, os.stat(self._place(hash)).st_size)  # noqa: PTH116 - a Path costs more than the call
        except FileNotFoundError:
            return None

    def read(self, blob: Blob) -> bytes:
        """Return the content, verified.

        Raises:
            Damaged: It is missing, or it is not what was recorded.
        """
        with self._opened(blob) as file:
            data = file.read()
        self._check(blob, sha256(data).hexdigest())
        return data

    def verified_path(self, blob: Blob) -> Path:
        """Return the path of the blob's file after hashing all of its content.

        Raises:
            Damaged: It is missing, or it is not what was recorded.
        """
        digest = sha256()
        # Not through a memory map: a disk that fails to read would then kill the process instead of raising an error.
        buffer = memoryview(bytearray(min(_BUFFER, max(blob.size, 1))))
        with self._opened(blob) as file:
            while count := file.readinto(buffer):
                digest.update(buffer[:count])
        self._check(blob, digest.hexdigest())
        return self.path(blob.hash)

    def check(self, blob: Blob) -> None:
        """Raise Damaged unless the blob is stored, and is what was recorded; nobody wants its bytes."""
        self.verified_path(blob)

    def delete(self, hash: str, stored_before: float | None = None) -> None:
        """Remove the blob; nothing happens when it is not there.

        Args:
            stored_before: Epoch seconds. A blob that was stored again since is left alone: whoever stored it may be
                about to record it.
        """
        place = self._place(hash)
        with writing_below(self._root), suppress(FileNotFoundError):
            if stored_before is None or os.stat(place).st_mtime <= stored_before:  # noqa: PTH116 - as below
                os.unlink(place)  # noqa: PTH108 - a Path costs more than the call

    def sweep(self, older_than_seconds: float, now: float) -> int:
        """Remove what dead processes left half-written.

        Args:
            older_than_seconds: Leave files alone that were written to within this time.
            now: Epoch seconds.

        Returns:
            How many files were removed.
        """
        try:
            entries = list(os.scandir(self._staging))
        except FileNotFoundError:
            return 0
        removed = 0
        with writing_below(self._root):
            for entry in entries:
                with suppress(FileNotFoundError):
                    if entry.stat().st_mtime < now - older_than_seconds and not _is_locked(entry.path):
                        os.unlink(entry)  # noqa: PTH108 - a directory entry, not a Path
                        removed += 1
        return removed

    def publish(self, staged: str, blob: Blob) -> None:
        """Give a staged file, whose bytes `settle` was called for, its name; for BlobWriter."""
        place = self._place(blob.hash)
        above = self._above(place)
        folders = above[:1]
        now = time.time_ns()
        os.utime(staged, ns=(now, now))  # the kernel's own stamp is that of the writing, and lags behind the clock
        try:
            # A blob of this name is replaced by its like: that repairs a damaged one and makes it young again.
            os.rename(staged, place)  # noqa: PTH104 - a Path costs more than the call
        except FileNotFoundError:
            folders = above
            for folder in reversed(folders):
                _make_folder(folder)
            os.rename(staged, place)  # noqa: PTH104 - as above
        if self._durable:
            for folder in folders:  # the innermost first: on most file systems that one call writes the others as well
                _sync_folder(folder)

    def settle(self, descriptor: int) -> None:
        """Have the bytes of a staged file on the disk, where they are to outlive the machine's death."""
        if self._durable:
            os.fsync(descriptor)

    def secure(self, hash: str) -> None:
        """Have a blob that is stored here outlive the machine's death, also where it is a copy.

        Raises:
            DiskFull, StoreError: It is not there, or the disk refuses.
        """
        place = self._place(hash)
        with writing_below(self._root):
            file = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(file)
            finally:
                os.close(file)
            for folder in self._above(place):
                _sync_folder(folder)

    def _above(self, place: str) -> tuple[str, ...]:
        """Return the folders of a blob's file, the innermost first."""
        outer, _, _ = place.rpartition("/")
        return outer, outer[:-3], self._blobs, str(self._root)

    def _place(self, hash: str) -> str:
        if not _IS_HASH(hash):
            raise Invalid(f"not the hash of a blob: {hash!r}", hint="a hash is 64 lower-case hexadecimal digits")
        return f"{self._blobs}/{hash[:2]}/{hash[2:4]}/{hash}"

    @contextmanager
    def _opened(self, blob: Blob) -> Generator[io.FileIO]:
        path = self.path(blob.hash)
        try:
            with path.open("rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                if size != blob.size:
                    raise Damaged(
                        f"blob {blob.hash} is damaged: {blob.size:,} bytes were recorded, {size:,} are in {path}",
                        hint=_RUN_AGAIN,
                    )
                yield file
        except FileNotFoundError as error:
            raise Damaged(
                f"blob {blob.hash} ({blob.size:,} bytes) is missing: there is no file {path}", hint=_RUN_AGAIN
            ) from error
        except OSError as error:
            raise Damaged(
                f"blob {blob.hash} cannot be read from {path}: {error.strerror or error}",
                hint="look at the disk, and at who owns the file",
            ) from error

    def _check(self, blob: Blob, found: str) -> None:
        if found != blob.hash:
            raise Damaged(
                f"blob {blob.hash} is damaged: its {blob.size:,} bytes in {self.path(blob.hash)} hash to {found}",
                hint=_RUN_AGAIN,
            )


class BlobWriter(io.RawIOBase):
    """A file that becomes a blob with `commit()`, and nothing when it is closed without.

    It can only be written to, from start to end. A buffer of 1 MiB or more must not change before `commit()`: it is
    hashed while the disk works.
    """

    def __init__(self, blobs: FileBlobs, root: Path, staging: str) -> None:
        super().__init__()
        self._blobs = blobs
        self._root = root
        self._digest = Digest()
        self._size = 0
        self._failure: Exception | None = None
        self._staged: str | None = None
        self._file = -1
        staged = f"{staging}/{os.getpid()}-{os.urandom(8).hex()}"
        # Read-only from the start: the mode binds whoever opens the file next, not the one that creates it.
        self._file = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
        self._staged = staged
        with suppress(OSError):  # a file system without locks: then age alone decides in sweep()
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._size

    def write(self, data: ReadableBuffer, /) -> int:
        """Append a contiguous buffer of any type, all of it.

        Raises:
            DiskFull: There is no space left, or no permission to write.
        """
        if self.closed:
            raise ValueError("write to a closed blob")
        left = memoryview(data)
        size = left.nbytes
        if not size:
            return 0  # such a view can have a shape that does not cast
        left = left.cast("B")
        with self._remembering_failure():
            self._digest.update(left)
            while left:
                left = left[os.write(self._file, left) :]
        self._size += size
        return size

    def check(self) -> None:
        """Raise the error that an earlier write met, for callers whose library may have hidden it."""
        if self._failure is not None:
            raise self._failure

    def commit(self) -> Blob:
        """Store what was written, for good, and close; the bytes are on the disk when this returns, unless of a copy.

        Raises:
            DiskFull: There is no space left, or no permission to write; also when an earlier write said so.
        """
        self.check()
        if self._staged is None:
            raise ValueError("commit of a closed blob")
        with self._remembering_failure():
            self._blobs.settle(self._file)  # meanwhile the thread, if there is one, hashes the rest
            blob = Blob(self._digest.finish(), self._size)
            self._blobs.publish(self._staged, blob)
            self._staged = None
        self.close()
        return blob

    def close(self) -> None:
        """Close; what was not committed is removed."""
        if self.closed:
            return
        super().close()
        self._digest.finish()
        if self._staged is not None:
            with suppress(FileNotFoundError):
                os.unlink(self._staged)  # noqa: PTH108 - may run while the interpreter ends
            self._staged = None
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    @contextmanager
    def _remembering_failure(self) -> Generator[None]:
        try:
            with writing_below(self._root):
                yield
        except Exception as error:
            self._failure = error
            raise


def _make_folder(path: str) -> None:
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)  # noqa: PTH102 - a Path costs more than the call


def _sync_folder(path: str) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot, and need not
            raise
    finally:
        os.close(folder)


def _is_locked(path: str) -> bool:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(file)
    return False
