"""S18 of our security bars: twenty secrets go through everything that takes one, and are found nowhere afterwards.

Not in the database, its WAL or any other file of the home, not in an error, not in what is printed or logged.
"""

from __future__ import annotations

import hashlib
import io
import logging
import traceback

import msgspec
import pytest

from penstock.backend import connect, local
from penstock.backend.secrets import SystemSecrets
from penstock.cli.main import execute
from penstock.core.access import Identity, Scope, nobody
from penstock.core.errors import PenstockError
from penstock.core.secret import Secret
from penstock.ops.access import (
    AddKey,
    AddUser,
    Authenticate,
    ChangeUser,
    ListKeys,
    ListUsers,
    LogIn,
    LogOut,
    RevokeKey,
)
from penstock.ops.audit import CheckAudit, ListAudit
from penstock.ops.tasks import CreateTask, NewTask
from penstock.settings import load

ROOT = Identity(name="root", scope=Scope.ADMIN, address="10.0.0.1")
PLANTED = [f"planted-{hashlib.sha256(bytes([number])).hexdigest()[:24]}" for number in range(10)]


class Watched:
    """A backend that keeps what anybody could read of a call: its errors, its operation and its answer, as shown."""

    def __init__(self, backend):
        self.backend = backend
        self.shown = []

    def call(self, op, by, show=repr):
        self.shown.append(show(op))
        try:
            result = self.backend.call(op, by)
        except PenstockError as error:
            self.shown += [str(error), repr(error), "".join(traceback.format_exception(error))]
            return None
        self.shown.append(repr(result))
        return result


def use_everything(watched):
    """Carry every operation out that takes or gives a secret, well and badly; return the secrets that were given."""
    call, given = watched.call, []
    call(AddUser(name="root", scope=Scope.ADMIN, password=Secret(PLANTED[0])), None)
    for number, password in enumerate(PLANTED):
        call(AddUser(name=f"u{number}", password=Secret(password)), ROOT)
        call(AddUser(name=f"u{number}", password=Secret(password)), ROOT)
        call(AddUser(name="eve", password=Secret(password)), Identity(name="eve"))
        call(ChangeUser(name=f"u{number}", password=Secret(password[::-1])), ROOT)
        call(LogIn(name=f"u{number}", password=Secret(password)), nobody(str(number)))
        call(LogIn(name=password, password=Secret(password)), nobody(str(number)), show=lambda _: "typed into the name")
        session = call(LogIn(name=f"u{number}", password=Secret(password[::-1])), nobody(str(number))).session
        key = call(AddKey(owner=f"u{number}"), ROOT).secret
        given += [session.text, key.text]
        for secret in (session, key):
            who = call(Authenticate(text=secret), nobody("10.0.0.2"))
            call(CreateTask(task=NewTask(id=f"{len(given):032x}", name="n", project="P")), who)
            call(Authenticate(text=Secret(secret.text + "x")), nobody("10.0.0.2"))
            call(Authenticate(text=Secret(secret.text.swapcase())), nobody("10.0.0.2"))
        if number % 2:
            call(LogOut(session=session), nobody())
            call(RevokeKey(id=key.text.split("_")[1]), ROOT)
            call(Authenticate(text=key), nobody())
    for op in (ListUsers(), ListKeys(), ListAudit(limit=10_000), CheckAudit()):
        watched.shown.append(msgspec.json.encode(call(op, ROOT)).decode())
    return given


def forms(secret):
    """What somebody could find of a secret: itself, its random part, and a digest that can be guessed at."""
    bare = secret.split("_", 2)[-1]
    guessable = [] if "_" in secret else [hashlib.sha256(secret.encode()).hexdigest()]
    return [secret, bare, bare[::-1], *guessable]


def test_twenty_secrets_are_found_nowhere(home, capsys, caplog, monkeypatch):
    monkeypatch.setattr(local, "SystemSecrets", lambda: SystemSecrets(rounds=1, memory=64))  # quickly
    stream = io.StringIO()
    logging.getLogger().addHandler(handler := logging.StreamHandler(stream))
    caplog.set_level(logging.DEBUG)
    backend = connect(load())
    watched = Watched(backend)
    given = use_everything(watched)
    for arguments in (["user", "list"], ["key", "list", "--json"], ["audit", "--limit", "10000"], ["tasks", "--json"]):
        execute(arguments)
    said = capsys.readouterr()
    files = {path.name: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    backend.close()
    files |= {f"{path.name} at the end": path.read_bytes() for path in home.rglob("*") if path.is_file()}
    logging.getLogger().removeHandler(handler)

    assert {"penstock.db", "penstock.db-wal"} <= set(files)
    assert b"u3" in files["penstock.db"] + files["penstock.db-wal"], "what is looked through is what was written"
    texts = {
        "shown": "\n".join(watched.shown),
        "out": said.out,
        "err": said.err,
        "logs": stream.getvalue() + caplog.text,
    }
    places = files | {name: text.encode() for name, text in texts.items()}
    secrets = [*PLANTED, *given]
    assert len(set(secrets)) == 30
    hits = [
        (name, form)
        for secret in secrets
        for form in forms(secret)
        for name, data in places.items()
        if form.encode() in data
    ]
    assert hits == []


@pytest.mark.parametrize("place", ["penstock.db", "shown"])
def test_a_secret_that_was_kept_would_be_found(home, place):
    """The look itself works: a task that is named like a secret is found in both places."""
    backend = connect(load())
    watched = Watched(backend)
    watched.call(CreateTask(task=NewTask(id="a" * 32, name=PLANTED[0], project="P")), ROOT)
    backend.close()
    data = (home / place).read_bytes() if place != "shown" else "\n".join(watched.shown).encode()
    assert forms(PLANTED[0])[0].encode() in data
