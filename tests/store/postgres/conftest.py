from __future__ import annotations

import pytest

from penstock.store.postgres.store import PostgresStore


@pytest.fixture
def store(postgres_url):
    store = PostgresStore(postgres_url)
    yield store
    store.close()
