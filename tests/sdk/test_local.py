"""Running a pipeline from the user's own process: what is recorded of it, and that a run that began also ends."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import suppress
from types import ModuleType

import pytest

from penstock import PipelineController, Task
from penstock.core.errors import Conflict
from penstock.ops.outputs import ListArtifacts
from penstock.ops.runs import StartRun, StopRun
from penstock.run.liveness import is_alive
from penstock.sdk import launched, session
from penstock.sdk.display import Silent
from penstock.sdk.launched import Launched


def one():
    return 1


def make_another():
    inner = PipelineController("inner", "Tests")
    return Task.current_task().name, inner.task.status


@pytest.fixture
def pipe(home):
    made = PipelineController("flow", "Tests")
    made.add_function_step("one", one, function_return=["x"])
    return made


def start(pipe):
    pipe.start_locally(run_pipeline_steps_locally=True)


def test_the_script_is_recorded_with_the_run(home, tmp_path, monkeypatch):
    script = tmp_path / "train_it.py"
    script.write_text("print('é')\n", encoding="utf-8")
    module = ModuleType("__main__")
    module.__file__ = str(script)
    monkeypatch.setitem(sys.modules, "__main__", module)
    recorded = PipelineController("flow", "Tests").task.data.script
    assert (recorded.entry_point, recorded.source) == ("train_it.py", "print('é')\n")
    assert recorded.interpreter.startswith("3.")


@pytest.mark.parametrize("file", [None, "<stdin>", "/nowhere/at_all.py"])
def test_a_session_without_a_script_is_recorded_without_one(home, monkeypatch, file):
    module = ModuleType("__main__")
    if file:
        module.__file__ = file
    monkeypatch.setitem(sys.modules, "__main__", module)
    assert PipelineController("flow", "Tests").task.data.script.source == ""


def test_the_run_names_its_process_and_its_user(home, monkeypatch):
    monkeypatch.setenv("PENSTOCK_USER", "ada")
    pipe = PipelineController("flow", "Tests")
    start(pipe)
    assert pipe.task.data.user == "ada"
    assert is_alive(pipe.task.data.worker)


def test_a_stop_that_is_asked_for_before_the_loop_begins_is_heard(pipe):
    """Whoever asks in the moment between the start and the first look at the feed is not overheard."""

    class AskAtOnce(Silent):
        def begun(self, run, steps):
            asking = threading.Thread(target=lambda: session.open_backend(session.settings()).call(StopRun(id=run.id)))
            asking.start()
            asking.join()

    pipe.add_function_step("after", one, parents=["one"])
    launched.put(Launched({}, AskAtOnce()))
    start(pipe)
    assert pipe.task.status == "stopped"
    assert pipe.get_pipeline_dag()["after"].status == "skipped"


def test_a_run_that_cannot_go_on_after_its_start_is_ended(pipe, tmp_path, monkeypatch):
    """Here the folder that it works in has been removed: nothing stays in progress that nobody carries out."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(Exception, match=r".+"):
        start(pipe)
    assert pipe.task.status in {"created", "failed"}
    assert "running" not in {node.status for node in pipe.get_pipeline_dag().values()}


class Pressing:
    """A backend under which Ctrl-C comes at a certain operation, before or after it is carried out."""

    def __init__(self, backend, kind, *, after):
        self._backend = backend
        self._kind = kind
        self._after = after
        self.blobs = backend.blobs

    def call(self, op):
        if isinstance(op, self._kind) and not self._after:
            signal.raise_signal(signal.SIGINT)
        result = self._backend.call(op)
        if isinstance(op, self._kind) and self._after:
            signal.raise_signal(signal.SIGINT)
        return result


@pytest.mark.parametrize(
    ("kind", "after", "statuses"),
    [(StartRun, False, {"created", "stopped"}), (StartRun, True, {"stopped"}), (ListArtifacts, True, {"stopped"})],
)
def test_ctrl_c_at_the_start_leaves_no_run_in_progress(pipe, kind, after, statuses):
    """Between the record of the start and the loop that carries it out nobody else would end it."""
    pipe._backend = Pressing(pipe._backend, kind, after=after)
    with pytest.raises(KeyboardInterrupt):
        start(pipe)
    assert pipe.task.status in statuses
    assert "running" not in {node.status for node in pipe.get_pipeline_dag().values()}


class Clumsy(Silent):
    """A display with a mistake in it."""

    def __init__(self, where):
        self.where = where

    def begun(self, run, steps):
        self.stumble("begun")

    def step(self, name, status, attempt, reason):
        self.stumble(str(status))

    def ended(self, run):
        self.stumble("ended")

    def stumble(self, where):
        if where == self.where:
            raise ZeroDivisionError(where)


@pytest.mark.parametrize("where", ["begun", "running", "completed", "ended"])
def test_a_display_that_fails_leaves_no_run_in_progress(pipe, where):
    """What an observer does cannot change the run; at the least, the run ends."""
    launched.put(Launched({}, Clumsy(where)))
    with suppress(ZeroDivisionError):
        start(pipe)
    assert pipe.task.status in {"completed", "failed"}
    assert "running" not in {node.status for node in pipe.get_pipeline_dag().values()}


def test_a_run_is_started_by_one_of_two(pipe):
    """Two threads that start it at once: one does, the other is told so, and the run is whole."""
    outcomes = []

    def try_to_start():
        try:
            start(pipe)
            outcomes.append("ran")
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=try_to_start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ran", "refused"]
    assert (pipe.task.status, pipe.task.name) == ("completed", "flow")


def test_a_pipeline_that_is_made_inside_a_step_takes_nothing_from_the_step(home):
    """The step goes on working on itself: what it reports afterwards is its own."""
    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("outer", make_another, function_return=["name", "status"])
    start(pipe)
    task = Task.get_task(pipe.get_pipeline_dag()["outer"].task_id)
    if pipe.get_pipeline_dag()["outer"].status == "completed":
        assert [task.artifacts[name].get() for name in ("name", "status")] == ["outer", "created"]
    else:
        assert "Conflict" in task.data.message


def test_waiting_returns_at_its_time(pipe):
    assert pipe.wait(timeout=0.0005) is False
    start(pipe)
    assert pipe.wait(timeout=0) is True
