"""Putting runs out of sight, and bringing them back."""

from __future__ import annotations

import pytest

from penstock.core.run import ARCHIVED
from penstock.ops.runs import GetRun
from penstock.ops.tasks import ListTasks


def names(answer):
    return [run["task"]["name"] for run in answer.document()["runs"]]


@pytest.fixture
def three(recorder):
    return [recorder.complete({"a": []}, name=name) for name in ("one", "two", "three")]


def test_an_archived_run_is_not_listed_unless_it_is_asked_for(three, penstock):
    answer = penstock("archive", "two")
    assert (answer.code, answer.out) == (0, f"archived two ({three[1].id[:12]})\n")
    assert names(penstock("runs", "--json")) == ["three", "one"]
    assert names(penstock("runs", "--json", "--archived")) == ["two"]
    assert names(penstock("runs", "--json", "--all")) == ["three", "two", "one"]


def test_a_restored_run_is_listed_again(three, penstock):
    penstock("archive", "two", "three")
    answer = penstock("archive", "--restore", "two")
    assert (answer.code, answer.out) == (0, f"restored two ({three[1].id[:12]})\n")
    assert names(penstock("runs", "--json")) == ["two", "one"]
    assert names(penstock("runs", "--json", "--archived")) == ["three"]


def test_its_tasks_are_archived_with_it_and_all_is_kept(recorder, three, penstock):
    before = recorder.call(ListTasks(run=three[0].id))
    penstock("archive", "one")
    tasks = recorder.call(ListTasks(run=three[0].id))
    assert [ARCHIVED in task.system_tags for task in tasks] == [True]
    penstock("archive", "one")
    penstock("archive", "one", "--restore")
    assert recorder.call(ListTasks(run=three[0].id)) == before


def test_last_is_no_archived_run_but_a_name_or_an_id_finds_it(three, penstock):
    penstock("archive", "three")
    assert three[1].id in penstock("show").out
    assert three[1].id in penstock("show", "last").out
    shown = penstock("show", "three").out
    assert three[2].id in shown
    assert "✓ completed  archived" in shown
    assert penstock("explain", three[2].id[:8]).code == 0


def test_where_all_is_archived_last_says_where_it_went(three, penstock):
    penstock("archive", *(run.id for run in three))
    answer = penstock("show")
    assert answer.code == 3
    assert "every run here is archived" in answer.err
    assert "hint: see them with: penstock runs --archived" in answer.err


def test_a_run_in_progress_is_refused_and_nothing_is_archived_then(recorder, three, penstock):
    going = recorder.run({"a": []})
    answer = penstock("archive", "one", going.id)
    assert answer.code == 1
    assert f"hint: stop it first: penstock abort {going.id[:12]}" in answer.err
    assert names(penstock("runs", "--json", "--archived")) == []


def test_a_draft_that_is_archived_is_listed_among_the_archived(recorder, penstock):
    draft = recorder.draft("never started")
    assert penstock("archive", draft.id).code == 0
    assert names(penstock("runs", "--json", "--archived")) == ["never started"]


def test_the_list_says_which_runs_are_archived(three, penstock):
    penstock("archive", "two")
    lines = penstock("runs", "--all").out.splitlines()[1:]
    assert ["✓ completed, archived" in line for line in lines] == [False, True, False]
    assert "archived" not in penstock("runs").out


def test_an_empty_list_of_archived_runs_does_not_say_how_to_begin(penstock):
    assert penstock("runs", "--archived").err == "no runs match\n"


def test_the_document_holds_the_runs_as_they_are_now(recorder, three, penstock):
    document = penstock("archive", "one", "two", "--json").document()
    assert [ARCHIVED in run["task"]["system_tags"] for run in document["archived"]] == [True, True]
    (restored,) = penstock("archive", "one", "--restore", "--json").document()["restored"]
    assert ARCHIVED not in restored["task"]["system_tags"]
    assert ARCHIVED not in recorder.call(GetRun(id=three[0].id)).run.task.system_tags
