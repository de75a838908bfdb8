"""Answers to requests that may come twice: kept with the change, or not at all."""

from __future__ import annotations

from contextlib import suppress


def test_a_request_is_claimed_once_and_its_answer_kept(store):
    with store.transaction() as tx:
        assert tx.requests.claim("k", "d", 1.0)
        tx.requests.answer("k", b"\x00reply")
    with store.transaction() as tx:
        assert not tx.requests.claim("k", "other", 2.0)
        assert tx.requests.find("k") == ("d", b"\x00reply")
        assert tx.requests.find("l") is None


def test_what_was_not_committed_was_not_claimed(store):
    with suppress(InterruptedError), store.transaction() as tx:
        assert tx.requests.claim("k", "d", 1.0)
        raise InterruptedError
    with store.transaction() as tx:
        assert tx.requests.find("k") is None
        assert tx.requests.claim("k", "d", 1.0)


def test_old_ones_are_forgotten(store):
    with store.transaction() as tx:
        for number in range(5):
            tx.requests.claim(str(number), "d", float(number))
    with store.transaction() as tx:
        assert tx.requests.forget(3.0) == 3
        assert [tx.requests.find(str(number)) is None for number in range(5)] == [True, True, True, False, False]
