"""Keys to identities, operations to scopes, and how often somebody may guess."""

from __future__ import annotations

import pytest

from penstock.core.access import Kind, Scope
from penstock.core.errors import Unauthenticated
from penstock.ops.base import REGISTRY
from penstock.server.access import ADDRESSES, GUESSES, WITHIN, Guesses, owner_of, scope_of


def test_the_token_of_the_home_is_its_owner_who_may_do_everything():
    owner = owner_of("t" * 43)("t" * 43)
    assert (owner.kind, owner.scope) == (Kind.USER, Scope.ADMIN)
    assert owner.may(Scope.ADMIN)


@pytest.mark.parametrize("key", ["", "t", "t" * 42, "t" * 44, "T" * 43, "é" * 43, "\udcff", "t" * 43 + "\n"])
def test_any_other_key_is_nobody(key):
    with pytest.raises(Unauthenticated) as refusal:
        owner_of("t" * 43)(key)
    assert "t" * 42 not in str(refusal.value)


def test_what_reads_needs_less_than_what_writes():
    scopes = {name: scope_of(op) for name, op in REGISTRY.items()}
    assert {name for name, scope in scopes.items() if scope is Scope.READ} == {
        name for name, op in REGISTRY.items() if op.reads
    }
    assert set(scopes.values()) == {Scope.READ, Scope.WRITE}


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
