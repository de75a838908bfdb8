"""Who may ask for what: the decisions one by one; the whole matrix is in tests/service/test_gate.py."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.access import Identity, Kind, Scope, nobody
from penstock.core.errors import Forbidden, Unauthenticated
from penstock.core.lease import Held
from penstock.core.outputs import Artifact, Model
from penstock.core.policy import Located, check, check_step, limits, object_of
from penstock.core.rights import RULES, Rule, queue, task
from penstock.core.task import EndReason, Status
from penstock.ops.access import AddKey, AddUser, ListKeys, LogIn, RevokeKey
from penstock.ops.audit import ListAudit
from penstock.ops.changes import LastChange, ListChanges
from penstock.ops.claims import ClaimTask, EndLeases, HandBack
from penstock.ops.lifecycle import CloneTask, Copied, EnqueueTask
from penstock.ops.models import AddModel, ChangeModel, GetModel, LinkModel
from penstock.ops.outputs import AddArtifact, LastLines
from penstock.ops.queues import MoveEntry
from penstock.ops.runs import DeleteRun, GetRun, ListRuns
from penstock.ops.tasks import CreateTask, DescribeTask, EndTask, GetTask, ListTasks, NewTask

TASKS = {
    "mine": Located("P/x"),
    "other": Located("Q"),
    "run": Located("P/.pipelines/flow"),
    "step": Located("P/.pipelines/flow", run="run"),
    "sibling": Located("P/.pipelines/flow", run="run"),
    "stranger": Located("Q", run="elsewhere"),
    "nested": Located("P", maker="step"),
    "nested step": Located("P", run="nested"),
    "made": Located("P", maker="run"),
    "copied": Located("P", maker="other"),
}


class Map:
    """Knows where a few things lie."""

    def task(self, id):
        return TASKS.get(id)

    def model(self, id):
        return {"net": Located("P", tasks=("sibling",)), "theirs": Located("Q", tasks=("other",))}.get(id)

    def owner(self, key):
        return {"k1": "ada", "k2": "bob"}.get(key)


MAP = Map()
ADMIN = Identity(name="root", scope=Scope.ADMIN)
OF_P = Identity(name="ada", scope=Scope.ADMIN, projects=("P",))
STEP = Identity(name="step", kind=Kind.ATTEMPT, task="step")
WIDE_STEP = Identity(name="step", kind=Kind.ATTEMPT, task="step", projects=("P",))
HELD_STEP = replace(WIDE_STEP, scope=Scope.RUN, fence=3)
HELD_RUN = replace(HELD_STEP, task="run", leads=True)
HELD_NESTING = replace(HELD_STEP, leads=True)
AGENT = Identity(name="gpu", kind=Kind.AGENT, scope=Scope.ADMIN, queues=("default",))


def allowed(who, op, rules=RULES):
    try:
        check(who, op, MAP, rules)
    except Forbidden:
        return False
    return True


def new(**facts):
    return NewTask(**{"id": "new", "name": "n", "project": "P", **facts})


def test_what_is_missing_is_named():
    reader = Identity(name="ada")
    with pytest.raises(Forbidden, match="CreateTask needs a key with scope run; that of ada has scope read") as caught:
        check(reader, CreateTask(task=new()), MAP)
    assert "penstock key add" in caught.value.hint
    with pytest.raises(Forbidden, match="GetTask on task other: the key of ada is for 'P' alone"):
        check(OF_P, GetTask(id="other"), MAP)
    with pytest.raises(Forbidden, match="AddUser needs a key for all projects; that of ada is for 'P'"):
        check(OF_P, AddUser(name="eve"), MAP)


def test_the_name_of_a_project_that_somebody_may_not_see_is_not_told_them():
    with pytest.raises(Forbidden) as caught:
        check(OF_P, GetTask(id="other"), MAP)
    assert "'Q'" not in str(caught.value)


def test_who_has_not_said_who_they_are_can_log_in_and_nothing_else():
    check(nobody(), LogIn(name="ada", password=None), MAP)
    with pytest.raises(Unauthenticated, match="GetTask needs a key"):
        check(nobody(), GetTask(id="mine"), MAP)


def test_an_operation_without_a_row_is_closed_to_everybody():
    assert not allowed(ADMIN, GetTask(id="mine"), rules={})


@pytest.mark.parametrize(
    ("op", "may"),
    [
        (GetTask(id="mine"), True),
        (GetTask(id="run"), True),
        (GetTask(id="other"), False),
        (GetTask(id="unknown"), True),  # it is not there, and the answer says so
        (GetRun(id="run"), True),
        (LastLines(tasks=("mine", "step")), True),
        (LastLines(tasks=("mine", "other")), False),
        (CreateTask(task=new()), True),
        (CreateTask(task=new(project="Q")), False),
        (CreateTask(task=new(project="")), False),
        (CreateTask(task=new(project="P2")), False),
        (CreateTask(task=new(id="other")), False),  # it would return the one that is there
        (DescribeTask(id="mine", comment="c"), True),
        (DescribeTask(id="mine", project="Q"), False),
        (CloneTask(source="mine", clone=Copied(id="new")), True),
        (CloneTask(source="other", clone=Copied(id="new", project="P")), False),
        (CloneTask(source="mine", clone=Copied(id="new", project="Q")), False),
        (GetModel(id="net"), True),
        (GetModel(id="theirs"), False),
        (LinkModel(task="mine", model="theirs", direction="input"), False),
        (AddModel(model=Model(id="n", task="mine", project="", name="n", url="")), True),
        (AddModel(model=Model(id="n", task="", project="", name="n", url="")), False),
        (AddModel(model=Model(id="n", task="mine", project="Q", name="n", url="")), False),
        (AddModel(model=Model(id="theirs", task="mine", project="P", name="n", url="")), False),
        (ListRuns(), True),
        (ListChanges(), True),
        (LastChange(), True),
        (ListTasks(run="stranger"), False),
    ],
)
def test_a_key_for_a_project_opens_what_lies_in_it(op, may):
    assert allowed(OF_P, op) == may
    assert allowed(ADMIN, op)


def test_lists_are_limited_to_the_projects_of_a_key():
    assert limits(OF_P, ListRuns()) == ("P",)
    assert limits(ADMIN, ListRuns()) == ()
    assert limits(OF_P, GetTask(id="mine")) == ()
    assert limits(STEP, ListTasks(run="run")) == ()
    assert limits(WIDE_STEP, ListTasks()) == ("P",)


class TestKeys:
    ada = Identity(name="ada", scope=Scope.RUN, projects=("P",), queues=("default",))

    def may(self, who=ada, **facts):
        return allowed(who, AddKey(**{"owner": "ada", "projects": ("P",), "queues": ("default",), **facts}))

    def test_users_make_keys_that_allow_no_more_than_the_one_they_come_with(self):
        assert self.may()
        assert self.may(projects=("P/x",), scope=Scope.READ)
        assert not self.may(projects=())
        assert not self.may(projects=("P", "Q"))
        assert not self.may(scope=Scope.WRITE)
        assert not self.may(queues=())
        assert not self.may(queues=("default", "gpu"))

    def test_only_an_admin_of_all_projects_makes_keys_for_agents_and_for_others(self):
        for facts in ({"kind": Kind.AGENT}, {"owner": "bob"}):
            assert not self.may(**facts)
            assert not self.may(OF_P, **facts)
            assert self.may(ADMIN, **facts)

    def test_users_see_and_revoke_their_own_keys(self):
        assert allowed(self.ada, ListKeys(owner="ada"))
        assert not allowed(self.ada, ListKeys(owner="bob"))
        assert not allowed(self.ada, ListKeys())
        assert allowed(self.ada, RevokeKey(id="k1"))
        assert not allowed(self.ada, RevokeKey(id="k2"))
        assert allowed(self.ada, RevokeKey(id="unknown"))
        assert allowed(ADMIN, RevokeKey(id="k2"))
        assert allowed(ADMIN, ListKeys())


class TestQueues:
    def test_a_user_whose_key_names_queues_puts_tasks_into_these_alone(self):
        who = Identity(name="ada", scope=Scope.RUN, queues=("default",))
        assert allowed(who, EnqueueTask(id="mine", queue="default"))
        assert not allowed(who, EnqueueTask(id="mine", queue="gpu"))

    def test_an_agent_asks_for_what_agents_may_and_from_its_queues(self):
        rules = {"EnqueueTask": Rule(scope=Scope.RUN, places=(queue("queue"), task("id")), agent=True)}
        assert allowed(AGENT, EnqueueTask(id="other", queue="default"), rules)
        assert not allowed(AGENT, EnqueueTask(id="other", queue="gpu"), rules)
        assert not allowed(AGENT, GetTask(id="mine"))
        assert not allowed(AGENT, ListTasks())


class TestAttempts:
    @pytest.mark.parametrize("id", ["step", "run", "sibling"])
    def test_an_attempt_reads_its_own_run(self, id):
        assert allowed(STEP, GetTask(id=id))

    @pytest.mark.parametrize("id", ["mine", "other", "stranger"])
    def test_an_attempt_reads_nothing_else_unless_it_is_told_where(self, id):
        assert not allowed(STEP, GetTask(id=id))
        assert allowed(WIDE_STEP, GetTask(id=id)) == (id == "mine")

    def test_an_attempt_lists_what_belongs_to_its_run(self):
        assert allowed(STEP, ListTasks(run="run"))
        assert not allowed(STEP, ListTasks())
        assert not allowed(STEP, ListRuns())
        assert not allowed(STEP, ListTasks(run="elsewhere"))
        assert allowed(WIDE_STEP, ListTasks())

    def test_an_attempt_reads_the_models_that_its_run_has(self):
        assert allowed(STEP, GetModel(id="net"))
        assert not allowed(STEP, GetModel(id="theirs"))
        assert not allowed(WIDE_STEP, GetModel(id="theirs"))

    def test_an_attempt_takes_in_no_model_that_it_may_not_read(self):
        assert allowed(STEP, LinkModel(task="step", model="net", direction="input"))
        assert not allowed(STEP, LinkModel(task="step", model="theirs", direction="input"))

    def test_an_attempt_does_not_administrate_and_does_not_end_itself(self):
        assert not allowed(STEP, ListKeys())
        assert not allowed(STEP, ListKeys(owner="step"))
        assert not allowed(STEP, EndTask(id="step", status=Status.FAILED, reason=EndReason.EXCEPTION))

    def test_an_attempt_makes_models_in_the_project_of_its_task(self):
        for project, may in (("P/.pipelines/flow", True), ("P", False), ("Q", False)):
            assert allowed(STEP, AddModel(model=Model(id="m", task="step", project=project, name="n", url=""))) == may

    def test_an_attempt_moves_nothing_to_a_project_that_it_may_not_see(self):
        assert not allowed(STEP, DescribeTask(id="step", project="Q"))
        assert allowed(WIDE_STEP, DescribeTask(id="step", project="P/y"))


def end(id):
    return EndTask(id=id, status=Status.FAILED, reason=EndReason.EXCEPTION)


class TestHeld:
    """Who carries a claimed task out, and shows what it is held under."""

    @pytest.mark.parametrize("id", TASKS)
    def test_an_attempt_ends_itself_alone(self, id):
        assert allowed(HELD_STEP, end(id)) == (id == "step")
        assert allowed(HELD_STEP, HandBack(held=Held(id, 3))) == (id == "step")

    @pytest.mark.parametrize("id", TASKS)
    def test_a_run_writes_to_itself_its_steps_and_what_it_or_they_made(self, id):
        own = {"run", "step", "sibling", "nested", "nested step", "made"}
        assert allowed(HELD_RUN, end(id)) == (id in own)
        assert allowed(HELD_NESTING, end(id)) == (id in {"step", "nested", "nested step"})

    def test_a_run_makes_tasks_and_runs_where_it_may_read_and_puts_them_into_queues(self):
        assert allowed(HELD_RUN, CreateTask(task=new()))
        assert allowed(HELD_RUN, CloneTask(source="mine", clone=Copied(id="new", project="P")))
        assert allowed(HELD_RUN, EnqueueTask(id="made", queue="gpu"))
        assert not allowed(HELD_RUN, CreateTask(task=new(project="Q")))
        assert not allowed(HELD_RUN, CloneTask(source="other", clone=Copied(id="new", project="P")))

    def test_a_run_does_not_take_what_is_there_for_what_it_makes(self):
        assert not allowed(HELD_RUN, CreateTask(task=new(id="mine")))
        assert not allowed(HELD_RUN, CloneTask(source="mine", clone=Copied(id="copied", project="P")))

    def test_what_is_no_pipeline_makes_nothing_and_is_told_why(self):
        with pytest.raises(Forbidden, match="task step may not ask for CreateTask: it makes no tasks") as caught:
            check(HELD_STEP, CreateTask(task=new()), MAP)
        assert "controller" in caught.value.hint

    @pytest.mark.parametrize("id", TASKS)
    def test_a_run_removes_what_was_made_in_it_and_neither_itself_nor_its_steps(self, id):
        assert allowed(HELD_RUN, DeleteRun(id=id)) == (id in {"nested", "made"})
        assert not allowed(HELD_STEP, DeleteRun(id=id))

    @pytest.mark.parametrize(
        "op",
        [
            AddKey(owner="run"),
            RevokeKey(id="k1"),
            AddUser(name="eve"),
            ClaimTask(agent="a", queues=("default",), request="r"),
            EndLeases(tasks=("run",)),
            MoveEntry(task="step", place="first"),
            ListAudit(),
        ],
        ids=lambda op: type(op).__name__,
    )
    def test_a_run_gets_no_rights_and_no_tasks_of_others(self, op):
        assert not allowed(HELD_RUN, op)


def artifact(task):
    return AddArtifact(artifact=Artifact(task=task, name="a", format="json", type="int", hash="", size=1, url=""))


def made(task):
    return AddModel(model=Model(id="new", task=task, project="P", name="n", url=""))


@pytest.mark.parametrize(
    ("op", "may"),
    [
        (artifact("step"), True),
        (artifact("run"), True),
        (artifact("sibling"), False),
        (artifact("mine"), False),
        (artifact(""), False),
        (made("step"), True),
        (made(""), True),
        (made("sibling"), False),
        (ChangeModel(id="net", task="sibling", name="x"), True),
        (ChangeModel(id="net", task="mine", name="x"), False),
        (ChangeModel(id="net", task="stranger", name="x"), False),
        (ChangeModel(id="net", task="", name="x"), False),
        (CreateTask(task=new()), False),
    ],
)
def test_a_step_writes_to_its_own_task_and_run(op, may):
    for decide in (lambda: check_step(op, "step", MAP), lambda: check(WIDE_STEP, op, MAP)):
        try:
            decide()
        except Forbidden:
            assert not may
        else:
            assert may


def test_a_task_of_no_run_writes_to_itself_and_to_no_other_of_no_run():
    check_step(artifact("mine"), "mine", MAP)
    with pytest.raises(Forbidden, match="not to task other"):
        check_step(artifact("other"), "mine", MAP)
    with pytest.raises(Forbidden):
        check_step(ChangeModel(id="x", task="other", name="x"), "mine", MAP)


def test_the_audit_log_is_told_what_an_operation_is_about():
    assert object_of(GetTask(id="mine")) == "mine"
    assert object_of(artifact("run")) == "run"
    assert object_of(AddUser(name="eve")) == "eve"
    assert object_of(CreateTask(task=new(id="t"))) == "t"
    assert object_of(ListRuns()) == ""
