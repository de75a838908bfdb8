"""A server that is killed between doing something and saying so: the client asks again, and it is done once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
import uuid

import pytest

from penstock.backend import client as clients
from penstock.backend.local import open_local
from penstock.backend.remote import open_remote
from penstock.core.errors import BadTransition
from penstock.core.outputs import ConsoleLine, ScalarPoint, Stream
from penstock.core.task import Parameter, Status, Worker
from penstock.ops.changes import LastChange, ListChanges
from penstock.ops.claims import ClaimTask, ListHeld
from penstock.ops.lifecycle import BeginTask, DeleteTask, EnqueueTask
from penstock.ops.outputs import AppendConsole, GetScalars, NewPoints, ReadConsole, ReportScalars
from penstock.ops.queues import ListEntries
from penstock.ops.tasks import (
    CreateTask,
    EndTask,
    GetParameters,
    GetTask,
    ListTasks,
    NewTask,
    RemoveParameters,
    SetParameters,
)
from penstock.settings import Settings

SERVER = """
import os, signal, sys
from pathlib import Path
from penstock.backend.local import open_local
from penstock.server.serve import Serving, make_server
from penstock.settings import Settings

home, port, victims = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(",")
backend = open_local(Settings(home=home, workers=1))

class Dying(type(backend)):
    def call(self, op, by=None, **given):
        result = super().call(op, by, **given)
        if type(op).__name__ in victims:
            os.kill(os.getpid(), signal.SIGKILL)  # it is done, and nobody was told
        return result

backend.__class__ = Dying

def ready(address):
    print("ready", flush=True)

with make_server(backend, Serving(home=home, port=port), ready) as server:
    server.run_until_told()
"""


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
def serve(tmp_path, port):
    """Starts a server that dies once it has carried out one of these operations; the next one does not."""
    processes = []

    def serve(*victims):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SERVER), str(tmp_path / "home"), str(port), ",".join(victims)],
            stdout=subprocess.PIPE,
            env={name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")},
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield serve
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def remote(tmp_path, port, monkeypatch):
    monkeypatch.setattr(clients, "LONGEST", 0.1)
    backend = open_remote(Settings(home=tmp_path / "home", workers=1, url=f"http://127.0.0.1:{port}"))
    yield backend
    backend.close()


TASK = "7" * 32
LINES = (ConsoleLine(1.0, Stream.OUT, "once"),)
POINTS = (NewPoints(title="t", series="s", points=(ScalarPoint(0, 1.0, 1.0),)),)
PARAMETERS = (Parameter(section="Args", name="x", value=1),)


def seen(backend):
    """All that a second time would show in."""
    gone = not backend.call(ListTasks(ids=(TASK,)))
    return (
        [len(chunk.lines) for chunk in ([] if gone else backend.call(ReadConsole(task=TASK)))],
        [len(series.points) for series in ([] if gone else backend.call(GetScalars(task=TASK)))],
        [] if gone else backend.call(GetParameters(task=TASK)),
        [(change.kind, change.status) for change in backend.call(ListChanges())],
        gone,
    )


@pytest.mark.parametrize(
    "op",
    [
        AppendConsole(task=TASK, lines=LINES),
        ReportScalars(task=TASK, series=POINTS),
        RemoveParameters(task=TASK, paths=("Args/x",)),
        BeginTask(id=TASK, worker=Worker(host="h", pid=1)),
        DeleteTask(id=TASK),
    ],
    ids=lambda op: type(op).__name__,
)
def test_what_was_done_before_the_server_was_killed_is_done_once_and_answered(tmp_path, serve, remote, op):
    victim = serve(type(op).__name__)
    remote.call(CreateTask(task=NewTask(id=TASK, name="t", project="P")))
    remote.call(SetParameters(task=TASK, parameters=PARAMETERS))

    answers = []
    asking = threading.Thread(target=lambda: answers.append(remote.call(op)))
    asking.start()
    assert victim.wait(60) == -9
    own = open_local(Settings(home=tmp_path / "home", workers=1))
    after_the_first = seen(own)
    serve()
    asking.join(60)
    assert len(answers) == 1
    assert seen(own) == after_the_first
    if isinstance(op, RemoveParameters):
        assert answers == [1], "the answer is that of the first time: the second time there was nothing to remove"
    if isinstance(op, DeleteTask):
        assert answers == [[]]
    if isinstance(op, BeginTask):
        assert answers == [own.call(GetTask(id=TASK))]
    own.close()


def answered(victim, serve, call):
    """Make a call of which the server dies once it has done it; return what the next server answers."""
    answers = []
    asking = threading.Thread(target=lambda: answers.append(call()))
    asking.start()
    assert victim.wait(60) == -9
    serve()
    asking.join(60)
    return answers[0]


def test_a_claim_that_was_made_before_the_server_was_killed_is_the_one_that_is_answered(serve, remote):
    """T02: the task is held once, and waits no more; asking again in a new request changes nothing."""
    victim = serve("ClaimTask")
    for id in (TASK, "8" * 32):
        remote.call(CreateTask(task=NewTask(id=id, name="t", project="P")))
        remote.call(EnqueueTask(id=id, queue="default"))
    asked = ClaimTask(agent="one", queues=(), request="once", wait=5.0)
    claim = answered(victim, serve, lambda: remote.call(asked))
    assert claim.task.id == TASK
    assert remote.call(asked) == claim
    assert remote.call(ListHeld()) == [claim]
    assert [one.task for one in remote.call(ListEntries(queue="default"))] == ["8" * 32]


def test_an_end_that_was_recorded_before_the_server_was_killed_may_be_reported_again_and_again(serve, remote):
    """T22: five times, with the same answer; another end is refused."""
    victim = serve("EndTask")
    remote.call(CreateTask(task=NewTask(id=TASK, name="t", project="P")))
    remote.call(BeginTask(id=TASK, worker=Worker(host="h", pid=1)))
    ending = EndTask(id=TASK, status=Status.COMPLETED)
    ended = answered(victim, serve, lambda: remote.call(ending))
    assert ended.status is Status.COMPLETED
    assert [remote.call(ending) for _ in range(5)] == [ended] * 5
    with pytest.raises(BadTransition):
        remote.call(EndTask(id=TASK, status=Status.FAILED))
    assert remote.call(GetTask(id=TASK)) == ended
    assert [one.status for one in remote.call(ListChanges()) if one.task == TASK].count(Status.COMPLETED) == 1


def test_who_waits_for_a_change_waits_on_when_the_server_was_killed_and_came_back(serve, remote):
    victim = serve("CreateTask")
    since = remote.call(LastChange())
    found = []
    asking = threading.Thread(target=lambda: found.extend(remote.call(ListChanges(after=since, wait=60.0))))
    asking.start()
    time.sleep(0.1)
    victim.kill()
    victim.wait()
    serve()
    id = uuid.uuid4().hex
    remote.call(CreateTask(task=NewTask(id=id, name="t", project="P")))
    remote.call(BeginTask(id=id, worker=Worker(host="h", pid=1)))
    asking.join(60)
    assert {change.task for change in found} == {id}
