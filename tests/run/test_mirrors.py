"""Copies of repositories, and worktrees of them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from penstock.core.errors import Conflict, Invalid, NotFound
from penstock.run.git import git
from penstock.run.mirrors import HEAD, Mirror, remove_unused_mirrors
from penstock.run.repository import describe

OLD = 1_000_000.0


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache"


def mirror(cache: Path, address: object) -> Mirror:
    return Mirror(cache, str(address), 60.0)


def test_a_commit_is_fetched_once_and_then_needs_the_repository_no_more(work, cache):
    commit = work.commit({"a": "1"})
    assert mirror(cache, work.root).fetch(commit) == commit
    shutil.rmtree(work.root)
    assert mirror(cache, work.root).fetch(commit) == commit


def test_a_commit_is_fetched_that_is_on_no_branch(work, cache):
    work.commit({"a": "1"})
    lost = work.commit({"a": "2"})
    work.git("reset", "--quiet", "--hard", "HEAD~1")
    assert mirror(cache, work.root).fetch(lost) == lost


def test_branches_and_tags_stand_for_what_they_are_now(work, cache):
    first = work.commit({"a": "1"})
    work.git("tag", "-a", "-m", "m", "v1")
    work.git("branch", "feature/x")
    copy = mirror(cache, work.root)
    assert [copy.fetch(one) for one in ("main", "v1", "feature/x", HEAD, first[:10])] == [first] * 5
    second = work.commit({"a": "2"})
    assert [copy.fetch(one) for one in ("main", "v1", "feature/x", HEAD, second[:10])] == [second, first, first] + [
        second
    ] * 2


def test_a_branch_may_take_the_place_of_a_folder_of_branches(work, cache):
    first = work.commit({"a": "1"})
    work.git("branch", "x/y")
    copy = mirror(cache, work.root)
    copy.fetch("x/y")
    work.git("branch", "-D", "x/y")
    work.git("branch", "x")
    assert copy.fetch("x") == first


def test_the_checked_out_commit_of_a_repository_counts_even_without_a_branch(work, cache):
    work.commit({"a": "1"})
    work.git("checkout", "--quiet", "--detach")
    commit = work.commit({"a": "2"})
    assert mirror(cache, work.root).fetch(HEAD) == commit


def test_a_repository_with_longer_hashes_can_be_copied(plain_git, tmp_path, cache):
    folder = tmp_path / "w"
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "w")
    git(folder, "commit", "--allow-empty", "-mm", settings=("user.name=A", "user.email=a@b"))
    commit = git(folder, "rev-parse", "HEAD").output.decode().strip()
    copy = mirror(cache, folder)
    assert copy.fetch(commit) == commit
    copy.add_worktree(cache / "t", commit, "", "k")
    assert copy.is_untouched(cache / "t", commit, "k")


def test_a_commit_that_is_not_there_is_named(work, cache):
    work.commit({"a": "1"})
    with pytest.raises(NotFound, match=r"0{40} is not in the repository") as caught:
        mirror(cache, work.root).fetch("0" * 40)
    assert "pushed" in (caught.value.hint or "")
    with pytest.raises(NotFound, match="missing is not in the repository"):
        mirror(cache, work.root).fetch("missing")


def test_a_repository_that_cannot_be_reached_is_named(plain_git, tmp_path, cache):
    for revision in ("main", "0" * 40):
        with pytest.raises(NotFound, match=r"the repository .*/none cannot be reached: fatal"):
            mirror(cache, tmp_path / "none").fetch(revision)


def test_passwords_are_not_in_messages_nor_in_the_copy(plain_git, cache):
    copy = mirror(cache, "https://me:secret@localhost:1/a.git")
    with pytest.raises(NotFound, match=r"https://localhost:1/a.git cannot be reached") as caught:
        copy.fetch("main")
    assert "secret" not in str(caught.value)
    assert "secret" not in (copy.folder / "config").read_text()


def test_nothing_is_fetched_under_an_address_or_a_revision_that_could_be_an_option(work, cache):
    with pytest.raises(Invalid):
        mirror(cache, "--upload-pack=x")
    with pytest.raises(Invalid):
        mirror(cache, work.root).fetch("--output=x")
    assert not cache.exists()


# Worktrees


def test_a_worktree_has_the_commit_and_the_changes(work, cache):
    commit = work.commit({"a": "1\n", "b": "1\n"})
    work.write({"a": "2\n", "new.py": "3\n"})
    found = describe(work.root, work.root / "new.py", frozenset)
    assert found
    copy = mirror(cache, work.root)
    copy.fetch(commit)
    copy.add_worktree(cache / "t", commit, found.diff, "k")
    assert {one.name: one.read_text() for one in (cache / "t").iterdir() if one.name != ".git"} == {
        "a": "2\n", "b": "1\n", "new.py": "3\n"
    }  # fmt: skip
    again = describe(cache / "t", None, lambda _: [])
    assert again
    assert (again.address, again.commit, again.diff) == (found.address, commit, found.diff)


@pytest.mark.parametrize(
    "diff",
    [
        "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-other\n+2\n",
        "diff --git a/../x b/../x\nnew file mode 100644\n--- /dev/null\n+++ b/../x\n@@ -0,0 +1 @@\n+2\n",
        "diff --git a/.git/x b/.git/x\nnew file mode 100644\n--- /dev/null\n+++ b/.git/x\n@@ -0,0 +1 @@\n+2\n",
        "diff --git a/link/x b/link/x\nnew file mode 100644\n--- /dev/null\n+++ b/link/x\n@@ -0,0 +1 @@\n+2\n",
        "diff --git a/a b/a\nnonsense\n",
    ],
)
def test_changes_that_do_not_apply_or_lead_outside_are_refused(work, cache, tmp_path, diff):
    work.write({"a": "1\n"})
    (work.root / "link").symlink_to(tmp_path)
    commit = work.commit({})
    copy = mirror(cache, work.root)
    copy.fetch(commit)
    with pytest.raises(Conflict, match=f"do not apply to commit {commit}"):
        copy.add_worktree(cache / "t", commit, diff, "k")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("diff", ["", "# not in this diff: x\n", "\n"])
def test_changes_without_any_file_are_none(work, cache, diff):
    commit = work.commit({"a": "1\n"})
    copy = mirror(cache, work.root)
    copy.fetch(commit)
    copy.add_worktree(cache / "t", commit, diff, "k")
    assert copy.is_untouched(cache / "t", commit, "k")


def change(folder: Path, what: str) -> None:
    def run(*command: str) -> None:
        subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b", *command], cwd=folder, check=True)

    match what:
        case "edit":
            (folder / "a").write_text("9\n")
        case "delete":
            (folder / "a").unlink()
        case "add":
            (folder / "output").touch()
        case "add what is ignored":
            (folder / "x.log").touch()
        case "stage":
            (folder / "a").write_text("9\n")
            run("add", "-A")
        case "undo":
            run("reset", "-q", "--hard")
        case "commit":
            run("commit", "-qm", "m")
        case "mode":
            (folder / "a").chmod(0o755)
        case _:
            shutil.rmtree(folder / "sub")
            (folder / ".git").unlink()


@pytest.mark.parametrize(
    "what", ["edit", "delete", "add", "add what is ignored", "stage", "undo", "commit", "mode", "no repository"]
)
def test_a_worktree_is_known_to_be_changed(work, cache, what):
    commit = work.commit({"a": "1\n", "sub/b": "1\n", ".gitignore": "*.log\n"})
    work.write({"a": "2\n"})
    found = describe(work.root, None, lambda _: [])
    assert found
    copy = mirror(cache, work.root)
    copy.fetch(commit)
    copy.add_worktree(cache / "t", commit, found.diff, "k")
    (cache / "t" / "sub" / "__pycache__").mkdir()
    (cache / "t" / "sub" / "__pycache__" / "b.pyc").touch()
    assert copy.is_untouched(cache / "t", commit, "k")
    change(cache / "t", what)
    assert not copy.is_untouched(cache / "t", commit, "k")


def test_line_ends_are_those_of_the_commit_whatever_the_user_s_settings(work, cache, plain_git):
    commit = work.commit({"dos": "1\r\n2\r\n", "unix": "1\n2\n"})
    work.write({"dos": "1\r\n3\r\n"})
    found = describe(work.root, None, lambda _: [])
    assert found
    plain_git.write_text("[core]\n\tautocrlf = true\n[apply]\n\twhitespace = fix\n\tignoreWhitespace = change\n")
    copy = mirror(cache, work.root)
    copy.fetch(commit)
    copy.add_worktree(cache / "t", commit, found.diff, "k")
    assert (cache / "t" / "dos").read_bytes() == b"1\r\n3\r\n"
    assert (cache / "t" / "unix").read_bytes() == b"1\n2\n"


def test_submodules_stay_empty_and_break_nothing(work, cache):
    work.commit({"a": "1"})
    work.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(work.root), "inner")
    commit = work.commit({})
    author = ["-c", "user.name=A", "-c", "user.email=a@b"]
    subprocess.run(["git", *author, "commit", "-qm", "m", "--allow-empty"], cwd=work.root / "inner", check=True)
    found = describe(work.root, None, lambda _: [])
    assert found
    assert found.diff
    copy = mirror(cache, work.root)
    copy.fetch(commit)
    copy.add_worktree(cache / "t", commit, found.diff, "k")
    assert list((cache / "t" / "inner").iterdir()) == []
    assert copy.is_untouched(cache / "t", commit, "k")


# Safety


def test_checking_out_runs_no_hook_and_no_filter_not_even_the_user_s(work, cache, tmp_path, plain_git):
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho ran >> {shlex.quote(str(tmp_path / 'trace'))}\ncat\n")
    trap.chmod(0o755)
    commit = work.commit({"a": "1\n", ".gitattributes": "* filter=x\n"})
    work.write({"a": "2\n"})
    found = describe(work.root, None, lambda _: [])
    assert found
    hooks = tmp_path / "templates" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).symlink_to(trap)
    plain_git.write_text(
        f"[init]\n\ttemplateDir = {hooks.parent}\n[core]\n\thooksPath = {hooks}\n\tfsmonitor = {trap}\n"
        f'[filter "x"]\n\tclean = {trap}\n\tsmudge = {trap}\n\trequired = true\n'
    )
    copy = mirror(cache, work.root)
    copy.fetch(commit)
    copy.add_worktree(cache / "t", commit, found.diff, "k")
    assert copy.is_untouched(cache / "t", commit, "k")
    assert (cache / "t" / "a").read_text() == "2\n"
    assert not (tmp_path / "trace").exists()


# Removing


def grow_old(cache: Path) -> None:
    for file in cache.rglob("*.lock"):
        os.utime(file, (OLD, OLD))


def test_a_copy_without_worktrees_that_was_not_used_for_long_is_removed(work, cache):
    mirror(cache, work.root).fetch(work.commit({"a": "1"}))
    assert remove_unused_mirrors(cache, time.time() - 100) == 0
    grow_old(cache)
    assert remove_unused_mirrors(cache, time.time() - 100) == 1
    assert list((cache / "mirrors").iterdir()) == []


def test_a_copy_stays_for_as_long_as_it_has_a_worktree(work, cache):
    commit = work.commit({"a": "1"})
    copy = mirror(cache, work.root)
    copy.fetch(commit)
    copy.add_worktree(cache / "new", commit, "", "k")
    (cache / "new").rename(cache / "t")
    copy.place(cache / "t")
    grow_old(cache)
    assert remove_unused_mirrors(cache, time.time()) == 0
    assert copy.is_untouched(cache / "t", commit, "k")
    shutil.rmtree(cache / "t")
    grow_old(cache)
    assert remove_unused_mirrors(cache, time.time()) == 1
