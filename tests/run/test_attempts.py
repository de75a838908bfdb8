"""Attempts that run: their processes, what they print, and how each way of ending is recorded."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from penstock.backend import connect
from penstock.core.pipeline import Pipeline, Step
from penstock.core.task import EndReason, Status, Worker
from penstock.ops.outputs import ReadConsole
from penstock.ops.runs import CreateRun, GetRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import GetTask, NewTask
from penstock.run.attempts import Attempts, _outcome
from penstock.run.process import Exited, Launch
from penstock.run.processes import Processes
from penstock.settings import Settings

RUN = "1" * 32
SRC = str(Path(sys.modules["penstock"].__file__).parents[1])
ENTRIES = """
import os, signal, socket, sys, time
from penstock.core.task import EndReason, Status
from penstock.run.attempt import Outcome, encode
from penstock.run.wire import send_frame

def say(channel, **outcome):
    send_frame(channel, encode(Outcome(**outcome)))

def complete(payload, channel):
    print("printed")
    say(channel, status=Status.COMPLETED)
    return 0

def complete_and_stay(payload, channel):
    say(channel, status=Status.COMPLETED)
    print("late", flush=True)
    time.sleep(1000)

def say_twice(payload, channel):
    say(channel, status=Status.FAILED, reason=EndReason.EXCEPTION, message="first")
    say(channel, status=Status.COMPLETED)
    return 0

def leave(payload, channel):
    return int(payload)

def be_killed(payload, channel):
    os.kill(os.getpid(), int(payload))

def sleep(payload, channel):
    print("asleep", flush=True)
    time.sleep(1000)

def babble(payload, channel):
    send_frame(channel, b"\\xc1 no message")
    time.sleep(1000)
"""


@pytest.fixture
def backend(tmp_path):
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    yield opened
    opened.close()


class Bench:
    """Starts entries as the attempts of one step each."""

    def __init__(self, backend, folder, processes):
        (folder / "bench_entries.py").write_text(ENTRIES)
        self.backend = backend
        self.folder = folder
        self.printed = []
        self.endings = []
        self.attempts = Attempts(backend, processes, lambda step, lines: self.printed.append((step, lines)))
        steps = tuple(Step(name=name, code="c") for name in "abc")
        backend.call(CreateRun(pipeline="p", project="P", task=NewTask(id=RUN, name="p", project="")))
        definition = Pipeline(name="p", project="P", steps=steps)
        backend.call(StartRun(id=RUN, definition=definition, worker=Worker(host="h", pid=1)))

    def start(self, entry, payload=b"", step="a", **options):
        new = NewTask(id="", name=step, project="P")
        worker = Worker(host="h", pid=1)
        task = self.backend.call(LaunchStep(run=RUN, step=step, attempt=1, task=new, worker=worker))
        launch = Launch(
            key=task.id,
            payload=payload,
            cwd=str(self.folder),
            environment=dict(os.environ),
            path=(SRC, *sys.path, str(self.folder)),
            entry=f"bench_entries:{entry}",
            **options,
        )
        self.attempts.start(task, launch)
        return task

    def end(self):
        """Wait for the next that ends; several may end at once."""
        while not self.endings:
            self.endings += self.attempts.wait(60)
        return self.endings.pop(0)

    def hear(self, *lines):
        """Wait until these were printed."""
        while [line for _, printed in self.printed for line in printed] != list(lines):
            self.attempts.wait(60)

    def recorded(self, task):
        return self.backend.call(GetTask(id=task.id))

    def console(self, task):
        return [line.text for chunk in self.backend.call(ReadConsole(task=task.id)) for line in chunk.lines]


@pytest.fixture
def bench(backend, tmp_path):
    with Processes(()) as processes:
        yield Bench(backend, tmp_path, processes)


def test_an_attempt_ends_as_it_says_and_its_console_is_recorded(bench):
    task = bench.start("complete")
    assert bench.attempts.running == 1
    ending = bench.end()
    assert (ending.step, ending.attempt, ending.status, ending.message) == ("a", 1, Status.COMPLETED, "")
    assert bench.attempts.running == 0
    bench.attempts.drain()
    assert bench.recorded(task).status is Status.COMPLETED
    assert bench.console(task) == ["printed"]
    assert bench.printed == [("a", ["printed"])]


@pytest.mark.parametrize(
    ("entry", "payload", "status", "reason", "message"),
    [
        ("leave", b"3", Status.FAILED, EndReason.EXIT_CODE, "exit code 3 before the function returned"),
        ("leave", b"0", Status.FAILED, EndReason.EXIT_CODE, "exit code 0 before the function returned"),
        ("be_killed", b"9", Status.FAILED, EndReason.SIGNAL, "killed by SIGKILL; that is what the system does"),
        ("be_killed", b"11", Status.FAILED, EndReason.SIGNAL, "killed by SIGSEGV"),
        ("be_killed", b"15", Status.FAILED, EndReason.SIGNAL, "killed by SIGTERM"),
        ("say_twice", b"", Status.FAILED, EndReason.EXCEPTION, "first"),
        ("babble", b"", Status.FAILED, EndReason.EXIT_CODE, "its channel broke"),
        ("no_such_entry", b"", Status.FAILED, EndReason.EXIT_CODE, "exit code 1"),
    ],
)
def test_every_way_of_ending_has_its_reason(bench, entry, payload, status, reason, message):
    """Promise 64: non-zero exit, signals, silence: all are failed steps that say why."""
    task = bench.start(entry, payload)
    assert bench.end().status is status
    bench.attempts.drain()
    found = bench.recorded(task)
    assert (found.status, found.reason) == (status, reason)
    assert message in found.message


def test_a_process_that_stays_behind_its_outcome_has_ended_all_the_same(bench):
    """Its slot is free at once; it is killed at the end of the run, and its last lines are recorded."""
    task = bench.start("complete_and_stay")
    assert bench.end().status is Status.COMPLETED
    assert bench.attempts.running == 0
    bench.hear("late")
    bench.attempts.abandon()
    assert bench.recorded(task).status is Status.COMPLETED
    assert bench.console(task) == ["late"]


def test_an_attempt_that_is_killed_ends_as_stopped_and_spares_the_others(bench):
    first, second = bench.start("sleep"), bench.start("sleep", step="b")
    bench.hear("asleep", "asleep")
    bench.attempts.kill(first.id)
    ending = bench.end()
    assert (ending.step, ending.status) == ("a", Status.STOPPED)
    assert bench.recorded(first).reason is EndReason.ABORTED
    assert (bench.attempts.running, bench.recorded(second).status) == (1, Status.IN_PROGRESS)
    bench.attempts.kill("nobody")


def test_an_attempt_that_runs_too_long_is_stopped(bench):
    task = bench.start("sleep", time_limit=0.05)
    assert bench.end().status is Status.STOPPED
    found = bench.recorded(task)
    assert (found.reason, found.message) == (
        EndReason.TIME_LIMIT,
        "stopped: it ran longer than its time limit of 0.05 s",
    )


def test_the_steps_follow_their_attempts(bench):
    bench.start("complete")
    bench.start("leave", b"1", step="b")
    for _ in range(2):
        bench.end()
    states = {state.name: str(state.status) for state in bench.backend.call(GetRun(id=RUN)).steps}
    assert states == {"a": "completed", "b": "failed", "c": "pending"}


@pytest.mark.parametrize(
    ("exited", "status", "reason", "words"),
    [
        (Exited("k", None, 9, "aborted"), Status.STOPPED, EndReason.ABORTED, "stopped"),
        (Exited("k", None, None, "zygote_died", "x"), Status.FAILED, EndReason.SIGNAL, "forked from"),
        (Exited("k", None, None, "not_started", "no room"), Status.FAILED, EndReason.LAUNCH, "no room"),
        (Exited("k", None, signal.SIGRTMIN + 5, "exit"), Status.FAILED, EndReason.SIGNAL, "killed by "),
        (Exited("k", None, 99, "exit"), Status.FAILED, EndReason.SIGNAL, "killed by signal 99"),
        (Exited("k", 0, None, "exit"), Status.FAILED, EndReason.EXIT_CODE, "exit code 0"),
    ],
)
def test_a_process_that_said_nothing_ended_as_the_system_tells(exited, status, reason, words):
    outcome = _outcome(exited, None)
    assert (outcome.status, outcome.reason) == (status, reason)
    assert words in outcome.message
