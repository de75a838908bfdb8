"""One value of the user's code as a parameter, and a parameter as a value of the type that the code's own value has.

What a parameter cannot hold - an array, a function - is recorded as a short text for people, and stays what the code
made it. It must never know what the value belongs to: a dict, an object, a command line.
"""

from __future__ import annotations

import ast
import datetime
import decimal
import fractions
import json
import math
import uuid
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import Enum
from pathlib import PurePath
from typing import Any, NamedTuple, cast

from penstock.core import parameters
from penstock.core.errors import BadParameter
from penstock.core.flat import Path, is_dict, is_items, join
from penstock.core.secret import MASK
from penstock.core.secret_names import is_secret
from penstock.core.task import Json, Parameter
from penstock.run.connecting.secrets import masked, unmasked

LONGEST = 100_000  # characters of a value that is written as JSON
SHOWN = 1_000  # characters of the text that stands for what a parameter cannot hold
FIXED = "it cannot be changed from outside)"

_DIGITS = 4_300  # Python reads no longer number
_SCALARS: tuple[type, ...] = (bool, int, float, str)
# What its own text says in full, and what reads that text.
_TEXTUAL: dict[type, Callable[[str], object]] = {
    datetime.datetime: datetime.datetime.fromisoformat,
    datetime.date: datetime.date.fromisoformat,
    datetime.time: datetime.time.fromisoformat,
    decimal.Decimal: decimal.Decimal,
    fractions.Fraction: fractions.Fraction,
    uuid.UUID: uuid.UUID,
}


class Recorded(NamedTuple):
    """A value as a parameter holds it, with the name of its type; `fixed` names the kind that it cannot hold."""

    value: Json
    type: str
    fixed: str = ""


class Unfit(Exception):
    """A text is no value of the wanted type; the message says which it is not, as in "it must be an integer"."""


def parameter(section: str, path: Path, value: object, description: str = "") -> Parameter:
    """Return a value of the user's code as a parameter; secrets are masked.

    Args:
        section: Of the task's parameters.
        path: The keys that lead to the value, from outside in.
        value: Anything at all.
        description: What it is for.
    """
    name = join(path)
    if is_secret(path, value):
        return Parameter(section=section, name=name, value=MASK, type="str", description=description)
    found = record(_masked(value, path))
    if found.fixed:
        description = f"{description} ({found.fixed}: {FIXED}".lstrip()
    return Parameter(section=section, name=name, value=found.value, type=found.type, description=description)


def _masked(value: object, path: Path) -> object:
    """Return a list or dict with the secrets in it masked."""
    return masked(value, path) if type(value) in (list, tuple, dict) else value


def is_fixed(one: Parameter) -> bool:
    """Return whether a parameter shows a value that it could not hold."""
    return one.description.endswith(FIXED)


def record(value: object) -> Recorded:
    """Return the value as a parameter holds it."""
    if value is None:
        return Recorded(None, "")
    if isinstance(value, Enum):
        return Recorded(value.name, "str")
    if isinstance(value, int | float | str):
        return _scalar(value)
    if isinstance(value, PurePath) or type(value) in _TEXTUAL:
        return Recorded(value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value), "str")
    if _is_numpy_scalar(value):
        return record(cast("Any", value).item())
    if isinstance(value, list | tuple | dict | set | frozenset):
        return _structure(cast("object", value))
    return _shown(value)


def _scalar(value: float | str) -> Recorded:
    kind: Any = next(kind for kind in _SCALARS if isinstance(value, kind))
    plain: bool | float | str = kind(value)
    if parameters.is_plain(plain):
        return Recorded(plain, kind.__name__)
    if kind is str or (kind is int and cast("int", plain).bit_length() > _DIGITS * 3):
        return _shown(value)
    return Recorded(str(plain), kind.__name__)  # an infinity, or an integer of more than 64 bits


def _structure(value: object) -> Recorded:
    if isinstance(value, set | frozenset):
        items = cast("Iterable[Any]", value)
        with suppress(TypeError):
            return record(sorted(items))
        return _shown(items)
    with suppress(BadParameter, RecursionError, ValueError, TypeError):
        _refuse_keys(value)
        held = parameters.held(value, "value")
        if len(json.dumps(held)) <= LONGEST:
            return Recorded(held, "dict" if is_dict(value) else "list")
    return _shown(value)


def _refuse_keys(value: object) -> None:
    """Raise TypeError when a dict inside has a key that JSON would make another one."""
    if is_dict(value):
        if not all(type(key) is str and parameters.is_plain(key) for key in value):
            raise TypeError
        for one in value.values():
            _refuse_keys(one)
    elif is_items(value):
        for one in value:
            _refuse_keys(one)


def _shown(value: object) -> Recorded:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - the user's own code may raise anything
        text = f"<its text cannot be read: {type(error).__name__}>"
    text = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    return Recorded(text.encode("utf-8", "backslashreplace").decode(), "str", fixed=type(value).__name__)


def _is_numpy_scalar(value: object) -> bool:
    return type(value).__module__ == "numpy" and getattr(value, "shape", None) == () and hasattr(value, "item")


def assign(one: Parameter, default: object, path: Path = ()) -> object:
    """Return what a task assigns to a value of the code, in the type that the code's own value has.

    Args:
        one: The task's parameter.
        default: The code's own value; it stays where the parameter shows a mask or what it could not hold.
        path: The keys of the value, where they are not those of the parameter's name.

    Raises:
        Unfit: The parameter's value is none of this type.
    """
    secret = one.value == MASK and is_secret(path or (one.name,), MASK + ".")
    own = record(_masked(default, path))
    if secret or own.fixed or is_fixed(one):
        return default
    if own.type == (one.type or own.type) and _same(own.value, one.value):
        return default
    value = fit(one, default)
    return unmasked(value, default) if type(value) in (list, tuple, dict) else value


def fit(one: Parameter, default: object) -> object:
    """Return the parameter's value in the type of the default; raise Unfit when it is none."""
    value = one.value
    if default is None:
        return free(one)
    if value is None or (value == "" and not isinstance(default, str)):
        return None
    kind: Any = type(default)
    try:
        if isinstance(default, Enum):
            return _member(type(default), value)
        if _is_numpy_scalar(default):
            return kind(_CASTS[type(cast("Any", default).item())](value))
        for known, read in _CASTS.items():
            if isinstance(default, known):
                return _again(default, read(value))
        if kind in _TEXTUAL:
            return _TEXTUAL[kind](str(value))
        return cast("object", kind(str(value)))  # a path
    except (ValueError, TypeError, ArithmeticError, KeyError, SyntaxError, RecursionError):
        raise Unfit(f"it must be {_article(default)}") from None


def free(one: Parameter) -> object:
    """Return the parameter's value where the code says nothing of its type: then the parameter's own type counts."""
    if one.value is None or (one.value == "" and one.type != "str"):
        return None
    if one.value == "":
        return None
    kind = next((kind for kind in _CASTS if kind.__name__ == one.type), None)
    try:
        return _CASTS[kind](one.value) if kind else one.value
    except (ValueError, TypeError, SyntaxError, RecursionError):
        raise Unfit(f"it must be {parameters.ARTICLES[one.type]}") from None


def added(one: Parameter) -> object:
    """Return the value of a parameter of which the code knows nothing."""
    if one.value == "" and one.type == "str":
        return ""
    try:
        return free(one)
    except Unfit:
        return one.value


def warn_unfit(one: Parameter, default: object, error: Unfit) -> None:
    """Say that a parameter's value was not taken."""
    shown = MASK if is_secret((one.name,), one.value) else f"{one.value!r:.200}"
    kept = MASK if is_secret((one.name,), default) else f"{record(default).value!r:.200}"
    text = f"parameter {one.path!r} is {shown}, but {error}; the script's own value {kept} stays"
    warnings.warn(text, stacklevel=2)


def read_structure(text: str) -> object:
    """Return what a text says as JSON, as Python, or as YAML where PyYAML is installed."""
    for read in (json.loads, ast.literal_eval, _yaml):
        with suppress(ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            return cast("object", read(text.strip()))
    raise ValueError(text)


def read_list(value: object) -> list[object]:
    """Return a value as a list: a text may write one as `read_structure` reads it, or as words."""
    if isinstance(value, str):
        try:
            found = read_structure(value)
        except ValueError:
            found = value
        return list(found) if is_items(found) else cast("list[object]", value.split())
    return list(value) if is_items(value) else [value]


def _yaml(text: str) -> object:
    try:
        import yaml  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415 - only where a text needs it
    except ImportError:
        raise ValueError(text) from None
    try:
        return cast("object", yaml.safe_load(text))
    except yaml.YAMLError:
        raise ValueError(text) from None


def _same(mine: Json, other: Json) -> bool:
    """Return whether two values are written alike; 1, 1.0 and True are not."""
    return json.dumps(mine) == json.dumps(other)


def _member(kind: type[Enum], value: object) -> Enum:
    """Return the member of this name, else of this value; the task may have the value as a text."""
    if isinstance(value, str) and value in kind.__members__:
        return kind[value]
    for one in kind:
        if value in (one.value, str(one.value)):
            return one
    raise ValueError(value)


def _bool(value: object) -> bool:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in parameters.TRUE | parameters.FALSE:
            return word in parameters.TRUE
        value = float(word)
    if not isinstance(value, int | float) or math.isnan(value):
        raise TypeError
    return value != 0


def _int(value: object) -> int:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    return int(cast("str", value))


def _float(value: object) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(cast("str", value))


def _str(value: object) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _items(value: object) -> list[object]:
    found = read_structure(value) if isinstance(value, str) else value
    if not isinstance(found, list | tuple | set):
        raise TypeError
    return list(cast("Iterable[object]", found))


def _dict(value: object) -> dict[str, object]:
    found = read_structure(value) if isinstance(value, str) else value
    if not is_dict(found):
        raise TypeError
    return {str(key): one for key, one in found.items()}


_CASTS: dict[type, Callable[[object], object]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    list: _items,
    tuple: _items,
    set: _items,
    frozenset: _items,
    dict: _dict,
}


def _again(default: object, value: object) -> object:
    """Return a read value as the very type of the default, and what is inside as the default has it there."""
    kind: Any = type(default)
    if is_items(default):
        own = default
        items = [
            _like(own[min(at, len(own) - 1)], one) if own else one for at, one in enumerate(cast("list[object]", value))
        ]
        return kind._make(items) if hasattr(kind, "_make") else kind(items)
    if is_dict(default) and is_dict(value):
        return {key: _like(default.get(key), one) for key, one in value.items()}
    return value if type(value) is kind else kind(value)


def _like(default: object, value: object) -> object:
    """Return a value inside a list or dict as JSON could not keep it: tuples, and numbers that are no integers."""
    if isinstance(default, float) and not isinstance(value, bool | float) and isinstance(value, int | str):
        with suppress(ValueError, OverflowError):
            return float(value)
    fits = (is_items(default) and is_items(value)) or (is_dict(default) and is_dict(value))
    return _again(default, value) if fits else value


def _article(default: object) -> str:
    if isinstance(default, Enum):
        return f"one of {', '.join(type(default).__members__)}"
    kind = next((kind.__name__ for kind in _CASTS if isinstance(default, kind)), type(default).__name__)
    if _is_numpy_scalar(default):
        kind = type(cast("Any", default).item()).__name__
    return parameters.ARTICLES.get({"tuple": "list", "set": "list", "frozenset": "list"}.get(kind, kind), f"a {kind}")
