"""Recorded tasks that are carried out alone, each in a real process."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import uuid

import pytest
from msgspec.structs import replace

from penstock.backend import connect
from penstock.core.errors import Conflict, DiskFull, NotFound
from penstock.core.run import RETURNS
from penstock.core.task import EndReason, Parameter, Script, ScriptKind, SourceFile, Status
from penstock.ops.lifecycle import BeginTask, CloneTask, Copied, EnqueueTask
from penstock.ops.outputs import AppendConsole, ListArtifacts, ReadConsole
from penstock.ops.runs import CreateRun
from penstock.ops.tasks import CreateTask, EndTask, GetParameters, GetTask, NewTask
from penstock.run.carry import carry_out
from penstock.run.interpreters import here as here_is
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

    def task(self, source, entry="train.py", kind=ScriptKind.SCRIPT, packages=None, **facts):
        script = Script(source=source, entry_point=entry, kind=kind, packages=packages, interpreter=here_is().version)
        return self.call(CreateTask(task=NewTask(id=uuid.uuid4().hex, name="t", project="P", script=script, **facts)))

    def function(self, source, returns=(), packages=None, **arguments):
        parameters = tuple(
            Parameter(section="kwargs", name=name, value=value, type=type(value).__name__)
            for name, value in arguments.items()
        )
        runtime = {RETURNS: json.dumps(returns)} if returns else {}
        return self.task(source, "f", ScriptKind.FUNCTION, packages, parameters=parameters, runtime=runtime)

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


# In an environment of its own

OTHER = ("iniconfig==0.0.1",)  # here it is another version
SEES = """
import os, shutil, sys
import iniconfig
from penstock import Task
print(iniconfig.VERSION, sys.prefix == os.environ["VIRTUAL_ENV"], shutil.which("python") == sys.executable)
task = Task.current_task()
print(task.id, task.upload_artifact("seen", {"version": iniconfig.VERSION}, wait_on_upload=True))
try:
    import pytest
except ModuleNotFoundError:
    print("nothing of here")
"""


@pytest.fixture
def own(bench, wheels):
    """A bench that lets each task run in what was recorded, if that is not what is here."""
    bench.place = replace(bench.place, same_env=None, environments=wheels.how, entry="penstock.sdk.assigned:main")
    return bench


def test_a_script_runs_with_the_packages_that_were_recorded(own):
    task = own.task(SEES, packages=OTHER)
    ended = own.carry(task)
    assert ended.status is Status.COMPLETED, (ended.message, own.printed)
    assert own.printed[-3:] == ["0.0.1 True True", f"{task.id} True", "nothing of here"]
    assert [(one.name, one.preview) for one in own.call(ListArtifacts(task=task.id))] == [
        ("seen", '{"version":"0.0.1"}')
    ]
    assert ended.runtime["environment"].startswith("own: iniconfig==0.0.1 is needed, and ")
    assert own.console(task) == own.printed, "what was said of the environment is recorded, too"
    assert any("building an environment" in line for line in own.printed)


def test_a_function_runs_with_the_packages_that_were_recorded(own):
    source = "def f(n):\n    import iniconfig\n    return n, iniconfig.VERSION"
    task = own.function(source, ("n", "version"), OTHER, n=21)
    ended = own.carry(task)
    assert ended.status is Status.COMPLETED, (ended.message, own.printed)
    returned = {one.path: one.value for one in own.call(GetParameters(task=task.id)) if one.section == "return"}
    assert returned == {"return/n": 21, "return/version": "0.0.1"}


def test_its_process_is_forked_from_a_warm_one_of_that_environment(own):
    code = "import iniconfig, os; print(os.getpid() != os.getppid(), open(f'/proc/{os.getppid()}/cmdline').read())"
    own.carry(own.task(code, packages=OTHER))
    assert "penstock.run.zygote" in own.printed[-1]
    assert f"{own.place.home}/cache/environments/" in own.printed[-1]


def test_the_second_task_finds_the_environment_and_its_warm_process_there(own):
    for _ in range(2):
        own.printed.clear()
        own.carry(own.task("import os; print(os.getppid())", packages=OTHER))
        own.parents = [*getattr(own, "parents", []), own.printed[-1]]
    assert len(own.printed) == 2, "nothing is built"
    assert len(set(own.parents)) == 1


def test_where_it_is_asked_for_or_nothing_differs_a_task_runs_with_what_is_here(own):
    code = "import iniconfig, sys; print(hasattr(iniconfig, 'VERSION'), sys.executable)"
    here_now = f"False {sys.executable}"
    ended = own.carry(own.task(code, packages=("iniconfig>=1",)))
    assert ended.runtime["environment"] == "same: what its record names is installed here"
    own.place = replace(own.place, same_env=True)
    ended = own.carry(own.task(code, packages=OTHER))
    assert ended.runtime["environment"] == "same: it was asked for"
    assert own.printed == [here_now, here_now]


@pytest.mark.parametrize(
    ("packages", "message"),
    [
        (("nosuchpackage==1",), "package 'nosuchpackage==1' cannot be had; uv said:"),
        (("--index-url=https://u:secret@h.org",), "the option --index-url is not taken from a task"),
    ],
)
def test_what_cannot_be_had_or_followed_fails_the_task_before_it_starts(own, packages, message):
    ended = own.carry(own.task("print('ran')", packages=packages))
    assert (ended.status, ended.reason) == (Status.FAILED, EndReason.LAUNCH)
    assert message in ended.message
    assert "secret" not in ended.message
    assert "ran" not in own.printed


def test_the_keyboard_stops_it_while_its_environment_is_built(own):
    def interrupt(lines):
        if "building" in lines[0]:
            os.kill(os.getpid(), signal.SIGINT)

    task = own.task("", packages=("shade",))
    with pytest.raises(KeyboardInterrupt):
        own.carry(task, interrupt)
    assert own.found(task).status is Status.STOPPED
    assert [one.suffix for one in (own.place.home / "cache" / "environments").iterdir()] == [".lock"]


def test_a_script_finds_the_modules_that_were_beside_it_and_no_later_ones(own, tmp_path):
    files = (SourceFile(name="near.py", text="from parts import one"), SourceFile(name="parts/one.py", text="N = 1"))
    (tmp_path / "near.py").write_text("raise RuntimeError('the one of today')")
    source = "import iniconfig, near; print(iniconfig.VERSION, near.one.N)"
    script = Script(source=source, entry_point="train.py", kind=ScriptKind.SCRIPT, packages=OTHER, files=files)
    task = own.call(CreateTask(task=NewTask(id=uuid.uuid4().hex, name="t", project="P", script=script)))
    for _ in range(2):
        clone = own.call(CloneTask(source=task.id, clone=Copied(id=uuid.uuid4().hex)))
        assert own.carry(clone).status is Status.COMPLETED, own.printed
        assert own.printed[-1] == "0.0.1 1"


def test_a_file_beside_a_script_that_leads_elsewhere_fails_the_task_and_is_not_written(bench, tmp_path):
    files = (SourceFile(name="../../escaped.py", text=""),)
    script = Script(source="print('ran')", entry_point="train.py", kind=ScriptKind.SCRIPT, files=files)
    task = bench.call(CreateTask(task=NewTask(id=uuid.uuid4().hex, name="t", project="P", script=script)))
    ended = bench.carry(task)
    assert (ended.status, ended.reason) == (Status.FAILED, EndReason.INPUT)
    assert "../../escaped.py" in ended.message
    assert not list(tmp_path.rglob("escaped.py"))
