"""Browsers log in by a code that works once; what is kept of codes and sessions does not let anybody in."""

from __future__ import annotations

import pytest

from penstock.core.access import Identity, Scope
from penstock.server.sessions import CODE_LIFE, IDLE, MOST, Sessions

OWNER = Identity(name="owner", scope=Scope.ADMIN)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sessions(clock):
    return Sessions(clock)


def test_a_code_logs_in_once(sessions):
    code = sessions.code(OWNER)
    word = sessions.exchange(code)
    assert sessions.find(word) == OWNER
    assert sessions.exchange(code) is None


def test_a_code_is_good_for_a_minute(sessions, clock):
    code = sessions.code(OWNER)
    clock.now = CODE_LIFE
    assert sessions.exchange(code) is None


def test_a_session_lasts_for_as_long_as_it_is_used(sessions, clock):
    word = sessions.exchange(sessions.code(OWNER))
    for _ in range(3):
        clock.now += IDLE - 1
        assert sessions.find(word) == OWNER
    clock.now += IDLE
    assert sessions.find(word) is None


def test_who_logs_out_is_out(sessions):
    word = sessions.exchange(sessions.code(OWNER))
    sessions.end(word)
    assert sessions.find(word) is None


@pytest.mark.parametrize("word", ["", "x", "é", "\udcff"])
def test_words_that_nobody_was_given_are_nobody(sessions, word):
    assert sessions.find(word) is None
    assert sessions.exchange(word) is None


def test_neither_words_nor_codes_are_kept_themselves(sessions):
    code = sessions.code(OWNER)
    word = sessions.exchange(sessions.code(OWNER))
    kept = repr((sessions._codes, sessions._open))
    assert code not in kept
    assert word not in kept


def test_codes_do_not_grow_without_end(sessions):
    codes = [sessions.code(OWNER) for _ in range(MOST + 1)]
    assert sessions.exchange(codes[0]) is None
    assert sessions.exchange(codes[-1]) is not None
