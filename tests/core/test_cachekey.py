"""The key of a step, and the sentences that say why there was no earlier execution with the same one."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from penstock.core.cachekey import Input, KeyParts, Nearest, compared, differences, key, nearest, value_text
from penstock.core.code import Code
from penstock.core.codekey import fingerprint
from penstock.core.errors import Invalid

CODE = Code("c0de", {"train": "function:1", "clean": "function:2", "RATE": "constant:=0.1", "Net": "class:3"})
PARTS = KeyParts(
    code=CODE,
    returns=("model", "score"),
    arguments={"rate": "0.1", "name": "'a'"},
    inputs={"frame": Input("ab", "arrow", "pandas.DataFrame")},
    packages={"pandas": "3.0.0", "numpy": "2.4.6"},
    container="",
    interpreter="3.11",
    serializer="5e",
    place="",
)

CHANGES = {
    "argument 'rate' is 0.2, was 0.1": {"arguments": {"rate": "0.2", "name": "'a'"}},
    "argument 'name' is not given, was 'a'": {"arguments": {"rate": "0.1"}},
    "argument 'seed' is 3, was not given": {"arguments": PARTS.arguments | {"seed": "3"}},
    "input 'frame' has other content": {"inputs": {"frame": Input("cd", "arrow", "pandas.DataFrame")}},
    "input 'frame' is of type polars.DataFrame, was pandas.DataFrame": {
        "inputs": {"frame": Input("cd", "arrow", "polars.DataFrame")}
    },
    "input 'frame' is stored as parquet, was as arrow": {
        "inputs": {"frame": Input("ab", "parquet", "pandas.DataFrame")}
    },
    "input 'frame' was removed": {"inputs": {}},
    "input 'other' was added": {"inputs": PARTS.inputs | {"other": Input("ab")}},
    "package pandas is 3.1.1, was 3.0.0": {"packages": PARTS.packages | {"pandas": "3.1.1"}},
    "package numpy is not used, was 2.4.6": {"packages": {"pandas": "3.0.0"}},
    "package torch is 3.1, was not used": {"packages": PARTS.packages | {"torch": "3.1"}},
    "the names that it returns are ['score', 'model'], were ['model', 'score']": {"returns": ("score", "model")},
    "the functions that store and load artifacts changed": {"serializer": ""},
    "the container is python:3.13, was none": {"container": "python:3.13"},
    "Python is 3.12, was 3.11": {"interpreter": "3.12"},
    "the place that it runs in is /repo, was none": {"place": "/repo"},
}  # fmt: skip

CODE_CHANGES = {
    "the code of 'clean' changed": {"clean": "function:9"},
    "constant 'RATE' is 0.2, was 0.1": {"RATE": "constant:=0.2"},
    "constant 'RATE' changed": {"RATE": "constant:9"},
    "class 'Net' changed": {"Net": "class:9"},
    "helper function 'clip' was added": {"clip": "function:9"},
    "helper function 'clean' was removed": {"clean": None},
    "class 'Net' was removed": {"Net": None},
    "constant 'LIMIT' was added": {"LIMIT": "constant:=1"},
    "helper block 'json' was added": {"json": "block:9"},
    "the top level of the script was added": {"module __main__": "block:9"},
    "the top level of module helpers was added": {"module helpers": "block:9"},
    "the definitions of the code use each other in another way": {},
}


@pytest.mark.parametrize(("sentence", "change"), CHANGES.items())
def test_each_part_counts_and_its_change_is_told_in_a_sentence(sentence, change):
    new = replace(PARTS, **change)
    assert key(new) != key(PARTS)
    assert differences(new, PARTS) == (sentence,)


@pytest.mark.parametrize(("sentence", "change"), CODE_CHANGES.items())
def test_a_change_of_the_code_names_the_definition(sentence, change):
    parts = {name: part for name, part in (CODE.parts | change).items() if part is not None}
    new = replace(PARTS, code=Code("other", parts))
    assert key(new) != key(PARTS)
    assert differences(new, PARTS) == (sentence,)


def test_a_definition_under_another_name_is_no_difference_beside_a_real_one():
    parts = {"train": "function:1", "helpers.scrub": "function:2", "RATE": "constant:=0.2", "Net": "class:3"}
    assert differences(replace(PARTS, code=Code("other", parts)), PARTS) == ("constant 'RATE' is 0.2, was 0.1",)


def test_a_changed_constant_is_told_although_others_moved_with_its_new_value():
    old = replace(PARTS, code=Code("old", {"A": "constant:=1", "X": "constant:=2"}))
    new = replace(PARTS, code=Code("new", {"A": "constant:=2", "Y": "constant:=2"}))
    assert differences(new, old) == ("constant 'A' is 2, was 1",)


@pytest.mark.parametrize(
    ("now", "before", "sentence"),
    [
        (f"/a/long/way {'1' * 40} sub", f"/a/long/way {'2' * 40} sub", f"the commit is {'1' * 40}, was {'2' * 40}"),
        (f"/r {'1' * 40} a", f"/r {'1' * 40} b", "the place that it runs in is a, was b"),
        ("/r main", "/r other", "the place that it runs in is main, was other"),
        (f"/r {'1' * 40}", "/r", f"the place that it runs in is /r {'1' * 40}, was /r"),
        ("/r sub", "/s sub", "the place that it runs in is /r, was /s"),
        ("", "/s sub", "the place that it runs in is none, was /s sub"),
    ],
)
def test_of_a_place_that_is_told_which_differs(now, before, sentence):
    """A long address that both have would leave no room for what differs."""
    assert differences(replace(PARTS, place=now), replace(PARTS, place=before)) == (sentence,)


def test_an_argument_that_becomes_an_artifact_is_told_once():
    new = replace(PARTS, arguments={"name": "'a'"}, inputs=PARTS.inputs | {"rate": Input("ab")})
    assert differences(new, PARTS) == ("argument 'rate' is an artifact, was 0.1",)
    assert differences(PARTS, new) == ("argument 'rate' is 0.1, was an artifact",)


@pytest.mark.parametrize(
    ("now", "before", "sentence"),
    [
        ("[1,5]", "[1,4]", "input 'rates'[1] is 5, was 4"),
        ('{"a":[1]}', "{}", "input 'rates'['a'] is [1], was not there"),
        ("[]", "[1,2]", "input 'rates'[0] is not there, was 1, and 1 more item differs"),
        ("[1,2,3]", "[4,5,6]", "input 'rates'[0] is 1, was 4, and 2 more items differ"),
        ("[1]", "", "input 'rates' has other content"),
        ('{"a":1,"b":2}', '{"b":2,"a":1}', "input 'rates' has other content"),
        (f'["{"x" * 100}"]', "[0]", f"input 'rates'[0] is '{'x' * 59}..., was 0"),
    ],
)
def test_of_small_inputs_it_is_told_in_which_item_they_differ(now, before, sentence):
    def parts(hash, content):
        contents = {"rates": content} if content else {}
        return replace(PARTS, inputs={"rates": Input(hash, "json", "list")}, contents=contents)

    assert differences(parts("cd", now), parts("ab", before)) == (sentence,)


def test_what_an_input_holds_is_no_part_of_the_key_beside_its_hash():
    assert key(replace(PARTS, contents={"frame": "[1]"})) == key(PARTS)


def test_what_tells_most_comes_first():
    new = replace(
        PARTS,
        arguments=PARTS.arguments | {"rate": "0.2"},
        code=Code("other", CODE.parts | {"clean": "function:9"}),
        packages=PARTS.packages | {"pandas": "3.1.1"},
        inputs={"frame": Input("cd", "arrow", "pandas.DataFrame")},
    )
    assert differences(new, PARTS) == (
        "argument 'rate' is 0.2, was 0.1",
        "the code of 'clean' changed",
        "input 'frame' has other content",
        "package pandas is 3.1.1, was 3.0.0",
    )


def test_equal_parts_have_one_key_and_no_differences():
    other = replace(
        PARTS,
        arguments=dict(reversed(PARTS.arguments.items())),
        packages=dict(reversed(PARTS.packages.items())),
        code=Code(CODE.digest, {}),
    )
    assert key(other) == key(PARTS)
    assert differences(other, PARTS) == ()


def test_parts_can_be_stored_and_read_back():
    assert msgspec.json.decode(msgspec.json.encode(PARTS), type=KeyParts) == PARTS


def test_the_key_of_given_parts_never_changes_unnoticed():
    # When this fails on purpose, SCHEME has to grow: keys that are stored already must match nothing.
    assert key(PARTS) == "4dc17c7f3cbf19c52dec666c3ade7790bfa22b81dadb4e62326b2d614775b07c"


def test_a_fingerprint_explains_which_helper_changed():
    source = "def clean(x): return x\ndef train(x): return clean(x)\n"
    old = KeyParts(code=fingerprint(source, "train", {}))
    new = KeyParts(code=fingerprint(source.replace("return x\n", "return -x\n"), "train", {}))
    assert differences(new, old) == ("the code of 'clean' changed",)


DIFFERENT = [
    1, 1.0, True, "1", b"1", 0, 0.0, False, "", None, "None", "True", [], (), {}, [1], (1,), {1}, [1, 2], [2, 1],
    [[1], 2], [1, [2]], {"a": 1}, {"a": 1.0}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": "1"},
    {1: "a"}, {"1": "a"}, math.nan, "nan", math.inf, -math.inf,
    10**50, 10**50 + 1, 1e50, set(), frozenset(), frozenset({1}), 1j, "a" * 200, "a" * 201, ["a" * 200], "'a", '"a',
    "\n", "\\n",
]  # fmt: skip


def test_values_that_differ_have_different_texts():
    """Promise 23: change a parameter, and the step runs again."""
    texts = [value_text(value) for value in DIFFERENT]
    assert len(set(texts)) == len(DIFFERENT)


def test_values_that_are_equal_have_one_text():
    assert value_text(math.nan) == value_text(float("nan"))
    assert value_text({"b", "a", "c"}) == value_text({"c", "b", "a"})
    assert value_text(10**5000) == value_text(10**5000)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=12,
)


def typed(value):
    """A form of a value that is equal exactly when value, types and order are."""
    if isinstance(value, dict):
        return "dict", tuple((name, typed(one)) for name, one in value.items())
    if isinstance(value, list | tuple):
        return type(value).__name__, tuple(typed(one) for one in value)
    return type(value).__name__, repr(value)


@given(VALUES, VALUES)
def test_texts_are_equal_exactly_when_values_types_and_order_are(one, other):
    assert (value_text(one) == value_text(other)) == (typed(one) == typed(other))


@given(VALUES, VALUES)
def test_sentences_are_short_and_on_one_line(one, other):
    old = replace(PARTS, arguments={"rate": value_text(one)}, container=str(one))
    new = replace(PARTS, arguments={"rate": value_text(other)}, container=str(other))
    for sentence in differences(new, old):
        assert len(sentence) < 200
        assert sentence.isprintable()


def test_of_long_values_the_beginning_is_shown():
    old = replace(PARTS, arguments={"text": value_text("a" * 100)})
    new = replace(PARTS, arguments={"text": value_text("a" * 100 + "b")})
    other = replace(PARTS, arguments={"text": value_text("b")})
    assert differences(new, old) == (f"argument 'text' differs after its beginning, '{'a' * 59}...",)
    assert differences(other, old) == (f"argument 'text' is 'b', was '{'a' * 59}...",)


@pytest.mark.parametrize("value", [object(), [object()], {"a": len}, range(3)])
def test_a_value_that_has_no_faithful_text_is_refused(value):
    with pytest.raises(Invalid, match="cannot be part of a cache key"):
        value_text(value)


def test_a_list_that_holds_itself_is_refused():
    value = [1]
    value.append(value)
    with pytest.raises(Invalid, match="nested too deeply"):
        value_text(value)


def test_the_nearest_is_the_one_with_the_fewest_differences_and_of_those_the_first():
    far = replace(PARTS, arguments={"rate": "9", "name": "9"})
    near = replace(PARTS, interpreter="3.12")
    later = replace(PARTS, interpreter="3.13")
    assert nearest(PARTS, []) is None
    assert nearest(PARTS, [("far", far), ("near", near), ("later", later)]) == Nearest(
        "near", ("Python is 3.11, was 3.12",)
    )
    assert nearest(PARTS, [("later", later), ("near", near)]).id == "later"
    assert nearest(PARTS, [("far", far), ("same", PARTS)]) == Nearest("same", ())


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        ("argument 'rate' is 2, was 1", "argument 'rate' is 2, was 1 in iris #1"),
        (
            "the names that it returns are ['b'], were ['a']",
            "the names that it returns are ['b'], were ['a'] in iris #1",
        ),
        ("helper function 'clean' was added", "helper function 'clean' was added since iris #1"),
        ("input 'x'[3] is 5, was 4", "input 'x'[3] is 5, was 4 in iris #1"),
        ("input 'x' has other content", "input 'x' has other content since iris #1"),
    ],
)
def test_a_difference_names_the_run_that_it_compares_with(difference, sentence):
    assert compared(difference, "iris #1") == sentence
