"""The import hook: names resolve to ours, nothing is shadowed in silence, what is not there is said by name."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

import pytest

from penstock import PipelineController, Task
from penstock.compat.finder import StandIn
from penstock.run import stand_in

MODULES = {
    "otherlib": {"Task": "penstock:Task", "Later": "penstock:Later"},
    "otherlib.automation": {"PipelineController": "penstock:PipelineController"},
}
ABSENT = {"otherlib.automation.Tuner": "search with a loop", "otherlib.backend": "use Task"}


@pytest.fixture
def hook():
    found = StandIn("otherlib", MODULES, ABSENT, "2.0")
    before = stand_in.get()
    yield found
    found.remove()
    stand_in.put(before)


def test_modules_and_names_lead_to_ours(hook, capsys):
    hook.install()
    library = importlib.import_module("otherlib")
    assert library.Task is Task
    assert library.automation.PipelineController is PipelineController
    assert (library.__version__, library.__all__, "Task" in dir(library)) == ("2.0", ["Task"], True)
    assert capsys.readouterr().err == ""
    names = {}
    exec("from otherlib import *", names)
    assert names["Task"] is Task


def test_what_is_recorded_from_now_on_says_so(hook):
    hook.install()
    assert stand_in.get() == "otherlib"
    hook.remove()
    assert stand_in.get() == ""
    assert importlib.util.find_spec("otherlib") is None


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("from otherlib import Tsk", "no otherlib.Tsk (hint: did you mean 'Task'?)"),
        ("from otherlib.automation import Tuner", "no otherlib.automation.Tuner (hint: search with a loop)"),
        ("import otherlib.automation.Tuner.deep", "no otherlib.automation.Tuner (hint: search with a loop)"),
        ("import otherlib.backend.api", "no otherlib.backend (hint: use Task)"),
        ("from otherlib import Later", "no otherlib.Later (hint: "),
    ],
)
def test_an_import_of_what_is_not_there_says_its_name_and_what_to_do(hook, statement, said):
    hook.install()
    with pytest.raises(ImportError) as error:
        exec(statement, {})
    assert said in str(error.value)


def test_an_attribute_that_is_not_there_says_so_as_well(hook):
    hook.install()
    library = importlib.import_module("otherlib")
    assert not hasattr(library, "nothing")
    with pytest.raises(AttributeError, match=r"no otherlib\.backend"):
        _ = library.backend


@pytest.fixture
def real(tmp_path, monkeypatch):
    folder = tmp_path / "otherlib"
    folder.mkdir()
    (folder / "__init__.py").write_text("Task = 'the real one'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    sys.modules.pop("otherlib", None)


def test_where_the_library_is_installed_it_is_said_which_is_used(hook, real, capsys):
    hook.install()
    said = capsys.readouterr().err
    assert said == f"penstock: `import otherlib` means Penstock here; otherlib of {real}/__init__.py is not used\n"
    assert importlib.import_module("otherlib").Task is Task
    hook.install()
    assert capsys.readouterr().err == ""


def test_a_library_that_was_imported_before_is_replaced_and_that_is_said(hook, real, capsys):
    assert importlib.import_module("otherlib").Task == "the real one"
    hook.install()
    assert "is not used, except by what has imported it before" in capsys.readouterr().err
    assert importlib.import_module("otherlib").Task is Task


def test_a_library_that_only_a_program_made_up_is_not_shadowed_in_silence_either(hook, capsys):
    sys.modules["otherlib"] = ModuleType("otherlib")
    hook.install()
    assert "otherlib of this process is not used" in capsys.readouterr().err


def test_without_the_hook_the_library_itself_is_imported(hook, real):
    hook.install()
    hook.remove()
    assert importlib.import_module("otherlib").Task == "the real one"
