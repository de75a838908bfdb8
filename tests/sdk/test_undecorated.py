"""Which decorators the text of a step goes without."""

from __future__ import annotations

import penstock
from penstock import PipelineDecorator
from penstock.sdk.source import Statement
from penstock.sdk.undecorated import undecorated


class Own(PipelineDecorator):
    """A class of the user's own."""


LIVE = {"PipelineDecorator": PipelineDecorator, "P": Own, "penstock": penstock, "other": lambda function: function}
DEFINITION = "def work():\n    return 1"


def without(decorators):
    text = f"{decorators}{DEFINITION}"
    (found,) = undecorated([Statement(text=text, binds=frozenset({"work"}), kind="definition")], LIVE)
    return found.text


def test_what_says_how_a_pipeline_uses_a_function_is_taken_away():
    assert without("@PipelineDecorator.component\n") == DEFINITION
    assert without("@P.component(cache=True)\n") == DEFINITION
    assert without('@penstock.PipelineDecorator.pipeline(\n    name="x",\n    project="y",\n)\n') == DEFINITION


def test_other_decorators_and_comments_stay():
    assert without("@other\n@P.component(\n    cache=True)\n# why\n@other\n") == f"@other\n# why\n@other\n{DEFINITION}"
    assert without("@missing.component\n") == f"@missing.component\n{DEFINITION}"
    assert without("@other.component()\n") == f"@other.component()\n{DEFINITION}"
    assert without("@make()()\n") == f"@make()()\n{DEFINITION}"


def test_what_is_no_definition_is_passed_on():
    line = Statement(text="@ is no decorator here", kind="line", binds=frozenset())
    assert list(undecorated([line, "a name"], LIVE)) == [line, "a name"]
