"""One transaction a call: all of it or nothing, with the service's own clock."""

from __future__ import annotations

import msgspec
import pytest

from penstock.core.errors import BadTransition, Invalid, NotFound
from penstock.core.outputs import Artifact
from penstock.core.task import ALLOWED, ENDED, Status, Task
from penstock.ops.base import REGISTRY, Op
from penstock.ops.changes import ListChanges
from penstock.ops.outputs import AddArtifact, ListArtifacts
from penstock.ops.tasks import CreateTask, GetParameters, GetTask, ListProjects, NewTask
from penstock.service import Service
from penstock.service.base import HANDLERS
from penstock.service.tasks import move
from penstock.store.sqlite import SqliteStore

ID = "a" * 32


@pytest.fixture
def store(tmp_path):
    opened = SqliteStore(tmp_path / "home" / "penstock.db")
    yield opened
    opened.close()


def test_every_operation_has_one_handler():
    assert {kind.__name__ for kind in HANDLERS} == set(REGISTRY)


def test_an_operation_that_nobody_handles_is_refused_by_name(store):
    class Dance(Op[None], frozen=True):
        pass

    try:
        with pytest.raises(NotFound, match="no operation Dance"):
            Service(store, lambda: 0.0).call(Dance())
    finally:
        del REGISTRY["Dance"]


def test_the_time_comes_from_the_clock_that_was_given(store):
    service = Service(store, lambda: 12.5)
    assert service.call(CreateTask(task=NewTask(id=ID, name="work", project="P"))).created == 12.5
    assert service.call(GetTask(id=ID)).created == 12.5


def test_what_nothing_refers_to_any_more_is_told_once_that_is_committed(store):
    told = []
    service = Service(store, lambda: 12.5, lambda hash, at: told.append((hash, at, len(artifacts()))))

    def artifacts():
        return service.call(ListArtifacts(task=ID))

    def add(hash, name="x"):
        facts = {"format": "json", "type": "int", "size": 1, "url": ""}
        service.call(AddArtifact(artifact=Artifact(task=ID, name=name, hash=hash, **facts)))

    service.call(CreateTask(task=NewTask(id=ID, name="work", project="P")))
    for hash, name in (("a", "x"), ("a", "y"), ("b", "x"), ("b", "x")):
        add(hash, name)
    assert told == []
    add("c", "y")
    assert told == [("a", 12.5, 2)]
    add("", "y")
    add("d", "y")
    assert told == [("a", 12.5, 2), ("c", 12.5, 2)]


@pytest.mark.parametrize("start", list(Status))
@pytest.mark.parametrize("to", list(Status))
def test_a_status_changes_along_the_table_and_in_no_other_way(store, start, to):
    with store.transaction() as tx:
        tx.tasks.add(Task(id=ID, name="work", project="P", status=start))
    if to in ALLOWED[start]:
        with store.transaction() as tx:
            move(tx, tx.tasks.get(ID), to, 7.0)
    else:
        with pytest.raises(BadTransition, match=f"{ID} is {start}; it cannot become {to}"), store.transaction() as tx:
            move(tx, tx.tasks.get(ID), to, 7.0)
    with store.transaction(writes=False) as tx:
        task, changes = tx.tasks.get(ID), tx.changes.after(0, None, 10)
    changed = to in ALLOWED[start]
    assert task.status == (to if changed else start)
    assert [(change.status, change.at) for change in changes] == ([(to, 7.0)] if changed else [])
    assert (task.ended == 7.0) == (changed and to in ENDED - {Status.PUBLISHED})


@pytest.mark.parametrize("status", sorted(ENDED - {Status.COMPLETED}))
def test_what_has_ended_stays_ended(status):
    assert ALLOWED[status] == frozenset()


def test_a_change_and_its_line_in_the_feed_are_one_transaction(store):
    """Whatever goes wrong after both were written undoes both."""
    with store.transaction() as tx:
        tx.tasks.add(Task(id=ID, name="work", project="P"))

    def fail_after_moving():
        with store.transaction() as tx:
            move(tx, tx.tasks.get(ID), Status.IN_PROGRESS, 7.0)
            assert tx.tasks.get(ID).status is Status.IN_PROGRESS
            assert len(tx.changes.after(0, None, 10)) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_moving()
    with store.transaction(writes=False) as tx:
        assert (tx.tasks.get(ID).status, tx.changes.after(0, None, 10)) == (Status.CREATED, [])


def test_an_operation_that_only_reads_takes_no_turn_at_writing(store):
    """They are answered while another thread or process is in the middle of a transaction that writes."""
    service = Service(store, lambda: 0.0)
    service.call(CreateTask(task=NewTask(id=ID, name="work", project="P")))
    other = Service(SqliteStore(store.path), lambda: 0.0)
    with store.transaction() as tx:
        tx.tasks.rename(ID, "other")
        for op in (GetTask(id=ID), ListProjects(), GetParameters(task=ID), ListArtifacts(task=ID), ListChanges()):
            assert type(op).reads
            other.call(op)
        assert other.call(GetTask(id=ID)).name == "work"
    assert other.call(GetTask(id=ID)).name == "other"
    other.close()


def test_a_limit_below_nothing_is_refused_by_every_operation_that_has_one(store):
    limited = [kind for kind in HANDLERS if "limit" in kind.__struct_fields__]
    assert len(limited) > 4
    for kind in limited:
        needed = {field.name: "x" for field in msgspec.structs.fields(kind) if field.required}
        with pytest.raises(Invalid, match=f"{kind.__name__}: limit is -1"):
            Service(store, lambda: 1.0).call(kind(**needed, limit=-1))
