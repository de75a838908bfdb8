"""A step's side of its channel, where `tests/backends` does not look: interruptions, forks, ends."""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import suppress

import msgspec
import pytest

from penstock.blobs.files import FileBlobs
from penstock.core.errors import Conflict, Damaged, NotFound, PenstockError
from penstock.core.task import Status, Task
from penstock.ops.tasks import GetTask
from penstock.run.attempt import Outcome, Reply, decode_from_step, encode
from penstock.run.channel import Channel
from penstock.run.wire import receive_frame, send_frame


class Launcher:
    """The other end: tests say how it answers."""

    def __init__(self, channel, end):
        self.channel = channel
        self._end = end

    def hear(self):
        return decode_from_step(receive_frame(self._end))

    def answer(self, request, **reply):
        send_frame(self._end, encode(Reply(number=request.number, **reply)))

    def give_task(self, request):
        """Answer `GetTask` with a task of the id that was asked for."""
        task = Task(id=msgspec.msgpack.decode(request.body)["id"], name="n", project="P")
        self.answer(request, body=msgspec.Raw(encode(task)))

    def close(self):
        self._end.close()

    def in_background(self, work):
        thread = threading.Thread(target=work)
        thread.start()
        return thread


@pytest.fixture
def launcher(tmp_path):
    here, there = socket.socketpair()
    channel = Channel(here, FileBlobs(tmp_path / "blobs"))
    made = Launcher(channel, there)
    yield made
    channel.close()
    made.close()


@pytest.mark.parametrize(
    ("code", "kind"), [("not_found", NotFound), ("damaged", Damaged), ("error", PenstockError), ("new", PenstockError)]
)
def test_an_error_comes_back_as_its_class(launcher, code, kind):
    """A code that this version does not know is still an error."""
    answering = launcher.in_background(
        lambda: launcher.answer(launcher.hear(), code=code, message="what happened", hint="what to do")
    )
    with pytest.raises(PenstockError) as caught:
        launcher.channel.call(GetTask(id="x"))
    answering.join()
    assert (type(caught.value), caught.value.message, caught.value.hint) == (kind, "what happened", "what to do")


class Late(Exception):
    """What a user's own alarm raises."""


@pytest.fixture
def alarm():
    """Interrupt the main thread, once, whatever it is doing."""
    rung = threading.Event()

    def raise_late(number, frame):
        if not rung.is_set():
            rung.set()
            raise Late

    def ring():
        while not rung.wait(0.01):  # a signal that comes just before a call that blocks is seen only behind it
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, raise_late)
    yield ring
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.uncovered  # measuring holds a lock of its own at moments, and an interruption there leaves it locked
def test_a_question_that_was_interrupted_is_not_answered_to_the_next_one(launcher, alarm):
    """User code may be interrupted anywhere, by an alarm or Ctrl-C; what it asks afterwards gets its own answer."""

    def answer_both():
        first = launcher.hear()
        alarm()
        with suppress(OSError, EOFError):
            launcher.give_task(first)
            launcher.give_task(launcher.hear())

    answering = launcher.in_background(answer_both)
    with pytest.raises(Late):
        launcher.channel.call(GetTask(id="first"))
    try:
        assert launcher.channel.call(GetTask(id="second")).id == "second"
    finally:
        launcher.channel.close()
        launcher.close()
        answering.join()


@pytest.mark.uncovered  # as above
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # one in a weakref callback
def test_interruptions_at_any_moment_leave_the_channel_usable(launcher):
    """Also in the middle of a frame, sent or received: what follows is neither lost nor another's answer."""

    def serve():
        with suppress(OSError, EOFError, msgspec.DecodeError, MemoryError):
            while True:
                launcher.give_task(launcher.hear())

    def raise_late(number, frame):
        if armed:
            raise Late

    armed: list[bool] = []
    launcher.channel._connection.settimeout(5)  # a frame that never comes would be waited for
    before = signal.signal(signal.SIGALRM, raise_late)
    serving = launcher.in_background(serve)
    wrong, interrupted = [], 0
    try:
        for number in range(600):
            id = f"{number} " + "x" * 20_000
            try:
                armed.append(True)
                signal.setitimer(signal.ITIMER_REAL, 0.00002 + number % 60 * 0.00001)
                found = launcher.channel.call(GetTask(id=id)).id
                armed.clear()
                wrong += [found[:5]] * (found != id)
            except Late:
                armed.clear()
                interrupted += 1
        assert launcher.channel.call(GetTask(id="last")).id == "last"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        launcher.channel.close()
        launcher.close()
        serving.join()
    assert wrong == []
    assert interrupted, "the timers are too slow to prove anything"


def test_a_fork_of_the_step_cannot_speak_for_it(launcher):
    """Two processes on one socket would take each other's answers."""
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            launcher.channel.call(GetTask(id="x"))
        except Conflict as error:
            os.write(writable, str(error).encode())
        finally:
            os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as answer:
        assert "a process that the step forked itself" in answer.read()
    os.waitpid(pid, 0)


def test_the_outcome_is_the_last_word(launcher):
    outcome = Outcome(status=Status.COMPLETED)
    launcher.channel.end(outcome)
    assert launcher.hear() == outcome
    launcher.channel.close()
    with pytest.raises(EOFError):
        launcher.hear()


def test_a_launcher_that_is_gone_is_an_error_and_not_a_hang(launcher):
    launcher.close()
    with pytest.raises((OSError, EOFError, PenstockError)):
        launcher.channel.call(GetTask(id="x"))
