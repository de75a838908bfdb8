"""Who comes in: what somebody's key allows now, whether that is enough for an operation, and the row that tells of it.

The service asks here within the transaction of every call that comes with an identity. A key that was revoked a moment
ago, or a user who was disabled, is refused although they were let in before.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from penstock.core.access import SESSION, Identity, Kind, Scope, User, narrowed
from penstock.core.audit import DONE, Entry
from penstock.core.errors import Unauthenticated
from penstock.core.lease import Held, not_held
from penstock.core.policy import Located, check, limits, object_of
from penstock.core.rights import RULES
from penstock.core.secret import MASK, Secret
from penstock.core.task import EndReason, Status
from penstock.ops.base import Op
from penstock.ops.outputs import AppendConsole, ReportPlots, ReportScalars
from penstock.ops.tasks import EndTask

if TYPE_CHECKING:
    from penstock.ports import Tx

LONGEST = 256
"""Characters of a name that the audit log keeps."""


class Stored:
    """Knows where things lie, from the store."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    def task(self, id: str) -> Located | None:
        """Return where a task or a run lies."""
        found = self._tx.tasks.find(id)
        return None if found is None else Located(found.project, found.run)

    def model(self, id: str) -> Located | None:
        """Return where a model lies, and which tasks have it."""
        found = self._tx.models.find(id)
        return None if found is None else Located(found.project, tasks=(found.task, *self._tx.models.tasks(id)))

    def owner(self, key: str) -> str | None:
        """Return whose key it is."""
        found = self._tx.keys.find(key)
        return None if found is None else found.owner


def admit(tx: Tx, by: Identity, op: Op[Any], now: float, held: Held | None = None) -> Identity:
    """Let somebody ask for an operation, and have its lists show no more than they may see.

    Args:
        held: Of an agent, the task that it holds: it may do for it what a user with scope `run` may.

    Returns:
        Who they are by what is recorded now.

    Raises:
        Unauthenticated: They have not said who they are, or what they said does not hold any more.
        Forbidden: They may not.
        LeaseLost: An agent does not hold that task any more.
    """
    rule = RULES.get(type(op).__name__)
    if by.key and not (rule is not None and rule.scope is None):
        by = replace(standing(tx, by.key, now), address=by.address)
    if by.kind is Kind.AGENT and held is not None:
        by = _as_holder(tx, by, op, held)
    check(by, op, Stored(tx))
    tx.limit_to(limits(by, op))
    return by


def _as_holder(tx: Tx, by: Identity, op: Op[Any], held: Held) -> Identity:
    """Return what an agent may while it holds a task."""
    lease = tx.leases.find(held.task)
    if (lease is None or lease.held != held) and not (is_repeated(tx, op) or is_last_word(tx, op, held)):
        raise not_held(held)
    return replace(by, kind=Kind.USER, scope=Scope.RUN, queues=())


def is_repeated(tx: Tx, op: Op[Any]) -> bool:
    """Return whether this is the report of an end that is recorded already: its answer was lost, not the task."""
    return isinstance(op, EndTask) and tx.tasks.status(op.id) is op.status


def is_last_word(tx: Tx, op: Op[Any], held: Held) -> bool:
    """Return whether this was said of a task before whoever held it heard that somebody had stopped it.

    The task has had nobody else since, and what was printed and measured until then is worth keeping.
    """
    if not isinstance(op, AppendConsole | ReportScalars | ReportPlots) or op.task != held.task:
        return False
    task = tx.tasks.find(held.task)
    return task is not None and task.status is Status.STOPPED and task.reason is EndReason.ABORTED


def standing(tx: Tx, id: str, now: float) -> Identity:
    """Return what the key of this id allows now; that of a session begins with `session_`.

    Raises:
        Unauthenticated: It allows nothing any more.
    """
    sort, _, bare = id.rpartition("_")
    return _by_session(tx, bare, now) if sort == SESSION else _by_key(tx, bare, now)


def _by_session(tx: Tx, id: str, now: float) -> Identity:
    session = tx.sessions.find(id)
    if session is None or session.expires <= now:
        raise Unauthenticated("this session has ended", hint="log in again")
    user = _enabled(tx, session.user)
    return Identity(name=user.name, scope=user.scope, projects=user.projects, key=f"{SESSION}_{id}")


def _by_key(tx: Tx, id: str, now: float) -> Identity:
    key = tx.keys.find(id)
    if key is None:
        raise unknown_key()
    if key.revoked is not None:
        raise Unauthenticated(f"key {id} was revoked", hint="make another: penstock key add")
    if key.expires is not None and key.expires <= now:
        raise Unauthenticated(f"key {id} has expired", hint="make another: penstock key add")
    user = _enabled(tx, key.owner)
    projects = narrowed(key.projects, user.projects)
    if projects is None:
        raise Unauthenticated(f"key {id} is for no project that user {user.name!r} may see")
    return Identity(
        name=user.name if key.kind is Kind.USER else key.name or id,
        kind=key.kind,
        scope=key.scope if user.scope.covers(key.scope) else user.scope,
        projects=projects,
        queues=key.queues,
        key=id,
    )


def _enabled(tx: Tx, name: str) -> User:
    user = tx.users.find(name)
    if user is None or user.disabled is not None:
        raise Unauthenticated(f"user {name!r} may not come in any more", hint="ask an admin")
    return user


def unknown_key() -> Unauthenticated:
    """Return the error about what is no key, or none of here."""
    return Unauthenticated("nobody is known by this key", hint="make one with: penstock key add")


def record(tx: Tx, by: Identity, op: Op[Any], now: float, result: str = DONE) -> None:
    """Add the row of the audit log that tells of an operation, where one has to."""
    rule = RULES.get(type(op).__name__)
    if rule is not None and not rule.audited and result == DONE:
        return
    about = _kept(object_of(op))
    if by.kind is Kind.NOBODY and tx.users.find(about) is None:
        about = ""  # what a stranger typed for a name may be a password
    entry = Entry(
        seq=0,
        at=now,
        who=_kept(by.name),
        kind=by.kind.value,
        key=_kept(by.key),
        address=_kept(by.address),
        operation=type(op).__name__,
        object=about,
        result=result,
        digest=digest_of(op),
    )
    tx.audit.append(entry)


def digest_of(op: Op[Any]) -> str:
    """Return a digest of a request in which every secret is masked: of a password nobody may guess by it."""
    secret = {name: Secret(MASK) for name in op.__struct_fields__ if isinstance(getattr(op, name), Secret)}
    masked = replace(op, **secret) if secret else op
    try:
        body = msgspec.msgpack.encode(masked)
    except UnicodeEncodeError:  # half characters, which values may hold in this process
        body = json.dumps(msgspec.to_builtins(masked, builtin_types=())).encode()
    return hashlib.sha256(type(op).__name__.encode() + b"\0" + body).hexdigest()


def _kept(text: str) -> str:
    return text[:LONGEST].encode("utf-8", "backslashreplace").decode()
