from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import joblib
import pytest

from penstock.core.errors import Invalid
from penstock.run.frameworks import Recorder, install, unrecorded
from penstock.run.frameworks.choice import KEYS

ORIGINAL = (joblib.dump,)  # a name of its own in this module would be followed too


def test_whoever_keeps_what_is_told_is_a_recorder(kept):
    recorder: Recorder = kept
    assert all(callable(getattr(recorder, name)) for name in vars(Recorder) if not name.startswith("_"))


def test_nothing_is_imported_for_the_sake_of_following_it():
    code = (
        "import sys\n"
        "from penstock.run.frameworks import install\n"
        "installed = install(None)\n"
        "import json\n"
        "installed.remove()\n"
        "print(*{'joblib', 'torch', 'matplotlib', 'numpy', 'wrapt', 'asyncio'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_removing_puts_everything_back_and_records_nothing_more(follow, kept, tmp_path):
    finders = list(sys.meta_path)
    installed = follow()
    assert joblib.dump is not ORIGINAL[0]
    installed.remove()
    installed.remove()
    joblib.dump([1], tmp_path / "a.pkl")
    assert joblib.dump is joblib.numpy_pickle.dump is ORIGINAL[0]
    assert sys.meta_path == finders
    assert kept.events == []


def test_installing_twice_records_once_and_for_the_last_recorder(follow, kept, tmp_path):
    class Deaf:
        def model_saved(self, path, framework):
            raise AssertionError(path)

    first = install(Deaf())
    second = follow()
    joblib.dump([1], tmp_path / "a.pkl")
    first.remove()  # removed already; it takes nothing from the second
    joblib.dump([1], tmp_path / "b.pkl")
    assert kept.models() == [("model_saved", "a.pkl", "joblib"), ("model_saved", "b.pkl", "joblib")]
    second.remove()
    assert joblib.dump is ORIGINAL[0]


def test_a_name_that_a_script_imported_while_one_was_installed_serves_the_next(follow, kept, tmp_path):
    first = install(None)
    held = [joblib.dump]
    first.remove()
    follow()
    held[0]([1], tmp_path / "a.pkl")
    assert kept.models() == [("model_saved", "a.pkl", "joblib")]


@pytest.mark.parametrize("wanted", [False, {}, {"joblib": False}])
def test_what_is_not_wanted_is_left_untouched(follow, wanted):
    follow(wanted)
    assert joblib.dump is ORIGINAL[0]


def test_a_choice_that_means_nothing_changes_nothing(follow, kept, tmp_path):
    follow()
    with pytest.raises(Invalid, match="jobli"):
        install(kept, {"jobli": False})
    joblib.dump([1], tmp_path / "a.pkl")
    assert kept.models() == [("model_saved", "a.pkl", "joblib")]


def test_what_a_recorder_raises_never_reaches_the_user(follow, kept, tmp_path, capsys):
    def fail(_kind):
        raise OSError("no space")

    follow()
    kept.then = fail
    for name in ("a.pkl", "b.pkl"):
        assert joblib.dump([1], tmp_path / name) == [str(tmp_path / name)]
        assert joblib.load(tmp_path / name) == [1]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "OSError: no space" in said[0]
    assert "{'joblib': False}" in said[0]


def test_a_recorder_that_lacks_a_method_never_reaches_the_user(tmp_path, capsys):
    installed = install(object())
    joblib.dump([1], tmp_path / "a.pkl")
    installed.remove()
    assert "AttributeError" in capsys.readouterr().err


def test_what_the_recorder_does_itself_is_not_recorded(follow, kept, tmp_path):
    follow()
    kept.then = lambda _kind: joblib.dump([2], tmp_path / "copy.pkl")
    joblib.dump([1], tmp_path / "a.pkl")
    assert kept.models() == [("model_saved", "a.pkl", "joblib")]
    assert (tmp_path / "copy.pkl").exists()


def test_what_is_done_unrecorded_is_not_recorded(follow, kept, tmp_path):
    follow()
    with unrecorded():
        joblib.dump([1], tmp_path / "a.pkl")
    assert kept.events == []


def test_threads_record_at_the_same_time_and_each_call_once(follow, kept, tmp_path):
    follow()
    barrier = threading.Barrier(4)

    def work(number):
        barrier.wait()
        for turn in range(20):
            joblib.dump([1], tmp_path / f"{number}-{turn}.pkl")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(name for _, name, _ in kept.models()) == sorted(path.name for path in tmp_path.iterdir())
    assert len(kept.models()) == 80


def test_installing_and_removing_while_others_save_breaks_nothing(kept, tmp_path):
    stop = threading.Event()
    failed = []

    def work():
        try:
            while not stop.is_set():
                joblib.dump([1], tmp_path / "a.pkl")
        except Exception as error:  # noqa: BLE001 - whatever it is, the test has to see it
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(10):
        install(kept).remove()
    stop.set()
    thread.join()
    assert failed == []
    assert joblib.dump is ORIGINAL[0]


FORKED = """
import os, threading
import joblib
installed = follow()
pid = os.fork()
if not pid:
    joblib.dump([1], "child.pkl")
    told = len(Recorder.events)
    installed.remove()
    joblib.dump([1], "child.pkl")
    os._exit(told if len(Recorder.events) == told else 9)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
joblib.dump([1], "parent.pkl")
"""


def test_a_forked_child_records_by_itself_and_takes_nothing_from_its_parent(script):
    assert script({}, FORKED) == [("model_saved", "parent.pkl", "joblib")]


LOCKED = """
import os, threading
from penstock.run.frameworks import install as module
import sys
module = sys.modules["penstock.run.frameworks.install"]
holds, ends = threading.Event(), threading.Event()
def hold():
    with module._turn:
        holds.set()
        ends.wait()
thread = threading.Thread(target=hold)
thread.start()
holds.wait()
pid = os.fork()
if not pid:
    follow().remove()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
ends.set()
thread.join()
"""


def test_a_child_that_was_forked_while_another_thread_installed_is_not_stuck(script):
    assert script({}, LOCKED) == []


ODD = """
import contextlib, io
error = io.StringIO()
with contextlib.redirect_stderr(error):
    follow()
    import lightgbm, catboost
    assert lightgbm.Booster == 3
    catboost.CatBoost().save_model(to="a.cbm")
assert "catboost did could not be recorded: TypeError" in error.getvalue()
assert len(error.getvalue().splitlines()) == 1
"""


def test_a_library_of_another_shape_is_imported_as_ever(script):
    modules = {
        "lightgbm.py": "Booster = 3",
        "catboost.py": "class CatBoost:\n    def save_model(self, *, to): pass\n",
    }
    assert script(modules, ODD) == []


def test_following_that_fails_is_complained_of_and_the_import_succeeds(script):
    modules = {"megengine.py": "def __getattr__(name):\n    raise RuntimeError(name)"}
    code = """
    import contextlib, io
    error = io.StringIO()
    with contextlib.redirect_stderr(error):
        follow()
        import lightgbm
    assert "lightgbm did could not be recorded: RuntimeError: Booster" in error.getvalue(), error.getvalue()
    """
    modules["lightgbm.py"] = modules["megengine.py"]
    assert script(modules, code) == []


def test_the_documentation_names_every_framework_and_no_other():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "frameworks.md").read_text("utf-8")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", page, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(KEYS)
