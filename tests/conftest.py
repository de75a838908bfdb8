"""What all tests share: a home of their own, and nothing on the screen."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings
from tests.place import Place

from penstock.run import current
from penstock.sdk import launched, session

# How long an example takes says more about the machine than about the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Processes that tests start are not measured: measuring takes locks, and a process that is forked while another thread
# holds one waits for ever. What runs in them has unit tests that run here.
if "PYTEST_XDIST_WORKER" in os.environ:  # in the process that starts the workers it tells them to measure
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


def _close_what_was_opened():
    """Close the databases that the test opened: hundreds of tests in one process would run out of descriptors."""
    for reporter in session._reporters.values():
        reporter.close()
    for backend in session._open.values():
        backend.close()
    session._reporters.clear()
    session._open.clear()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty state directory that this process uses; nothing of the machine's own configuration counts."""
    folder = tmp_path / "home"
    for name in ("PENSTOCK_WORKERS", "PENSTOCK_USER", "PENSTOCK_URL", "PENSTOCK_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PENSTOCK_HOME", str(folder))
    monkeypatch.setenv("PENSTOCK_CONFIG", str(tmp_path / "no-config.toml"))
    monkeypatch.setenv("PENSTOCK_PROGRESS", "none")
    yield folder
    current.put(None)
    launched.put(None)
    _close_what_was_opened()


@pytest.fixture
def place(tmp_path):
    """A home with room for agents and scripts, as real processes."""
    found = Place(tmp_path)
    yield found
    found.close()


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL server, one for each process that runs tests."""
    from postgresql import Cluster  # the driver is imported only where a test needs it

    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session")
def postgres_template(postgres_server):
    """A database with the tables of this version, which others are copied from."""
    from penstock.store.postgres.store import PostgresStore

    name = postgres_server.make()
    PostgresStore(postgres_server.url(name)).close()
    return name


@pytest.fixture(scope="session")
def postgres_databases():
    """Databases that tests before this one left: making one takes longer than most tests."""
    return []


@pytest.fixture
def postgres_url(postgres_server, postgres_template, postgres_databases):
    """The URL of a PostgreSQL database of this test's own, with the tables of this version and nothing in them."""
    applied = "SELECT number, checksum FROM schema_migrations ORDER BY number"
    name = postgres_databases.pop() if postgres_databases else postgres_server.make(postgres_template)
    yield postgres_server.url(name)
    if postgres_server.execute(applied, name) == postgres_server.execute(applied, postgres_template):
        postgres_server.empty(name, kept="schema_migrations")
        postgres_databases.append(name)
    else:  # it went through other migrations
        postgres_server.drop(name)
