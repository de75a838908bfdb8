"""Users on the command line."""

from __future__ import annotations

import io
import uuid

import pytest

from penstock.core.access import Scope
from penstock.core.secret import Secret
from penstock.ops.access import AddKey, AddUser, ListUsers, LogIn

PASSWORD = "correct horse battery"


@pytest.fixture
def typed(monkeypatch):
    """What comes from standard input."""

    def put(text):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return put


def users(penstock):
    return {one["name"]: one for one in penstock("user", "list", "--json").document()["users"]}


def test_the_first_user_is_an_admin_and_others_are_not_unless_it_is_said(penstock):
    answer = penstock("user", "add", "ada")
    assert (answer.code, answer.out) == (0, "added ada: admin in all projects\n")
    assert answer.err == "without a password: make a key with penstock key add ada\n"
    assert penstock("user", "add", "bob").out == "added bob: run in all projects\n"
    answer = penstock("user", "add", "eve", "--scope", "write", "--project", "P", "--project", "Q/x")
    assert answer.out == "added eve: write in P, Q/x\n"
    assert [(one["scope"], one["projects"]) for one in users(penstock).values()] == [
        ("admin", []),
        ("run", []),
        ("write", ["P", "Q/x"]),
    ]


def test_a_password_is_read_from_standard_input_and_shown_nowhere(penstock, typed):
    typed(f"{PASSWORD}\n")
    answer = penstock("user", "add", "ada", "--password-stdin", "--json")
    assert answer.code == 0
    assert answer.document()["added"]["has_password"]
    assert "horse" not in answer.out + answer.err


def test_the_owner_of_the_home_gives_a_user_another_password(penstock, typed):
    penstock("user", "add", "ada")
    typed(f"{PASSWORD}\n")
    answer = penstock("user", "password", "ada", "--password-stdin")
    assert (answer.code, answer.out) == (0, "changed ada: admin in all projects\n")
    assert users(penstock)["ada"]["has_password"]


def test_at_a_server_a_user_says_the_password_that_holds_now(penstock, typed, site, served, monkeypatch):
    name = f"u{uuid.uuid4().hex[:8]}"
    if not served.call(ListUsers()):
        served.call(AddUser(name="root", scope=Scope.ADMIN))
    served.call(AddUser(name=name, password=Secret(PASSWORD)))
    monkeypatch.setenv("PENSTOCK_URL", site.url)
    monkeypatch.setenv("PENSTOCK_KEY", served.call(AddKey(owner=name)).secret.text)
    typed(f"{PASSWORD} not\n{PASSWORD} anew\n")
    assert penstock("user", "password", name, "--password-stdin").code == 1
    typed(f"{PASSWORD}\n{PASSWORD} anew\n")
    assert penstock("user", "password", name, "--password-stdin").out == f"changed {name}: run in all projects\n"
    assert served.call(LogIn(name=name, password=Secret(f"{PASSWORD} anew"))).user.name == name


def test_a_password_that_is_too_short_is_an_error_that_does_not_repeat_it(penstock, typed):
    typed("hunter2\n")
    answer = penstock("user", "add", "ada", "--password-stdin")
    assert (answer.code, answer.err) == (2, "error: a password has 10 to 1,024 characters, not 7\n")
    assert users(penstock) == {}


def test_the_list_says_who_may_what(penstock, typed):
    assert "penstock user add NAME --password" in penstock("user", "list").err
    typed(PASSWORD)
    penstock("user", "add", "ada", "--password-stdin")
    penstock("user", "add", "bob", "--project", "P")
    penstock("user", "change", "bob", "--disable")
    (head, *rows) = penstock("user", "list").out.splitlines()
    assert head.split() == ["NAME", "SCOPE", "PROJECTS", "PASSWORD", "ADDED", "DISABLED"]
    assert [row.split() for row in rows] == [
        ["ada", "admin", "all", "yes", "just", "now"],
        ["bob", "run", "P", "no", "just", "now", "just", "now"],
    ]


def test_a_user_is_changed(penstock):
    penstock("user", "add", "ada")
    penstock("user", "add", "bob", "--project", "P")
    assert penstock("user", "change", "bob", "--scope", "read").out == "changed bob: read in P\n"
    assert penstock("user", "change", "bob", "--project", "Q").out == "changed bob: read in Q\n"
    assert penstock("user", "change", "bob", "--all-projects").out == "changed bob: read in all projects\n"
    assert penstock("user", "change", "bob", "--disable").out == "changed bob: read in all projects, disabled\n"
    assert penstock("user", "change", "bob", "--enable").out == "changed bob: read in all projects\n"
    answer = penstock("user", "change", "bob", "--all-projects", "--project", "P")
    assert (answer.code, answer.err.splitlines()[0]) == (2, "error: --project and --all-projects exclude each other")


def test_the_last_admin_stays(penstock):
    penstock("user", "add", "ada")
    penstock("user", "add", "bob")
    answer = penstock("user", "remove", "ada", "--yes")
    assert (answer.code, answer.err.splitlines()[0]) == (1, "error: 'ada' is the last admin")
    assert set(users(penstock)) == {"ada", "bob"}


def test_users_are_removed_when_somebody_says_yes(penstock, typed):
    penstock("user", "add", "ada")
    penstock("user", "add", "bob")
    typed("")
    answer = penstock("user", "remove", "bob")
    assert (answer.code, "give --yes" in answer.err) == (2, True)
    assert penstock("user", "remove", "bob", "--yes").out == "removed bob\n"
    assert penstock("user", "remove", "ada", "--yes", "--json").document() == {"removed": ["ada"]}
    assert users(penstock) == {}
    assert penstock("user", "remove", "bob", "--yes").code == 3
