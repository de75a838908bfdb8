"""XGBoost, LightGBM and CatBoost: the model files that they save and load."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from penstock.run.frameworks.notes import Notes, Spot, followed_by

_XGBOOST = ("XGBoost", "xgboost")
_LIGHTGBM = ("LightGBM", "lightgbm")
_CATBOOST = ("CatBoost", "catboost")


def followed_of_xgboost(xgboost: Any) -> Iterator[Spot]:
    """Yield what is followed of the module `xgboost`; its scikit-learn classes call `Booster`, and count once."""
    for kind in (getattr(xgboost, "Booster", None), getattr(xgboost, "XGBModel", None)):
        yield followed_by(partial(_saved, _XGBOOST), kind, "save_model", _XGBOOST[1])
        yield followed_by(partial(_loaded, _XGBOOST), kind, "load_model", _XGBOOST[1])


def followed_of_lightgbm(lightgbm: Any) -> Iterator[Spot]:
    """Yield what is followed of the module `lightgbm`."""
    booster = getattr(lightgbm, "Booster", None)
    yield followed_by(_saved_by_lightgbm, booster, "save_model", _LIGHTGBM[1])
    yield followed_by(_made_by_lightgbm, booster, "__init__", _LIGHTGBM[1])


def followed_of_catboost(catboost: Any) -> Iterator[Spot]:
    """Yield what is followed of the module `catboost`."""
    model = getattr(catboost, "CatBoost", None)
    yield followed_by(partial(_saved, _CATBOOST), model, "save_model", _CATBOOST[1])
    yield followed_by(partial(_loaded, _CATBOOST), model, "load_model", _CATBOOST[1])


def _saved(_names: tuple[str, str], notes: Notes, _result: Any, fname: Any, *_: Any, **__: Any) -> None:
    notes.saved(_at_home(fname), *_names)


def _loaded(_names: tuple[str, str], notes: Notes, _result: Any, fname: Any = None, *_: Any, **__: Any) -> None:
    notes.loaded(_at_home(fname), *_names)


def _saved_by_lightgbm(notes: Notes, _result: Any, filename: Any, *_: Any, **__: Any) -> None:
    notes.saved(filename, *_LIGHTGBM)


def _made_by_lightgbm(
    notes: Notes, _result: Any, _params: Any = None, _train_set: Any = None, model_file: Any = None, *_: Any, **__: Any
) -> None:
    notes.loaded(model_file, *_LIGHTGBM)


def _at_home(path: Any) -> Any:
    """Return a path with `~` replaced, as XGBoost does."""
    return Path(path).expanduser() if isinstance(path, str | Path) else path
