"""Copies of repositories in a cache: fetched into, and the source of worktrees.

    <cache>/mirrors/<hash of the address>          a bare repository of our own: no hooks, no settings from elsewhere
    <cache>/mirrors/<hash of the address>.lock     held by whoever fetches or changes its worktrees

What a copy has fetched stays, since nothing collects garbage in it. It must never know what is run from a worktree.
"""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

from penstock.core.errors import Conflict, NotFound
from penstock.run.git import QUICK, TRANSPORTS, git
from penstock.run.patch import is_empty
from penstock.run.remotes import check_address, check_revision, is_commit, without_credentials
from penstock.run.slots import last_use, locked

HEAD = "HEAD"  # the revision that the other side has checked out

_BRANCHES = "refs/remotes/origin"
_TREES = "refs/penstock/trees"
_COMMITS = "refs/penstock/commits"
_SHA256_DIGITS = 64
# Filters are programs, some of them load large files from elsewhere; and nobody edits what is checked out here.
_ATTRIBUTES = "* -filter\n"
_EXCLUDED = "__pycache__/\n"
_AS_RECORDED = ("core.autocrlf=false", "apply.ignoreWhitespace=no")


class Mirror:
    """A copy of a repository.

    Args:
        cache: Where the copies are kept.
        address: Where the repository is.
        timeout: Seconds that fetching or checking out may take.

    Raises:
        Invalid: The address is of no kind that is followed.
    """

    def __init__(self, cache: Path, address: str, timeout: float) -> None:
        self.name = without_credentials(check_address(address))
        self._address = address
        self._timeout = timeout
        self.folder = cache / "mirrors" / sha256(self.name.encode()).hexdigest()[:32]
        self._lock = _lock_of(self.folder)

    def fetch(self, revision: str) -> str:
        """Fetch what a commit, branch or tag needs, unless it is here, and return the commit's hash.

        Raises:
            Invalid: This is no revision.
            NotFound: The repository cannot be reached, or there is no such revision in it.
        """
        check_revision(revision)
        with locked(self._lock):
            if is_commit(revision) and self._has(revision):
                return revision
            self._prepare(revision)
            if is_commit(revision) and not self._fetch(f"+{revision}:{_COMMITS}/{revision}"):
                return revision
            wanted = ["+HEAD:refs/penstock/HEAD"] if revision == HEAD else []
            if reason := self._fetch(f"+refs/heads/*:{_BRANCHES}/*", "+refs/tags/*:refs/tags/*", *wanted, prune=True):
                raise NotFound(
                    f"the repository {self.name} cannot be reached: {reason}",
                    hint="look whether this machine can fetch from it: `git ls-remote` with this address",
                )
            if commit := self._commit(revision):
                return commit
        raise NotFound(
            f"{revision} is not in the repository {self.name}",
            hint="perhaps it was never pushed: push it from where it was made, and try again",
        )

    def add_worktree(self, folder: Path, commit: str, diff: str, tree_name: str) -> None:
        """Check a commit out into a new folder and apply changes to it.

        Args:
            folder: It must not be there yet.
            commit: A whole hash.
            diff: As git writes it.
            tree_name: Under which the outcome is remembered, for `is_untouched`.

        Raises:
            Conflict: The changes do not apply.
        """
        with locked(self._lock):
            added = git(
                self.folder,
                *("worktree", "add", "--quiet", "--detach", "--", str(folder), commit),
                settings=_AS_RECORDED,
                timeout=self._timeout,
            )
            if added.code:
                raise Conflict(f"commit {commit} of {self.name} cannot be checked out: {added.reason}")
            if not is_empty(diff):
                self._apply(folder, commit, diff)
            tree = git(folder, "write-tree").output.decode("ascii").strip()
            git(self.folder, "update-ref", f"{_TREES}/{tree_name}", tree)

    def _apply(self, folder: Path, commit: str, diff: str) -> None:
        applied = git(
            folder,
            *("apply", "--index", "--whitespace=nowarn", "-"),
            settings=_AS_RECORDED,
            stdin=diff.encode("utf-8", "replace"),
            timeout=self._timeout,
        )
        if applied.code:
            raise Conflict(
                f"the recorded changes do not apply to commit {commit} of {self.name}: {applied.reason}",
                hint="perhaps the record was edited; without its changes the commit alone can run",
            )

    def place(self, folder: Path) -> None:
        """Take note that a worktree has been renamed to this."""
        with locked(self._lock):
            git(self.folder, "worktree", "repair", "--", str(folder))

    def is_untouched(self, folder: Path, commit: str, tree_name: str) -> bool:
        """Return whether a worktree is still what `add_worktree` made; compiled Python files do not count."""
        head = git(folder, "rev-parse", "HEAD")
        if head.code or head.output.decode("ascii", "replace").strip() != commit:
            return False
        options = ("--quiet", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all")
        changed = git(folder, "diff", *options, f"{_TREES}/{tree_name}", "--", settings=_AS_RECORDED)
        others = git(folder, "ls-files", "-z", "--others", "--exclude=__pycache__/")
        return not (changed.code or others.code or others.output)

    def _has(self, commit: str) -> bool:
        return self.folder.exists() and not git(self.folder, "cat-file", "-e", f"{commit}^{{commit}}").code

    def _prepare(self, revision: str) -> None:
        """Make the copy, empty, unless it is here."""
        if self.folder.exists():
            return
        temporary = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(temporary, ignore_errors=True)  # of a process that died; this one holds the lock
        kind = "sha256" if len(revision) == _SHA256_DIGITS and is_commit(revision) else "sha1"
        options = ("--quiet", "--bare", "--template=", f"--object-format={kind}")
        made = git(self.folder.parent, "init", *options, "--", str(temporary))
        if made.code:
            raise Conflict(f"no repository can be made in {self.folder.parent}: {made.reason}")
        git(temporary, "config", "remote.origin.url", self.name)
        (temporary / "info").mkdir(exist_ok=True)
        (temporary / "info" / "attributes").write_text(_ATTRIBUTES)
        (temporary / "info" / "exclude").write_text(_EXCLUDED)
        temporary.rename(self.folder)

    def _fetch(self, *wanted: str, prune: bool = False) -> str:
        """Fetch, and return why it did not work; empty when it did."""
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--prune" if prune else "--no-prune")
        answer = git(
            self.folder,
            *("fetch", *options, "--", self._address, *wanted),
            transports=TRANSPORTS,
            timeout=self._timeout,
        )
        return answer.reason.replace(self._address, self.name) if answer.code else ""

    def _commit(self, revision: str) -> str | None:
        """Return the commit that a revision stands for here."""
        names = ["refs/penstock/HEAD"] if revision == HEAD else [f"{_BRANCHES}/{revision}", f"refs/tags/{revision}"]
        if set(revision) <= set("0123456789abcdef"):
            names.append(revision)
        for name in names:
            found = git(self.folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
            if not found.code:
                return found.output.decode("ascii").strip()
        return None


def remove_unused_mirrors(cache: Path, before: float) -> int:
    """Forget worktrees that are gone, and remove copies that have none and were not used for long.

    Args:
        before: Epoch seconds; a copy that was used since stays.

    Returns:
        How many copies were removed.
    """
    removed = 0
    for folder in sorted((cache / "mirrors").glob("*")):
        lock = _lock_of(folder)
        used = last_use(lock)
        if "." in folder.name or used >= before:
            continue
        with locked(lock, wait=False) as is_mine:
            if is_mine and last_use(lock) == used:
                git(folder, "worktree", "prune", "--expire=now", timeout=QUICK)
                worktrees = folder / "worktrees"
                if not worktrees.exists() or not any(worktrees.iterdir()):
                    shutil.rmtree(folder, ignore_errors=True)
                    lock.unlink(missing_ok=True)
                    removed += 1
    return removed


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
