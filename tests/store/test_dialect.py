"""The words of the databases."""

from __future__ import annotations

from msgspec.structs import replace

from penstock.store.dialect import SQLITE


def test_a_statement_gets_the_placeholders_of_its_database():
    assert SQLITE.statement("a = ? AND b = ?") == "a = ? AND b = ?"
    assert replace(SQLITE, placeholder="%s").statement("a = ? AND b = ?") == "a = %s AND b = %s"


def test_a_schema_gets_the_words_of_its_database():
    assert SQLITE.schema("id {serial}, data {blob}") == "id INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB"
