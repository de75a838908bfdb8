from __future__ import annotations

import stat
import struct
import subprocess
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest

from penstock.core.errors import Damaged
from penstock.run.formats import load
from penstock.run.formats.archive import unpack

FILE = stat.S_IFREG | 0o644


def entry(name: str, mode: int = FILE, kind: int = ZIP_STORED) -> ZipInfo:
    info = ZipInfo("placeholder")
    info.filename = info.orig_filename = name  # past the cleaning that ZipInfo does
    info.create_system = 3
    info.external_attr = mode << 16
    info.compress_type = kind
    return info


def archive_of(path: Path, *entries: tuple[ZipInfo, bytes]) -> Path:
    with ZipFile(path, "w") as archive:
        for info, data in entries:
            archive.writestr(info, data, compress_type=info.compress_type)
    return path


ESCAPES = [
    "../escape",
    "a/../../escape",
    "/tmp/escape",
    "//escape",
    "..",
    ".",
    "../",
    "a/./b",
    "a//b",
    "./a",
    "",
    "/",
    "x" * 5_000,
    "deep/" * 1_000 + "x",
]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The folder for copies, next to a canary that must stay as it is."""
    (tmp_path / "canary").write_text("alive")
    (tmp_path / "copies" / "fresh").mkdir(parents=True)
    return tmp_path / "copies" / "fresh"


def assert_nothing_escaped(target: Path) -> None:
    outside = {path.relative_to(target.parent.parent).as_posix() for path in target.parent.parent.rglob("*")}
    assert {name for name in outside if not name.startswith("copies/fresh/")} == {
        "canary",
        "copies",
        "copies/fresh",
        "archive",
    }
    assert (target.parent.parent / "canary").read_text() == "alive"
    assert not any(path.is_symlink() for path in target.rglob("*"))


@pytest.mark.parametrize("name", ESCAPES)
def test_a_name_that_leads_elsewhere_is_refused(target: Path, tmp_path, name: str) -> None:
    path = archive_of(tmp_path / "archive", (entry("before"), b"x"), (entry(name), b"evil"))
    with pytest.raises(Damaged, match="not the archive"):
        unpack(path, target)
    assert_nothing_escaped(target)


@pytest.mark.parametrize(
    "name", ["..\\escape", "C:\\escape", "a;b", "%2e%2e%2fescape", "\u2215etc", "...", "a\nb", "file:x"]
)
def test_a_name_that_is_only_odd_stays_inside(target: Path, tmp_path, name: str) -> None:
    unpack(archive_of(tmp_path / "archive", (entry(name), b"odd")), target)
    assert (target / name).read_bytes() == b"odd"
    assert_nothing_escaped(target)


def test_a_name_with_a_zero_in_it_is_refused(target: Path, tmp_path) -> None:
    path = archive_of(tmp_path / "archive", (entry("safe_../x"), b"x"))
    path.write_bytes(path.read_bytes().replace(b"safe_../x", b"safe\0../x"))
    with pytest.raises(Damaged):
        unpack(path, target)
    assert_nothing_escaped(target)


@pytest.mark.parametrize(
    "mode",
    [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644, stat.S_IFCHR | 0o644, stat.S_IFBLK, stat.S_IFSOCK, stat.S_IFDIR, 0],
)
def test_an_entry_that_is_no_plain_file_is_refused(target: Path, tmp_path, mode: int) -> None:
    path = archive_of(tmp_path / "archive", (entry("link", mode), b"/etc"), (entry("link/passwd"), b"evil"))
    with pytest.raises(Damaged, match="no plain file"):
        unpack(path, target)
    assert_nothing_escaped(target)


def test_a_file_in_the_place_of_a_folder_is_refused(target: Path, tmp_path) -> None:
    for names in (["a", "a/"], ["a", "a/b"], ["a/", "a"]):
        entries = [(entry(name, stat.S_IFDIR if name.endswith("/") else FILE), b"") for name in names]
        with pytest.raises(Damaged, match="twice"):
            unpack(archive_of(tmp_path / "archive", *entries), target)
        assert_nothing_escaped(target)
        (target / "a").rmdir() if (target / "a").is_dir() else (target / "a").unlink()


def test_set_id_bits_are_not_unpacked(target: Path, tmp_path) -> None:
    unpack(archive_of(tmp_path / "archive", (entry("f", stat.S_IFREG | 0o6777), b"x")), target)
    assert (target / "f").stat().st_mode & 0o7000 == 0


def test_a_compressed_bomb_is_refused_before_anything_is_written(target: Path, tmp_path) -> None:
    path = archive_of(tmp_path / "archive", (entry("zeros", kind=ZIP_DEFLATED), bytes(50 << 20)))
    assert path.stat().st_size < 100_000
    with pytest.raises(Damaged, match="more than it holds"):
        unpack(path, target)
    assert list(target.iterdir()) == []


def test_a_compressed_entry_is_refused(target: Path, tmp_path) -> None:
    with pytest.raises(Damaged, match="compressed"):
        unpack(archive_of(tmp_path / "archive", (entry("f", kind=ZIP_DEFLATED), b"x")), target)


def test_entries_that_share_their_bytes_are_refused(target: Path, tmp_path) -> None:
    path = archive_of(tmp_path / "archive", (entry("f"), bytes(100_000)))
    data = path.read_bytes()
    at = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entries = b"".join(data[at:end].replace(b"f", b"%c" % letter) for letter in range(97, 117))
    tail = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 20, 20, len(entries), at, 0)
    path.write_bytes(data[:at] + entries + tail)
    with pytest.raises(Damaged):
        unpack(path, target)
    assert_nothing_escaped(target)


@pytest.mark.parametrize("cut", [0, 10, 60, -10])
def test_an_archive_that_was_cut_off_is_damaged(target: Path, tmp_path, cut: int) -> None:
    path = archive_of(tmp_path / "archive", (entry("f"), b"x" * 100))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(Damaged):
        unpack(path, target)


def test_a_changed_byte_is_found_by_the_checksum(target: Path, tmp_path) -> None:
    path = archive_of(tmp_path / "archive", (entry("f"), b"x" * 100))
    path.write_bytes(path.read_bytes().replace(b"xxxx", b"xxyx", 1))
    with pytest.raises(Damaged, match="CRC"):
        unpack(path, target)


def test_what_was_unpacked_of_a_bad_archive_is_removed(target: Path, tmp_path) -> None:
    path = archive_of(tmp_path / "archive", (entry("good"), b"x"), (entry("../escape"), b"evil"))
    with pytest.raises(Damaged):
        load("folder", "pathlib.Path", {"file_name": "f"}, path, trusted=True, workdir=target)
    assert list(target.iterdir()) == []
    assert_nothing_escaped(target)


def test_unpacking_takes_little_memory_whatever_the_archive(target: Path, tmp_path) -> None:
    path = archive_of(tmp_path / "archive", (entry("f"), bytes(200 << 20)))
    code = """if True:
        import resource, sys
        from pathlib import Path
        from penstock.run.formats.archive import unpack
        resource.setrlimit(resource.RLIMIT_AS, (150 << 20, 150 << 20))
        unpack(Path(sys.argv[1]), Path(sys.argv[2]))
    """
    subprocess.run([sys.executable, "-c", code, str(path), str(target)], check=True)
    assert (target / "f").stat().st_size == 200 << 20
