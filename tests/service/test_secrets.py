"""Secrets that runs are given: who gets them, what they become in new runs, and what is recorded of them."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from penstock.core.access import Identity, Kind, Scope
from penstock.core.assignment import Assignment, Resolved
from penstock.core.errors import BadParameter, Conflict, Forbidden
from penstock.core.lease import Held
from penstock.core.parameters import Declared
from penstock.core.rerun import Treatment
from penstock.core.secret import MASK, SECRET, Secret, is_seal
from penstock.core.task import Configuration, Parameter, Script, Status
from penstock.ops.base import Once
from penstock.ops.launches import LaunchRun
from penstock.ops.lifecycle import CloneTask, Copied
from penstock.ops.reruns import DraftRerun, PlanRerun
from penstock.ops.runs import CloneRun, DefineRun, DeleteRun, GetRun
from penstock.ops.secrets import OpenSecrets
from penstock.ops.tasks import CreateTask, GetConfigurations, GetParameters, SetParameters
from penstock.service import gate

SCRIPT = Script(source="pass", entry_point="flow.py")
PASSWORD = Parameter(section="Args", name="password", value="planted-one", type=SECRET)
RATE = Parameter(section="Args", name="rate", value=1, type="int")
ADA = Identity(name="ada", scope=Scope.RUN)


@pytest.fixture
def definition(desk):
    made = desk.pipeline("a", ("b", ["a"]))
    declared = {"password": Declared(default="planted-default"), "rate": Declared(default=1)}
    return replace(made, parameters=(PASSWORD, RATE), declared=declared)


@pytest.fixture
def going(desk, definition):
    """A run in progress whose definition came with a secret in clear, as no script of ours sends it."""
    run = desk.start(desk.draft(script=SCRIPT), definition)
    desk.backend.call(SetParameters(task=run.id, parameters=definition.parameters))
    return run


@pytest.fixture
def before(desk, going):
    for step in ("a", "b"):
        desk.end(desk.launch(going, step))
    return desk.end_run(going)


def value(desk, task, name="Args/password"):
    return {one.path: one.value for one in desk.backend.call(GetParameters(task=task))}.get(name)


def secrets(desk, task):
    """Return the secrets that are kept with a task."""
    with desk.backend._service._store.transaction(writes=False) as tx:
        return [one.text for one in tx.secrets.opened(task).values()]


def test_a_definition_is_recorded_with_seals_and_without_defaults_of_secrets(desk, going):
    found = desk.backend.call(GetRun(id=going.id)).definition
    assert is_seal(found.parameters[0].value)
    assert found.parameters[0].value == value(desk, going.id)
    assert found.declared == {"password": Declared(), "rate": Declared(default=1)}
    draft = desk.draft()
    desk.backend.call(DefineRun(id=draft.id, definition=replace(found, parameters=(PASSWORD, RATE))))
    (text,) = [one.text for one in desk.backend.call(GetConfigurations(task=draft.id))]
    assert "planted" not in text


def test_a_run_has_its_secrets_while_it_goes_on_and_then_nobody(desk, going):
    assert desk.backend.call(OpenSecrets(task=going.id)) == {value(desk, going.id): Secret("planted-one")}
    for step in ("a", "b"):
        desk.end(desk.launch(going, step))
    ended = desk.end_run(going)
    with pytest.raises(Conflict, match="is completed: its secrets stay where they are"):
        desk.backend.call(OpenSecrets(task=ended.id))


@pytest.mark.parametrize("where", ["reference", "parameter", "configuration", "nowhere"])
def test_an_attempt_gets_the_secrets_that_it_is_given_and_no_others(timed, definition, where):
    desk = timed
    run = desk.start(desk.draft(script=SCRIPT), replace(definition, parameters=(PASSWORD, replace(PASSWORD, name="x"))))
    seal = desk.backend.call(GetRun(id=run.id)).definition.parameters[0].value
    references = {"${pipeline.password}": Resolved(value=seal, text=seal)} if where == "reference" else {}
    given = (Parameter(section="Args", name="p", value=f"u:{seal}", type="str"),) if where == "parameter" else ()
    texts = (Configuration(name="c", text=f"password: {seal}"),) if where == "configuration" else ()
    assignment = Assignment(references=references)
    task = desk.enqueue_step(run, assignment=assignment, parameters=given, configurations=texts)
    claim = desk.claim("default")
    assert (claim.task.id, claim.secrets) == (task.id, True)
    wanted = {} if where == "nowhere" else {seal: Secret("planted-one")}
    assert desk.backend.call(OpenSecrets(task=task.id)) == wanted


def test_who_carries_out_a_step_gets_its_secrets_and_not_those_of_the_run(desk, going):
    task = desk.launch(going, "a")
    step = Identity(name=task.id, kind=Kind.ATTEMPT, scope=Scope.RUN, task=task.id)
    service = desk.backend._service
    for asked in (going.id, task.id):  # the process of a step asks through its launcher, which has them
        with pytest.raises(Forbidden):
            service.call(OpenSecrets(task=asked), step)
    with pytest.raises(Forbidden):
        service.call(OpenSecrets(task=going.id), Identity(name="eve", scope=Scope.READ))
    with pytest.raises(Forbidden):
        service.call(OpenSecrets(task=going.id), replace(ADA, projects=("Other",)))
    assert service.call(OpenSecrets(task=going.id), ADA)


def test_a_new_run_keeps_a_secret_that_nobody_touches_and_takes_another(desk, before):
    kept = desk.backend.call(LaunchRun(source=before.id, parameters={"rate": 2}))
    masked = desk.backend.call(LaunchRun(source=before.id, parameters={"password": MASK}))
    other = desk.backend.call(LaunchRun(source=before.id, secrets={"password": Secret("planted-two")}))
    none = desk.backend.call(LaunchRun(source=before.id, parameters={"password": None}))
    assert [secrets(desk, one.id) for one in (kept, masked, other, none)] == [
        ["planted-one"], ["planted-one"], ["planted-two"], [],
    ]  # fmt: skip
    assert value(desk, kept.id) == value(desk, masked.id) == value(desk, before.id)
    assert is_seal(value(desk, other.id))
    assert value(desk, other.id) != value(desk, before.id)
    assert value(desk, none.id) is None
    assert value(desk, before.id, "Args/rate") == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"parameters": {"password": "planted-two"}}, "is a secret, and is not given among the others"),
        ({"secrets": {"rate": Secret("planted-two")}}, "parameter 'rate' is no secret, but of int"),
        ({"secrets": {"pasword": Secret("planted-two")}}, "no parameter 'pasword'"),
    ],
)
def test_a_secret_is_given_by_itself_and_what_is_refused_is_not_repeated(desk, before, asked, said):
    for kind in (LaunchRun, PlanRerun):
        with pytest.raises(BadParameter, match=said) as caught:
            desk.backend.call(kind(source=before.id, **asked))
        assert "planted" not in str(caught.value)


def test_a_rerun_says_that_a_secret_changed_and_not_to_what(desk, before):
    secret = {"password": Secret("planted-two")}
    plan = desk.backend.call(PlanRerun(source=before.id, secrets=secret))
    assert plan.changes == ("parameter 'password' changed; no step refers to it",)
    draft = desk.backend.call(DraftRerun(id=desk.id(), source=before.id, secrets=secret))
    assert draft.plan.changes == plan.changes
    assert secrets(desk, draft.run.id) == ["planted-two"]
    same = desk.backend.call(PlanRerun(source=before.id, secrets={"password": Secret("planted-one")}))
    assert same.changes == ()
    assert {one.treatment for one in same.steps} == {Treatment.REUSE}


def test_clones_of_runs_and_of_attempts_have_what_they_were_given(desk, going):
    seal = value(desk, going.id)
    given = Parameter(section="kwargs", name="p", value=seal, type=SECRET)
    attempt = desk.launch(going, "a", parameters=(given,))
    bare = desk.launch(going, "b")
    clones = [desk.backend.call(CloneTask(source=one.id, clone=Copied(id=desk.id()))).id for one in (attempt, bare)]
    run = desk.backend.call(CloneRun(source=going.id, clone=Copied(id=desk.id()))).id
    assert [secrets(desk, one) for one in (*clones, run)] == [["planted-one"], [], ["planted-one"]]
    assert [value(desk, clones[0], "kwargs/p"), value(desk, run)] == [seal, seal]


def test_a_deleted_run_leaves_no_secret(desk, before):
    desk.backend.call(DeleteRun(id=before.id))
    assert secrets(desk, before.id) == []


def test_a_request_is_told_apart_without_its_secrets(desk, before):
    def asked(text, source=before.id):
        return LaunchRun(source=source, secrets={"password": Secret(text)})

    digests = {gate.digest_of(asked(text)) for text in ("planted-two", "planted-three")}
    assert len(digests) == 1
    assert gate.digest_of(asked("planted-two", "other")) not in digests
    for op in (
        SetParameters(task="t", parameters=(PASSWORD,)),
        CreateTask(task=desk.new(parameters=(PASSWORD,))),
        DefineRun(id="r", definition=replace(desk.pipeline("a"), parameters=(PASSWORD,))),
        asked("planted-two"),
    ):
        assert b"planted" not in msgspec.msgpack.encode(gate.masked_op(op))
        assert "planted" not in repr(op)
    plain = SetParameters(task="t", parameters=(RATE,))
    assert gate.masked_op(plain) is plain


def test_a_launch_that_comes_twice_is_carried_out_once(desk, before):
    op = LaunchRun(source=before.id, secrets={"password": Secret("planted-two")})
    service = desk.backend._service
    made = [service.call(op, once=Once("k", "a digest of all that came, which is not kept")) for _ in range(2)]
    assert made[0].id == made[1].id
    with service._store.transaction(writes=False) as tx:
        assert tx.requests.find("k")[0] == gate.digest_of(op)


def test_a_lease_opens_the_secrets_of_its_own_task(timed, definition):
    run = timed.start(timed.draft(script=SCRIPT), definition)
    seal = timed.backend.call(GetRun(id=run.id)).definition.parameters[0].value
    task = timed.enqueue_step(run, assignment=Assignment(references={"x": Resolved(value=seal)}))
    timed.enqueue_step(run, "b", assignment=Assignment(references={"x": Resolved(value=seal)}))
    first, second = timed.claim("default"), timed.claim("default")
    agent = Identity(name="gpu", kind=Kind.AGENT, scope=Scope.RUN)
    service = timed.backend
    held = Held(first.task.id, first.held.fence)
    assert service.call(OpenSecrets(task=task.id), agent, held=held) == {seal: Secret("planted-one")}
    for other in (second.task.id, run.id):
        with pytest.raises(Forbidden):
            service.call(OpenSecrets(task=other), agent, held=held)
    assert first.task.status is Status.IN_PROGRESS
