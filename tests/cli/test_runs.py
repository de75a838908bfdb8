"""The list of runs."""

from __future__ import annotations

import pytest

from penstock.cli.runs import length, steps_done
from penstock.core import search
from penstock.core.outputs import ScalarPoint
from penstock.core.task import Parameter, Status
from penstock.ops.outputs import NewPoints, ReportScalars
from penstock.ops.tasks import SetParameters


def rows(answer):
    return [line.split() for line in answer.out.splitlines()[1:]]


def names(answer):
    return [run["task"]["name"] for run in answer.document()["runs"]]


def test_runs_are_listed_newest_first_with_what_they_did(recorder, penstock):
    """Promise 5: the version is shown in the table of runs."""
    recorder.complete({"load": [], "train": ["load"]})
    run = recorder.run({"load": [], "train": ["load"]})
    recorder.end(recorder.attempt(run, "load"))
    answer = penstock("runs")
    assert answer.code == 0
    header, newest, oldest = answer.out.splitlines()
    assert header.split() == ["NAME", "VERSION", "STATUS", "STARTED", "DURATION", "STEPS", "ID"]
    assert newest.startswith("iris #2  1.0.0    ● in_progress  just now")
    assert "1/2" in newest
    assert run.id[:8] in newest
    assert oldest.startswith("iris     1.0.0    ✓ completed")
    assert "2/2" in oldest


def test_the_project_is_shown_where_there_are_several(recorder, penstock):
    recorder.complete({"a": []}, name="one", project="First")
    assert "PROJECT" not in penstock("runs").out
    recorder.complete({"a": []}, name="two", project="Second")
    assert [row[-2] for row in rows(penstock("runs"))] == ["Second", "First"]


def test_drafts_are_hidden_unless_asked_for(recorder, penstock):
    recorder.draft("never started")
    assert penstock("runs").out == ""
    assert "○ created" in penstock("runs", "--all").out
    assert names(penstock("runs", "--status", "created", "--json")) == ["never started"]


def test_filters_narrow_the_list(recorder, penstock):
    recorder.complete({"a": []}, name="one", project="First")
    recorder.finish(recorder.run({"a": []}, name="two", project="First"), Status.FAILED)
    recorder.complete({"a": []}, name="three", project="Second")
    assert names(penstock("runs", "--json")) == ["three", "two", "one"]
    assert names(penstock("runs", "--json", "--project", "First")) == ["two", "one"]
    assert names(penstock("runs", "--json", "--pipeline", "three")) == ["three"]
    assert names(penstock("runs", "--json", "--status", "failed", "--status", "stopped")) == ["two"]
    assert names(penstock("runs", "--json", "--limit", "1")) == ["three"]


def test_an_empty_list_says_how_to_begin(penstock):
    answer = penstock("runs")
    assert (answer.code, answer.out) == (0, "")
    assert "penstock run SCRIPT" in answer.err
    assert penstock("runs", "--project", "x").err == "no runs match\n"
    assert penstock("runs", "--json").document() == {"runs": []}


def test_a_run_whose_process_is_gone_is_not_shown_as_running(recorder, penstock, dead_worker):
    recorder.run({"a": []}, worker=dead_worker)
    assert "■ stopped" in penstock("runs").out


def test_a_name_does_nothing_to_the_terminal_or_the_table(recorder, penstock):
    recorder.complete({"a": []}, name="[red]x[/]\x1b[31m\n")
    (line,) = penstock("runs").out.splitlines()[1:]
    assert line.startswith("[red]x[/]\\n ")


def test_a_narrow_terminal_leaves_the_least_out_first(recorder, terminal):
    recorder.complete({"a": []}, name="one", project="First")
    recorder.complete({"a": []}, name="two", project="Second")
    header = terminal(60, 20).call("runs").out.splitlines()[0]
    assert "STEPS" in header
    assert "ID" not in header


@pytest.mark.parametrize(
    ("started", "ended", "text"), [(None, None, ""), (10.0, 12.5, "2.50 s"), (10.0, None, "10.0 s")]
)
def test_lengths_go_on_until_the_end(started, ended, text):
    assert length(started, ended, now=20.0) == text


@pytest.mark.parametrize(
    ("counts", "text"),
    [({}, ""), ({"completed": 1, "cached": 1, "failed": 1, "pending": 2}, "2/5"), ({"pending": 3}, "0/3")],
)
def test_steps_that_did_their_work_are_counted(counts, text):
    assert steps_done(counts) == text


def test_the_list_is_filtered_sorted_and_shown_with_columns(recorder, penstock):
    for rate in (0.5, 0.25, 0.125):
        run = recorder.complete({"a": []})
        value = Parameter(section="Args", name="rate", value=rate)
        recorder.backend.call(SetParameters(task=run.id, parameters=(value,)))
    answer = penstock("runs", "--where", "Args/rate<0.4", "--sort", "Args/rate", "--columns", "Args/rate")
    header, *lines = answer.out.splitlines()
    assert header.split()[-1] == "Args/rate"
    assert [line.split()[-1] for line in lines] == ["0.125", "0.25"]
    options = ("--where", "status=completed|failed", "--where", "started>1h", "--sort=-Args/rate", "--limit", "2")
    document = penstock("runs", "--json", "--columns", "Args/rate,loss:train", *options).document()
    assert [run["values"] for run in document["runs"]] == [
        {"Args/rate": rate, "loss:train": None} for rate in (0.5, 0.25)
    ]
    assert penstock("runs", "--where", "colour=red").code == 2
    assert "did you mean" in penstock("runs", "--where", "statsu=failed").err


def test_a_column_that_no_run_has_a_value_for_is_shown_empty_and_told_of_with_what_there_is(recorder, penstock):
    run = recorder.complete({"a": []})
    value = Parameter(section="Args", name="rate", value=0.5)
    recorder.backend.call(SetParameters(task=run.id, parameters=(value,)))
    points = NewPoints(title="loss", series="train", points=(ScalarPoint(1, 1.0, 0.0),))
    recorder.backend.call(ReportScalars(task=run.id, series=(points,)))
    answer = penstock("runs", "--columns", "Args/rate,loss:trian:min,loss:train,Zeta/other")
    assert answer.code == 0
    assert answer.err.splitlines() == [
        "none of these runs has a metric 'loss:trian:min'; did you mean 'loss:train'?",
        "none of these runs has a parameter 'Zeta/other'; known: 'Args/rate'",
    ]
    assert penstock("runs", "--json", "--columns", "a:b").err == ""
    assert penstock("runs", "--where", "name=nobody", "--columns", "a:b").err == "no runs match\n"


def test_a_column_of_runs_that_have_none_of_its_kind_says_so(recorder, penstock):
    recorder.complete({"a": []})
    assert penstock("runs", "--columns", "a:b").err == (
        "none of these runs has a metric 'a:b'; iris has no metrics of its own\n"
    )


def test_a_long_list_is_read_page_by_page(recorder, penstock, monkeypatch):
    monkeypatch.setattr(search, "MOST_ROWS", 2)
    made = [recorder.complete({"a": []}, name=f"number {number}") for number in range(5)]
    assert names(penstock("runs", "--json", "--limit", "4")) == [run.task.name for run in made[:0:-1]]
