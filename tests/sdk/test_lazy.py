"""Values that are not there yet: what waits for them, what does not, and that they pass for what they are."""

from __future__ import annotations

import copy
import pickle
from collections import UserDict
from pathlib import Path

import pytest

from penstock.sdk.lazy import Lazy, is_lazy, origin, plain, resolved


class Loader:
    """Gives a value, and counts how often it was asked."""

    def __init__(self, value):
        self.value = value
        self.asked = 0

    def __call__(self):
        self.asked += 1
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def lazy(value):
    return Lazy("step", "name", Loader(value))


def unused():
    loader = Loader(ValueError("it was used"))
    return Lazy("step", "name", loader), loader


def test_holding_passing_and_asking_for_its_type_waits_for_nothing():
    value, loader = unused()
    held = [value, {"a": value}, (value,)]
    assert type(held[0]) is Lazy
    assert is_lazy(value)
    assert origin(value) == ("step", "name")
    assert value is held[0]
    assert loader.asked == 0


def test_the_value_is_loaded_once():
    loader = Loader([1, 2])
    value = Lazy("step", "name", loader)
    assert len(value) == 2
    assert value[0] == 1
    assert list(value) == [1, 2]
    assert loader.asked == 1


USES = {
    "printing": str,
    "showing": repr,
    "formatting": lambda value: f"{value:>8}",
    "comparing": lambda value: value == 3,
    "the truth": bool,
    "indexing": lambda value: value[0],
    "iterating": list,
    "an attribute": lambda value: value.real,
    "isinstance": lambda value: isinstance(value, int),
    "arithmetic": lambda value: 1 + value,
    "a call": lambda value: value(),
    "a hash": hash,
    "pickling": pickle.dumps,
    "a copy": copy.deepcopy,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_whoever_uses_the_value_gets_what_its_loading_raised(use):
    value, loader = unused()
    with pytest.raises(ValueError, match="it was used"):
        use(value)
    assert loader.asked == 1


def test_numbers_calculate_on_both_sides():
    three, four = lazy(3), lazy(4)
    assert [three + 1, 1 + three, three - 1, 1 - three, three * four, 12 / four] == [4, 4, 2, -2, 12, 3.0]
    assert [three**2, 2**three, 7 // three, 7 % three, divmod(7, three), divmod(three, 2)] == [
        9,
        8,
        2,
        1,
        (2, 1),
        (1, 1),
    ]
    assert [-three, +three, ~three, abs(lazy(-3)), round(lazy(2.6)), int(lazy(2.6)), float(three)] == [
        *(-3, 3, -4, 3, 3, 2, 3.0)
    ]
    assert [three < 3.5, three < 3.5, three <= four, three != four, three == 3.0, max(three, four) == 4] == [True] * 6
    assert [[10, 20, 30, 40][three], "ab" * three, range(three)[2], three | 4, 4 | three, three << 1] == [
        *(40, "ababab", 2, 7, 7, 6)
    ]
    total = 0
    total += three
    assert (total, type(total)) == (3, int)
    assert sum([three, four]) == 7


def test_texts_and_containers_behave_as_they_do():
    text, items, table = lazy("abc"), lazy([3, 1, 2]), lazy({"a": 1})
    assert f"{text}|{text:>5}|{text!r}" == "abc|  abc|'abc'"
    assert text + "d" == "abcd"
    assert "b" in text
    assert text.upper() == "ABC"
    assert sorted(items) == [1, 2, 3]
    assert list(reversed(items)) == [2, 1, 3]
    items[0] = 9
    del items[1]
    assert items == [9, 2]
    assert {**table} == {"a": 1}
    assert table["a"] == 1
    assert {text: 1}["abc"] == 1
    first, second = lazy((1, 2))
    assert (first, second) == (1, 2)


def test_it_is_an_instance_of_the_class_of_the_value():
    assert isinstance(lazy({}), dict)
    assert isinstance(lazy(UserDict()), UserDict)
    assert not isinstance(lazy(3), str)
    assert lazy(3).__class__ is int


def test_a_pickle_or_a_copy_of_it_is_the_value():
    for made in (pickle.loads(pickle.dumps(lazy([1]))), copy.copy(lazy([1])), copy.deepcopy(lazy([1]))):
        assert type(made) is list
        assert made == [1]


def test_a_path_opens_and_a_function_is_called(tmp_path):
    file = tmp_path / "f"
    file.write_text("text")
    assert Path(lazy(file)).read_text() == "text"
    assert lazy(len)("abc") == 3
    with lazy(file.open()) as opened:
        assert opened.read() == "text"


def test_attributes_are_set_on_the_value():
    class Thing:
        size = 1

    thing = Thing()
    value = lazy(thing)
    value.size = 2
    assert thing.size == 2
    del value.size
    assert thing.size == 1
    assert "size" in dir(value)


def test_numpy_and_pandas_take_the_value():
    np, pd = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    assert np.mean(lazy([1, 2, 3])) == 2
    assert np.asarray(lazy(2.5)) == 2.5
    assert (np.array([1, 2]) + lazy(np.array([1, 1]))).tolist() == [2, 3]
    frame = lazy(pd.DataFrame({"x": [1, 2]}))
    assert int(frame["x"].sum()) == 3
    assert pd.concat([plain(frame), plain(frame)]).shape == (4, 1)
    assert np.asarray(frame).shape == (2, 1)


def test_nothing_lazy_is_left_in_what_is_resolved():
    nested = {"a": [lazy(1), (lazy(2), {lazy(3)})], "b": frozenset({lazy(4)})}
    found = resolved(nested)
    assert found == {"a": [1, (2, {3})], "b": frozenset({4})}
    assert type(found["a"][0]) is int
    assert type(found["a"][1][0]) is int
    untouched = [1, {"a": (2,)}]
    assert resolved(untouched) is untouched
