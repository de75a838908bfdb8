from __future__ import annotations

import gzip
import io
import ntpath
import posixpath
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile, ZipInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.core.errors import DiskFull, UnsafeArchive
from penstock.run.unpack import Limits, bare_name, is_archive, is_inside, is_portable, unpack

FILE = stat.S_IFREG | 0o644
SMALL = Limits(entries=20, size=10 << 20, ratio=50, free=1 << 20)


# Making archives, good and evil


def zip_entry(name: str, mode: int = FILE, kind: int = ZIP_STORED) -> ZipInfo:
    info = ZipInfo("placeholder")
    info.filename = info.orig_filename = name  # past the cleaning that ZipInfo does
    info.create_system = 3
    info.external_attr = mode << 16
    info.compress_type = kind
    return info


def zipped(*entries: tuple[ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for info, data in entries:
            archive.writestr(info, data, compress_type=info.compress_type)
    return buffer.getvalue()


def tar_entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def tarred(*entries: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for info, data in entries:
            info.size = info.size or len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def raw_header(name: bytes, kind: bytes, size: bytes) -> bytes:
    head = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size.ljust(12, b"\0") + b"00000000000\0"
    rest = kind + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2
    block = (head + b" " * 8 + rest).ljust(512, b"\0")
    return block[:148] + f"{sum(block):06o}\0 ".encode() + block[156:]


def patched(archive: bytes, old: bytes, new: bytes) -> bytes:
    assert archive.count(old) >= 1
    return archive.replace(old, new)


def sharing_their_bytes(copies: int) -> bytes:
    """A zip file in which many entries stand for the same compressed bytes."""
    data = zipped((zip_entry("f" * 20, kind=ZIP_DEFLATED), bytes(1 << 20)))
    at, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entries = data[at:end] * copies
    return data[:at] + entries + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, copies, copies, len(entries), at, 0)


NAMES = [
    "../escape",
    "a/../../escape",
    "a/..",
    "/tmp/escape",
    "//escape",
    "..",
    "../",
    "a/./b",
    "a//b",
    ".//etc/passwd",
    "./../escape",
    "..\\escape",
    "a\\..\\..\\escape",
    "\\\\server\\share",
    "C:\\escape",
    "c:escape",
    "C:/escape",
    "a\nb",
    "a\x1b[2Jb",
    "a\x85b",
    "x" * 300,
    "a/" * 150 + "x",
    "deep/" * 1_000 + "x",
    "",
    "/",
    "\x00",
]
LINK = stat.S_IFLNK | 0o777
EVIL: dict[str, tuple[bytes, str]] = {
    **{f"zip name {name[:20]!r}": (zipped((zip_entry(name), b"evil")), "of the name") for name in NAMES},
    **{
        f"tar name {name[:20]!r}": (tarred((tar_entry(name), b"evil")), "of the name")
        for name in NAMES
        if name not in {"", "\x00"}  # a tar file cannot say them
    },
    "zip zero in a name": (patched(zipped((zip_entry("safe_../x"), b"")), b"safe_../x", b"safe\0../x"), "of the name"),
    "zip link": (zipped((zip_entry("link", LINK), b"/etc")), "'link' in it is a symbolic link"),
    "zip link, then below it": (zipped((zip_entry("l", LINK), b"/tmp"), (zip_entry("l/x"), b"")), "symbolic link"),
    "zip pipe": (zipped((zip_entry("p", stat.S_IFIFO | 0o644), b"")), "no plain file"),
    "zip device": (zipped((zip_entry("p", stat.S_IFCHR | 0o644), b"")), "no plain file"),
    "zip block device": (zipped((zip_entry("p", stat.S_IFBLK | 0o644), b"")), "no plain file"),
    "zip socket": (zipped((zip_entry("p", stat.S_IFSOCK | 0o644), b"")), "no plain file"),
    "zip folder named like a file": (zipped((zip_entry("p", stat.S_IFDIR | 0o755), b"")), "no plain file"),
    "zip encrypted": (patched(zipped((zip_entry("f"), b"")), b"\x14\x03\x14\0\0", b"\x14\x03\x14\0\x01"), "'f' in it"),
    "zip bzip2": (zipped((zip_entry("f", kind=ZIP_BZIP2), b"x")), "compressed in a way"),
    "zip lzma": (zipped((zip_entry("f", kind=ZIP_LZMA), b"x")), "compressed in a way"),
    "zip file twice": (
        patched(zipped((zip_entry("f1"), b"a"), (zip_entry("f2"), b"b")), b"f2", b"f1"), "'f1' is in it twice"),
    "zip file, then folder": (zipped((zip_entry("a"), b""), (zip_entry("a/b"), b"")), "twice"),
    "zip folder, then file": (zipped((zip_entry("a/", stat.S_IFDIR | 0o755), b""), (zip_entry("a"), b"")), "twice"),
    "zip bomb": (zipped((zip_entry("zeros", kind=ZIP_DEFLATED), bytes(20 << 20))), "more than 1,0"),
    "zip bomb in many files": (
        zipped(*((zip_entry(f"f{n}", kind=ZIP_DEFLATED), bytes(1 << 20)) for n in range(15))), "would unpack to more"),
    "zip bomb of shared bytes": (sharing_their_bytes(15), "twice|Overlapped|more than"),
    "zip of too many": (zipped(*((zip_entry(f"f{n}"), b"") for n in range(21))), "more than 20 files"),
    "zip that lies about a length": (
        patched(zipped((zip_entry("f", kind=ZIP_DEFLATED), bytes(20 << 20))), b"\0\0\x40\x01", b"\x09\0\0\0"),
        "damaged"),
    "zip with a wrong checksum": (patched(zipped((zip_entry("f"), b"hello")), b"hello", b"hullo"), "CRC"),
    "zip with two names": (zipped((zip_entry("good"), b"")).replace(b"good", b"evil", 1), "differ"),
    "zip cut off": (zipped((zip_entry("f"), b"x" * 100))[:-30], "damaged"),
    "zip of nothing but a beginning": (b"PK\x03\x04", "damaged"),
    "tar symbolic link": (tarred((tar_entry("l", tarfile.SYMTYPE, "/etc"), b"")), "'l' in it is a symbolic link"),
    "tar link inside": (tarred((tar_entry("l", tarfile.SYMTYPE, "f"), b"")), "symbolic link"),
    "tar link chain": (
        tarred((tar_entry("a", tarfile.SYMTYPE, "."), b""), (tar_entry("a/b", tarfile.SYMTYPE, ".."), b"")), "link"),
    "tar hard link": (tarred((tar_entry("l", tarfile.LNKTYPE, "/etc/passwd"), b"")), "a hard link"),
    "tar hard link inside": (tarred((tar_entry("f"), b"x"), (tar_entry("l", tarfile.LNKTYPE, "f"), b"")), "hard link"),
    "tar device": (tarred((tar_entry("d", tarfile.CHRTYPE), b"")), "a device"),
    "tar block device": (tarred((tar_entry("d", tarfile.BLKTYPE), b"")), "a device"),
    "tar pipe": (tarred((tar_entry("p", tarfile.FIFOTYPE), b"")), "a pipe"),
    "tar sparse file": (raw_header(b"s", b"S", b"00000000000") + bytes(1024), "sparse"),
    "tar of an unknown kind": (raw_header(b"s", b"Q", b"00000000000") + bytes(1024), "no plain file"),
    "tar file twice": (tarred((tar_entry("f"), b"a"), (tar_entry("f"), b"b")), "'f' is in it twice"),
    "tar file twice, once with a dot": (tarred((tar_entry("f"), b"a"), (tar_entry("./f"), b"b")), "twice"),
    "tar file, then folder": (tarred((tar_entry("a"), b""), (tar_entry("a/b"), b"")), "twice"),
    "tar folder over file": (tarred((tar_entry("a"), b""), (tar_entry("a", tarfile.DIRTYPE), b"")), "twice"),
    "tar file for the folder itself": (tarred((tar_entry("."), b"x")), "no plain file"),
    "tar of too many": (tarred(*((tar_entry(f"f{n}"), b"") for n in range(21))), "more than 20 files"),
    "tar cut in a file": (tarred((tar_entry("f"), bytes(5_000)))[:3_000], "damaged"),
    "tar cut in a header": (tarred((tar_entry("f"), b"x"), (tar_entry("g"), b"y"))[:1_300], "damaged or cut off"),
    "tar cut between files": (tarred((tar_entry("f"), b"x"), (tar_entry("g"), b"y"))[:1_024], "damaged or cut off"),
    "tar with rubbish after a file": (tarred((tar_entry("f"), b"x"))[:1_024] + b"rubbish!" * 64, "cut off"),
    "tar with a huge header": (raw_header(b"x", b"x", b"77777777777"), "header of an entry is longer"),
    "tar with a huge long name": (raw_header(b"x", b"L", b"77777777777"), "header of an entry is longer"),
    "tar with a length below zero": (raw_header(b"f", b"0", b"\xff" * 12) + bytes(1_024), "damaged|length of -"),
    "tar with a header of a length below zero": (raw_header(b"f", b"x", b"\xff" * 12) + bytes(1_024), "damaged|longer"),
    "tar of headers upon headers": (raw_header(b"x", b"x", b"00000000000") * 5_000, "damaged|longer"),
    "tgz bomb": (gzip.compress(tarred((tar_entry("zeros"), bytes(20 << 20)))), "would unpack to more"),
    "tgz bomb of a header": (gzip.compress(raw_header(b"x", b"x", b"00400000000") + bytes(30 << 20)), "longer"),
    "tgz bomb after the end": (gzip.compress(tarred((tar_entry("f"), b"x")) + bytes(20 << 20)), "would unpack to more"),
    "tgz bomb skipped over": (gzip.compress(raw_header(b"d", b"5", b"00100000000") + bytes(30 << 20)), "more|damaged"),
    "tgz with a wrong checksum": (gzip.compress(tarred((tar_entry("f"), b"x")))[:-8] + bytes(8), "damaged"),
    "tgz cut off": (gzip.compress(tarred((tar_entry("f"), b"x" * 5_000)))[:-20], "damaged"),
    "gzip of no tar": (gzip.compress(b"hello" * 1_000), "damaged"),
    "no archive at all": (b"hello" * 1_000, "damaged"),
    "nothing": (b"", "damaged"),
    "zeros": (bytes(100), "damaged"),
}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a canary that must stay as it is, and with one to unpack below."""
    (tmp_path / "canary").write_text("alive")
    (tmp_path / "below").mkdir()
    return tmp_path


def assert_nothing_is_left(place: Path) -> None:
    assert {path.relative_to(place).as_posix() for path in place.rglob("*")} == {"canary", "below", "archive"}
    assert (place / "canary").read_text() == "alive"


# What is refused


@pytest.mark.parametrize("name", EVIL)
def test_an_evil_archive_is_refused_by_name_and_leaves_nothing(place: Path, name: str) -> None:
    data, reason = EVIL[name]
    (place / "archive").write_bytes(data)
    with pytest.raises(UnsafeArchive, match=reason) as caught:
        unpack(place / "archive", place / "below" / "out", SMALL)
    assert "'archive' is not unpacked" in caught.value.message
    assert caught.value.message.isprintable()
    assert_nothing_is_left(place)


@pytest.mark.parametrize("make", [zipped, tarred])
def test_what_came_before_a_refused_entry_is_removed(place: Path, make) -> None:
    entry = zip_entry if make is zipped else tar_entry
    (place / "archive").write_bytes(make((entry("good/one"), b"x"), (entry("../canary"), b"dead")))
    with pytest.raises(UnsafeArchive):
        unpack(place / "archive", place / "below" / "out")
    assert_nothing_is_left(place)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    archive=st.sampled_from([
        zipped((zip_entry("a/f", kind=ZIP_DEFLATED), b"hello" * 50), (zip_entry("g"), b"x")),
        tarred((tar_entry("a/f"), b"hello" * 50), (tar_entry("ü" * 60), b"y")),
        gzip.compress(tarred((tar_entry("a/f"), b"hello" * 50)), mtime=0),
    ]),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
)  # fmt: skip
def test_whatever_is_changed_in_an_archive_nothing_but_our_own_error_comes_of_it(place, archive, changes) -> None:
    data = bytearray(archive)
    for at, value in changes:
        data[at % len(data)] = value
    (place / "archive").write_bytes(data)
    try:
        unpack(place / "archive", place / "below" / "out", SMALL)
    except UnsafeArchive:
        assert_nothing_is_left(place)
    else:
        found = list((place / "below" / "out").rglob("*"))
        assert all(path.is_dir() or path.is_file() for path in found)
        assert not any(path.is_symlink() for path in found)
        shutil.rmtree(place / "below" / "out")
    assert (place / "canary").read_text() == "alive"


LIMITED = """if True:
    import resource, sys
    from pathlib import Path
    from penstock.core.errors import UnsafeArchive
    from penstock.run.unpack import unpack
    resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))
    try:
        unpack(Path(sys.argv[1]), Path(sys.argv[2]))
    except UnsafeArchive as error:
        print(error.message)
"""


def unpacked_with_little_memory(archive: Path, to: Path) -> str:
    command = [sys.executable, "-c", LIMITED, str(archive), str(to)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def zeros(length: int) -> bytes:
    """A raw deflate stream of that many MiB of zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(length)) + packer.flush()


def test_an_archive_of_archives_of_zeros_is_never_opened_further(place: Path) -> None:
    inner = zipped((zip_entry("zeros", kind=ZIP_DEFLATED), bytes(64 << 20)))
    for _ in range(4):
        inner = zipped(*((zip_entry(f"{n}.zip", kind=ZIP_DEFLATED), inner) for n in range(16)))
    (place / "archive").write_bytes(inner)
    assert unpacked_with_little_memory(place / "archive", place / "below" / "out") == ""
    assert sorted(path.name for path in (place / "below" / "out").iterdir()) == sorted(f"{n}.zip" for n in range(16))


@pytest.mark.slow
def test_a_large_bomb_is_refused_early_and_with_little_memory(place: Path) -> None:
    packed = zeros(300)
    claim = 300 << 20
    header = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(packed), claim, 1, 0) + b"z"
    entry = (
        b"PK\x01\x02" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 0, 8, 0, 0, 0, len(packed), claim, 1, *[0] * 6) + b"z"
    )
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(header) + len(packed), 0)
    (place / "archive").write_bytes(header + packed + entry + end)
    assert "would unpack to more than 67," in unpacked_with_little_memory(place / "archive", place / "below" / "out")
    assert_nothing_is_left(place)


@pytest.mark.slow
def test_a_directory_of_a_million_entries_is_refused_with_little_memory(place: Path) -> None:
    entry = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"z"
    for copies, reason in ((400_000, "more than 100,000 files"), (1_000_000, "its directory is 47,")):
        end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFE, 0xFFFE, len(entry) * copies, 0, 0)
        (place / "archive").write_bytes(entry * copies + end)
        assert reason in unpacked_with_little_memory(place / "archive", place / "below" / "out")
        assert_nothing_is_left(place)


@pytest.mark.slow
def test_a_tar_header_that_unpacks_to_gigabytes_is_refused_with_little_memory(place: Path) -> None:
    with gzip.open(place / "archive", "wb") as file:
        file.write(raw_header(b"x", b"x", b"10000000000"))
        for _ in range(400):
            file.write(bytes(1 << 20))
    assert "header of an entry is longer" in unpacked_with_little_memory(place / "archive", place / "below" / "out")
    assert_nothing_is_left(place)


# What is unpacked


@pytest.mark.parametrize("suffix", ["zip", "tar", "tgz"])
def test_folders_and_files_come_out_as_they_went_in(place: Path, suffix: str) -> None:
    inside = {
        "a/b/c.txt": b"deep",
        "top": b"x" * 3_000,
        "ü ö.txt": b"",
        "Bild\u202f1": b"1",
        "at 1:2": b"odd",
        "...": b"dots",
    }
    if suffix == "zip":
        data = zipped(
            (zip_entry("empty/", stat.S_IFDIR | 0o755), b""),
            *((zip_entry(name, kind=ZIP_DEFLATED), body) for name, body in inside.items()),
        )
    else:
        data = tarred(
            (tar_entry("./", tarfile.DIRTYPE), b""),
            (tar_entry("./empty", tarfile.DIRTYPE), b""),
            *((tar_entry(f"./{name}"), body) for name, body in inside.items()),
        )
        data = gzip.compress(data) if suffix == "tgz" else data
    (place / "archive").write_bytes(data)
    unpack(place / "archive", place / "below" / "out")
    out = place / "below" / "out"
    assert {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()} == inside
    assert (out / "empty").is_dir()
    assert [path.name for path in (place / "below").iterdir()] == ["out"]


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_long_name_in_a_tar_file_is_kept(place: Path, format: int) -> None:
    name = "/".join(["folder" * 10] * 5) + "/file"
    (place / "archive").write_bytes(tarred((tar_entry(name), b"long"), format=format))
    unpack(place / "archive", place / "below" / "out")
    assert (place / "below" / "out" / name).read_bytes() == b"long"


def test_only_whether_a_file_can_be_run_is_kept_of_its_mode(place: Path) -> None:
    (place / "archive").write_bytes(zipped((zip_entry("s", stat.S_IFREG | 0o6777), b""), (zip_entry("f", 0), b"")))
    unpack(place / "archive", place / "below" / "out")
    assert (place / "below" / "out" / "s").stat().st_mode & 0o7100 == 0o100
    assert (place / "below" / "out" / "f").stat().st_mode & 0o7111 == 0


def test_a_small_archive_may_unpack_to_many_times_its_size(place: Path) -> None:
    (place / "archive").write_bytes(zipped((zip_entry("zeros", kind=ZIP_DEFLATED), bytes(30 << 20))))
    unpack(place / "archive", place / "below" / "out")
    assert (place / "below" / "out" / "zeros").stat().st_size == 30 << 20


def test_a_folder_that_cannot_be_written_to_is_named(place: Path) -> None:
    (place / "archive").write_bytes(zipped((zip_entry("f"), b"")))
    (place / "file").write_text("")
    with pytest.raises(Exception, match="cannot write below") as caught:
        unpack(place / "archive", place / "file" / "out")
    assert isinstance(caught.value, DiskFull) or caught.value.code == "store"


# Names


@given(st.text(st.sampled_from("./\\ab:C\0\n~ "), max_size=12))
def test_a_name_that_is_taken_leads_inside(name: str) -> None:
    if is_inside(name):
        assert posixpath.normpath(posixpath.join("/top", name)) == f"/top/{name}"
    if is_portable(name):
        assert is_inside(name)
        assert ntpath.normpath(ntpath.join("C:\\top", name)).startswith("C:\\top\\")


def test_an_archive_is_called_by_what_comes_before_its_suffix() -> None:
    assert [bare_name(name) for name in ("a.v1.tar.gz", "a.ZIP", ".zip", "a.gz")] == ["a.v1", "a", "", "a.gz"]


def test_archives_are_known_by_their_suffix() -> None:
    assert [
        name for name in ("a.zip", "a.TAR.GZ", "a.tgz", "a.tar", "a.gz", "zip", "a.zip.txt") if is_archive(name)
    ] == [
        "a.zip",
        "a.TAR.GZ",
        "a.tgz",
        "a.tar",
    ]
