"""The audit log: rows are added, and never changed."""

from __future__ import annotations

from msgspec.structs import replace

from penstock.core.audit import DONE, Entry, Mark, chained
from penstock.ops.audit import ListAudit
from penstock.store.sql import Row, Session, Where, marks

_COLUMNS = "seq, at, who, kind, access_key, address, operation, object, result, digest, hash"


class SqlAudit:
    """The audit log."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def append(self, entry: Entry) -> None:
        """Add a row at the end of the chain; its number and its hash are given here.

        The row that says where the chain ends is changed first: of two that add at the same time one waits there until
        the other's transaction is over.
        """
        row = self._session.first("UPDATE audit_end SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash")
        assert row is not None  # noqa: S101 - the migration made it
        entry = replace(entry, seq=row[0])
        entry = replace(entry, hash=chained(row[1], entry))
        values = tuple(getattr(entry, name) for name in Entry.__struct_fields__)
        self._session.run(f"INSERT INTO audit ({_COLUMNS}) VALUES ({marks(values)})", *values)
        self._session.run("UPDATE audit_end SET hash = ? WHERE id = 1", entry.hash)

    def end(self) -> Mark:
        """Return where the chain ends."""
        row = self._session.first("SELECT seq, hash FROM audit_end WHERE id = 1")
        return Mark(row[0], row[1]) if row is not None else Mark()

    def after(self, seq: int, limit: int) -> list[Entry]:
        """Return the rows after one, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"
        return [_entry(row) for row in self._session.rows(sql, seq, limit)]

    def list(self, wanted: ListAudit) -> list[Entry]:
        """Return the rows that the filters let through, the newest first."""
        where = Where()
        where.equal("who", wanted.who)
        where.equal("operation", wanted.operation)
        where.equal("object", wanted.object)
        where.equal("access_key", wanted.key)
        if wanted.refused is not None:
            where.holds(f"result {'<>' if wanted.refused else '='} '{DONE}'")
        if wanted.before is not None:
            where.before("seq", wanted.before)
        rows = self._session.rows(
            f"SELECT {_COLUMNS} FROM audit {where} ORDER BY seq DESC LIMIT ?", *where.values, wanted.limit
        )
        return [_entry(row) for row in rows]


def _entry(row: Row) -> Entry:
    return Entry(**dict(zip(Entry.__struct_fields__, row, strict=True)))
