"""Recorded tasks that are carried out alone, each in a real process."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import uuid

import pytest

from penstock.backend import connect
from penstock.core.errors import Conflict, DiskFull, NotFound
from penstock.core.run import RETURNS
from penstock.core.task import EndReason, Parameter, Script, ScriptKind, Status
from penstock.ops.lifecycle import BeginTask, CloneTask, Copied, EnqueueTask
from penstock.ops.outputs import AppendConsole, ListArtifacts, ReadConsole
from penstock.ops.runs import CreateRun
from penstock.ops.tasks import CreateTask, EndTask, GetParameters, GetTask, NewTask
from penstock.run.carry import carry_out
from penstock.run.launch import Surroundings
from penstock.run.liveness import here
from penstock.settings import Settings


class Bench:
    """Records tasks and carries them out; keeps what they printed."""

    def __init__(self, folder):
        settings = Settings(home=folder / "home", workers=1)
        self.backend = connect(settings)
        self.blobs = self.backend.blobs
        self.printed = []
        self.refuse = None
        self.place = Surroundings(
            home=settings.home,
            blobs=settings.blobs,
            scratch=settings.scratch,
            working=str(folder),
            path=tuple(sys.path),
            environment=dict(os.environ),
        )

    def call(self, op):
        if self.refuse is not None and isinstance(op, self.refuse):
            raise DiskFull("no space left")
        return self.backend.call(op)

    def task(self, source, entry="train.py", kind=ScriptKind.SCRIPT, **facts):
        script = Script(source=source, entry_point=entry, kind=kind)
        return self.call(CreateTask(task=NewTask(id=uuid.uuid4().hex, name="t", project="P", script=script, **facts)))

    def function(self, source, returns=(), **arguments):
        parameters = tuple(
            Parameter(section="kwargs", name=name, value=value, type=type(value).__name__)
            for name, value in arguments.items()
        )
        runtime = {RETURNS: json.dumps(returns)} if returns else {}
        return self.task(source, "f", ScriptKind.FUNCTION, parameters=parameters, runtime=runtime)

    def carry(self, task, printed=None):
        return carry_out(self, task.id, self.place, printed or self.printed.extend)

    def found(self, task):
        return self.backend.call(GetTask(id=task.id))

    def console(self, task):
        return [line.text for chunk in self.backend.call(ReadConsole(task=task.id)) for line in chunk.lines]


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.backend.close()


def test_a_draft_runs_and_what_it_prints_is_shown_and_recorded(bench):
    task = bench.task("import sys\nprint('out')\nprint('err', file=sys.stderr)")
    ended = bench.carry(task)
    assert (ended.status, ended.reason, ended.worker) == (Status.COMPLETED, None, here())
    assert sorted(bench.printed) == sorted(bench.console(task)) == ["err", "out"]
    assert bench.found(task) == ended


def test_a_task_that_waits_in_a_queue_runs(bench):
    task = bench.task("")
    bench.call(EnqueueTask(id=task.id, queue="default"))
    assert bench.carry(task).status is Status.COMPLETED


@pytest.mark.parametrize(
    ("source", "status", "reason", "message"),
    [
        ("1 / 0", Status.FAILED, EndReason.EXCEPTION, "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(3)", Status.FAILED, EndReason.EXIT_CODE, "sys.exit(3)"),
        ("import sys; sys.exit()", Status.COMPLETED, None, ""),
        (
            "import os; os._exit(0)",
            Status.FAILED,
            EndReason.EXIT_CODE,
            "the process ended with exit code 0 before the script",
        ),
        ("import os; os.kill(os.getpid(), 9)", Status.FAILED, EndReason.SIGNAL, "the process was killed by SIGKILL"),
    ],
)
def test_how_its_process_ends_is_how_it_ends(bench, source, status, reason, message):
    ended = bench.carry(bench.task(f"print('first', flush=True)\n{source}"))
    assert (ended.status, ended.reason) == (status, reason)
    assert ended.message.startswith(message)
    assert bench.printed[0] == "first"


def test_a_function_is_called_with_its_parameters_and_what_it_returns_is_stored(bench):
    task = bench.function("def f(n, text): return n * 2, text", ("twice", "text"), n=21, text="${no.reference}")
    ended = bench.carry(task)
    assert ended.status is Status.COMPLETED, ended.message
    assert {one.name for one in bench.call(ListArtifacts(task=task.id))} == {"twice", "text"}
    returned = {one.path: one.value for one in bench.call(GetParameters(task=task.id)) if one.section == "return"}
    assert returned == {"return/twice": 42, "return/text": "${no.reference}"}


def test_a_clone_of_a_function_returns_what_its_source_returns(bench):
    task = bench.function("def f(n): return n", ("n",), n=1)
    bench.carry(task)
    clone = bench.call(CloneTask(source=task.id, clone=Copied(id=uuid.uuid4().hex)))
    assert [one.section for one in bench.call(GetParameters(task=clone.id))] == ["kwargs"]
    bench.carry(clone)
    assert [one.name for one in bench.call(ListArtifacts(task=clone.id))] == ["n"]


@pytest.mark.parametrize(
    ("script", "reason", "message"),
    [
        (Script(source="", entry_point="../x.py", kind=ScriptKind.SCRIPT), EndReason.INPUT, "leads outside"),
        (Script(source="", entry_point="../x"), EndReason.LAUNCH, "is not the name of a function"),
        (Script(), EndReason.LAUNCH, "is not the name of a function"),
    ],
)
def test_what_cannot_be_run_fails_and_says_why(bench, script, reason, message):
    task = bench.call(CreateTask(task=NewTask(id=uuid.uuid4().hex, name="t", project="P", script=script)))
    ended = bench.carry(task)
    assert (ended.status, ended.reason) == (Status.FAILED, reason)
    assert message in ended.message


def test_an_argument_that_is_gone_fails_the_task(bench):
    given = (Parameter(section="kwargs_artifacts", name="x", value=f"{'b' * 32}.data", type="str"),)
    task = bench.task("def f(x): ...", "f", ScriptKind.FUNCTION, parameters=given)
    ended = bench.carry(task)
    assert (ended.status, ended.reason) == (Status.FAILED, EndReason.LAUNCH)
    assert "b" * 32 in ended.message


def test_only_what_has_not_begun_and_belongs_to_no_run_is_carried_out(bench):
    begun, ended = bench.task(""), bench.task("")
    bench.call(BeginTask(id=begun.id, worker=here()))
    bench.carry(ended)
    run = bench.call(CreateRun(pipeline="p", project="P", task=NewTask(id=uuid.uuid4().hex, name="p", project="")))
    before = [bench.found(one) for one in (ended, run.task)]
    for task in (ended, run.task):
        with pytest.raises(Conflict):
            bench.carry(task)
    assert [bench.found(one) for one in (ended, run.task)] == before
    with pytest.raises(NotFound):
        carry_out(bench, "b" * 32, bench.place, bench.printed.extend)


WAITS = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)"


def test_the_keyboard_stops_it_with_its_process(bench, is_gone):
    task = bench.task(WAITS)

    def interrupt(lines):
        bench.printed.extend(lines)
        threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        bench.carry(task, interrupt)
    ended = bench.found(task)
    assert (ended.status, ended.reason) == (Status.STOPPED, EndReason.ABORTED)
    assert ended.message == "interrupted from the keyboard"
    assert is_gone(int(bench.printed[0]))


def test_whoever_fails_to_take_what_it_prints_fails_it_with_its_process(bench, is_gone):
    task = bench.task(WAITS)

    def fail(lines):
        bench.printed.extend(lines)
        raise RuntimeError("the display broke")

    with pytest.raises(RuntimeError):
        bench.carry(task, fail)
    ended = bench.found(task)
    assert (ended.status, ended.reason) == (Status.FAILED, EndReason.EXCEPTION)
    assert ended.message == "what carried it out failed: RuntimeError: the display broke"
    assert bench.console(task) == bench.printed, "it is recorded all the same"
    assert is_gone(int(bench.printed[0]))


def test_what_ended_before_the_failure_stays_ended(bench):
    task = bench.task("print('x')")

    def end_and_fail(lines):
        bench.backend.call(EndTask(id=task.id, status=Status.COMPLETED))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.carry(task, end_and_fail)
    assert bench.found(task).status is Status.COMPLETED


def test_a_full_disk_loses_the_console_and_not_the_task(bench):
    task = bench.task("print('x')")
    bench.refuse = AppendConsole
    assert bench.carry(task).status is Status.COMPLETED
    assert any("are not recorded" in line for line in bench.printed)
