"""What the machine of an agent uses is said in percent, as far as the machine tells it."""

from __future__ import annotations

import sys
import types

import pytest

from penstock.agent import usage
from penstock.agent.usage import Usage
from penstock.run import resources


@pytest.fixture
def proc(tmp_path, monkeypatch):
    """A machine that says of itself what the test wants."""
    folder = tmp_path / "proc"
    folder.mkdir()
    monkeypatch.setattr(resources, "_PROC", folder)
    return lambda **files: [(folder / name).write_text(text) for name, text in files.items()]


@pytest.fixture
def disk(monkeypatch):
    """A disk that is half full, of which a part is kept for root."""
    found = types.SimpleNamespace(total=1000, used=300, free=300)
    monkeypatch.setattr(resources.shutil, "disk_usage", lambda _folder: found)


def gpus(monkeypatch, **numbers):
    monkeypatch.setattr(usage, "gpu_reader", lambda: lambda: numbers)


def test_processor_memory_and_disk_are_shares_of_what_there_is_to_use(proc, disk, tmp_path):
    proc(stat="cpu  100 0 50 800 50 0 0 0 0 0\n", meminfo="MemTotal: 4000 kB\nMemAvailable: 3000 kB\n")
    looked = Usage(tmp_path)
    proc(stat="cpu  130 0 70 980 70 0 0 0 0 0\n")
    assert looked.now() == {"cpu": 20.0, "memory": 25.0, "disk": 50.0}
    proc(stat="cpu  160 0 70 980 100 0 0 0 0 0\n")
    assert looked.now()["cpu"] == 50.0, "since the look before"


def test_nothing_is_said_of_the_processor_before_any_time_has_passed(proc, disk, tmp_path):
    proc(stat="cpu  100 0 50 800 50 0 0 0 0 0\n")
    assert Usage(tmp_path).now() == {"disk": 50.0}


def test_several_gpus_are_one_number(proc, disk, tmp_path, monkeypatch):
    numbers = {"gpu_0_utilization": 90.0, "gpu_0_mem_used_gb": 6.0, "gpu_0_mem_free_gb": 2.0}
    numbers |= {"gpu_1_utilization": 0.0, "gpu_1_mem_used_gb": 0.0, "gpu_1_mem_free_gb": 16.0}
    gpus(monkeypatch, **numbers)
    found = Usage(tmp_path).now()
    assert (found["gpu"], found["gpu_memory"]) == (45.0, 25.0)


def test_a_machine_that_tells_nothing_is_no_error(proc, tmp_path, monkeypatch):
    def gone(_folder):
        raise OSError("gone")

    gpus(monkeypatch)
    monkeypatch.setattr(resources.shutil, "disk_usage", gone)
    assert Usage(tmp_path / "not yet there").now() == {}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_real_machine_is_told_of_with_a_home_that_is_not_there_yet(tmp_path):
    found = Usage(tmp_path / "not" / "yet").now()
    assert {"memory", "disk"} <= set(found)
    assert all(0 <= percent <= 100 for percent in found.values())
