"""What is said when the database cannot be used: which one, why, what to do, and never the password."""

from __future__ import annotations

import psycopg
import pytest
from postgresql import LOCKED, PASSWORD, Cluster
from psycopg import errors

from penstock.core.errors import DiskFull, PenstockError, StoreBusy, StoreError, TryAgain
from penstock.store.postgres.faults import explain
from penstock.store.postgres.store import PostgresStore

SHOWN = "postgresql://ada@db/lab"


def refusal(url: str, kind: type[PenstockError] = StoreError) -> PenstockError:
    with pytest.raises(kind) as caught:
        PostgresStore(url, patience=0.1)
    shown: BaseException | None = caught.value
    while shown is not None:
        assert "wrong" not in f"{shown}{shown!r}"
        assert PASSWORD not in f"{shown}{shown!r}"
        shown = shown.__cause__ or shown.__context__
    assert caught.value.hint
    return caught.value


def test_a_server_that_does_not_answer_is_named(tmp_path) -> None:
    error = refusal(f"postgresql://ada:wrong@/lab?host={tmp_path}")
    assert f"postgresql://ada@{tmp_path}/lab cannot be reached" in error.message
    assert error.hint == "see whether PostgreSQL runs and can be reached"


def test_a_port_that_nobody_listens_on_is_named() -> None:
    assert "127.0.0.1:1/lab cannot be reached" in refusal("postgresql://ada:wrong@127.0.0.1:1/lab").message


def test_a_password_that_is_wrong_is_not_shown(postgres_server: Cluster) -> None:
    url = f"postgresql://{LOCKED}:wrong@/postgres?host={postgres_server.folder}"
    assert "see whether user and password" in str(refusal(url).hint)
    assert "see whether user and password" in str(refusal(postgres_server.url("postgres", LOCKED)).hint)


def test_a_database_that_is_not_there_is_named_with_the_remedy(postgres_server: Cluster) -> None:
    error = refusal(postgres_server.url("nowhere"))
    assert 'database "nowhere" does not exist' in error.message
    assert "createdb" in str(error.hint)


def test_a_user_who_may_not_make_tables_is_told_what_is_needed(postgres_server: Cluster, fresh_url: str) -> None:
    url = fresh_url.replace("penstock@", f"{LOCKED}:{PASSWORD}@")
    error = refusal(url)
    assert "permission denied" in error.message
    assert "create tables" in str(error.hint)


def test_a_read_only_database_is_told_apart_from_a_mistake_of_ours(postgres_url: str, store: PostgresStore) -> None:
    with store.transaction() as tx:
        tx.projects.ensure("p", 1.0)
    closed = PostgresStore(f"{postgres_url}&options=-cdefault_transaction_read_only%3Don")
    with pytest.raises(StoreError, match="read-only") as caught, closed.transaction() as tx:
        tx.projects.ensure("q", 1.0)
    assert "standby" in str(caught.value.hint)
    closed.close()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.SerializationFailure(), TryAgain),
        (errors.DeadlockDetected(), TryAgain),
        (errors.DiskFull(), DiskFull),
        (errors.LockNotAvailable(), StoreBusy),
        (errors.UniqueViolation("duplicate key\nDETAIL: x"), StoreError),
    ],
)
def test_each_fault_has_its_class(error: psycopg.Error, kind: type[StoreError]) -> None:
    found = explain(SHOWN, error)
    assert type(found) is kind
    assert SHOWN in found.message
    assert "DETAIL" not in found.message
