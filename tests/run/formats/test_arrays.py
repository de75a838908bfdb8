from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from penstock.core.errors import Damaged

DTYPES = (
    hnp.scalar_dtypes()
    | hnp.array_dtypes(allow_subarrays=True)
    | hnp.byte_string_dtypes(endianness="?")
    | hnp.unicode_string_dtypes(endianness="?")
)
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)


def assert_same(one: np.ndarray, other: np.ndarray) -> None:
    assert type(one) is type(other) is np.ndarray
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    assert one.tobytes() == other.tobytes()


@settings(max_examples=200, deadline=None)
@given(ARRAYS, st.sampled_from(["C", "F"]))
def test_every_array_comes_back_byte_for_byte(shelf, array: np.ndarray, order: str) -> None:
    array = np.asarray(array, order=order)
    kept = shelf.keep(array)
    assert kept.stored.format == "npy"
    assert_same(kept.value, array)
    assert kept.value.flags.f_contiguous == array.flags.f_contiguous
    assert_same(np.load(kept.path), array)


@pytest.mark.parametrize(
    "array",
    [
        np.array(5),
        np.zeros((0, 3)),
        np.zeros((3, 0), order="F"),
        np.array(["2024-01-01", "NaT"], dtype="M8[D]"),
        np.array([1, -1], dtype="m8[ns]"),
        np.array([(1, 2.5, 3)], dtype=[("number", "i4"), ("größe", "f8"), ("число", "f8")]),
        np.array([("x", [1, 2])], dtype=[("a", "U5"), ("b", "i2", 2)]),
        np.array([1, 2], dtype=">i4"),
        np.arange(12.0).reshape(3, 4).T,
        np.arange(24)[::-2],
        np.arange(24).reshape(2, 3, 4)[:, ::2, 1:],
        np.broadcast_to(np.float32(7), (3, 4)),
        np.array([1 + 2j]),
        np.array([True, False]),
        np.zeros(4, dtype="V3"),
        np.array(["", ""]),
        np.float16([1, np.nan]),
        np.zeros(2, dtype=[(f"field{number}", "f8") for number in range(5_000)]),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}"[:20],
)
def test_arrays_of_every_kind_come_back_as_npy(shelf, array: np.ndarray) -> None:
    kept = shelf.keep(array)
    assert_same(kept.value, array)
    assert kept.stored.format == "npy"


def test_an_array_of_more_than_one_piece_with_holes_comes_back(shelf) -> None:
    array = np.arange(6_000_000).reshape(2_000, 3_000)[:, ::2]
    assert_same(shelf.keep(array).value, array.copy())


def test_a_loaded_array_may_be_changed_without_changing_the_store(shelf) -> None:
    array = np.arange(100_000)
    kept = shelf.keep(array)
    kept.value[:] = 0
    assert kept.value.sum() == 0
    assert_same(shelf.load(kept.stored, kept.path), array)
    shelf.blobs.verified_path(shelf.blobs.stat(kept.path.name))


def test_a_loaded_array_outlives_its_file(fresh_shelf) -> None:
    kept = fresh_shelf.keep(np.arange(100_000))
    fresh_shelf.blobs.delete(kept.path.name)
    assert kept.value.sum() == 4_999_950_000


@pytest.mark.parametrize(
    "scalar",
    [
        np.float32(1.5),
        np.int8(-3),
        np.bool_(True),
        np.str_("abc"),
        np.str_(""),
        np.bytes_(b"abc"),
        np.datetime64("2024-01-01T00:00:00.5"),
        np.timedelta64(3, "h"),
        np.complex64(1j),
        np.void(b"abc"),
        np.array((1, 2.0), dtype="i4,f8")[()],
    ],
    ids=lambda scalar: type(scalar).__name__,
)
def test_scalars_keep_their_type(shelf, scalar: np.generic) -> None:
    kept = shelf.keep(scalar)
    assert kept.stored.format == "npy"
    assert kept.stored.type == f"numpy.{type(scalar).__name__}"
    assert type(kept.value) is type(scalar)
    assert kept.value.dtype == scalar.dtype
    assert kept.value == scalar


class Tagged(np.ndarray):
    pass


@pytest.mark.parametrize(
    ("array", "note"),
    [
        (np.array([1, "a", None], dtype=object), "Python objects"),
        (np.zeros(2, dtype=np.dtype("i4", metadata={"unit": "m"})), "metadata"),
        (np.zeros(2, dtype=[("a", np.dtype("i4", metadata={"unit": "m"}))]), "metadata"),
        (np.zeros(2, dtype=np.dtype((np.record, [("a", "i4")]))), "do not keep the dtype"),
        (np.zeros(3, dtype=np.dtype("i1,f8", align=True)), "do not keep the dtype"),
        (np.array(["a", "bc"], dtype=np.dtypes.StringDType()), "Python objects"),
        (np.arange(3).view(Tagged), None),
        (np.ma.masked_array([1, 2], [True, False]), None),
    ],
    ids=["objects", "metadata", "inner metadata", "record", "aligned", "string", "subclass", "masked"],
)
def test_what_npy_would_change_is_pickled_and_says_why(shelf, array, note: str | None) -> None:
    kept = shelf.keep(array)
    assert kept.stored.format == "pickle"
    assert type(kept.value) is type(array)
    assert kept.value.dtype == array.dtype
    assert (note in kept.stored.metadata["note"]) if note else ("note" not in kept.stored.metadata)


def test_a_preview_tells_shape_dtype_and_range(shelf) -> None:
    stored = shelf.keep(np.array([[1.0, np.nan], [3.0, 2.0]])).stored
    assert "shape (2, 2), dtype float64, 32 bytes" in stored.preview
    assert "min 1.0, max 3.0, mean 2, 1 NaN" in stored.preview
    assert stored.metadata == {"shape": "(2, 2)", "dtype": "float64"}


def test_a_preview_of_a_large_array_says_how_much_it_looked_at(shelf) -> None:
    assert "elements looked at" in shelf.keep(np.zeros(3_000_000)).stored.preview
    assert "elements looked at" in shelf.keep(np.zeros((3_000, 2_000))[:, ::2]).stored.preview


@pytest.mark.parametrize("array", [np.full(3, np.nan), np.float16([60_000] * 99), np.zeros(0), np.array(["x"])])
def test_a_preview_of_an_odd_array_is_made_without_warning(shelf, array) -> None:
    assert shelf.keep(array).stored.preview.startswith("shape ")


def test_an_array_file_with_objects_in_it_is_never_unpickled(shelf, tmp_path) -> None:
    np.save(tmp_path / "objects.npy", np.array([print], dtype=object))
    stored = shelf.keep(np.zeros(1)).stored
    with pytest.raises(Damaged, match="object"):
        shelf.load(stored, tmp_path / "objects.npy", trusted=True)


def test_a_file_that_is_shorter_than_its_header_says_is_damaged(shelf, tmp_path) -> None:
    kept = shelf.keep(np.zeros(1_000))
    (tmp_path / "short").write_bytes(kept.path.read_bytes()[:500])
    with pytest.raises(Damaged):
        shelf.load(kept.stored, tmp_path / "short")
