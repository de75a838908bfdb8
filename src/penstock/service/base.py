"""The table from operations to handlers, and the one place that opens a transaction for a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from penstock.core.errors import NotFound
from penstock.ops.base import Op
from penstock.ops.tasks import EndTask

if TYPE_CHECKING:
    from penstock.core.lease import Held
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


READY: dict[type[Op[Any]], Callable[[Tx, Any, float], bool]] = {}
"""Of the operations that may wait (by their field `wait`), what says whether there is something to wait for no more."""


def waits_until(
    op: type[Handled],
) -> Callable[[Callable[[Tx, Handled, float], bool]], Callable[[Tx, Handled, float], bool]]:
    """Register the decorated function as what says whether the operation has its answer now."""

    def register(ready: Callable[[Tx, Handled, float], bool]) -> Callable[[Tx, Handled, float], bool]:
        READY[op] = ready
        return ready

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

    def call(self, op: Op[R], held: Held | None = None) -> R:
        """Carry out one operation in one transaction and return its result.

        Args:
            held: What whoever asks has to show for the task that it carries out: nothing is written once that task went
                to another.

        Raises:
            LeaseLost: The task is not held under this number any more.
        """
        handler = HANDLERS.get(type(op))
        if handler is None:
            raise NotFound(f"there is no operation {type(op).__name__}")
        ready = READY.get(type(op))
        if ready is None:
            return self._carry_out(handler, op, held)
        deadline = self._clock() + getattr(op, "wait", 0.0)
        while True:
            self._wait(ready, op, deadline)
            result: R = self._carry_out(handler, op, held)
            if result or self._clock() >= deadline:  # what was there a moment ago may have gone to another
                return result

    def _carry_out(self, handler: Callable[[Tx, Any, float], Any], op: Op[R], held: Held | None) -> R:
        with self._store.transaction(writes=not op.reads, durable=op.durable) as tx:
            if held is not None and not op.reads and not _is_repeated(tx, op):
                tx.leases.hold(held)
            result: R = handler(tx, op, self._clock())
            unused = tx.unused()
        for hash, at in unused.items():
            self._drop(hash, at)
        return result

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _wait(self, ready: Callable[[Tx, Any, float], bool], op: Op[Any], deadline: float) -> None:
        """Return once the operation has something to return, or the time is over."""
        while (left := deadline - self._clock()) > 0:
            mark = self._store.waiter.mark()
            with self._store.transaction(writes=False) as tx:
                if ready(tx, op, self._clock()):
                    return
            self._store.waiter.wait(mark, left)


def _is_repeated(tx: Tx, op: Op[Any]) -> bool:
    """Return whether this is the report of an end that is recorded already: its answer was lost, not the task."""
    return isinstance(op, EndTask) and tx.tasks.status(op.id) is op.status


def _keep(hash: str, at: float) -> None:
    """Leave a blob where it is."""
    _ = hash, at
