"""The table from operations to handlers, and the one place that opens a transaction for a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from penstock.core.errors import NotFound
from penstock.ops.base import Op
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

    def call(self, op: Op[R]) -> R:
        """Carry out one operation in one transaction and return its result.

        A handler may be called several times: what it does outside of its transaction must not matter.
        """
        handler = HANDLERS.get(type(op))
        if handler is None:
            raise NotFound(f"there is no operation {type(op).__name__}")
        if isinstance(op, ListChanges) and op.wait > 0:
            self._wait(op)

        def once() -> tuple[R, dict[str, float]]:
            with self._store.transaction(writes=not op.reads, durable=op.durable) as tx:
                return handler(tx, op, self._clock()), tx.unused()

        result, unused = self._store.repeated(once, in_turn=op.in_turn)
        for hash, at in unused.items():
            self._drop(hash, at)
        return result

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _wait(self, op: ListChanges) -> None:
        """Return once there is a change after the one that is known, or the time is over."""
        deadline = self._clock() + op.wait
        while (left := deadline - self._clock()) > 0:
            mark = self._store.waiter.mark()

            def is_there() -> bool:
                with self._store.transaction(writes=False) as tx:
                    return bool(tx.changes.after(op.after, op.run, 1))

            if self._store.repeated(is_there):
                return
            self._store.waiter.wait(mark, left)


def _keep(hash: str, at: float) -> None:
    """Leave a blob where it is."""
    _ = hash, at
