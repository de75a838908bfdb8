"""Whether the database is whole."""

from __future__ import annotations

from penstock.core.errors import StoreError
from penstock.store.migrate import migrations
from penstock.store.sqlite import SqliteStore


def test_a_new_database_is_whole(tmp_path):
    store = SqliteStore(tmp_path / "home" / "penstock.db")
    with store.transaction(writes=False) as tx:
        health = tx.health.check()
    store.close()
    assert (health.version, health.problems) == (len(migrations()), ())


def test_rows_that_an_index_has_lost_are_found(tmp_path):
    path = tmp_path / "home" / "penstock.db"
    SqliteStore(path).close()
    data = bytearray(path.read_bytes())
    data[4096 * 2 :] = bytes(len(data) - 4096 * 2)
    path.write_bytes(data)
    found = ()
    try:
        store = SqliteStore(path)
        with store.transaction(writes=False) as tx:
            found = tx.health.check().problems
        store.close()
    except StoreError as error:
        found = (error.message,)
    assert found
