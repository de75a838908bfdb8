"""What the tests of the server share: a real one on a real socket, and plain requests to it."""

from __future__ import annotations

import http.client
import json

import pytest

from penstock.backend import connect
from penstock.backend.local import open_local
from penstock.backend.token import read_token
from penstock.server.serve import Serving
from penstock.server.thread import serving
from penstock.settings import Settings


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

    def __init__(self, url, home):
        self.url = url
        self.home = home
        self.host = url.removeprefix("http://")
        self.port = int(self.host.rpartition(":")[2])
        self.token = read_token(home)

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
    home = tmp_path_factory.mktemp("served") / "home"
    own = open_local(Settings(home=home, workers=1))
    with serving(own, Serving(home=home, port=0)) as address:
        yield address.url, home, own
    own.close()


@pytest.fixture
def site(_running):
    """A server that all tests share."""
    url, home, _ = _running
    return Site(url, home)


@pytest.fixture
def owner(_running):
    """The service of that server, without HTTP in between."""
    return _running[2]


@pytest.fixture
def remote(site, tmp_path):
    """The client that users get by PENSTOCK_URL, with a home of its own."""
    from penstock.settings import Secret

    backend = connect(Settings(home=tmp_path / "client", workers=1, url=site.url, key=Secret(site.token)))
    yield backend
    backend.close()
