"""Keys on the command line."""

from __future__ import annotations

import re

import pytest

from penstock.core.access import Kind, Scope
from penstock.core.errors import Unauthenticated
from penstock.core.secret import Secret
from penstock.ops.access import Authenticate

TEXT = re.compile(r"penstock_([a-z2-7]{8})_[A-Za-z0-9_-]{43}\n")


@pytest.fixture(autouse=True)
def ada(penstock):
    penstock("user", "add", "ada")
    penstock("user", "add", "bob", "--project", "P")


def keys(penstock, *arguments):
    return penstock("key", "list", *arguments, "--json").document()["keys"]


def test_a_key_is_all_of_standard_output_so_that_a_script_can_take_it(penstock, recorder):
    answer = penstock("key", "add", "bob", "--name", "laptop")
    found = TEXT.fullmatch(answer.out)
    assert answer.code == 0
    assert answer.err == f"key {found[1]} of bob, run in all projects of its owner, good for 90 days; keep it now:\n"
    who = recorder.call(Authenticate(text=Secret(answer.out.strip())))
    assert (who.name, who.scope, who.projects) == ("bob", Scope.RUN, ("P",))


def test_a_key_is_shown_once(penstock):
    secret = penstock("key", "add", "ada").out.strip().split("_", 2)[2]  # it may hold another one
    for arguments in (("key", "list"), ("key", "list", "--json"), ("audit",), ("user", "list", "--json")):
        answer = penstock(*arguments)
        assert secret not in answer.out + answer.err


def test_a_key_allows_what_the_options_say(penstock, recorder):
    made = penstock("key", "add", "ada", "--scope", "read", "--project", "P/x", "--forever", "--json").document()
    who = recorder.call(Authenticate(text=Secret(made["secret"])))
    assert (who.scope, who.projects, made["key"]["expires"]) == (Scope.READ, ("P/x",), None)
    made = penstock("key", "add", "ada", "--agent", "--queue", "default", "--name", "gpu", "--days", "0.5", "--json")
    key = made.document()["key"]
    assert key["expires"] - key["created"] == 43_200
    who = recorder.call(Authenticate(text=Secret(made.document()["secret"])))
    assert (who.name, who.kind, who.queues) == ("gpu", Kind.AGENT, ("default",))
    answer = penstock("key", "add", "ada", "--forever", "--days", "3")
    assert (answer.code, "exclude each other" in answer.err) == (2, True)


def test_a_key_of_nobody_is_an_error(penstock):
    answer = penstock("key", "add", "eve")
    assert (answer.code, answer.err.splitlines()[0]) == (3, "error: there is no user 'eve'")


def test_a_revoked_key_is_listed_as_that_and_refused(penstock, recorder):
    text = penstock("key", "add", "ada", "--name", "a [b]key").out.strip()
    id = text.split("_")[1]
    assert penstock("key", "revoke", id).out == f"revoked key {id} of ada\n"
    with pytest.raises(Unauthenticated, match="was revoked"):
        recorder.call(Authenticate(text=Secret(text)))
    (head, row) = penstock("key", "list").out.splitlines()
    assert head.split() == ["ID", "OWNER", "NAME", "ALLOWS", "MADE", "USED", "STATE"]
    assert (row.split()[0], row.split()[-1], "a [b]key" in row, "never" in row) == (id, "revoked", True, True)


def test_whoever_gives_the_whole_key_to_be_revoked_does_not_see_it_again(penstock):
    text = penstock("key", "add", "ada").out.strip()
    id = text.split("_")[1]
    answer = penstock("key", "revoke", text, "--json")
    assert answer.document()["revoked"][0]["id"] == id
    assert text not in answer.out + answer.err
    for unknown in ("aaaaaaaa", f"penstock_aaaaaaaa_{'A' * 43}"):
        answer = penstock("key", "revoke", unknown)
        assert (answer.code, answer.err) == (3, "error: there is no key aaaaaaaa\n")


def test_keys_are_listed_by_owner(penstock):
    assert "make one with: penstock key add OWNER" in penstock("key", "list").err
    for owner in ("ada", "bob", "ada"):
        penstock("key", "add", owner)
    assert [key["owner"] for key in keys(penstock, "ada")] == ["ada", "ada"]
    assert len(keys(penstock)) == 3


def test_a_key_that_has_expired_is_listed_as_that(penstock):
    penstock("key", "add", "ada", "--days", "1e-9")
    assert penstock("key", "list").out.splitlines()[1].split()[-1] == "expired"
