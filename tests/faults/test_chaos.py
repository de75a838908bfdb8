"""`kill -9` at random moments: a few of them, as `make chaos` makes many."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_whatever_is_killed_the_run_completes_with_nothing_lost_and_nothing_twice():
    """Promise of resuming: the script, its warm process or a step; the results are those of an undisturbed run."""
    command = [sys.executable, str(Path(__file__).with_name("chaos.py")), "--kills", "12", "--seed", "11"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 lost, 0 twice" in found.stdout
