from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import time
from array import array
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.blobs.files import FileBlobs
from penstock.core.errors import Damaged, DiskFull, Invalid, NotFound, StoreError
from penstock.core.outputs import Blob

LARGE = 3 << 20  # more than the size from which a piece is hashed in a thread
ABSENT = "0" * 64


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> FileBlobs:
    return FileBlobs(tmp_path_factory.mktemp("store"))


def staged(root: Path) -> list[str]:
    return [path.name for path in (root / "staging").glob("*")]


def stored(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "sha256").rglob("*") if path.is_file())


def run_python(code: str, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def start_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


# Storing


def test_what_is_put_is_read_back_and_named_by_its_sha256(blobs: FileBlobs) -> None:
    blob = blobs.put_bytes(b"hello")
    assert blob == Blob(sha256(b"hello").hexdigest(), 5)
    assert blobs.read(blob) == b"hello"
    assert blobs.verified_path(blob).read_bytes() == b"hello"
    assert blobs.stat(blob.hash) == blob


def test_a_blob_lies_two_folders_deep_under_its_whole_hash(blobs: FileBlobs, tmp_path: Path) -> None:
    hash_ = blobs.put_bytes(b"hello").hash
    assert blobs.path(hash_) == tmp_path / "blobs" / "sha256" / hash_[:2] / hash_[2:4] / hash_


def test_an_empty_blob_can_be_stored(blobs: FileBlobs) -> None:
    blob = blobs.put_bytes(b"")
    assert blob.size == 0
    assert blobs.read(blob) == b""
    assert blobs.verified_path(blob).exists()


def test_nothing_is_made_on_the_disk_before_something_is_written(blobs: FileBlobs, tmp_path: Path) -> None:
    assert blobs.stat(ABSENT) is None
    assert blobs.sweep(0, time.time()) == 0
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.integers(0, 5_000), st.integers((1 << 20) - 2, LARGE)), max_size=6), st.integers(0, 255))
def test_pieces_of_any_size_make_the_hash_of_the_whole(shared: FileBlobs, sizes: list[int], start: int) -> None:
    pieces = [bytes([(start + at) % 256]) * size for at, size in enumerate(sizes)]
    with shared.writer() as writer:
        for piece in pieces:
            assert writer.write(piece) == len(piece)
        assert writer.tell() == sum(sizes)
        blob = writer.commit()
    whole = b"".join(pieces)
    assert blob == Blob(sha256(whole).hexdigest(), len(whole))
    assert shared.read(blob) == whole
    shared.delete(blob.hash)


@pytest.mark.parametrize(
    "buffer",
    [
        bytearray(b"abc"),
        memoryview(b"abcdef").cast("B", (2, 3)),
        array("d", [1.0, 2.0]),
        memoryview(bytearray(LARGE)),
        memoryview(b"").cast("B"),
    ],
)
def test_any_contiguous_buffer_can_be_written(blobs: FileBlobs, buffer) -> None:
    blob = blobs.put_bytes(buffer)
    assert blobs.read(blob) == memoryview(buffer).tobytes()


def test_a_small_buffer_may_change_after_it_was_written(blobs: FileBlobs) -> None:
    buffer = bytearray(b"first")
    with blobs.writer() as writer:
        writer.write(bytes(LARGE))  # from here on a thread hashes
        writer.write(buffer)
        buffer[:] = b"other"
        blob = writer.commit()
    assert blobs.read(blob) == bytes(LARGE) + b"first"


def test_a_buffer_with_holes_is_refused_and_the_writer_goes_on(blobs: FileBlobs) -> None:
    with blobs.writer() as writer:
        with pytest.raises(TypeError):
            writer.write(memoryview(b"abcdef")[::2])
        writer.write(b"whole")
        assert blobs.read(writer.commit()) == b"whole"


@pytest.mark.parametrize("size", [0, 10, LARGE * 3])
def test_a_file_is_stored_by_its_content(blobs: FileBlobs, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    assert blobs.read(blobs.put_file(tmp_path / "file")) == content


def test_a_file_that_cannot_be_read_is_named(blobs: FileBlobs, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing-here"):
        blobs.put_file(tmp_path / "nothing-here")
    with pytest.raises(Invalid, match=str(tmp_path)):
        blobs.put_file(tmp_path)
    assert staged(tmp_path / "blobs") == []


def test_a_blob_is_as_young_as_its_commit_and_not_as_its_bytes(blobs: FileBlobs) -> None:
    """Its age says whether it was stored after a run ended. The kernel's own stamp lags behind the clock by some ms."""
    for _ in range(20):
        with blobs.writer() as writer:
            writer.write(b"some bytes")
            before = time.time()
            blob = writer.commit()
        blobs.delete(blob.hash, stored_before=before)
        assert blobs.stat(blob.hash) == blob
        blobs.delete(blob.hash, stored_before=time.time())
        assert blobs.stat(blob.hash) is None


def test_the_same_content_twice_is_one_blob_that_is_young_again(blobs: FileBlobs, tmp_path: Path) -> None:
    first = blobs.put_bytes(b"same")
    os.utime(blobs.path(first.hash), (0, 0))
    assert blobs.put_bytes(b"same") == first
    assert stored(tmp_path / "blobs") == [first.hash]
    assert staged(tmp_path / "blobs") == []
    assert blobs.path(first.hash).stat().st_mtime > 0


def test_only_the_owner_has_access_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        FileBlobs(tmp_path / "blobs").put_bytes(b"secret")
    finally:
        os.umask(before)
    for path in (tmp_path / "blobs", *(tmp_path / "blobs").rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o400), path


def test_a_relative_root_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blobs = FileBlobs(Path("here"))
    monkeypatch.chdir("/")
    blobs.put_bytes(b"x")
    assert (tmp_path / "here" / "sha256").is_dir()


def test_a_url_leads_to_the_file_through_any_name(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path / "a b#c?d%20ü")
    blob = blobs.put_bytes(b"x")
    url = urlsplit(blobs.url(blob.hash))
    assert (url.scheme, url.netloc, url.query, url.fragment) == ("file", "", "", "")
    assert Path(url2pathname(url.path)).read_bytes() == b"x"


def test_deleting_removes_the_blob_and_may_be_repeated(blobs: FileBlobs) -> None:
    blob = blobs.put_bytes(b"x")
    blobs.delete(blob.hash)
    blobs.delete(blob.hash)
    assert blobs.stat(blob.hash) is None
    assert blobs.read(blobs.put_bytes(b"x")) == b"x"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "abc",
        "../../../etc/passwd",
        "A" * 64,
        "g" * 64,
        "0" * 63,
        "0" * 65,
        "0" * 64 + "\n",
        "\u0660" * 64,
        "/" * 64,
    ],
)
def test_a_name_that_is_no_hash_is_refused_everywhere(blobs: FileBlobs, name: str) -> None:
    for use in (blobs.path, blobs.url, blobs.stat, blobs.delete):
        with pytest.raises(Invalid, match="hash"):
            use(name)
    for read in (blobs.read, blobs.verified_path):
        with pytest.raises(Invalid, match="hash"):
            read(Blob(name, 1))


# Not storing


def test_a_writer_that_is_left_without_commit_leaves_nothing(blobs: FileBlobs, tmp_path: Path) -> None:
    with blobs.writer() as writer:
        writer.write(bytes(LARGE))
    assert staged(tmp_path / "blobs") == []
    assert stored(tmp_path / "blobs") == []


def test_a_writer_that_is_left_by_an_error_leaves_nothing(blobs: FileBlobs, tmp_path: Path) -> None:
    def fail() -> None:
        with blobs.writer() as writer:
            writer.write(bytes(LARGE))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert staged(tmp_path / "blobs") == []
    assert stored(tmp_path / "blobs") == []


def test_a_writer_is_used_once(blobs: FileBlobs) -> None:
    with blobs.writer() as writer:
        writer.write(b"x")
        blob = writer.commit()
        with pytest.raises(ValueError, match="closed"):
            writer.write(b"y")
        with pytest.raises(ValueError, match="closed"):
            writer.commit()
    assert blobs.read(blob) == b"x"


def test_a_writer_lets_nobody_write_past_it(blobs: FileBlobs) -> None:
    with blobs.writer() as writer:
        assert writer.writable()
        assert not writer.readable()
        assert not writer.seekable()
        with pytest.raises(OSError, match="fileno"):
            writer.fileno()


# Damage


def test_a_missing_blob_is_named_with_its_size_and_a_remedy(blobs: FileBlobs) -> None:
    blob = blobs.put_bytes(b"hello")
    blobs.delete(blob.hash)
    for read in (blobs.read, blobs.verified_path):
        with pytest.raises(Damaged, match=f"{blob.hash}.*5 bytes.*missing") as raised:
            read(blob)
        assert "run the step" in str(raised.value.hint)


@pytest.mark.parametrize("content", [b"hellO", b"hell", b"hello!", b""])
def test_changed_bytes_are_found_on_every_read(blobs: FileBlobs, content: bytes) -> None:
    blob = blobs.put_bytes(b"hello")
    path = blobs.path(blob.hash)
    assert blobs.verified_path(blob) == path
    path.chmod(0o600)
    path.write_bytes(content)
    for read in (blobs.read, blobs.verified_path):
        with pytest.raises(Damaged, match=f"{blob.hash} is damaged"):
            read(blob)


def test_a_blob_of_another_size_than_recorded_says_both_sizes(blobs: FileBlobs) -> None:
    blob = blobs.put_bytes(b"hello")
    with pytest.raises(Damaged, match="1,000 bytes were recorded, 5 are in"):
        blobs.verified_path(Blob(blob.hash, 1_000))


def test_storing_the_same_bytes_again_repairs_a_damaged_blob(blobs: FileBlobs) -> None:
    blob = blobs.put_bytes(b"hello")
    blobs.path(blob.hash).chmod(0o600)
    blobs.path(blob.hash).write_bytes(b"hellO")
    assert blobs.put_bytes(b"hello") == blob
    assert blobs.read(blob) == b"hello"


# Many writers, dying writers


def test_many_processes_may_write_the_same_content_at_once(tmp_path: Path) -> None:
    code = """if True:
        import sys
        from pathlib import Path
        from penstock.blobs.files import FileBlobs
        blobs = FileBlobs(Path(sys.argv[1]))
        print("ready", flush=True)
        sys.stdin.readline()
        for turn in range(20):
            for data in (b"small %d" % turn, bytes([turn]) * (2 << 20)):
                assert blobs.read(blobs.put_bytes(data)) == data
        print("done", flush=True)
    """
    writers = [start_python(code, str(tmp_path)) for _ in range(4)]
    try:
        assert [writer.stdout.readline() for writer in writers] == ["ready\n"] * 4
        for writer in writers:
            writer.stdin.write("go\n")
            writer.stdin.flush()
        assert [writer.communicate(timeout=60)[0] for writer in writers] == ["done\n"] * 4
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    blobs = FileBlobs(tmp_path)
    names = stored(tmp_path)
    assert len(names) == 40
    assert all(blobs.verified_path(blobs.stat(name)) for name in names)
    assert staged(tmp_path) == []


def test_many_threads_may_use_one_store(blobs: FileBlobs) -> None:
    def put(number: int) -> bool:
        data = bytes([number % 4]) * (1 << 20)
        return blobs.read(blobs.put_bytes(data)) == data

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(put, range(32)))


def test_a_writer_that_is_killed_leaves_no_blob_and_is_swept_only_when_dead(tmp_path: Path) -> None:
    code = """if True:
        import sys
        from pathlib import Path
        from penstock.blobs.files import FileBlobs
        with FileBlobs(Path(sys.argv[1])).writer() as writer:
            writer.write(bytes(3 << 20))
            print("half", flush=True)
            sys.stdin.readline()
    """
    blobs = FileBlobs(tmp_path)
    kept = blobs.put_bytes(b"kept")
    later = time.time() + 3600
    writer = start_python(code, str(tmp_path))
    try:
        assert writer.stdout.readline() == "half\n"
        assert blobs.sweep(60, later) == 0, "its writer lives"
    finally:
        writer.kill()
        writer.communicate()
    assert stored(tmp_path) == [kept.hash]
    assert len(staged(tmp_path)) == 1
    assert blobs.sweep(7200, later) == 0, "too young"
    assert blobs.sweep(60, later) == 1
    assert staged(tmp_path) == []
    assert blobs.read(kept) == b"kept"


# A disk that refuses


@pytest.fixture
def put() -> str:
    """Code that stores 4 MiB below its first argument and prints what happened and what is left."""
    return """if True:
        import os, resource, sys, tempfile
        from pathlib import Path
        from penstock.blobs.files import FileBlobs
        from penstock.core.errors import PenstockError
        for action in sys.argv[2:]:
            exec(action)
        root = Path(sys.argv[1])
        try:
            FileBlobs(root).put_bytes(os.urandom(4 << 20))
        except PenstockError as error:
            print(error.code, error.message, error.hint)
        print([path.name for path in root.rglob("*") if path.is_file()])
    """


def test_a_file_size_limit_is_reported_and_leaves_nothing(tmp_path: Path, put: str) -> None:
    done = run_python(put, str(tmp_path), "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))")
    assert done.stderr == ""
    assert f"disk_full cannot write below {tmp_path}: the file would be larger than allowed" in done.stdout
    assert "ulimit" in done.stdout
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize(
    ("options", "reason"), [("size=1m", "the disk is full"), ("ro", "the disk is read-only")], ids=["full", "read-only"]
)
def test_a_full_or_read_only_disk_is_reported_and_leaves_nothing(
    tmp_path: Path, put: str, options: str, reason: str
) -> None:
    mount = f'mount -t tmpfs -o {options} none "$0" && exec "$@"'
    isolate = ("unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(tmp_path))
    try:
        probe = subprocess.run([*isolate, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no `unshare` here: a full disk cannot be had without mounting one")
    if probe.returncode:
        pytest.skip(f"this user may not mount: {probe.stderr.decode()}")
    done = run_python(put, str(tmp_path), before=isolate)
    assert done.stderr == ""
    assert f"disk_full cannot write below {tmp_path}: {reason}" in done.stdout
    assert "PENSTOCK_HOME" in done.stdout
    assert done.stdout.endswith("[]\n")


@pytest.mark.uncovered
def test_a_folder_of_another_user_is_reported_and_leaves_nothing(put: str) -> None:
    become_nobody = "os.geteuid() or (os.setgroups([]), os.setgid(65534), os.setuid(65534))"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        done = run_python(put, folder, become_nobody)
        Path(folder).chmod(0o700)
    assert done.stderr == ""
    assert f"disk_full cannot write below {folder}: permission denied" in done.stdout
    assert done.stdout.endswith("[]\n")


@pytest.mark.uncovered
def test_an_ordinary_user_can_store_replace_and_delete() -> None:
    code = """if True:
        import os, sys
        from pathlib import Path
        from penstock.blobs.files import FileBlobs
        os.geteuid() or (os.setgroups([]), os.setgid(65534), os.setuid(65534))
        blobs = FileBlobs(Path(sys.argv[1]) / "store")
        blob = blobs.put_bytes(b"x")
        assert blobs.put_bytes(b"x") == blob
        assert blobs.read(blob) == b"x"
        blobs.delete(blob.hash)
        assert blobs.stat(blob.hash) is None
        print("done")
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        done = run_python(code, folder)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_a_file_in_the_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("in the way")
    with pytest.raises(StoreError, match=f"cannot write below {tmp_path / 'blobs'}"):
        FileBlobs(tmp_path / "blobs").put_bytes(b"x")


def test_a_failed_write_is_not_forgotten_when_a_library_swallows_it(tmp_path: Path) -> None:
    code = """if True:
        import resource, sys
        from pathlib import Path
        from penstock.blobs.files import FileBlobs
        from penstock.core.errors import DiskFull
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        with FileBlobs(Path(sys.argv[1])).writer() as writer:
            for size in (2 << 20, 1):
                try:
                    writer.write(bytes(size))
                except DiskFull:
                    print("swallowed")
            try:
                writer.commit()
            except DiskFull:
                print("remembered")
    """
    done = run_python(code, str(tmp_path))
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "remembered"
    assert stored(tmp_path) == staged(tmp_path) == []


def test_disk_full_is_a_store_error() -> None:
    assert issubclass(DiskFull, StoreError)
