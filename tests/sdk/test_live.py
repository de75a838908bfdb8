"""The table that changes while a run goes."""

from __future__ import annotations

import errno
import io
import threading

import pytest
from rich.console import Console

from penstock.core.progress import StepStatus
from penstock.core.run import Run
from penstock.core.task import Status, Task
from penstock.sdk.live import FRAMES, KEPT, LiveTable


def run(status=Status.IN_PROGRESS, message=""):
    task = Task(id="1" * 32, name="iris #2", project="P", status=status, message=message)
    return Run(task=task, pipeline="iris", project="P", number=2, version="1.2.0")


class Screen:
    """A table on a terminal of a given size, and what it shows."""

    def __init__(self, width=80, height=24):
        self.file = io.StringIO()
        self.console = Console(file=self.file, force_terminal=True, width=width, height=height, color_system=None)
        self.table = LiveTable(self.console)

    def frame(self):
        """The lines of a frame that is drawn now."""
        file = io.StringIO()
        Console(file=file, width=self.console.width, color_system=None).print(self.table._draw())
        return [line.rstrip() for line in file.getvalue().splitlines()]

    def written(self):
        return self.file.getvalue()


@pytest.fixture
def screen():
    made = Screen()
    yield made
    made.table._stop()


def test_each_step_has_a_row_with_mark_word_and_last_line(screen):
    table = screen.table
    table.begun(run(), ["load", "train", "report"])
    table.step("load", StepStatus.RUNNING, 1, "")
    table.printed("load", ["first", "last \x1b[31mline"])
    table.step("load", StepStatus.COMPLETED, 1, "")
    table.step("train", StepStatus.RUNNING, 2, "")
    title, load, train, report = screen.frame()
    assert title.startswith("iris #2  v1.2.0  ● in_progress  ")
    assert load.startswith("✓ load    completed")
    assert load.endswith("  last line")
    assert train.startswith("● train   running (2)")
    assert report == "○ report  pending"


def test_a_failed_step_shows_why(screen):
    screen.table.begun(run(), ["a", "b"])
    screen.table.step("a", StepStatus.RUNNING, 1, "")
    screen.table.printed("a", ["something"])
    screen.table.step("a", StepStatus.FAILED, 1, "ValueError: bad")
    screen.table.step("b", StepStatus.SKIPPED, 0, "parent 'a' failed")
    _, failed, skipped = screen.frame()
    assert failed.endswith("ValueError: bad")
    assert (
        skipped
        == "» b  skipped" + " " * (len(failed) - len("ValueError: bad") - len("» b  skipped")) + "parent 'a' failed"
    )


def test_a_retry_that_goes_well_is_no_failure_at_the_end(screen):
    screen.table.begun(run(), ["a", "b"])
    screen.table.step("a", StepStatus.RUNNING, 1, "")
    screen.table.step("a", StepStatus.FAILED, 1, "no")
    screen.table.step("a", StepStatus.RUNNING, 2, "")
    assert screen.frame()[1].startswith("● a  running (2)")
    screen.table.step("a", StepStatus.COMPLETED, 2, "")
    screen.table.step("b", StepStatus.FAILED, 1, "no")
    screen.table.ended(run(Status.FAILED, "step 'b' failed"))
    assert "\nb failed: no\n" in screen.written()
    assert "\na failed" not in screen.written()


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width):
    screen = Screen(width=width)
    screen.table.begun(run(), ["a" * 100, "数据" * 50])
    for name in ("a" * 100, "数据" * 50):
        screen.table.step(name, StepStatus.RUNNING, 1, "")
        screen.table.printed(name, ["x" * 500])
    wide = Console(width=1000)
    assert all(wide.measure(line).maximum <= width for line in screen.frame())
    screen.table._stop()


def test_of_many_steps_those_that_run_or_failed_are_shown_and_the_rest_is_counted():
    screen = Screen(height=15)
    names = [f"step {number:03}" for number in range(100)]
    screen.table.begun(run(), names)
    for number in range(40):
        screen.table.step(names[number], StepStatus.RUNNING, 1, "")
        status = StepStatus.FAILED if number == 3 else StepStatus.COMPLETED
        screen.table.step(names[number], status, 1, "no" if number == 3 else "")
    for number in (40, 41):
        screen.table.step(names[number], StepStatus.RUNNING, 1, "")
    screen.table.step(names[42], StepStatus.QUEUED, 0, "waits")
    lines = screen.frame()
    assert len(lines) == 12
    assert lines[1].startswith("✗ step 003")
    assert [line[:10] for line in lines[-3:-1]] == ["● step 040", "● step 041"]
    assert lines[-1] == "2 running, 39 completed, 1 failed, 58 waiting"
    screen.table.ended(run(Status.FAILED, "step 'step 003' failed"))


def test_at_the_end_of_many_steps_those_that_failed_stay():
    screen = Screen(height=15)
    names = [f"step {number:03}" for number in range(100)]
    screen.table.begun(run(), names)
    for name in names:
        screen.table.step(name, StepStatus.RUNNING, 1, "")
        screen.table.step(name, StepStatus.FAILED if name == "step 050" else StepStatus.COMPLETED, 1, "")
    screen.table._ended = 1e12
    _, failed, summary = screen.frame()
    assert failed.startswith("✗ step 050")
    assert summary == "99 completed, 1 failed"
    screen.table._stop()


def test_at_the_end_the_last_lines_of_failed_steps_and_the_error_are_printed(screen):
    screen.table.begun(run(), ["a"])
    screen.table.step("a", StepStatus.RUNNING, 1, "")
    screen.table.printed("a", [f"line {number}" for number in range(50)])
    screen.table.step("a", StepStatus.FAILED, 1, "ValueError: bad")
    screen.table.ended(run(Status.FAILED, "step 'a' failed"))
    told = screen.written().rpartition("\na failed: ValueError: bad\n")[2].splitlines()
    assert told == [*(f"  line {number}" for number in range(50 - KEPT, 50)), "", "iris #2 failed: step 'a' failed"]


def test_a_run_that_completed_ends_with_its_table(screen):
    screen.table.begun(run(), ["a"])
    screen.table.step("a", StepStatus.RUNNING, 1, "")
    screen.table.step("a", StepStatus.COMPLETED, 1, "")
    screen.table.ended(run(Status.COMPLETED))
    assert "✓ completed" in screen.written()
    assert screen.written().endswith("\x1b[?25h")


def test_many_failed_steps_are_not_all_explained():
    screen = Screen()
    names = [str(number) for number in range(9)]
    screen.table.begun(run(), names)
    for name in names:
        screen.table.step(name, StepStatus.FAILED, 1, "no")
    screen.table.ended(run(Status.FAILED))
    assert screen.written().count(" failed: no\n") == 5
    assert "and 4 more steps failed" in screen.written()


def test_one_table_shows_one_run_after_another(screen):
    for name in ("first", "second"):
        screen.table.begun(run(), [name])
        screen.table.step(name, StepStatus.COMPLETED, 1, "")
        screen.table.ended(run(Status.COMPLETED))
    assert len(screen.frame()) == 2
    assert screen.frame()[1].startswith("✓ second")


class Broken(io.StringIO):
    """A terminal that fails from some moment on."""

    def __init__(self, error):
        super().__init__()
        self.error = error
        self.works = True

    def write(self, text):
        if not self.works:
            raise self.error
        return super().write(text)

    def fileno(self):
        raise io.UnsupportedOperation


@pytest.mark.parametrize("error", [OSError(errno.EIO, "gone"), ValueError("I/O operation on closed file")])
@pytest.mark.parametrize("breaks", ["before", "meanwhile"])
def test_a_terminal_that_goes_away_takes_nothing_with_it(error, breaks):
    file = Broken(error)
    file.works = breaks == "meanwhile"
    table = LiveTable(Console(file=file, force_terminal=True, width=80, height=24))
    table.begun(run(), ["a"])
    table.step("a", StepStatus.RUNNING, 1, "")
    file.works = False
    table.printed("a", ["x"])
    table.step("a", StepStatus.FAILED, 1, "no")
    table.ended(run(Status.FAILED, "no"))
    for thread in threading.enumerate():
        if "Refresh" in type(thread).__name__:
            thread.join(60)
            assert not thread.is_alive()


def test_frames_are_few():
    assert FRAMES <= 8
