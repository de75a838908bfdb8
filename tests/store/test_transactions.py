"""What holds of every transaction, on every database."""

from __future__ import annotations

import pytest
from records import TASK, add_two, count

from penstock.core.errors import NotFound


@pytest.mark.parametrize("durable", [True, False])
def test_one_that_raises_leaves_nothing(store, durable: bool) -> None:
    def write(failure: BaseException | None) -> None:
        with store.transaction(durable=durable) as tx:
            add_two(tx, "a")
            if failure:
                raise failure
            tx.tasks.rename("gone", "x")

    for failure, expected in ((None, NotFound), (KeyboardInterrupt(), KeyboardInterrupt)):
        with pytest.raises(expected):
            write(failure)
    assert count(store) == (0, 0)
    with store.transaction() as tx:
        add_two(tx, "a")
    assert count(store) == (1, 1)


def test_one_that_reads_cannot_write(store) -> None:
    with pytest.raises(RuntimeError, match="only reads"), store.transaction(writes=False) as tx:
        tx.tasks.add(TASK)
    assert count(store) == (0, 0)


def test_a_thread_has_one_at_a_time(store) -> None:
    with store.transaction() as tx:
        with pytest.raises(RuntimeError, match="already"), store.transaction(writes=False):
            pass
        tx.tasks.add(TASK)
    assert count(store)[0] == 1


def test_one_is_of_no_use_after_its_end(store) -> None:
    with store.transaction() as tx:
        pass
    with pytest.raises(RuntimeError, match="has ended"):
        tx.tasks.add(TASK)
    assert count(store)[0] == 0


def test_closing_the_store_in_the_middle_of_ones_own_is_refused(store) -> None:
    with store.transaction() as tx:
        with pytest.raises(RuntimeError, match="leave it before closing"):
            store.close()
        tx.tasks.add(TASK)
    assert count(store)[0] == 1
