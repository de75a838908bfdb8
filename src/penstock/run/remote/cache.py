"""Copies of remote files in the state directory, each checked before it is handed out.

    <root>/<context>/<digest>/<name>       the copy; the digest is that of the URL, the name has only safe letters
    <root>/<context>/<digest>/note.json    its size and SHA-256, and what the far side said of it
    <root>/<context>/<digest>.lock         held by the process that looks at the copy or renews it

An archive is unpacked to an entry of its own. Entries are used one process at a time, so two that want the same file
fetch it once; a lock goes with its process. The entries that were used the longest ago go first. This must never make
a path from a URL.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec
from msgspec import Struct

from penstock.blobs.files import writing_below
from penstock.core.errors import Invalid, NotFound
from penstock.run.remote.local import replacing
from penstock.run.remote.transport import Facts
from penstock.run.remote.urls import safe_name
from penstock.run.unpack import bare_name, unpack

if TYPE_CHECKING:
    from collections.abc import Generator

    from penstock.run.remote.transport import Transport
    from penstock.run.remote.urls import Url

DEFAULT_LIMIT = 100
_NOTE = "note.json"
_IS_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch


class Note(Struct, frozen=True):
    """What is known of a copy.

    Args:
        facts: What the far side said when it was fetched.
        sha256: Of its bytes; of an unpacked archive, of all names and bytes in it.
    """

    facts: Facts
    sha256: str


class Cache:
    """The copies of one context.

    Args:
        root: The folder of all contexts.
        context: A name for copies that are counted together.
        limit: How many entries are kept, at least 1.
    """

    def __init__(self, root: Path, context: str = "global", limit: int = DEFAULT_LIMIT) -> None:
        if limit < 1:
            raise Invalid(f"a cache cannot hold {limit} files", hint="give a limit of 1 or more")
        self.folder = root / _folder_name(context)
        self._limit = limit

    @contextmanager
    def copy(self, url: Url, transport: Transport, name: str | None = None, *, force: bool = False) -> Generator[Path]:
        """Give the path of a copy of a remote file, which nobody renews or removes while the block runs.

        Args:
            name: What the copy is called, if not as the URL's last part.
            force: Whether to fetch it in any case.

        Raises:
            NotFound: There is no such file.
            RemoteError: It cannot be read.
            DiskFull: There is no space for it.
        """
        with self._entry(f"{url.text}\0{name or ''}") as folder:
            path = folder / _apart(safe_name(name or url.names))
            note = _read(folder)
            far = None if force or note is None else transport.stat(url)
            if not force and note is not None and far is None:
                raise NotFound(f"there is no file {url} any more")
            if note is None or far is None or not note.facts.is_same(far) or not _is_intact(path, note):
                _fetch(url, transport, folder, path)
            self._used(folder)
            yield path
        self._trim()

    def unpacked(self, archive: Path, key: str) -> Path:
        """Return the path of a folder with the content of an archive.

        Args:
            archive: A local file.
            key: What tells this archive from others: its URL or path.

        Raises:
            UnsafeArchive: The archive holds what is never unpacked.
        """
        with self._entry(f"unpacked\0{key}") as folder:
            target = folder / _apart(safe_name(bare_name(archive.name)))
            size, digest = archive.stat().st_size, _digest(archive)
            facts, note = Facts(size, etag=digest), _read(folder)
            if note is None or not note.facts.is_same(facts) or not target.is_dir() or _tree(target) != note.sha256:
                with writing_below(folder):
                    _clear(folder)
                unpack(archive, target)
                _write(folder, Note(facts, _tree(target)))
            self._used(folder)
        self._trim()
        return target

    def place(self, url: Url) -> Path:
        """Return a folder for the content of a remote folder."""
        with self._entry(f"folder\0{url.text}") as folder:
            self._used(folder)
            return folder / "content"

    @contextmanager
    def _entry(self, key: str) -> Generator[Path]:
        folder = self.folder / hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        with writing_below(self.folder):
            self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
            lock = _wait_for(folder.with_suffix(".lock"))
        with lock:
            with writing_below(self.folder):
                folder.mkdir(mode=0o700, exist_ok=True)
            yield folder

    def _used(self, folder: Path) -> None:
        with writing_below(folder):
            os.utime(folder)

    def _trim(self) -> None:
        """Remove the entries that were used the longest ago, but for those that another process holds."""
        found = sorted(_entries(self.folder))
        for _, folder in found[: max(0, len(found) - self._limit)]:
            with suppress(OSError):
                path = folder.with_suffix(".lock")
                with path.open("ab") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
                    path.unlink()


def _folder_name(context: str) -> str:
    """Return the name of a context's folder: itself where it is a plain word, else what remains and its digest."""
    if _IS_PLAIN(context):
        return context
    return f"{safe_name(context)}.{hashlib.sha256(context.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


def _apart(name: str) -> str:
    """Return a name that no file of ours has."""
    return f"{name}_" if name == _NOTE else name


def _entries(folder: Path) -> Iterator[tuple[float, Path]]:
    with suppress(OSError), os.scandir(folder) as found:
        for one in found:
            with suppress(OSError):
                if one.is_dir(follow_symlinks=False):
                    yield one.stat().st_mtime, Path(one.path)


def _wait_for(path: Path) -> IO[bytes]:
    """Return a lock file, open, which this process holds from now on."""
    while True:
        with ExitStack() as opened:
            file = opened.enter_context(path.open("ab"))
            fcntl.flock(file, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                    opened.pop_all()
                    return file
            # The entry was removed while this waited: another process may hold a lock of the same name.


def _fetch(url: Url, transport: Transport, folder: Path, path: Path) -> None:
    with writing_below(folder):
        for old in folder.glob(".partial-*"):  # of processes that died
            old.unlink()
    with replacing(path) as sink:
        facts = transport.fetch(url, sink)
    _write(folder, Note(facts, _digest(path)))


def _read(folder: Path) -> Note | None:
    try:
        return msgspec.json.decode((folder / _NOTE).read_bytes(), type=Note)
    except (OSError, msgspec.MsgspecError):
        return None


def _write(folder: Path, note: Note) -> None:
    with replacing(folder / _NOTE) as sink:
        sink.write(msgspec.json.encode(note))


def _clear(folder: Path) -> None:
    (folder / _NOTE).unlink(missing_ok=True)
    for one in folder.iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()


def _is_intact(path: Path, note: Note) -> bool:
    try:
        return not path.is_symlink() and _digest(path) == note.sha256
    except OSError:
        return False


def _digest(path: Path) -> str:
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tree(top: Path) -> str:
    """Return a digest of all names and bytes below a folder."""
    seen = hashlib.sha256()
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(files):
            path = Path(folder, name)
            content = _digest(path) if path.is_file() and not path.is_symlink() else "no file"
            seen.update(f"{path.relative_to(top)}\0{content}\0".encode("utf-8", "surrogateescape"))
        seen.update(f"{Path(folder).relative_to(top)}\0\0".encode("utf-8", "surrogateescape"))
    return seen.hexdigest()
