"""How values travel: as they were when they come back, in the order that SQLite gives them, or refused alike."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from penstock.core.errors import Invalid
from penstock.store.postgres.adaptation import original, stored
from penstock.store.postgres.store import PostgresStore

texts = st.text(st.characters(exclude_categories=["Cs"])) | st.text("\0\1\2a")


@given(texts)
@example("\0\1\1\2\0\0\1")
def test_every_text_comes_back_as_it_was_and_travels_without_nul(text: str) -> None:
    assert original(stored(text)) == text
    assert "\0" not in stored(text)


@given(texts, texts)
def test_the_order_of_texts_stays(one: str, other: str) -> None:
    assert (stored(one) < stored(other)) == (one < other)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(texts, min_size=2, max_size=8, unique=True))
@example(["B", "a", "Z", "é", "e", "\U0001f600", "\uffff", "_", " ", "", "aa", "a b", "\0", "\1"])
def test_the_database_orders_texts_by_their_bytes(store: PostgresStore, names: list[str]) -> None:
    with store.transaction() as tx:
        session = tx.tasks._session
        session.run("DELETE FROM projects")
        session.run_many("INSERT INTO projects VALUES (?, 1, '[]')", [(name,) for name in names])
        assert tx.projects.list(hidden=True) == sorted(names)


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, -(2**63), True])
def test_whole_numbers_of_64_bits_travel(store: PostgresStore, number: int) -> None:
    with store.transaction(writes=False) as tx:
        assert tx.tasks._session.first("SELECT ?", number) == (int(number),)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "\ud800"])
def test_what_cannot_be_stored_is_refused_and_leaves_the_transaction_open(store: PostgresStore, value: object) -> None:
    with store.transaction(writes=False) as tx:
        with pytest.raises(Invalid):
            tx.tasks._session.run("SELECT ?", value)
        with pytest.raises(Invalid):
            tx.tasks._session.run_many("SELECT ?", [(1,), (value,)])
        assert tx.tasks._session.first("SELECT ?", 1) == (1,)


@pytest.mark.parametrize("number", [0.1, -0.0, math.inf, -math.inf, 5e-324, 1.7976931348623157e308])
def test_every_number_comes_back_bit_by_bit(store: PostgresStore, number: float) -> None:
    with store.transaction(writes=False) as tx:
        (found,) = tx.tasks._session.first("SELECT ?", number) or ()
    assert repr(found) == repr(number)


def test_bytes_come_back_as_they_were(store: PostgresStore) -> None:
    data = bytes(range(256)) * 100
    with store.transaction(writes=False) as tx:
        assert tx.tasks._session.first("SELECT ?", data) == (data,)
