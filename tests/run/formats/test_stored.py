from __future__ import annotations

import pathlib

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

from penstock.run.formats.stored import package_of, type_name


class Outer:
    class Inner:
        pass


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (int, "int"),
        (type(None), "NoneType"),
        (np.ndarray, "numpy.ndarray"),
        (pd.DataFrame, "pandas.DataFrame"),
        (pl.DataFrame, "polars.DataFrame"),
        (pa.Table, "pyarrow.Table"),
        (Image.Image, "PIL.Image.Image"),
        (pathlib.PurePath, "pathlib.PurePath"),
        (Outer.Inner, f"{__name__}.Outer.Inner"),
    ],
)
def test_a_type_has_the_name_that_users_know(kind: type, name: str) -> None:
    assert type_name(kind) == name


def test_a_class_whose_module_is_odd_has_a_name() -> None:
    odd = type("Odd", (), {"__module__": None})
    assert type_name(odd) == "None.Odd"
    assert package_of(odd) == "None"
