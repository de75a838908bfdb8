from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from penstock.core.errors import NotFound
from penstock.store.dialect import SQLITE
from penstock.store.sql import MOST_VALUES, Session, Where, marks, slices


@pytest.fixture
def session() -> Iterator[Session]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE numbers (n)")
    yield Session(connection, SQLITE)
    connection.close()


def test_conditions_are_joined_and_those_on_none_left_out() -> None:
    where = Where()
    assert str(where) == ""
    where.equal("a", None)
    where.among("b", None)
    assert str(where) == ""
    where.equal("a", "x' OR 1=1")
    where.after("c", 3)
    where.among("b", [1, 2])
    assert str(where) == "WHERE a = ? AND c > ? AND b IN (?, ?)"
    assert where.values == ["x' OR 1=1", 3, 1, 2]


def test_a_choice_among_none_lets_nothing_through(session: Session) -> None:
    session.run("INSERT INTO numbers VALUES (1)")
    where = Where()
    where.among("n", [])
    assert session.rows(f"SELECT n FROM numbers {where}", *where.values) == []


def test_values_are_cut_into_pieces_that_a_statement_can_take(session: Session) -> None:
    many = list(range(2 * MOST_VALUES + 1))
    assert [len(piece) for piece in slices(many)] == [MOST_VALUES, MOST_VALUES, 1]
    session.run_many("INSERT INTO numbers VALUES (?)", [(number,) for number in many])
    found = session.rows_among("SELECT n FROM numbers WHERE n IN ({values})", many)
    assert [row[0] for row in found] == many
    assert session.rows_among("SELECT n FROM numbers WHERE n IN ({values})", []) == []


def test_a_change_that_changes_nothing_names_what_is_missing(session: Session) -> None:
    with pytest.raises(NotFound, match="there is no number 7"):
        session.change("number 7", "UPDATE numbers SET n = 8 WHERE n = ?", 7)


def test_another_database_gets_its_own_words() -> None:
    other = replace(SQLITE, placeholder="$", serial="BIGSERIAL PRIMARY KEY", blob="BYTEA", keyed="")
    assert other.statement("SELECT ? WHERE a IN (?, ?)") == "SELECT $1 WHERE a IN ($2, $3)"
    assert other.schema("CREATE TABLE a (id {serial}, data {blob}) {keyed}") == (
        "CREATE TABLE a (id BIGSERIAL PRIMARY KEY, data BYTEA) "
    )
    assert SQLITE.statement("SELECT ?") == "SELECT ?"
    assert marks("abc") == "?, ?, ?"
