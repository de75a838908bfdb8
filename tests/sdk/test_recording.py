"""What a script records by itself: console, arguments, libraries, packages, and how it left. Scripts run for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from penstock import Task
from penstock.core.errors import Invalid
from penstock.ops.tasks import GetTask
from penstock.run import current
from penstock.run.leaving import Farewell
from penstock.sdk import recording, session
from penstock.sdk.recording import Options, Recording


def last():
    return Task.get_task(task_name="work")


def console(task):
    return "\n".join(task.get_reported_console_output(1000)).splitlines()


def test_a_script_that_ends_is_complete_with_all_that_it_printed(run):
    run("""
        import atexit, os, sys
        from penstock import Task
        print("before")
        Task.init("P", "work")
        print("one")
        print("two", file=sys.stderr)
        atexit.register(print, "at exit")
        print("no newline at the end", end="")
    """)
    task = last()
    assert (task.status, task.get_status_message(), task.get_progress()) == ("completed", "", 100)
    assert sorted(console(task)) == ["no newline at the endat exit", "one", "two"]


@pytest.mark.parametrize("command", [(), ("-m", "penstock", "run")])
def test_the_traceback_of_a_script_that_raises_is_recorded(run, command):
    run(
        """
        from penstock import Task
        Task.init("P", "work")
        print("one")
        raise ValueError("it broke")
        """,
        command=command,
        code=1,
    )
    task = last()
    assert (task.status, task.data.reason) == ("failed", "exception")
    assert task.get_status_message().startswith("ValueError: it broke\n")
    assert (console(task)[0], console(task)[-1]) == ("one", "ValueError: it broke")
    assert "Traceback (most recent call last):" in console(task)


@pytest.mark.parametrize("command", [(), ("-m", "penstock", "run")])
@pytest.mark.parametrize(
    ("leaving", "code", "status"),
    [
        ("sys.exit()", 0, "completed"),
        ("sys.exit(3)", 3, "failed"),
        ("sys.exit('no data')", 1, "failed"),
    ],
)
def test_a_script_that_leaves_says_how(run, command, leaving, code, status):
    run(f"import sys\nfrom penstock import Task\nTask.init('P', 'work')\n{leaving}\n", command=command, code=code)
    assert last().status == status
    if leaving == "sys.exit(3)":
        assert last().get_status_message() == "sys.exit(3)"


@pytest.mark.parametrize(("command", "code"), [((), -signal.SIGINT), (("-m", "penstock", "run"), 130)])
def test_a_script_that_is_interrupted_is_stopped(run, command, code):
    """Python forgets the signal when a thread evaluates code afterwards: the script waits for the one that does."""
    run(
        """
        import threading
        from penstock import Task
        Task.init("P", "work")
        for one in threading.enumerate():
            if one.name == "penstock-packages":
                one.join()
        raise KeyboardInterrupt
        """,
        command=command,
        code=code,
    )
    assert (last().status, last().get_status_message()) == ("stopped", "interrupted from the keyboard")


def test_a_script_that_is_terminated_is_stopped(home, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
            from penstock import Task
            import time
            Task.init("P", "work")
            print("ready", flush=True)
            time.sleep(600)
        """)
    )
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    process.stdout.close()
    assert process.wait() == -signal.SIGTERM
    assert (last().status, last().get_status_message()) == ("stopped", "stopped by SIGTERM")
    assert console(last()) == ["ready"]


def test_what_a_script_marked_itself_stays(run):
    run("""
        from penstock import Task
        Task.init("P", "work").mark_failed(status_message="not good enough")
    """)
    assert (last().status, last().get_status_message()) == ("failed", "not good enough")


def test_a_forked_process_ends_nothing_when_it_leaves(run):
    run("""
        import os, sys
        from penstock import Task
        task = Task.init("P", "work")
        print("parent", flush=True)
        if (pid := os.fork()) == 0:
            task.close()
            sys.exit(7)
        os.waitpid(pid, 0)
        assert task.get_status() == "in_progress"
        print("parent again")
    """)
    assert last().status == "completed"
    assert [line for line in console(last()) if line.startswith("parent")] == ["parent", "parent again"]


def test_the_command_line_is_recorded(run):
    run(
        """
        import argparse
        from penstock import Task
        Task.init("P", "work")
        parser = argparse.ArgumentParser()
        parser.add_argument("--rate", type=float, default=0.1)
        parser.add_argument("--epochs", type=int, default=3)
        print(parser.parse_args().rate)
        """,
        "--rate",
        "0.5",
    )
    assert last().get_parameters() == {"Args/rate": 0.5, "Args/epochs": 3}


@pytest.mark.parametrize("off", ["False", "{'rate': False}"])
def test_the_command_line_is_recorded_as_far_as_that_is_wished(run, off):
    run(f"""
        import argparse
        from penstock import Task
        Task.init("P", "work", auto_connect_arg_parser={off})
        parser = argparse.ArgumentParser()
        parser.add_argument("--rate", default=0.1)
        parser.add_argument("--epochs", default=3)
        parser.parse_args()
    """)
    assert last().get_parameters() == ({} if off == "False" else {"Args/epochs": 3})


@pytest.mark.parametrize(
    ("off", "recorded"), [("False", []), ("{'stdout': False, 'stderr': False}", []), ("True", ["one"])]
)
def test_what_is_printed_is_recorded_as_far_as_that_is_wished(run, off, recorded):
    run(f"""
        from penstock import Task
        Task.init("P", "work", auto_connect_streams={off})
        print("one")
    """)
    assert console(last()) == recorded


def test_a_model_that_is_saved_is_an_output_model_and_saved_again_the_same(run):
    run("""
        import joblib
        from penstock import Task
        task = Task.init("P", "work")
        for weights in ([1], [1, 2]):
            joblib.dump(weights, "net.joblib")
        joblib.dump([3], "other.joblib")
        print(joblib.load("net.joblib"))
    """)
    found = last().models
    assert sorted(one.name for one in found["output"]) == ["net", "other"]
    assert found["input"] == []


def test_figures_and_curves_of_libraries_are_recorded(run):
    run("""
        import matplotlib
        matplotlib.use("agg")
        from matplotlib import pyplot
        from tensorboardX import SummaryWriter
        from penstock import Task
        Task.init("P", "work")
        pyplot.plot([1, 2, 3])
        pyplot.title("growth")
        pyplot.show()
        with SummaryWriter("logs") as writer:
            for step in range(3):
                writer.add_scalar("loss/train", 3.0 - step, step)
    """)
    assert [plot["metric"] for plot in last().get_reported_plots()] == ["growth"]
    assert [series for series in last().get_reported_scalars().values() if "train" in series] == [
        {"train": {"name": "train", "x": [0, 1, 2], "y": [3.0, 2.0, 1.0]}}
    ]


def test_libraries_are_followed_as_far_as_that_is_wished(run):
    run("""
        import joblib
        from penstock import Task
        Task.init("P", "work", auto_connect_frameworks={"joblib": False})
        joblib.dump([1], "net.joblib")
    """)
    assert last().models["output"] == []


def test_the_packages_that_a_script_imports_are_recorded_however_short_it_is(run):
    run("""
        import msgspec
        from penstock import Task
        Task.init("P", "work")
    """)
    assert "msgspec" in [line.partition("==")[0] for line in last().get_packages()]


def test_packages_that_the_script_set_stay(run):
    run("""
        import msgspec
        from penstock import Task
        Task.init("P", "work").set_packages(["numpy==1"])
    """)
    assert last().get_packages() == ["numpy==1"]


def test_the_script_itself_is_recorded(run, tmp_path):
    run("from penstock import Task\nTask.init('P', 'work')\n", name="train_it.py")
    script = last().data.script
    assert (script.entry_point, script.source) == ("train_it.py", (tmp_path / "train_it.py").read_text())


def test_scalars_of_the_machine_are_recorded_only_where_that_is_wished(run):
    run("""
        from penstock import Task
        Task.init("P", "work", auto_resource_monitoring=False).get_logger().report_scalar("a", "b", 1, 1)
    """)
    assert list(last().get_reported_scalars()) == ["a"]


def test_closing_puts_everything_back(begin):
    before = (sys.stdout.write, sys.stderr.write, sys.excepthook, sys.exit, signal.getsignal(signal.SIGTERM))
    task = begin(auto_connect_streams=True, auto_connect_arg_parser=True, auto_connect_frameworks=True)
    assert sys.exit is not before[3]
    task.close()
    assert (sys.stdout.write, sys.stderr.write, sys.excepthook, sys.exit, signal.getsignal(signal.SIGTERM)) == before


def test_a_recording_can_end_badly(begin):
    task = begin()
    recording.get().close(Farewell("failed", None, "because"))
    assert (task.get_status(), task.get_status_message()) == ("failed", "because")


def test_what_is_let_go_stands_as_it_stood(begin):
    task = begin()
    recording.get().let_go()
    assert (task.get_status(), recording.get(), Task.current_task()) == ("in_progress", None, None)


def test_recording_anew_lets_go_of_what_was_recorded_before(begin):
    first = begin()
    before = recording.get()
    other = Task.create("P", "other", script=__file__, packages=[])
    recording.begin(Recording(other.id, assigned=True), Options(arguments=False, frameworks=False))
    assert recording.get() is not before
    assert first.get_status() == "in_progress"
    recording.get().close()
    assert other.get_status() == "created"


def test_a_recording_that_cannot_begin_fails_its_task(begin):
    begin()
    with pytest.raises(Invalid):
        recording.begin(recording.get(), Options(arguments=False, frameworks={"nonsense": 1}))
    assert last().status == "failed"


def test_a_child_process_does_not_close_what_its_parent_records(begin):
    task = begin()
    pid = os.fork()
    if pid == 0:
        recording.get().close()
        os._exit(0)
    os.waitpid(pid, 0)
    assert task.get_status() == "in_progress"


def test_packages_that_are_found_late_are_recorded_where_the_task_is(begin, home, tmp_path, monkeypatch):
    found, other = threading.Event(), tmp_path / "other"
    monkeypatch.setattr("penstock.run.script.describe_packages", lambda *_: found.wait(60) and ("iniconfig==2.0",))
    task = begin()
    monkeypatch.setenv("PENSTOCK_HOME", str(other))
    current.put(None)  # this process works on nothing any more, and its settings count
    found.set()
    recording.get().let_go()
    assert not other.exists()
    monkeypatch.setenv("PENSTOCK_HOME", str(home))
    assert session.backend().call(GetTask(id=task.id)).script.packages == ("iniconfig==2.0",)
