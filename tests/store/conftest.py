from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from penstock.store.sqlite import SqliteStore
from penstock.store.transaction import SqlTx


class Child:
    """A forked process that runs one function, and what became of it."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._output, output = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 0
            try:
                work()
            except BaseException:  # noqa: BLE001 - whatever it is, the parent shall show it
                code = 1
                os.write(output, traceback.format_exc()[-4000:].encode())
            finally:
                os._exit(code)
        os.close(output)

    def join(self) -> None:
        """Wait for its end; fail with its traceback when it failed."""
        with os.fdopen(self._output) as output:
            failure = output.read()
        _, status = os.waitpid(self.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, failure


class Gate:
    """Children wait at it until it is opened for all of them at once."""

    def __init__(self) -> None:
        self._inside, self._outside = os.pipe()

    def wait(self) -> None:
        os.close(self._outside)
        os.read(self._inside, 1)

    def open(self) -> None:
        os.close(self._outside)
        os.close(self._inside)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "penstock.db"


# What is in these files holds for every database: one text of SQL serves them all.
ON_EVERY_DATABASE = {
    "test_agents",
    "test_leases",
    "test_letters",
    "test_overview",
    "test_queues",
    *("test_changes", "test_decisions", "test_executions", "test_models", "test_outputs", "test_reports", "test_runs"),
    *(
        "test_overview",
        "test_search",
        "test_secrets",
        "test_settings",
        "test_tag_limits",
        "test_tasks",
        "test_tokens",
        "test_transactions",
    ),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__.rpartition(".")[2] in ON_EVERY_DATABASE and "store" in metafunc.fixturenames:
        metafunc.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "sqlite")


@pytest.fixture
def store(request: pytest.FixtureRequest, path: Path, database: str) -> Iterator[SqliteStore]:
    if database == "postgres":
        from penstock.store.postgres.store import PostgresStore

        store = PostgresStore(request.getfixturevalue("postgres_url"))
    else:
        store = SqliteStore(path)
    yield store
    store.close()


@pytest.fixture
def tx(store: SqliteStore) -> Iterator[SqlTx]:
    with store.transaction(durable=False) as tx:
        yield tx


@pytest.fixture
def tables(database: str) -> Callable[[SqlTx], list[str]]:
    """The names of the tables that a transaction sees."""
    from_where = {
        "sqlite": "name FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'",
        "postgres": "tablename::text FROM pg_tables WHERE schemaname = current_schema()",
    }
    return lambda tx: [row[0] for row in tx.tasks._session.rows(f"SELECT {from_where[database]}")]


@pytest.fixture
def scans(database: str) -> Callable[[SqlTx, str], list[str]]:
    """How a statement finds its rows, a line for each table that it reads."""

    def scans(tx: SqlTx, sql: str) -> list[str]:
        if database == "sqlite":
            return [row[3] for row in tx.tasks._session.rows(f"EXPLAIN QUERY PLAN {sql}")]
        for way in ("seqscan", "bitmapscan", "sort"):  # which it prefers while a table is empty
            tx.tasks._session.run(f"SET LOCAL enable_{way} = off")
        return [row[0] for row in tx.tasks._session.rows(f"EXPLAIN {sql}") if "Scan" in row[0]]

    return scans


@pytest.fixture
def child() -> type[Child]:
    return Child


@pytest.fixture
def gate() -> type[Gate]:
    return Gate


@pytest.fixture
def undone(store: SqliteStore) -> Callable[[], AbstractContextManager[SqlTx]]:
    """A transaction whose end undoes it, so that the next example of a test finds the store empty."""

    @contextmanager
    def undone() -> Generator[SqlTx]:
        with suppress(InterruptedError), store.transaction(durable=False) as tx:
            yield tx
            raise InterruptedError

    return undone


@pytest.fixture
def umask() -> Generator[Callable[[int], int]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)
