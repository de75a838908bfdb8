"""What is reused and what runs again: one change a case, to a project of two modules, with real steps.

Promises 23 and 43. No case may hit wrongly, none may miss needlessly, and a miss names the part that differs.
"""

from __future__ import annotations

import importlib
import linecache
import shutil
import sys

import msgspec
import pytest

from penstock import PipelineController
from penstock.core.decision import DecisionKind
from penstock.core.run import attempt_id
from penstock.ops.decisions import ListDecisions
from penstock.ops.outputs import ListArtifacts
from penstock.ops.runs import ArchiveRun, DeleteRun, FindRun
from penstock.ops.tasks import GetTask
from penstock.sdk import session

STEPS = '''
import helpers
from helpers import clean
import pandas as pd

SCALE = 3
UNUSED = 1


def load(rows=4, kind="int64"):
    """Make a frame."""
    return pd.DataFrame({"x": range(rows)}).astype(kind)


def total(frame, rate=1.0, options=None):
    # Add it up.
    return clean(frame["x"].sum()) * rate * SCALE


def note(value, text="", after=None):
    return f"{value} {text}"
'''
HELPERS = """
LIMIT = 1000


def clean(number):
    return min(float(number), LIMIT)


def other(number):
    return number
"""
RAN, REUSED = "completed", "cached"


class Project:
    """Two modules in a folder, and the pipeline that runs them."""

    def __init__(self, folder):
        self.folder = folder
        self.files = {"steps.py": STEPS, "helpers.py": HELPERS}
        self.arguments = {"load": {}, "total": {"frame": "${load.frame}"}, "note": {"value": "${total.sum}"}}
        self.options = {"cache_executed_step": True}
        self.returns = {"load": ["frame"], "total": ["sum"], "note": ["text"]}
        self.pipeline = {}

    def change(self, file, *pairs):
        for before, after in pairs:
            assert before in self.files[file]
            self.files[file] = self.files[file].replace(before, after)

    def give(self, step, **arguments):
        self.arguments[step] = {**self.arguments[step], **arguments}

    def run(self):
        """Run the pipeline; return the status of each step."""
        for name, text in self.files.items():
            file = self.folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        shutil.rmtree(self.folder / "__pycache__", ignore_errors=True)
        for name in [one for one in sys.modules if one.partition(".")[0] in {"steps", "helpers", "library"}]:
            del sys.modules[name]
        importlib.invalidate_caches()
        linecache.clearcache()
        steps = importlib.import_module("steps")
        pipe = PipelineController("cached", "Tests", **self.pipeline)
        for name, arguments in self.arguments.items():
            pipe.add_function_step(name, getattr(steps, name), arguments, self.returns[name], **self.options)
        pipe.start_locally(run_pipeline_steps_locally=True)
        self.id = pipe.id
        self.pipe = pipe
        return {name: node.status for name, node in pipe.get_pipeline_dag().items()}

    def why(self, step):
        """Return why the last run ran or reused a step: all that was said."""
        found = session.backend().call(ListDecisions(run=self.id, step=step))
        (decision,) = [one for one in found if one.kind in {DecisionKind.EXECUTE, DecisionKind.REUSE}]
        return "; ".join((decision.reason, *decision.details))


@pytest.fixture
def project(home, tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    made = Project(folder)
    assert made.run() == {"load": RAN, "total": RAN, "note": RAN}
    assert "no earlier execution" in made.why("load")
    return made


def same(*steps):
    """Return the statuses when these steps run again and the others are reused."""
    return {name: RAN if name in steps else REUSED for name in ("load", "total", "note")}


def test_nothing_changed_and_nothing_runs(project):
    assert project.run() == same()
    assert project.why("total") == "its code, arguments, inputs and packages are those of cached #1"
    assert project.run() == same()
    assert "cached #1" in project.why("total")  # the one that really ran


UNCHANGED = {
    "a comment": lambda p: p.change("steps.py", ("# Add it up.", "# Sum.")),
    "no comment": lambda p: p.change("steps.py", ("    # Add it up.\n", "")),
    "a docstring": lambda p: p.change("steps.py", ("Make a frame.", "Return a frame.")),
    "formatting": lambda p: p.change("steps.py", ("* rate * SCALE", "*rate*(  SCALE )"), ("\n\n\n", "\n\n\n\n")),
    "a quote": lambda p: p.change("steps.py", ('frame["x"]', "frame['x']")),
    "an annotation": lambda p: p.change("steps.py", ("rate=1.0", "rate: float = 1.0")),
    "from __future__ import annotations": lambda p: p.change(
        "steps.py", ("\nimport helpers", "from __future__ import annotations\n\nimport helpers")
    ),
    "a constant that it does not use": lambda p: p.change("steps.py", ("UNUSED = 1", "UNUSED = 2")),
    "a function that it does not use": lambda p: p.change("helpers.py", ("return number", "return -number")),
    "the order of imports": lambda p: p.change(
        "steps.py", ("import helpers\nfrom helpers import clean\n", "from helpers import clean\nimport helpers\n")
    ),
    "a helper's own name": lambda p: (
        p.change("helpers.py", ("def clean", "def cleaned")),
        p.change("steps.py", ("import clean", "import cleaned"), ("return clean(", "return cleaned(")),
    ),
    "a helper imported as another name": lambda p: p.change(
        "steps.py", ("import clean", "import clean as tidy"), ("return clean(", "return tidy(")
    ),
    "a helper moved to another module": lambda p: (
        p.files.update({"library/__init__.py": "", "library/numbers.py": HELPERS}),
        p.change("steps.py", ("from helpers import clean", "from library.numbers import clean")),
    ),
    "a helper moved into the script": lambda p: p.change(
        "steps.py", ("from helpers import clean\n", HELPERS.partition("def other")[0])
    ),
    "a default that is given as an argument": lambda p: p.give("total", rate=1.0),
    "a tag": lambda p: p.options.update(tags=["nightly"]),
    "the retries and the time limit": lambda p: p.options.update(retry_on_failure=2, time_limit=100),
    "the version of the pipeline": lambda p: p.pipeline.update(version="7.0.0"),
    "an argument in another order": lambda p: p.arguments.update(
        load={"kind": "int64", "rows": 4},
    ),
}


@pytest.mark.parametrize("change", UNCHANGED)
def test_a_change_that_makes_no_difference_runs_nothing(project, change):
    UNCHANGED[change](project)
    assert project.run() == same()


CHANGED = {
    "an argument": (lambda p: p.give("total", rate=2.0), ["total", "note"], "argument 'rate' is 2.0, was 1.0 in"),
    "an argument's type": (lambda p: p.give("total", rate=1), ["total"], "argument 'rate' is 1, was 1.0 in"),
    "an argument inside a list": (
        lambda p: p.give("total", options=[1, {"a": 2}]),
        ["total"],
        "argument 'options' is an artifact, was None in",
    ),
    "a default": (
        lambda p: p.change("steps.py", ("rate=1.0", "rate=3.0")),
        ["total", "note"],
        "argument 'rate' is 3.0, was 1.0 in",
    ),
    "the body": (
        lambda p: p.change("steps.py", ("* rate * SCALE", "* rate + SCALE")),
        ["total", "note"],
        "the code of 'total' changed since",
    ),
    "a helper's body": (
        lambda p: p.change("helpers.py", ("min(float(number), LIMIT)", "float(number) + 1")),
        ["total", "note"],
        "the code of 'helpers.clean' changed",
    ),
    "a constant of the module": (
        lambda p: p.change("steps.py", ("SCALE = 3", "SCALE = 4")),
        ["total", "note"],
        "constant 'SCALE' is 4, was 3 in",
    ),
    "a constant of a helper's module": (
        lambda p: p.change("helpers.py", ("LIMIT = 1000", "LIMIT = 5")),
        ["total", "note"],
        "constant 'helpers.LIMIT' is 5, was 1000 in",
    ),
    "another helper of the same name": (
        lambda p: p.change("steps.py", ("from helpers import clean", "from helpers import other as clean")),
        ["total", "note"],  # it hands on NumPy's number, which is of another type
        "helper function 'helpers.other' was added",
    ),
    "what importing a helper's module does": (
        lambda p: p.change("helpers.py", ("LIMIT = 1000", "import random\nrandom.seed(0)\nLIMIT = 1000")),
        ["total"],
        "the top level of",
    ),
    "more rows": (lambda p: p.give("load", rows=5), ["load", "total", "note"], "argument 'rows' is 5, was 4 in"),
    "another dtype of equal numbers": (lambda p: p.give("load", kind="int32"), ["load", "total"], "'int32'"),
    "the name of what it returns": (
        lambda p: p.returns.update(note=["words"]),
        ["note"],
        "the names that it returns are ['words'], were ['text']",
    ),
    "the container": (
        lambda p: p.options.update(docker="python:3.12"),
        ["load", "total", "note"],
        "the container is python:3.12, was none",
    ),
    "the working folder": (
        lambda p: p.options.update(working_dir=str(p.folder)),
        ["load", "total", "note"],
        "the place that it runs in is",
    ),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_change_that_makes_a_difference_runs_what_depends_on_it(project, change):
    mutate, again, reason = CHANGED[change]
    mutate(project)
    assert project.run() == same(*again)
    assert reason in project.why(again[0])


def test_a_reason_names_the_run_that_came_nearest(project):
    project.give("total", rate=2.0)
    project.run()
    project.give("total", rate=3.0, options=1)
    project.run()
    project.give("total", rate=3.0, options=2)
    assert project.run() == same("total")
    assert project.why("total") == "argument 'options' is 2, was 1 in cached #3"


def test_only_what_depends_on_a_change_runs(project):
    """A step that runs again and returns what it returned before changes nothing for those below."""
    project.give("note", text="hello")
    assert project.run() == same("note")
    project.change("steps.py", ("range(rows)", "list(range(rows))"))
    assert project.run() == same("load")


def test_an_equal_frame_that_was_computed_anew_is_the_same_input(project):
    project.change("steps.py", ('pd.DataFrame({"x": range(rows)})', 'pd.DataFrame([{"x": n} for n in range(rows)])'))
    assert project.run() == same("load")
    assert "the code of 'load' changed" in project.why("load")


def test_a_frame_with_other_content_is_another_input(project):
    project.change("steps.py", ("range(rows)", "reversed(range(rows))"))
    project.give("load", rows=4)
    assert project.run() == same("load", "total")
    assert project.why("total") == "input 'frame' has other content since cached #1"


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (1, 1.0),
        (1, True),
        ("1", 1),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"a": 2}),
        (None, "None"),
        ("a" * 500, "a" * 499 + "b"),
    ],
)
def test_scalars_and_lists_are_compared_by_value_and_type(project, value, other):
    project.give("note", text=value)
    assert project.run()["note"] == RAN
    assert project.run()["note"] == REUSED
    project.give("note", text=other)
    assert project.run()["note"] == RAN


@pytest.mark.parametrize("extra", [1, "${total.sum}"])
def test_a_dict_in_another_order_is_another_value(project, extra):
    """Equal as it is, what is made of it may be in another order: the columns of a frame."""
    project.give("note", text={"a": extra, "b": [2]})
    project.run()
    assert project.run() == same()
    project.give("note", text={"b": [2], "a": extra})
    assert project.run() == same("note")


def test_inputs_inside_lists_count_by_content_and_place(project):
    project.give("note", value=["${load.frame}", "${total.sum}", "x ${total.sum}"])
    assert project.run() == same("note")
    assert project.run() == same()
    project.give("note", value=["${total.sum}", "${load.frame}", "x ${total.sum}"])
    assert project.run() == same("note")
    project.give("total", rate=2.0)
    assert project.run() == same("total", "note")


def test_of_a_list_that_is_passed_in_it_is_told_which_item_differs(project):
    project.give("note", text={"rates": [0.1, 0.2]})
    project.run()
    project.give("note", text={"rates": [0.1, 0.5]})
    assert project.run() == same("note")
    assert project.why("note").startswith("input 'text'['rates'][1] is 0.5, was 0.2 in cached #")


def test_an_object_that_is_passed_in_counts_by_content(project):
    project.give("note", text={1, 2, 3})
    assert project.run() == same("note")
    assert project.run() == same()
    project.give("note", text={1, 2, 4})
    assert project.run() == same("note")
    assert "input 'text' has other content" in project.why("note")


def test_a_reference_to_the_id_of_a_reused_step_still_hits(project):
    """The step has a task of its own in each run; the one that really ran is what counts."""
    project.give("note", text="${total.id}")
    assert project.run() == same("note")
    assert project.run() == same()


def test_the_id_of_the_run_is_another_one_each_time(project):
    project.give("note", text="${pipeline.id}")
    project.run()
    assert project.run() == same("note")


def install(folder, version, code="VALUE = 1\n"):
    """Put a package of this version among the installed ones."""
    site = folder / "site-packages"
    for old in site.glob("gauge-*"):
        shutil.rmtree(old)
    info = site / f"gauge-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: gauge\nVersion: {version}\n", encoding="utf-8")
    (info / "RECORD").write_text("gauge.py,,\n", encoding="utf-8")
    (site / "gauge.py").write_text(code, encoding="utf-8")
    return site


@pytest.mark.here
def test_a_package_of_another_version_runs_what_imports_it(project, monkeypatch, tmp_path):
    site = install(tmp_path, "1.0")
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    project.change("steps.py", ("    return f", "    import gauge\n\n    return f"))
    assert project.run() == same("note")
    assert project.run() == same()
    install(tmp_path, "1.1")
    assert project.run() == same("note")
    assert "package gauge is 1.1, was 1.0 in" in project.why("note")


# What became of the earlier execution


def task_of(project, step):
    return attempt_id(project.id, step, 1)


def test_an_archived_run_is_not_reused_until_it_is_restored(project):
    call = session.backend().call
    first = project.id
    call(ArchiveRun(id=first))
    assert project.run() == same("load", "total", "note")
    assert project.why("total") == "the equal execution in cached #1 is archived"
    call(DeleteRun(id=project.id))
    call(ArchiveRun(id=first, archived=False))
    assert project.run() == same()


def test_a_failed_execution_is_not_reused(project):
    project.change("steps.py", ('return f"{value} {text}"', "raise ValueError(text)"))
    assert project.run() == {"load": REUSED, "total": REUSED, "note": "failed"}
    assert project.run() == {"load": REUSED, "total": REUSED, "note": "failed"}
    assert project.why("note") == "the equal execution in cached #2 is failed"


def test_a_deleted_run_is_not_reused(project):
    session.backend().call(DeleteRun(id=project.id))
    assert project.run() == same("load", "total", "note")
    assert "no earlier execution" in project.why("total")


def test_what_was_reused_outlives_the_run_that_made_it(project):
    call = session.backend().call
    first = project.id
    assert project.run() == same()
    call(DeleteRun(id=first))
    assert project.pipe.task.status == "completed"
    assert project.run() == same()
    assert list(project.pipe.get_pipeline_dag()["load"].job.task.artifacts["frame"].get()["x"]) == [0, 1, 2, 3]


def blob(project, step):
    (artifact,) = session.backend().call(ListArtifacts(task=task_of(project, step)))
    return session.backend().blobs.path(artifact.hash)


def test_a_step_whose_blob_is_gone_runs_again(project):
    blob(project, "load").unlink()
    assert project.run() == same("load")
    assert "artifact 'frame'" in project.why("load")
    assert "is missing" in project.why("load")


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"!" + data[1:], lambda data: b""])
def test_a_step_whose_blob_is_damaged_runs_again_and_mends_it(project, damage):
    """Also when the damage left its length as it was."""
    place = blob(project, "load")
    whole = place.read_bytes()
    place.chmod(0o600)
    place.write_bytes(damage(whole))
    assert project.run() == same("load")
    assert "is damaged" in project.why("load")
    assert place.read_bytes() == whole


# Who may reuse


def test_a_step_that_does_not_ask_for_it_runs_and_can_be_reused_later(project):
    project.options["cache_executed_step"] = False
    assert project.run() == same("load", "total", "note")
    assert project.why("load") == "caching is off for this step"
    project.options["cache_executed_step"] = True
    assert project.run() == same()


def test_a_reused_step_has_what_the_first_one_had(project):
    first = project.pipe.get_pipeline_dag()["total"].job.task
    project.run()
    node = project.pipe.get_pipeline_dag()["total"]
    assert node.job.is_cached_task()
    assert node.executed == node.job.task_id() != first.id
    assert node.job.task.artifacts["sum"].get() == first.artifacts["sum"].get() == 18.0
    assert node.job.task.get_parameters()["return/sum"] == 18.0
    assert node.job.task.parent == project.id
    assert project.pipe.is_successful()
    run = session.backend().call(FindRun(text="last"))
    assert run.counts == {"cached": 3}


def test_a_reused_step_starts_no_process(project, monkeypatch):
    monkeypatch.setattr("penstock.run.warm.take", lambda kind: pytest.fail("a process was started"))
    assert project.run() == same()


def test_the_parts_of_a_key_are_recorded_with_the_task(project):
    """What a later miss is explained by."""
    task = session.backend().call(GetTask(id=task_of(project, "total")))
    assert msgspec.to_builtins(task.script)["entry_point"] == "total"
