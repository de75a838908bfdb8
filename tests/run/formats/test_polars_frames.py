from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal, assert_series_equal
from polars.testing.parametric import dataframes

from penstock.core.errors import NotSerializable

FRAME = pl.DataFrame(
    {
        "number": [1, None],
        "float": [float("nan"), None],
        "text": ["x", None],
        "bytes": [b"\0", None],
        "nothing": [None, None],
        "category": pl.Series(["u", "v"], dtype=pl.Categorical),
        "enum": pl.Series(["u", "v"], dtype=pl.Enum(["w", "v", "u"])),
        "date": [dt.date(2024, 1, 1), None],
        "time": [dt.time(1, 2), None],
        "Rome": pl.Series([dt.datetime(2024, 1, 1), None]).dt.replace_time_zone("Europe/Rome"),  # noqa: DTZ001 - next call
        "milliseconds": pl.Series([1, 2]).cast(pl.Datetime("ms")),
        "duration": [dt.timedelta(1), None],
        "list": [[1, 2], None],
        "struct": [{"x": 1}, None],
        "decimal": pl.Series([Decimal("1.50"), None], dtype=pl.Decimal(10, 2)),
        "array": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int8, 2)),
        "wide": pl.Series([1, 2**100], dtype=pl.Int128),
    }
)


@pytest.mark.parametrize("frame", [FRAME, FRAME.head(0), pl.DataFrame(), pl.concat([FRAME, FRAME], rechunk=False)])
def test_a_frame_of_all_types_comes_back_as_it_was(shelf, frame: pl.DataFrame) -> None:
    kept = shelf.keep(frame)
    assert (kept.stored.format, kept.stored.type) == ("arrow", "polars.DataFrame")
    assert_frame_equal(kept.value, frame)
    assert kept.stored.metadata == {"rows": str(frame.height), "columns": str(frame.width)}


@pytest.mark.parametrize("name", FRAME.columns)
def test_a_series_of_every_type_comes_back_as_it_was(shelf, name: str) -> None:
    kept = shelf.keep(FRAME[name])
    assert (kept.stored.format, kept.stored.type) == ("arrow", "polars.Series")
    assert_series_equal(kept.value, FRAME[name])


@settings(max_examples=50, deadline=None)
@given(dataframes(max_cols=5, max_size=10))
def test_every_frame_comes_back_as_it_was(shelf, frame: pl.DataFrame) -> None:
    kept = shelf.keep(frame)
    assert_frame_equal(kept.value, frame)


def test_a_lazy_frame_is_pickled(shelf) -> None:
    kept = shelf.keep(FRAME.lazy())
    assert kept.stored.format == "pickle"
    assert_frame_equal(kept.value.collect(), FRAME)


def test_a_frame_of_python_objects_is_refused_by_name(fresh_shelf) -> None:
    frame = pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)})
    with pytest.raises(NotSerializable, match=r"polars\.DataFrame"):
        fresh_shelf.keep(frame)
    assert fresh_shelf.files() == []


def test_a_preview_shows_the_first_rows(shelf) -> None:
    assert "shape: (5, 1)" in shelf.keep(pl.DataFrame({"a": range(100)})).stored.preview


def test_the_first_rows_are_told_as_data(shelf) -> None:
    table = shelf.keep(pl.DataFrame({"a": range(100), "b": [None] * 100})).stored.table
    assert (table.columns, table.types[0]) == (("a", "b"), "Int64")
    assert (len(table.rows), table.rows[1]) == (100, ("1", "None"))
    wide = shelf.keep(pl.DataFrame({str(number): [number] for number in range(99)})).stored.table
    assert len(wide.columns) == len(wide.rows[0]) == 20


def test_a_full_disk_is_told_and_not_taken_for_a_type_that_polars_cannot_write(tmp_path) -> None:
    code = """if True:
        import resource, sys
        from pathlib import Path
        import polars
        from penstock.blobs.files import FileBlobs
        from penstock.core.errors import DiskFull
        from penstock.run.formats import dump
        frame = polars.DataFrame({"a": range(1_000_000)})
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        try:
            dump(frame, FileBlobs(Path(sys.argv[1])))
        except DiskFull:
            print("full")
    """
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("full\n", "")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
