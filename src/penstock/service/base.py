"""The table from operations to handlers, and the one place that opens a transaction for a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from penstock.core.errors import Invalid, NotFound
from penstock.ops.base import Once, Op
from penstock.ops.changes import ListChanges

if TYPE_CHECKING:
    from penstock.ports import Clock, Store, Tx

R = TypeVar("R")
Handled = TypeVar("Handled", bound=Op[Any])

HANDLERS: dict[type[Op[Any]], Callable[[Tx, Any, float], Any]] = {}


def handles(op: type[Handled]) -> Callable[[Callable[[Tx, Handled, float], Any]], Callable[[Tx, Handled, float], Any]]:
    """Register the decorated function as what the operation does."""

    def register(handler: Callable[[Tx, Handled, float], Any]) -> Callable[[Tx, Handled, float], Any]:
        HANDLERS[op] = handler
        return handler

    return register


class Service:
    """Carries operations out on a store.

    Args:
        store: Where everything is kept.
        clock: Returns epoch seconds.
        drop: Called with the hash of each blob that a call left without a reference, once that is committed. What was
            stored again since the epoch seconds that come with it may be about to be recorded, and must stay.
    """

    def __init__(self, store: Store, clock: Clock, drop: Callable[[str, float], object] | None = None) -> None:
        self._store = store
        self._clock = clock
        self._drop = drop or _keep

    def call(self, op: Op[R], once: Once | None = None) -> R:
        """Carry out one operation in one transaction and return its result.

        Args:
            op: The operation.
            once: Given when it may come again because its answer was lost; the answer is kept in the same transaction.

        Raises:
            Invalid: The key of `once` was given with another request before.
        """
        if type(op) not in HANDLERS:
            raise NotFound(f"there is no operation {type(op).__name__}")
        if (getattr(op, "limit", None) or 0) < 0:
            raise Invalid(f"{type(op).__name__}: limit is {op.limit}", hint="0 is the least")  # type: ignore[attr-defined]
        self._wait(op)
        with self._store.transaction(writes=not op.reads, durable=op.durable) as tx:
            result = self._carry_out(tx, op, None if op.reads else once)
            unused = tx.unused()
        for hash, at in unused.items():
            self._drop(hash, at)
        return result

    def knows(self, once: Once) -> bool:
        """Return whether a call with this key was carried out before."""
        with self._store.transaction(writes=False) as tx:
            return tx.requests.find(once.key) is not None

    def forget_answers(self, older_than: float) -> int:
        """Forget what calls were answered this many seconds ago, or earlier; return how many those are."""
        with self._store.transaction() as tx:
            return tx.requests.forget(self._clock() - older_than)

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _carry_out(self, tx: Tx, op: Op[R], once: Once | None) -> R:
        """Have the handler do it, unless it was done before: then return what was answered."""
        now = self._clock()
        if once is not None and not tx.requests.claim(once.key, once.digest, now):
            return _answered(tx, op, once)
        result: R = HANDLERS[type(op)](tx, op, now)
        if once is not None:
            tx.requests.answer(once.key, msgspec.msgpack.encode(result))
        return result

    def _wait(self, op: Op[Any]) -> None:
        """Return once there is a change after the one that is known, or the time is over; at once for what asks not."""
        if not isinstance(op, ListChanges) or op.wait <= 0:
            return
        deadline = self._clock() + op.wait
        while (left := deadline - self._clock()) > 0:
            mark = self._store.waiter.mark()
            with self._store.transaction(writes=False) as tx:
                if tx.changes.after(op.after, op.run, 1):
                    return
            self._store.waiter.wait(mark, left)


def _answered(tx: Tx, op: Op[R], once: Once) -> R:
    digest, reply = tx.requests.find(once.key) or ("", b"")
    if digest != once.digest:
        raise Invalid(
            "this idempotency key was given with another request before",
            hint="make a new key for every request, and give it again only when repeating that request",
        )
    answer: R = msgspec.msgpack.decode(reply, type=op.returns)
    return answer


def _keep(hash: str, at: float) -> None:
    """Leave a blob where it is."""
    _ = hash, at
