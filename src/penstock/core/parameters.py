"""The types of parameters: which one a parameter has, and how a text becomes a value of it.

Values come as Python objects from code and as texts from the command line and the page; both go through `cast`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, datetime
from enum import Enum
from typing import Literal, get_args, get_origin
from typing import cast as assume

from msgspec import Struct

from penstock.core.errors import BadParameter
from penstock.core.secret import SECRET, Secret
from penstock.core.task import Json, Parameter

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
STRUCTURES = frozenset({"list", "tuple", "dict"})
LARGEST = 2**63  # what a 64-bit integer of the database can hold


class Declared(Struct, frozen=True, kw_only=True):
    """What the code of a pipeline says of a parameter beside its type and its value.

    Args:
        default: The value that it has unless a run is given another.
        choices: The only values that it may have; empty for any of its type.
    """

    default: Json = None
    choices: tuple[Json, ...] = ()


def type_name(param_type: object, default: object) -> str:
    """Return the name of a parameter's type: the one asked for, else that of its default; empty when free.

    Args:
        param_type: `int`, `"int"`, ... or None. Of a `Literal` or an `Enum` it is the type of the first value.
        default: The parameter's default value.

    Raises:
        BadParameter: The type is none that a parameter may have.
    """
    found = choices(param_type) or choices(type(default))
    if found:
        return _known(type(found[0]).__name__)
    if param_type is None:
        return "" if default is None else _known(type(default).__name__)
    return _known(param_type if isinstance(param_type, str) else getattr(param_type, "__name__", str(param_type)))


def is_secret_type(param_type: object) -> bool:
    """Return whether parameters of this type, or type's name, are secrets."""
    name = param_type if isinstance(param_type, str) else getattr(param_type, "__name__", "")
    return OTHER_NAMES.get(name, name) == SECRET


def choices(param_type: object) -> tuple[Json, ...]:
    """Return the values that a `Literal` or an `Enum` allows; none for other types, which allow more."""
    if get_origin(param_type) is Literal:
        return get_args(param_type)
    is_enum = isinstance(param_type, type) and issubclass(param_type, Enum)
    return tuple(one.value for one in assume("type[Enum]", param_type)) if is_enum else ()


def choose(parameter: Parameter, value: object, declared: Declared | None) -> Json:
    """Return the value in the parameter's type, where it is one of its choices.

    Raises:
        BadParameter: It does not fit, or is none of them.
    """
    found = cast(parameter, value)
    if parameter.type == SECRET:
        return found
    if declared is not None and declared.choices and found not in (*declared.choices, declared.default):
        allowed = ", ".join(map(repr, declared.choices))
        raise BadParameter(f"parameter {parameter.name!r} cannot be {found!r}", hint=f"choose one of {allowed}")
    return found


def cast(parameter: Parameter, value: object) -> Json:
    """Return the value in the parameter's type; as it is, where that is none that we know.

    Raises:
        BadParameter: It does not fit; the message names the parameter, the value and the type.
    """
    value = value.value if isinstance(value, Enum) else value
    if value is None or parameter.type not in CASTS:
        return held(value, parameter.name)
    try:
        return held(CASTS[parameter.type](value), parameter.name)
    except (ValueError, TypeError, OverflowError, RecursionError):
        shown = f"a {type(value).__name__}" if parameter.type == SECRET else repr(value)
        raise BadParameter(
            f"parameter {parameter.name!r} must be {ARTICLES[parameter.type]}, not {shown}",
            hint=f"give a value such as {EXAMPLES[parameter.type]}",
        ) from None


def restore(parameter: Parameter) -> object:
    """Return the recorded value as Python had it: what JSON cannot write was recorded as a text."""
    value = parameter.value
    if not isinstance(value, str):
        return value
    with suppress(ValueError, RecursionError, BadParameter):  # it may be a text: types are kept, not enforced
        if parameter.type == "float":
            return float(value)
        if parameter.type in STRUCTURES:
            found: object = json.loads(value)
            return found if held(found, parameter.name) == value else value
    return value


def is_plain(value: object) -> bool:
    """Return whether a parameter can hold the value itself: None, bool, str, and numbers that JSON can write."""
    kind = type(value)
    if kind is int:
        return -LARGEST <= assume("int", value) < LARGEST
    if kind is float:
        return math.isfinite(assume("float", value))
    if kind is str:
        return _is_unicode(assume("str", value))
    return value is None or kind is bool


def _is_unicode(text: str) -> bool:
    """Return whether the text can be written as UTF-8; half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def held(value: object, name: str) -> Json:
    """Return the value as a parameter holds it, for `restore` to make the same of it again.

    Numbers that JSON cannot write become texts; a list or dict that has some inside becomes one text as a whole.

    Raises:
        BadParameter: A parameter cannot hold it.
    """
    found = plain(value, name)
    if isinstance(found, list | dict) and found != (whole := _plain(value, name, float)):
        return json.dumps(whole)
    return found


def plain(value: object, name: str) -> Json:
    """Return the value as JSON can hold it; raise BadParameter naming the parameter when JSON cannot."""
    return _plain(value, name, _float)


def _plain(value: object, name: str, number: Callable[[float], Json]) -> Json:
    if is_plain(value):
        return assume("Json", value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list | tuple):
        return [_plain(item, name, number) for item in assume("Iterable[object]", value)]
    if isinstance(value, dict):
        return {str(key): _plain(item, name, number) for key, item in assume("dict[object, object]", value).items()}
    raise BadParameter(
        f"parameter {name!r} cannot hold a {type(value).__name__}",
        hint="use None, a bool, number or string, or lists and dicts of these; pass other values as function_kwargs",
    )


def _known(name: str) -> str:
    name = OTHER_NAMES.get(name, name)
    if name and name not in CASTS:
        raise BadParameter(f"a parameter cannot be of type {name!r}", hint=f"choose one of {', '.join(CASTS)}")
    return name


def _bool(value: object) -> bool:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in TRUE or word in FALSE:
            return word in TRUE
        raise ValueError
    if isinstance(value, bool | int) and value in {0, 1}:
        return bool(value)
    raise ValueError


def _int(value: object) -> int:
    if isinstance(value, str):
        return int(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float) or int(value) != value:
        raise ValueError
    return int(value)


def _float(value: object) -> Json:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _date(value: object) -> str:
    return date.fromisoformat(str(value).strip()).isoformat()


def _datetime(value: object) -> str:
    return datetime.fromisoformat(str(value).strip()).isoformat()


def _secret(value: object) -> str:
    """Return the text of a secret, however it is wrapped: as ours, or as pydantic's `SecretStr`."""
    if isinstance(value, Secret):
        return value.text
    text = value.get_secret_value() if type(value).__name__ == "SecretStr" else value  # type: ignore[attr-defined]
    if not isinstance(text, str):
        raise TypeError
    return text


def _structure(kind: type) -> Callable[[object], Json]:
    def read(value: object) -> Json:
        found: object = json.loads(value) if isinstance(value, str) else value
        if isinstance(found, tuple):
            found = list(assume("tuple[object, ...]", found))
        if not isinstance(found, kind):
            raise TypeError
        return assume("Json", found)

    return read


CASTS: dict[str, Callable[[object], Json]] = {
    "str": str,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "list": _structure(list),
    "dict": _structure(dict),
    "date": _date,
    "datetime": _datetime,
    "path": str,
    SECRET: _secret,
}
OTHER_NAMES = {"tuple": "list", "NoneType": "", "Path": "path", "PosixPath": "path", "WindowsPath": "path",
               "Secret": SECRET, "SecretStr": SECRET}  # fmt: skip
ARTICLES = {"str": "a text", "int": "an integer", "float": "a number", "bool": "true or false", "list": "a list",
            "dict": "a dict", "date": "a date", "datetime": "a date with a time",
            "path": "a file or folder", SECRET: "a text that is kept secret"}  # fmt: skip
EXAMPLES = {"str": "text", "int": "3", "float": "1e-4", "bool": "true", "list": "'[1, 2]'", "dict": "'{\"a\": 1}'",
            "date": "2026-01-31", "datetime": "2026-01-31T12:00:00", "path": "data/train.csv",
            SECRET: "text"}  # fmt: skip
