from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import xgboost


@pytest.fixture(scope="module")
def trained():
    return xgboost.XGBRegressor(n_estimators=1, max_depth=1).fit(np.arange(4.0).reshape(4, 1), np.arange(4.0))


def test_models_of_xgboost_are_recorded_once_whichever_class_saves_them(follow, kept, tmp_path, trained):
    follow()
    booster = trained.get_booster()
    booster.save_model(tmp_path / "a.json")
    trained.save_model(fname=str(tmp_path / "b.ubj"))
    xgboost.Booster(model_file=tmp_path / "a.json")
    xgboost.Booster().load_model(tmp_path / "a.json")
    xgboost.XGBRegressor().load_model(tmp_path / "b.ubj")
    assert kept.models() == [
        ("model_saved", "a.json", "XGBoost"),
        ("model_saved", "b.ubj", "XGBoost"),
        ("model_loaded", "a.json", "XGBoost"),
        ("model_loaded", "a.json", "XGBoost"),
        ("model_loaded", "b.ubj", "XGBoost"),
    ]


def test_models_in_memory_are_not_recorded_and_work_as_ever(follow, kept, trained):
    follow()
    booster = trained.get_booster()
    xgboost.Booster().load_model(bytearray(booster.save_raw("json")))
    for other in (copy.deepcopy(booster), pickle.loads(pickle.dumps(booster))):
        assert other.num_boosted_rounds() == 1
    assert kept.events == []


def test_an_error_of_xgboost_is_its_own(follow, kept, tmp_path, trained):
    follow()
    with pytest.raises(xgboost.core.XGBoostError):
        trained.save_model(tmp_path / "no" / "such.json")
    with pytest.raises(TypeError, match="fname must be"):
        trained.get_booster().save_model(3)
    assert kept.events == []


def test_a_path_in_the_users_home_is_found_as_xgboost_finds_it(follow, kept, tmp_path, monkeypatch, trained):
    monkeypatch.setenv("HOME", str(tmp_path))
    follow()
    trained.save_model("~/a.json")
    trained.save_model(Path("~/a.json"))
    assert [told[0] for told in kept.of("model_saved")] == [str(tmp_path / "a.json")] * 2


# The parameters are those of LightGBM 4 and CatBoost 1.2; the files are texts.
LIGHTGBM = {
    "lightgbm/__init__.py": "from lightgbm.basic import Booster",
    "lightgbm/basic.py": """
        from pathlib import Path
        class Booster:
            def __init__(self, params=None, train_set=None, model_file=None, model_str=None):
                if model_file is not None:
                    self.text = Path(model_file).read_text()
                elif model_str is not None:
                    self.text = model_str
                else:
                    raise TypeError("Need at least one training dataset or model file or model string")
            def save_model(self, filename, num_iteration=None, start_iteration=0, importance_type="split"):
                with open(filename, "w") as file:
                    file.write(self.text)
                return self
        """,
}
CATBOOST = {
    "catboost/__init__.py": "from catboost.core import CatBoost, CatBoostClassifier",
    "catboost/core.py": """
        from pathlib import Path
        class CatBoost:
            def save_model(self, fname, format="cbm", export_parameters=None, pool=None):
                with open(fname, "w") as file:
                    file.write("model")
            def load_model(self, fname=None, format="cbm", stream=None, blob=None):
                if (fname is None) + (stream is None) + (blob is None) != 2:
                    raise ValueError("Exactly one of fname, stream, blob")
                if fname is not None:
                    Path(fname).read_text()
                return self
        class CatBoostClassifier(CatBoost):
            pass
        """,
}

LIGHTGBM_USE = """
import pathlib
booster = lightgbm.Booster(model_str="text")
assert booster.save_model("a.txt", num_iteration=3) is booster
booster.save_model(filename=pathlib.Path("b.txt"))
assert lightgbm.Booster(model_file="a.txt").text == "text"
assert lightgbm.Booster({"verbose": -1}, None, "b.txt").text == "text"
try:
    lightgbm.Booster()
except TypeError as error:
    assert "at least one" in str(error)
"""
CATBOOST_USE = """
model = catboost.CatBoostClassifier()
assert model.save_model("a.cbm", format="json") is None
assert model.load_model("a.cbm") is model
assert model.load_model(blob=b"bytes") is model
"""


@pytest.mark.parametrize("start", ["import lightgbm\nfollow()\n", "follow()\nimport lightgbm\n"])
def test_models_of_lightgbm_are_recorded(script, start):
    assert script(LIGHTGBM, start + LIGHTGBM_USE) == [
        ("model_saved", "a.txt", "LightGBM"),
        ("model_saved", "b.txt", "LightGBM"),
        ("model_loaded", "a.txt", "LightGBM"),
        ("model_loaded", "b.txt", "LightGBM"),
    ]


@pytest.mark.parametrize("start", ["import catboost\nfollow()\n", "follow()\nimport catboost\n"])
def test_models_of_catboost_are_recorded(script, start):
    assert script(CATBOOST, start + CATBOOST_USE) == [
        ("model_saved", "a.cbm", "CatBoost"),
        ("model_loaded", "a.cbm", "CatBoost"),
    ]


@pytest.mark.parametrize(("modules", "name"), [(LIGHTGBM, "lightgbm"), (CATBOOST, "catboost")])
def test_each_is_switched_off_by_its_name(script, modules, name):
    use = LIGHTGBM_USE if name == "lightgbm" else CATBOOST_USE
    assert script(modules, f"follow({{{name!r}: False}})\nimport {name}\n{use}") == []
