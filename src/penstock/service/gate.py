"""Who comes in: what somebody's key allows now, whether that is enough for an operation, and the row that tells of it.

The service asks here within the transaction of every call that comes with an identity. A key that was revoked a moment
ago, or a user who was disabled, is refused although they were let in before.
"""

from __future__ import annotations

import hashlib
import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec.structs import replace

from penstock.core.access import ATTEMPT, SESSION, Identity, Kind, Scope, User, narrowed
from penstock.core.audit import DONE, Entry
from penstock.core.errors import Unauthenticated
from penstock.core.lease import Held, not_held
from penstock.core.pipeline import Pipeline
from penstock.core.policy import Located, check, limits, object_of
from penstock.core.rights import RULES, Role
from penstock.core.secret import MASK, Secret
from penstock.core.task import EndReason, Parameter, Status, TaskType
from penstock.ops import makers
from penstock.ops.base import Op
from penstock.ops.outputs import AppendConsole, ReportPlots, ReportScalars
from penstock.ops.tasks import EndTask, NewTask

if TYPE_CHECKING:
    from penstock.ports import Tx

GRACE = 600.0
"""Seconds after the end of its task for which whoever carried it out may still read."""
LONGEST = 256
"""Characters of a name that the audit log keeps."""


class Stored:
    """Knows where things lie, from the store.

    Args:
        makers: Whether it matters which attempt made a task.
    """

    def __init__(self, tx: Tx, *, makers: bool) -> None:
        self._tx = tx
        self._makers = makers

    def task(self, id: str) -> Located | None:
        """Return where a task or a run lies."""
        found = self._tx.tasks.find(id)
        if found is None:
            return None
        return Located(found.project, found.run, maker=self._tx.tokens.maker(id) if self._makers else None)

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
        held: Of an agent, the task that it holds: it may then do what the attempt of that task may.

    Returns:
        Who they are by what is recorded now.

    Raises:
        Unauthenticated: They have not said who they are, or what they said does not hold any more.
        Forbidden: They may not.
        LeaseLost: They do not hold that task any more.
    """
    rule = RULES.get(type(op).__name__)
    if by.key and not (rule is not None and rule.scope is None):
        by = replace(standing(tx, by.key, now), address=by.address)
    if by.kind is Kind.AGENT and held is not None:
        by = _attempt(tx, held, by.projects, by)
    if by.task is not None and by.fence is not None:
        _must_hold(tx, Held(by.task, by.fence), op, now)
    check(by, op, Stored(tx, makers=by.leads))
    tx.limit_to(limits(by, op))
    tx.who = by
    return by


def _attempt(tx: Tx, held: Held, projects: tuple[str, ...], by: Identity) -> Identity:
    """Return what whoever carries a claimed task out may; none stands for all of the projects that they may read in."""
    task = tx.tasks.find(held.task)
    return replace(
        by,
        kind=Kind.ATTEMPT,
        scope=Scope.RUN,
        projects=projects or ("",),
        queues=(),
        task=held.task,
        fence=held.fence,
        leads=task is not None and task.type is TaskType.CONTROLLER,
    )


def _must_hold(tx: Tx, held: Held, op: Op[Any], now: float) -> None:
    """Raise LeaseLost unless the task is held under this number; a while after its end it can still be read."""
    lease = tx.leases.find(held.task)
    if (lease is not None and lease.held == held) or is_repeated(tx, op) or is_last_word(tx, op, held):
        return
    task = tx.tasks.find(held.task) if lease is None and op.reads else None
    if task is None or task.ended is None or now - task.ended > GRACE:
        raise not_held(held)


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
    """Return what the key of this id allows now; that of a session begins with `session_`, of an attempt `attempt_`.

    Raises:
        Unauthenticated: It allows nothing any more.
    """
    sort, _, bare = id.rpartition("_")
    if sort == ATTEMPT:
        return _by_token(tx, int(bare), now)
    return _by_session(tx, bare, now) if sort == SESSION else _by_key(tx, bare, now)


def _by_token(tx: Tx, fence: int, now: float) -> Identity:
    """Return what an attempt may: it ends with its task, and with the key that the task was claimed with."""
    token = tx.tokens.find(fence)
    if token is None:
        raise unknown_key()
    projects = standing(tx, token.key, now).projects if token.key else ()
    known = Identity(name=token.task, key=f"{ATTEMPT}_{fence}")
    return _attempt(tx, Held(token.task, fence), projects, known)


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
    """Add the row of the audit log that tells of an operation, where one has to; note what an attempt made."""
    rule = RULES.get(type(op).__name__)
    if rule is not None and by.leads and result == DONE:
        for made in (attrgetter(place.path)(op) for place in rule.places if place.role is Role.MADE):
            if made and by.task and made != by.task:
                tx.tokens.made(made, by.task)
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


def signed(op: Op[Any], by: Identity | None) -> Op[Any]:
    """Return the operation with its maker, where an attempt asks for it; a controller speaks for its steps, too."""
    if by is None or by.kind is not Kind.ATTEMPT or by.leads:
        return op
    return makers.signed(op, by.task or "")


def digest_of(op: Op[Any]) -> str:
    """Return a digest of a request in which every secret is masked: of a password nobody may guess by it."""
    masked = masked_op(op)
    try:
        body = msgspec.msgpack.encode(masked)
    except UnicodeEncodeError:  # half characters, which values may hold in this process
        body = json.dumps(msgspec.to_builtins(masked, builtin_types=())).encode()
    return hashlib.sha256(type(op).__name__.encode() + b"\0" + body).hexdigest()


def masked_op(op: Op[Any]) -> Op[Any]:
    """Return a request with a mask for every secret in it; the very same one where it holds none."""
    given = {name: getattr(op, name) for name in op.__struct_fields__}
    secret = {name: shown for name, one in given.items() if (shown := _masked(one)) is not one}
    return replace(op, **secret) if secret else op


def _masked(value: Any) -> Any:
    """Return what a field holds with masks for its secrets; the very same where there are none."""
    match value:
        case Secret():
            return Secret(MASK)
        case Parameter():
            return value.shown
        case NewTask() | Pipeline():
            shown = _masked(value.parameters)
            return value if shown is value.parameters else replace(value, parameters=shown)
        case tuple():
            return _masked_parameters(cast("tuple[object, ...]", value))
        case dict():
            return _masked_values(cast("dict[object, object]", value))
        case _:
            return value


def _masked_parameters(given: tuple[object, ...]) -> tuple[object, ...]:
    is_open = any(isinstance(one, Parameter) and one.shown is not one for one in given)
    return tuple(map(_masked, given)) if is_open else given


def _masked_values(given: dict[object, object]) -> dict[object, object]:
    is_open = any(isinstance(one, Secret) for one in given.values())
    return {name: _masked(one) for name, one in given.items()} if is_open else given


def _kept(text: str) -> str:
    return text[:LONGEST].encode("utf-8", "backslashreplace").decode()
