"""What a run and its steps printed, as one log that is read in parts."""

from __future__ import annotations

import pytest

from penstock.core.errors import Invalid, NotFound
from penstock.core.outputs import ConsoleLine, Stream
from penstock.ops.logs import LogSource, ReadLog
from penstock.ops.outputs import AppendConsole


def prints(desk, task, *lines, stream=Stream.OUT):
    """Record lines, each with when it was read, as one piece."""
    console = tuple(ConsoleLine(at, stream, text) for at, text in lines)
    desk.backend.call(AppendConsole(task=task.id, lines=console))


def log(desk, run, **fields):
    return desk.backend.call(ReadLog(run=run.id, **fields))


def told(page):
    return [(page.sources[line.source].step, line.text) for line in page.lines]


@pytest.fixture
def run(desk):
    return desk.run("a", "b")


@pytest.fixture
def tasks(desk, run):
    return [desk.launch(run, step) for step in ("a", "b")]


def test_lines_of_all_steps_come_in_the_order_of_time_whatever_piece_they_came_in(desk, run, tasks):
    prints(desk, tasks[0], (1.0, "a1"), (3.0, "a3"))
    prints(desk, tasks[1], (2.0, "b2"), (3.0, "b3"), stream=Stream.ERR)
    prints(desk, run.task, (1.5, "run"))
    page = log(desk, run)
    assert told(page) == [("a", "a1"), ("", "run"), ("b", "b2"), ("a", "a3"), ("b", "b3")]
    assert page.is_over
    assert [line.stream for line in page.lines] == [Stream.OUT, Stream.OUT, Stream.ERR, Stream.OUT, Stream.ERR]
    assert set(page.sources) == {
        LogSource(task=run.id), LogSource(task=tasks[0].id, step="a", attempt=1),
        LogSource(task=tasks[1].id, step="b", attempt=1),
    }  # fmt: skip


@pytest.mark.parametrize("lines", [1, 2, 7, 20, 1_000])
@pytest.mark.parametrize("newest", [False, True])
def test_parts_put_together_are_the_whole_log_from_either_end(desk, run, tasks, lines, newest):
    for number in range(90):
        prints(desk, tasks[number % 2], (number + 0.1, f"{number}a"), (number + 0.2, f"{number}b"))
    whole = told(log(desk, run, lines=20_000))
    assert len(whole) == 180
    found, page = [], log(desk, run, lines=lines, newest=newest)
    while True:
        found = told(page) + found if newest else found + told(page)
        if page.is_over:
            break
        place = {"before": page.first} if newest else {"after": page.last}
        page = log(desk, run, lines=lines, newest=newest, **place)
    assert found == whole


def test_whoever_has_read_to_the_end_gets_what_comes_after(desk, run, tasks):
    prints(desk, tasks[0], (1.0, "old"))
    end = log(desk, run, newest=True, lines=1).last
    assert log(desk, run, after=end).lines == ()
    assert log(desk, run, after=end).last == end
    prints(desk, tasks[0], (2.0, "new"))
    assert told(log(desk, run, after=end)) == [("a", "new")]


def test_only_the_steps_that_are_wanted_are_told(desk, run, tasks):
    for task in (*tasks, run.task):
        prints(desk, task, (1.0, "x"))
    assert told(log(desk, run, steps=("b", ""))) == [("b", "x"), ("", "x")]
    assert log(desk, run, steps=("z",)).lines == ()


def test_a_call_passes_over_a_limited_number_of_lines_of_others(desk, run, tasks, monkeypatch):
    monkeypatch.setattr("penstock.service.logs.LOOKED_AT", 2)
    for number in range(5):
        prints(desk, tasks[0], (float(number), "a"))
    prints(desk, tasks[1], (9.0, "b"))
    page, calls = log(desk, run, steps=("b",)), 1
    while not page.is_over:
        page, calls = log(desk, run, steps=("b",), after=page.last), calls + 1
    assert told(page) == [("b", "b")]
    assert calls == 3


def test_what_makes_no_sense_is_refused(desk, run):
    with pytest.raises(Invalid, match="lines must be 1 to 20,000, not 0"):
        log(desk, run, lines=0)
    with pytest.raises(NotFound):
        log(desk, desk.task())
