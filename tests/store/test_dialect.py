"""The words of the databases."""

from __future__ import annotations

from penstock.store.dialect import POSTGRES, SQLITE


def test_a_statement_gets_the_placeholders_of_its_database():
    assert SQLITE.statement("a = ? AND b = ?") == "a = ? AND b = ?"
    assert POSTGRES.statement("a = ? AND b LIKE '%x' AND c = ?") == "a = $1 AND b LIKE '%x' AND c = $2"
    assert POSTGRES.statement("a") == "a"


def test_a_schema_gets_the_words_of_its_database():
    assert SQLITE.schema("id {serial}, data {blob}") == "id INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB"
    assert POSTGRES.schema("data {blob}, TEXTURE TEXT NOT NULL") == 'data BYTEA, TEXTURE TEXT COLLATE "C" NOT NULL'
    assert SQLITE.schema("CROSS JOIN {elements of t.tags}") == "CROSS JOIN json_each(t.tags)"
    assert POSTGRES.schema("{elements of t.tags}") == "json_array_elements_text(t.tags::json)"
