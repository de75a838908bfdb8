"""The audit log: a row for every change and every refusal, in the transaction of the change, chained."""

from __future__ import annotations

import pytest

from penstock.backend.secrets import SystemSecrets
from penstock.core.access import Identity, Kind, Scope, nobody
from penstock.core.audit import Mark
from penstock.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from penstock.core.outputs import Artifact, ConsoleLine, Stream
from penstock.core.pipeline import Pipeline, Step
from penstock.core.secret import Secret
from penstock.core.task import Status, Worker
from penstock.ops.access import AddUser, ChangeUser, LogIn
from penstock.ops.audit import CheckAudit, ListAudit
from penstock.ops.outputs import AddArtifact, AppendConsole, GetArtifact
from penstock.ops.runs import CreateRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import CreateTask, EndTask, GetTask, ListTasks, NewTask
from penstock.service import Service
from penstock.store.sqlite import SqliteStore

ADA = Identity(name="ada", scope=Scope.RUN, address="10.0.0.1")
ID = "a" * 32


@pytest.fixture
def service(tmp_path):
    secrets = SystemSecrets(rounds=1, memory=64)
    made = Service(SqliteStore(tmp_path / "home" / "penstock.db"), lambda: 1000.0, secrets=secrets)
    made.call(AddUser(name="root", scope=Scope.ADMIN, password=Secret("correct horse")))
    yield made
    made.close()


def create(id=ID, project="P"):
    return CreateTask(task=NewTask(id=id, name="work", project=project))


def rows(service, **filters):
    return service.call(ListAudit(**filters))


def told(service, **filters):
    return [(one.who, one.operation, one.object, one.result) for one in rows(service, **filters)]


def test_a_change_for_somebody_from_outside_is_told_with_who_and_what(service):
    service.call(create(), ADA)
    (row,) = rows(service)
    assert (row.seq, row.at, row.who, row.kind, row.address) == (1, 1000.0, "ada", "user", "10.0.0.1")
    assert (row.operation, row.object, row.result, len(row.digest)) == ("CreateTask", ID, "done", 64)


def test_what_this_process_does_itself_and_what_only_reads_is_not_told(service):
    service.call(create())
    service.call(GetTask(id=ID), ADA)
    service.call(ListTasks(), ADA)
    assert rows(service) == []


def test_reports_are_themselves_the_record(service):
    service.call(create())
    service.call(AppendConsole(task=ID, lines=(ConsoleLine(1.0, Stream.OUT, "x"),)), ADA)
    assert rows(service) == []


def test_a_refusal_is_told_of_reading_too_and_changes_nothing_else(service):
    with pytest.raises(Forbidden):
        service.call(create(), Identity(name="eve"))
    service.call(create())
    with pytest.raises(Forbidden):
        service.call(GetTask(id=ID), Identity(name="eve", projects=("Q",)))
    assert told(service) == [("eve", "GetTask", ID, "forbidden"), ("eve", "CreateTask", ID, "forbidden")]
    assert told(service, refused=False) == []


def test_a_refused_report_is_told(service):
    service.call(create())
    with pytest.raises(Forbidden):
        service.call(AppendConsole(task=ID, lines=()), Identity(name="eve"))
    assert told(service) == [("eve", "AppendConsole", ID, "forbidden")]


def test_a_change_that_fails_is_no_change(service):
    with pytest.raises(NotFound):
        service.call(EndTask(id=ID, status=Status.COMPLETED), ADA)
    service.call(create())
    with pytest.raises(Conflict):
        service.call(EndTask(id=ID, status=Status.COMPLETED), ADA)
    assert rows(service) == []


def test_a_change_and_its_row_are_one_transaction(service, monkeypatch):
    """Where the row cannot be written there is no change."""
    with service._store.transaction() as tx:
        tx.tasks._session.run("DELETE FROM audit_end")
    with pytest.raises(AssertionError):
        service.call(create(), ADA)
    assert service.call(ListTasks()) == []


def test_who_logs_in_is_told_and_who_does_not_get_in(service):
    service.call(LogIn(name="root", password=Secret("correct horse")), nobody("10.0.0.9"))
    for name in ("root", "hunter2-typed-as-a-name"):
        with pytest.raises(Unauthenticated):
            service.call(LogIn(name=name, password=Secret("wrong")), nobody("10.0.0.9"))
    assert told(service) == [
        ("nobody", "LogIn", "", "unauthenticated"),
        ("nobody", "LogIn", "root", "unauthenticated"),
        ("nobody", "LogIn", "root", "done"),
    ]


def test_what_somebody_is_called_cannot_break_the_log(service):
    eve = Identity(name="\ud800" + "x" * 1000, scope=Scope.RUN, address="a\nb")
    service.call(create(), eve)
    (row,) = rows(service)
    assert row.who.startswith("\\ud800xxx")
    assert len(row.who) < 300
    assert service.call(CheckAudit()).problem == ""


def test_the_log_is_searched(service):
    bob = Identity(name="bob", scope=Scope.RUN, key="")
    ids = [f"{number:032x}" for number in range(6)]
    for number, id in enumerate(ids):
        service.call(create(id), (ADA, bob)[number % 2])
    service.call(ChangeUser(name="root", projects=None), Identity(name="root", scope=Scope.ADMIN))
    assert [one.seq for one in rows(service, who="bob")] == [6, 4, 2]
    assert [one.seq for one in rows(service, operation="ChangeUser")] == [7]
    assert [one.seq for one in rows(service, object=ids[2])] == [3]
    assert [one.seq for one in rows(service, before=4, limit=2)] == [3, 2]
    assert rows(service, key="none") == rows(service, refused=True) == rows(service, limit=0) == []
    with pytest.raises(Invalid):
        rows(service, limit=-1)


CHANGES = [
    "UPDATE audit SET who = 'bob' WHERE seq = 3",
    "UPDATE audit SET at = at + 1 WHERE seq = 3",
    "UPDATE audit SET object = '' WHERE seq = 5",
    "UPDATE audit SET hash = '' WHERE seq = 1",
    "UPDATE audit SET seq = 9 WHERE seq = 5",
    "UPDATE audit SET seq = -1 WHERE seq = 1",
    "UPDATE audit SET seq = 0 WHERE seq = 1",
    "DELETE FROM audit WHERE seq = 1",
    "DELETE FROM audit WHERE seq = 3",
    "DELETE FROM audit WHERE seq = 5",
    "DELETE FROM audit",
    "UPDATE audit_end SET seq = 4",
    "UPDATE audit_end SET hash = 'x'",
    """INSERT INTO audit SELECT 6, at, who, kind, access_key, address, operation, object, result, digest, hash
        FROM audit WHERE seq = 5""",
]


class TestChecked:
    @pytest.fixture
    def service(self, service):
        for number in range(5):
            service.call(create(f"{number:032x}"), ADA)
        return service

    def change(self, service, sql):
        with service._store.transaction() as tx:
            tx.tasks._session.run(sql)

    def test_a_log_as_it_was_written_is_whole(self, service):
        checked = service.call(CheckAudit())
        assert (checked.problem, checked.mark) == ("", Mark(5, rows(service)[0].hash))

    @pytest.mark.parametrize("sql", CHANGES)
    def test_any_change_in_the_database_is_found(self, service, sql):
        self.change(service, sql)
        assert service.call(CheckAudit()).problem

    def test_a_row_after_one_that_was_taken_away_does_not_hide_it(self, service):
        self.change(service, "DELETE FROM audit WHERE seq = 5")
        service.call(create("f" * 32), ADA)
        assert service.call(CheckAudit()).problem == "row 5 is missing: row 6 follows on row 4"

    def test_a_log_that_was_written_anew_is_found_by_a_mark_that_was_noted(self, service):
        noted = service.call(CheckAudit()).mark
        self.change(service, "DELETE FROM audit")
        self.change(service, "UPDATE audit_end SET seq = 0, hash = ''")
        assert service.call(CheckAudit()).problem == ""
        assert service.call(CheckAudit(noted=noted)).problem == "the log ends with row 0, and row 5 was noted"
        for number in range(6):
            service.call(create(f"1{number:031x}"), ADA)
        assert service.call(CheckAudit()).problem == ""
        assert service.call(CheckAudit(noted=noted)).problem == "row 5 is another than when its hash was noted"

    def test_a_log_that_went_on_passes_through_the_mark_that_was_noted(self, service):
        noted = service.call(CheckAudit()).mark
        service.call(create("f" * 32), ADA)
        assert service.call(CheckAudit(noted=noted)).problem == ""


def test_an_attempt_signs_what_it_stores_in_the_name_of_its_run(service):
    run, worker = "b" * 32, Worker(host="h", pid=1)
    service.call(CreateRun(pipeline="flow", project="P", task=NewTask(id=run, name="flow", project="")))
    definition = Pipeline(name="flow", project="P", steps=(Step(name="a", code="c"),))
    service.call(StartRun(id=run, definition=definition, worker=worker))
    new = NewTask(id="", name="a", project="P")
    task = service.call(LaunchStep(run=run, step="a", attempt=1, task=new, worker=worker))
    step = Identity(name=task.id, kind=Kind.ATTEMPT, task=task.id)
    facts = {"format": "json", "type": "int", "hash": "", "size": 1, "url": "", "maker": "somebody else"}
    service.call(AddArtifact(artifact=Artifact(task=run, name="x", **facts)), step)
    assert service.call(GetArtifact(task=run, name="x"), step).maker == task.id
    assert told(service) == [(task.id, "AddArtifact", run, "done")]
