"""Migrations on PostgreSQL: each wholly or not at all, once, and never on what is not ours."""

from __future__ import annotations

import threading

import older
import pytest
from postgresql import Cluster

from penstock.core.errors import StoreError, StoreTooNew
from penstock.store.migrate import Migration, migrations
from penstock.store.postgres.migrate import OLDEST, check_version
from penstock.store.postgres.store import PostgresStore

KNOWN = migrations()
NEXT = len(KNOWN) + 1
COLOUR = Migration(number=NEXT, name=f"{NEXT:04}_colour", text="ALTER TABLE tasks ADD COLUMN colour TEXT;\n")
BROKEN = Migration(
    number=NEXT, name=f"{NEXT:04}_broken", text="CREATE TABLE fine (x TEXT);\nALTER TABLE gone ADD COLUMN x TEXT;\n"
)


def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql.encode()).fetchall()


def numbers(url: str) -> list[object]:
    return [row[0] for row in rows(url, "SELECT number FROM schema_migrations ORDER BY number")]


def test_a_new_database_gets_every_migration(fresh_url: str) -> None:
    PostgresStore(fresh_url).close()
    assert numbers(fresh_url) == [one.number for one in KNOWN]
    PostgresStore(fresh_url).close()


def test_every_text_is_ordered_by_its_bytes_and_every_table_has_a_key(fresh_url: str) -> None:
    PostgresStore(fresh_url).close()
    of_ours = "table_schema = current_schema() AND data_type = 'text'"
    assert rows(fresh_url, f"SELECT DISTINCT collation_name::text FROM information_schema.columns WHERE {of_ours}") == [
        ("C",)
    ]
    assert (
        rows(
            fresh_url,
            """SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT IN
            (SELECT table_name FROM information_schema.table_constraints WHERE constraint_type = 'PRIMARY KEY')""",
        )
        == []
    )


def test_an_older_database_is_brought_up_to_date_and_keeps_what_it_has(postgres_url: str) -> None:
    store = PostgresStore(postgres_url)
    with store.transaction() as tx:
        tx.projects.ensure("p", 1.0)
    store.close()
    store = PostgresStore(postgres_url, known=[*KNOWN, COLOUR])
    with store.transaction(writes=False) as tx:
        assert tx.projects.list(hidden=True) == ["p"]
    store.close()
    assert rows(postgres_url, "SELECT colour FROM tasks") == []


def test_what_an_older_database_has_is_found_as_well(fresh_url: str) -> None:
    PostgresStore(fresh_url, known=older.BEFORE).close()
    for statement in older.FILLED:
        rows(fresh_url, f"{statement} RETURNING 1")
    PostgresStore(fresh_url).close()
    for query, expected in older.AFTER.items():
        assert [value for (value,) in rows(fresh_url, query)] == expected


def test_a_database_of_a_newer_version_is_refused_with_both_numbers(postgres_url: str) -> None:
    PostgresStore(postgres_url, known=[*KNOWN, COLOUR]).close()
    with pytest.raises(StoreTooNew, match=rf"has migration {NEXT}, .* no further than {len(KNOWN)}"):
        PostgresStore(postgres_url)


def test_a_migration_that_was_changed_after_its_release_is_refused(postgres_url: str) -> None:
    PostgresStore(postgres_url, known=[*KNOWN, COLOUR]).close()
    changed = Migration(number=NEXT, name=COLOUR.name, text="ALTER TABLE tasks ADD COLUMN color TEXT;\n")
    with pytest.raises(StoreError, match=f"got another migration {COLOUR.name}"):
        PostgresStore(postgres_url, known=[*KNOWN, changed])


def test_a_migration_that_fails_leaves_nothing_of_itself(postgres_url: str) -> None:
    with pytest.raises(StoreError, match='relation "gone" does not exist'):
        PostgresStore(postgres_url, known=[*KNOWN, BROKEN])
    assert numbers(postgres_url) == [one.number for one in KNOWN]
    assert rows(postgres_url, "SELECT 1 FROM pg_tables WHERE tablename = 'fine'") == []
    PostgresStore(postgres_url, known=[*KNOWN, COLOUR]).close()


@pytest.mark.parametrize("table", ["bookmarks (url TEXT)", "schema_migrations (version TEXT)"])
def test_a_database_of_another_program_is_left_alone(fresh_url: str, postgres_server: Cluster, table: str) -> None:
    name = fresh_url.partition("@/")[2].partition("?")[0]
    postgres_server.execute(f"CREATE TABLE {table}", name)
    before = rows(fresh_url, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
    with pytest.raises(StoreError, match="another program") as caught:
        PostgresStore(fresh_url)
    assert "search_path" in str(caught.value.hint)
    assert rows(fresh_url, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'") == before


def test_beside_another_program_a_schema_of_its_own_will_do(fresh_url: str, postgres_server: Cluster) -> None:
    name = fresh_url.partition("@/")[2].partition("?")[0]
    postgres_server.execute("CREATE TABLE bookmarks (url TEXT)", name)
    postgres_server.execute("CREATE SCHEMA penstock", name)
    store = PostgresStore(f"{fresh_url}&options=-csearch_path%3Dpenstock")
    with store.transaction() as tx:
        tx.projects.ensure("p", 1.0)
    store.close()
    assert rows(fresh_url, "SELECT name FROM penstock.projects") == [("p",)]


def test_a_database_that_cannot_hold_every_character_is_refused(postgres_server: Cluster) -> None:
    name = postgres_server.make(options="ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(StoreError, match="keeps texts as LATIN1") as caught:
        PostgresStore(postgres_server.url(name))
    assert "--encoding=UTF8" in str(caught.value.hint)
    postgres_server.drop(name)


def test_those_who_open_a_new_database_at_once_make_its_tables_once(fresh_url: str) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(8)

    def work() -> None:
        try:
            start.wait()
            PostgresStore(fresh_url).close()
        except BaseException as error:  # noqa: BLE001 - a thread's failure is shown by the test
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    assert numbers(fresh_url) == [one.number for one in KNOWN]


def test_a_postgresql_that_is_too_old_is_refused() -> None:
    check_version(OLDEST, "postgresql://db/lab")
    with pytest.raises(StoreError, match="is PostgreSQL 14, and Penstock needs 15"):
        check_version(140_009, "postgresql://db/lab")
