"""The files of a database: who may read them, on which disks they must not lie, and what their errors mean.

Nothing here may open and close the database file itself: closing any descriptor of a file drops all locks that the
process has on it, those of SQLite's connections too.
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from pathlib import Path
from typing import Final

from penstock.core.errors import DiskFull, StoreBusy, StoreError

MOUNTS: Final = Path("/proc/self/mounts")

NETWORK: Final = frozenset(
    {
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "fuse.ceph-fuse",
        "fuse.glusterfs",
        "fuse.gcsfuse",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "orangefs",
        "panfs",
        "pvfs2",
        "smb3",
        "smbfs",
    }
)
"""File systems that several machines share. SQLite's WAL needs memory that all its processes share."""

ELSEWHERE: Final = "use a home on a disk of this machine: PENSTOCK_HOME names it"

BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")  # a space in a mount's path
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


def make_files(path: Path) -> None:
    """Make the database's folder and an empty database where they are missing; nobody else may read them.

    Raises:
        DiskFull: There is no space, or the disk is read-only.
        StoreError: The folder cannot be made or used, or lies on a disk that machines share.
    """
    try:
        _refuse_network(path.parent)
        if make_folder(path.parent) | make_private(path):
            sync_folder(path.parent)
        else:
            _keep_private(path)
    except OSError as error:
        raise explain_os(path, error) from error


def make_folder(folder: Path) -> bool:
    """Make a folder that nobody else may enter, and those above it; return False when it is there."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return False
    folder.chmod(0o700)
    sync_folder(folder.parent)
    return True


def make_private(path: Path) -> bool:
    """Make an empty file that nobody else may read; return False when it is there. SQLite's further files follow it."""
    try:
        os.mknod(path, 0o600)  # without opening it
    except FileExistsError:
        return False
    except (OSError, AttributeError):  # not every system lets users do this
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    path.chmod(0o600)
    return True


def sync_folder(folder: Path) -> None:
    """See that what was made or renamed in the folder stays."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refuse_network(folder: str, mounts: str) -> None:
    """Raise StoreError when the folder lies on a disk that machines share.

    Args:
        folder: Its path, absolute and without symbolic links.
        mounts: What is mounted where, as in /proc/mounts.
    """
    found, kind = "", ""
    for line in mounts.splitlines():
        _, point, this, *_ = line.split(" ")
        point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), point)
        if f"{folder}/".startswith(f"{point.rstrip('/')}/") and len(point) >= len(found):
            found, kind = point, this
    if kind in NETWORK:
        raise StoreError(
            f"{folder} lies on a network file system ({kind} at {found}), where a SQLite database gets damaged",
            hint=ELSEWHERE,
        )


def explain(path: Path, error: sqlite3.Error) -> StoreError:
    """Return the error to raise for what SQLite said of this database."""
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return DiskFull(f"there is no space left for {path}", hint="free some: nothing was recorded by half")
        case sqlite3.SQLITE_READONLY:
            return DiskFull(f"{path} cannot be written: {error}", hint="see who may write it, and whether its disk may")
        case sqlite3.SQLITE_IOERR:
            return DiskFull(
                f"{path} could not be read or written: {error}",
                hint="see whether its disk is full, over quota or failing: nothing was recorded by half",
            )
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return StoreError(
                f"{path} is damaged, or is no database: {error}",
                hint=f"move it away with its -wal and -shm files; copies, if any, are named {path.name}.before-*",
            )
        case sqlite3.SQLITE_CANTOPEN if _is_read_only(path.parent):
            return DiskFull(f"{path} cannot be opened: its disk is read-only", hint=ELSEWHERE)
        case sqlite3.SQLITE_CANTOPEN:
            return StoreError(f"{path} cannot be opened: {error}", hint="see whether it and its folder may be written")
        case code if code in BUSY:
            return StoreBusy(f"{path} is held by another process: {error}")
        case _:
            return StoreError(f"{path} cannot be used: {error}")


def explain_os(path: Path, error: OSError) -> StoreError:
    """Return the error to raise for what the system said of the database's files."""
    if error.errno in _NO_SPACE:
        return DiskFull(f"{path} cannot be made: {error.strerror}", hint=ELSEWHERE)
    return StoreError(f"{path} cannot be used: {error.strerror}", hint=ELSEWHERE)


def _is_read_only(folder: Path) -> bool:
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether another process or thread holds what was asked for."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in BUSY


def _refuse_network(folder: Path) -> None:
    if MOUNTS.exists():  # as on Linux
        refuse_network(os.path.realpath(folder), MOUNTS.read_text(errors="surrogateescape"))


def _keep_private(path: Path) -> None:
    """Take the file from everybody else, if it is ours and somebody gave it to them."""
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        try:
            found = name.stat()
        except FileNotFoundError:
            continue
        if found.st_mode & 0o077 and found.st_uid == os.geteuid():
            name.chmod(0o600)
