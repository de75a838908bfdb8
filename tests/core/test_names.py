"""The nearest name to a misspelt one."""

from __future__ import annotations

from penstock.core.names import did_you_mean, nearest


def test_the_nearest_name_is_found_and_a_far_one_is_not():
    assert nearest("trian", ["train", "score"]) == "train"
    assert nearest("xyz", ["train", "score"]) is None


def test_the_hint_names_the_nearest_else_the_known_else_what_it_is_told():
    assert did_you_mean("trian", ["train", "score"], "none") == "did you mean 'train'?"
    assert did_you_mean("xyz", ["train", "score"], "none") == "known: 'train', 'score'"
    assert did_you_mean("xyz", [], "add one") == "add one"


def test_a_long_list_of_known_names_is_cut():
    hint = did_you_mean("xyz", [f"step-{n}" for n in range(50)], "")
    assert hint.endswith("'step-9', ...")
