from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import pandas as hpd

ROWS = 3
COLUMNS = {
    "bool": [True, False, True],
    "int8": np.array([1, -2, 3], "i1"),
    "uint64": np.array([1, 2, 2**64 - 1], "u8"),
    "float": [1.0, np.nan, -0.0],
    "half": np.array([1, np.nan, 2], "f2"),
    "text": ["a", None, "ü€"],
    "text objects": pd.Series(["a", None, "b"], dtype=object),
    "text objects with NaN": pd.Series(["a", np.nan, "b"], dtype=object),
    "bytes": pd.Series([b"a", None, b"\0"], dtype=object),
    "nothing": pd.Series([None] * ROWS, dtype=object),
    "string": pd.array(["a", None, "c"], dtype="string"),
    "python string": pd.array(["a", None, "c"], dtype="string[python]"),
    "arrow string": pd.array(["a", None, "c"], dtype="string[pyarrow]"),
    "Int64": pd.array([1, None, 2**62], dtype="Int64"),
    "Float32": pd.array([1.5, None, 2], dtype="Float32"),
    "boolean": pd.array([True, None, False], dtype="boolean"),
    "category": pd.Categorical(["u", None, "v"], categories=["w", "v", "u"]),
    "ordered": pd.Categorical(["u", None, "v"], ordered=True),
    "category of numbers": pd.Categorical([3, 1, None], categories=[3, 2, 1]),
    "category of objects": pd.Categorical(pd.Series(["u", "v", None], dtype=object)),
    "empty category": pd.Categorical([None] * ROWS),
    "seconds": np.array(["2024-01-01", "NaT", "9999-12-31"], dtype="M8[s]"),
    "nanoseconds": np.array(["2024-01-01T00:00:00.123456789", "NaT", "2024-01-02"], dtype="M8[ns]"),
    "Rome": pd.date_range("2024-03-30", periods=ROWS, tz="Europe/Rome"),
    "UTC": pd.date_range("2024", periods=ROWS, tz="UTC"),
    "timedelta": pd.to_timedelta([1, None, 3], unit="s"),
    "period": pd.period_range("2024", periods=ROWS, freq="M"),
    "interval": pd.interval_range(0, ROWS, closed="left"),
    "arrow int": pd.array([1, None, 3], dtype="int64[pyarrow]"),
    "arrow text": pd.array(["a", None, "b"], dtype=pd.ArrowDtype(pa.string())),
    "arrow list": pd.array([[1], None, [2, 3]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "arrow time": pd.array([1, None, 3], dtype=pd.ArrowDtype(pa.timestamp("us", tz="UTC"))),
}
DAYS = pd.date_range("2024", periods=ROWS, freq="D")
HOLIDAYS = pd.bdate_range("2024", periods=ROWS, freq="C", holidays=["2024-01-02"])
INDEXES = {
    "range": pd.RangeIndex(5, 5 + 2 * ROWS, 2, name="range"),
    "numbers": pd.Index([3, 1, 3]),
    "text": pd.Index(["b", "a", None], name="text"),
    "objects": pd.Index(["b", "a", None], dtype=object),
    "dates with frequency": pd.date_range("2024", periods=ROWS, freq="2h", tz="Europe/Rome", name="time"),
    "business days": pd.bdate_range("2024", periods=ROWS),
    "dates without frequency": pd.DatetimeIndex(["2024-01-01", "2023-01-01", pd.NaT]),
    "timedeltas": pd.timedelta_range(0, periods=ROWS, freq="3s"),
    "periods": pd.period_range("2024", periods=ROWS, freq="Q"),
    "categories": pd.CategoricalIndex(["a", "b", "a"], ordered=True, name="category"),
    "intervals": pd.interval_range(0, ROWS),
    "two levels": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["letter", None]),
    "product": pd.MultiIndex.from_product(
        [["x"], pd.date_range("2024", periods=ROWS, freq="D")], names=["x", ("t", 1)]
    ),
    "gaps": pd.MultiIndex.from_arrays([["x", None, "y"], [1.0, np.nan, 2]]),
    "unused level values": pd.MultiIndex.from_product([list("abcd"), [1, 2]])[[0, 5, 7]],
    "tuple name": pd.Index([1, 2, 3], name=("a", 1)),
}


def assert_same(one: object, other: object) -> None:
    assert type(one) is type(other)
    if isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other, check_exact=True, check_freq=True, check_index_type=True)
    else:
        pd.testing.assert_frame_equal(
            one, other, check_exact=True, check_freq=True, check_index_type=True, check_column_type=True
        )
        assert_same_labels(one.columns, other.columns)
    assert_same_labels(one.index, other.index)
    assert one.attrs == other.attrs


def assert_same_labels(one: pd.Index, other: pd.Index) -> None:
    assert one.identical(other)
    assert getattr(one, "freq", None) == getattr(other, "freq", None)
    for level, twin in zip(getattr(one, "levels", ()), getattr(other, "levels", ()), strict=True):
        assert_same_labels(level, twin)


def keep_as_arrow(shelf, value):
    kept = shelf.keep(value)
    assert kept.stored.format == "arrow", kept.stored.metadata
    assert_same(value, kept.value)
    return kept


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_every_dtype_comes_back_as_it_was(shelf, name: str) -> None:
    frame = pd.DataFrame({name: COLUMNS[name]})
    keep_as_arrow(shelf, frame)
    keep_as_arrow(shelf, frame[name])
    keep_as_arrow(shelf, frame.iloc[:0])
    keep_as_arrow(shelf, frame.iloc[1:2])


def test_a_fixed_offset_from_utc_comes_back_whichever_format_it_takes(shelf) -> None:
    column = pd.Series(pd.date_range("2024", periods=ROWS, tz="+01:30"))
    assert_same(column, shelf.keep(column).value)


def test_a_frame_of_all_dtypes_comes_back_as_it_was(shelf) -> None:
    frame = pd.DataFrame(COLUMNS)
    kept = keep_as_arrow(shelf, frame)
    assert kept.stored.type == "pandas.DataFrame"
    assert kept.stored.metadata == {"rows": "3", "columns": str(len(COLUMNS))}


@pytest.mark.parametrize("name", INDEXES)
def test_an_index_of_every_kind_comes_back_as_it_was(shelf, name: str) -> None:
    index = INDEXES[name]
    keep_as_arrow(shelf, pd.DataFrame({"a": range(ROWS), "b": list("xyz")}, index=index))
    keep_as_arrow(shelf, pd.Series(range(ROWS), index=index, name="s"))
    keep_as_arrow(shelf, pd.DataFrame(index=index))
    keep_as_arrow(shelf, pd.DataFrame({"a": range(ROWS)}, index=index).iloc[:0])


@pytest.mark.parametrize("name", INDEXES)
def test_column_labels_of_every_kind_come_back_as_they_were(shelf, name: str) -> None:
    keep_as_arrow(shelf, pd.DataFrame([[1, 2.0, "x"], [3, 4.0, None]], columns=INDEXES[name]))


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame(index=range(4)),
        pd.DataFrame(columns=["a", "b"]),
        pd.DataFrame([[1, "x", 2.0]], columns=["a", "a", "b"]),
        pd.DataFrame([[1, 2]], columns=[1, 0]),
        pd.DataFrame([[1, 2]], columns=[True, False]),
        pd.DataFrame([[1, 2]], columns=["index 0", "0"], index=[7]),
        pd.DataFrame({"index": [1]}, index=pd.Index([2], name="index")),
        pd.DataFrame({f"column {number}": [number] for number in range(3_000)}),
    ],
    ids=["empty", "no columns", "no rows", "twice the name", "numbers", "bools", "odd names", "same names", "wide"],
)
def test_frames_of_odd_shape_and_labels_come_back_as_they_were(shelf, frame: pd.DataFrame) -> None:
    keep_as_arrow(shelf, frame)


@pytest.mark.parametrize("name", [None, 0, 1.5, "x", ("a", 1), True])
def test_the_name_of_a_series_comes_back(shelf, name) -> None:
    kept = keep_as_arrow(shelf, pd.Series([1], name=name))
    assert kept.stored.type == "pandas.Series"


def test_attrs_come_back(shelf) -> None:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"source": {"rows": [1, None]}}
    keep_as_arrow(shelf, frame)


def with_attrs(attrs: dict) -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = attrs
    return frame


@pytest.mark.parametrize(
    ("value", "note"),
    [
        (pd.DataFrame({"amount": ["x", 1]}), "column 'amount' holds Python objects (int, str)"),
        (pd.DataFrame({"a": [[1], [2]]}), "list"),
        (pd.Series(["a", None, np.nan], dtype=object), "NoneType, float, str"),
        (pd.Series(["a", 1.5], dtype=object), "float, str"),
        (pd.Series(["a", b"b"], dtype=object), "bytes, str"),
        (pd.Series(["x"] * 1_000 + [7], dtype=object), "int, str"),
        (pd.Series(["\ud800"], dtype=object), "surrogates"),
        (pd.DataFrame({"a": [1j]}), "complex"),
        (pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1])}), "Sparse"),
        (pd.DataFrame({"a": np.array([1], ">i4")}), "Byte-swapped"),
        (pd.DataFrame([[1, 2]], columns=["a", 1]), "int, str"),
        (pd.Series([1], name=pd.Timestamp("2024")), "Timestamp"),
        (
            pd.DataFrame({"a": range(ROWS)}, index=HOLIDAYS),
            "freq",
        ),
        (
            pd.Series(range(ROWS), index=pd.MultiIndex.from_arrays([pd.Categorical(list("xzy")), DAYS])),
            "change a dtype",
        ),
        (pd.Series(pd.Categorical(pd.date_range("2024", periods=2, tz="UTC"))), "change a dtype"),
        (with_attrs({"a": (1,)}), "attrs"),
        (pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False), "flag"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_arrow_would_change_is_pickled_and_says_why(shelf, value, note: str) -> None:
    kept = shelf.keep(value)
    assert kept.stored.format == "pickle"
    assert kept.stored.metadata["note"].startswith("stored by pickle: ")
    assert note in kept.stored.metadata["note"]
    assert_same(value, kept.value)


class Special(pd.DataFrame):
    pass


def test_a_subclass_of_a_frame_stays_one(shelf) -> None:
    kept = shelf.keep(Special({"a": [1]}))
    assert kept.stored.format == "pickle"
    assert type(kept.value) is Special


@pytest.mark.parametrize("frame", [pd.DataFrame({"a": [1.0, 2.0]}), pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})])
def test_a_loaded_frame_may_be_changed_without_changing_the_store(shelf, frame: pd.DataFrame) -> None:
    kept = shelf.keep(frame)
    kept.value.iloc[0, 0] = 99
    kept.value["new"] = 1
    kept.value.index = [5, 6]
    assert_same(frame, shelf.load(kept.stored, kept.path))


FRAMES = hpd.data_frames(
    [
        hpd.column("a", dtype=float),
        hpd.column("b", dtype=int),
        hpd.column("c", elements=st.text() | st.none(), dtype=object),
        hpd.column("d", dtype="M8[ns]"),
        hpd.column("e", dtype="m8[ns]"),
        hpd.column("f", dtype=bool),
        hpd.column("g", dtype="f4"),
        hpd.column("h", elements=st.binary(), dtype=object),
    ],
    index=st.one_of(
        hpd.range_indexes(max_size=30),
        hpd.indexes(dtype=int, max_size=30, unique=False),
        hpd.indexes(dtype=float, max_size=30, unique=False),
        hpd.indexes(elements=st.text(st.characters(codec="utf-8")), dtype=object, max_size=30, unique=False),
    ),
)


@settings(max_examples=50, deadline=None)
@given(FRAMES)
def test_every_frame_comes_back_as_it_was(shelf, frame: pd.DataFrame) -> None:
    kept = shelf.keep(frame)
    assert_same(frame, kept.value)
    assert kept.stored.format == "arrow" or "surrogates" in kept.stored.metadata["note"]
    assert len(kept.stored.preview) <= 2_000


@settings(max_examples=50, deadline=None)
@given(st.data(), st.integers(0, 40), st.lists(st.sampled_from(sorted(COLUMNS)), max_size=8), st.randoms())
def test_rows_of_all_dtypes_in_any_order_come_back(shelf, data, rows: int, names: list[str], random) -> None:
    frame = pd.DataFrame({at: pd.Series(COLUMNS[name]) for at, name in enumerate(names)})
    frame = frame.iloc[[random.randrange(ROWS) for _ in range(rows if names else 0)]]
    assert_same(frame, shelf.keep(frame).value)
    labels = pd.RangeIndex(len(frame))
    assert_same(frame.set_axis(labels), shelf.keep(frame.set_axis(labels)).value)


def test_a_preview_tells_shape_dtypes_and_first_rows(shelf) -> None:
    frame = pd.DataFrame({"number": range(1_000), "word": ["abc"] * 1_000})
    preview = shelf.keep(frame).stored.preview
    assert preview.startswith("1,000 rows x 2 columns\nnumber: int64\nword: ")
    assert "4       4  abc" in preview
    assert "5       5  abc" not in preview


def test_the_first_rows_are_told_as_data(shelf) -> None:
    frame = pd.DataFrame({"number": range(1_000), "word": ["abc" * 50] * 1_000})
    table = shelf.keep(frame).stored.table
    assert (table.columns, table.types[0], len(table.rows)) == (("number", "word"), "int64", 200)
    assert table.rows[3] == ("3", "abc" * 13 + "…")
    labelled = shelf.keep(pd.DataFrame({"a": [1.5, None]}, index=pd.Index(["x", "y"], name="key"))).stored.table
    assert (labelled.columns, labelled.rows) == (("key", "a"), (("x", "1.5"), ("y", "nan")))
    wide = shelf.keep(pd.DataFrame({str(number): [number] for number in range(99)})).stored.table
    assert (len(wide.columns), len(wide.types), len(wide.rows[0])) == (20, 20, 20)
    assert shelf.keep(pd.Series([1, 2], name="s")).stored.table.columns == ("s",)


def test_another_program_sees_the_columns_by_their_names(shelf) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=pd.Index([7, 8], name="key"))
    table = pa.ipc.open_file(shelf.keep(frame).path).read_all()
    assert table.to_pydict() == {"a": [1, 2], "b": ["x", "y"], "key": [7, 8]}


def test_without_pyarrow_a_frame_is_pickled_and_says_why(tmp_path) -> None:
    code = """if True:
        import sys
        sys.modules["pyarrow"] = None
        import pandas
        from pathlib import Path
        from penstock.blobs.files import FileBlobs
        from penstock.run.formats import dump, load
        blobs = FileBlobs(Path(sys.argv[1]))
        frame = pandas.DataFrame({"a": [1]})
        stored, blob = dump(frame, blobs)
        print(stored.format, "|", stored.metadata["note"])
        path = blobs.verified_path(blob)
        back = load(stored.format, stored.type, stored.metadata, path, trusted=True, workdir=path.parent)
        assert back.equals(frame)
    """
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("pickle | stored by pickle: pyarrow is not installed\n", "")
