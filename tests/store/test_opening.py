"""Which store is opened: the file of the home, or the database behind a URL."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest

from penstock.core.errors import Invalid, StoreError
from penstock.store.opening import open_store
from penstock.store.sqlite import SqliteStore


def test_without_a_url_it_is_the_file(tmp_path):
    store = open_store(tmp_path / "home" / "x.db")
    assert isinstance(store, SqliteStore)
    assert store.path == tmp_path / "home" / "x.db"
    store.close()


def test_with_a_url_it_is_that_database_and_the_home_gets_no_file(tmp_path, postgres_url):
    store = open_store(tmp_path / "home" / "x.db", postgres_url)
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    with store.transaction() as tx:
        tx.projects.ensure("p", 1.0)
    store.close()
    store = open_store(tmp_path / "elsewhere" / "x.db", postgres_url)
    with store.transaction(writes=False) as tx:
        assert tx.projects.list(hidden=True) == ["p"]
    store.close()
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_home_below_a_file_is_refused_with_a_url_too(tmp_path, postgres_url):
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "home", tmp_path / "file" / "below" / "home"):
        with pytest.raises(StoreError, match=r"cannot be used: (it is no folder|Not a directory)"):
            open_store(home / "x.db", postgres_url)


def test_what_is_no_url_is_refused(tmp_path):
    with pytest.raises(Invalid, match="no PostgreSQL URL"):
        open_store(tmp_path / "x.db", "postgresql://a%")


@pytest.mark.uncovered
def test_the_driver_is_imported_only_for_a_url(tmp_path):
    code = f"""
import sys
from pathlib import Path
from penstock.backend import connect
from penstock.settings import Settings
connect(Settings(home=Path({str(tmp_path)!r}), workers=1)).close()
assert "sqlite3" in sys.modules
assert not [name for name in sys.modules if name.startswith("psycopg")]
sys.modules["psycopg"] = None  # as where it is not installed
from penstock.core.errors import StoreError
try:
    connect(Settings(home=Path({str(tmp_path)!r}), workers=1, database_url="postgresql://db/x"))
except StoreError as error:
    assert error.hint == "pip install 'penstock[postgres]'", error
else:
    raise AssertionError
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
