from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.place import alive, until

from penstock.run.branch import Forked
from penstock.run.process import Exited, Launch, Message
from penstock.run.processes import Processes

ROOT = Path(__file__).resolve().parents[2]


def test_a_fork_is_waited_for_and_killed_as_any_child():
    pid = os.fork()
    if not pid:
        os._exit(3)
    child = Forked(pid)
    assert (child.wait(30), child.poll(), child.returncode) == (3, 3, 3)
    child.kill()
    pid = os.fork()
    if not pid:
        signal.pause()
        os._exit(0)
    child = Forked(pid)
    assert child.poll() is None
    child.kill()
    assert child.wait(30) == -signal.SIGKILL


def test_what_a_branch_forks_has_the_modules_of_its_origin_and_dies_with_it(tmp_path):
    """The origin is itself forked from a warm process, as a shim is."""
    with Processes(("colorsys",), "", idle=0.0) as processes:
        launch = Launch(
            key="shim",
            payload=b"",
            cwd=str(tmp_path),
            environment={"PATH": os.environ["PATH"]},
            path=(str(ROOT), *sys.path),
            entry="tests.run.branching:origin",
        )
        processes.launch(launch)
        said = []
        until(lambda: said.extend(one.data for one in processes.poll(1.0) if isinstance(one, Message)) or said)
        loaded, pid = said[0].decode().split()
        assert loaded == "True"
        assert alive(int(pid))
        processes.kill("shim")
        until(lambda: any(isinstance(one, Exited) for one in processes.poll(1.0)))
        until(lambda: not alive(int(pid)))
