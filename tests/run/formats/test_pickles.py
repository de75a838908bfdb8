from __future__ import annotations

import threading
import time

import pytest
from sklearn.linear_model import LogisticRegression

from penstock.core.errors import ArtifactError, NotSerializable, NotTrusted
from penstock.run.formats import dump, dump_custom, load, load_custom
from penstock.run.formats.choice import KNOWN


class Bomb:
    """Unpickling it makes a file."""

    def __init__(self, canary) -> None:
        self.canary = str(canary)

    def __reduce__(self):
        return (open, (self.canary, "w"))


class Holder:
    def __init__(self, **parts: object) -> None:
        self.__dict__.update(parts)


class Refuses:
    def __reduce__(self):
        raise RuntimeError("not me")


class Grumpy:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Slow:
    """Its repr never ends, like that of an object with a million parts."""

    def __init__(self) -> None:
        self.data = bytearray(2 << 20)
        self.name = "slow"

    def __repr__(self) -> str:
        while True:
            time.sleep(1)


def test_a_model_comes_back_and_predicts_the_same(shelf) -> None:
    model = LogisticRegression().fit([[0], [1], [2], [3]], [0, 0, 1, 1])
    kept = shelf.keep(model)
    assert kept.stored.format == "pickle"
    assert kept.stored.type == "sklearn.linear_model._logistic.LogisticRegression"
    assert kept.stored.preview == "LogisticRegression()"
    assert "sklearn" in kept.stored.metadata["made_with"]
    assert kept.value.predict([[0.2], [2.9]]).tolist() == [0, 1]


def test_a_function_and_a_class_of_a_script_come_back(shelf) -> None:
    offset = 3

    class Local:
        def answer(self) -> int:
            return 42

    assert shelf.keep(lambda x: x + offset).value(1) == 4
    assert shelf.keep(Local()).value.answer() == 42


@pytest.mark.parametrize("value", [(1, 2), {1, 2}, {1: 2}, 1j, range(3), Ellipsis, slice(1), frozenset("a"), int])
def test_other_values_come_back_equal(shelf, value) -> None:
    kept = shelf.keep(value)
    assert kept.value == value
    assert type(kept.value) is type(value)


def test_a_pickle_that_is_not_trusted_is_not_executed(fresh_shelf, tmp_path) -> None:
    canary = tmp_path / "canary"
    stored, blob = dump(Bomb(canary), fresh_shelf.blobs)
    path = fresh_shelf.blobs.verified_path(blob)
    with pytest.raises(NotTrusted, match="Bomb is a pickle"):
        fresh_shelf.load(stored, path, trusted=False)
    assert not canary.exists()
    fresh_shelf.load(stored, path, trusted=True).close()
    assert canary.exists(), "else this test would prove nothing"


@pytest.mark.parametrize("name", [*(name for name in KNOWN if name != "pickle"), "Pickle", ""])
@pytest.mark.parametrize("kind", ["pandas.DataFrame", "polars.DataFrame", "pyarrow.Table", "numpy.ndarray", "pickle.X"])
def test_no_other_format_executes_a_pickle(fresh_shelf, tmp_path, name: str, kind: str) -> None:
    canary = tmp_path / "canary"
    _, blob = dump(Bomb(canary), fresh_shelf.blobs)
    path = fresh_shelf.blobs.verified_path(blob)
    try:
        load(name, kind, {}, path, trusted=True, workdir=tmp_path / "copies")
    except (ArtifactError, ValueError):
        pass
    else:
        assert name in ("bytes", "file", "text")
    assert not canary.exists()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (threading.Lock(), "type _thread.lock"),
        ((number for number in range(3)), "type generator"),
        (
            {"model": Holder(inner=[1, Holder(lock=threading.Lock())])},
            r"\['model'\]\.inner\[1\]\.lock is of type _thread\.lock",
        ),
        (Holder(fine=1, refuses=Refuses()), r"part \.refuses .*RuntimeError: not me"),
        ((1, Refuses()), r"type tuple: its part \[1\]"),
        ([Grumpy(), threading.Lock()], r"\[1\]"),
        ({Grumpy: threading.Lock()}, "type dict"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_pickled_is_named_with_the_part_at_fault(fresh_shelf, value, message: str) -> None:
    with pytest.raises(NotSerializable, match=message) as raised:
        fresh_shelf.keep(value)
    assert raised.value.hint
    assert fresh_shelf.files() == []


def test_a_function_that_uses_a_lock_is_told_which_variable_it_is(fresh_shelf) -> None:
    guard = threading.Lock()

    def guarded() -> object:
        return guard

    with pytest.raises(NotSerializable, match="variable 'guard'"):
        fresh_shelf.keep(guarded)


def test_a_generator_gets_the_hint_to_make_a_list(fresh_shelf) -> None:
    with pytest.raises(NotSerializable, match="return a list"):
        fresh_shelf.keep(number for number in range(3))


def test_values_nested_too_deep_to_pickle_are_refused(fresh_shelf) -> None:
    value: object = ()
    for _ in range(100_000):
        value = (value,)
    with pytest.raises(NotSerializable, match="type tuple"):
        fresh_shelf.keep(value)
    assert fresh_shelf.files() == []


def test_a_repr_that_raises_does_no_harm(shelf) -> None:
    assert "RuntimeError" in shelf.keep(Grumpy()).stored.preview


def test_a_repr_that_never_ends_is_not_called(shelf) -> None:
    preview = shelf.keep(Slow()).stored.preview
    assert "Slow(data=" in preview
    assert "name='slow'" in preview
    assert len(preview) <= 2_000


def test_a_pickle_whose_library_is_missing_says_so(shelf, tmp_path) -> None:
    (tmp_path / "value").write_bytes(b"cno_such_module\nThing\n.")
    with pytest.raises(ArtifactError, match="no_such_module") as raised:
        load("pickle", "x.Y", {}, tmp_path / "value", trusted=True, workdir=tmp_path)
    assert "install" in raised.value.hint


def test_a_pickle_that_cannot_be_read_here_says_what_it_was_made_with(shelf, tmp_path) -> None:
    (tmp_path / "value").write_bytes(b"cmath\nno_such_name\n.")
    with pytest.raises(ArtifactError, match="no_such_name") as raised:
        load("pickle", "x.Y", {"made_with": "Python 3.9, x 1.0"}, tmp_path / "value", trusted=True, workdir=tmp_path)
    assert raised.value.hint == "it was made with Python 3.9, x 1.0"


# Functions of the user


def to_bytes(value: object) -> bytes:
    return repr(value).encode()


def test_a_value_goes_through_the_functions_of_the_user(shelf) -> None:
    stored, blob = dump_custom((1, 2), to_bytes, shelf.blobs)
    assert (stored.format, stored.type) == ("custom", "tuple")
    assert stored.metadata == {"serializer": "to_bytes"}
    assert stored.preview == "(1, 2)"
    path = shelf.blobs.verified_path(blob)
    assert path.read_bytes() == b"(1, 2)"
    assert load_custom(len, path) == 6


@pytest.mark.parametrize("answer", [None, "text", 1, [b"x"]])
def test_a_serializer_that_returns_no_bytes_is_named(fresh_shelf, answer) -> None:
    def to_something(value: object) -> object:
        return answer

    with pytest.raises(NotSerializable, match=r"to_something\(\) must return bytes, not "):
        dump_custom(1, to_something, fresh_shelf.blobs)
    assert fresh_shelf.files() == []


def test_a_serializer_that_raises_is_named(fresh_shelf) -> None:
    def fails(value: object) -> bytes:
        raise KeyError("column")

    with pytest.raises(NotSerializable, match=r"type int: fails\(\) raised KeyError: 'column'"):
        dump_custom(1, fails, fresh_shelf.blobs)
    assert fresh_shelf.files() == []


def test_a_deserializer_that_raises_is_named(shelf) -> None:
    _, blob = dump_custom(1, to_bytes, shelf.blobs)

    def fails(data: bytes) -> object:
        raise KeyError("column")

    with pytest.raises(ArtifactError, match=r"fails\(\) could not read the artifact: KeyError: 'column'"):
        load_custom(fails, shelf.blobs.verified_path(blob))


def test_a_custom_artifact_needs_the_other_function(shelf, tmp_path) -> None:
    stored, blob = dump_custom(1, to_bytes, shelf.blobs)
    with pytest.raises(ValueError, match="only your other function"):
        shelf.load(stored, shelf.blobs.verified_path(blob))
