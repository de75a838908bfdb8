"""git runs alone: nothing that a repository names runs with it."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path

import pytest

from penstock.core.errors import NotFound, PenstockError
from penstock.run.git import TRANSPORTS, git


@pytest.fixture
def trap(tmp_path):
    """A program that leaves a trace when it runs."""
    file = tmp_path / "trap"
    file.write_text(f"#!/bin/sh\necho ran >> {shlex.quote(str(tmp_path / 'trace'))}\ncat\n")
    file.chmod(0o755)
    return file


def has_run(trap) -> bool:
    return trap.with_name("trace").exists()


def test_the_answer_has_what_git_wrote_and_how_it_ended(work):
    commit = work.commit({"a": "1"})
    assert git(work.root, "rev-parse", "HEAD").output.decode().strip() == commit
    failed = git(work.root, "rev-parse", "--verify", "nothing")
    assert failed.code
    assert failed.reason.startswith("fatal:")
    assert (
        git(work.root, "hash-object", "--stdin", stdin=b"1").output.strip()
        == b"56a6051ca2b02b04ef92d5150c9ef600403cb1de"
    )


def test_a_silent_failure_is_told_by_its_exit_code(work):
    work.commit({"a": "1"})
    assert git(work.root, "diff", "--quiet", "HEAD", "--", "b").code == 0
    work.write({"a": "2"})
    assert git(work.root, "diff", "--quiet", "HEAD").reason == "git ended with exit code 1"


@pytest.mark.parametrize("setting", ["core.fsmonitor", "diff.external", "core.pager", "pager.diff", "core.sshCommand"])
def test_no_program_of_the_repository_s_configuration_runs(work, trap, setting):
    work.commit({"a": "1"})
    work.git("config", setting, str(trap))
    work.write({"a": "2"})
    assert git(work.root, "status", "--porcelain").output == b" M a\n"
    assert git(work.root, "diff", "--no-ext-diff", "HEAD").output
    assert not has_run(trap)


@pytest.mark.parametrize("hook", ["post-checkout", "post-index-change", "reference-transaction"])
def test_no_hook_runs(work, trap, hook):
    work.commit({"a": "1"})
    hooks = work.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / hook).symlink_to(trap)
    assert not git(work.root, "worktree", "add", "--", str(trap.with_name("other"))).code
    assert not has_run(trap)


def test_other_repositories_are_reached_only_by_the_transports_that_were_named(work, trap, tmp_path):
    commit = work.commit({"a": "1"})
    wanted = f"{commit}:refs/heads/fetched"
    assert "not allowed" in git(work.root, "fetch", "--", f"file://{work.root}", wanted).message
    work.git("config", "protocol.ext.allow", "always")
    refused = git(work.root, "fetch", "--", f"ext::{trap} x", wanted, transports=TRANSPORTS)
    assert "transport 'ext' not allowed" in refused.message
    assert not has_run(trap)
    assert not git(work.root, "fetch", "--", f"file://{work.root}", wanted, transports=TRANSPORTS).code


def test_variables_that_mean_another_repository_do_not_count(work, tmp_path, monkeypatch):
    commit = work.commit({"a": "1"})
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'alias.x=y'")
    assert git(work.root, "rev-parse", "HEAD").output.decode().strip() == commit
    assert git(work.root, "ls-files").output == b"a\n"


def test_the_user_s_own_settings_count(work, plain_git):
    plain_git.write_text("[penstock]\n\tword = known\n")
    assert git(work.root, "config", "penstock.word").output == b"known\n"


def test_without_git_the_error_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFound, match="git cannot be run") as caught:
        git(tmp_path, "version")
    assert caught.value.hint == "install git"


def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    slow = tmp_path / "git"
    slow.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {tmp_path}/child\nwait\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(PenstockError, match=r"`git fetch` in .* took more than 1 s"):
        git(tmp_path, "fetch", timeout=1)
    child = int((tmp_path / "child").read_text())
    until = time.monotonic() + 30
    while is_alive(child):
        assert time.monotonic() < until


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
