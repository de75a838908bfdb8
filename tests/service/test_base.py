"""One transaction a call: all of it or nothing, with the service's own clock."""

from __future__ import annotations

import threading

import msgspec
import pytest

from penstock.backend.secrets import SystemSecrets
from penstock.core.access import Identity, Scope
from penstock.core.errors import BadTransition, Forbidden, Invalid, NotFound, Unauthenticated
from penstock.core.outputs import Artifact
from penstock.core.secret import Secret
from penstock.core.task import ALLOWED, ENDED, Status, Task
from penstock.ops.access import AddKey, AddUser, Authenticate, RevokeKey
from penstock.ops.base import REGISTRY, Op
from penstock.ops.changes import LastChange, ListChanges
from penstock.ops.outputs import AddArtifact, ListArtifacts
from penstock.ops.tasks import CreateTask, EndTask, GetParameters, GetTask, ListProjects, NewTask
from penstock.service import Service, gate
from penstock.service.base import HANDLERS, PREPARATIONS, handles
from penstock.service.tasks import move
from penstock.store.sqlite import SqliteStore

ID = "a" * 32


@pytest.fixture
def store(tmp_path):
    opened = SqliteStore(tmp_path / "home" / "penstock.db")
    yield opened
    opened.close()


def test_every_operation_has_one_handler():
    assert {kind.__name__ for kind in (*HANDLERS, *PREPARATIONS)} == set(REGISTRY)
    assert not HANDLERS.keys() & PREPARATIONS.keys()


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


def test_who_follows_is_told_what_a_call_changed_once_that_is_committed_and_nothing_of_one_that_failed(store):
    service, told = Service(store, lambda: 0.0), []
    service.follow(lambda changes: told.append((changes, service.call(ListChanges()))))
    service.call(CreateTask(task=NewTask(id=ID, name="work", project="P")))
    with pytest.raises(BadTransition):
        service.call(EndTask(id=ID, status=Status.COMPLETED))
    service.call(GetTask(id=ID))
    ((changes, committed),) = told
    assert changes == committed != []
    service.follow(None)
    service.call(CreateTask(task=NewTask(id="b" * 32, name="work", project="P")))
    assert len(told) == 1


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
        needed = {one.name: "x" for one in msgspec.structs.fields(kind) if one.required and one.name != "limit"}
        with pytest.raises(Invalid, match=f"{kind.__name__}: limit is -1"):
            Service(store, lambda: 1.0).call(kind(**needed, limit=-1))


class TestForSomebody:
    """Calls with an identity: checked and recorded; without one nothing of that happens."""

    def test_the_embedded_way_asks_nobody_and_writes_nothing_more(self, store, monkeypatch):
        monkeypatch.setattr(gate, "admit", None)
        monkeypatch.setattr(gate, "record", None)
        service = Service(store, lambda: 0.0)
        service.call(CreateTask(task=NewTask(id=ID, name="work", project="P")))
        assert service.call(GetTask(id=ID)).id == ID

    def test_who_waits_for_a_change_is_refused_as_soon_as_they_may_not_see_it_any_more(self, tmp_path):
        """The wait ends at the next change, and what it brings is not shown."""
        store, now = SqliteStore(tmp_path / "other" / "penstock.db"), [0.0]
        service = Service(store, lambda: now[0], secrets=SystemSecrets(rounds=1, memory=64))
        service.call(AddUser(name="root", scope=Scope.ADMIN))
        key = service.call(AddKey(owner="root"))
        who = service.call(Authenticate(text=key.secret))
        seen, refused = service.call(LastChange()), []

        def wait():
            try:
                service.call(ListChanges(after=seen, wait=100_000.0), who)
            except Unauthenticated as error:
                refused.append(error)

        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        try:
            service.call(RevokeKey(id=key.key.id))
            waiting.join(timeout=30)
            assert refused
        finally:
            store.close()  # which ends all waiting

    def test_an_error_that_a_handler_returns_is_raised_after_what_it_wrote_is_kept(self, store):
        class Knock(Op[None], frozen=True):
            pass

        try:

            @handles(Knock)
            def knock(tx, op, now):
                tx.tasks.add(Task(id=ID, name="work", project="P"))
                return NotFound("nobody opened")

            with pytest.raises(NotFound, match="nobody opened"):
                Service(store, lambda: 0.0).call(Knock())
        finally:
            del REGISTRY["Knock"], HANDLERS[Knock]
        with store.transaction(writes=False) as tx:
            assert tx.tasks.find(ID)

    def test_who_may_not_ask_has_nothing_prepared(self, store):
        """Else whoever has any key could have the server hash passwords."""

        class NoSecrets(SystemSecrets):
            def hashed(self, password):
                raise AssertionError(password)

        service = Service(store, lambda: 0.0, secrets=NoSecrets())
        op = AddUser(name="eve", password=Secret("long enough for it"))
        with pytest.raises(Forbidden):
            service.call(op, Identity(name="eve", scope=Scope.WRITE))
