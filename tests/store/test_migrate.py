from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from penstock.core.errors import StoreError, StoreTooNew
from penstock.core.task import Task
from penstock.store.migrate import Migration, migrations
from penstock.store.sqlite import SqliteStore

ADD_COLOUR = "ALTER TABLE tasks ADD COLUMN colour TEXT;\n"
OURS = len(migrations())
NEXT = OURS + 1  # what a later version might bring


def upto(number: int) -> list[int]:
    return list(range(1, number + 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the migrations of this version, and one that a later version might bring."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for migration in migrations():
        (folder / f"{migration.name}.sql").write_text(migration.text)
    (folder / f"{NEXT:04}_colour.sql").write_text(
        f"-- A comment; with a semicolon.\n\n{ADD_COLOUR}CREATE TABLE colours (\n    name TEXT -- no ; here\n);\n"
    )
    return folder


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def columns(path: Path) -> set[object]:
    return {row[1] for row in rows(path, "PRAGMA table_info(tasks)")}


def test_a_new_database_gets_every_migration_and_no_copy(path: Path, folder: Path) -> None:
    SqliteStore(path, known=migrations(folder)).close()
    assert "colour" in columns(path)
    assert [row[0] for row in rows(path, "SELECT number FROM schema_migrations ORDER BY number")] == upto(NEXT)
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]
    assert sorted(file.name for file in path.parent.iterdir()) == ["penstock.db", "penstock.db.lock"]


def test_an_older_database_is_copied_and_brought_up_to_date(path: Path, folder: Path, umask) -> None:
    store = SqliteStore(path)
    with store.transaction() as tx:
        tx.tasks.add(Task(id="t", name="train", project="p"))
    store.close()
    umask(0)
    store = SqliteStore(path, known=migrations(folder))
    with store.transaction(writes=False) as tx:
        assert tx.tasks.get("t").name == "train"
    store.close()

    copy = path.with_name(f"penstock.db.before-{NEXT:04}")
    assert "colour" in columns(path)
    assert "colour" not in columns(copy)
    assert rows(copy, "SELECT name FROM tasks") == [("train",)]
    assert rows(copy, "PRAGMA integrity_check") == [("ok",)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, copy.name, f"{path.name}.lock"]


def test_an_up_to_date_database_is_opened_without_the_lock(path: Path) -> None:
    SqliteStore(path).close()
    path.with_name("penstock.db.lock").unlink()
    SqliteStore(path).close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["penstock.db"]


def test_a_database_of_a_newer_version_is_refused_with_both_numbers(path: Path, folder: Path) -> None:
    SqliteStore(path, known=migrations(folder)).close()
    with pytest.raises(StoreTooNew, match=rf"penstock\.db has migration {NEXT}, .* no further than {OURS}") as caught:
        SqliteStore(path)
    assert "upgrade Penstock" in str(caught.value.hint)
    SqliteStore(path, known=migrations(folder)).close()


def test_a_migration_that_was_changed_after_its_release_is_refused(path: Path, folder: Path) -> None:
    SqliteStore(path, known=migrations(folder)).close()
    (file,) = folder.glob(f"{NEXT:04}_*")
    file.write_text(ADD_COLOUR)
    with pytest.raises(StoreError, match=f"got another migration {NEXT:04}_colour"):
        SqliteStore(path, known=migrations(folder))


def test_a_migration_that_fails_leaves_nothing_of_itself(path: Path, folder: Path) -> None:
    SqliteStore(path).close()
    broken = folder / f"{NEXT + 1:04}_broken.sql"
    broken.write_text("CREATE TABLE fine (x TEXT);\nALTER TABLE gone ADD COLUMN x TEXT;\n")
    with pytest.raises(StoreError, match="no such table: gone"):
        SqliteStore(path, known=migrations(folder))
    assert [row[0] for row in rows(path, "SELECT number FROM schema_migrations")] == upto(NEXT)
    assert rows(path, "SELECT name FROM sqlite_master WHERE name = 'fine'") == []

    broken.write_text("CREATE TABLE fine (x TEXT);\n")
    SqliteStore(path, known=migrations(folder)).close()
    assert [row[0] for row in rows(path, "SELECT number FROM schema_migrations")] == upto(NEXT + 1)
    assert path.with_name(f"penstock.db.before-{NEXT + 1:04}").exists()


def test_a_copy_that_was_cut_short_is_made_again(path: Path, folder: Path) -> None:
    SqliteStore(path).close()
    path.with_name(f"penstock.db.before-{NEXT:04}.part").write_bytes(b"half a copy")
    SqliteStore(path, known=migrations(folder)).close()
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "penstock.db",
        f"penstock.db.before-{NEXT:04}",
        "penstock.db.lock",
    ]


def test_processes_that_find_an_older_database_at_once_migrate_it_once(path: Path, folder: Path, child, gate) -> None:
    SqliteStore(path).close()
    start = gate()
    known = migrations(folder)

    def work() -> None:
        start.wait()
        SqliteStore(path, known=known).close()

    children = [child(work) for _ in range(8)]
    start.open()
    for one in children:
        one.join()
    assert [row[0] for row in rows(path, "SELECT number FROM schema_migrations")] == upto(NEXT)


def test_migrations_are_numbered_without_gaps(folder: Path) -> None:
    (folder / f"{NEXT + 2:04}_gap.sql").write_text("")
    with pytest.raises(StoreError, match="not numbered 1, 2, 3"):
        migrations(folder)


def test_statements_are_told_apart_by_semicolons_at_line_ends() -> None:
    migration = Migration(number=1, name="x", text="-- a;\nCREATE TABLE a (x);\n\nINSERT INTO a\nVALUES ('b;c');\n")
    assert migration.statements == ["CREATE TABLE a (x)", "INSERT INTO a\nVALUES ('b;c')"]
