"""What all tests share: a home of their own, and nothing on the screen."""

from __future__ import annotations

import http.client
import json
import os

import pytest
from hypothesis import settings
from tests.place import Place

from penstock.core.secret import Secret
from penstock.run import current
from penstock.sdk import launched, session
from penstock.settings import Settings

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


class Reply:
    """What the server said."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Site:
    """A server, and requests to it that are written by hand."""

    def __init__(self, url, token):
        self.url = url
        self.token = token
        self.host = url.removeprefix("http://")
        self.port = int(self.host.rpartition(":")[2])

    def ask(self, method, path, body=None, *, key="own", host=None, **headers):
        """Make a request; underscores in the names of headers stand for hyphens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            named.setdefault("Authorization", f"Bearer {self.token if key == 'own' else key}")
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
            named.setdefault("Content-Type", "application/json")
        try:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", self.host if host is None else host)
            if body is not None or method in {"POST", "PUT", "PATCH"}:
                named.setdefault("Content-Length", str(len(body or b"")))
            for name, value in named.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def call(self, name, body=None, **headers):
        """Ask for an operation, in JSON."""
        return self.ask("POST", f"/api/v1/{name}", body or {}, **headers)


@pytest.fixture(scope="session")
def _running(tmp_path_factory):
    from penstock.backend.local import open_local
    from penstock.server.serve import Serving
    from penstock.server.thread import serving

    home = tmp_path_factory.mktemp("served") / "home"
    own = open_local(Settings(home=home, workers=1))
    with serving(own, Serving(home=home, port=0)) as address:
        yield address.url, home, own
    own.close()


@pytest.fixture
def site(_running):
    """A server that all tests share."""
    from penstock.backend.token import read_token

    url, home, _ = _running
    return Site(url, read_token(home))


@pytest.fixture
def served(_running):
    """The service of that server, without HTTP in between."""
    return _running[2]


@pytest.fixture
def remote(site, tmp_path):
    """The client that users get by PENSTOCK_URL, with a home of its own."""
    from penstock.backend.remote import open_remote

    backend = open_remote(Settings(home=tmp_path / "client", workers=1, url=site.url, key=Secret(site.token)))
    yield backend
    backend.close()
