"""The life and death of warm processes, and of those who need them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from penstock.core.errors import PenstockError
from penstock.run import warm
from penstock.run.process import Exited

DONE = Exited("nothing", 0, None, "exit")

CONTROLLER = r"""
import os, sys, time
from penstock.run.process import Launch, Message
from penstock.run.processes import Processes

how, folder = sys.argv[1:]
with Processes(()) as processes:
    processes.launch(Launch(key="a", payload=b"stay", cwd="/", environment=dict(os.environ), path=(*sys.path, folder),
                            entry="entries:start_others"))
    while not (heard := [event for event in processes.poll() if isinstance(event, Message)]):
        pass
    fork = os.fork() if how == "with a fork" else 1
    if not fork:
        time.sleep(1000)
    print(heard[0].data.decode().strip("[]").replace(",", ""), processes._warm._process.pid, fork, flush=True)
    time.sleep(1000)
"""


def test_modules_are_imported_once_before_any_step(begin):
    steps = begin("xml.dom.minidom:parseString", "no_such_module", "wave:no_such_name")
    for module in (b"xml.dom.minidom", b"wave", b"penstock.run.child"):
        assert steps.run("loaded", module).messages == [True]
    assert steps.run("loaded", b"wave", fresh=True).messages == [False]


def test_pandas_and_scikit_learn_leave_the_warm_process_forkable(begin):
    steps = begin("pandas", "sklearn.linear_model:LinearRegression")
    assert steps.run("loaded", b"sklearn.linear_model").messages == [True]
    assert steps.warm.ready.forkable


@pytest.mark.parametrize(
    ("forkable", "source"),
    [
        (True, "raise SystemExit(3)"),
        (True, "print('noise' * 10_000); import os; os.write(2, b'noise')"),
        (True, "import io, sys; sys.stdout = io.TextIOWrapper(sys.stdout.detach()); sys.stderr.close()"),
        (True, "import os; os._exit(1)"),
        (True, "import os; os.kill(os.getpid(), 11)"),
        (False, "import threading, time; threading.Thread(target=time.sleep, args=[999], daemon=True).start()"),
    ],
)
def test_a_step_runs_the_same_whatever_a_preloaded_module_does(begin, tmp_path: Path, forkable: bool, source: str):
    (tmp_path / "preloaded.py").write_text(source)
    steps = begin("preloaded", path=[str(tmp_path), *(one for one in sys.path if one)], idle=0)
    for key in ("first", "second"):
        heard = steps.run("print_everywhere", key=key)
        assert heard.printed().startswith(b"from Python\n")
        assert heard.printed("err") == b"from Python as well\n[and its errors]\\udc80\n"
        assert heard[-1] == Exited(key, 0, None, "exit")
    assert steps.run("surroundings").messages[0]["threads"] == 1
    assert steps.warm.ready.forkable is forkable


def test_a_second_run_finds_the_warm_process_of_the_first_unless_its_modules_have_changed(begin, is_gone):
    parents: list[int] = []
    for fingerprint in ("a", "a", "b"):
        steps = begin("wave", fingerprint=fingerprint, idle=1000)
        steps.run("nothing")
        parents.append(steps.warm_pid)
        steps.processes.close()
    assert parents[0] == parents[1] != parents[2]
    assert is_gone(parents[0])


def test_two_runs_at_once_have_a_warm_process_each(begin):
    one, other = begin(), begin()
    one.run("nothing")
    other.run("nothing")
    assert one.warm_pid != other.warm_pid


def test_variables_that_modules_were_imported_with_tell_warm_processes_apart(begin):
    steps = begin(environment={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"})
    assert steps.run("nothing")[-1] == DONE
    parent = steps.warm_pid
    steps.processes.close()
    steps = begin(environment={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "2"})
    assert steps.run("nothing")[-1] == DONE
    assert steps.warm_pid != parent


def test_only_a_few_warm_processes_wait(begin, is_gone):
    pids = []
    for number in range(warm.KEPT + 1):
        steps = begin(fingerprint="few", environment={"NUMBER": str(number)})
        steps.run("nothing")
        pids.append(steps.warm_pid)
        steps.processes.close()
    assert is_gone(pids[0])
    warm.dismiss_idle()
    assert all(is_gone(pid) for pid in pids)


def test_a_warm_process_that_nobody_needs_leaves_and_the_next_run_does_not_mind(begin, is_gone):
    for _ in range(2):
        steps = begin("wave", fingerprint="idle", idle=0.05)
        assert steps.run("nothing")[-1] == DONE
        pid = steps.warm_pid
        steps.processes.close()
        assert is_gone(pid)


def test_a_warm_process_that_leaves_just_when_it_is_taken_costs_no_step(begin):
    steps = begin(fingerprint="taken", idle=1000)
    steps.run("nothing")
    first = steps.warm_pid
    os.kill(first, signal.SIGSTOP)
    steps.processes.close()
    steps = begin(fingerprint="taken")
    steps.start("nothing")
    os.kill(first, signal.SIGKILL)  # before it could answer that it stays
    assert steps.follow()[-1] == DONE


def test_the_death_of_the_warm_process_ends_every_step_once_and_the_next_launch_starts_another(steps, is_gone):
    steps.start("start_others", b"stay")
    pids = steps.message()
    steps.start("wait")
    steps.processes.poll()
    zygote = steps.warm_pid
    os.kill(zygote, signal.SIGKILL)
    ends = steps.follow(2).ends
    assert sorted(end.key for end in ends) == ["start_others", "wait"]
    assert {(end.code, end.signal, end.cause) for end in ends} == {(None, None, "zygote_died")}
    assert is_gone(zygote)
    assert all(is_gone(pid) for pid in pids[:2])
    for pid in pids[2:]:  # these had left the group of their step, and nobody was there any more to adopt them
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert steps.run("nothing")[-1] == DONE


@pytest.mark.parametrize("how", ["alone", "with a fork"])
def test_the_death_of_the_controller_ends_the_warm_process_and_every_step(steps, is_gone, how: str):
    command = [sys.executable, "-c", CONTROLLER, how, str(Path(__file__).parent)]
    environment = os.environ | {"PYTHONPATH": steps.src}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as controller:
        assert controller.stdout
        *pids, fork = map(int, controller.stdout.readline().split())
        controller.kill()
        assert all(is_gone(pid) for pid in pids)
        if fork != 1:
            os.kill(fork, signal.SIGKILL)


def test_a_python_that_cannot_be_started_is_an_error_that_names_it():
    with pytest.raises(PenstockError, match="cannot start /no/such/python: No such file or directory"):
        warm.Warm(warm.Kind(interpreter="/no/such/python", path=(), modules=(), fingerprint="", environment=None))
