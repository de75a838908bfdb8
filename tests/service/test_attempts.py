"""What whoever carries a claimed task out may, with nothing but the token of the attempt, and for how long."""

from __future__ import annotations

import pytest
from tests.service.conftest import WORKER, Clock, Timed

from penstock.backend.secrets import SystemSecrets
from penstock.core.access import ATTEMPT, Kind, Scope, digest_of, nobody, text_of
from penstock.core.errors import Forbidden, Invalid, LeaseLost, Unauthenticated
from penstock.core.outputs import Artifact
from penstock.core.secret import Secret
from penstock.core.task import EndReason, Status, Task, TaskType
from penstock.ops.access import AddKey, AddUser, Authenticate, ChangeUser, RevokeKey
from penstock.ops.claims import BeginClaimed, ClaimTask, EndLeases, HandBack, ReleaseLease
from penstock.ops.lifecycle import EnqueueTask, ResetTask
from penstock.ops.outputs import AddArtifact, AppendConsole, GetArtifact
from penstock.ops.runs import CreateRun, EndRun, GetRun
from penstock.ops.tasks import CreateTask, EndTask, GetTask, NewTask
from penstock.service import Service
from penstock.service.gate import GRACE
from penstock.store.sqlite import SqliteStore

MADE = SystemSecrets(rounds=1, memory=64)
DONE = {"status": Status.COMPLETED}


class Agency(Timed):
    """Claims tasks as an agent with a key of its own does, and speaks for their attempts."""

    def key(self, **facts):
        return self.backend.call(AddKey(**{"owner": "ada", "kind": Kind.AGENT, **facts}))

    def known(self, text):
        return self.backend.call(Authenticate(text=Secret(text)), nobody())

    def claimed(self, key):
        """Claim the next task; return the claim, and who carries it out."""
        text = text_of(ATTEMPT, MADE.id(), MADE.token())
        op = ClaimTask(agent="gpu", queues=("default", "services"), request=self.id(), workers=9, proof=digest_of(text))
        claim = self.backend.call(op, self.known(key.secret.text))
        return claim, self.known(text)


@pytest.fixture
def agency(tmp_path):
    clock = Clock()
    service = Service(SqliteStore(tmp_path / "penstock.db"), clock, secrets=MADE)
    for name in ("root", "ada"):
        service.call(AddUser(name=name, scope=Scope.ADMIN))
    yield Agency(service, clock)
    service.close()


def test_a_token_says_which_task_it_is_for_and_gives_no_other_right(agency):
    task = agency.queued()
    key = agency.key(projects=("P",))
    claim, attempt = agency.claimed(key)
    assert (attempt.kind, attempt.task, attempt.fence, attempt.leads) == (
        Kind.ATTEMPT,
        task.id,
        claim.held.fence,
        False,
    )
    agency.backend.call(BeginClaimed(held=claim.held, worker=WORKER), attempt)
    agency.backend.call(AppendConsole(task=task.id, lines=()), attempt)
    other = agency.task()
    for op in (
        EndTask(id=other.id, **DONE),
        AppendConsole(task=other.id, lines=()),
        CreateTask(task=agency.new()),
        ClaimTask(agent="gpu", queues=("default",), request="r"),
        GetTask(id=agency.task(project="Q").id),
    ):
        with pytest.raises(Forbidden):
            agency.backend.call(op, attempt)
    assert agency.backend.call(GetTask(id=other.id), attempt) == other
    assert agency.backend.call(EndTask(id=task.id, **DONE), attempt).status is Status.COMPLETED


def test_the_key_of_an_agent_does_with_a_task_that_it_holds_what_its_attempt_may(agency):
    agency.queued()
    other = agency.task()
    key = agency.key()
    claim, _ = agency.claimed(key)
    agent = agency.known(key.secret.text)
    with pytest.raises(Forbidden):
        agency.backend.call(AppendConsole(task=other.id, lines=()), agent, held=claim.held)
    agency.backend.call(AppendConsole(task=claim.task.id, lines=()), agent, held=claim.held)


def test_a_token_that_nobody_got_is_not_known(agency):
    agency.queued()
    agency.claimed(agency.key())
    for id in ("aaaaaaaa", "1"):
        with pytest.raises(Unauthenticated):
            agency.known(text_of(ATTEMPT, id, MADE.token()))


def test_a_claim_that_is_made_again_has_the_same_token(agency):
    agency.queued()
    text = text_of(ATTEMPT, MADE.id(), MADE.token())
    op = ClaimTask(agent="gpu", queues=("default",), request="r", proof=digest_of(text))
    assert agency.backend.call(op) == agency.backend.call(op)
    assert agency.known(text).kind is Kind.ATTEMPT


def test_a_proof_that_is_no_digest_is_refused_and_takes_nothing(agency):
    agency.queued()
    with pytest.raises(Invalid):
        agency.backend.call(ClaimTask(agent="gpu", queues=("default",), request="r", proof="a secret"))
    assert agency.claim() is not None


@pytest.mark.parametrize(
    "take_away",
    [
        lambda agency, claim: agency.backend.call(HandBack(held=claim.held)),
        lambda agency, claim: agency.backend.call(ReleaseLease(held=claim.held)),
        lambda agency, claim: agency.backend.call(EndLeases(tasks=(claim.task.id,))),
    ],
)
def test_a_token_ends_with_the_lease(agency, take_away):
    task = agency.queued()
    claim, attempt = agency.claimed(agency.key())
    take_away(agency, claim)
    for op in (AppendConsole(task=task.id, lines=()), GetTask(id=task.id), EndTask(id=task.id, **DONE)):
        with pytest.raises(LeaseLost):
            agency.backend.call(op, attempt)


def test_a_token_of_a_lease_that_went_to_another_reads_and_writes_nothing(agency):
    task = agency.queued()
    first, attempt = agency.claimed(agency.key())
    agency.backend.call(HandBack(held=first.held))
    _, second = agency.claimed(agency.key())
    for op in (GetTask(id=task.id), AppendConsole(task=task.id, lines=())):
        with pytest.raises(LeaseLost):
            agency.backend.call(op, attempt)
        agency.backend.call(op, second)


def test_who_did_not_hear_that_the_end_was_recorded_is_answered_when_they_ask_again(agency):
    task = agency.queued()
    _, attempt = agency.claimed(agency.key())
    ended = agency.backend.call(EndTask(id=task.id, **DONE), attempt)
    assert agency.backend.call(EndTask(id=task.id, **DONE), attempt) == ended
    for op in (
        EndTask(id=task.id, status=Status.FAILED, reason=EndReason.EXCEPTION),
        AppendConsole(task=task.id, lines=()),
    ):
        with pytest.raises(LeaseLost):
            agency.backend.call(op, attempt)


def test_what_has_ended_can_be_read_for_a_while_and_not_when_it_was_reset(agency):
    tasks = [agency.queued(), agency.queued()]
    attempts = [agency.claimed(agency.key())[1] for _ in tasks]
    for task, attempt in zip(tasks, attempts, strict=True):
        agency.backend.call(EndTask(id=task.id, **DONE), attempt)
        agency.backend.call(GetTask(id=task.id), attempt)
    agency.backend.call(ResetTask(id=tasks[0].id, worker=None))
    with pytest.raises(LeaseLost):
        agency.backend.call(GetTask(id=tasks[0].id), attempts[0])
    agency.clock.now += GRACE + 1.0
    with pytest.raises(LeaseLost):
        agency.backend.call(GetTask(id=tasks[1].id), attempts[1])


@pytest.mark.parametrize("change", [lambda id: RevokeKey(id=id), lambda _: ChangeUser(name="ada", disabled=True)])
def test_a_token_ends_with_the_key_that_the_task_was_claimed_with(agency, change):
    task = agency.queued()
    key = agency.key()
    _, attempt = agency.claimed(key)
    agency.backend.call(change(key.key.id))
    with pytest.raises(Unauthenticated):
        agency.backend.call(GetTask(id=task.id), attempt)


def test_a_run_writes_to_the_runs_that_it_makes_and_to_no_other(agency):
    agency.queued_run()
    _, attempt = agency.claimed(agency.key())
    assert attempt.leads
    made = agency.backend.call(CreateRun(pipeline="inner", project="P", task=agency.new("inner", "")), attempt)
    theirs = agency.draft("theirs")
    stopped = {"status": Status.STOPPED, "reason": EndReason.ABORTED}
    with pytest.raises(Forbidden):
        agency.backend.call(EnqueueTask(id=theirs.id, queue="default"), attempt)
    agency.backend.call(EnqueueTask(id=made.id, queue="default"), attempt)
    with pytest.raises(Forbidden):
        agency.backend.call(EndRun(id=theirs.id, **stopped), attempt)
    assert agency.backend.call(GetRun(id=made.id), attempt).run.task.status is Status.QUEUED


def test_a_task_whose_maker_is_another_run_is_not_taken_by_making_it_again(agency):
    agency.queued_run()
    agency.queued_run()
    (_, first), (_, second) = agency.claimed(agency.key()), agency.claimed(agency.key())
    task = agency.backend.call(CreateTask(task=agency.new()), first)
    again = CreateTask(task=NewTask(id=task.id, name="x", project="P"))
    with pytest.raises(Forbidden):
        agency.backend.call(again, second)
    assert isinstance(agency.backend.call(again, first), Task)


def test_an_attempt_signs_what_it_stores_with_its_run_and_a_run_says_who_made_it(agency):
    run = agency.run("a")
    step = agency.enqueue_step(run)
    _, attempt = agency.claimed(agency.key())
    artifact = Artifact(
        task=run.id, name="x", format="json", type="int", hash="0" * 64, size=1, url="", maker="somebody"
    )
    agency.backend.call(AddArtifact(artifact=artifact), attempt)
    assert agency.backend.call(GetArtifact(task=run.id, name="x")).maker == step.id
    agency.queued_run()
    claim, leading = agency.claimed(agency.key())
    assert claim.task.type is TaskType.CONTROLLER
    artifact = Artifact(
        task=claim.task.id, name="y", format="json", type="int", hash="0" * 64, size=1, url="", maker="s"
    )
    agency.backend.call(AddArtifact(artifact=artifact), leading)
    assert agency.backend.call(GetArtifact(task=claim.task.id, name="y")).maker == "s"
