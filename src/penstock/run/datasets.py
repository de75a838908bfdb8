"""Data sets as files: the manifest that says what is in one, and copies of it on this machine.

A manifest is data that somebody wrote: every name in it is judged before it becomes a path, and a manifest with a name
that does not lead below a folder is refused whole. It must never know tasks, or where a manifest comes from.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from penstock.blobs.files import FileBlobs, writing_below
from penstock.core.errors import PenstockError, UnsafeArchive
from penstock.core.outputs import Blob
from penstock.run import slots
from penstock.run.unpack import Growing, Limits, is_portable, shown

MOST_FILES = 1_000_000
_ENDLESS = Limits(entries=2 * MOST_FILES, size=1 << 62, ratio=1 << 40)
_FILES, _STAMPS = "files", "stamps.json"
_IS_HASH = r"^[0-9a-f]{64}$"

Refuse = Callable[[str], PenstockError]


class Entry(Struct, frozen=True, kw_only=True):
    """A file of a data set: its content, by the SHA-256 of its bytes."""

    hash: str
    size: int
    executable: bool = False


class Manifest(Struct, frozen=True, kw_only=True):
    """What is in a data set.

    Args:
        files: By the path within the data set, with slashes.
        parents: Ids of the data sets that it was made from; what is in them is in `files` as far as it is still there.
    """

    files: dict[str, Entry] = {}
    parents: tuple[str, ...] = ()


def read(value: object, name: str) -> Manifest:
    """Return a recorded manifest.

    Args:
        value: What was recorded.
        name: Of the data set, for messages.

    Raises:
        UnsafeArchive: It is none, or it names a file that would lie elsewhere.
    """
    refuse = partial(_refusal, name)
    try:
        manifest = msgspec.convert(value, Manifest)
    except msgspec.ValidationError as error:
        raise refuse(f"it cannot be read: {error}") from None
    for path, entry in manifest.files.items():
        check_name(path, refuse)
        if not (len(entry.hash) == sha256().digest_size * 2 and set(entry.hash) <= set("0123456789abcdef")):
            raise refuse(f"{shown(path)} has no hash")
        if entry.size < 0:
            raise refuse(f"{shown(path)} has a size of {entry.size}")
    check_together(manifest.files, refuse)
    return manifest


def check_name(path: str, refuse: Refuse) -> None:
    """Raise unless a path leads below a folder, on every system."""
    if not is_portable(path):
        raise refuse(f"{shown(path)} does not lead below the data set's folder on every system")


def check_together(paths: Mapping[str, object], refuse: Refuse) -> None:
    """Raise unless all of these paths can be in one folder: none is a file and a folder, none is there twice."""
    if len(paths) > MOST_FILES:
        raise refuse(f"it holds more than {MOST_FILES:,} files")
    folders = {path[:place] for path in paths for place, letter in enumerate(path) if letter == "/"}
    if both := next((path for path in paths if path in folders), None):
        raise refuse(f"{shown(both)} is a file and a folder in it")


def chosen(manifest: Manifest, part: int | None, parts: int | None) -> dict[str, Entry]:
    """Return the files of one part of a data set; of the whole, when nothing says which part.

    Raises:
        ValueError: There is no such part.
    """
    if part is None or parts is None:
        return dict(manifest.files)
    if not 0 <= part < parts:
        raise ValueError(f"part {part} of {parts} is none: they count from 0")
    return {name: manifest.files[name] for name in sorted(manifest.files)[part::parts]}


def shared_copy(files: Mapping[str, Entry], blobs: FileBlobs, cache: Path, name: str) -> slots.Slot:
    """Return a folder of the cache with these files, for reading; see `files_of`. It stays while this is open.

    A copy that was made before is used again if no file of it was touched since.
    """
    return slots.share(cache / "datasets", _Copy(files, blobs, partial(_refusal, name)))


def files_of(slot: slots.Slot) -> Path:
    """Return where the files of a copy are."""
    return slot.folder / _FILES


class _Copy:
    """Files in a folder that many read."""

    def __init__(self, files: Mapping[str, Entry], blobs: FileBlobs, refuse: Refuse) -> None:
        self._files = files
        self._blobs = blobs
        self._refuse = refuse

    @property
    def key(self) -> str:
        listed = [[name, one.hash, one.executable] for name, one in sorted(self._files.items())]
        return sha256(json.dumps(listed).encode()).hexdigest()[:32]

    def make(self, folder: Path, descriptor: int) -> None:
        _ = descriptor
        target = folder / _FILES
        write(self._files, self._blobs, target, self._refuse)
        for name in self._files:
            (target / name).chmod(0o555 if self._files[name].executable else 0o444)
        with writing_below(folder):
            (folder / _STAMPS).write_text(json.dumps(dict(_stamps(target))), "utf-8")

    def is_untouched(self, folder: Path) -> bool:
        try:
            kept: object = json.loads((folder / _STAMPS).read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return kept == dict(_stamps(folder / _FILES))


def _stamps(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Yield what tells that a file below a folder was touched, without reading it."""
    for path in sorted(folder.rglob("*")):
        if not path.is_dir() or path.is_symlink():
            state = path.lstat()
            yield path.relative_to(folder).as_posix(), [state.st_size, state.st_mtime_ns, state.st_ino, state.st_mode]


def write(files: Mapping[str, Entry], blobs: FileBlobs, folder: Path, refuse: Refuse) -> None:
    """Write files into a folder, each from its verified blob; what else is in the folder stays.

    Raises:
        Damaged: The bytes of one are gone, or are not what was recorded.
        DiskFull: There is no space for them.
    """
    growing = Growing(folder, 0, _ENDLESS, refuse)
    with writing_below(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, entry in files.items():
        with blobs.verified_path(Blob(entry.hash, entry.size)).open("rb") as content:
            growing.add_file(name, content, executable=entry.executable, counted=False)


def empty(folder: Path) -> None:
    """Remove all that is in a folder; the folder itself stays, or comes to be."""
    with writing_below(folder.parent):
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)


def differences(files: Mapping[str, Entry], folder: Path, *, by_size: bool) -> list[str]:
    """Return the files of a data set that are missing in a folder, or have another content there.

    Args:
        by_size: Whether only the sizes are compared.
    """
    return [name for name, entry in sorted(files.items()) if not _is_same(folder / name, entry, by_size=by_size)]


def _is_same(path: Path, entry: Entry, *, by_size: bool) -> bool:
    try:
        if path.is_symlink() or path.stat().st_size != entry.size:
            return False
        if by_size:
            return True
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest() == entry.hash
    except OSError:
        return False


def scanned(path: Path) -> Entry:
    """Return what a file is, as an entry of a data set; it is read once, piece by piece."""
    with path.open("rb") as file:
        state = os.fstat(file.fileno())
        return Entry(
            hash=file_digest(file, "sha256").hexdigest(), size=state.st_size, executable=bool(state.st_mode & 0o100)
        )


def merged(manifests: Sequence[Manifest]) -> dict[str, Entry]:
    """Return the files of several data sets together; of a path that several have, that of the last one."""
    return {name: entry for manifest in manifests for name, entry in manifest.files.items()}


def _refusal(name: str, reason: str) -> UnsafeArchive:
    return UnsafeArchive(f"data set {name!r} is refused: {reason}", hint="make it anew from files that you trust")
