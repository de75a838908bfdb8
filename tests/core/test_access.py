from __future__ import annotations

import pytest

from penstock.core.access import Identity, Scope


@pytest.mark.parametrize("held", list(Scope))
def test_a_key_allows_its_scope_and_what_is_less_and_nothing_more(held):
    who = Identity(name="ada", scope=held)
    allowed = [scope for scope in Scope if who.may(scope)]
    assert allowed == list(Scope)[: list(Scope).index(held) + 1]


def test_a_key_only_reads_unless_it_says_more():
    assert not Identity(name="ada").may(Scope.RUN)
