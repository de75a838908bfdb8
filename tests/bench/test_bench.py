"""`python bench` runs, measures everything and counts the work of all processes. How quick it is is not tested here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"

FLOORS = {"python", "fork", "fork_zygote", "commit", "disk", "page_cache", "print_plain", "points"}
CASES = {"import", "import_controller", "cold", "warm", "numbers", "kept", "array", "array_plain", "reused", "explain"}
RECORDED = {"recorded_import", "recorded"}
REPORTS = {"print_recorded", "print_to_the_end", "scalars", "drawing"}
PIPELINES = {"chain_1", "chain_2", "chain_3", "chain_4", "fan_1", "fan_2"}

BUSY_GRANDCHILD = """
import os, time
def work():
    while time.process_time() < 0.3:
        pass
def child(then):
    pid = os.fork()
    if not pid:
        then()
        os._exit(0)
    os.waitpid(pid, 0)
child(lambda: child(work))
"""

HOLDING_TWICE = """
import os, sys
def hold():
    held = bytearray(30_000_000)
    held[::1000] = b"x" * 30_000
    return held
first = hold()
pid = os.fork()
if not pid:
    second = hold()
    print("holding", flush=True)
    sys.stdin.read()
    os._exit(0)
os.waitpid(pid, 0)
"""


@pytest.fixture
def measure(monkeypatch):
    """The module of this name; `python bench` puts its folder on the path in the same way."""
    monkeypatch.syspath_prepend(str(BENCH))
    import measure

    return measure


@pytest.mark.slow
def test_the_benchmark_runs_and_has_every_row(tmp_path):
    found = tmp_path / "found.json"
    command = [sys.executable, str(BENCH), "--quick", "--json", str(found), "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    measured = json.loads(found.read_text())
    rows = {row["key"]: row for row in measured["rows"]}
    assert rows.keys() == FLOORS | CASES | RECORDED | REPORTS | PIPELINES
    assert all(row["title"] in done.stdout for row in rows.values())
    assert all(
        row["wall"] > 0 and row["cpu"] > 0 and row["memory"] > 0 for key, row in rows.items() if key in PIPELINES
    )
    assert all(rows[key]["floor"] > 0 for key in PIPELINES)
    assert measured["machine"]["cores"] > 0


@pytest.mark.slow
def test_a_chain_makes_two_durable_commits_a_step(tmp_path):
    """The floor of a step counts the commits that it makes; one more of them has to be decided, not to creep in."""
    found = tmp_path / "found.json"
    command = [sys.executable, str(BENCH), "--quick", "--only", "chain_4", "--json", str(found)]
    subprocess.run([*command, "--folder", str(tmp_path)], capture_output=True, check=True, timeout=240)
    rows = {row["key"]: row for row in json.loads(found.read_text())["rows"]}
    assert rows["chain_4"]["commits"] == 2.0


def test_processor_time_of_grandchildren_counts(measure, tmp_path):
    sample = measure.measure(("-c", BUSY_GRANDCHILD), tmp_path)
    assert sample.cpu >= 0.3


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_of_all_processes_is_added_up(measure):
    with subprocess.Popen([sys.executable, "-c", HOLDING_TWICE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tree:
        assert tree.stdout.readline() == b"holding\n"
        processes = measure._descendants(tree.pid)
        assert len(processes) == 2
        assert sum(map(measure._memory, processes)) >= 60_000_000


def test_a_case_that_fails_ends_the_benchmark_with_its_error(measure, tmp_path):
    with pytest.raises(SystemExit, match="division by zero"):
        measure.measure(("-c", "1 / 0"), tmp_path)


def test_a_home_is_removed_after_its_measurement(measure, tmp_path):
    measure.measure(("-c", "pass"), tmp_path, warm=True)
    assert list(tmp_path.iterdir()) == []
