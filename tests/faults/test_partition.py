"""A server that agents and steps cannot reach for a while: because the network is cut, or because it is away."""

from __future__ import annotations

import pytest
from proxy import Proxy
from tests.place import Place, alive, until

from penstock.core.task import EndReason, Status
from penstock.ops.outputs import GetScalars, ReadConsole
from penstock.run.resources import TITLE

LINES = 40
SCRIPT = """
import json, os, time
from pathlib import Path
from penstock import Logger, PipelineController

FOLDER = Path(os.environ["PYTHONPATH"])

def speak(lines):
    "Say which process this is; say and report something, all the time, until it may end, and at least so often."
    (FOLDER / "a").write_text(json.dumps(os.getpid()))
    with open(FOLDER / "begun", "a") as begun:
        begun.write("x")
    said = 0
    while said < lines or not (FOLDER / "go").exists():
        print("line", said)
        Logger.current_logger().report_scalar("loss", "train", said, iteration=said)
        said += 1
        (FOLDER / "said").write_text(str(said))
        time.sleep(0.02)
    return said

def double(value):
    return value * 2

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
pipe.add_function_step("a", speak, {"lines": LINES}, ["x"])
pipe.add_function_step("b", double, {"value": "${a.x}"}, ["y"])
pipe.start_locally()
""".replace("LINES", str(LINES))
QUICK = """
from penstock.server import app, hearing
app.LEASES = 0.2
hearing.SILENT = 0.7
"""  # a server that decides soon about leases, and believes soon that nobody can reach it
DONE = ("completed", {"a": "completed", "b": "completed"})


@pytest.fixture
def proxy():
    found = Proxy()
    yield found
    found.close()


@pytest.fixture
def beyond(request, tmp_path, proxy):
    """A server, and something between it and some of its clients."""
    kind, _, quick = request.param.partition(", ")
    database = request.getfixturevalue("postgres_url") if kind == "postgres" else None
    names, breaking = (f"127.0.0.1:{proxy.port}",), QUICK if quick else ""
    place = Place(tmp_path, server=True, database=database, names=names, breaking=breaking)
    proxy.to = place.port
    yield place
    place.close()


def said(place):
    file = place.folder / "said"
    return int(until(lambda: file.exists() and file.read_text()))


def begins(place):
    """Wait until the step runs, and that is recorded; return its process."""
    pid = place.told("a")
    until(lambda: place.attempts("flow", "a")[0].worker)
    return pid


def says_more(place, lines):
    """Wait until the step has said so much more."""
    before = said(place)
    until(lambda: said(place) >= before + lines)


def all_is_recorded(place, attempt):
    """Look whether every line and every point of an attempt is there, once."""
    count = said(place)
    chunks = place.backend.call(ReadConsole(task=attempt.id))
    assert [line.text for chunk in chunks for line in chunk.lines] == [f"line {number}" for number in range(count)]
    reported = place.backend.call(GetScalars(task=attempt.id))
    (series,) = [one for one in reported if one.title != TITLE]  # of what the task used
    assert [point.value for point in series.points] == list(range(count))


def done_at_once(place, script):
    """Wait until the run has completed; return the only attempt of its first step."""
    assert script.wait(120) == 0
    script.communicate()
    assert place.ended("flow") == DONE
    (attempt,) = place.attempts("flow", "a")
    return attempt


BOTH = pytest.mark.parametrize("beyond", ["sqlite", "postgres"], indirect=True)


@BOTH
def test_a_step_whose_agent_cannot_reach_the_server_for_a_while_goes_on_and_is_not_repeated(beyond, proxy):
    """T40: what it says and makes meanwhile is recorded when the server is reached again, and the next step runs."""
    place = beyond
    place.agent("--workers", "1", PENSTOCK_URL=proxy.url)
    script = place.start(SCRIPT)
    begins(place)
    proxy.cut()
    says_more(place, 20)
    (place.folder / "go").touch()
    proxy.mend()
    attempt = done_at_once(place, script)
    assert attempt.attempt == 1
    all_is_recorded(place, attempt)


@BOTH
def test_what_an_agent_holds_that_cannot_be_reached_beyond_its_lease_goes_to_another_and_is_written_by_that_one(
    beyond, proxy
):
    """T40, T12: the other attempt has a task and a lease of its own; nothing comes of the first one any more."""
    place = beyond
    place.agent("--workers", "1", "--lease", "2", PENSTOCK_URL=proxy.url)
    script = place.start(SCRIPT)
    pid = begins(place)
    proxy.cut()
    place.agent("--workers", "1")
    until(lambda: (place.folder / "begun").read_text() == "xx")
    first, second = place.attempts("flow", "a")
    before = place.backend.call(ReadConsole(task=first.id)), place.backend.call(GetScalars(task=first.id))
    (place.folder / "go").touch()
    assert script.wait(120) == 0
    script.communicate()
    proxy.mend()
    until(lambda: not alive(pid))
    assert place.ended("flow") == DONE
    first, second = place.attempts("flow", "a")
    assert (first.status, first.reason, second.status) == (Status.FAILED, EndReason.AGENT_LOST, Status.COMPLETED)
    assert (place.backend.call(ReadConsole(task=first.id)), place.backend.call(GetScalars(task=first.id))) == before


@pytest.mark.parametrize("beyond", ["sqlite, quick", "postgres, quick"], indirect=True)
def test_a_server_that_nobody_reaches_for_longer_than_every_lease_gives_nothing_to_others(beyond, proxy):
    """T40: it lives, and is cut off. The step ends meanwhile; nothing is repeated, and the next step runs."""
    place = beyond
    place.agent("--workers", "1", "--lease", "1", PENSTOCK_URL=proxy.url)
    script = place.start(SCRIPT, PENSTOCK_URL=proxy.url)
    pid = begins(place)
    proxy.cut()
    says_more(place, 150)  # which takes three seconds at least; nobody asks the server anything in that time
    assert alive(pid)
    (place.folder / "go").touch()
    proxy.mend()
    attempt = done_at_once(place, script)
    assert (place.folder / "begun").read_text() == "x"
    all_is_recorded(place, attempt)


@pytest.mark.parametrize("place", ["server", "postgres"], indirect=True)
def test_a_server_that_is_away_for_longer_than_every_lease_ends_nothing_and_loses_no_line_and_no_point(place):
    """T40, T19: what happens while nobody can renew a lease does not count against it."""
    place.agent("--workers", "1", "--lease", "1")
    script = place.start(SCRIPT)
    pid = begins(place)
    port = place.port
    place.kill_server()
    says_more(place, 100)  # which takes two seconds at least
    assert alive(pid)
    place.start_server(port)
    says_more(place, 20)
    (place.folder / "go").touch()
    attempt = done_at_once(place, script)
    assert (place.folder / "begun").read_text() == "x"
    all_is_recorded(place, attempt)
