"""Attempts that are whole scripts, each in a process of its own: where they run, what they see, how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest

from penstock.core.task import Script, ScriptKind, Task
from penstock.run.attempt import AttemptSpec, Outcome
from penstock.run.patch import NOTE

CHILD = """
import json, os, sys
from penstock.run.attempt import decode_spec, encode
from penstock.run.scripts import run_script
read, write = int(sys.argv[1]), int(sys.argv[2])
del sys.path[0]
with os.fdopen(read, "rb") as stream:
    spec = decode_spec(stream.read())
outcome = run_script(spec)
with os.fdopen(write, "wb") as stream:
    stream.write(encode(outcome))
"""
FACTS = """
import json, os, sys
print(json.dumps({
    "name": __name__, "file": __file__, "argv": sys.argv, "first": sys.path[0], "cwd": os.getcwd(),
    "package": __package__, "main": sys.modules["__main__"].__dict__ is globals(), "loader": __loader__ is not None,
    "tail": [os.path.basename(one) for one in sys.path[-2:]],
}))
"""


class Ended(msgspec.Struct):
    outcome: Outcome | None
    code: int
    out: str
    err: str

    @property
    def facts(self):
        return json.loads(self.out.splitlines()[-1])

    @property
    def ending(self):
        assert self.outcome is not None, self.err
        return (str(self.outcome.status), self.outcome.reason and str(self.outcome.reason))


@pytest.fixture
def run(tmp_path):
    """Run a recorded script in a process and return how it ended."""
    (tmp_path / "started here").mkdir()

    def run(script):
        task = Task(id="t" * 32, name="s", project="P", script=script)
        folders = {name: str(tmp_path / name) for name in ("home", "blobs", "scratch", "cache")}
        spec = AttemptSpec(task=task, file="", arguments={}, inputs={}, references={}, returns=(), **folders)
        there, here = os.pipe()
        back, out = os.pipe()
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, str(there), str(out)],
            cwd=tmp_path / "started here",
            pass_fds=(there, out),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            os.close(there)
            os.close(out)
            with os.fdopen(here, "wb") as stream:
                stream.write(msgspec.msgpack.encode(spec))
            printed, errors = process.communicate(timeout=60)
            with os.fdopen(back, "rb") as stream:
                said = stream.read()
        outcome = msgspec.msgpack.decode(said, type=Outcome) if said else None
        return Ended(outcome, process.returncode, printed, errors)

    return run


def text(source, name="train.py"):
    return Script(source=textwrap.dedent(source), entry_point=name, kind=ScriptKind.SCRIPT)


@pytest.fixture
def project(work):
    """A repository with a package, a module beside a script, and a folder `src`."""
    commit = work.commit(
        {
            "jobs/train.py": f"import near, inside, deep.er\nassert near.X == 1\n{FACTS}",
            "jobs/near.py": "X = 1\n",
            "src/inside.py": "",
            "deep/__init__.py": "",
            "deep/er.py": f"from . import sibling\nfrom .sibling import Y\n{FACTS}",
            "deep/sibling.py": "Y = 2\n",
            "deep/__main__.py": f"from .sibling import Y\n{FACTS}",
            "data.txt": "the data",
        }
    )

    def script(entry, folder=".", **facts):
        kind = ScriptKind.MODULE if entry.startswith("-m") else ScriptKind.SCRIPT
        return Script(
            entry_point=entry, kind=kind, repository=str(work.root), commit=commit, working_dir=folder, **facts
        )

    return script


def test_a_recorded_text_runs_as_main_in_the_folder_where_the_process_was_started(run, tmp_path):
    ended = run(text(FACTS))
    assert ended.ending == ("completed", None)
    found = ended.facts
    assert (found["name"], found["main"], found["loader"], found["package"]) == ("__main__", True, True, None)
    assert found["cwd"] == str(tmp_path / "started here")
    assert found["argv"] == [found["file"]], "its arguments come from the task"
    assert found["first"] == str(Path(found["file"]).parent)
    assert Path(found["file"]).name == "train.py"


def test_a_script_of_a_repository_runs_in_its_working_folder_with_its_neighbours(run, project):
    ended = run(project("jobs/train.py"))
    assert ended.ending == ("completed", None), ended.err
    found = ended.facts
    assert found["file"] == str(Path(found["cwd"], "jobs", "train.py"))
    assert found["first"] == str(Path(found["cwd"], "jobs"))
    assert found["tail"] == [Path(found["cwd"]).name, "src"], "behind all that is installed"


def test_a_script_finds_its_files_from_the_working_folder(run, project, work):
    work.commit({"jobs/read.py": "print(open('../data.txt').read(), end='')"})
    head = work.git("rev-parse", "HEAD")
    ended = run(msgspec.structs.replace(project("read.py", "jobs"), commit=head))
    assert (ended.ending, ended.out) == (("completed", None), "the data")


@pytest.mark.parametrize(("entry", "file"), [("-m deep.er", "er.py"), ("-m deep", "__main__.py")])
def test_a_module_runs_by_its_name_with_its_relative_imports(run, project, entry, file):
    ended = run(project(entry))
    assert ended.ending == ("completed", None), ended.err
    found = ended.facts
    assert (found["name"], found["package"], Path(found["file"]).name) == ("__main__", "deep", file)
    assert found["first"] == found["cwd"]


@pytest.mark.parametrize(
    ("source", "ending", "message"),
    [
        ("", ("completed", None), ""),
        ("import sys; sys.exit()", ("completed", None), ""),
        ("raise SystemExit(0)", ("completed", None), ""),
        ("import sys; sys.exit(3)", ("failed", "exit code"), "sys.exit(3)"),
        ("import sys; sys.exit('no data')", ("failed", "exit code"), "sys.exit('no data')"),
        ("def f():\n    1 / 0\nf()", ("failed", "exception"), "ZeroDivisionError: division by zero"),
        ("raise KeyboardInterrupt", ("failed", "exception"), "KeyboardInterrupt"),
        ("what is this?", ("failed", "exception"), "SyntaxError: invalid syntax"),
        ("from . import x", ("failed", "exception"), "ImportError: attempted relative import"),
        ("import threading\nthreading.Thread(target=lambda: 1 / 0).start()", ("completed", None), ""),
    ],
)
def test_how_a_script_ends_is_how_its_attempt_ends(run, source, ending, message):
    ended = run(text(source))
    assert ended.ending == ending
    assert ended.outcome.message.startswith(message)


def test_a_script_that_leaves_at_once_says_nothing(run):
    ended = run(text("import os; os._exit(4)"))
    assert (ended.outcome, ended.code) == (None, 4)


@pytest.mark.parametrize("kind", ["text", "repository", "module"])
def test_a_traceback_begins_with_the_script(run, work, kind):
    commit = work.commit({"bad.py": "def f():\n    raise ValueError('bad')\nf()"})
    script = text("def f():\n    raise ValueError('bad')\nf()", "bad.py")
    if kind != "text":
        entry, of = ("-m bad", ScriptKind.MODULE) if kind == "module" else ("bad.py", ScriptKind.SCRIPT)
        script = Script(entry_point=entry, kind=of, repository=str(work.root), commit=commit)
    ended = run(script)
    assert ended.ending == ("failed", "exception")
    first, _, head, frame, *_ = ended.outcome.message.split("\n")
    assert (first, head) == ("ValueError: bad", "Traceback (most recent call last):")
    assert "bad.py" in frame
    assert "runpy" not in ended.outcome.message
    assert ended.err.startswith(head), "it is shown on the console, too"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (Script(entry_point="x.py", kind=ScriptKind.SCRIPT, repository="ext::sh -c true"), "not an address"),
        (Script(entry_point="../../x.py", kind=ScriptKind.SCRIPT, source=""), "leads outside"),
        (Script(entry_point="-m a;b", kind=ScriptKind.MODULE, source=""), "not a module to run"),
        (Script(entry_point="x.py", kind=ScriptKind.SCRIPT, repository="/there/is/none"), ""),
    ],
)
def test_code_that_cannot_be_had_fails_the_attempt_before_anything_runs(run, script, message):
    ended = run(script)
    assert ended.ending == ("failed", "input")
    assert message in ended.outcome.message
    assert ended.err.startswith("penstock: ")


def test_an_entry_that_is_not_in_the_commit_is_named(run, project):
    ended = run(project("jobs/none.py"))
    assert ended.ending == ("failed", "input")
    assert "there is no 'jobs/none.py'" in ended.outcome.message


def test_what_ran_and_was_not_recorded_is_said_on_the_console(run, project):
    ended = run(project("jobs/train.py", diff=f"{NOTE}big.bin, which is too large\n"))
    assert ended.err == "penstock: big.bin, which is too large\n"
    assert ended.ending == ("completed", None)
