"""Operations as data."""

from __future__ import annotations

import msgspec
import pytest

import penstock.ops  # noqa: F401 - registers every operation
from penstock.core.task import Task
from penstock.ops.base import REGISTRY
from penstock.ops.tasks import GetTask
from penstock.service.base import HANDLERS, PREPARATIONS


def test_an_operation_knows_what_it_returns():
    assert GetTask.returns is Task
    assert GetTask.reads


def test_every_operation_is_registered_and_has_one_handler():
    assert set(REGISTRY.values()) == HANDLERS.keys() | PREPARATIONS.keys()


@pytest.mark.parametrize("kind", REGISTRY.values(), ids=REGISTRY)
def test_every_operation_and_its_result_can_travel(kind):
    msgspec.msgpack.Decoder(kind)
    msgspec.msgpack.Decoder(kind.returns)
    assert kind.__doc__, "the reference page is made from it"
