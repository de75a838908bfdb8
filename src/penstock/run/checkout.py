"""Makes the code of a recorded script runnable on this machine, in a folder of a cache.

    <cache>/code/<key>-<n>    a worktree with a commit and the changes to it, or a folder with a script's own text
    <cache>/mirrors/...       copies of the repositories that the worktrees belong to

What a record says is data: an address of an unknown kind, a revision that git could take for an option, and paths that
lead outside are refused. It must never run what it makes.
"""

from __future__ import annotations

import os
import re
import time
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from penstock.blobs.files import writing_below
from penstock.core.errors import Invalid, NotFound
from penstock.core.task import Script, ScriptKind, SourceFile
from penstock.run import neighbours
from penstock.run.attempt import CodeAt
from penstock.run.mirrors import HEAD, Mirror, remove_unused_mirrors
from penstock.run.patch import notes
from penstock.run.slots import Occupant, Slot, occupy, remove_unused

PATIENCE = 600.0  # seconds; what fetching or checking out may take

_MODULE = re.compile(r"-m +([^\s.]+(?:\.[^\s.]+)*)")


class Checkout(Occupant):
    """The code of a script, in a folder that nobody else is given, and nobody removes, for as long as this is open.

    It is also open in a process that inherits `descriptor`, and closes when the last of them ends.

    Args:
        root: The folder that holds all of the code.
        folder: Where to run: `working_dir` in it.
        entry: What stands behind the interpreter on its command line: the file, or `-m` and a module; nothing for a
            function.
        commit: The commit that was checked out; empty when there is no repository.
        left_out: What ran and is not here, in words: changes too large to record, submodules.
    """

    def __init__(
        self, slot: Slot, folder: Path, entry: tuple[str, ...], commit: str = "", left_out: tuple[str, ...] = ()
    ) -> None:
        super().__init__(slot)
        self.root = slot.folder
        self.folder = folder
        self.entry = entry
        self.commit = commit
        self.left_out = left_out

    @property
    def path(self) -> tuple[Path, ...]:
        """Folders to look for the project's own modules in, after all others.

        Where the script was recorded they may have been found because the project was installed as a link.
        """
        return tuple(one for one in (self.root, self.root / "src") if one.is_dir())

    @property
    def descriptor(self) -> int:
        """The file descriptor that keeps the folder; hand it on to a process that is to run on its own."""
        return self._slot.descriptor


def checkout(script: Script, cache: Path, *, timeout: float = PATIENCE) -> Checkout:
    """Make the code of a recorded script runnable on this machine.

    A folder that was made before, and that nobody uses or has changed since, is used again.

    Args:
        script: The record.
        cache: A folder of this machine's own; made when it is not there.
        timeout: Seconds that fetching and checking out may take, each.

    Raises:
        Invalid: The record holds an address, a revision or a path that is not followed, or it is no script.
        NotFound: The repository cannot be reached, the commit is not in it, or the entry point is not in that.
        Conflict: The recorded changes do not apply to the commit.
        StoreError: The cache cannot be written to.
    """
    cache = cache.absolute()
    where = _check(script)
    with writing_below(cache):
        if not script.repository:
            neighbours.check(script.files, where.name)
            text = _Text(script.source, where.name, script.files)
            slot = occupy(cache / "code", text)
            return Checkout(slot, slot.folder, (str(slot.folder / text.name),))
        mirror = Mirror(cache, script.repository, timeout)
        commit = mirror.fetch(script.commit or script.branch or HEAD)
        slot = occupy(cache / "code", _Worktree(mirror, commit, script.diff))
        try:
            return _opened(script, slot, commit)
        except BaseException:
            slot.close()
            raise


def opened(at: CodeAt) -> Checkout:
    """Return code that somebody else checked out, and keeps."""
    return Checkout(Slot(Path(at.root), -1), Path(at.folder), at.entry, left_out=at.left_out)


def prune(cache: Path, older_than: float) -> int:
    """Remove checked-out code that nobody uses, and copies of repositories that no such code belongs to.

    Args:
        cache: As for `checkout`.
        older_than: Seconds; what was used within this time stays.

    Returns:
        How many folders of code were removed.
    """
    cache = cache.absolute()
    before = time.time() - older_than
    with writing_below(cache):
        removed = remove_unused(cache / "code", before)
        remove_unused_mirrors(cache, before)
    return removed


class _Text(Struct, frozen=True):
    """A script that is in no repository, with the modules beside it."""

    source: str
    name: str
    beside: tuple[SourceFile, ...] = ()

    @property
    def key(self) -> str:
        beside = "".join(f"\0{one.name}\0{one.text}" for one in self.beside)
        return sha256(f"{self.name}\0{self.source}{beside}".encode("utf-8", "replace")).hexdigest()[:32]

    @property
    def files(self) -> tuple[SourceFile, ...]:
        return (SourceFile(name=self.name, text=self.source), *self.beside)

    def make(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        neighbours.write(self.files, folder)

    def place(self, folder: Path) -> None:
        """Nothing is left to do."""

    def is_untouched(self, folder: Path) -> bool:
        return neighbours.are_untouched(self.files, folder)


class _Worktree(Struct, frozen=True):
    """A commit with changes."""

    mirror: Mirror
    commit: str
    diff: str

    @property
    def key(self) -> str:
        return sha256(f"{self.mirror.name}\0{self.commit}\0{self.diff}".encode("utf-8", "replace")).hexdigest()[:32]

    def make(self, folder: Path) -> None:
        self.mirror.add_worktree(folder, self.commit, self.diff, self.key)

    def place(self, folder: Path) -> None:
        self.mirror.place(folder)

    def is_untouched(self, folder: Path) -> bool:
        return self.mirror.is_untouched(folder, self.commit, self.key)


def _check(script: Script) -> Path:
    """Return the path of the entry point from the root, as far as the record alone tells.

    Raises:
        Invalid: It leads outside, or is none.
    """
    if script.kind is ScriptKind.FUNCTION and not script.repository:
        raise Invalid("a function is not a script", hint="a step's function runs from its recorded source")
    entry = script.entry_point if script.kind is ScriptKind.SCRIPT else "."
    parts = (script.working_dir or ".", entry or ".")
    path = os.path.normpath("/".join(parts))
    is_outside = any(part.startswith("/") or "\0" in part for part in parts) or path.split("/")[0] in {"..", ".git"}
    if is_outside:
        raise Invalid(f"{entry!r} in {script.working_dir or '.'!r} leads outside of the code")
    if script.kind is ScriptKind.MODULE and not _module(script.entry_point):
        raise Invalid(f"not a module to run: {script.entry_point!r}", hint="it reads `-m package.module`")
    if script.repository is None and script.kind is ScriptKind.MODULE:
        raise Invalid("a module is run from a repository, and none is recorded", hint="record the script's file")
    if not script.repository and (path != entry or "/" in path or path == "."):
        raise Invalid(f"not the name of a script: {script.entry_point!r}", hint="it is a file name without folders")
    return Path(path)


def _module(entry: str) -> str:
    found = _MODULE.fullmatch(entry)
    return found[1] if found and all(part.isidentifier() for part in found[1].split(".")) else ""


def _opened(script: Script, slot: Slot, commit: str) -> Checkout:
    root = slot.folder.resolve()
    folder = _inside(root, slot.folder / (script.working_dir or "."))
    folder.mkdir(parents=True, exist_ok=True)  # git keeps no empty folders
    entry: tuple[str, ...] = ()
    if script.kind is ScriptKind.MODULE:
        entry = ("-m", _module(script.entry_point))
    elif script.kind is ScriptKind.SCRIPT:
        file = _inside(root, folder / script.entry_point)
        if not script.entry_point or not file.exists() or file == root:
            raise NotFound(
                f"there is no {script.entry_point!r} in {script.working_dir or '.'!r} of commit {commit}",
                hint="correct the entry point or the working folder of the task, or the commit",
            )
        entry = (str(file),)
    left_out = notes(script.diff)
    if (slot.folder / ".gitmodules").is_file():
        left_out = (*left_out, "the submodules of the repository")
    return Checkout(slot, folder, entry, commit, left_out)


def _inside(root: Path, path: Path) -> Path:
    """Return where a path leads.

    Raises:
        Invalid: That is outside, by a link in the repository.
    """
    real = path.resolve()
    if not real.is_relative_to(root):
        raise Invalid(f"{path} leads outside of the code", hint="a link in the repository goes elsewhere")
    return real
