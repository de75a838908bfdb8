from __future__ import annotations

import os
from io import BytesIO

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression


class Own(LinearRegression):
    """A user's own model."""


def test_models_are_recorded_with_the_library_that_they_come_from(follow, kept, tmp_path):
    follow()
    for name, value in {"a": LinearRegression(), "b": Own(), "c": {"model": 1}}.items():
        joblib.dump(value, tmp_path / name)
        joblib.load(filename=str(tmp_path / name))
    assert kept.models() == [
        ("model_saved", "a", "ScikitLearn"),
        ("model_loaded", "a", "ScikitLearn"),
        ("model_saved", "b", "ScikitLearn"),
        ("model_loaded", "b", "ScikitLearn"),
        ("model_saved", "c", "joblib"),
        ("model_loaded", "c", "joblib"),
    ]


def test_the_file_is_complete_when_the_recorder_hears_of_it(follow, kept, tmp_path):
    sizes = []
    kept.then = lambda _kind: sizes.append((tmp_path / "a.gz").stat().st_size)
    follow()
    joblib.dump(value=np.arange(1000), filename=tmp_path / "a.gz", compress=3)
    assert sizes == [(tmp_path / "a.gz").stat().st_size]


def test_open_files_and_calls_that_fail_are_not_recorded(follow, kept, tmp_path):
    follow()
    joblib.dump([1], BytesIO())
    with (tmp_path / "a.pkl").open("wb") as file:
        joblib.dump([1], file)
    with pytest.raises(FileNotFoundError):
        joblib.load(tmp_path / "nothing")
    with pytest.raises(TypeError):
        joblib.dump()
    assert kept.events == []


@pytest.mark.parametrize("wanted", [{"scikit": False}, {"scikit": "*.keep"}, {"joblib": "*.keep"}])
def test_scikit_and_joblib_both_have_to_want_a_model_of_scikit(follow, kept, tmp_path, wanted):
    follow(wanted)
    joblib.dump(LinearRegression(), tmp_path / "a.pkl")
    joblib.dump(LinearRegression(), tmp_path / "a.keep")
    expected = [] if wanted == {"scikit": False} else ["a.keep"]
    assert [name for _, name, _ in kept.models()] == expected


def test_what_joblib_keeps_for_itself_is_no_model(follow, kept, tmp_path):
    follow()
    memory = joblib.Memory(tmp_path / "cache", verbose=0, mmap_mode="r")
    remembered = memory.cache(np.arange)
    assert remembered(5).tolist() == remembered(5).tolist()
    total = joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(abs)(number) for number in range(3))
    assert total == [0, 1, 2]
    assert kept.events == []


def test_data_that_scikit_downloads_is_no_model(follow, kept, tmp_path, script):
    modules = {
        "sklearn/__init__.py": "",
        "sklearn/datasets/__init__.py": "",
        "sklearn/datasets/_houses.py": """
            import joblib
            def fetch():
                joblib.dump([1], "h.pkl")
                return joblib.load("h.pkl")
            """,
    }
    code = """
    follow()
    from sklearn.datasets._houses import fetch
    fetch()
    import joblib
    joblib.dump([1], "own.pkl")
    """
    assert script(modules, code) == [("model_saved", "own.pkl", "joblib")]


BEFORE = """
from joblib import dump, load
import joblib.numpy_pickle
follow()
"""
AFTER = """
follow()
from joblib import dump, load
"""


@pytest.mark.parametrize("start", [BEFORE, AFTER])
def test_it_does_not_matter_when_a_script_imports_the_names(script, start):
    found = script({}, start + "dump([1], 'a.pkl')\nassert load('a.pkl') == [1]\n")
    assert found == [("model_saved", "a.pkl", "joblib"), ("model_loaded", "a.pkl", "joblib")]


def test_a_save_within_a_save_is_recorded_once(follow, kept, tmp_path):
    follow()
    joblib.dump(Nested(os.fspath(tmp_path / "inner.pkl")), tmp_path / "outer.pkl")
    assert (tmp_path / "inner.pkl").exists()
    assert kept.models() == [("model_saved", "outer.pkl", "joblib")]


class Nested:
    def __init__(self, path):
        self.path = path

    def __getstate__(self):
        joblib.dump([1], self.path)
        return {"path": self.path}
