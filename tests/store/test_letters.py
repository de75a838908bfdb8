"""What letters are looked for in follows every change of what it is taken from. That it is found: test_search.py."""

from __future__ import annotations

from msgspec.structs import replace

from penstock.core.task import Task, TaskType
from penstock.store.letters import ROWS
from penstock.store.transaction import SqlTx

FLOW = Task(id="r", name="Flow", project="P/.pipelines/flow", type=TaskType.CONTROLLER, comment="Ünder", tags=("A b",))
LONE = Task(id="t", name="Lone", project="Q")


def kept(tx: SqlTx) -> dict[tuple[int, str], str]:
    rows = tx.tasks._session.rows("SELECT of_run, task, text FROM letters")
    assert sorted(rows) == sorted(tx.tasks._session.rows(ROWS)), "they are not those of the records"
    return {(of_run, task): text for of_run, task, text in rows}


def test_a_run_is_found_by_its_name_comment_tags_pipeline_and_project_and_not_by_the_hidden_one(tx: SqlTx) -> None:
    tx.tasks.add(FLOW)
    assert set(kept(tx)) == {(0, "r")}
    tx.runs.add("r", "P", "iris")
    assert kept(tx) == {(1, "r"): 'flow | Ünder | ["a b"] | iris | p'}


def test_what_changes_is_put_down_anew(tx: SqlTx) -> None:
    tx.tasks.add(FLOW)
    tx.runs.add("r", "P", "iris")
    tx.tasks.rename("r", "Flow #2")
    assert kept(tx)[1, "r"].startswith("flow #2 | ")
    tx.tasks.describe(replace(FLOW, comment="over", tags=()))
    assert kept(tx) == {(1, "r"): "flow | over | [] | iris | p"}


def test_a_task_has_letters_for_as_long_as_it_belongs_to_no_run(tx: SqlTx) -> None:
    tx.tasks.add(LONE)
    tx.tasks.add(replace(LONE, id="s", run="r", step="a"))
    assert set(kept(tx)) == {(0, "t")}
    tx.tasks.adopt("t", "r", "a", 1)
    tx.tasks.describe(replace(LONE, run="r", step="a", comment="x"))
    assert kept(tx) == {}
    tx.tasks.release("t")
    assert kept(tx) == {(0, "t"): "lone | x | [] | q"}
    tx.tasks.delete(["t", "s"])
    assert kept(tx) == {}
