from __future__ import annotations

import dataclasses
import datetime as dt
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from penstock.core.errors import ArtifactError, Damaged, Invalid
from penstock.run.formats import load

HEAVY = ("numpy", "pandas", "polars", "pyarrow", "PIL", "cloudpickle", "sklearn")


@dataclasses.dataclass
class Thing:
    """Any object of the user's own."""

    name: str
    parts: tuple[int, ...]


def test_returned_values_come_back_equal(shelf) -> None:
    """Promise 39: pandas, NumPy, dict, str and any object round-trip equal."""
    frame = pd.DataFrame({"x": [1.5, None], "kind": pd.Categorical(["a", "b"])}, index=pd.Index([3, 4], name="id"))
    array = np.arange(6.0).reshape(2, 3)
    pd.testing.assert_frame_equal(shelf.keep(frame).value, frame)
    np.testing.assert_array_equal(shelf.keep(array).value, array)
    for value in (
        {"a": [1, 2.5, None, True], "b": {"c": "d"}},
        "text\n",
        "",
        b"\0\1",
        None,
        12,
        1.5,
        False,
        (1, "two"),
        {1, 2},
        {"when": dt.date(2024, 1, 1)},
        [Thing("a", (1, 2))],
        Thing("b", ()),
        np.float64(1.5),
    ):
        kept = shelf.keep(value)
        assert kept.value == value
        assert type(kept.value) is type(value)


@pytest.mark.parametrize(
    ("value", "name", "kind"),
    [
        (None, "json", "NoneType"),
        (1, "json", "int"),
        ("x", "text", "str"),
        (b"x", "bytes", "bytes"),
        (np.zeros(2), "npy", "numpy.ndarray"),
        (np.float32(1), "npy", "numpy.float32"),
        (pd.DataFrame(), "arrow", "pandas.DataFrame"),
        (pd.Series([1]), "arrow", "pandas.Series"),
        (pd.Timestamp("2024"), "pickle", "pandas.Timestamp"),
        ((1,), "pickle", "tuple"),
        (Thing("x", ()), "pickle", f"{Thing.__module__}.Thing"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_the_type_decides_the_format(shelf, value, name: str, kind: str) -> None:
    stored = shelf.keep(value).stored
    assert (stored.format, stored.type) == (name, kind)
    assert "note" not in stored.metadata


def test_storing_the_same_value_twice_is_one_blob(shelf) -> None:
    for value in ({"a": 1}, np.arange(3), pd.DataFrame({"a": ["x"]}), (1, 2)):
        assert shelf.keep(value).path == shelf.keep(value).path


def test_plain_values_import_no_library(tmp_path) -> None:
    code = """if True:
        import sys
        from pathlib import Path
        from penstock.blobs.files import FileBlobs
        from penstock.run.formats import dump, load
        blobs = FileBlobs(Path(sys.argv[1]) / "blobs")
        file = Path(sys.argv[1]) / "file"
        file.write_text("x")
        for value in (None, 1, "x", b"x", [1.5], {"a": {"b": [None]}}, file):
            stored, blob = dump(value, blobs)
            path = blobs.verified_path(blob)
            load(stored.format, stored.type, stored.metadata, path, trusted=False, workdir=file.parent / "copies")
        print([name for name in sys.argv[2:] if name in sys.modules])
    """
    assert run_python(code, str(tmp_path), *HEAVY) == "[]\n"


def test_loading_imports_only_the_library_of_the_format(shelf, tmp_path) -> None:
    import polars as pl

    code = """if True:
        import sys
        from pathlib import Path
        from penstock.run.formats import load
        format, type, path, *names = sys.argv[1:]
        load(format, type, {}, Path(path), trusted=False, workdir=Path(path).parent)
        print([name for name in names if name in sys.modules])
    """
    for value, expected in ((np.zeros(2), ["numpy"]), (pl.DataFrame({"a": [1]}), ["polars"])):
        kept = shelf.keep(value)
        done = run_python(code, kept.stored.format, kept.stored.type, str(kept.path), *HEAVY)
        assert done == f"{expected}\n"


def test_loading_without_the_library_says_which_is_missing(shelf) -> None:
    kept = shelf.keep(np.zeros(2))
    code = """if True:
        import sys
        from pathlib import Path
        from penstock.core.errors import ArtifactError
        from penstock.run.formats import load
        sys.modules["numpy"] = None
        try:
            load("npy", "numpy.ndarray", {}, Path(sys.argv[1]), trusted=True, workdir=Path("/nowhere"))
        except ArtifactError as error:
            print(error)
    """
    message = run_python(code, str(kept.path))
    assert "cannot load this numpy.ndarray here" in message
    assert "hint: install" in message


@pytest.mark.parametrize(("name", "kind"), [("jsn", "int"), ("arrow", "os.path"), ("arrow", "numpy.ndarray"), ("", "")])
def test_a_format_that_does_not_exist_is_refused(tmp_path, name: str, kind: str) -> None:
    with pytest.raises(Invalid, match=f"no format {name!r}"):
        load(name, kind, {}, tmp_path / "x", trusted=True, workdir=tmp_path)


def test_a_misspelt_format_gets_the_right_one_as_hint(tmp_path) -> None:
    with pytest.raises(Invalid, match="did you mean 'json'"):
        load("jsn", "int", {}, tmp_path / "x", trusted=True, workdir=tmp_path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("json", "dict"),
        ("npy", "numpy.ndarray"),
        ("arrow", "pandas.DataFrame"),
        ("arrow", "polars.DataFrame"),
        ("arrow", "pyarrow.Table"),
        ("png", "PIL.Image.Image"),
        ("folder", "pathlib.Path"),
    ],
)
@pytest.mark.parametrize(
    "data", [b"", b"garbage that is no format at all", bytes(1_000)], ids=["empty", "text", "zeros"]
)
def test_bytes_of_another_format_are_damaged(tmp_path, name: str, kind: str, data: bytes) -> None:
    (tmp_path / "value").write_bytes(data)
    with pytest.raises(Damaged, match=f"cannot load this {kind}|is not the archive"):
        load(name, kind, {}, tmp_path / "value", trusted=True, workdir=tmp_path / "copies")


def test_garbage_in_a_pickle_is_an_artifact_error(tmp_path) -> None:
    (tmp_path / "value").write_bytes(b"garbage")
    with pytest.raises(ArtifactError):
        load("pickle", "x", {}, tmp_path / "value", trusted=True, workdir=tmp_path)


def test_everything_that_is_recorded_can_go_into_a_database(shelf, tmp_path) -> None:
    import msgspec

    odd = tmp_path / "odd \udcff name"
    odd.write_text("x")
    for value in ("nul \0 and \ud800", {"\ud800": "\0"}, odd, Thing("\ud800\0", ()), pd.DataFrame({"\0": ["\0"]})):
        stored = shelf.keep(value).stored
        assert msgspec.json.decode(msgspec.json.encode(stored), type=type(stored)) == stored
        assert not any("\0" in text for text in (stored.preview, *stored.metadata, *stored.metadata.values()))


def run_python(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def test_the_formats_are_listed_where_they_are_described() -> None:
    import penstock.run.formats
    from penstock.run.formats.choice import KNOWN

    described = [line.split()[0] for line in penstock.run.formats.__doc__.splitlines() if line.startswith("    ")]
    assert described == list(KNOWN)
