"""The parameters of a pipeline as a form."""

from __future__ import annotations

import pytest

from penstock.core.form import Field, fields, with_values
from penstock.core.parameters import CASTS, EXAMPLES, Declared, cast
from penstock.core.pipeline import Pipeline
from penstock.core.secret import MASK
from penstock.core.task import Parameter

RATE = Parameter(section="Args", name="rate", value=0.5, type="float", description="how fast")
KIND = Parameter(section="Args", name="kind", value="tree", type="str")


def test_a_field_has_what_the_code_says_of_its_parameter():
    said = {"rate": Declared(default=0.1), "kind": Declared(default="net", choices=("net", "tree"))}
    pipeline = Pipeline(name="flow", project="P", parameters=(RATE, KIND), declared=said)
    assert fields(pipeline) == (
        Field(name="rate", type="float", value=0.5, default=0.1, has_default=True, description="how fast",
              example="1e-4"),
        Field(name="kind", type="str", value="tree", default="net", has_default=True, choices=("net", "tree"),
              example="text"),
    )  # fmt: skip


def test_a_mask_stands_for_every_value_of_a_secret():
    given = [("api_token", "s3cret"), ("password", None), ("n_token", 3), ("pad_token", "<pad>")]
    parameters = tuple(Parameter(section="Args", name=name, value=value) for name, value in given)
    said = {"api_token": Declared(default="other")}
    found = fields(Pipeline(name="flow", project="P", parameters=parameters, declared=said))
    assert [(one.name, one.value, one.default, one.secret) for one in found] == [
        ("api_token", MASK, MASK, True), ("password", None, None, True), ("n_token", 3, None, False),
        ("pad_token", "<pad>", None, False),
    ]  # fmt: skip


def test_a_parameter_is_a_secret_by_its_type_whatever_it_is_called():
    one = Parameter(section="Args", name="innocent", value="********-0123456789abcdef", type="secret")
    (field,) = fields(Pipeline(name="flow", project="P", parameters=(one,), declared={"innocent": Declared()}))
    assert (field.type, field.secret, field.value, field.default, field.example) == ("secret", True, MASK, None, "")


def test_of_a_run_that_did_not_record_defaults_none_is_made_up():
    (field,) = fields(Pipeline(name="flow", project="P", parameters=(RATE,)))
    assert (field.default, field.has_default) == (None, False)


def test_recorded_values_win_and_bring_along_what_a_script_that_has_not_run_does_not_know_yet():
    recorded = [
        Parameter(section="Args", name="rate", value=2.0, type="float"),
        Parameter(section="Args", name="new", value=1),
        Parameter(section="properties", name="note", value="x"),
    ]
    found = with_values(Pipeline(name="flow", project="P", parameters=(RATE, KIND)), recorded)
    assert [(one.name, one.value, one.description) for one in found.parameters] == [
        ("rate", 2.0, "how fast"), ("kind", "tree", ""), ("new", 1, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", CASTS)
def test_the_example_of_a_type_is_a_value_of_it(kind):
    parameter = Parameter(section="Args", name="x", value=None, type=kind)
    assert cast(parameter, EXAMPLES[kind].strip("'")) is not None
