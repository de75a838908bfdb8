"""What the operations on users, keys and sessions do.

What needs secrets or takes long - making keys, hashing passwords - happens before the transaction: those operations are
prepared, and their handler holds what was made. What is recorded is a hash.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.access import (
    ATTEMPT,
    KEY,
    SESSION,
    Identity,
    Key,
    Kind,
    Session,
    User,
    digest_of,
    is_same,
    read_text,
    text_of,
)
from penstock.core.errors import Conflict, Invalid, NotFound, TooManyAttempts, Unauthenticated
from penstock.core.secret import Secret
from penstock.ops.access import (
    AddKey,
    AddUser,
    Authenticate,
    ChangePassword,
    ChangeUser,
    ListKeys,
    ListUsers,
    LoggedIn,
    LogIn,
    LogOut,
    NewKey,
    RemoveUser,
    RevokeKey,
)
from penstock.service.base import Done, Handler, Means, handles, prepares
from penstock.service.gate import standing, unknown_key

if TYPE_CHECKING:
    from penstock.ports import Tx

IDLE = 12 * 3600.0
"""Seconds without a call after which a session ends."""
WHOLE = 7 * 86_400.0
"""Seconds after which it ends however much it is used."""
COARSE = 60.0
"""Seconds that pass before it is noted again that a key or a session was used."""
MINUTE = 60.0
MOST_PER_NAME = 5
MOST_PER_ADDRESS = 30
SHORTEST, LONGEST = 10, 1024  # characters of a password
MOST_NAMES = 100  # projects or queues of one key
LONGEST_NAME = 256

_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


@prepares(AddUser)
def add_user(means: Means, op: AddUser, by: Identity | None) -> Handler:
    """Check what can be checked, hash the password, then add the user."""
    if not _USER.fullmatch(op.name):
        raise Invalid(f"{op.name!r} is no name for a user", hint="letters, digits, and . _ - @ + inside; at most 64")
    _check_names(op.projects, "project")
    password = _hashed(means, op.password)

    def finish(tx: Tx, op: AddUser, now: float) -> User:
        user = User(name=op.name, scope=op.scope, projects=op.projects, has_password=bool(password), created=now)
        if not user.governs and not tx.users.list():
            hint = "give it the scope admin and no projects; it can add others"
            raise Invalid("the first user has to administrate the server", hint=hint)
        if not tx.users.add(user, password):
            raise Conflict(f"there is a user {op.name!r} already", hint="penstock user change changes it")
        return user

    return finish


@handles(ListUsers)
def list_users(tx: Tx, op: ListUsers, now: float) -> list[User]:
    """Return the users."""
    return tx.users.list()


@prepares(ChangeUser)
def change_user(means: Means, op: ChangeUser, by: Identity | None) -> Handler:
    """Hash the new password, then change the user."""
    _check_names(op.projects or (), "project")
    password = _hashed(means, op.password)

    def finish(tx: Tx, op: ChangeUser, now: float) -> User:
        user = _known(tx, op.name)
        changed = replace(
            user,
            scope=op.scope or user.scope,
            projects=user.projects if op.projects is None else op.projects,
            has_password=user.has_password or password is not None,
            disabled=user.disabled if op.disabled is None else (user.disabled or now) if op.disabled else None,
        )
        tx.users.change(changed, password)
        if password is not None or op.disabled:
            tx.sessions.end_of(op.name)
        _must_be_governed(tx, user)
        return changed

    return finish


@handles(RemoveUser)
def remove_user(tx: Tx, op: RemoveUser, now: float) -> None:
    """Remove a user with their keys and sessions."""
    user = _known(tx, op.name)
    tx.users.remove(op.name)
    if tx.users.list():
        _must_be_governed(tx, user)


@prepares(AddKey)
def add_key(means: Means, op: AddKey, by: Identity | None) -> Handler:
    """Make the key, then record what can be known of it."""
    _check_key(op)
    id = means.secrets.id()
    text = text_of(KEY, id, means.secrets.token())

    def finish(tx: Tx, op: AddKey, now: float) -> NewKey:
        _known(tx, op.owner)
        key = Key(
            id=id,
            owner=op.owner,
            name=op.name,
            kind=op.kind,
            scope=op.scope,
            projects=op.projects,
            queues=op.queues,
            created=now,
            expires=None if op.lifetime is None else now + op.lifetime,
        )
        if not tx.keys.add(key, digest_of(text)):
            raise Conflict(f"there is a key {id} already", hint="try again")
        return NewKey(key=key, secret=Secret(text))

    return finish


@handles(ListKeys)
def list_keys(tx: Tx, op: ListKeys, now: float) -> list[Key]:
    """Return keys."""
    return tx.keys.list(op.owner)


@handles(RevokeKey)
def revoke_key(tx: Tx, op: RevokeKey, now: float) -> Key:
    """Refuse a key from now on."""
    tx.keys.revoke(op.id, now)
    found = tx.keys.find(op.id)
    if found is None:
        raise NotFound(f"there is no key {op.id}")
    return found


@prepares(LogIn)
def log_in(means: Means, op: LogIn, by: Identity | None) -> Handler:
    """Count the attempt, verify the password, then begin a session.

    A name that nobody has costs as much as one with another password, and is answered the same.
    """
    doors = _knock(means, op.name, by)
    with means.store.transaction(writes=False) as tx:
        hash = tx.users.password(op.name) if _USER.fullmatch(op.name) else None
    fits = means.secrets.fits(hash, op.password.text[:LONGEST])
    id = means.secrets.id()
    text = text_of(SESSION, id, means.secrets.token())

    def finish(tx: Tx, op: LogIn, now: float) -> LoggedIn | Unauthenticated:
        user = tx.users.find(op.name) if fits else None
        if user is None or user.disabled is not None or tx.users.password(op.name) != hash:
            return Unauthenticated("name and password do not fit", hint="an admin can give you another password")
        tx.log_ins.forget(now - MINUTE, doors[0])
        tx.sessions.forget(now)
        session = Session(id=id, user=user.name, created=now, seen=now, expires=now + IDLE)
        if not tx.sessions.add(session, digest_of(text)):
            raise Conflict("another session has this id", hint="try again")
        return LoggedIn(session=Secret(text), user=user, expires=session.expires)

    return finish


@prepares(ChangePassword)
def change_password(means: Means, op: ChangePassword, by: Identity | None) -> Handler:
    """Verify the password that holds, as when logging in, then set the other one."""
    doors = _knock(means, op.name, by)
    with means.store.transaction(writes=False) as tx:
        _known(tx, op.name)
        hash = tx.users.password(op.name)
    if hash is None:
        raise Conflict(f"{op.name!r} has no password", hint="an admin can give one: penstock user change --password")
    fits = means.secrets.fits(hash, op.current.text[:LONGEST])
    password = _hashed(means, op.password)

    def finish(tx: Tx, op: ChangePassword, now: float) -> User | Unauthenticated:
        user = _known(tx, op.name)
        if not fits or tx.users.password(op.name) != hash:
            return Unauthenticated("this is not the password that holds now", hint="an admin can give another one")
        tx.log_ins.forget(now - MINUTE, doors[0])
        tx.users.change(user, password)
        asks = by.key.removeprefix(f"{SESSION}_") if by is not None and by.key.startswith(f"{SESSION}_") else None
        tx.sessions.end_of(op.name, but=asks)
        return user

    return finish


def _knock(means: Means, name: str, by: Identity | None) -> tuple[str, str]:
    """Note an attempt to log in before it is made, so that many at once get no further than one after the other.

    Returns:
        The doors: of this name from this address, and of the address.
    """
    address = by.address if by is not None else ""
    doors = (digest_of(f"{address}\0{name}"), digest_of(address))
    with means.store.transaction(durable=False) as tx:
        now = means.clock()
        tx.log_ins.forget(now - MINUTE)
        if tx.log_ins.count(doors[0]) >= MOST_PER_NAME or tx.log_ins.count(doors[1]) >= MOST_PER_ADDRESS:
            raise TooManyAttempts("too many attempts to log in", hint="wait a minute")
        for door in doors:
            tx.log_ins.note(door, now)
    return doors


@handles(LogOut)
def log_out(tx: Tx, op: LogOut, now: float) -> None:
    """End a session, if this is its text."""
    presented = read_text(op.session.text)
    if presented is not None and presented.sort == SESSION and _is_known(tx, presented.sort, presented.id, op.session):
        tx.sessions.end(presented.id)


@prepares(Authenticate)
def authenticate(means: Means, op: Authenticate, by: Identity | None) -> Handler | Done:
    """Look the text up; that it was used is noted once a minute, so that most calls write nothing."""
    presented = read_text(op.text.text)
    if presented is None:
        raise unknown_key()
    sort, id = presented
    address = by.address if by is not None else ""
    if sort == ATTEMPT:
        return Done(replace(_attempt(means, op.text), address=address))
    with means.store.transaction(writes=False) as tx:
        now = means.clock()
        if not _is_known(tx, sort, id, op.text):
            raise unknown_key()
        identity = standing(tx, f"{SESSION}_{id}" if sort == SESSION else id, now)
        used = _last_use(tx, sort, id)
    identity = replace(identity, address=address)
    if used is not None and 0 <= now - used < COARSE:
        return Done(identity)

    def note(tx: Tx, op: Authenticate, now: float) -> Identity:
        if sort == SESSION:
            session = tx.sessions.find(id)
            if session is not None:
                tx.sessions.use(id, now, min(now + IDLE, session.created + WHOLE))
        else:
            tx.keys.use(id, now)
        return identity

    return note


def _attempt(means: Means, text: Secret) -> Identity:
    """Return who carries a claimed task out."""
    with means.store.transaction(writes=False) as tx:
        token = tx.tokens.of_digest(digest_of(text.text))
        if token is None:
            raise unknown_key()
        return standing(tx, f"{ATTEMPT}_{token.fence}", means.clock())


def _is_known(tx: Tx, sort: str, id: str, text: Secret) -> bool:
    digest = tx.sessions.digest(id) if sort == SESSION else tx.keys.digest(id)
    return is_same(digest or "", digest_of(text.text))


def _last_use(tx: Tx, sort: str, id: str) -> float | None:
    if sort == SESSION:
        session = tx.sessions.find(id)
        return session.seen if session is not None else None
    key = tx.keys.find(id)
    return key.used if key is not None else None


def _known(tx: Tx, name: str) -> User:
    user = tx.users.find(name)
    if user is None:
        raise NotFound(f"there is no user {name!r}", hint="see them with: penstock user list")
    return user


def _must_be_governed(tx: Tx, before: User) -> None:
    """Raise Conflict when a change of this user took away the last one who may administrate the server."""
    if before.governs and not any(user.governs for user in tx.users.list()):
        raise Conflict(f"{before.name!r} is the last admin", hint="make another user an admin of all projects first")


def _hashed(means: Means, password: Secret | None) -> str | None:
    if password is None:
        return None
    if not SHORTEST <= len(password.text) <= LONGEST:
        raise Invalid(f"a password has {SHORTEST} to {LONGEST:,} characters, not {len(password.text):,}")
    return means.secrets.hashed(password.text)


def _check_key(op: AddKey) -> None:
    _check_names(op.projects, "project")
    _check_names(op.queues, "queue")
    if len(op.name) > LONGEST_NAME or not all(map(str.isprintable, op.name)):
        raise Invalid(f"the name of a key is a line of at most {LONGEST_NAME} characters")
    if op.kind not in {Kind.USER, Kind.AGENT}:
        raise Invalid(f"there are no keys for an {op.kind}", hint="user or agent")
    if op.lifetime is not None and not op.lifetime > 0:
        raise Invalid(f"a key cannot be good for {op.lifetime} seconds", hint="give more than 0, or None for ever")


def _check_names(names: tuple[str, ...], what: str) -> None:
    if len(names) > MOST_NAMES:
        raise Invalid(f"{len(names)} {what}s are too many for one key", hint=f"at most {MOST_NAMES}")
    for name in names:
        if not name or len(name) > LONGEST_NAME or not name.isprintable() or name.startswith("/") or name.endswith("/"):
            raise Invalid(f"{name!r} is no name of a {what}", hint=f"a {what} is named as in: {_EXAMPLES[what]}")


_EXAMPLES = {"project": "Examples/iris", "queue": "default"}
