from __future__ import annotations

import pytest
from postgresql import Cluster

from penstock.store.postgres.store import PostgresStore


@pytest.fixture
def store(postgres_url):
    store = PostgresStore(postgres_url)
    yield store
    store.close()


@pytest.fixture
def fresh_url(postgres_server: Cluster):
    """The URL of an empty database."""
    name = postgres_server.make()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def terminate(postgres_server: Cluster, postgres_url: str):
    """Ends the connections to this test's database that ran a statement like this one last."""
    name = postgres_url.partition("@/")[2].partition("?")[0]

    def terminate(like: str) -> int:
        rows = postgres_server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND query LIKE '{like}'"
        )
        return len(rows)

    return terminate
