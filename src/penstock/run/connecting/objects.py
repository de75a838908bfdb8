"""Connects objects: their public attributes are parameters, nested as the objects are.

Dataclasses, pydantic models, msgspec structs, namespaces, plain objects and classes. An object is updated in place
where it allows that, and answered as a changed copy where it is frozen. No property and no method of it is ever called.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import types
from typing import Any, TypeAlias, cast

import msgspec

from penstock.core.errors import BadParameter
from penstock.core.flat import is_dict, leaves
from penstock.core.task import Parameter
from penstock.run.connecting.dicts import Tree, connect_tree
from penstock.run.connecting.section import Section
from penstock.run.connecting.values import Unfit

OPEN = (argparse.Namespace, types.SimpleNamespace)  # what the task has and they have not, they get
NAMELESS = (str, bytes, int, float, complex, list, tuple, set, frozenset, type(None), types.ModuleType,
            types.FunctionType, types.BuiltinFunctionType, types.MethodType)  # fmt: skip
Attributes: TypeAlias = dict[str, Any]


def connect_object(target: Any, section: Section) -> Any:
    """Connect an object; return it, or a changed copy where it is frozen.

    Raises:
        BadParameter: It has no attributes to connect, or a model of pydantic refuses what the task assigns.
    """
    if callable(getattr(target, "to_dict", None)) and callable(getattr(target, "update_from_dict", None)):
        target.update_from_dict(connect_tree(dict(target.to_dict()), section))
        return target
    if isinstance(target, NAMELESS):
        kind = "None" if target is None else f"a {type(cast('object', target)).__name__}"
        raise BadParameter(
            f"{kind} cannot be connected", hint="connect a dict, an object with attributes, or an ArgumentParser"
        )
    tree = _tree(target, ())
    new = connect_tree(tree, section, _as_it_is if _holds_model(target) else None)
    return _apply(target, tree, new, section.name)


def _as_it_is(one: Parameter, default: object, error: Unfit) -> object:
    """Hand to a model what could not be cast: it says better what is wrong."""
    del default, error
    return one.value


def _is_model(value: object) -> bool:
    pydantic: Any = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(value, pydantic.BaseModel)


def _is_record(value: object) -> bool:
    """Return whether a value is an object whose attributes are parameters of their own where it is nested."""
    if isinstance(value, type):
        return False
    return dataclasses.is_dataclass(value) or _is_model(value) or isinstance(value, (msgspec.Struct, *OPEN))


def _holds_model(value: object) -> bool:
    if _is_model(value):
        return True
    return any(_holds_model(one) for one in _attributes(value).values() if _is_record(one))


def _attributes(target: object) -> Attributes:
    """Return the public attributes that hold values, without calling any code of the object."""
    if _is_model(target):
        names = list(cast("Any", type(target)).model_fields)
        extra = cast("Attributes | None", getattr(target, "__pydantic_extra__", None))
        return {name: getattr(target, name) for name in names} | (extra or {})
    if dataclasses.is_dataclass(target) and not isinstance(target, type):
        return {one.name: getattr(target, one.name) for one in dataclasses.fields(target) if hasattr(target, one.name)}
    if isinstance(target, msgspec.Struct):
        return {name: getattr(target, name) for name in target.__struct_fields__}
    if isinstance(target, OPEN):
        return dict(vars(target))
    found: Attributes = {}
    for kind in reversed(target.__mro__ if isinstance(target, type) else type(target).__mro__):
        if kind is not object:
            found |= vars(kind)
            found |= {name: getattr(target, name) for name in _slots(kind) if hasattr(target, name)}
    if not isinstance(target, type):
        found |= getattr(target, "__dict__", {})
    return {name: value for name, value in found.items() if not name.startswith("_") and not _is_code(value)}


def _slots(kind: type) -> tuple[str, ...]:
    slots: object = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(cast("tuple[str, ...]", slots))


def _is_code(value: object) -> bool:
    return callable(value) or hasattr(type(value), "__get__")


def _tree(target: object, inside: tuple[int, ...]) -> Tree:
    """Return the attributes as a nested dict, in which nested objects are dicts as well."""
    if id(target) in inside:
        raise BadParameter(f"a {type(target).__name__} holds itself", hint="connect an object without loops")
    below = (*inside, id(target))
    return {name: _tree(one, below) if _is_record(one) else one for name, one in _attributes(target).items()}


def _apply(target: Any, old: Tree, new: Tree, place: str) -> Any:
    """Give an object the values of the tree; return it, or its changed copy."""
    mine = _attributes(target)
    changes: Attributes = {}
    for name, value in new.items():
        if name not in mine:
            if isinstance(target, OPEN):
                changes[name] = value
            continue
        before = mine[name]
        if _is_record(before) and is_dict(value):
            after = _apply(before, cast("Tree", old[name]), value, f"{place}/{name}")
            if after is not before:
                changes[name] = after
        elif is_dict(before) and is_dict(value):
            if not _is_unchanged(before, value):
                changes[name] = value
        elif value is not before:
            changes[name] = value
    return _changed(target, changes, place) if changes else target


def _is_unchanged(before: Tree, after: Tree) -> bool:
    """Return whether two dicts hold the very same objects; comparing what is in them might run any code."""
    mine, other = dict(leaves(before)), dict(leaves(after))
    return mine.keys() == other.keys() and all(
        other[path] is value or (isinstance(value, dict) and other[path] == {}) for path, value in mine.items()
    )


def _changed(target: Any, changes: Attributes, place: str) -> Any:
    if _is_model(target):
        return _changed_model(target, changes, place)
    if isinstance(target, msgspec.Struct) and target.__struct_config__.frozen:
        return msgspec.structs.replace(target, **changes)
    if dataclasses.is_dataclass(target) and not isinstance(target, type) and _is_frozen(target):
        for name, value in changes.items():
            object.__setattr__(target, name, value)  # as its own __init__ does; a copy would run __post_init__ again
        return target
    for name, value in changes.items():
        setattr(target, name, value)
    return target


def _is_frozen(target: object) -> bool:
    return bool(cast("Any", type(target)).__dataclass_params__.frozen)


def _changed_model(model: Any, changes: Attributes, place: str) -> Any:
    """Return the model with values that it has validated itself; one that is not frozen is changed in place."""
    pydantic: Any = sys.modules["pydantic"]
    kind = cast("Any", type(model))
    names = {name: _alias(kind, name) for name in kind.model_fields}
    given = {names.get(name, name): value for name, value in {**_attributes(model), **changes}.items()}
    try:
        new = kind.model_validate(given)
    except pydantic.ValidationError as error:
        told = [f"{place}/{'/'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise BadParameter(
            f"the parameters do not fit {kind.__name__}: {'; '.join(told)}", hint="correct these values in the task"
        ) from None
    if kind.model_config.get("frozen"):
        return new
    for name in changes:
        model.__dict__[name] = getattr(new, name)
        model.__pydantic_fields_set__.add(name)
    return model


def _alias(kind: Any, name: str) -> str:
    """Return the key under which a model takes a field."""
    if kind.model_config.get("populate_by_name") or kind.model_config.get("validate_by_name"):
        return name
    alias = kind.model_fields[name].validation_alias
    choices = getattr(alias, "choices", [alias])
    return next((one for one in choices if isinstance(one, str)), name)
