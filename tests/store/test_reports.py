from __future__ import annotations

from collections.abc import Iterator
from math import inf, isnan, nan

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from penstock.core.errors import Invalid
from penstock.core.outputs import ConsoleLine, ScalarPoint, ScalarSummary, Stream
from penstock.core.task import Task
from penstock.ops.outputs import NewPoints
from penstock.store.reports import FULL, LOOSE
from penstock.store.sqlite import SqliteStore
from penstock.store.transaction import SqlTx


@pytest.fixture
def tx(store: SqliteStore) -> Iterator[SqlTx]:
    with store.transaction(durable=False) as tx:
        yield tx


def lines(*texts: str, stream: Stream = Stream.OUT) -> tuple[ConsoleLine, ...]:
    return tuple(ConsoleLine(at=float(number), stream=stream, text=text) for number, text in enumerate(texts))


def points(*values: float, start: int = 0) -> NewPoints:
    numbered = enumerate(values, start)
    return NewPoints(
        title="loss", series="train", points=tuple(ScalarPoint(i, value, i * 0.5) for i, value in numbered)
    )


def chunks(tx: SqlTx) -> list[int]:
    return [row[0] for row in tx.tasks._session.rows("SELECT count FROM scalar_chunks ORDER BY id")]


def test_console_lines_come_back_as_they_were_printed(tx: SqlTx) -> None:
    printed = lines("", "plain", "naïve 模型 🚂", "\x1b[31mred\x1b[0m", "tab\tcarriage\rnul\0", "x" * 3_000_000)
    tx.reports.append_console("t", None, printed)
    (chunk,) = tx.reports.console("t", whole_run=False, after=0, limit=10)
    assert (chunk.task, chunk.lines) == ("t", printed)


def test_half_characters_are_spelled_out_since_printing_never_fails(tx: SqlTx) -> None:
    tx.reports.append_console("t", None, lines("ok", "b\udcffd"))
    (chunk,) = tx.reports.console("t", whole_run=False, after=0, limit=10)
    assert [line.text for line in chunk.lines] == ["ok", "b\\udcffd"]


def test_the_console_is_read_on_from_where_one_stands(tx: SqlTx) -> None:
    for number in range(300):
        tx.reports.append_console("t", "r", lines(f"line {number}", stream=Stream.ERR))
    first = tx.reports.console("t", whole_run=False, after=0, limit=100)
    rest = tx.reports.console("t", whole_run=False, after=first[-1].id, limit=1000)
    assert [line.text for chunk in first + rest for line in chunk.lines] == [f"line {n}" for n in range(300)]
    assert tx.reports.console("t", whole_run=False, after=rest[-1].id, limit=10) == []


def test_the_console_is_read_back_from_its_end_and_between_two_places(tx: SqlTx) -> None:
    for number in range(30):
        tx.reports.append_console("t", "r", lines(f"{number}"))
        tx.reports.append_console("other", "r", lines("not this one"))

    def read(**options: int | bool | None) -> tuple[list[int], list[int]]:
        found = tx.reports.console("t", whole_run=False, **{"after": 0, "limit": 100, **options})  # type: ignore[arg-type]
        return [chunk.id for chunk in found], [int(line.text) for chunk in found for line in chunk.lines]

    ids, _ = read()
    assert read(newest=True, limit=3)[1] == [27, 28, 29]
    assert read(newest=True, limit=3, before=ids[27])[1] == [24, 25, 26]
    assert read(after=ids[3], before=ids[8])[1] == [4, 5, 6, 7]
    assert read(after=ids[3], before=ids[8], limit=2)[1] == [4, 5]
    assert read(after=ids[3], before=ids[8], limit=2, newest=True)[1] == [6, 7]
    assert read(before=ids[0], newest=True) == ([], [])


def test_the_console_of_a_run_is_its_own_and_its_steps_as_they_came(tx: SqlTx) -> None:
    for task, run in (("r", None), ("a", "r"), ("b", "r"), ("other", None), ("a", "r"), ("r", None)):
        tx.reports.append_console(task, run, lines(task))
    assert [chunk.task for chunk in tx.reports.console("r", whole_run=True, after=0, limit=9)] == [
        "r",
        "a",
        "b",
        "a",
        "r",
    ]
    assert [chunk.task for chunk in tx.reports.console("r", whole_run=False, after=0, limit=9)] == ["r", "r"]


def test_no_lines_are_no_chunk(tx: SqlTx) -> None:
    tx.reports.append_console("t", None, ())
    assert tx.reports.console("t", whole_run=False, after=0, limit=9) == []


def test_the_last_line_is_given_for_those_that_printed(tx: SqlTx) -> None:
    for id in "abc":
        tx.tasks.add(Task(id=id, name="n", project="p"))
    tx.reports.append_console("a", None, lines("1", "2"))
    tx.reports.append_console("b", None, lines("only"))
    tx.reports.append_console("a", None, lines("3", "last"))
    assert tx.reports.last_lines(["a", "b", "c", "gone"]) == {"a": "last", "b": "only"}
    assert tx.reports.last_lines([]) == {}


def test_chunk_numbers_are_not_given_again_after_a_task_is_deleted(tx: SqlTx) -> None:
    for id in "ab":
        tx.tasks.add(Task(id=id, name="n", project="p"))
        tx.reports.append_console(id, "r", lines("x"))
    (last,) = tx.reports.console("b", whole_run=False, after=0, limit=9)
    tx.tasks.delete(["b"])
    tx.reports.append_console("a", "r", lines("y"))
    assert len(tx.reports.console("r", whole_run=True, after=last.id, limit=9)) == 1


def test_points_come_back_in_the_order_of_their_report_by_title_and_series(tx: SqlTx) -> None:
    b = NewPoints(title="b", series="x", points=(ScalarPoint(5, 1.0, 0.0), ScalarPoint(4, 2.0, 0.0)))
    a2 = NewPoints(title="a", series="2", points=(ScalarPoint(None, 3.0, 0.0),))
    a1 = NewPoints(title="a", series="1", points=(ScalarPoint(-1, 4.0, 0.0),))
    tx.reports.append_scalars("t", [b, a2, a1])
    tx.reports.append_scalars("t", [NewPoints(title="b", series="x", points=(ScalarPoint(5, 9.0, 1.0),))])
    tx.reports.append_scalars("u", [a1])
    found = tx.reports.scalars("t")
    assert [(one.title, one.series) for one in found] == [("a", "1"), ("a", "2"), ("b", "x")]
    assert found[2].points == (*b.points, ScalarPoint(5, 9.0, 1.0))
    assert found[1].points == a2.points
    assert tx.reports.scalars("none") == []


def test_a_million_reports_become_few_rows_without_losing_order(tx: SqlTx) -> None:
    count = 12 * LOOSE + 7
    for number in range(count):
        tx.reports.append_scalars("t", [points(number * 1.5, start=number)])
    (series,) = tx.reports.scalars("t")
    assert [point.iteration for point in series.points] == list(range(count))
    assert [point.value for point in series.points] == [number * 1.5 for number in range(count)]
    assert chunks(tx) == [12 * LOOSE, *[1] * 7]


def test_full_chunks_stay_as_they_are(tx: SqlTx) -> None:
    for number in range(2 * FULL + 1):
        tx.reports.append_scalars("t", [points(1.0, start=number)])
    assert chunks(tx) == [FULL, FULL, 1]


def test_a_great_report_among_small_ones_keeps_its_place(tx: SqlTx) -> None:
    expected: list[float] = []
    for number in range(3 * LOOSE):
        values = [float(number)] * (FULL if number in {50, 120, LOOSE * 2 - 1} else 1)
        tx.reports.append_scalars("t", [points(*values)])
        expected += values
    (series,) = tx.reports.scalars("t")
    assert [point.value for point in series.points] == expected


def test_numbers_that_are_none_and_infinite_come_back(tx: SqlTx) -> None:
    tx.reports.append_scalars("t", [points(nan, inf, -inf, -0.0, 5e-324, 1.7976931348623157e308)])
    (series,) = tx.reports.scalars("t")
    values = [point.value for point in series.points]
    assert isnan(values[0])
    assert repr(values[1:]) == repr([inf, -inf, -0.0, 5e-324, 1.7976931348623157e308])


NUMBERS = st.floats() | st.floats(width=16)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(reports=st.lists(st.lists(NUMBERS, max_size=4), min_size=1, max_size=6))
def test_the_summary_says_what_all_points_together_say(undone, reports: list[list[float]]) -> None:
    with undone() as tx:
        for number, values in enumerate(reports):
            tx.reports.append_scalars("t", [points(*values, start=number)])
        everything = [value for values in reports for value in values]
        found = tx.reports.summaries("t")
        if not everything:
            assert found == []
        else:
            numbers = [value for value in everything if not isnan(value)]
            last = max(number for number, values in enumerate(reports) if values)
            expected = ScalarSummary(
                title="loss",
                series="train",
                last=everything[-1],
                minimum=min(numbers, default=nan),
                maximum=max(numbers, default=nan),
                count=len(everything),
                iteration=last + len(reports[last]) - 1,
            )
            assert repr(found).replace("-0.0", "0.0") == repr([expected]).replace("-0.0", "0.0")


def test_a_value_that_a_task_has_once_has_no_iteration(tx: SqlTx) -> None:
    tx.reports.append_scalars("t", [NewPoints(title="s", series="f1", points=(ScalarPoint(None, 0.5, 1.0),))])
    (summary,) = tx.reports.summaries("t")
    assert (summary.iteration, summary.last, summary.count) == (None, 0.5, 1)


def test_no_points_are_no_series(tx: SqlTx) -> None:
    tx.reports.append_scalars("t", [points()])
    assert tx.reports.scalars("t") == tx.reports.summaries("t") == []


def test_an_iteration_that_no_column_holds_is_refused(tx: SqlTx) -> None:
    with pytest.raises(Invalid, match="64 bits"):
        tx.reports.append_scalars("t", [points(1.0, start=2**63)])
    with pytest.raises(Invalid, match="64 bits"):
        tx.reports.append_scalars("t", [points(1.0, start=2**64)])


def test_series_are_copied_with_all_their_points(tx: SqlTx) -> None:
    for number in range(3 * LOOSE + 5):
        tx.reports.append_scalars("a", [points(number, nan, start=number)])
    tx.reports.append_scalars("a", [NewPoints(title="b", series="x", points=(ScalarPoint(None, inf, 1.0),))])
    tx.reports.copy_scalars("a", "b")
    tx.reports.copy_scalars("none", "b")
    assert repr(tx.reports.scalars("b")) == repr(tx.reports.scalars("a"))
    assert repr(tx.reports.summaries("b")) == repr(tx.reports.summaries("a"))
    assert tx.reports.scalars("none") == []


def test_a_series_that_is_there_gets_the_copied_points_as_well(tx: SqlTx) -> None:
    tx.reports.append_scalars("a", [points(1.0, 2.0)])
    tx.reports.append_scalars("b", [points(9.0)])
    tx.reports.copy_scalars("a", "b")
    (series,) = tx.reports.scalars("b")
    assert [point.value for point in series.points] == [9.0, 1.0, 2.0]
    assert tx.reports.summaries("b")[0].count == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(values=st.lists(st.sampled_from([0.0, 1.0, nan, inf]), max_size=12), data=st.data())
def test_removing_points_leaves_the_others_as_if_they_had_come_alone(undone, values: list[float], data) -> None:
    everything = points(*values).points
    removed = data.draw(st.lists(st.sampled_from(everything), unique_by=id)) if everything else []
    kept = [one for one in everything if not any(one is other for other in removed)]
    with undone() as tx:
        for one in everything:
            tx.reports.append_scalars("a", [replace(points(), points=(one,))])
        tx.reports.append_scalars("b", [replace(points(), points=tuple(kept))])
        unknown = ScalarPoint(99, 5.0, 0.0)
        tx.reports.remove_scalars("a", [replace(points(), points=(*removed, unknown))])
        tx.reports.remove_scalars("a", [replace(points(), title="never there", points=everything)])
        assert repr(tx.reports.scalars("a")) == repr(tx.reports.scalars("b"))
        assert repr(tx.reports.summaries("a")) == repr(tx.reports.summaries("b"))


def test_points_are_removed_as_often_as_they_are_given(tx: SqlTx) -> None:
    (one,) = points(1.0).points
    tx.reports.append_scalars("a", [replace(points(), points=(one,) * 3)])
    tx.reports.append_scalars("b", [replace(points(), points=(one,))])
    tx.reports.remove_scalars("a", [replace(points(), points=(one,) * 2)])
    assert tx.reports.scalars("a")[0].points == (one,)
    assert tx.reports.scalars("b")[0].points == (one,)


def test_lines_that_came_as_one_text_are_read_apart(tx: SqlTx) -> None:
    tx.tasks.add(Task(id="t", name="n", project="p"))
    tx.reports.append_console(
        "t", None, (ConsoleLine(1.0, Stream.ERR, "one\n\nthree"), ConsoleLine(2.0, Stream.OUT, ""))
    )
    (chunk,) = tx.reports.console("t", whole_run=False, after=0, limit=10)
    assert chunk.lines == (
        ConsoleLine(1.0, Stream.ERR, "one"),
        ConsoleLine(1.0, Stream.ERR, ""),
        ConsoleLine(1.0, Stream.ERR, "three"),
        ConsoleLine(2.0, Stream.OUT, ""),
    )
    tx.reports.append_console("t", None, (ConsoleLine(3.0, Stream.OUT, "x\nlast"),))
    assert tx.reports.last_lines(["t"]) == {"t": "last"}


def test_a_drawing_has_few_points_of_the_titles_that_it_asks_for(tx: SqlTx) -> None:
    for number in range(0, 5000, 1000):
        tx.reports.append_scalars("t", [points(*[float(one) for one in range(number, number + 1000)], start=number)])
    tx.reports.append_scalars("t", [replace(points(1.0), title="other")])
    (series,) = tx.reports.scalars("t", ["loss"], 50)
    assert len(series.points) <= 50
    assert (series.points[0].value, series.points[-1].value) == (0.0, 4999.0)
    assert len(tx.reports.scalars("t")) == 2
    assert tx.reports.scalars("t", []) == []
