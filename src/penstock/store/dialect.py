"""What SQLite and PostgreSQL say differently: a handful of words. The rest of our SQL is one text for both."""

from __future__ import annotations

from msgspec import Struct


class Dialect(Struct, frozen=True, kw_only=True):
    """The words of one database.

    Args:
        placeholder: Stands for a value; our statements write `?`.
        serial: Type of a column that numbers rows as they come and never gives a number twice; `{serial}` in schemas.
        blob: Type of bytes; `{blob}` in schemas.
        keyed: Ends a table whose rows lie in the order of its primary key; `{keyed}` in schemas.
        begin_reading: Opens a transaction that sees the store as it is now, whatever others do meanwhile.
        begin_writing: Opens a transaction that may write.
        skip_locked: Ends a query for a row that is to be taken: rows that others are taking are passed over.
        check: Has the database check itself and returns a row a problem, or `ok`; empty where there is no such thing.
    """

    placeholder: str
    serial: str
    blob: str
    keyed: str
    begin_reading: str
    begin_writing: str
    skip_locked: str = ""
    check: str = ""

    def statement(self, sql: str) -> str:
        """Return the statement with this database's placeholders. No literal in our SQL holds a question mark."""
        return sql if self.placeholder == "?" else sql.replace("?", self.placeholder)

    def schema(self, sql: str) -> str:
        """Return the schema statement in this database's words."""
        for name, word in (("{serial}", self.serial), ("{blob}", self.blob), ("{keyed}", self.keyed)):
            sql = sql.replace(name, word)
        return sql


SQLITE = Dialect(
    placeholder="?",
    serial="INTEGER PRIMARY KEY AUTOINCREMENT",
    blob="BLOB",
    keyed="WITHOUT ROWID",
    begin_reading="BEGIN",
    begin_writing="BEGIN IMMEDIATE",
    check="PRAGMA integrity_check",
)
