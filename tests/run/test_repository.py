"""What is recorded of a repository: enough to have again what ran."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.run import repository
from penstock.run.git import git
from penstock.run.patch import notes
from penstock.run.repository import Repository, describe, root_of


def nothing(_unknown: frozenset[Path]) -> list[Path]:
    return []


def everything(unknown: frozenset[Path]) -> frozenset[Path]:
    return unknown


def described(folder: Path, script: Path | None = None, uses=nothing) -> Repository:
    found = describe(folder, script, uses)
    assert found is not None
    return found


def state(root: Path) -> dict[str, tuple[str, bytes]]:
    """The files of a folder: what each is, and what it holds."""
    found: dict[str, tuple[str, bytes]] = {}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = ("link", os.fsencode(path.readlink()))
        elif path.is_file() and name.split("/")[0] != ".git":
            found[name] = ("program" if os.access(path, os.X_OK) else "file", path.read_bytes())
    return found


def again(root: Path, commit: str, diff: str) -> dict[str, tuple[str, bytes]]:
    """The files that a commit and a diff give."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "tree"
        subprocess.run(["git", "clone", "-qn", root, folder], check=True, capture_output=True)
        subprocess.run(["git", "checkout", "-q", commit], cwd=folder, check=True, capture_output=True)
        if diff:
            applied = git(folder, "apply", "--index", "--whitespace=nowarn", "-", stdin=diff.encode())
            assert applied.code == 0, applied.message
        return state(folder)


def test_commit_branch_and_root_are_recorded(work):
    commit = work.commit({"a": "1", "sub/b": "2"})
    for folder in (work.root, work.root / "sub"):
        assert described(folder) == Repository(work.root, str(work.root), "main", commit, "")


def test_a_commit_without_a_branch_is_recorded_without_one(work):
    work.commit({"a": "1"})
    work.git("checkout", "--quiet", "--detach")
    assert described(work.root).branch is None


def test_a_branch_is_recorded_by_its_whole_name(work):
    work.commit({"a": "1"})
    work.git("checkout", "--quiet", "-b", "feature/a-1")
    assert described(work.root).branch == "feature/a-1"


@pytest.mark.parametrize("name", ["plain", "with space", "üñí", "-x"])
def test_a_repository_is_found_whatever_its_folder_is_called(plain_git, tmp_path, work, name):
    commit = work.commit({"a": "1"})
    work.root.rename(tmp_path / name)
    assert described(tmp_path / name) == Repository(tmp_path / name, str(tmp_path / name), "main", commit, "")


def test_a_folder_with_a_line_break_in_its_name_counts_as_no_repository(plain_git, tmp_path, work):
    work.commit({"a": "1"})
    work.root.rename(tmp_path / "line\nbreak")
    assert describe(tmp_path / "line\nbreak", None, nothing) is None


def test_the_address_is_that_of_origin_without_credentials(work):
    work.commit({"a": "1"})
    work.git("remote", "add", "backup", "https://host/other")
    assert described(work.root).address == str(work.root)
    work.git("remote", "add", "origin", "https://me:secret@host/a.git")
    assert described(work.root).address == "https://host/a.git"
    work.git("remote", "set-url", "origin", "../b.git")
    assert described(work.root).address == str(work.root.parent / "b.git")


def test_the_address_is_written_out_that_the_user_s_settings_abbreviate(work, plain_git):
    plain_git.write_text('[url "https://token@host/"]\n\tinsteadOf = gh:\n')
    work.commit({"a": "1"})
    work.git("remote", "add", "origin", "gh:a/b")
    assert described(work.root).address == "https://host/a/b"


def test_where_there_is_no_repository_none_is_recorded(plain_git, tmp_path):
    assert describe(tmp_path, None, nothing) is None
    assert root_of(tmp_path) is None


def test_a_repository_without_a_commit_counts_as_none(work):
    work.write({"a": "1"})
    assert describe(work.root, None, nothing) is None


def test_without_git_no_repository_is_recorded(work, tmp_path, monkeypatch):
    work.commit({"a": "1"})
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert describe(work.root, None, nothing) is None


def test_a_damaged_repository_counts_as_none(work):
    work.commit({"a": "1"})
    shutil.rmtree(work.root / ".git" / "objects")
    (work.root / ".git" / "HEAD").write_text("nonsense\n")
    assert describe(work.root, None, nothing) is None


def test_the_root_is_found_without_git(work):
    work.commit({"sub/a": "1"})
    assert root_of(work.root / "sub") == work.root


def test_worktrees_and_submodules_are_repositories_too(work, tmp_path):
    commit = work.commit({"a": "1"})
    work.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    assert described(tmp_path / "side") == Repository(tmp_path / "side", str(tmp_path / "side"), "side", commit, "")
    bare = tmp_path / "bare.git"
    work.git("clone", "--quiet", "--bare", ".", str(bare))
    subprocess.run(["git", "worktree", "add", "-q", tmp_path / "of-bare"], cwd=bare, check=True, capture_output=True)
    assert described(tmp_path / "of-bare").commit == commit
    work.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(bare), "inner")
    whole = work.commit({})
    assert described(work.root / "inner").commit == commit
    assert described(work.root / "inner").root == work.root / "inner"
    (work.root / "inner" / "a").write_text("changed")
    assert described(work.root) == Repository(work.root, str(work.root), "main", whole, "")


def test_another_commit_of_a_submodule_is_a_change(work, tmp_path):
    work.commit({"a": "1"})
    work.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(work.root), "inner")
    commit = work.commit({})
    inner = work.root / "inner"
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "m", "--allow-empty"],
        cwd=inner,
        check=True,
    )
    diff = described(work.root).diff
    assert "Subproject commit" in diff
    again(work.root, commit, diff)


# What was changed


def test_changes_are_recorded_staged_or_not(work):
    commit = work.commit({"a": "1\n", "b": "1\n", "c": "1\n"})
    work.write({"a": "2\n", "b": "2\n", "new": "1\n"})
    work.git("add", "b", "new")
    work.write({"b": "3\n"})
    work.git("rm", "--quiet", "c")
    diff = described(work.root / ".").diff
    assert again(work.root, commit, diff) == state(work.root)
    assert [notes(diff), "c" in state(work.root)] == [(), False]


def test_a_change_below_is_recorded_from_above_and_from_beside(work):
    work.commit({"a/b": "1\n", "c/d": "1\n"})
    work.write({"a/b": "2\n"})
    assert described(work.root).diff == described(work.root / "a").diff == described(work.root / "c").diff != ""


def test_what_was_only_touched_is_no_change(work):
    work.commit({"a": "1"})
    os.utime(work.root / "a", (1, 1))
    assert described(work.root).diff == ""


def test_a_change_within_the_same_moment_that_keeps_the_size_is_seen(work):
    """git knows a file by its time stamp and size, unless it was written as late as the index."""
    for number in range(20):
        work.commit({"a": f"{number:02}"})
        work.write({"a": "xx"})
        moment = (work.root / ".git" / "index").stat().st_mtime_ns
        os.utime(work.root / "a", ns=(moment, moment))
        assert "+xx" in described(work.root).diff


def test_nothing_is_written_into_the_repository(work):
    work.commit({"a": "1", "b": "1"})
    os.utime(work.root / "a", (1, 1))
    work.write({"b": "2"})
    before = {path: path.stat().st_mtime_ns for path in (work.root / ".git").rglob("*")}
    described(work.root, work.root / "script", everything)
    assert {path: path.stat().st_mtime_ns for path in (work.root / ".git").rglob("*")} == before


NAMES = st.sampled_from(
    ["a", "b.py", "sub/c", "sub/d e", "-dash", "--", "ü/ñ", 'quo"te', "back\\slash", "tab\tname", "new\nline",
     ".hidden", "sp ace/x", "*", ":(top)x", "d/e/f", "'", "a b ", "\N{SNOWMAN}", "dev/null"]
)  # fmt: skip
CONTENTS = st.one_of(
    st.sampled_from([
        b"", b"1", b"1\n", b"1\n2\n3\n", b"1\r\n2\r\n", b"1\r\n2\n\r", b"\0\1\2" * 50, b"\xe9t\xe9\n",
        b"\xff\xfe1\0\n\0", b"diff --git a/x b/x\n", b"--- a\n+++ b\n", b" \t \n\n\n", b"x" * 3000 + b"\n",
        bytes(range(256)), b"late\n" * 4000 + b"\0",
    ]),
    st.binary(max_size=60),
    st.lists(st.sampled_from(["a", "b", "c d", "\t", ""]), max_size=30).map(lambda lines: "\n".join(lines).encode()),
)  # fmt: skip
FILES = st.dictionaries(NAMES, st.tuples(CONTENTS, st.booleans()), max_size=6)


def put(root: Path, files: dict[str, tuple[bytes, bool]]) -> None:
    for name, (content, is_program) in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if is_program else 0o644)


class Edits(NamedTuple):
    """What happens to the files of a commit: some are written, then moved, deleted, replaced by links; then staged."""

    written: dict[str, tuple[bytes, bool]]
    moved: list[tuple[str, str]]
    deleted: list[str]
    linked: list[str]

    def do(self, root: Path) -> None:
        put(root, self.written)
        for old, new in self.moved:
            if (root / old).is_file():
                (root / new).parent.mkdir(parents=True, exist_ok=True)
                (root / old).rename(root / new)
        for name in [*self.deleted, *self.linked]:
            if (root / name).is_file():
                (root / name).unlink()
                if name in self.linked:
                    (root / name).symlink_to("somewhere/else")


EDITS = st.builds(
    Edits,
    FILES,
    st.lists(st.tuples(NAMES, NAMES), max_size=2),
    st.lists(NAMES, max_size=2),
    st.lists(NAMES, max_size=1),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=FILES, edits=EDITS, staged=st.booleans())
def test_a_commit_and_its_diff_give_back_every_file_that_git_knows(plain_git, before, edits, staged):
    with tempfile.TemporaryDirectory() as made:
        root = Path(made) / "w"
        git(Path(made), "init", "--quiet", "w")
        put(root, before)
        author = ("user.name=A", "user.email=a@b")
        git(root, "add", "--all")
        assert git(root, "commit", "--quiet", "--allow-empty", "-mm", settings=author).code == 0
        edits.do(root)
        git(root, "add", "--all", *([] if staged else ["--intent-to-add"]))
        found = described(root)
        assert notes(found.diff) == ()
        assert again(root, found.commit, found.diff) == state(root)


def test_a_conflict_that_is_not_resolved_is_recorded_as_it_lies_there(work):
    work.commit({"a": "1\n"})
    work.git("checkout", "--quiet", "-b", "side")
    work.commit({"a": "2\n"})
    work.git("checkout", "--quiet", "main")
    commit = work.commit({"a": "3\n", "b": "1\n"})
    work.write({"b": "2\n"})
    subprocess.run(["git", "merge", "-q", "side"], cwd=work.root, check=False, capture_output=True)
    work.git("-c", "merge.conflictStyle=merge", "status")
    subprocess.run(["git", "merge", "--abort"], cwd=work.root, check=False, capture_output=True)
    work.git("checkout", "--quiet", "b")
    subprocess.run(["git", "merge", "-q", "side"], cwd=work.root, check=False, capture_output=True)
    assert "<<<<<<<" in (work.root / "a").read_text()
    assert again(work.root, commit, described(work.root).diff) == state(work.root)


def test_only_files_in_another_encoding_are_written_as_binary(work):
    commit = work.commit({"latin": b"\xe9\n", "plain": "1\n"})
    work.write({"latin": b"\xe8\n", "plain": "2\n"})
    diff = described(work.root).diff
    assert diff.count("GIT binary patch") == 1
    assert "+2\n" in diff
    assert again(work.root, commit, diff) == state(work.root)


@pytest.mark.parametrize(
    "setting",
    [
        "diff.noprefix=true", "diff.mnemonicPrefix=true", "diff.renames=copies", "color.ui=always", "diff.context=0",
        "diff.submodule=log", "diff.orderFile=x", "core.quotePath=false", "diff.wsErrorHighlight=all",
        "diff.relative=true",
        "diff.suppressBlankEmpty=true", "diff.interHunkContext=9", "diff.algorithm=histogram", "core.pager=false",
        "diff.ignoreSubmodules=all", "diff.srcPrefix=x/", "core.abbrev=4", "diff.statGraphWidth=3",
    ],
)  # fmt: skip
def test_the_user_s_settings_do_not_change_what_a_diff_means(work, setting):
    commit = work.commit({"a b": "1\n\n2\n3\n4\n5\n6\n", "ü": "1\n", "bin": b"\0"})
    work.write({"a b": "1\n\n2\n3\nx\n5\n6\n", "ü": "2\n", "bin": b"\1\0"})
    plain = described(work.root).diff
    name, _, value = setting.partition("=")
    work.git("config", name, value)
    diff = described(work.root).diff
    assert diff.count("\n@@") == plain.count("\n@@")
    assert again(work.root, commit, diff) == state(work.root)


# Files that the repository does not know


def test_unknown_python_files_are_recorded_as_far_as_they_are_used(work):
    commit = work.commit({"a.py": "1\n", ".gitignore": "ignored.py\n"})
    work.write(
        {"used.py": "x = 1\n", "sub/used too.py": "", "unused.py": "1\n", "ignored.py": "1\n", "data.txt": "1\n"}
    )
    asked: list[frozenset[Path]] = []

    def uses(unknown: frozenset[Path]) -> list[Path]:
        asked.append(unknown)
        return [path for path in unknown if path.name.startswith("used")] + [
            Path("/etc/passwd"),
            work.root / "data.txt",
        ]

    diff = described(work.root / "sub", uses=uses).diff
    assert asked == [frozenset(work.root / name for name in ("used.py", "sub/used too.py", "unused.py"))]
    assert set(again(work.root, commit, diff)) == {"a.py", ".gitignore", "used.py", "sub/used too.py"}


def test_the_script_is_recorded_even_if_it_is_ignored_and_whatever_its_name(work):
    commit = work.commit({"a": "1\n", ".gitignore": "*\n"})
    for name in ("run me", "run.py", "sub/:(top)*"):
        work.write({name: "print(1)"})
        (work.root / name).chmod(0o755)
        diff = described(work.root, work.root / name).diff
        assert again(work.root, commit, diff)[name] == ("program", b"print(1)")


def test_a_script_that_the_repository_knows_is_recorded_once(work):
    work.commit({"run me": "1\n", "run.py": "1\n"})
    for name in ("run me", "run.py"):
        assert described(work.root, work.root / name).diff == ""
    work.git("rm", "--quiet", "--cached", "run.py")
    commit = work.git("rev-parse", "HEAD")
    diff = described(work.root, work.root / "run.py").diff
    assert again(work.root, commit, diff) == state(work.root)


def test_a_script_elsewhere_is_no_part_of_a_repository(work, tmp_path):
    work.commit({"a": "1"})
    (tmp_path / "script").write_text("1")
    assert described(work.root, tmp_path / "script").diff == ""


# Limits


def test_a_file_that_is_too_large_is_left_out_by_name(work, monkeypatch):
    monkeypatch.setattr(repository, "LIMIT", 1000)
    commit = work.commit({"large [1]": "1\n", "small": "1\n"})
    work.write({"large [1]": "2\n" * 1000, "small": "2\n", "script": "3\n" * 1000})
    diff = described(work.root, work.root / "script").diff
    assert notes(diff) == ("large [1] (2,000 bytes)", "script (2,000 bytes)")
    files = again(work.root, commit, diff)
    assert files["small"][1] == b"2\n"
    assert files["large [1]"][1] == b"1\n"


def test_when_all_files_together_are_too_large_the_largest_are_left_out(work, monkeypatch):
    monkeypatch.setattr(repository, "TOTAL", 1000)
    work.commit({"a": "1\n", "b": "1\n", "c": "1\n"})
    work.write({"a": "2\n" * 200, "b": "2\n" * 250, "c": "2\n" * 300})
    assert notes(described(work.root).diff) == ("c (600 bytes)",)


def test_a_diff_that_cannot_be_had_is_no_reason_to_record_nothing(work):
    commit = work.commit({"a": "1"})
    (work.root / ".git" / "index").write_bytes(b"nonsense")
    found = described(work.root)
    assert found.commit == commit
    assert "anything" in notes(found.diff)[0]


# Safety


@pytest.fixture
def trap(tmp_path):
    file = tmp_path / "trap"
    file.write_text(f"#!/bin/sh\necho ran >> {shlex.quote(str(tmp_path / 'trace'))}\ncat\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    "setting",
    [
        "core.fsmonitor", "diff.external", "diff.x.command", "diff.x.textconv", "filter.x.clean", "filter.x.process",
        "filter.x.smudge", "core.pager", "core.sshCommand", "core.editor", "alias.diff", "credential.helper",
        "core.askPass", "filter.dotted.name.clean", "filter.x y.clean", "core.alternateRefsCommand",
        "diff.python.textconv",
    ],
)  # fmt: skip
def test_describing_a_repository_runs_no_program_that_it_names(work, trap, setting):
    attributes = "* diff=x filter=x\n*.py diff=python\ndotted filter=dotted.name\nspaced filter=x\n"
    work.commit({"a": "1", "a.py": "1", "dotted": "1", "spaced": "1", ".gitattributes": attributes})
    work.git("config", setting, str(trap))
    work.git("config", "filter.x.required", "true")
    work.write({"a": "2", "a.py": "2", "dotted": "2", "spaced": "2", "script": "1"})
    diff = described(work.root, work.root / "script", everything).diff
    assert notes(diff) == ()
    assert diff.count("diff --git") == 5
    assert not trap.with_name("trace").exists()


def test_a_filter_with_a_name_that_cannot_be_turned_off_leaves_the_diff_out(work, trap):
    work.commit({"a": "1", ".gitattributes": "* filter=x=y\n"})
    work.git("config", "filter.x=y.clean", str(trap))
    work.write({"a": "2"})
    assert "x=y" in notes(described(work.root).diff)[0]
    assert not trap.with_name("trace").exists()


def test_a_filter_of_the_user_s_own_settings_stays(work, plain_git):
    work.commit({"a": "1\n", ".gitattributes": "* filter=upper\n"})
    plain_git.write_text('[filter "upper"]\n\tclean = tr a-z A-Z\n')
    work.write({"a": "abc\n"})
    assert "+ABC\n" in described(work.root).diff


def test_the_programs_of_a_submodule_do_not_run(work, trap, tmp_path):
    work.commit({"a": "1"})
    work.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(work.root), "inner")
    work.commit({})
    subprocess.run(["git", "config", "core.fsmonitor", str(trap)], cwd=work.root / "inner", check=True)
    (work.root / "inner" / "a").write_text("2")
    work.git("config", "diff.ignoreSubmodules", "none")
    described(work.root, None, everything)
    assert not trap.with_name("trace").exists()


def test_describing_reaches_for_no_other_repository(work, trap):
    """A clone without contents would fetch them where it needs one."""
    work.commit({"a": "1"})
    partial = work.root.parent / "partial"
    work.git("config", "uploadpack.allowFilter", "true")
    work.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{work.root}", str(partial))
    subprocess.run(["git", "config", "remote.origin.uploadpack", str(trap)], cwd=partial, check=True)
    (partial / "a").write_text("2")
    subprocess.run(["git", "reset", "-q"], cwd=partial, check=False, capture_output=True)
    trap.with_name("trace").unlink(missing_ok=True)
    described(partial)
    assert not trap.with_name("trace").exists()
