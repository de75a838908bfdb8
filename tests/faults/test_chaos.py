"""`kill -9` at random moments: a few of them, as `make chaos` makes many."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("program", "how_much", "nothing"),
    [
        ("chaos.py", ("--kills", "12", "--seed", "11"), "0 lost, 0 twice"),
        ("chaos_agents.py", ("--kills", "15", "--freezes", "3", "--seed", "11"), "0 lost, 0 twice, 0 left, 0 stale"),
    ],
)
def test_whatever_is_killed_every_run_completes_with_nothing_lost_and_nothing_twice(program, how_much, nothing):
    """Promise of resuming: whoever carries it out, or waits for it; the results are those of an undisturbed run."""
    command = [sys.executable, str(Path(__file__).with_name(program)), *how_much]
    found = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert nothing in found.stdout
