"""What a run asks for its secrets, and which of them a step is given."""

from __future__ import annotations

import pytest

from penstock.core.assignment import Resolved
from penstock.core.errors import NotFound
from penstock.core.pipeline import Argument, Pipeline
from penstock.core.secret import Secret, seal
from penstock.core.task import Configuration, Parameter
from penstock.ops.secrets import OpenSecrets
from penstock.ops.tasks import NewTask
from penstock.run.launch import Prepared
from penstock.run.secrets import RunSecrets

ONE, TWO = (seal(text, "key") for text in ("planted-one", "planted-two"))
KNOWN = {ONE: Secret("planted-one"), TWO: Secret("planted-two")}


class Asked:
    """A backend that knows secrets, and notes what it is asked for."""

    def __init__(self):
        self.ops = []

    def call(self, op):
        self.ops.append(op)
        return KNOWN


def pipeline(*values, type="secret"):
    parameters = [Parameter(section="Args", name=f"p{at}", value=one, type=type) for at, one in enumerate(values)]
    return Pipeline(name="flow", project="P", parameters=tuple(parameters))


def prepared(argument=None, reference=None, parameter=None, text=""):
    new = NewTask(
        id="",
        name="fit",
        project="P",
        parameters=(Parameter(section="Args", name="p", value=parameter),),
        configurations=(Configuration(name="c", text=text),),
    )
    references = {} if reference is None else {"${pipeline.p}": Resolved(value=reference, text=reference)}
    return Prepared(new=new, arguments={"a": Argument(value=argument)}, references=references)


@pytest.mark.parametrize(
    "given",
    [{"argument": ["x", {"y": ONE}]}, {"reference": ONE}, {"parameter": f"u:{ONE}@h"}, {"text": f"key = {ONE}"}],
)
def test_a_step_gets_the_secrets_whose_seals_are_in_what_it_is_given(given):
    assert RunSecrets(Asked(), "r", pipeline(ONE, TWO)).of(prepared(**given)) == {ONE: KNOWN[ONE]}


def test_the_run_is_asked_once_and_only_where_it_has_secrets_and_a_step_needs_one():
    asked = Asked()
    secrets = RunSecrets(asked, "r", pipeline(ONE))
    assert secrets.of(prepared(argument="nothing")) == {}
    assert asked.ops == []
    for _ in range(2):
        secrets.of(prepared(argument=ONE))
    assert asked.ops == [OpenSecrets(task="r")]


@pytest.mark.parametrize("of", [pipeline(), pipeline(None), pipeline("text", type="str")])
def test_a_run_without_secrets_is_not_asked_and_a_step_that_needs_one_cannot_start(of):
    asked = Asked()
    with pytest.raises(NotFound, match="step 'fit' is given a secret that its run does not have"):
        RunSecrets(asked, "r", of).of(prepared(argument=ONE))
    assert asked.ops == []
