"""Many clients of one server at once, beside those who use its home itself: nothing is lost, nobody hears of a lock."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from msgspec.structs import replace

from penstock.backend import open_home
from penstock.core.outputs import ConsoleLine, Stream
from penstock.core.task import Status, Worker
from penstock.ops.claims import BeginClaimed, ClaimTask, ListHeld, RenewLease
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.outputs import AppendConsole, ListArtifacts, ReadConsole
from penstock.ops.queues import ListQueues
from penstock.ops.runs import ListRuns
from penstock.ops.tasks import CreateTask, EndTask, ListTasks, NewTask

AGENTS = 50
TASKS = 200
WRITERS = 8
ARTIFACTS = 100
WRITE = """
import sys
from penstock import Task
me, task = sys.argv[1:]
found = Task.get_task(task)
for number in range(COUNT):
    assert found.upload_artifact(f"{me}.{number}", number)
""".replace("COUNT", str(ARTIFACTS))


def draft(backend, queue=None):
    id = uuid.uuid4().hex
    backend.call(CreateTask(task=NewTask(id=id, name="t", project="P")))
    if queue:
        backend.call(EnqueueTask(id=id, queue=queue))
    return id


def carry_out_all(settings):
    """Do what an agent does until nothing waits; return the tasks."""
    done = []
    with closing(open_home(settings)) as backend:
        me = uuid.uuid4().hex
        while claim := backend.call(ClaimTask(agent=me, queues=("default",), request=uuid.uuid4().hex)):
            mine = backend.holding(claim.held)
            mine.call(BeginClaimed(held=claim.held, worker=Worker(host="h", pid=len(done) + 1)))
            mine.call(AppendConsole(task=claim.task.id, lines=(ConsoleLine(1.0, Stream.OUT, me),)))
            mine.call(RenewLease(held=claim.held))
            mine.call(EndTask(id=claim.task.id, status=Status.COMPLETED))
            done.append((claim.task.id, me))
    return done


def look(settings):
    """Do what a page does, a while."""
    with closing(open_home(settings)) as backend:
        return [(backend.call(ListRuns()), backend.call(ListQueues()), backend.call(ListTasks())) for _ in range(50)]


@pytest.mark.parametrize("place", ["server", "postgres"], indirect=True)
def test_fifty_agents_of_a_server_carry_everything_out_once_while_others_use_its_home_and_look(place, request):
    """T37: an error of any of them ends the test."""
    for _ in range(TASKS):
        draft(place.backend, "default")
    url = request.getfixturevalue("postgres_url") if "postgres" in request.node.name else None
    beside = replace(place.settings, home=place.folder / "kept", url="", database_url=url)
    with ThreadPoolExecutor(AGENTS + 4) as pool:
        agents = [pool.submit(carry_out_all, place.settings) for _ in range(AGENTS)]
        agents += [pool.submit(carry_out_all, beside) for _ in range(2)]
        pages = [pool.submit(look, one) for one in (place.settings, beside)]
        done = dict(one for agent in agents for one in agent.result())
        assert all(page.result() for page in pages)
    assert len(done) == TASKS
    assert Counter(task.status for task in place.backend.call(ListTasks(limit=1000))) == {Status.COMPLETED: TASKS}
    for task, agent in done.items():
        chunks = place.backend.call(ReadConsole(task=task))
        assert [line.text for chunk in chunks for line in chunk.lines] == [agent]
    assert place.backend.call(ListHeld()) == []


@pytest.mark.parametrize("place", ["server", "postgres"], indirect=True)
def test_eight_processes_that_store_artifacts_of_one_task_lose_nothing_of_each_other(place):
    """T48."""
    task = draft(place.backend)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(me), task], env=place.environment) for me in range(WRITERS)
    ]
    assert [one.wait(300) for one in writers] == [0] * WRITERS
    found = {one.name for one in place.backend.call(ListArtifacts(task=task))}
    assert found == {f"{me}.{number}" for me in range(WRITERS) for number in range(ARTIFACTS)}
