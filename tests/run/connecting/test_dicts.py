"""Connected dicts."""

from __future__ import annotations

import copy
import json
import pickle
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from penstock.core.errors import BadParameter
from penstock.core.secret import MASK
from penstock.core.task import Parameter
from penstock.run.connecting.dicts import ConnectedDict, connect_dict

SETTINGS = {"lr": 0.1, "net": {"depth": 3, "act": "relu", "more": {}}, "tags": ["a"]}


def settings():
    return copy.deepcopy(SETTINGS)


def typed(value):
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    kind = dict if isinstance(value, dict) else type(value)
    return kind, repr(value) if not inside else [(key, typed(one)) for key, one in inside]


def test_a_nested_dict_is_recorded_flat_with_its_types(section):
    connect_dict(settings(), section)
    assert section.values() == {"lr": 0.1, "net/depth": 3, "net/act": "relu", "net/more": {}, "tags": ["a"]}
    assert section.types() == {"lr": "float", "net/depth": "int", "net/act": "str", "net/more": "dict", "tags": "list"}


def test_what_comes_back_is_a_dict_that_equals_the_one_that_went_in(section):
    connected = connect_dict(settings(), section)
    assert isinstance(connected, dict)
    assert connected == SETTINGS
    assert repr(connected) == repr(SETTINGS)
    assert {**connected} == SETTINGS
    assert (connected | {"lr": 2})["lr"] == 2
    assert section.kept["lr"].value == 0.1


def test_what_is_set_later_is_recorded_however_it_is_set(section):
    connected = connect_dict(settings(), section)
    connected["lr"] = 0.2
    connected["net"]["depth"] = 4
    connected["net"]["more"]["deep"] = True
    connected.update({"a": 1}, b=2)
    connected |= {"c": 3}
    assert connected.setdefault("d", 4) == 4
    assert connected.setdefault("lr", 9) == 0.2
    connected["new"] = {"x": {"y": 5}}
    connected["new"]["x"]["z"] = 6
    stored = section.values()
    assert stored | {
        "lr": 0.2, "net/depth": 4, "net/more/deep": True, "a": 1, "b": 2, "c": 3, "d": 4, "new/x/y": 5, "new/x/z": 6,
    } == stored  # fmt: skip
    assert isinstance(connected, ConnectedDict)


def test_copies_are_plain_and_record_nothing(section):
    connected = connect_dict(settings(), section)
    copies = [copy.deepcopy(connected), pickle.loads(pickle.dumps(connected)), json.loads(json.dumps(connected)),
              yaml.safe_load(yaml.safe_dump(connected)), yaml.safe_load(yaml.dump(connected))]  # fmt: skip
    for one in copies:
        assert one == SETTINGS
        assert type(one) is type(one["net"]) is type(one["net"]["more"]) is dict
        one["net"]["depth"] = 99
    assert type(copy.copy(connected)) is dict
    assert section.kept["net/depth"].value == 3


def test_the_tasks_values_win_in_the_types_of_the_scripts(section):
    connect_dict(settings(), section)
    task = section.again({"lr": "0.5", "net/depth": "7", "tags": "[b, c]"})
    given = settings()
    connected = connect_dict(given, task)
    assert connected == {"lr": 0.5, "net": {"depth": 7, "act": "relu", "more": {}}, "tags": ["b", "c"]}
    assert typed(given) == typed(connected)
    assert list(connected) == list(SETTINGS)


def test_the_dict_that_the_script_holds_is_updated_in_place(section):
    connect_dict(settings(), section)
    given = settings()
    net = given["net"]
    connect_dict(given, section.again({"net/depth": 7}))
    assert given["net"] is net
    assert net["depth"] == 7


def test_names_that_the_script_has_not_are_added_nested_as_written(section):
    task = section.again({"new": 1, "net/width": 2, "other/a/b": "x", "empty": ""})
    connected = connect_dict({"net": {"depth": 3}, "other": None}, task)
    assert connected == {"net": {"depth": 3, "width": 2}, "other": {"a": {"b": "x"}}, "new": 1, "empty": None}


def test_a_name_below_a_value_that_is_no_dict_is_left_out_with_a_warning(section):
    with pytest.warns(UserWarning, match="'General/lr/x' is left out: 'lr' is no dict"):
        assert connect_dict({"lr": 1}, section.again({"lr/x": 2})) == {"lr": 1}


def test_a_whole_dict_may_be_given_as_one_text(section):
    connected = connect_dict(settings(), section.again({"net": '{"depth": 5}'}))
    assert connected["net"] == {"depth": 5}


def test_what_cannot_be_cast_stays_the_scripts_with_a_warning(section):
    with pytest.warns(UserWarning, match="'General/net/depth' is '2.5', but it must be an integer"):
        connected = connect_dict(settings(), section.again({"net/depth": "2.5"}))
    assert connected == SETTINGS


def test_what_the_task_has_is_not_overwritten_by_the_script_and_what_it_has_not_is_recorded(section):
    task = section.again({"lr": 0.5})
    connected = connect_dict({"lr": 0.1, "other": 1}, task)
    connected["lr"] = 0.7
    connected["late"] = 2
    assert connected["lr"] == 0.7
    assert task.values() == {"lr": 0.5, "other": 1, "late": 2}


def test_what_was_recorded_by_this_process_is_recorded_again_when_it_changes(section):
    task = section.again()
    connected = connect_dict({"x": 1}, task)
    connected["x"] = 2
    assert task.values() == {"x": 2}


@pytest.mark.parametrize("bad", [{1: "a"}, {"a": {None: 1}}])
def test_a_key_that_is_no_text_is_refused(section, bad):
    with pytest.raises(BadParameter, match="names of parameters are texts"):
        connect_dict(bad, section)
    connected = connect_dict({"a": {}}, section)
    with pytest.raises(BadParameter, match="the key 5 in 'a'"):
        connected["a"][5] = 1
    assert connected == {"a": {}}


def test_a_key_with_a_slash_is_one_key(section):
    connect_dict({"a/b": 1, "a": {"b": 2}}, section)
    assert section.values() == {r"a\/b": 1, "a/b": 2}
    assert connect_dict({}, section.again({r"a\/b": 3})) == {"a/b": 3, "a": {"b": 2}}


def test_a_key_with_a_slash_may_also_be_given_as_it_is_where_nothing_else_has_that_name(section):
    assert connect_dict({"a/b": 1}, section.again({"a/b": 5})) == {"a/b": 5}


def test_secrets_are_masked_and_stay_the_scripts_own(section):
    given = {"db": {"password": "hunter2", "port": 1}}
    connected = connect_dict(given, section)
    connected["api_key"] = "sk-1"
    assert section.values() == {"db/password": "********", "db/port": 1, "api_key": "********"}
    again = connect_dict({"db": {"password": "mine", "port": 1}, "api_key": None}, section.again())
    assert again == {"db": {"password": "mine", "port": 1}, "api_key": None}


def test_a_value_that_a_parameter_cannot_hold_stays_the_very_object(section):
    array = np.arange(3)
    connected = connect_dict({"a": array, "f": len}, section)
    assert section.values()["a"] == "array([0, 1, 2])"
    assert connected["a"] is array
    again = connect_dict({"a": array, "f": len}, section.again({"a": "5", "f": "print"}))
    assert again["a"] is array
    assert again["f"] is len


def test_dicts_of_classes_of_their_own_stay_what_they_are(section):
    given = defaultdict(int, a=1, inner=OrderedDict(b=2))
    inner = given["inner"]
    assert connect_dict(given, section) is given
    assert given["inner"] is inner
    assert section.values() == {"a": 1, "inner/b": 2}
    connect_dict(given, section.again({"a": 5, "inner/b": 6}))
    assert (given["a"], inner["b"], given["none"]) == (5, 6, 0)


def test_a_dict_that_is_connected_again_records_where_it_was_connected_last(section, sections):
    other = sections()
    connected = connect_dict(connect_dict(settings(), section), other)
    assert connected == SETTINGS
    connected["net"]["depth"] = 9
    assert (section.values()["net/depth"], other.values()["net/depth"]) == (3, 9)


def test_a_connected_dict_that_is_set_under_another_key_records_there(section):
    connected = connect_dict(settings(), section)
    connected["copy"] = connected["net"]
    connected["copy"]["depth"] = 9
    assert (section.values()["net/depth"], section.values()["copy/depth"]) == (3, 9)
    assert connected["net"]["depth"] == 3


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.lists(st.integers() | st.text() | st.booleans() | st.none(), max_size=3)
    | st.tuples(st.integers(-9, 9), st.text())
)  # fmt: skip
NESTED = st.recursive(LEAVES, lambda inner: st.dictionaries(st.text(), inner, max_size=3), max_leaves=12)
DICTS = st.dictionaries(st.text(), NESTED, max_size=4)


@given(DICTS)
def test_any_dict_comes_back_as_it_was_in_a_process_that_carries_the_task_out(sections, values):
    recorded = sections()
    connected = connect_dict(copy.deepcopy(values), recorded)
    assert typed(connected) == typed(values)
    given_there = copy.deepcopy(values)
    again = connect_dict(given_there, recorded.again())
    assert typed(again) == typed(values)
    assert typed(given_there) == typed(values)


TEXTS = st.text(st.characters(codec="utf-8"))
PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | TEXTS
PLAIN_NESTED = st.recursive(PLAIN, lambda inner: st.dictionaries(st.text(), inner, max_size=3), max_leaves=9)
PLAIN_DICTS = st.dictionaries(st.text(), PLAIN_NESTED, max_size=4)


@given(PLAIN_DICTS)
def test_any_dict_of_plain_values_comes_back_where_the_script_has_none_of_its_names(sections, values):
    recorded = sections()
    connect_dict(copy.deepcopy(values), recorded)
    assume(MASK not in recorded.values().values())
    assert typed(connect_dict({}, recorded.again())) == typed(values)


def other(value):
    """Another value of the same type, and of dicts the same names."""
    if isinstance(value, dict):
        return {key: other(one) for key, one in value.items()}
    if isinstance(value, bool):
        return not value
    return {int: 7, float: 1.5, str: "other"}.get(type(value), value)


@given(PLAIN_DICTS)
def test_any_dict_comes_back_where_the_script_has_other_values_of_the_same_types(sections, values):
    recorded = sections()
    connect_dict(copy.deepcopy(values), recorded)
    assume(MASK not in recorded.values().values())
    assert typed(connect_dict(other(values), recorded.again())) == typed(values)


def test_a_parameter_of_another_type_is_cast_to_that_of_the_script(sections):
    task = sections(assigned=True, kept={"n": Parameter(section="General", name="n", value="5", type="str")})
    assert connect_dict({"n": 1}, task) == {"n": 5}
