"""Users, keys, sessions and attempts to log in, as rows."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.access import Key, Kind, Scope, Session, User
from penstock.core.errors import NotFound

ADA = User(name="ada", scope=Scope.WRITE, projects=("P", "Ä/x"), created=1.5)
KEY = Key(
    id="k",
    owner="ada",
    name="gpu",
    kind=Kind.AGENT,
    scope=Scope.RUN,
    projects=("P",),
    queues=("a", "b"),
    created=1.5,
    expires=9.5,
)
SESSION = Session(id="s", user="ada", created=1.0, seen=1.0, expires=5.0)


@pytest.fixture
def tx(store):
    with store.transaction() as tx:
        yield tx


def test_a_user_comes_back_as_it_was_and_is_added_once(tx):
    assert tx.users.add(ADA, None)
    assert not tx.users.add(replace(ADA, scope=Scope.ADMIN), "hash")
    assert tx.users.find("ada") == ADA
    assert tx.users.find("ADA") is None
    assert tx.users.password("ada") is tx.users.password("nobody") is None


def test_a_user_keeps_their_password_until_there_is_another(tx):
    tx.users.add(ADA, "hash")
    changed = replace(ADA, scope=Scope.READ, projects=(), disabled=3.5, has_password=True)
    tx.users.change(changed, None)
    assert (tx.users.find("ada"), tx.users.password("ada")) == (changed, "hash")
    tx.users.change(changed, "other")
    assert tx.users.password("ada") == "other"
    with pytest.raises(NotFound, match="there is no user 'eve'"):
        tx.users.change(replace(ADA, name="eve"), None)


def test_users_are_listed_by_name(tx):
    for name in ("bob", "ada", "eve"):
        tx.users.add(replace(ADA, name=name), None)
    assert [user.name for user in tx.users.list()] == ["ada", "bob", "eve"]


def test_with_a_user_go_their_keys_and_sessions_and_nobody_elses(tx):
    for name in ("ada", "bob"):
        tx.users.add(replace(ADA, name=name), None)
        tx.keys.add(replace(KEY, id=name, owner=name), name)
        tx.sessions.add(replace(SESSION, id=name, user=name), name)
    tx.users.remove("ada")
    assert [user.name for user in tx.users.list()] == ["bob"]
    assert [key.id for key in tx.keys.list(None)] == ["bob"]
    assert (tx.sessions.find("ada"), tx.sessions.find("bob").id) == (None, "bob")
    with pytest.raises(NotFound):
        tx.users.remove("ada")


def test_a_key_comes_back_as_it_was_and_is_added_once(tx):
    assert tx.keys.add(KEY, "digest")
    assert not tx.keys.add(replace(KEY, owner="eve"), "other")
    assert (tx.keys.find("k"), tx.keys.digest("k")) == (KEY, "digest")
    assert tx.keys.find("x") is tx.keys.digest("x") is None


def test_a_key_is_revoked_once_and_used_often(tx):
    tx.keys.add(KEY, "digest")
    for now in (3.0, 4.0):
        tx.keys.revoke("k", now)
        tx.keys.use("k", now)
    assert tx.keys.find("k") == replace(KEY, revoked=3.0, used=4.0)
    with pytest.raises(NotFound, match="there is no key x"):
        tx.keys.revoke("x", 1.0)


def test_keys_are_listed_the_newest_first(tx):
    for number, owner in enumerate(("ada", "bob", "ada")):
        tx.keys.add(replace(KEY, id=str(number), owner=owner, created=float(number)), "")
    assert [key.id for key in tx.keys.list(None)] == ["2", "1", "0"]
    assert [key.id for key in tx.keys.list("ada")] == ["2", "0"]


def test_a_session_comes_back_lasts_longer_when_it_is_used_and_ends(tx):
    assert tx.sessions.add(SESSION, "digest")
    assert not tx.sessions.add(replace(SESSION, user="eve"), "other")
    assert (tx.sessions.find("s"), tx.sessions.digest("s")) == (SESSION, "digest")
    tx.sessions.use("s", 4.0, 8.0)
    assert tx.sessions.find("s") == replace(SESSION, seen=4.0, expires=8.0)
    tx.sessions.forget(7.9)
    assert tx.sessions.find("s")
    tx.sessions.end("s")
    tx.sessions.end("s")
    assert tx.sessions.find("s") is tx.sessions.digest("s") is None


def test_sessions_end_with_their_time_and_with_all_of_their_user(tx):
    for number, name in enumerate(("ada", "ada", "bob")):
        tx.sessions.add(replace(SESSION, id=str(number), user=name, expires=5.0 + number), "")
    tx.sessions.forget(5.0)
    assert [bool(tx.sessions.find(id)) for id in "012"] == [False, True, True]
    tx.sessions.end_of("ada", but="1")
    assert [bool(tx.sessions.find(id)) for id in "012"] == [False, True, True]
    tx.sessions.end_of("ada")
    assert [bool(tx.sessions.find(id)) for id in "012"] == [False, False, True]


def test_attempts_to_log_in_are_counted_by_door_and_forgotten_by_time_and_by_door(tx):
    for door, at in (("a", 1.0), ("a", 2.0), ("b", 2.0), ("b", 3.0)):
        tx.log_ins.note(door, at)
    tx.log_ins.forget(1.0)
    assert [tx.log_ins.count(door) for door in "abc"] == [1, 2, 0]
    tx.log_ins.forget(0.0, "b")
    assert [tx.log_ins.count(door) for door in "abc"] == [1, 0, 0]
