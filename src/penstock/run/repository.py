"""Describes a git repository as it is now: where it came from, its commit, and what was changed beside that.

It only reads, and asks git a handful of questions. It must never know what runs in the repository.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from msgspec import Struct

from penstock.core.errors import PenstockError
from penstock.run.git import git
from penstock.run.patch import LIMIT, is_text, joined, new_file, sections
from penstock.run.remotes import absolute, rewritten, without_credentials

TOTAL = 5 * LIMIT  # bytes of all changed files that git is asked to compare

_UNTRUSTED = {"local", "worktree"}  # what came with the repository, and not from its user
_FILTER = re.compile(r"filter\.(.+)\.[a-z]+", re.DOTALL)
_INSTEAD = re.compile(r"url\.(.+)\.insteadof", re.DOTALL)
_COMMIT = re.compile(rb"[0-9a-f]{40,64}")
_SUBMODULE = b"160000"
# What a user's own settings would change about a patch.
_PLAIN_PATCH = (
    "core.quotePath=true",
    "diff.mnemonicPrefix=false",
    "diff.noprefix=false",
    "diff.orderFile=/dev/null",
    "diff.suppressBlankEmpty=false",
)
# What makes git write a file as binary, whatever the kind of its text.
_KINDS = ("default", "bash", "bibtex", "cpp", "fortran", "html", "java", "markdown", "matlab", "perl", "python", "tex")
_AS_BINARY = tuple(f"diff.{kind}.binary=true" for kind in _KINDS)
_COMPARE = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--no-relative",
    "--no-color",
    "--submodule=short",
    "--ignore-submodules=dirty",
)
_PATCH = ("--patch", "--binary", "--full-index", "--unified=3", "--src-prefix=a/", "--dst-prefix=b/")


class Repository(Struct, frozen=True):
    """A repository with a commit.

    Args:
        root: The folder that holds its files.
        address: That of the remote `origin`, without credentials; the root where it has none.
        branch: None where the commit was checked out without one.
        commit: Its whole hash.
        diff: What was changed since, as `git apply` takes it.
    """

    root: Path
    address: str
    branch: str | None
    commit: str
    diff: str = ""


Uses = Callable[[frozenset[Path]], Iterable[Path]]


def root_of(folder: Path) -> Path | None:
    """Return the repository's folder that a folder lies in, without asking git."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)


def describe(folder: Path, script: Path | None, uses: Uses) -> Repository | None:
    """Return the repository that a folder lies in, and what was changed in it.

    Args:
        folder: An absolute path.
        script: A file that is recorded even where the repository does not know it.
        uses: Chooses, of the Python files that the repository neither knows nor ignores, those that are recorded.

    Returns:
        None when there is no repository, none with a commit, or when git is missing or refuses to read it.
    """
    if root_of(folder) is None:
        return None
    with suppress(PenstockError):
        if head := _head(folder):
            settings = _settings(head.root)
            address = _address(settings, head.root)
            diff = _diff(head, settings, script, uses)
            return Repository(head.root, address, head.branch, head.commit, diff)
    return None


class _Head(NamedTuple):
    root: Path
    branch: str | None
    commit: str
    index_file: Path


def _head(folder: Path) -> _Head | None:
    wanted = (
        "--path-format=absolute",
        "--show-toplevel",
        "--git-path",
        "index",
        "HEAD",
        "--symbolic-full-name",
        "HEAD",
    )
    answer = git(folder, "rev-parse", *wanted)
    lines = answer.output.split(b"\n")[:-1]
    if answer.code or len(lines) != 4 or not _COMMIT.fullmatch(lines[2]):  # noqa: PLR2004 - four were asked for
        return None
    root, index, commit, name = map(os.fsdecode, lines)
    branch = name.removeprefix("refs/heads/") if name.startswith("refs/heads/") else None
    return _Head(Path(root), branch, commit, Path(index))


class _Setting(NamedTuple):
    scope: str
    name: str
    value: str


def _settings(root: Path) -> list[_Setting]:
    answer = git(root, "config", "--list", "-z", "--show-scope")
    fields = answer.output.decode("utf-8", "replace").split("\0")[:-1]
    pairs = zip(fields[::2], fields[1::2], strict=False)
    return [_Setting(scope, *_name_and_value(rest)) for scope, rest in pairs]


def _name_and_value(text: str) -> tuple[str, str]:
    name, _, value = text.partition("\n")
    return name, value


def _address(settings: Sequence[_Setting], root: Path) -> str:
    remotes = [one.value for one in settings if one.name == "remote.origin.url" and one.value]
    if not remotes:
        return str(root)
    rules = [(one.value, found[1]) for one in settings if (found := _INSTEAD.fullmatch(one.name))]
    return without_credentials(absolute(rewritten(remotes[0], rules), root))


def _guards(settings: Sequence[_Setting]) -> tuple[str, ...]:
    """Return the settings that turn off each program which the repository's own configuration names for its files.

    Raises:
        PenstockError: One cannot be turned off, because of its name.
    """
    names = {found[1] for one in settings if one.scope in _UNTRUSTED and (found := _FILTER.fullmatch(one.name))}
    if odd := [name for name in names if "=" in name]:
        raise PenstockError(f"a filter of the repository has the name {odd[0]!r}")
    parts = ("clean=", "smudge=", "process=", "required=false")
    return tuple(f"filter.{name}.{part}" for name in sorted(names) for part in parts)


def _diff(head: _Head, settings: Sequence[_Setting], script: Path | None, uses: Uses) -> str:
    try:
        tracked, left_out = _changes(head, _guards(settings))
        made, too_large = _made(head, script, uses)
    except PenstockError as error:
        return joined([], [f"anything: {error.message}"])
    return joined([*tracked, *made], [*left_out, *too_large])


def _changes(head: _Head, guards: Sequence[str]) -> tuple[list[bytes], list[str]]:
    """Return what was changed in files that the repository knows, and what is too large for that."""
    with TemporaryDirectory(prefix="penstock-") as folder:
        # git notes in the index what it found unchanged, and would lock out the user's own git for that.
        index = Path(folder) / "index"
        with suppress(OSError):
            shutil.copy2(head.index_file, index)  # with its time stamp: by that git tells which files to look into

        def compare(*options: str, further: Sequence[str] = ()) -> bytes:
            settings = (*_PLAIN_PATCH, *guards, *further)
            answer = git(head.root, "diff", *_COMPARE, *options, settings=settings, index=index)
            if answer.code:
                raise PenstockError(answer.reason)
            return answer.output

        changed = compare("--raw", "-z", head.commit, "--")
        if not changed:
            return [], []
        large = _large(head.root, changed)
        without = [f":(top,exclude,literal){os.fsdecode(path)}" for path in large]
        shown = (*_PATCH, head.commit, "--", ":(top)", *without)
        parts = sections(compare(*shown))
        if not all(map(is_text, parts)):
            # Text of another encoding than UTF-8. Now every file is written as binary, in the same order.
            binary = sections(compare(*shown, further=_AS_BINARY))
            same = len(binary) == len(parts)
            parts = [one if is_text(one) else two for one, two in zip(parts, binary, strict=True)] if same else binary
    return parts, [f"{os.fsdecode(path)} ({size:,} bytes)" for path, size in large.items()]


def _large(root: Path, raw: bytes) -> dict[bytes, int]:
    """Return the changed files that are not compared, with their sizes in bytes: too large, or too many of them."""
    fields = raw.split(b"\0")[:-1]
    sizes: dict[bytes, int] = {}
    for facts, path in zip(fields[::2], fields[1::2], strict=False):
        with suppress(OSError):
            if _SUBMODULE not in facts.split(b" ")[:2]:
                sizes[path] = (root / os.fsdecode(path)).lstat().st_size
    large: dict[bytes, int] = {}
    total = 0
    for path, size in sorted(sizes.items(), key=lambda one: one[1]):
        total += size
        if size > LIMIT or total > TOTAL:
            large[path] = size
    return large


def _made(head: _Head, script: Path | None, uses: Uses) -> tuple[list[bytes], list[str]]:
    """Return what makes the files that the repository does not know, and what is too large for that."""
    inside = script is not None and script.is_relative_to(head.root)
    own = [f":(top,literal){script.relative_to(head.root)}"] if script and inside else []
    answer = git(
        head.root, "ls-files", "-z", "-t", "--cached", "--others", "--exclude-standard", "--", ":(top)*.py", *own
    )
    if answer.code:
        raise PenstockError(answer.reason)
    entries = answer.output.split(b"\0")[:-1]
    known = {entry[2:] for entry in entries if not entry.startswith(b"? ")}
    unknown = frozenset(head.root / os.fsdecode(entry[2:]) for entry in entries if entry.startswith(b"? "))
    chosen = set(uses(unknown)) & unknown if unknown else set[Path]()
    if script and inside and os.fsencode(script.relative_to(head.root)) not in known:
        chosen.add(script)
    parts: list[bytes] = []
    too_large: list[str] = []
    for path in sorted(chosen):
        with suppress(OSError):
            size = path.stat().st_size
            if size > LIMIT:
                too_large.append(f"{path.relative_to(head.root)} ({size:,} bytes)")
            else:
                parts.append(_new(head, path))
    return parts, too_large


def _new(head: _Head, path: Path) -> bytes:
    mode = "100755" if os.access(path, os.X_OK) else "100644"
    name = os.fsencode(path.relative_to(head.root))
    return new_file(name, path.read_bytes(), mode, like=head.commit)
