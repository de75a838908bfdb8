"""What users say of models, checked."""

from __future__ import annotations

import json

import pytest

from penstock.core.errors import BadParameter, Invalid
from penstock.sdk.model_facts import checked_labels, design_text, framework_of, words


def test_tags_are_a_list_or_the_words_of_a_text():
    assert words(["a b", "c"]) == ("a b", "c")
    assert words("a b") == ("a", "b")
    assert words(None) == ()


@pytest.mark.parametrize(
    ("path", "framework"),
    [("w.pt", "PyTorch"), ("a/w.JOBLIB", "joblib"), ("w.onnx", "ONNX"), ("weights", ""), ("w.unknown", "")],
)
def test_the_name_of_a_file_tells_its_framework(path, framework):
    assert framework_of(path) == framework


def test_a_configuration_is_a_text_or_a_dict():
    assert design_text(None, None) is None
    assert design_text("", None) == ""
    assert design_text("a: 1", None) == "a: 1"
    assert json.loads(design_text(None, {"a": [1, {"b": None}]})) == {"a": [1, {"b": None}]}


@pytest.mark.parametrize(
    ("given", "error"),
    [(("x", {}), Invalid), ((3, None), Invalid), ((None, "x"), Invalid), ((None, {"a": {1}}), BadParameter)],
)
def test_any_other_configuration_is_refused(given, error):
    with pytest.raises(error):
        design_text(*given)


def test_labels_give_each_name_a_whole_number():
    assert checked_labels(None) is None
    assert checked_labels({"cat": 1, "dog": -2}) == {"cat": 1, "dog": -2}
    for wrong in ({"cat": 1.0}, {"cat": True}, {1: 1}, {"cat": "1"}):
        with pytest.raises(Invalid, match="a whole number each"):
            checked_labels(wrong)
