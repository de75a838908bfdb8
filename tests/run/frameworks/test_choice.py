from __future__ import annotations

import pytest

from penstock.core.errors import Invalid
from penstock.run.frameworks.choice import KEYS, Choice


@pytest.mark.parametrize("key", KEYS)
def test_true_wants_every_framework_and_false_none(key):
    assert Choice(wanted=True).wants(key)
    assert not Choice(wanted=False).wants(key)


def test_an_empty_dict_wants_nothing_as_documented():
    assert not Choice({}).wants("joblib")
    assert not Choice({}).wants_file("joblib", "/a/model.pkl")


def test_names_that_are_missing_from_a_dict_are_wanted():
    choice = Choice({"pytorch": False, "xgboost": True})
    assert [key for key in KEYS if not choice.wants(key)] == ["pytorch"]


@pytest.mark.parametrize("wildcards", ["*.pt", "best*", ["*.pth", "*.pt"], ("*.pt",), "/data/*.pt", "/data/best*"])
def test_a_wildcard_chooses_files_by_their_name_or_their_path(wildcards):
    choice = Choice({"pytorch": wildcards})
    assert choice.wants("pytorch")
    assert choice.wants_file("pytorch", "/data/best.pt")
    assert not choice.wants_file("pytorch", "/data/last.bin")
    assert choice.wants_file("xgboost", "/data/last.bin")


def test_no_wildcards_choose_no_files():
    assert not Choice({"pytorch": []}).wants_file("pytorch", "/data/best.pt")


def test_an_unknown_framework_is_refused_with_the_nearest_name():
    with pytest.raises(Invalid, match="has no 'pytorh'") as caught:
        Choice({"pytorh": True})
    assert caught.value.hint == "did you mean 'pytorch'?"


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ({"pytorch": 1}, "wildcards"),
        ({"pytorch": None}, "wildcards"),
        ({"pytorch": ["*.pt", 3]}, "wildcards"),
        ({"pytorch": {"*.pt": True}}, "wildcards"),
        ({"matplotlib": "*.png"}, "True or False"),
        ({"tensorboard": {"report_scalars": True}}, "report_hparams"),
        ({"tensorboard": {"report_hparams": "no"}}, "report_hparams"),
    ],
)
def test_a_value_that_means_nothing_is_refused_with_what_would(wanted, hint):
    with pytest.raises(Invalid, match="auto_connect_frameworks") as caught:
        Choice(wanted)
    assert hint in caught.value.hint


@pytest.mark.parametrize("wanted", [None, "pytorch", ["pytorch"], 1])
def test_what_is_neither_a_bool_nor_a_dict_is_refused(wanted):
    with pytest.raises(Invalid, match="must be a bool or a dict"):
        Choice(wanted)


def test_the_parameters_of_tensorboard_are_switched_off_alone():
    choice = Choice({"tensorboard": {"report_hparams": False}})
    assert choice.wants("tensorboard")
    assert not choice.parameters
    assert Choice(wanted=True).parameters
    assert Choice({"tensorboard": {"report_hparams": True}}).parameters
