"""Connected objects."""

from __future__ import annotations

import argparse
import dataclasses
import enum
import types

import msgspec
import numpy as np
import pydantic
import pytest

from penstock.core.errors import BadParameter
from penstock.run.connecting.objects import connect_object


class Mode(enum.Enum):
    FAST = 1
    SLOW = 2


@dataclasses.dataclass
class Net:
    depth: int = 3
    sizes: tuple[int, ...] = (1, 2)


@dataclasses.dataclass
class Settings:
    lr: float = 0.1
    mode: Mode = Mode.FAST
    net: Net = dataclasses.field(default_factory=Net)
    extra: dict = dataclasses.field(default_factory=lambda: {"a": 1})
    _private: int = 5


class ModelNet(pydantic.BaseModel):
    depth: int = pydantic.Field(default=3, ge=1)


class Model(pydantic.BaseModel):
    lr: float = 0.1
    name: str | None = None
    net: ModelNet = ModelNet()
    steps: list[int] = [1]
    many: int = pydantic.Field(default=1, alias="howMany")


def test_a_dataclass_is_recorded_and_returned(section):
    given = Settings()
    assert connect_object(given, section) is given
    assert (
        section.values() | {"lr": 0.1, "mode": "FAST", "net/depth": 3, "net/sizes": [1, 2], "extra/a": 1}
        == section.values()
    )


def test_a_dataclass_is_updated_in_place_and_so_are_those_in_it(section):
    given = Settings()
    net = given.net
    task = section.again(
        {"lr": "0.5", "mode": "SLOW", "net/depth": "7", "net/sizes": "[4]", "extra/a": "2", "unknown": 1}
    )
    assert connect_object(given, task) is given
    assert given == Settings(lr=0.5, mode=Mode.SLOW, net=Net(depth=7, sizes=(4,)), extra={"a": 2})
    assert given.net is net
    assert not hasattr(given, "unknown")


def test_a_frozen_dataclass_takes_the_tasks_values_too(section):
    @dataclasses.dataclass(frozen=True, slots=True)
    class Frozen:
        x: int = 1

    assert connect_object(Frozen(), section.again({"x": "2"})) == Frozen(2)


def test_a_struct_is_updated_or_answered_as_a_copy_where_it_is_frozen(section):
    class Open(msgspec.Struct):
        x: int = 1

    class Frozen(msgspec.Struct, frozen=True):
        x: int = 1
        inner: Open = msgspec.field(default_factory=Open)

    given = Open()
    assert connect_object(given, section.again({"x": "2"})) is given
    assert given.x == 2
    assert connect_object(Frozen(), section.again({"x": "2", "inner/x": 3})) == Frozen(2, Open(3))


def test_a_model_is_recorded_by_the_names_of_its_fields(section):
    connect_object(Model(), section)
    assert section.values() == {"lr": 0.1, "name": None, "net/depth": 3, "steps": [1], "many": 1}


def test_a_model_is_updated_in_place_with_what_it_has_validated(section):
    given = Model()
    task = section.again({"lr": "0.5", "name": "x", "net/depth": "7", "steps": "[1, 2]", "many": 5})
    assert connect_object(given, task) is given
    assert given == Model(lr=0.5, name="x", net=ModelNet(depth=7), steps=[1, 2], howMany=5)
    assert {"lr", "many"} <= given.model_fields_set


@pytest.mark.parametrize(
    ("changes", "place"),
    [({"lr": "fast"}, "General/lr"), ({"net/depth": 0}, "General/net/depth"), ({"steps": "[a]"}, "General/steps/0")],
)
def test_what_a_model_refuses_is_an_error_that_names_the_field(section, changes, place):
    given = Model()
    with pytest.raises(BadParameter, match=place):
        connect_object(given, section.again(changes))
    assert given == Model()


def test_a_frozen_model_is_answered_as_a_copy(section):
    class Frozen(pydantic.BaseModel, frozen=True):
        x: int = 1

    given = Frozen()
    assert connect_object(given, section.again({"x": "2"})) == Frozen(x=2)
    assert given.x == 1


def test_a_model_in_a_dataclass_is_validated_as_well(section):
    @dataclasses.dataclass
    class Outer:
        net: ModelNet = dataclasses.field(default_factory=ModelNet)

    assert connect_object(Outer(), section.again({"net/depth": "4"})).net.depth == 4
    with pytest.raises(BadParameter, match="General/net/depth"):
        connect_object(Outer(), section.again({"net/depth": "-4"}))


def test_a_secret_of_a_model_is_masked(section):
    class Secretive(pydantic.BaseModel):
        auth: pydantic.SecretStr = pydantic.SecretStr("hunter2")

    connect_object(Secretive(), section)
    assert section.values() == {"auth": "********"}
    assert connect_object(Secretive(), section.again()).auth.get_secret_value() == "hunter2"


class Plain:
    momentum = 0.9
    inherited = 1

    def __init__(self):
        self.lr = 0.1
        self._hidden = 2
        self.loss = len
        self.weights = np.zeros(2)

    @property
    def computed(self):
        raise AssertionError

    def method(self): ...


class Child(Plain):
    inherited = 2


def test_of_a_plain_object_the_public_attributes_that_are_no_code_are_recorded(section):
    connect_object(Child(), section)
    assert section.values() == {"momentum": 0.9, "inherited": 2, "lr": 0.1, "weights": "array([0., 0.])"}


def test_a_plain_object_is_updated_in_place_and_its_class_is_not(section):
    given = Child()
    weights = given.weights
    assert connect_object(given, section.again({"momentum": "0.5", "lr": 1, "weights": "5"})) is given
    assert (given.momentum, given.lr) == (0.5, 1.0)
    assert given.weights is weights
    assert Child.momentum == 0.9


def test_a_class_is_updated_itself(section):
    class Config:
        lr = 0.1
        name = "x"

    assert connect_object(Config, section.again({"lr": "0.5"})) is Config
    assert (Config.lr, Config.name) == (0.5, "x")


def test_an_object_with_slots_is_connected(section):
    class Slotted:
        __slots__ = ("lr", "unset")

        def __init__(self):
            self.lr = 0.1

    given = Slotted()
    connect_object(given, section)
    assert section.values() == {"lr": 0.1}
    connect_object(given, section.again({"lr": 0.5}))
    assert given.lr == 0.5


@pytest.mark.parametrize("kind", [argparse.Namespace, types.SimpleNamespace])
def test_a_namespace_also_gets_what_it_has_not(section, kind):
    given = kind(lr=0.1, inner=kind(depth=3))
    connect_object(given, section)
    assert section.values() == {"lr": 0.1, "inner/depth": 3}
    assert connect_object(given, section.again({"lr": "0.5", "inner/depth": "4", "new": 1})) is given
    assert given == kind(lr=0.5, inner=kind(depth=4), new=1)


def test_an_object_with_a_dict_of_its_own_is_asked_for_it(section):
    class Parameters:
        def __init__(self):
            self.given = {"lr": 0.1}

        def to_dict(self):
            return self.given

        def update_from_dict(self, values):
            self.given = values

    one = Parameters()
    assert connect_object(one, section.again({"lr": "0.5"})) is one
    assert one.given == {"lr": 0.5}


@pytest.mark.parametrize("value", [None, 5, "x", [1], len, test_a_class_is_updated_itself, np])
def test_what_has_no_attributes_of_its_own_is_refused(section, value):
    with pytest.raises(BadParameter, match="cannot be connected"):
        connect_object(value, section)


def test_an_object_that_holds_itself_is_refused(section):
    loop = types.SimpleNamespace()
    loop.self = loop
    with pytest.raises(BadParameter, match="holds itself"):
        connect_object(loop, section)
