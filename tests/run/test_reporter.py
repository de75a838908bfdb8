"""Reporting: it returns at once, breaks nothing, and loses nothing."""

from __future__ import annotations

import os
import threading

import pytest

from penstock.backend import connect
from penstock.core.errors import StoreError
from penstock.core.outputs import ConsoleLine, Plot, Stream
from penstock.ops.outputs import AppendConsole, GetScalars, ListPlots, ReadConsole, ReportScalars
from penstock.ops.tasks import CreateTask, NewTask
from penstock.run.reporter import LARGEST_BATCH, Reporter
from penstock.settings import Settings

TASK = "1" * 32


@pytest.fixture
def backend(tmp_path):
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    opened.call(CreateTask(task=NewTask(id=TASK, name="t", project="P")))
    yield opened
    opened.close()


def values(backend):
    return {one.title: [point.value for point in one.points] for one in backend.call(GetScalars(task=TASK))}


def test_what_was_reported_is_there_after_a_flush_in_its_order(backend):
    reporter = Reporter(backend, TASK)
    for number in range(1000):
        reporter.scalar("loss", "train", float(number), number)
    reporter.plot(Plot(title="t", series="s", kind="table", iteration=0, data="[]"))
    reporter.text("one\ntwo")
    reporter.text("")
    reporter.flush()
    assert values(backend) == {"loss": [float(number) for number in range(1000)]}
    assert len(backend.call(ListPlots(task=TASK))) == 1
    lines = [line.text for chunk in backend.call(ReadConsole(task=TASK)) for line in chunk.lines]
    assert lines == ["one", "two", ""]
    reporter.close()


def test_what_was_reported_is_recorded_without_being_asked(backend):
    """A thread does it; `close` does the rest."""
    reporter = Reporter(backend, TASK)
    recorded = threading.Event()

    class Told:
        def call(self, op):
            backend.call(op)
            recorded.set()

    reporter._backend = Told()
    reporter.scalar("loss", "train", 1.0, 0)
    assert recorded.wait(timeout=60)
    reporter.scalar("loss", "train", 2.0, 1)
    reporter.close()
    assert values(backend) == {"loss": [1.0, 2.0]}


def test_threads_that_report_at_once_lose_nothing(backend):
    reporter = Reporter(backend, TASK)

    def report(name):
        for number in range(300):
            reporter.scalar(name, "s", float(number), number)
            if number % 50 == 0:
                reporter.flush()

    threads = [threading.Thread(target=report, args=(str(name),)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reporter.close()
    assert values(backend) == {str(name): [float(number) for number in range(300)] for name in range(4)}


def test_a_flood_is_recorded_in_transactions_of_bounded_length(backend):
    sizes = []

    class Counted:
        def call(self, op):
            if isinstance(op, ReportScalars):
                sizes.append(sum(len(one.points) for one in op.series))
            return backend.call(op)

    reporter = Reporter(Counted(), TASK)
    for number in range(LARGEST_BATCH * 2 + 1):
        reporter.scalar("loss", "train", 0.0, number)
    reporter.close()
    assert sum(sizes) == LARGEST_BATCH * 2 + 1
    assert max(sizes) <= LARGEST_BATCH


@pytest.mark.parametrize("error", [StoreError("gone"), OSError("gone"), EOFError("gone"), ValueError("gone")])
def test_a_backend_that_fails_is_told_of_once_and_breaks_nothing(capsys, error):
    class Failing:
        def call(self, op):
            raise error

    reporter = Reporter(Failing(), TASK)
    for number in range(3):
        reporter.scalar("loss", "train", 1.0, number)
        reporter.flush()
    reporter.close()
    assert capsys.readouterr().err.count("penstock: a report could not be recorded: gone") == 1


def test_one_report_that_is_refused_does_not_take_the_others_along(backend, capsys):
    class Picky:
        def call(self, op):
            if isinstance(op, AppendConsole):
                raise StoreError("no lines")
            return backend.call(op)

    reporter = Reporter(Picky(), TASK)
    reporter.text("a line")
    reporter.scalar("loss", "train", 1.0, 0)
    reporter.close()
    assert values(backend) == {"loss": [1.0]}
    assert "no lines" in capsys.readouterr().err


def test_giving_up_on_a_backend_that_hangs(backend):
    """`close` waits for what is on its way, but not for ever."""
    held, go_on = threading.Event(), threading.Event()

    class Hanging:
        def call(self, op):
            held.set()
            go_on.wait()
            return backend.call(op)

    reporter = Reporter(Hanging(), TASK)
    reporter.scalar("loss", "train", 1.0, 0)
    assert held.wait(timeout=60)
    reporter.scalar("loss", "train", 2.0, 1)
    reporter.flush(patience=0.01)
    go_on.set()
    reporter.close()
    assert values(backend) == {"loss": [1.0, 2.0]}


def test_a_fork_is_told_that_it_cannot_report(backend):
    """What it inherited would be recorded twice."""
    reporter = Reporter(backend, TASK)
    reporter.scalar("loss", "train", 1.0, 0)
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(writable, 2)
            import sys

            sys.stderr = os.fdopen(2, "w", closefd=False)
            reporter.scalar("loss", "train", 2.0, 1)
            reporter.close()
            sys.stderr.flush()
        finally:
            os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as said:
        assert "from a process that the step forked itself is not recorded" in said.read()
    os.waitpid(pid, 0)
    reporter.close()
    assert values(backend) == {"loss": [1.0]}


def test_nothing_reported_costs_nothing(backend):
    before = threading.active_count()
    reporter = Reporter(backend, TASK)
    assert threading.active_count() == before
    reporter.close()


def test_closing_waits_for_what_the_thread_is_recording_just_now(backend):
    """It is not waiting any more, and not recorded yet: without that wait a step's last numbers are lost."""
    recording, go_on = threading.Event(), threading.Event()

    class Slow:
        def call(self, op):
            recording.set()
            assert go_on.wait(10)
            return backend.call(op)

    reporter = Reporter(Slow(), TASK)
    reporter.scalar("loss", "train", 1.0, 0)
    assert recording.wait(10)
    closing = threading.Thread(target=reporter.close)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    go_on.set()
    closing.join(10)
    assert values(backend) == {"loss": [1.0]}


def test_a_report_that_would_be_refused_takes_no_other_along(backend, capsys):
    reporter = Reporter(backend, TASK)
    reporter.scalar("loss", "train", 1.0, 0)
    reporter.scalar("loss", "train", 1.5, 2**63)
    reporter.scalar("\ud800", "train", 1.0, 0)
    reporter.plot(Plot(title="\ud800", series="s", kind="table", iteration=0, data="[]"))
    reporter.plot(Plot(title="t", series="s", kind="table", iteration=0, data="[]"))
    reporter.scalar("loss", "train", 2.0, 1)
    reporter.text("half \ud800")
    reporter.close()
    assert values(backend) == {"loss": [1.0, 2.0]}
    assert [plot.title for plot in backend.call(ListPlots(task=TASK))] == ["t"]
    assert [line.text for chunk in backend.call(ReadConsole(task=TASK)) for line in chunk.lines] == ["half \\ud800"]
    assert "64 bits" in capsys.readouterr().err


def test_closing_takes_as_long_as_something_is_recorded_by_whatever_thread(monkeypatch):
    """A million points take longer than anybody's patience with one that hangs."""
    monkeypatch.setattr("penstock.run.reporter.PATIENCE", 2.0)
    monkeypatch.setattr("penstock.run.reporter.LARGEST_BATCH", 10)
    recorded: list[float] = []

    class Slow:
        def call(self, op):
            threading.Event().wait(0.1)
            recorded.extend(point.value for one in op.series for point in one.points)

    reporter = Reporter(Slow(), TASK)
    for number in range(300):
        reporter.scalar("loss", "train", float(number), number)
    reporter.close()
    assert recorded == [float(number) for number in range(300)]


def test_what_is_not_recorded_at_the_end_is_told(monkeypatch, capsys):
    monkeypatch.setattr("penstock.run.reporter.PATIENCE", 0.05)
    hang = threading.Event()

    class Hanging:
        def call(self, op):
            hang.wait(60)

    reporter = Reporter(Hanging(), TASK)
    reporter.scalar("loss", "train", 0.0, 0)
    while reporter._waiting:
        hang.wait(0.01)
    reporter.scalar("loss", "train", 0.0, 1)
    reporter.close()
    hang.set()
    assert "1 reports are not recorded" in capsys.readouterr().err


def test_who_reports_faster_than_can_be_recorded_helps(backend, monkeypatch):
    monkeypatch.setattr("penstock.run.reporter.MOST_WAITING", 100)
    reporter = Reporter(backend, TASK)
    most = 0
    for number in range(1000):
        reporter.scalar("loss", "train", float(number), number)
        most = max(most, len(reporter._waiting))
    reporter.close()
    assert most <= 100
    assert values(backend) == {"loss": [float(number) for number in range(1000)]}


def test_a_source_is_asked_until_it_has_nothing(backend):
    class Source:
        left = 3
        pushed = False

        def push(self):
            self.pushed = True

        def take(self):
            self.left -= 1
            return [ConsoleLine(1.0, Stream.OUT, f"{self.left}\nline")] if self.left >= 0 else []

    reporter = Reporter(backend, TASK)
    source = Source()
    reporter.add_source(source)
    assert reporter.flush()
    assert source.pushed
    reporter.remove_source(source)
    reporter.close()
    lines = [line.text for chunk in backend.call(ReadConsole(task=TASK)) for line in chunk.lines]
    assert lines == ["2", "line", "1", "line", "0", "line"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.0])
def test_numbers_that_are_none_are_recorded(backend, value):
    reporter = Reporter(backend, TASK)
    reporter.scalar("loss", "train", value, -(2**63))
    reporter.close()
    assert repr(values(backend)) == repr({"loss": [value]})
