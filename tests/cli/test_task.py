"""One recorded task."""

from __future__ import annotations

import pytest

from penstock.core.outputs import ScalarPoint
from penstock.core.task import Parameter, Script, ScriptKind, Status
from penstock.ops.outputs import NewPoints, ReportScalars
from penstock.ops.tasks import CreateTask, NewTask, SetParameters


@pytest.fixture
def task(recorder):
    script = Script(
        entry_point="train.py",
        kind=ScriptKind.SCRIPT,
        repository="https://example.com/r.git",
        commit="c" * 40,
        diff="diff",
        packages=("numpy==2.0",),
    )
    task = recorder.begin(recorder.task("train", script=script, tags=("red",), comment="the first"))
    rate = Parameter(section="General", name="rate", value=0.5, type="float", description="how fast")
    recorder.call(SetParameters(task=task.id, parameters=(rate,)))
    recorder.artifact(task.id, "numbers")
    points = NewPoints(title="loss", series="train", points=(ScalarPoint(0, 2.0, 1.0), ScalarPoint(1, 1.0, 2.0)))
    recorder.call(ReportScalars(task=task.id, series=(points,)))
    recorder.prints(task.id, "hello", "\x1b[2Jworld")
    return recorder.end(task, Status.FAILED, "ValueError: no\nmore")


def test_a_task_is_shown_with_all_that_is_known_of_it(task, penstock):
    out = penstock("task", "train").out
    for part in (
        "train.py in https://example.com/r.git at cccccccccccc, with changes that are not committed",
        "exception: ValueError: no",
        "numpy==2.0",
        "General/rate",
        "how fast",
        "numbers",
        "loss",
        "the first",
        task.id,
    ):
        assert part in out
    assert "more" not in out


def test_what_a_task_printed_is_printed_alone_and_harmlessly(task, penstock):
    answer = penstock("task", task.id[:6], "--logs")
    assert answer.out.splitlines()[0] == "hello"
    assert "world" in answer.out
    assert "\x1b" not in answer.out


def test_a_task_as_a_document_holds_its_records(task, penstock):
    document = penstock("task", "--json").document()
    assert document["task"]["id"] == task.id
    assert [one["name"] for one in document["parameters"]] == ["rate"]
    assert [one["name"] for one in document["artifacts"]] == ["numbers"]
    assert document["models"] == document["configurations"] == []
    assert document["metrics"][0]["last"] == 1.0


def test_a_task_is_named_by_its_id_its_name_or_as_the_last(recorder, penstock):
    first, last = recorder.task("train"), recorder.task("train")
    run = recorder.run({"step of a run": []})
    attempt = recorder.attempt(run, "step of a run")
    for text, meant in [("train", last), ("last", last), (first.id[:8], first), (attempt.id, attempt)]:
        assert penstock("task", text, "--json").document()["task"]["id"] == meant.id
    assert penstock("task", "step of a run", "--json").document()["task"]["id"] == attempt.id


def test_a_task_that_is_not_there_or_not_clear_is_said(recorder, penstock):
    answer = penstock("task", "nothing")
    assert answer.code == 3
    assert "there is no task 'nothing'" in answer.err
    for digits in ("abcd1", "abcd2"):
        recorder.call(CreateTask(task=NewTask(id=digits.ljust(32, "0"), name="train", project="P")))
    assert penstock("task", "abc").code == 3
    answer = penstock("task", "abcd")
    assert answer.code == 2
    assert "may mean several tasks: abcd20000000 (train), abcd10000000 (train)" in answer.err
    assert penstock("task", "ABCD1").code == 0
