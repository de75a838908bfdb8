"""The names of ClearML's documentation lead to what Penstock has."""

from __future__ import annotations

from importlib import import_module

import pytest

import penstock
from penstock.compat.finder import is_there
from penstock.compat.names import ABSENT, MODULES

PLACES = sorted({place for names in MODULES.values() for place in names.values()})


@pytest.mark.parametrize("place", PLACES)
def test_a_name_is_where_it_is_said_to_be(place):
    module, _, name = place.partition(":")
    assert is_there(place)
    assert hasattr(import_module(module), name)


def test_everything_that_users_import_from_penstock_has_its_place():
    ours = {place.partition(":")[2] for place in PLACES if place.startswith("penstock:")}
    assert set(penstock.__all__) - ours <= {"Artifact"}


def test_hints_are_for_what_is_not_there():
    there = {f"{module}.{name}" for module, names in MODULES.items() for name in names}
    assert not set(ABSENT) & set(MODULES)
    assert not set(ABSENT) & there
