"""What all tests share: a home of their own, and nothing on the screen."""

from __future__ import annotations

import http.client
import json
import os
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import settings
from packaging.requirements import Requirement
from tests.place import Place

from penstock.core.secret import Secret
from penstock.run import current
from penstock.sdk import launched, session
from penstock.settings import Environments, Settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("patient", deadline=None)
# Which lines are reached is seen by few examples, and each takes twice as long there; `make test` looks at them all.
settings.register_profile("measured", deadline=None, max_examples=25)
settings.load_profile("measured" if "COVERAGE_PROCESS_CONFIG" in os.environ else "patient")

# Processes that tests start are not measured: measuring takes locks, and a process that is forked while another thread
# holds one waits for ever. What runs in them has unit tests that run here.
if "PYTEST_XDIST_WORKER" in os.environ:  # in the process that starts the workers it tells them to measure
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Distribute the tests to the workers, unless another way is asked for than `make test` does."""
    if config.getvalue("dist") != "loadscope":
        return None
    from together import Together  # imports xdist, which is not there in every run

    return Together(config, log)


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory):
    """What no test meant to keep, as of a thread that outlives its test, does not come to the home of who runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PENSTOCK_HOME", str(tmp_path_factory.mktemp("nobody") / "home"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _tables(tmp_path_factory):
    """New databases of this process get their tables by a copy."""
    from tables import Copies

    from penstock.store import sqlite

    template = tmp_path_factory.mktemp("tables") / "penstock.db"
    sqlite.SqliteStore(template).close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "migrate", Copies(template))
        yield


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
def place(request, tmp_path):
    """A home, or a server, with room for agents and scripts, as real processes."""
    kind = getattr(request, "param", "home")
    database = request.getfixturevalue("postgres_url") if kind == "postgres" else None
    found = Place(tmp_path, server=kind != "home", database=database)
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
def postgres_applied(postgres_server, postgres_template):
    """The migrations of this version."""
    return postgres_server.applied(postgres_template)


@pytest.fixture(scope="session")
def postgres_databases():
    """Databases that tests before this one left: making one takes longer than most tests."""
    return []


@pytest.fixture
def postgres_url(postgres_server, postgres_template, postgres_applied, postgres_databases):
    """The URL of a PostgreSQL database of this test's own, with the tables of this version and nothing in them."""
    name = postgres_databases.pop() if postgres_databases else postgres_server.make(postgres_template)
    yield postgres_server.url(name)
    if postgres_server.empty(name, postgres_applied):
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


class Wheels:
    """A folder of packages to install, as an index has them, so that no test needs one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.how = Environments(index="none", find_links=(str(folder),))

    def make(self, name: str, version: str, files: dict[str, str] | None = None, needs: tuple[str, ...] = ()) -> Path:
        """Make a package; its module says its version, unless other files are given. Return its file."""
        info = f"{name}-{version}.dist-info"
        lines = [f"Requires-Dist: {one}\n" for one in needs]
        return self._write(
            f"{name}-{version}-py3-none-any.whl",
            info,
            (files or {f"{name}.py": f"VERSION = {version!r}\n"})
            | {
                f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{''.join(lines)}",
                f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            },
        )

    def repack(self, name: str, met: set[str]) -> None:
        """Make a package, and all that it needs, of what is installed here."""
        found = metadata.distribution(name)
        if found.name in met:
            return
        met.add(found.name)
        self._repack(found)
        for line in found.requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                self.repack(needed.name, met)

    def _repack(self, found: metadata.Distribution) -> None:
        paths = [one for one in found.files or () if one.parts[0] != ".." and "__pycache__" not in one.parts]
        info = next(one.parts[0] for one in paths if one.name == "METADATA")
        kept = ("METADATA", "WHEEL", "entry_points.txt", "top_level.txt")
        chosen = [one for one in paths if one.parts[0] != info or one.name in kept]
        tags = [line.split()[1].split("-") for line in (found.read_text("WHEEL") or "").splitlines() if "Tag:" in line]
        tag = "-".join(".".join(dict.fromkeys(part)) for part in zip(*tags, strict=True))
        files = {str(one): Path(str(found.locate_file(one))).read_bytes() for one in chosen}
        self._write(f"{info.removesuffix('.dist-info')}-{tag}.whl", info, files)

    def _write(self, name: str, info: str, files: dict[str, str] | dict[str, bytes]) -> Path:
        with zipfile.ZipFile(self.folder / name, "w") as wheel:
            for path, content in files.items():
                wheel.writestr(path, content)
            wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"]))
        return self.folder / name


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """What Penstock needs, as packages to install, and another version of one that is installed here: iniconfig."""
    folder = tmp_path_factory.mktemp("packages")
    made = Wheels(folder / "wheels")
    made.make("iniconfig", "0.0.1")
    made.make("shade", "1.0")
    made.make("shade", "2.0")
    met = {"penstock"}
    for line in metadata.requires("penstock") or ():
        needed = Requirement(line)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            made.repack(needed.name, met)
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("UV_CACHE_DIR", str(folder / "cache"))
        variables.setenv("UV_HTTP_RETRIES", "0")  # nobody answers, and that will not change
        yield made
