"""Running programs to their end. What git and uv need of it is tested with them."""

from __future__ import annotations

import os
import sys

import pytest

from penstock.core.errors import NotFound, PenstockError
from penstock.run.programs import Program, run_to_end


def python(text: str) -> Program:
    return Program(command=[sys.executable, "-c", text], variables={"WORD": "known"}, what="looking")


def test_it_reads_what_it_is_given_and_says_what_it_wrote_and_how_it_ended():
    text = "import os, sys; print(sys.stdin.read() + os.environ['WORD']); print('no', file=sys.stderr); sys.exit(3)"
    ended = run_to_end(python(text), 60, b"un")
    assert (ended.code, ended.output, ended.message) == (3, b"unknown\n", "no\n")


def test_one_that_is_not_there_is_an_error_that_names_it():
    with pytest.raises(NotFound, match="/no/such/tool cannot be run") as caught:
        run_to_end(Program(command=["/no/such/tool"], variables={}, what="looking"), 1)
    assert caught.value.hint == "install tool"


def test_one_that_takes_too_long_is_ended_with_what_it_started_and_called_by_what_it_does(tmp_path, is_gone):
    text = (
        "import os, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(600)"
    )
    slow = Program(command=[sys.executable, "-c", text], variables=dict(os.environ), what="looking")
    while not (tmp_path / "pids").exists():  # until it came far enough to be worth it
        with pytest.raises(PenstockError, match="looking took more than 2 s"):
            run_to_end(slow, 2)
    for pid in (tmp_path / "pids").read_text().split():
        assert is_gone(int(pid))
