"""The warm process, spoken to in its own protocol."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.place import until

from penstock.run import warm, wire

PATIENCE = 60.0


class Step:
    """Our side of one launch, as the controller has it."""

    def __init__(self, zygote: warm.Warm, key: str, entry: str, path: tuple[str, ...]) -> None:
        out, far_out = os.pipe()
        err, far_err = os.pipe()
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(PATIENCE)
        self.pipes = (out, err)
        zygote.order(wire.Start(key, None), (far_out, far_err, theirs.detach()))
        setup = wire.Setup(f"entries:{entry}", b"/", (b"OWN=variable",), tuple(map(os.fsencode, path)))
        wire.send_frame(self.channel, wire.encode(setup))
        wire.send_frame(self.channel, b"")

    def go_on(self) -> None:
        wire.send_frame(self.channel, b"go on")

    def message(self):
        return json.loads(wire.receive_frame(self.channel))

    def close(self) -> None:
        wire.close_all(self.pipes)
        self.channel.close()


@pytest.fixture
def begin_warm(tmp_path: Path) -> Iterator[Callable[..., warm.Warm]]:
    """Start a warm process that imports a module of this source."""
    with ExitStack() as stack:

        def begin(source: str = "", *modules: str) -> warm.Warm:
            (tmp_path / "preloaded.py").write_text(source)
            path = [str(tmp_path), *(one for one in sys.path if one)]
            one = warm.Warm(warm.kind(modules or ("preloaded",), "", path=path))
            stack.callback(one.dismiss)
            return one

        yield begin


@pytest.fixture
def launch(steps) -> Iterator[Callable[..., Step]]:
    with ExitStack() as stack:

        def start(zygote: warm.Warm, key: str, entry: str) -> Step:
            step = Step(zygote, key, entry, steps.path)
            stack.callback(step.close)
            return step

        yield start


def wait_until(zygote: warm.Warm, enough: Callable[[list[object]], bool]) -> list:
    """Return the reports until there are enough, or until the warm process is gone."""
    reports: list[object] = []
    until = time.monotonic() + PATIENCE
    while not enough(reports) and not zygote.connection.ended:
        assert time.monotonic() < until
        select.select([zygote.connection.endpoint], [], [], PATIENCE)
        reports += zygote.hear()
    return reports


def wait_for(zygote: warm.Warm, report: type):
    return wait_until(zygote, lambda reports: any(isinstance(one, report) for one in reports))[-1]


def wait_for_end(zygote: warm.Warm) -> None:
    wait_until(zygote, lambda _: False)


def get_ready(zygote: warm.Warm):
    wait_until(zygote, lambda _: zygote.ready is not None)
    return zygote.ready


def test_it_says_that_it_is_ready_whatever_could_not_be_imported(begin_warm):
    assert get_ready(begin_warm("1 / 0")) == wire.Ready(0, forkable=True)
    assert get_ready(begin_warm("raise KeyboardInterrupt")) == wire.Ready(0, forkable=True)
    assert get_ready(begin_warm("", "no_such_module", "preloaded:no_such_name")) == wire.Ready(0, forkable=True)


def test_it_says_so_again_when_it_is_needed_again(begin_warm):
    zygote = begin_warm("import threading, time; threading.Thread(target=time.sleep, args=[999], daemon=True).start()")
    assert not get_ready(zygote).forkable
    zygote.order(wire.Park(1000))
    zygote.hold()
    again = get_ready(zygote)
    assert (again.serial, again.forkable) == (1, False)
    assert again.reason.startswith("importing the steps' modules started threads: ")


def test_it_leaves_when_nobody_needs_it_but_never_while_a_step_runs(begin_warm, launch, is_gone):
    zygote = begin_warm()
    get_ready(zygote)
    step = launch(zygote, "a", "begin_and_wait")
    zygote.order(wire.Park(0))
    assert step.message() == "begun"
    step.go_on()
    assert wait_for(zygote, wire.Ended) == wire.Ended("a", 0, None)
    wait_for_end(zygote)
    assert is_gone(zygote._process.pid)


def test_it_stays_when_it_is_needed_again_in_the_last_moment(begin_warm, launch):
    zygote = begin_warm()
    get_ready(zygote)
    os.kill(zygote._process.pid, signal.SIGSTOP)  # so that it reads both orders at once
    zygote.order(wire.Park(0))
    zygote.hold()
    os.kill(zygote._process.pid, signal.SIGCONT)
    assert get_ready(zygote).serial == 1
    launch(zygote, "a", "nothing")
    assert wait_for(zygote, wire.Ended) == wire.Ended("a", 0, None)


def test_an_order_that_cannot_be_read_is_its_end_and_it_says_why(begin_warm, launch, is_gone):
    zygote = begin_warm()
    get_ready(zygote)
    launch(zygote, "a", "wait")
    spawned = wait_for(zygote, wire.Spawned)
    zygote.connection.send(b"nonsense")
    wait_for_end(zygote)
    assert zygote.last_words.startswith("ValidationError: ")
    assert is_gone(spawned.pid)


def test_its_steps_end_with_it_even_when_nobody_kills_them(begin_warm, launch, is_gone):
    zygote = begin_warm()
    get_ready(zygote)
    step = launch(zygote, "a", "begin_and_wait")
    assert step.message() == "begun"
    os.kill(zygote._process.pid, signal.SIGKILL)
    assert is_gone(wait_for(zygote, wire.Spawned).pid)


def forks_of(zygote: warm.Warm) -> list[int]:
    """Its processes: steps, and the fork that was made ahead."""
    place = Path(f"/proc/{zygote._process.pid}/task/{zygote._process.pid}/children")
    return [int(pid) for pid in place.read_text().split()]


def spare_of(zygote: warm.Warm) -> int:
    """The fork that was made ahead, once it is there and nothing else is."""
    return until(lambda: len(found := forks_of(zygote)) == 1 and found[0])


def test_the_next_step_is_a_fork_that_was_made_before_it_was_asked_for(begin_warm, launch):
    zygote = begin_warm()
    get_ready(zygote)
    seen = []
    for key in "abc":
        launch(zygote, key, "nothing")
        seen.append(wait_for(zygote, wire.Spawned).pid)
        wait_for(zygote, wire.Ended)
        seen.append(spare_of(zygote))
    assert seen[1:3] == [seen[1]] * 2
    assert seen[3:5] == [seen[3]] * 2
    assert len(set(seen)) == 4


def test_the_next_one_is_made_when_a_step_has_ended_however_soon(begin_warm, launch):
    zygote = begin_warm("import penstock.run.zygote; penstock.run.zygote.AHEAD = 3600")
    get_ready(zygote)
    launch(zygote, "a", "nothing")
    wait_for(zygote, wire.Ended)
    assert spare_of(zygote)


def test_the_next_one_is_made_while_a_step_goes_on(begin_warm, launch):
    zygote = begin_warm("import penstock.run.zygote; penstock.run.zygote.AHEAD = 0")
    get_ready(zygote)
    assert launch(zygote, "a", "begin_and_wait").message() == "begun"
    until(lambda: len(forks_of(zygote)) == 2)


REHEARSE = "penstock.sdk.assigned:rehearse"


def settled_spare_of(zygote: warm.Warm) -> int:
    """The fork that was made ahead, once it does nothing any more."""
    spare = spare_of(zygote)
    seen: list[str] = []

    def is_settled() -> bool:
        faults, ticks = (Path(f"/proc/{spare}/stat").read_text().rpartition(")")[2].split()[at] for at in (7, 11))
        seen.append(f"{faults} {ticks}")
        return len(seen) > 20 and len(set(seen[-20:])) == 1

    until(is_settled)
    return spare


def test_what_was_made_ahead_has_touched_most_of_what_an_attempt_touches(begin_warm, launch):
    counts = []
    for modules in (["penstock.sdk.assigned"], ["penstock.sdk.assigned", REHEARSE]):
        zygote = begin_warm("", *modules)
        get_ready(zygote)
        launch(zygote, "a", "nothing")
        wait_for(zygote, wire.Ended)
        settled_spare_of(zygote)
        counts.append(launch(zygote, "b", "touched").message())
    assert counts[1] < counts[0] / 2, counts


@pytest.mark.parametrize(("idle", "rehearsals"), [(3600, 1), (0, 3)])
def test_what_is_made_ahead_rehearses_while_the_one_before_had_time_to(begin_warm, launch, tmp_path, idle, rehearsals):
    """Where steps follow each other as fast as they can, rehearsing would only hold them up."""
    said = tmp_path / "said"
    source = f"""
import penstock.run.zygote, penstock.sdk.assigned
penstock.run.zygote.IDLE = {idle}
penstock.sdk.assigned.rehearse = lambda: open({str(said)!r}, "a").write("!")
"""
    zygote = begin_warm(source, "preloaded", REHEARSE)
    get_ready(zygote)
    for key in "abc":
        launch(zygote, key, "nothing")
        wait_for(zygote, wire.Ended)
        settled_spare_of(zygote)
    assert said.read_text() == "!" * rehearsals


@pytest.mark.parametrize("rehearsal", ["lambda: 1 / 0", "lambda: __import__('time').sleep(0.5)"])
def test_a_step_starts_whatever_becomes_of_the_rehearsal(begin_warm, launch, rehearsal):
    zygote = begin_warm(f"import penstock.sdk.assigned as one; one.rehearse = {rehearsal}", "preloaded", REHEARSE)
    get_ready(zygote)
    for key in "ab":
        launch(zygote, key, "nothing")
        assert wait_for(zygote, wire.Ended) == wire.Ended(key, 0, None)
        spare_of(zygote)


def test_several_steps_at_once_start_whatever_was_made_ahead(begin_warm, launch):
    zygote = begin_warm()
    get_ready(zygote)
    launch(zygote, "first", "nothing")
    wait_for(zygote, wire.Ended)
    spare_of(zygote)
    steps = [launch(zygote, str(number), "begin_and_wait") for number in range(5)]
    assert [step.message() for step in steps] == ["begun"] * 5
    for step in steps:
        step.go_on()
    ends = wait_until(zygote, lambda reports: sum(isinstance(one, wire.Ended) for one in reports) == 5)
    assert {one.code for one in ends if isinstance(one, wire.Ended)} == {0}


def test_a_step_starts_when_what_was_made_ahead_was_killed(begin_warm, launch, is_gone):
    zygote = begin_warm()
    get_ready(zygote)
    launch(zygote, "a", "nothing")
    wait_for(zygote, wire.Ended)
    killed = spare_of(zygote)
    os.kill(killed, signal.SIGKILL)
    assert is_gone(killed)
    launch(zygote, "b", "nothing")
    assert wait_for(zygote, wire.Ended) == wire.Ended("b", 0, None)


def test_what_was_made_ahead_leaves_with_it_even_when_it_is_killed(begin_warm, launch, is_gone):
    for kill in (False, True):
        zygote = begin_warm()
        get_ready(zygote)
        launch(zygote, "a", "nothing")
        wait_for(zygote, wire.Ended)
        spare = spare_of(zygote)
        if kill:
            os.kill(zygote._process.pid, signal.SIGKILL)
        else:
            zygote.connection.close()
        assert is_gone(spare)


def test_it_is_out_of_reach_for_the_interrupts_of_the_terminal(begin_warm):
    zygote = begin_warm()
    get_ready(zygote)
    assert os.getsid(zygote._process.pid) == zygote._process.pid


def test_a_daemon_that_a_step_made_ends_with_the_step(begin_warm, launch, is_gone):
    zygote = begin_warm()
    get_ready(zygote)
    step = launch(zygote, "a", "become_a_daemon")
    daemon = step.message()
    assert Path(f"/proc/{daemon}").exists()
    step.go_on()
    assert wait_for(zygote, wire.Ended) == wire.Ended("a", 0, None)
    assert is_gone(daemon)


def test_a_daemon_of_a_running_step_survives_the_end_of_another(begin_warm, launch):
    zygote = begin_warm()
    get_ready(zygote)
    step, other = launch(zygote, "a", "become_a_daemon"), launch(zygote, "b", "wait")
    daemon = step.message()
    other.go_on()
    assert wait_for(zygote, wire.Ended) == wire.Ended("b", 0, None)
    launch(zygote, "c", "nothing")
    assert wait_for(zygote, wire.Ended) == wire.Ended("c", 0, None)
    descriptor = os.pidfd_open(daemon)
    assert select.select([descriptor], [], [], 0.1)[0] == []
    step.go_on()
    assert wait_for(zygote, wire.Ended) == wire.Ended("a", 0, None)
    assert select.select([descriptor], [], [], PATIENCE)[0]
    os.close(descriptor)


def test_what_an_import_set_and_opened_is_there_in_a_step_and_nothing_else(begin_warm, launch):
    source = "import os\nos.environ['SET_BY_IMPORT'] = '1'\nopened = os.open(__file__, os.O_RDONLY)\n"
    zygote = begin_warm(source)
    get_ready(zygote)
    launch(zygote, "waits", "wait")
    found = launch(zygote, "a", "surroundings").message()
    assert found["environment"] == {"OWN": "variable", "SET_BY_IMPORT": "1"}
    assert launch(zygote, "b", "kept").message() == [len(source), 5]


def test_project_files_are_not_imported_through_an_editable_install():
    script = """
import sys
from penstock.run import preload
asked = []
class Finder:
    def find_spec(self, name, path=None, target=None):
        asked.append(name)
Finder.__module__ = "__editable___project_finder"
sys.meta_path.append(Finder())
preload.carry_out(["of_the_project", "json"], sys.path)
print(asked, type(sys.meta_path[-1]) is Finder)
"""
    assert python(script) == "[] True\n"


def test_an_import_that_hangs_is_given_up(tmp_path: Path):
    (tmp_path / "hangs.py").write_text("import time\nwhile True: time.sleep(0.01)")
    script = f"""
import sys
from penstock.run import preload
preload.PRELOAD_LIMIT = 0.2
print(preload.carry_out(["hangs", "wave"], [{str(tmp_path)!r}, *sys.path]), "wave" in sys.modules)
"""
    assert python(script) == "importing took more than 0 seconds False\n"


def test_an_open_gpu_forbids_forking():
    script = """
import os
from penstock.run import preload
preload._GPU_DEVICES = ("/dev/zero",)
print([preload.why_not_fork()])
os.open("/dev/zero", os.O_RDONLY)
print([preload.why_not_fork()])
"""
    assert python(script) == "['']\n[\"importing the steps' modules opened /dev/zero\"]\n"


def python(script: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(Path(wire.__file__).parents[2])}
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True, timeout=PATIENCE
    ).stdout
