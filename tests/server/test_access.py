"""Keys to identities, operations to scopes, and how often somebody may guess."""

from __future__ import annotations

import pytest

from penstock.core.access import Identity, Kind, Scope
from penstock.core.errors import Unauthenticated
from penstock.ops.access import LogIn
from penstock.ops.base import REGISTRY
from penstock.ops.lifecycle import DeleteTask
from penstock.ops.tasks import EndTask, GetTask
from penstock.server.access import ADDRESSES, GUESSES, WITHIN, Guesses, owner_of, owner_or, scope_of


def test_the_token_of_the_home_is_its_owner_who_may_do_everything():
    owner = owner_of("t" * 43)("t" * 43)
    assert (owner.kind, owner.scope) == (Kind.USER, Scope.ADMIN)
    assert owner.may(Scope.ADMIN)


@pytest.mark.parametrize("key", ["", "t", "t" * 42, "t" * 44, "T" * 43, "é" * 43, "\udcff", "t" * 43 + "\n"])
def test_any_other_key_is_nobody(key):
    with pytest.raises(Unauthenticated) as refusal:
        owner_of("t" * 43)(key)
    assert "t" * 42 not in str(refusal.value)


def test_what_an_operation_needs_stands_in_the_table_of_rights():
    assert (scope_of(GetTask), scope_of(EndTask), scope_of(DeleteTask)) == (Scope.READ, Scope.RUN, Scope.WRITE)
    assert scope_of(LogIn) is None


def test_an_operation_without_a_row_is_closed_to_all_but_admins():
    class Unheard(GetTask, frozen=True):
        pass

    del REGISTRY["Unheard"]
    assert scope_of(Unheard) is Scope.ADMIN


def test_keys_of_users_are_asked_about_elsewhere_and_everything_else_is_only_the_owner_s_token():
    asked = []
    authenticate = owner_or("token", lambda key: asked.append(key) or Identity(name="ada"))
    key = f"penstock_{'a' * 8}_{'b' * 43}"
    assert [authenticate(one).name for one in ("token", key)] == ["owner", "ada"]
    for other in ("tokem", "penstock_x", ""):
        with pytest.raises(Unauthenticated):
            authenticate(other)
    assert asked == [key]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_who_fails_often_has_to_wait_until_the_first_failure_is_old():
    clock = Clock()
    guesses = Guesses(clock)
    for number in range(GUESSES):
        assert guesses.wait("a") == 0
        clock.now = float(number)
        guesses.failed("a")
    assert guesses.wait("a") == pytest.approx(WITHIN - clock.now)
    assert guesses.wait("b") == 0
    clock.now = WITHIN
    assert guesses.wait("a") == 0


def test_addresses_are_forgotten_rather_than_kept_without_end():
    guesses = Guesses(Clock())
    for number in range(ADDRESSES + 10):
        guesses.failed(str(number))
    assert len(guesses._failed) == ADDRESSES
