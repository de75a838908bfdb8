"""Decides whether somebody may ask for an operation, by the table in `core.rights`; says what is missing when not.

Where a task or a model lies is asked of a `Whereabouts`. Nothing here reads a database or knows an operation by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import NamedTuple, Protocol

from penstock.core.access import Identity, Kind, Scope
from penstock.core.errors import Forbidden, Unauthenticated
from penstock.core.rights import RULES, Place, Reach, Role, Rule, Thing


class Located(NamedTuple):
    """Where a task or a model lies.

    Args:
        project: Its project.
        run: Of an attempt of a step, its run.
        tasks: Of a model, the tasks that have it.
        maker: The attempt that made it, where one did beside its own task.
    """

    project: str
    run: str | None = None
    tasks: tuple[str, ...] = ()
    maker: str | None = None


class Whereabouts(Protocol):
    """Knows where things lie; None stands for what is not there."""

    def task(self, id: str) -> Located | None: ...
    def model(self, id: str) -> Located | None: ...
    def owner(self, key: str) -> str | None: ...


def check(identity: Identity, op: object, where: Whereabouts, rules: Mapping[str, Rule] = RULES) -> None:
    """Raise unless this somebody may ask for the operation.

    Args:
        identity: Who asks.
        op: What they ask for.
        where: Knows where things lie.
        rules: What operations need.

    Raises:
        Unauthenticated: They have not said who they are.
        Forbidden: They may not; the message says what is missing.
    """
    rule = rules.get(_name(op))
    if rule is None:
        raise Forbidden(f"nobody may ask for {_name(op)} from outside: no rule allows it")
    if rule.scope is None:
        return
    match identity.kind:
        case Kind.NOBODY:
            raise Unauthenticated(f"{_name(op)} needs a key", hint="give one by PENSTOCK_KEY, or log in")
        case Kind.ATTEMPT:
            _check_attempt(identity, op, rule, where)
        case Kind.AGENT:
            _check_agent(identity, op, rule)
        case Kind.USER:
            _check_user(identity, op, rule, where)


def limits(identity: Identity, op: object, rules: Mapping[str, Rule] = RULES) -> tuple[str, ...]:
    """Return the projects that the answer to an operation which is allowed must be limited to; empty for no limit."""
    rule = rules.get(_name(op))
    if rule is None or not rule.lists:
        return ()
    if identity.kind is Kind.ATTEMPT and _values(op, rule.places):
        return ()  # it asked for what belongs to its own run
    return identity.projects


def object_of(op: object, rules: Mapping[str, Rule] = RULES) -> str:
    """Return the id or name of what an operation is about, for the audit log; empty when it says none."""
    rule = rules.get(_name(op))
    return next((value for _, value in _values(op, rule.places)), "") if rule else ""


def check_step(op: object, task: str, where: Whereabouts, rules: Mapping[str, Rule] = RULES) -> None:
    """Raise Forbidden unless the process of a step may write this: to its own task and run, and to their models.

    Args:
        op: What it asks for.
        task: The id of its task.
        where: Knows where things lie.
        rules: What operations need.
    """
    rule = rules.get(_name(op))
    if rule is None or rule.step is Reach.NOT:
        raise Forbidden(f"a step may not ask for {_name(op)}")
    target: str = attrgetter(rule.places[0].path)(op)
    own = where.task(task)
    run = own.run if own is not None else None
    if target in {task, run} or (rule.step is Reach.FREE and not target):
        return
    found = where.task(target) if rule.step is Reach.RUN and target else None
    if found is None or run is None or found.run != run:
        raise Forbidden(f"a step may write to its own task and run, not to task {target}")


def _name(op: object) -> str:
    return type(op).__name__


def _values(op: object, places: tuple[Place, ...]) -> list[tuple[Place, str]]:
    """Return what stands in the places. A task or a model without an id is none; a project without a name is one."""
    found: list[tuple[Place, str]] = []
    for place in places:
        value: str | tuple[str, ...] | None = attrgetter(place.path)(op)
        if value is None or (place.unless and not value and attrgetter(place.unless)(op)):
            continue
        several = (value,) if isinstance(value, str) else value
        found += [(place, one) for one in several if one or place.thing is Thing.PROJECT]
    return found


def _check_user(identity: Identity, op: object, rule: Rule, where: Whereabouts) -> None:
    if rule.scope is not None and not identity.may(rule.scope):
        raise _too_weak(identity, op, rule.scope)
    if any(place.thing in {Thing.OWNER, Thing.KEY} for place in rule.places):
        _check_owner(identity, op, rule, where)
        return
    named = False
    for place, value in _values(op, rule.places):
        if place.thing is Thing.QUEUE:
            _must_serve(identity, op, value)
        elif place.thing is not Thing.USER:
            named = True
            _must_see(identity, op, place, value, where)
    if identity.projects and not (named or rule.lists or rule.anywhere):
        raise Forbidden(
            f"{_name(op)} needs a key for all projects; that of {identity.name} is for {_listed(identity.projects)}"
        )


def _must_see(identity: Identity, op: object, place: Place, value: str, where: Whereabouts) -> None:
    """Raise Forbidden when this lies where the key is not for. What is not there lies nowhere."""
    if place.thing is Thing.PROJECT:
        found: Located | None = Located(value)
    else:
        found = where.task(value) if place.thing is Thing.TASK else where.model(value)
    if found is not None and not identity.sees(found.project):
        what = f"project {value!r}" if place.thing is Thing.PROJECT else f"{place.thing.name.lower()} {value}"
        raise Forbidden(
            f"{_name(op)} on {what}: the key of {identity.name} is for {_listed(identity.projects)} alone",
            hint="ask an admin for a key to its project",
        )


def _check_owner(identity: Identity, op: object, rule: Rule, where: Whereabouts) -> None:
    """Let users see to their own keys, and admins to everybody's."""
    (place, *_) = rule.places
    value: str | None = attrgetter(place.path)(op)
    owner = where.owner(value) if place.thing is Thing.KEY and value is not None else value
    if place.thing is Thing.KEY and owner is None:
        owner = identity.name  # there is no such key
    if owner != identity.name and not (identity.may(Scope.ADMIN) and not identity.projects):
        whose = "everybody's keys" if owner is None else "other users' keys"
        raise Forbidden(f"{_name(op)}: {whose} need a key with scope admin for all projects", hint=_ASK)
    if rule.grants:
        _must_not_exceed(identity, op)


def _must_not_exceed(identity: Identity, op: object) -> None:
    """Raise Forbidden when a key that is asked for would allow more than the one that asks."""
    kind, scope, projects, queues = attrgetter("kind", "scope", "projects", "queues")(op)
    governs = identity.may(Scope.ADMIN) and not identity.projects
    if kind is not Kind.USER and not governs:
        raise Forbidden(f"{_name(op)}: a key for an {kind} needs a key with scope admin for all projects", hint=_ASK)
    if not identity.may(scope):
        raise Forbidden(f"{_name(op)}: a key with scope {identity.scope} cannot make one with scope {scope}", hint=_ASK)
    wide = [one for one in projects or ("",) if not identity.sees(one)]
    if wide or (identity.queues and not set(queues or ("",)) <= set(identity.queues)):
        missing = _listed(projects) if wide else "these queues"
        raise Forbidden(f"{_name(op)}: a key for {missing} would allow more than the one that asks for it", hint=_ASK)


def _check_agent(identity: Identity, op: object, rule: Rule) -> None:
    if not rule.agent:
        raise Forbidden(f"an agent may not ask for {_name(op)}", hint="agents claim tasks, and nothing else")
    asked = [value for place, value in _values(op, rule.places) if place.thing is Thing.QUEUE]
    for one in asked:
        _must_serve(identity, op, one)
    if identity.queues and not asked and any(place.thing is Thing.QUEUE for place in rule.places):
        allowed = ", ".join(map(repr, identity.queues))
        raise Forbidden(f"{_name(op)}: every queue is meant, and the key of {identity.name} is for {allowed}")


def _must_serve(identity: Identity, op: object, queue: str) -> None:
    if identity.queues and queue not in identity.queues:
        allowed = ", ".join(map(repr, identity.queues))
        raise Forbidden(f"{_name(op)}: the key of {identity.name} is for the queues {allowed}, not for {queue!r}")


def _check_attempt(identity: Identity, op: object, rule: Rule, where: Whereabouts) -> None:
    """Let an attempt write to what is its own, and read what belongs to its run, or lies where it may read."""
    task = identity.task or ""
    places = rule.places
    reads: bool = getattr(op, "reads", False)
    if not reads:
        places = _places_left(identity, op, rule, where)
    elif rule.scope is not Scope.READ or any(place.thing not in _OF_WORK for place in places):
        raise Forbidden(f"a step may not ask for {_name(op)}")
    own = where.task(task)
    family = {task, own.run if own is not None and own.run else task}
    values = _values(op, places)
    if reads and not (values or rule.anywhere or (rule.lists and identity.projects)):
        raise Forbidden(f"a step may not ask for {_name(op)} but of its own run")
    for place, value in values:
        in_own_project = place.thing is Thing.PROJECT and own is not None and value == own.project
        if in_own_project or place.thing is Thing.QUEUE or _is_of(family, place, value, where):
            continue
        if place.thing is Thing.TASK and not identity.projects and where.task(value) is None:
            raise Forbidden(f"a step may not ask for {_name(op)} of task {value}, which is not of its run")
        _must_see(identity, op, place, value, where)


def _places_left(identity: Identity, op: object, rule: Rule, where: Whereabouts) -> tuple[Place, ...]:
    """Return the places that an attempt only has to see, of an operation by which it writes to what is its own.

    Raises:
        Forbidden: It would write to what is another's.
    """
    task = identity.task or ""
    changed = [(place, one) for place, one in _values(op, rule.places) if place.thing is Thing.TASK]
    written = [(place.role, one) for place, one in changed if place.role is not Role.SOURCE]
    if identity.fence is not None and not identity.leads and any(role is Role.MADE for role, _ in written):
        hint = "only a pipeline does: give the task the type controller, or have somebody else start it"
        raise Forbidden(f"task {task} may not ask for {_name(op)}: it makes no tasks or runs", hint=hint)
    if not (rule.held and written and identity.fence is not None):
        check_step(op, task, where)
        return rule.places[1:]
    if not all(_is_own(identity, role, one, where) for role, one in written):
        check_step(op, task, where)
        return rule.places[1:]
    return tuple(one for one in rule.places if one.thing is not Thing.TASK or one.role is Role.SOURCE)


def _is_own(identity: Identity, role: Role, task: str, where: Whereabouts) -> bool:
    """Return whether a held attempt may do this to a task, or make it."""
    found = where.task(task)
    if found is None and role is Role.MADE:
        return identity.leads
    if role is Role.REMOVED and (found is None or found.maker is None):
        return False
    return _is_led(identity, task, where)


def _is_led(identity: Identity, task: str, where: Whereabouts) -> bool:
    """Return whether a task is the attempt's own; of a controller, whether it leads it, or made it."""
    met: set[str] = set()
    found: str | None = task
    while found is not None and found not in met:
        if found == identity.task:
            return True
        met.add(found)
        located = where.task(found) if identity.leads else None
        found = None if located is None else located.run or located.maker
    return False


def _is_of(family: set[str], place: Place, value: str, where: Whereabouts) -> bool:
    """Return whether this is a task of the family, or of its run, or a model that one of them has."""
    if place.thing is Thing.TASK:
        found = where.task(value)
        return value in family or (found is not None and found.run in family)
    if place.thing is Thing.MODEL:
        held = where.model(value)
        return held is not None and any(_is_of(family, Place(Thing.TASK, ""), one, where) for one in held.tasks)
    return False


def _listed(projects: tuple[str, ...]) -> str:
    return ", ".join(map(repr, projects)) or "all projects"


def _too_weak(identity: Identity, op: object, scope: Scope) -> Forbidden:
    return Forbidden(
        f"{_name(op)} needs a key with scope {scope}; that of {identity.name} has scope {identity.scope}", hint=_ASK
    )


_OF_WORK = frozenset({Thing.TASK, Thing.MODEL, Thing.PROJECT})
_ASK = "ask an admin for such a key: penstock key add --scope SCOPE"
