"""What the machine uses is reported now and then, and costs nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import types

import pytest

from penstock.run import resources
from penstock.run.resources import TITLE, ResourceMonitor, counts, levels, rates, tree


class Recorder:
    def __init__(self, wanted):
        self.taken = []
        self.enough = threading.Event()
        self._wanted = wanted

    def scalar(self, title, series, value, iteration):
        self.taken.append((title, series, value, iteration))
        if sum(one[1] == self._wanted for one in self.taken) >= 2:
            self.enough.set()


@pytest.fixture
def proc(tmp_path, monkeypatch):
    """A machine that says of itself what the test wants."""

    def tell(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    monkeypatch.setattr(resources, "_PROC", tmp_path)
    return tell


def test_the_work_of_all_cores_is_a_share_of_their_time(proc):
    proc(stat="cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 1 1 1\n")
    before = counts()
    proc(stat="cpu  130 0 70 830 70 0 0 0 0 0\n")
    assert rates(before, counts(), 2.0)["cpu_usage"] == pytest.approx(50.0)


def test_disks_are_counted_once_and_not_again_as_their_partitions(proc):
    row = "   8  {} {} 10 0 {} 0 10 0 {} 0 0 0 0\n"
    proc(diskstats=row.format(0, "sda", 0, 0) + row.format(1, "sda1", 0, 0) + row.format(2, "loop0", 0, 0))
    before = counts()
    proc(diskstats=row.format(0, "sda", 2000, 4000) + row.format(1, "sda1", 2000, 4000) + row.format(2, "loop0", 9, 9))
    found = rates(before, counts(), 1.0)
    assert (found["io_read_mbs"], found["io_write_mbs"]) == (pytest.approx(1.024), pytest.approx(2.048))


def test_the_network_is_that_to_others(proc):
    head = "Inter-|\n face |\n"
    row = " {}: {} 0 0 0 0 0 0 0 {} 0 0 0 0 0 0 0\n"
    proc(net__dev=head + row.format("lo", 0, 0) + row.format("eth0", 0, 0))
    before = counts()
    proc(net__dev=head + row.format("lo", 9_000_000, 9) + row.format("eth0", 1_000_000, 3_000_000))
    found = rates(before, counts(), 2.0)
    assert (found["network_rx_mbs"], found["network_tx_mbs"]) == (0.5, 1.5)


def test_memory_is_that_of_the_machine_and_of_the_process(proc):
    proc(meminfo="MemTotal: 4000000 kB\nMemFree: 1 kB\nMemAvailable: 1000000 kB\n", self__statm="900 500 1 1 0 1 0\n")
    found = levels()
    assert found["memory_used_gb"] == pytest.approx(3.072)
    assert found["memory_free_gb"] == pytest.approx(1.024)
    assert found["process_memory_gb"] == pytest.approx(500 * 4096 / 1e9, rel=10)


def test_the_disk_is_that_on_which_the_process_works(proc, tmp_path, monkeypatch):
    full, roomy = types.SimpleNamespace(used=9e9, free=0), types.SimpleNamespace(used=1e9, free=5e9)
    monkeypatch.setattr(
        resources.shutil, "disk_usage", {tmp_path / "self" / "cwd": full, tmp_path / "7" / "cwd": roomy}.get
    )
    assert (levels()["disk_free_gb"], levels(7)["disk_free_gb"]) == (0.0, 5.0)


def a_process(proc, pid, children="", pages=0, ticks="0 0 0 0", moved=0):
    proc(**{
        f"{pid}__task__{pid}__children": children,
        f"{pid}__statm": f"900 {pages} 1 1 0 1 0\n",
        f"{pid}__stat": f"{pid} (a ) name) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 20 0 1 0 100\n",
        f"{pid}__io": f"rchar: 9\nwchar: 9\nread_bytes: {moved}\nwrite_bytes: {2 * moved}\n",
    })  # fmt: skip


def test_a_process_is_counted_with_all_that_it_started_and_with_what_has_ended_of_that(proc, monkeypatch):
    monkeypatch.setattr(resources.os, "cpu_count", lambda: 2)
    tick = resources._TICKS
    a_process(proc, 10, "11 ", pages=100)
    a_process(proc, 11, "12", pages=20)
    a_process(proc, 12, pages=3)
    a_process(proc, 13, pages=7_000)  # somebody else's
    assert tree(10) == [10, 11, 12]
    before = counts(10)
    a_process(proc, 10, "11 ", ticks=f"{tick} 0 0 0")
    a_process(proc, 11, ticks=f"0 0 {tick} 0", moved=1_000_000)  # its child has ended
    found = rates(before, counts(10), 2.0)
    assert found["process_cpu_usage"] == pytest.approx(50.0)
    assert (found["process_io_read_mbs"], found["process_io_write_mbs"]) == (0.5, 1.0)
    a_process(proc, 10, "11 ", pages=100)
    a_process(proc, 11, "", pages=20)
    assert levels(10)["process_memory_gb"] == pytest.approx(120 * resources.os.sysconf("SC_PAGE_SIZE") / 1e9)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_work_of_a_real_child_is_seen():
    work = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    before = counts()["process_cpu"]
    with subprocess.Popen([sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert child.pid in tree("self")
        assert counts()["process_cpu"] - before > 0.25  # the system counts in hundredths
        child.communicate(b"\n")


def test_a_machine_that_tells_nothing_is_no_error(proc):
    assert (counts(), levels()) == ({}, {})
    assert rates({}, {}, 1.0) == {}
    proc(stat="rubbish", meminfo="rubbish", diskstats="rubbish", net__dev="a\nb\nrubbish")
    assert rates(counts(), counts(), 1.0).get("cpu_usage") is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_reports_soon_and_then_again_until_it_is_stopped():
    recorder = Recorder("memory_used_gb")
    monitor = ResourceMonitor(recorder, first=0.01, every=0.02)
    monitor.start()
    assert recorder.enough.wait(60)
    monitor.stop()
    count = len(recorder.taken)
    time.sleep(0.1)
    assert len(recorder.taken) == count
    names = {series for _, series, _, _ in recorder.taken}
    assert {"cpu_usage", "memory_free_gb", "process_memory_gb", "disk_free_gb"} <= names
    assert {title for title, *_ in recorder.taken} == {TITLE}
    assert all(value >= 0 for _, series, value, _ in recorder.taken if series == "cpu_usage")


def test_one_that_never_began_can_be_stopped():
    ResourceMonitor(Recorder("")).stop()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_report_costs_a_small_part_of_the_pause():
    def cost():
        began = time.thread_time()
        rates(counts(), counts(), 1.0)
        levels()
        return time.thread_time() - began

    assert min(cost() for _ in range(20)) < resources.EVERY / 200  # a thousandth, where nothing else is to do


def test_gpus_are_read_where_a_library_knows_them(monkeypatch):
    fake = types.SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetMemoryInfo=lambda handle: types.SimpleNamespace(used=2e9, free=1e9),
        nvmlDeviceGetUtilizationRates=lambda handle: types.SimpleNamespace(gpu=[50, 70][handle]),
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    found = resources.gpu_reader()()
    assert (found["gpu_0_utilization"], found["gpu_1_utilization"]) == (50.0, 70.0)
    assert found["gpu_1_mem_used_gb"] == 2.0
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert resources.gpu_reader()() == {}
