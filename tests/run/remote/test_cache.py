from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.core.errors import Invalid, NotFound, RemoteError, UnsafeArchive
from penstock.run.remote.cache import Cache
from penstock.run.remote.transport import Entry, Facts
from penstock.run.remote.urls import Url, parse


class Far:
    """A far side in memory, which counts what it is asked."""

    def __init__(self, content: bytes = b"hello", etag: str = "1") -> None:
        self.content: bytes | None = content
        self.etag = etag
        self.fetched = 0
        self.fail = False

    def stat(self, url: Url) -> Facts | None:
        return None if self.content is None else Facts(len(self.content), self.etag)

    def fetch(self, url: Url, sink: IO[bytes]) -> Facts:
        self.fetched += 1
        if self.content is None:
            raise NotFound(f"there is no file {url}")
        sink.write(self.content)
        if self.fail:
            raise RemoteError("cut")
        return Facts(len(self.content), self.etag)

    def send(self, path: Path, url: Url) -> None:
        raise NotImplementedError

    def entries(self, url: Url) -> Iterator[Entry]:
        raise NotImplementedError


URL = parse("https://host/folder/data.csv?x=1")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def copy(cache: Cache, far: Far, url: Url = URL, name: str | None = None, *, force: bool = False) -> Path:
    with cache.copy(url, far, name, force=force) as path:
        return path


def files(cache: Cache) -> list[Path]:
    return [path for path in cache.folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_copy_is_fetched_once(cache: Cache) -> None:
    far = Far()
    first, second = copy(cache, far), copy(cache, far)
    assert first == second
    assert first.read_bytes() == b"hello"
    assert first.name == "data.csv"
    assert far.fetched == 1
    assert {path.name for path in files(cache)} == {"data.csv", "note.json"}


def test_what_changed_on_the_far_side_is_fetched_again(cache: Cache) -> None:
    far = Far()
    copy(cache, far)
    far.content, far.etag = b"hullo", "2"
    assert copy(cache, far).read_bytes() == b"hullo"


def test_where_the_far_side_tells_nothing_but_a_size_it_is_fetched_each_time(cache: Cache) -> None:
    far = Far(etag="")
    copy(cache, far)
    far.content = b"hullo"
    assert copy(cache, far).read_bytes() == b"hullo"


@pytest.mark.parametrize("damage", [b"hellp", b"hell", b"", None])
def test_a_damaged_copy_is_fetched_again(cache: Cache, damage: bytes | None) -> None:
    far = Far()
    path = copy(cache, far)
    path.unlink() if damage is None else path.write_bytes(damage)
    assert copy(cache, far).read_bytes() == b"hello"
    assert far.fetched == 2


@pytest.mark.parametrize("note", [b"", b"{}", b"[1", None])
def test_a_damaged_note_is_written_again(cache: Cache, note: bytes | None) -> None:
    far = Far()
    path = copy(cache, far).with_name("note.json")
    path.unlink() if note is None else path.write_bytes(note)
    copy(cache, far)
    copy(cache, far)
    assert far.fetched == 2


def test_a_link_in_the_place_of_a_copy_is_not_handed_out(cache: Cache, tmp_path: Path) -> None:
    far = Far()
    path = copy(cache, far)
    (tmp_path / "same").write_bytes(b"hello")
    path.unlink()
    path.symlink_to(tmp_path / "same")
    assert not copy(cache, far).is_symlink()


def test_it_is_fetched_again_when_asked_to(cache: Cache) -> None:
    far = Far()
    copy(cache, far)
    copy(cache, far, force=True)
    assert far.fetched == 2


def test_what_is_gone_is_not_found_even_if_there_is_a_copy(cache: Cache) -> None:
    far = Far()
    copy(cache, far)
    far.content = None
    with pytest.raises(NotFound, match="any more"):
        copy(cache, far)


def test_a_failed_download_leaves_nothing_and_the_old_copy_as_it_was(cache: Cache) -> None:
    far = Far()
    far.fail = True
    with pytest.raises(RemoteError):
        copy(cache, far)
    assert files(cache) == []
    far.fail = False
    path = copy(cache, far)
    far.fail, far.content = True, b"half"
    with pytest.raises(RemoteError):
        copy(cache, far, force=True)
    assert path.read_bytes() == b"hello"
    assert len(files(cache)) == 2


def test_what_a_process_left_that_died_is_removed(cache: Cache) -> None:
    far = Far()
    path = copy(cache, far)
    path.with_name(".partial-0123456789abcdef").write_bytes(b"half")
    copy(cache, far, force=True)
    assert len(files(cache)) == 2


def test_other_urls_and_other_names_have_copies_of_their_own(cache: Cache) -> None:
    far = Far()
    paths = {copy(cache, far, parse(text)) for text in ("http://h/a", "http://h/b", "https://h/a", "http://h/a?1")}
    paths |= {copy(cache, far, name="other"), copy(cache, far)}
    assert len(paths) == 6


def test_a_copy_called_like_the_note_is_no_note(cache: Cache) -> None:
    assert copy(cache, Far(b"{}"), parse("http://h/note.json")).read_bytes() == b"{}"


def test_the_copies_that_were_used_the_longest_ago_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=3)
    far = Far()
    paths = []
    for number in range(3):
        paths.append(copy(cache, far, parse(f"http://h/{number}")))
        os.utime(paths[-1].parent, (number, number))
    copy(cache, far, parse("http://h/0"))  # used again
    paths.append(copy(cache, far, parse("http://h/3")))
    assert [path.exists() for path in paths] == [True, False, True, True]
    assert len(list(cache.folder.glob("*.lock"))) == 3


def test_a_copy_in_use_is_not_removed(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=1)
    with cache.copy(parse("http://h/1"), Far()) as path:
        copy(cache, Far(), parse("http://h/2"))
        assert path.exists()


def test_contexts_are_counted_apart(tmp_path: Path) -> None:
    one, two = Cache(tmp_path, "one", 1), Cache(tmp_path, "two", 1)
    paths = [copy(one, Far()), copy(two, Far())]
    assert all(path.exists() for path in paths)


def test_a_limit_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        Cache(tmp_path, limit=0)


NASTY = st.text(max_size=40) | st.text("./\\~%:a\0\n", max_size=20)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(context=NASTY, key=NASTY, name=st.none() | NASTY)
def test_no_name_of_anybody_leads_out_of_the_cache(tmp_path: Path, context: str, key: str, name: str | None) -> None:
    top = tmp_path / "top"
    cache = Cache(top / "cache", context)
    url = Url(f"s3://b/{key}", "s3", "b", key)
    path = copy(cache, Far(), url, name)
    assert path.read_bytes() == b"hello"
    assert Path(os.path.realpath(path)).is_relative_to(top / "cache")
    assert len(path.relative_to(top / "cache").parts) == 3
    assert {one.name for one in top.iterdir()} == {"cache"}
    assert {one.name for one in tmp_path.iterdir()} == {"top"}


def test_contexts_with_other_names_have_other_folders(tmp_path: Path) -> None:
    contexts = ["a", "A b", "A/b", "A_b", "..", ".", "/", "a" * 65, "a" * 66]
    folders = {str(Cache(tmp_path, context).folder).casefold() for context in contexts}
    assert len(folders) == len(contexts)
    assert all(Path(folder).parent == Path(str(tmp_path).casefold()) for folder in folders)


def test_threads_that_want_the_same_file_at_once_fetch_it_once(cache: Cache) -> None:
    far = Far(b"x" * 1_000_000)
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(copy(cache, far).read_bytes())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {far.content}
    assert len(found) == 8
    assert far.fetched == 1


PROCESS = """if True:
    import sys
    from pathlib import Path
    from penstock.run.remote.cache import Cache
    from penstock.run.remote.local import Local
    from penstock.run.remote.urls import Url
    for turn in range(60):
        with Cache(Path(sys.argv[1]), limit=2).copy(
            Url(f"s3://b/{turn % 5}", "file", "", sys.argv[2]), Local(), force=turn % 3 == 0
        ) as path:
            assert path.read_bytes() == b"same" * 1000, path
"""


def test_processes_at_once_do_no_harm_while_entries_come_and_go(tmp_path: Path) -> None:
    (tmp_path / "far").write_bytes(b"same" * 1000)
    command = [sys.executable, "-c", PROCESS, str(tmp_path / "cache"), str(tmp_path / "far")]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for one in running:
        _, errors = one.communicate(timeout=120)
        assert one.returncode == 0, errors


# Archives


def zipped(**content: str) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def test_an_archive_is_unpacked_once(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(zipped(a="1", b="2"))
    folder = cache.unpacked(tmp_path / "data.zip", "key")
    assert folder.name == "data"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a": "1", "b": "2"}
    made = folder.stat().st_ino
    assert cache.unpacked(tmp_path / "data.zip", "key").stat().st_ino == made


@pytest.mark.parametrize("damage", ["changed", "removed", "added", "folder"])
def test_a_damaged_folder_is_unpacked_again(cache: Cache, tmp_path: Path, damage: str) -> None:
    (tmp_path / "data.zip").write_bytes(zipped(a="1", b="2"))
    folder = cache.unpacked(tmp_path / "data.zip", "key")
    if damage == "changed":
        (folder / "a").write_text("9")
    elif damage == "removed":
        (folder / "a").unlink()
    else:
        (folder / "c").mkdir() if damage == "folder" else (folder / "c").symlink_to("/etc/passwd")
    folder = cache.unpacked(tmp_path / "data.zip", "key")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a": "1", "b": "2"}


def test_another_archive_under_the_same_name_is_unpacked_anew(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(zipped(a="1"))
    cache.unpacked(tmp_path / "data.zip", "key")
    (tmp_path / "data.zip").write_bytes(zipped(b="2"))
    folder = cache.unpacked(tmp_path / "data.zip", "key")
    assert [path.name for path in folder.iterdir()] == ["b"]


def test_a_refused_archive_leaves_nothing_in_the_cache(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(zipped(good="1", **{"../evil": "2"}))
    for _ in range(2):
        with pytest.raises(UnsafeArchive):
            cache.unpacked(tmp_path / "data.zip", "key")
    assert files(cache) == []


def test_what_a_process_left_that_died_while_unpacking_is_removed(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(zipped(a="1"))
    folder = cache.unpacked(tmp_path / "data.zip", "key")
    (folder.parent / "unpacking-left" / "deep").mkdir(parents=True)
    (folder.parent / "note.json").unlink()
    cache.unpacked(tmp_path / "data.zip", "key")
    assert {path.name for path in folder.parent.iterdir()} == {"data", "note.json"}


def test_a_remote_folder_has_a_place_that_is_counted(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=1)
    place = cache.place(parse("s3://b/folder"))
    place.mkdir()
    assert cache.place(parse("s3://b/folder")) == place
    copy(cache, Far())
    assert not place.exists()
