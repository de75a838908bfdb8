"""What a launcher carries out for a step: whatever the step asks, the answer is a reply and the launcher goes on."""

from __future__ import annotations

import threading

import msgspec
import pytest

from penstock.backend import connect
from penstock.blobs.cached import CachedBlobs
from penstock.core.errors import Damaged
from penstock.core.outputs import Blob
from penstock.core.pipeline import Pipeline, Step
from penstock.core.rights import RULES, Reach
from penstock.core.task import Parameter, Worker
from penstock.ops.base import REGISTRY
from penstock.ops.changes import LastChange
from penstock.ops.runs import CreateRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import GetTask, NewTask, SetParameters
from penstock.run.attempt import TRANSFER, Request, Transfer, decode_reply, encode
from penstock.run.serve import serve
from penstock.settings import Settings

RUN = "1" * 32
FOR_EVER = 100_000.0


@pytest.fixture
def backend(tmp_path):
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    yield opened
    opened.close()


@pytest.fixture
def task(backend):
    """A step that runs."""
    worker = Worker(host="h", pid=1)
    definition = Pipeline(name="p", project="P", steps=(Step(name="a", code="c"),))
    backend.call(CreateRun(pipeline="p", project="P", task=NewTask(id=RUN, name="p", project="")))
    backend.call(StartRun(id=RUN, definition=definition, worker=worker))
    new = NewTask(id="", name="a", project="P")
    return backend.call(LaunchStep(run=RUN, step="a", attempt=1, task=new, worker=worker))


@pytest.fixture
def ask(backend, task):
    def ask(op, body=None):
        name = op if isinstance(op, str) else type(op).__name__
        request = Request(number=7, op=name, body=msgspec.Raw(encode(op if body is None else body)))
        reply = decode_reply(serve(backend, task, request))
        assert reply.number == 7
        return reply

    return ask


def test_a_step_reads_anything(ask, task):
    reply = ask(GetTask(id=RUN))
    assert (reply.code, msgspec.msgpack.decode(reply.body)["id"]) == ("", RUN)


def test_an_operation_that_does_not_exist_is_an_answer(ask):
    reply = ask("Dance", {})
    assert (reply.code, reply.message) == ("not_found", "there is no operation 'Dance'")


@pytest.mark.parametrize("body", [{}, {"id": 3}, [], None, "text", {"id": "x", "more": 1}])
def test_a_body_that_is_not_the_operation_is_an_answer(ask, body):
    reply = ask("GetTask", body)
    assert reply.code in {"invalid", "not_found"}
    assert reply.message


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_what_writes_is_on_the_list_or_refused(ask, name):
    """An operation that is added later is closed to steps until somebody opens it."""
    kind = REGISTRY[name]
    writes = not kind.reads
    reply = ask(name, sample(kind))
    if writes and RULES[name].step is Reach.NOT:
        assert (reply.code, reply.message) == ("forbidden", f"a step may not ask for {name}")
    elif writes:
        assert reply.code == "forbidden"
        assert "may write to its own task and run, not to task nobody" in reply.message


def sample(kind):
    """An operation of this kind on a task `nobody`, as plain data."""

    def fill(type):
        info = msgspec.inspect.type_info(type)
        return fill_info(info)

    def fill_info(info):
        match info:
            case msgspec.inspect.StructType(fields=fields):
                return {
                    one.encode_name: "nobody"
                    if one.name in {"task", "id"} and not is_struct(one.type)
                    else fill_info(one.type)
                    for one in fields
                    if one.required
                }
            case msgspec.inspect.EnumType(cls=cls):
                return next(iter(cls)).value
            case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
                return 1
            case msgspec.inspect.StrType():
                return "x"
            case msgspec.inspect.DictType():
                return {}
            case msgspec.inspect.UnionType(types=(first, *_)):
                return None if info.includes_none else fill_info(first)
            case _:
                return []

    def is_struct(info):
        return isinstance(info, msgspec.inspect.StructType)

    return fill(kind)


def test_a_value_that_no_message_can_hold_is_an_answer(ask, backend):
    """The database holds half characters, which messages cannot: the launcher survives being asked for them."""
    backend.call(SetParameters(task=RUN, parameters=(Parameter(section="Args", name="x", value="\ud800"),)))
    reply = ask("GetParameters", {"task": RUN})
    assert reply.code == "invalid"


WAITING = {"AwaitTask": {"id": RUN}, "FollowRun": {"run": RUN}, "ListChanges": {}}


def test_these_are_all_operations_of_steps_that_wait():
    assert {kind.__name__ for kind in REGISTRY.values() if kind.reads and "wait" in kind.__struct_fields__} == {
        *WAITING
    }


@pytest.mark.parametrize("name", WAITING)
def test_a_step_that_waits_does_not_make_its_launcher_wait(backend, task, name):
    """One thread serves all steps of a run, so a request that waits for a change must be answered at once."""
    since = {} if name == "AwaitTask" else {"after": backend.call(LastChange())}
    op = REGISTRY[name](**WAITING[name], **since, wait=FOR_EVER)
    request = Request(number=1, op=name, body=msgspec.Raw(encode(op)))
    replies = []
    serving = threading.Thread(target=lambda: replies.append(serve(backend, task, request)), daemon=True)
    serving.start()
    serving.join(timeout=5)
    assert replies, "the launcher waits for as long as the step likes"


class Elsewhere:
    """The place where blobs are kept, which is asked and answers."""

    def __init__(self):
        self.asked = []

    def keep_blob(self, blob):
        self.asked.append(("keep", blob))

    def fetch_blob(self, blob):
        self.asked.append(("fetch", blob))
        raise Damaged("it is not there")

    def check_blob(self, blob):
        self.asked.append(("check", blob))

    def stat_blob(self, hash):
        self.asked.append(("stat", Blob(hash, 0)))
        return Blob(hash, 5)


def test_a_step_has_its_blobs_sent_and_fetched_where_they_are_kept_elsewhere(ask, backend, tmp_path):
    far, blob = Elsewhere(), Blob("0" * 64, 0)
    backend.blobs = CachedBlobs(tmp_path / "copies", far, "http://s")
    replies = {kind: ask(TRANSFER, Transfer(kind=kind, blob=blob)) for kind in ("keep", "fetch", "check", "stat")}
    assert far.asked == [(kind, blob) for kind in replies]
    assert (replies["keep"].code, replies["fetch"].code, replies["check"].code) == ("", "damaged", "")
    assert msgspec.msgpack.decode(replies["stat"].body, type=Blob) == Blob("0" * 64, 5)


def test_where_the_blobs_are_here_there_is_nothing_to_send(ask):
    assert ask(TRANSFER, Transfer(kind="keep", blob=Blob("0" * 64, 0))).code == ""
    assert ask(TRANSFER, b"nonsense").code == "invalid"
