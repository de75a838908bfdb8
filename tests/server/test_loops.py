"""A loop is alive when it does its work."""

from __future__ import annotations

import threading

from penstock.server.loops import Loop


def test_a_loop_goes_on_after_a_failure_and_says_when_it_last_worked(caplog):
    worked = threading.Event()
    failures = iter([RuntimeError("once")])

    def work():
        for failure in failures:
            raise failure
        worked.set()

    loop = Loop("x", 60.0, work, rest=0.01)
    loop.start()
    assert worked.wait(30)
    loop.stop()
    loop._thread.join(30)
    assert not loop.is_late


def test_a_loop_that_does_not_work_is_late_although_its_thread_lives():
    stuck, leave = threading.Event(), threading.Event()

    def work():
        stuck.set()
        leave.wait(30)

    loop = Loop("x", 1.0, work)
    loop.start()
    assert stuck.wait(30)
    loop._last_success -= 100.0
    assert loop._thread.is_alive()
    assert loop.is_late
    leave.set()
    loop.stop()
    loop._thread.join(30)


def test_a_loop_that_is_stopped_says_nothing_of_its_last_failure(caplog):
    began, leave = threading.Event(), threading.Event()

    def work():
        began.set()
        leave.wait(30)
        raise RuntimeError("the store was closed")

    loop = Loop("x", 60.0, work)
    loop.start()
    assert began.wait(30)
    loop.stop()
    leave.set()
    loop._thread.join(30)
    assert caplog.text == ""
