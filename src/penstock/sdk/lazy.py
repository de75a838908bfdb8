"""A value that is not there yet: whoever uses it waits for it, and then has the value itself.

It passes for the value wherever Python asks an object rather than looks at its memory: operators, attributes,
`isinstance`, indexing, iteration, formatting, copying, pickling, NumPy. Whoever wants to know whether something is one
asks for its `type`, which is the one question that waits for nothing. How the value is made is not known here.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, TypeGuard, cast

CONTAINERS: frozenset[Any] = frozenset({list, tuple, set, frozenset})
_UNSET: Any = object()


class Lazy:
    """A value that is loaded when it is first used.

    Args:
        step: The step that makes it.
        name: What the step calls it.
        load: Waits for the value and returns it. What it raises is raised wherever the value is used.
    """

    __slots__ = ("__weakref__", "_lazy_load", "_lazy_name", "_lazy_step", "_lazy_value")

    def __init__(self, step: str, name: str, load: Callable[[], object]) -> None:
        object.__setattr__(self, "_lazy_step", step)
        object.__setattr__(self, "_lazy_name", name)
        object.__setattr__(self, "_lazy_load", load)
        object.__setattr__(self, "_lazy_value", _UNSET)

    @property  # type: ignore[misc]  # a value's class cannot be set through this
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] - as above
        """The class of the value: `isinstance` believes it."""
        return value_of(self).__class__

    def __getattr__(self, name: str) -> Any:
        return getattr(value_of(self), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(value_of(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(value_of(self), name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _itself, (value_of(self),)

    def __copy__(self) -> Any:
        return value_of(self)

    def __deepcopy__(self, memo: dict[int, object]) -> Any:
        from copy import deepcopy

        return deepcopy(value_of(self), memo)

    def __array__(self, *given: Any, **options: Any) -> Any:
        import numpy as np

        return np.asarray(value_of(self), *given, **options)

    def __call__(self, *given: Any, **options: Any) -> Any:
        return value_of(self)(*given, **options)

    def __enter__(self) -> Any:
        return value_of(self).__enter__()

    def __exit__(self, *given: object) -> Any:
        return value_of(self).__exit__(*given)

    def __reversed__(self) -> Any:
        return reversed(value_of(self))

    def __fspath__(self) -> Any:
        return value_of(self).__fspath__()


def is_lazy(value: object) -> TypeGuard[Lazy]:
    """Return whether it is such a value, without waiting for it."""
    return type(value) is Lazy


def value_of(lazy: Lazy) -> Any:
    """Return the value; wait for it where it is not there yet."""
    value = object.__getattribute__(lazy, "_lazy_value")
    if value is _UNSET:
        value = object.__getattribute__(lazy, "_lazy_load")()
        object.__setattr__(lazy, "_lazy_value", value)
    return value


def origin(lazy: Lazy) -> tuple[str, str]:
    """Return the step that makes the value, and what it calls it."""
    return object.__getattribute__(lazy, "_lazy_step"), object.__getattribute__(lazy, "_lazy_name")


def plain(value: object) -> Any:
    """Return the value itself, whether it is one of these or not."""
    return value_of(value) if is_lazy(value) else value


def resolved(value: object) -> Any:
    """Return a value in which none of these is left, at any depth of lists, tuples, sets and dicts.

    A container that holds none comes back as the very same object.
    """
    found: Any = plain(value)
    kind = cast("Any", type(found))
    if kind is dict:
        pairs = {plain(key): resolved(item) for key, item in found.items()}
        return pairs if any(new is not old for new, old in zip(pairs.values(), found.values(), strict=True)) else found
    if kind in CONTAINERS:
        items: list[Any] = [resolved(item) for item in found]
        return kind(items) if any(new is not old for new, old in zip(items, found, strict=True)) else found
    return found


def _itself(value: object) -> object:
    return value


def _forwarding(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that calls the function with the value in the place of itself."""

    def method(self: Lazy, *given: Any) -> Any:
        return function(value_of(self), *map(plain, given))

    return method


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Lazy, other: Any) -> Any:
        return function(plain(other), value_of(self))

    return method


_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lshift", "rshift", "and", "or", "xor")
_ONE_BY_ONE: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in ("lt", "le", "eq", "ne", "gt", "ge", "neg", "pos", "abs", "invert")},
    **{name: getattr(operator, f"__{name}__") for name in _BINARY},
    **{f"i{name}": getattr(operator, f"__i{name}__") for name in _BINARY},
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    "delitem": operator.delitem,
    "contains": operator.contains,
    "index": operator.index,
    "length_hint": operator.length_hint,
    "len": len,
    "bool": bool,
    "int": int,
    "float": float,
    "complex": complex,
    "str": str,
    "repr": repr,
    "bytes": bytes,
    "hash": hash,
    "dir": dir,
    "format": format,
    "round": round,
    "trunc": math.trunc,
    "floor": math.floor,
    "ceil": math.ceil,
    "iter": iter,
    "next": next,
    "divmod": divmod,
}
for _name, _function in _ONE_BY_ONE.items():
    setattr(Lazy, f"__{_name}__", _forwarding(_function))
for _name in (*_BINARY, "divmod"):
    setattr(Lazy, f"__r{_name}__", _reflected(_ONE_BY_ONE[_name]))
