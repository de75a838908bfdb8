"""Steps that wait for their bytes keep nobody else waiting."""

from __future__ import annotations

import threading

from penstock.run.transfers import Transfers


def test_an_answer_is_made_in_a_thread_and_taken_when_it_is_ready():
    ready, leave = threading.Event(), threading.Event()
    transfers = Transfers(ready.set)

    def work():
        leave.wait(30)
        return b"answer"

    transfers.start("step", work)
    assert transfers.take() == []
    leave.set()
    assert ready.wait(30)
    assert transfers.take() == [("step", b"answer")]
    assert transfers.take() == []
