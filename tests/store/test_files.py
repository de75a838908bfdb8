from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from penstock.core.errors import DiskFull, StoreBusy, StoreError
from penstock.store.files import explain, explain_os, make_folder, refuse_network

MOUNTS = r"""
overlay / overlay rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /mnt/team nfs4 rw,vers=4.2 0 0
/dev/sdb /mnt/team/local ext4 rw 0 0
//nas/share /mnt/my\040share cifs rw 0 0
auto /net autofs rw 0 0
server:/home /net/home nfs rw 0 0
user@host: /mnt/ssh fuse.sshfs rw 0 0
""".lstrip()


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/mnt/team", "nfs4"),
        ("/mnt/team/ann/penstock", "nfs4"),
        ("/mnt/my share/penstock", "cifs"),
        ("/net/home/ann", "nfs"),
        ("/mnt/ssh", "fuse.sshfs"),
    ],
)
def test_a_folder_on_a_network_file_system_is_refused(folder: str, kind: str) -> None:
    with pytest.raises(StoreError, match=f"network file system \\({kind} at ") as caught:
        refuse_network(folder, MOUNTS)
    assert "PENSTOCK_HOME" in str(caught.value.hint)


@pytest.mark.parametrize("folder", ["/", "/home/ann", "/mnt/team/local/x", "/mnt/teamwork", "/mnt/my", "/proc/x"])
def test_a_folder_of_this_machine_is_accepted(folder: str) -> None:
    refuse_network(folder, MOUNTS)


def test_mounts_that_cannot_be_told_apart_refuse_nothing() -> None:
    refuse_network("/home", "")


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a" / "b" / "c")
    assert not make_folder(tmp_path / "a" / "b" / "c")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_no_room_for_the_files_is_a_full_disk(code: int) -> None:
    error = explain_os(Path("/home/x.db"), OSError(code, "the system's words"))
    assert isinstance(error, DiskFull)
    assert error.message == "/home/x.db cannot be made: the system's words"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, DiskFull),
        (sqlite3.SQLITE_READONLY_DBMOVED, DiskFull),
        (sqlite3.SQLITE_IOERR_WRITE, DiskFull),
        (sqlite3.SQLITE_NOTADB, StoreError),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreError),
        (sqlite3.SQLITE_CANTOPEN_ISDIR, StoreError),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreBusy),
        (sqlite3.SQLITE_ERROR, StoreError),
    ],
)
def test_what_sqlite_says_becomes_an_error_that_names_the_file(code: int, kind: type[StoreError]) -> None:
    error = sqlite3.OperationalError("SQLite's words")
    error.sqlite_errorcode = code
    explained = explain(Path("/home/x.db"), error)
    assert type(explained) is kind
    assert "/home/x.db" in explained.message
