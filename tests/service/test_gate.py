"""Who comes in: the whole matrix of rights on a real store, and keys that stop to count at once.

The matrix is data to be reviewed. After a change that is meant: `python tests/service/test_gate.py` writes it anew.
"""

from __future__ import annotations

import tempfile
from operator import attrgetter
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from penstock.backend.secrets import SystemSecrets
from penstock.core.access import AttemptToken, Identity, Kind, Scope, nobody
from penstock.core.errors import Forbidden, Unauthenticated
from penstock.core.outputs import Model
from penstock.core.pipeline import Pipeline, Step
from penstock.core.rights import RULES, Thing
from penstock.core.secret import Secret
from penstock.core.task import Parameter, Script, Worker
from penstock.ops.access import AddKey, AddUser, ChangeUser, RemoveUser, RevokeKey
from penstock.ops.base import REGISTRY
from penstock.ops.models import AddModel
from penstock.ops.runs import CreateRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import CreateTask, NewTask, SetParameters
from penstock.ports.queues import Waiting
from penstock.service import Service
from penstock.service.gate import admit, digest_of, standing
from penstock.store.sqlite import SqliteStore

MATRIX = Path(__file__).with_name("rights_matrix.txt")
QUICK = SystemSecrets(rounds=1, memory=64)
WORLDS = {"P": "1", "Q": "2"}


def open_service(folder):
    return Service(SqliteStore(folder / "home" / "penstock.db"), lambda: 1000.0, secrets=QUICK)


def fill(service):
    """Two projects with a task, a run, an attempt of its step, and a model each; two users with a key each."""
    worker = Worker(host="h", pid=1)
    for project, digit in WORLDS.items():
        task, run, model = (letter * 31 + digit for letter in "abc")
        service.call(CreateTask(task=NewTask(id=task, name="work", project=project)))
        service.call(CreateRun(pipeline="flow", project=project, task=NewTask(id=run, name="flow", project="")))
        definition = Pipeline(
            name="flow",
            project=project,
            steps=(Step(name="a", code="c"),),
            code={"c": Script(source="", entry_point="f")},
        )
        service.call(StartRun(id=run, definition=definition, worker=worker))
        new = NewTask(id="", name="a", project=f"{project}/.pipelines/flow")
        service.call(LaunchStep(run=run, step="a", attempt=1, task=new, worker=worker))
        service.call(
            AddModel(model=Model(id=model, task=task, project=project, name="net", url="", direction="output"))
        )
    service.call(AddUser(name="root", scope=Scope.ADMIN))
    for name in ("me", "other"):
        service.call(AddUser(name=name, scope=Scope.ADMIN))
    agent = service.call(AddKey(owner="root", kind=Kind.AGENT, projects=("P",), queues=("default",))).key.id
    with service._store.transaction() as tx:
        for task in (tx.steps.get("b" * 31 + "1", "a").task, "b" * 31 + "1"):
            held = tx.leases.add(Waiting(task=task, queue="default", rank=0.0), "gpu", task, 2000.0).held
            tx.tokens.add(AttemptToken(task=task, fence=held.fence, key=agent), task, 1000.0)


def attempt_of(service, project):
    with service._store.transaction(writes=False) as tx:
        return tx.steps.get("b" * 31 + WORLDS[project], "a").task


def sample(kind, values):
    """An operation of this kind with these values in its places, and the plainest ones elsewhere."""
    plain = {one.encode_name: plainest(one.type) for one in msgspec.inspect.type_info(kind).fields if one.required}
    for place in RULES[kind.__name__].places:
        inside, (*above, last) = plain, place.path.split(".")
        for name in above:
            inside = inside.setdefault(name, {})
        several = getattr(field_of(kind, place.path), "item_type", None) is not None
        inside[last] = [values[place.thing]] if several else values[place.thing]
    return msgspec.convert(plain, kind)


def field_of(kind, path):
    name, _, rest = path.partition(".")
    (found,) = [one.type for one in msgspec.inspect.type_info(kind).fields if one.name == name]
    return field_of(found.cls, rest) if rest else found


def plainest(info):
    match info:
        case msgspec.inspect.StructType(fields=fields):
            return {one.encode_name: plainest(one.type) for one in fields if one.required}
        case msgspec.inspect.EnumType(cls=cls):
            return next(iter(cls)).value
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            return 1
        case msgspec.inspect.StrType():
            return "x"
        case msgspec.inspect.UnionType(types=(first, *_)):
            return plainest(first)
        case msgspec.inspect.DictType():
            return {}
        case msgspec.inspect.UnionType(includes_none=True):
            return None
        case _:
            return []


def identities(service):
    """Everybody who may come, by the name of their column; users are called `me`."""
    found = {"nobody": nobody()}
    for projects in ((), ("P",)):
        for scope in Scope:
            where = "P-" if projects else ""
            found[f"{where}{scope}"] = Identity(name="me", scope=scope, projects=projects)
    found["agent"] = Identity(name="gpu", kind=Kind.AGENT, queues=("default",))
    step = Identity(name="step", kind=Kind.ATTEMPT, task=attempt_of(service, "P"))
    held, run = (Identity(name="", kind=Kind.ATTEMPT, key=f"attempt_{fence}") for fence in (1, 2))
    return found | {"step": step, "step-P": replace(step, projects=("P",)), "attempt": held, "its-run": run}


def values_of(service, project, key, who):
    digit = WORLDS[project]
    return {
        Thing.TASK: attempt_of(service, project),
        Thing.MODEL: "c" * 31 + digit,
        Thing.PROJECT: project,
        Thing.QUEUE: "default" if project == "P" else "gpu",
        Thing.USER: "new",
        Thing.OWNER: who,
        Thing.KEY: key,
    }


def matrix(service):
    """Return the table: a row an operation, a column an identity; `+` where it is let in, own project then foreign."""
    keys = {name: service.call(AddKey(owner=name)).key.id for name in ("me", "other")}
    values = {project: values_of(service, project, keys[who], who) for project, who in (("P", "me"), ("Q", "other"))}
    everybody = identities(service)
    lines = [f"{'':18}{''.join(f'{name:9}' for name in everybody)}".rstrip()]
    for name in RULES:
        ops = [sample(REGISTRY[name], values[project]) for project in WORLDS]
        cells = ["".join(cell(service, who, op) for op in ops) for who in everybody.values()]
        lines.append(f"{name:18}{''.join(f'{one:9}' for one in cells)}".rstrip())
    return "\n".join(lines) + "\n"


def cell(service, who, op):
    try:
        with service._store.transaction(writes=False) as tx:
            admit(tx, who, op, 1000.0)
    except (Forbidden, Unauthenticated):
        return "-"
    return "+"


@pytest.fixture
def service(tmp_path):
    made = open_service(tmp_path)
    fill(made)
    yield made
    made.close()


def test_the_matrix_of_rights_is_the_one_that_was_reviewed(service):
    assert matrix(service) == MATRIX.read_text("utf-8")


def test_the_samples_of_the_matrix_say_what_they_are_about(service):
    """Else a cell would be about nothing."""
    values = values_of(service, "P", "k", "me")
    for name, rule in RULES.items():
        op = sample(REGISTRY[name], values)
        for place in rule.places:
            assert attrgetter(place.path)(op) in (values[place.thing], (values[place.thing],))


@pytest.mark.parametrize("name", RULES)
def test_the_service_lets_nobody_in_who_has_not_said_who_they_are(service, name):
    """Every operation goes through the gate: none has a way of its own."""
    if RULES[name].scope is None:
        return
    op = sample(REGISTRY[name], values_of(service, "P", "k", "me"))
    with pytest.raises(Unauthenticated):
        service.call(op, nobody())


@pytest.mark.parametrize("name", RULES)
def test_the_service_lets_no_agent_do_what_agents_may_not(service, name):
    if RULES[name].scope is None or RULES[name].agent:
        return
    op = sample(REGISTRY[name], values_of(service, "P", "k", "me"))
    with pytest.raises(Forbidden):
        service.call(op, Identity(name="gpu", kind=Kind.AGENT, scope=Scope.ADMIN))


class TestStanding:
    """What a key allows now, whatever it allowed when somebody came in."""

    @pytest.fixture
    def now(self):
        return [1000.0]

    @pytest.fixture
    def service(self, tmp_path, now):
        made = Service(SqliteStore(tmp_path / "home" / "penstock.db"), lambda: now[0], secrets=QUICK)
        made.call(AddUser(name="root", scope=Scope.ADMIN))
        made.call(AddUser(name="ada", scope=Scope.WRITE, projects=("P",)))
        yield made
        made.close()

    @pytest.fixture
    def ask(self, service, now):
        def ask(id):
            with service._store.transaction(writes=False) as tx:
                return standing(tx, id, now[0])

        return ask

    def add(self, service, **facts):
        return service.call(AddKey(**{"owner": "ada", **facts})).key.id

    def test_a_key_allows_no_more_than_its_owner_may(self, service, ask):
        found = ask(self.add(service, scope=Scope.ADMIN))
        assert (found.name, found.scope, found.projects) == ("ada", Scope.WRITE, ("P",))
        found = ask(self.add(service, scope=Scope.READ, projects=("P/x", "Q")))
        assert (found.scope, found.projects) == (Scope.READ, ("P/x",))

    def test_a_key_for_projects_that_its_owner_may_not_see_opens_nothing(self, service, ask):
        id = self.add(service, projects=("Q",))
        with pytest.raises(Unauthenticated, match="for no project that user 'ada' may see"):
            ask(id)

    def test_an_agent_is_known_by_the_name_of_its_key(self, service, ask):
        id = self.add(service, kind=Kind.AGENT, name="gpu-1", queues=("default",))
        assert (ask(id).name, ask(id).kind, ask(id).queues) == ("gpu-1", Kind.AGENT, ("default",))
        unnamed = self.add(service, kind=Kind.AGENT)
        assert ask(unnamed).name == unnamed

    def test_a_key_is_refused_from_the_second_on_at_which_it_expires(self, service, ask, now):
        id = self.add(service, lifetime=60.0)
        now[0] += 59.9
        assert ask(id)
        now[0] += 0.1
        with pytest.raises(Unauthenticated, match="has expired"):
            ask(id)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda id: RevokeKey(id=id), "was revoked"),
            (lambda _: ChangeUser(name="ada", disabled=True), "user 'ada' may not come in"),
            (lambda _: RemoveUser(name="ada"), "nobody is known"),
        ],
    )
    def test_what_is_taken_away_is_refused_at_the_next_call_of_who_was_let_in_before(
        self, service, ask, change, message
    ):
        id = self.add(service)
        let_in = ask(id)
        op = CreateTask(task=NewTask(id="t" * 32, name="n", project="P"))
        service.call(op, let_in)
        service.call(change(id))
        with pytest.raises(Unauthenticated, match=message):
            service.call(op, let_in)

    def test_what_somebody_may_changes_for_who_was_let_in_before(self, service, ask):
        let_in = ask(self.add(service))
        service.call(ChangeUser(name="ada", projects=("Q",)))
        with pytest.raises(Forbidden):
            service.call(CreateTask(task=NewTask(id="t" * 32, name="n", project="P")), let_in)

    def test_a_user_who_is_enabled_again_comes_in_again(self, service, ask):
        id = self.add(service)
        service.call(ChangeUser(name="ada", disabled=True))
        service.call(ChangeUser(name="ada", disabled=False))
        assert ask(id).name == "ada"


def test_the_digest_of_a_request_says_nothing_about_its_secrets():
    digests = {digest_of(AddUser(name="ada", password=Secret(text))) for text in ("one", "two")}
    assert len(digests) == 1
    assert digests != {digest_of(AddUser(name="eve", password=Secret("one")))}
    assert digest_of(AddUser(name="ada")) not in digests


def test_a_request_with_values_that_no_message_can_hold_has_a_digest():
    halves = [SetParameters(task="t", parameters=(Parameter(section="s", name="n", value=x),)) for x in ("\ud800", "y")]
    assert len({digest_of(op) for op in halves}) == 2


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = open_service(Path(folder))
        fill(made)
        MATRIX.write_text(matrix(made), "utf-8")
        made.close()
