"""Secrets in nested values are masked, and come back."""

from __future__ import annotations

from penstock.core.secret import MASK
from penstock.run.connecting.secrets import masked, unmasked


def test_secrets_inside_are_masked_and_nothing_of_the_script_is_changed():
    given = {"db": {"password": "x", "port": 1}, "users": [{"token": "t", "name": "n"}]}
    assert masked(given) == {"db": {"password": MASK, "port": 1}, "users": [{"token": MASK, "name": "n"}]}
    assert given["db"]["password"] == "x"


def test_in_the_place_of_a_mask_comes_what_this_process_has():
    own = {"db": {"password": "mine", "port": 1}, "users": [{"token": "t"}]}
    task = {"db": {"password": MASK, "port": 2, "secret": MASK}, "users": [{"token": MASK}, {"token": MASK}]}
    assert unmasked(task, own) == {"db": {"password": "mine", "port": 2}, "users": [{"token": "t"}, {}]}
