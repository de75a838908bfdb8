"""Operations on what tasks leave behind: artifacts, plots, console, scalars."""

from __future__ import annotations

import math
import threading

import pytest

from penstock.core.errors import Invalid, NotFound
from penstock.core.outputs import Artifact, ConsoleLine, Plot, ScalarPoint, Stream, TableHead
from penstock.ops.models import AddModel
from penstock.ops.outputs import (
    AddArtifact,
    AppendConsole,
    GetArtifact,
    GetScalars,
    LastLines,
    ListArtifacts,
    ListPlots,
    ListRecords,
    NewPoints,
    ReadConsole,
    RecordKind,
    ReportPlots,
    ReportScalars,
    SummarizeScalars,
    TaskRecords,
)

NOBODY = "b" * 32
HASH = "0" * 64


def lines(*texts):
    return tuple(ConsoleLine(1.0 + number, Stream.OUT, text) for number, text in enumerate(texts))


def points(*values, start=0):
    return tuple(ScalarPoint(start + number, value, 1.0) for number, value in enumerate(values))


def series(*values, title="loss", name="train", start=0):
    return (NewPoints(title=title, series=name, points=points(*values, start=start)),)


@pytest.mark.parametrize(
    "op",
    [
        AddArtifact(artifact=Artifact(task=NOBODY, name="x", format="json", type="int", hash=HASH, size=1, url="")),
        AppendConsole(task=NOBODY, lines=lines("a")),
        ReadConsole(task=NOBODY),
        ReportScalars(task=NOBODY, series=series(1.0)),
        ReportPlots(task=NOBODY, plots=()),
        GetArtifact(task=NOBODY, name="x"),
        ListArtifacts(task=NOBODY),
        GetScalars(task=NOBODY),
        SummarizeScalars(task=NOBODY),
        ListPlots(task=NOBODY),
    ],
    ids=lambda op: type(op).__name__,
)
def test_outputs_of_a_task_that_is_not_there_are_refused(backend, op):
    with pytest.raises(NotFound, match=f"no task {NOBODY}"):
        backend.call(op)


def test_an_artifact_of_the_same_name_is_replaced(desk):
    task = desk.task()
    first = desk.backend.call(AddArtifact(artifact=desk.artifact(task, "x", b"1", preview="one")))
    desk.backend.call(AddArtifact(artifact=desk.artifact(task, "y", b"2", metadata={"rows": "3"})))
    third = desk.backend.call(AddArtifact(artifact=desk.artifact(task, "x", b"3", preview="three")))
    assert first.created > 0
    assert desk.backend.call(GetArtifact(task=task.id, name="x")) == third
    assert sorted(one.name for one in desk.backend.call(ListArtifacts(task=task.id))) == ["x", "y"]
    assert desk.backend.call(GetArtifact(task=task.id, name="y")).metadata == {"rows": "3"}


@pytest.mark.parametrize(("asked", "hint"), [("modle", "did you mean 'model'?"), ("zzz", "known: 'model', 'scores'")])
def test_an_artifact_that_is_not_there_names_those_that_are(desk, asked, hint):
    task = desk.task()
    for name in ("model", "scores"):
        desk.backend.call(AddArtifact(artifact=desk.artifact(task, name)))
    with pytest.raises(NotFound, match=f"task {task.id} has no artifact '{asked}'") as caught:
        desk.backend.call(GetArtifact(task=task.id, name=asked))
    assert caught.value.hint == hint


def test_eight_writers_lose_nothing_of_each_other(desk):
    """T48: artifacts, lines and points that come at once are all there."""
    task = desk.task()

    def work(me):
        for number in range(10):
            desk.backend.call(AddArtifact(artifact=desk.artifact(task, f"{me}.{number}")))
            desk.backend.call(AppendConsole(task=task.id, lines=lines(f"{me}.{number}")))
            desk.backend.call(ReportScalars(task=task.id, series=series(1.0, name=str(me), start=number)))

    writers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    expected = {f"{me}.{number}" for me in range(8) for number in range(10)}
    assert {one.name for one in desk.backend.call(ListArtifacts(task=task.id))} == expected
    printed = [line.text for chunk in desk.backend.call(ReadConsole(task=task.id)) for line in chunk.lines]
    assert sorted(printed) == sorted(expected)
    assert [len(one.points) for one in desk.backend.call(GetScalars(task=task.id))] == [10] * 8


def test_the_console_of_a_run_is_that_of_its_steps_merged(desk):
    run = desk.run("a", "b")
    first, second = desk.launch(run, "a"), desk.launch(run, "b")
    for task, text in ((first, "1"), (second, "2"), (run, "3"), (first, "4")):
        desk.backend.call(AppendConsole(task=task.id, lines=lines(text, f"{text}b")))

    def read(task, **options):
        chunks = desk.backend.call(ReadConsole(task=task.id, **options))
        return [(chunk.task, [line.text for line in chunk.lines]) for chunk in chunks]

    assert read(first) == [(first.id, ["1", "1b"]), (first.id, ["4", "4b"])]
    assert [task for task, _ in read(run, whole_run=True)] == [first.id, second.id, run.id, first.id]
    assert read(run) == [(run.id, ["3", "3b"])]
    chunk = desk.backend.call(ReadConsole(task=run.id, whole_run=True, limit=1))[0]
    assert len(read(run, whole_run=True, after=chunk.id)) == 3


def test_a_list_of_artifacts_has_few_rows_of_a_table_and_the_artifact_has_all(desk):
    task = desk.task()
    rows = tuple((str(number),) for number in range(200))
    kept = desk.artifact(task, table=TableHead(columns=("a",), types=("int",), rows=rows))
    desk.backend.call(AddArtifact(artifact=kept))
    (listed,) = desk.backend.call(ListArtifacts(task=task.id))
    (recorded,) = desk.backend.call(ListRecords(tasks=(task.id,), kind=RecordKind.ARTIFACTS))
    assert recorded.artifacts == (listed,)
    assert listed.table == TableHead(columns=("a",), types=("int",), rows=rows[:10])
    assert desk.backend.call(GetArtifact(task=task.id, name=kept.name)).table.rows == rows


def test_what_many_tasks_recorded_is_read_at_once(desk):
    first, second, none = desk.task(), desk.task("second"), desk.task("none")
    artifact = desk.backend.call(AddArtifact(artifact=desk.artifact(second)))
    model = desk.backend.call(AddModel(model=desk.model(first)))
    desk.backend.call(ReportScalars(task=first.id, series=series(1.0)))
    tasks = (none.id, second.id, first.id, NOBODY)

    def read(kind):
        return desk.backend.call(ListRecords(tasks=tasks, kind=kind))

    assert read(RecordKind.ARTIFACTS) == [TaskRecords(task=second.id, artifacts=(artifact,))]
    assert [(one.task, one.models[0].id) for one in read(RecordKind.MODELS)] == [(first.id, model.id)]
    (found,) = read(RecordKind.SCALARS)
    assert found == TaskRecords(task=first.id, scalars=tuple(desk.backend.call(SummarizeScalars(task=first.id))))
    with pytest.raises(Invalid, match="501 tasks are too many"):
        desk.backend.call(ListRecords(tasks=(NOBODY,) * 501, kind=RecordKind.MODELS))


def test_the_last_line_of_each_task_that_printed(desk):
    tasks = [desk.task() for _ in range(3)]
    for task in tasks[:2]:
        desk.backend.call(AppendConsole(task=task.id, lines=lines("first", f"last of {task.id}")))
    found = desk.backend.call(LastLines(tasks=(*(task.id for task in tasks), NOBODY)))
    assert found == {task.id: f"last of {task.id}" for task in tasks[:2]}


def test_points_are_appended_and_summed_up(desk):
    task = desk.task()
    for start, values in ((0, (3.0, math.nan)), (2, (1.0, math.inf))):
        desk.backend.call(ReportScalars(task=task.id, series=series(*values, start=start)))
    desk.backend.call(ReportScalars(task=task.id, series=series(0.5, title="Summary", name="accuracy")))
    found = {one.title: one for one in desk.backend.call(GetScalars(task=task.id))}
    assert [point.iteration for point in found["loss"].points] == [0, 1, 2, 3]
    assert [str(point.value) for point in found["loss"].points] == ["3.0", "nan", "1.0", "inf"]
    summary = {one.title: one for one in desk.backend.call(SummarizeScalars(task=task.id))}["loss"]
    assert (summary.minimum, summary.maximum, summary.last) == (1.0, math.inf, math.inf)
    assert (summary.count, summary.iteration) == (4, 3)


def test_a_plot_of_the_same_place_is_replaced(desk):
    task = desk.task()

    def report(data, iteration):
        plot = Plot(title="t", series="s", kind="table", iteration=iteration, data=data)
        desk.backend.call(ReportPlots(task=task.id, plots=(plot,)))

    for data, iteration in (("1", 0), ("2", 1), ("3", 0)):
        report(data, iteration)
    found = desk.backend.call(ListPlots(task=task.id))
    assert {(plot.iteration, plot.data) for plot in found} == {(0, "3"), (1, "2")}
    assert all(plot.at > 0 for plot in found)


def test_a_drawing_asks_for_two_points_or_more(desk):
    task = desk.task()
    desk.backend.call(ReportScalars(task=task.id, series=series(1.0, 5.0, 2.0)))
    (found,) = desk.backend.call(GetScalars(task=task.id, titles=("loss",), max_points=2))
    assert [point.value for point in found.points] == [1.0, 2.0]
    with pytest.raises(Invalid, match="max_points must be 2 or more, not 1"):
        desk.backend.call(GetScalars(task=task.id, max_points=1))
