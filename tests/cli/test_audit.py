"""The audit log on the command line."""

from __future__ import annotations

import sqlite3

import pytest

from penstock.core.access import Identity, Scope
from penstock.core.errors import Forbidden
from penstock.ops.tasks import CreateTask, NewTask


@pytest.fixture
def filled(recorder):
    """Two tasks made for somebody from outside, and one refused."""
    who = Identity(name="a[d]a", scope=Scope.RUN, address="10.0.0.1")
    for digit in "12":
        recorder.call(CreateTask(task=NewTask(id=digit * 32, name="n", project="P")), who)
    with pytest.raises(Forbidden):
        recorder.call(CreateTask(task=NewTask(id="3" * 32, name="n", project="P")), Identity(name="eve"))


def change(home, sql):
    with sqlite3.connect(home / "penstock.db") as connection:
        connection.execute(sql)
    connection.close()


def test_the_log_is_shown_the_newest_first_and_checked(filled, penstock):
    answer = penstock("audit")
    (head, *rows) = answer.out.splitlines()
    assert head.split() == ["SEQ", "WHEN", "WHO", "KIND", "KEY", "ADDRESS", "OPERATION", "OBJECT", "RESULT"]
    assert [(row.split()[0], row.split()[3], row.split()[-1]) for row in rows] == [
        ("3", "eve", "forbidden"),
        ("2", "a[d]a", "done"),
        ("1", "a[d]a", "done"),
    ]
    assert answer.code == 0
    assert answer.err.startswith("3 rows, all as written; mark 3:")


def test_the_log_is_filtered(filled, penstock):
    def seqs(*arguments):
        return [one["seq"] for one in penstock("audit", *arguments, "--json").document()["audit"]]

    assert seqs("--who", "eve") == seqs("--refused") == [3]
    assert seqs("--object", "2" * 32) == [2]
    assert seqs("--operation", "CreateTask", "--limit", "2") == [3, 2]
    assert seqs("--key", "none") == []


def test_a_log_that_somebody_changed_is_an_error(filled, penstock, home):
    change(home, "UPDATE audit SET who = 'bob' WHERE seq = 2")
    answer = penstock("audit")
    assert answer.code == 1
    assert "the audit log was changed: row 2 is not what was written" in answer.err
    answer = penstock("audit", "--json")
    assert (answer.code, answer.document()["mark"]["seq"]) == (1, 1)
    assert "row 2" in answer.document()["problem"]


def test_a_mark_that_was_kept_finds_a_log_that_was_written_anew(filled, penstock, home):
    mark = penstock("audit").err.rsplit(" ", 1)[1].strip()
    assert penstock("audit", "--noted", mark).code == 0
    change(home, "DELETE FROM audit")
    change(home, "UPDATE audit_end SET seq = 0, hash = ''")
    assert penstock("audit").code == 0
    answer = penstock("audit", "--noted", mark)
    assert (answer.code, "row 3 was noted" in answer.err) == (1, True)


def test_a_mark_of_an_empty_log_is_one(penstock):
    answer = penstock("audit")
    assert answer.err == "0 rows, all as written; mark 0:\n"
    assert penstock("audit", "--noted", "0:").code == 0


@pytest.mark.parametrize("mark", ["", "3", "x:y", "3:short", ":"])
def test_what_is_no_mark_is_a_mistake(penstock, mark):
    answer = penstock("audit", "--noted", mark)
    assert (answer.code, "is no mark" in answer.err) == (2, True)
