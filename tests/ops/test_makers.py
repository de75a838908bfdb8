"""A step's mark on what it stores in the name of its run."""

from __future__ import annotations

import pytest

from penstock.core.outputs import Artifact, Model
from penstock.ops.makers import signed
from penstock.ops.models import AddModel, LinkModel
from penstock.ops.outputs import AddArtifact
from penstock.ops.tasks import GetTask


def artifact(task):
    facts = {"format": "json", "type": "int", "hash": "", "size": 1, "url": ""}
    return AddArtifact(artifact=Artifact(task=task, name="a", maker="forged", **facts))


def model(task):
    return AddModel(model=Model(id="m", task=task, project="", name="n", url="", maker="forged"))


def link(task):
    return LinkModel(task=task, model="m", direction="input", maker="forged")


def maker_of(op):
    match op:
        case AddArtifact(artifact=made):
            return made.maker
        case AddModel(model=made):
            return made.maker
        case _:
            return op.maker


@pytest.mark.parametrize("make", [artifact, model, link])
def test_the_mark_is_that_of_the_step_where_it_stores_for_another_and_none_where_it_stores_for_itself(make):
    assert maker_of(signed(make("run"), "step")) == "step"
    assert maker_of(signed(make("step"), "step")) == ""


def test_what_stores_nothing_has_no_mark():
    op = GetTask(id="x")
    assert signed(op, "step") is op
