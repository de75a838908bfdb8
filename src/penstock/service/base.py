"""The table from operations to handlers, and the one place that opens a transaction for a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from penstock.core.access import Identity
from penstock.core.errors import Forbidden, Invalid, LeaseLost, NotFound, PenstockError
from penstock.core.lease import Held
from penstock.core.run import Change
from penstock.core.topics import Topics
from penstock.ops.base import Once, Op
from penstock.service import gate, news

if TYPE_CHECKING:
    from penstock.ports import Clock, Secrets, Store, Tx

R = TypeVar("R")
Handled = TypeVar("Handled", bound=Op[Any])
Handler = Callable[["Tx", Any, float], Any]
Condition = Callable[["Tx", Any, float], Topics | None]


class Means(Struct, frozen=True):
    """What an operation has before its transaction begins."""

    store: Store
    clock: Clock
    secrets: Secrets


class Call(Struct, frozen=True):
    """What comes with an operation; see `Service.call`."""

    by: Identity | None
    held: Held | None
    once: Once | None


class Done(Struct, frozen=True):
    """Says that nothing is left to be done in a transaction, and what is returned."""

    result: Any


Preparation = Callable[[Means, Any, Identity | None], Handler | Done]

HANDLERS: dict[type[Op[Any]], Handler] = {}
PREPARATIONS: dict[type[Op[Any]], Preparation] = {}
CONDITIONS: dict[type[Op[Any]], Condition] = {}
"""Of the operations that may wait (by their field `wait`), what says what they wait for; None for nothing any more."""


def handles(op: type[Handled]) -> Callable[[Callable[[Tx, Handled, float], Any]], Callable[[Tx, Handled, float], Any]]:
    """Register the decorated function as what the operation does.

    What it returns is the result. An error that it returns, instead of raising it, is raised once all is committed.
    """

    def register(handler: Callable[[Tx, Handled, float], Any]) -> Callable[[Tx, Handled, float], Any]:
        HANDLERS[op] = handler
        return handler

    return register


def prepares(
    op: type[Handled],
) -> Callable[
    [Callable[[Means, Handled, Identity | None], Handler | Done]],
    Callable[[Means, Handled, Identity | None], Handler | Done],
]:
    """Register the decorated function as what comes before the transaction: it returns the operation's handler.

    Secrets are made and passwords hashed there: that takes long, and nobody else shall wait for it.
    """

    def register(
        prepare: Callable[[Means, Handled, Identity | None], Handler | Done],
    ) -> Callable[[Means, Handled, Identity | None], Handler | Done]:
        PREPARATIONS[op] = prepare
        return prepare

    return register


def waits_until(
    op: type[Handled],
) -> Callable[[Callable[[Tx, Handled, float], Topics | None]], Callable[[Tx, Handled, float], Topics | None]]:
    """Register the decorated function as what says what has to change until the operation has its answer.

    It returns None when that is there now.
    """

    def register(
        condition: Callable[[Tx, Handled, float], Topics | None],
    ) -> Callable[[Tx, Handled, float], Topics | None]:
        CONDITIONS[op] = condition
        return condition

    return register


class Service:
    """Carries operations out on a store.

    Args:
        store: Where everything is kept.
        clock: Returns epoch seconds.
        drop: Called with the hash of each blob that a call left without a reference, once that is committed. What was
            stored again since the epoch seconds that come with it may be about to be recorded, and must stay.
        secrets: Makes secrets and hashes passwords; without it the operations that need that are not there.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        drop: Callable[[str, float], object] | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._drop = drop or _keep
        self._means = None if secrets is None else Means(store, clock, secrets)
        self._told: Callable[[list[Change]], object] | None = None

    def follow(self, told: Callable[[list[Change]], object] | None) -> None:
        """Have somebody told what a call here changed, as soon as that is committed and by the thread that did it.

        Args:
            told: Takes the changes of one call. Many at once are not told, and those of other processes never.
        """
        self._told = told

    def call(self, op: Op[R], by: Identity | None = None, *, held: Held | None = None, once: Once | None = None) -> R:
        """Carry out one operation in one transaction and return its result.

        A handler may be called several times: what it does outside of its transaction must not matter.

        Args:
            op: The operation.
            by: Who asks, where they come from outside: what they may is checked, and what they change goes into the
                audit log, in the same transaction. None for this process itself, which may do all.
            held: What they have to show for the task that they carry out: nothing is written once it went to another.
            once: Given when the call may come again because its answer was lost; the answer is kept in the same
                transaction, unless it holds a secret.

        Raises:
            Invalid: The key of `once` was given with another request before.
            LeaseLost: The task is not held under this number any more.
            Unauthenticated: Who asks has not said who they are, or their key does not hold any more.
            Forbidden: They may not ask for this; the audit log has that too.
        """
        if (getattr(op, "limit", None) or 0) < 0:
            raise Invalid(f"{type(op).__name__}: limit is {op.limit}", hint="0 is the least")  # type: ignore[attr-defined]
        try:
            return self._call(op, Call(by, held, None if op.reads or op.confidential else _told_apart(op, once)))
        except Forbidden as refusal:
            if by is not None:
                self._refuse(by, op, refusal.code)
            raise

    def waits_for(self, op: Op[Any], by: Identity | None = None, *, held: Held | None = None) -> Topics | None:
        """Return what has to change until an operation that may wait has its answer; None when that is there now."""
        condition = CONDITIONS.get(type(op))
        call = Call(by, held, None)
        return None if condition is None else self._store.repeated(lambda: self._waits_for(condition, op, call))

    def knows(self, once: Once) -> bool:
        """Return whether a call with this key was carried out before."""

        def look() -> bool:
            with self._store.transaction(writes=False) as tx:
                return tx.requests.find(once.key) is not None

        return self._store.repeated(look)

    def forget_answers(self, older_than: float) -> int:
        """Forget what calls were answered this many seconds ago, or earlier; return how many those are.

        With them go the tokens of attempts from before then that have ended.
        """

        def forget() -> int:
            with self._store.transaction() as tx:
                tx.tokens.forget(self._clock() - older_than)
                return tx.requests.forget(self._clock() - older_than)

        return self._store.repeated(forget)

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _call(self, op: Op[R], call: Call) -> R:
        handler = self._handler(op, call.by)
        if isinstance(handler, Done):
            done: R = handler.result
            return done
        condition = CONDITIONS.get(type(op))
        if condition is None:
            return self._carry_out(handler, op, call)
        deadline = self._clock() + getattr(op, "wait", 0.0)
        while True:
            self._wait(condition, op, call, deadline)
            result: R = self._carry_out(handler, op, call)
            if result or self._clock() >= deadline:  # what was there a moment ago may have gone to another
                return result

    def _carry_out(self, handler: Handler, op: Op[R], call: Call) -> R:
        def unit() -> tuple[R | PenstockError, dict[str, float], list[Change]]:
            with self._store.transaction(writes=not op.reads, durable=op.durable) as tx:
                result = self._do(tx, handler, op, call)
                return result, tx.unused(), tx.changes.own() if self._told is not None else []

        result, unused, changes = self._store.repeated(unit, in_turn=op.in_turn)
        if changes and self._told is not None:
            self._told(changes)
        for hash, at in unused.items():
            self._drop(hash, at)
        if isinstance(result, PenstockError):
            raise result
        return result

    def _do(self, tx: Tx, handler: Handler, op: Op[R], call: Call) -> R | PenstockError:
        """Have the handler do it, if they may; unless it was done before: then return what was answered."""
        now = self._clock()
        who = None if call.by is None else gate.admit(tx, call.by, op, now, call.held)
        if call.once is not None and not tx.requests.claim(call.once.key, call.once.digest, now):
            return _answered(tx, op, call.once)
        if call.held is not None and not op.reads and not gate.is_repeated(tx, op):
            _hold(tx, op, call.held)
        told = None if op.reads else news.news_of(tx, op)
        result: R | PenstockError = handler(tx, gate.signed(op, who), now)
        if told is not None and not isinstance(result, PenstockError):
            news.tell(tx, told, now)
        if who is not None and not op.reads:
            gate.record(tx, who, op, now, *([result.code] if isinstance(result, PenstockError) else []))
        if call.once is not None and not isinstance(result, PenstockError):
            tx.requests.answer(call.once.key, msgspec.msgpack.encode(result))
        return result

    def _refuse(self, by: Identity, op: Op[Any], code: str) -> None:
        """Record that somebody asked for what they may not."""

        def once() -> None:
            with self._store.transaction() as tx:
                gate.record(tx, by, op, self._clock(), code)

        self._store.repeated(once)

    def _handler(self, op: Op[Any], by: Identity | None) -> Handler | Done:
        """Return what carries the operation out. Who may not ask for it has nothing prepared either."""
        prepare = PREPARATIONS.get(type(op)) if self._means is not None else None
        handler = HANDLERS.get(type(op))
        if prepare is not None and self._means is not None:
            if by is not None:
                with self._store.transaction(writes=False) as tx:
                    gate.admit(tx, by, op, self._clock())
            return prepare(self._means, op, by)
        if handler is None:
            raise NotFound(f"there is no operation {type(op).__name__}")
        return handler

    def _wait(self, condition: Condition, op: Op[Any], call: Call, deadline: float) -> None:
        """Return once the operation has its answer, or the time is over."""
        while (left := deadline - self._clock()) > 0:
            mark = self._store.waiter.mark()
            if self._store.repeated(lambda: self._waits_for(condition, op, call)) is None:
                return
            self._store.waiter.wait(mark, left)

    def _waits_for(self, condition: Condition, op: Op[Any], call: Call) -> Topics | None:
        with self._store.transaction(writes=False) as tx:
            now = self._clock()
            if call.by is not None:
                gate.admit(tx, call.by, op, now, call.held)
            return condition(tx, op, now)


def _hold(tx: Tx, op: Op[Any], held: Held) -> None:
    """Raise LeaseLost unless the task is held under this number, or these are the last words of who held it."""
    try:
        tx.leases.hold(held)
    except LeaseLost:
        if tx.leases.find(held.task) is not None or not gate.is_last_word(tx, op, held):
            raise


def _answered(tx: Tx, op: Op[R], once: Once) -> R:
    digest, reply = tx.requests.find(once.key) or ("", b"")
    if digest != once.digest:
        raise Invalid(
            "this idempotency key was given with another request before",
            hint="make a new key for every request, and give it again only when repeating that request",
        )
    answer: R = msgspec.msgpack.decode(reply, type=op.returns)
    return answer


def _told_apart(op: Op[Any], once: Once | None) -> Once | None:
    """Return by what the call is known when it comes again; the digest of one that holds secrets tells none of them."""
    if once is None or gate.masked_op(op) is op:
        return once
    return Once(once.key, gate.digest_of(op))


def _keep(hash: str, at: float) -> None:
    """Leave a blob where it is."""
    _ = hash, at
