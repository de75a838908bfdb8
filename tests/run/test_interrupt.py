"""Ctrl-C while a run goes."""

from __future__ import annotations

import signal
import threading

import pytest

from penstock.run.interrupt import Interrupts


@pytest.fixture(autouse=True)
def default_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_first_interrupt_asks_and_the_second_leaves():
    asked = []
    with Interrupts(asked.append) as interrupts:
        signal.raise_signal(signal.SIGINT)
        assert (asked, interrupts.came) == (["interrupted from the keyboard"], True)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert len(asked) == 1


def test_afterwards_everything_is_as_it_was():
    with Interrupts(print):
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_user_s_own_stays():
    def own(number, frame):
        pass

    signal.signal(signal.SIGINT, own)
    with Interrupts(print) as interrupts:
        signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is own
    assert not interrupts.came
    assert signal.getsignal(signal.SIGINT) is own


def test_in_another_thread_nothing_is_taken_over():
    def enter():
        with Interrupts(print):
            taken.append(signal.getsignal(signal.SIGINT))

    taken = []
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert taken == [signal.default_int_handler]
