"""What a change makes of a model, without a store."""

from __future__ import annotations

from penstock.core.outputs import Model
from penstock.ops.models import ChangeModel, Weights

BEFORE = Model(
    id="m",
    task="t",
    project="p",
    name="net",
    url="file:///old",
    hash="h",
    size=3,
    tags=("a",),
    metadata={"rate": "0.1", "note": "x"},
    metadata_types={"rate": "float"},
    facts={"format": "file"},
)


def applied(**changes):
    after = ChangeModel(id="m", task="t", **changes).applied(BEFORE)
    return {
        name: getattr(after, name) for name in Model.__struct_fields__ if getattr(after, name) != getattr(BEFORE, name)
    }


def test_a_change_of_nothing_changes_nothing():
    assert applied() == {}


def test_what_is_given_replaces_what_was_there_also_when_it_is_empty():
    new = {"name": "n", "comment": "c", "framework": "f", "design": "d", "tags": (), "labels": {"cat": 1}}
    assert applied(**new) == new


def test_metadata_is_added_and_its_type_goes_with_the_value():
    assert applied(metadata={"rate": "fast", "k": "1"}, metadata_types={"k": "int"}) == {
        "metadata": {"note": "x", "rate": "fast", "k": "1"},
        "metadata_types": {"k": "int"},
    }
    assert applied(metadata={"k": "1"}, only_these=True) == {"metadata": {"k": "1"}, "metadata_types": {}}
    assert applied(metadata={}, only_these=True) == {"metadata": {}, "metadata_types": {}}


def test_weights_are_replaced_as_a_whole():
    """A registered URL must not keep the hash of the bytes that were there before."""
    assert applied(weights=Weights(url="s3://b/x")) == {"url": "s3://b/x", "hash": "", "size": 0, "facts": {}}
