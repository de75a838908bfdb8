from __future__ import annotations

from pathlib import Path

import pytest

from penstock.core.errors import Invalid
from penstock.run.remotes import absolute, check_address, check_revision, is_commit, rewritten, without_credentials


@pytest.mark.parametrize(
    ("written", "recorded"),
    [
        ("https://github.com/a/b.git", "https://github.com/a/b.git"),
        ("https://me:secret@github.com/a/b.git", "https://github.com/a/b.git"),
        ("https://token@github.com:8443/a/b", "https://github.com:8443/a/b"),
        ("https://me:se@cret@host/a", "https://host/a"),
        ("HTTPS://token@host/a", "HTTPS://host/a"),
        ("http://me:secret@host/a", "http://host/a"),
        ("https://host/a?private_token=secret", "https://host/a"),
        ("https://host/a#secret", "https://host/a"),
        ("ssh://git@host:22/a/b", "ssh://git@host:22/a/b"),
        ("ssh://git:secret@host/a/b", "ssh://git@host/a/b"),
        ("git@host:a/b.git", "git@host:a/b.git"),
        ("https://host/@scope/a", "https://host/@scope/a"),
        ("file:///odd/a?b#c", "file:///odd/a?b#c"),
        ("/plain/folder@home", "/plain/folder@home"),
    ],
)  # fmt: skip
def test_no_password_and_no_token_is_recorded(written, recorded):
    assert without_credentials(written) == recorded


def test_addresses_are_rewritten_as_git_does_with_the_longest_rule():
    rules = [("gh:", "https://github.com/"), ("gh:team/", "git@internal:team/"), ("", "never")]
    assert rewritten("gh:a/b", rules) == "https://github.com/a/b"
    assert rewritten("gh:team/b", rules) == "git@internal:team/b"
    assert rewritten("https://host/b", rules) == "https://host/b"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("../b", "/home/b"),
        ("/x/b", "/x/b"),
        ("git@h:b", "git@h:b"),
        ("https://h/b", "https://h/b"),
        ("./a:b", "/home/w/a:b"),
    ],
)
def test_a_path_is_recorded_from_the_root_of_the_file_system(written, meant):
    assert absolute(written, Path("/home/w")) == meant


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/a/b.git", "https://me:token@host:8443/a", "ssh://git@host/a", "ssh://host:2222/a/b",
        "git@host:a/b.git", "git@host:/abs/b", "file:///a b/c", "/a/b c/ü", "https://[::1]:80/a",
    ],
)  # fmt: skip
def test_addresses_of_known_kinds_are_followed(address):
    assert check_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "", "a/b", "../b", "ext::sh -c x", "http://host/a", "git://host/a", "ftp://host/a", "host:a", "--upload-pack=x",
        "-x@host:a", "ssh://-oProxyCommand=x/a", "ssh://-x@host/a", "git@-x:a", "git@host:-x", "git@ext::sh",
        "https://host/a\nb", "/a\nb", "/a\0b", "https://host", "https://-host/a", "https://host/a b", "fd::7", "~/a",
    ],
)  # fmt: skip
def test_addresses_of_any_other_kind_are_refused(address):
    with pytest.raises(Invalid, match="not an address"):
        check_address(address)


def test_a_refused_address_is_named_without_its_password():
    with pytest.raises(Invalid) as caught:
        check_address("http://me:secret@host/a")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("revision", ["main", "feature/x-1", "v1.2_3", "a" * 40, "0" * 200])
def test_branches_tags_and_commits_are_revisions(revision):
    assert check_revision(revision) == revision


@pytest.mark.parametrize(
    "revision", ["", "-x", "--exec=x", "a b", "a..b", "a^{}", "a~1", "a:b", "é", "a\n", "0" * 201, "@{u}"]
)
def test_what_git_could_take_for_something_else_is_no_revision(revision):
    with pytest.raises(Invalid, match="not a branch"):
        check_revision(revision)


def test_a_commit_is_known_by_its_whole_hash():
    assert is_commit("a" * 40)
    assert is_commit("0" * 64)
    assert not is_commit("a" * 39)
    assert not is_commit("A" * 40)
    assert not is_commit("main")
