"""What a call of a component becomes: how its step is given each argument.

A value that is not there yet becomes a reference, also deep inside lists, tuples and dicts; what a reference would mean
in any other text means nothing here. It must never know which steps there are, or how they run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from penstock.core import refs
from penstock.core.errors import Invalid
from penstock.core.parameters import is_plain
from penstock.core.pipeline import Argument
from penstock.sdk.lazy import is_lazy, origin
from penstock.sdk.steps import Given, is_json


def bound(function: Callable[..., object], given: tuple[object, ...], named: Mapping[str, object]) -> dict[str, object]:
    """Return the arguments of a call by name, defaults included.

    Raises:
        TypeError: The function cannot be called so.
        Invalid: Some of them have no name.
    """
    found = inspect.signature(function).bind(*given, **named)
    found.apply_defaults()
    arguments: dict[str, object] = {}
    for name, value in found.arguments.items():
        match found.signature.parameters[name].kind:
            case inspect.Parameter.VAR_POSITIONAL:
                if value:
                    message = f"{function.__name__}() was called with {len(value)} arguments that have no name"
                    raise Invalid(message, hint="a step gets its arguments by name: give a list instead of *arguments")
            case inspect.Parameter.VAR_KEYWORD:
                arguments |= value
            case _:
                arguments[name] = value
    return arguments


def as_given(step: str, name: str, value: object) -> Given:
    """Return how a step is given a value: itself where it is plain or refers to other steps, else as an artifact."""
    written = _written(value)
    if written is value:
        plain = is_plain(value)
        return Given(Argument(value=refs.quote(value)) if plain else Argument(artifact=f"{step}.{name}"), value)  # type: ignore[arg-type]
    if is_json(written):
        return Given(Argument(value=written))
    return Given(Argument(artifact=f"{step}.{name}", references=tuple(_references(value))), written)


def reference(step: str, name: str) -> str:
    """Return the text that stands for what a step returns under this name."""
    path = "artifacts." if name == "id" else ""
    return f"${{{refs.escape(step)}.{path}{refs.escape(name)}}}"


def _written(value: Any) -> Any:
    """Return a value with references in the place of what is not there yet; the same object when all is there."""
    if is_lazy(value):
        return reference(*origin(value))
    if not _has_lazy(value):
        return value
    kind = cast("Any", type(value))
    if kind is dict:
        return {key: _written_in_container(item) for key, item in value.items()}
    items: list[Any] = [_written_in_container(item) for item in value]
    return items if kind is list else getattr(kind, "_make", tuple)(items)


def _written_in_container(value: object) -> Any:
    """As `_written`; but texts are quoted, because the container's are looked through for references."""
    return _written(value) if is_lazy(value) or _has_lazy(value) else refs.quote(value)


def _has_lazy(value: object) -> bool:
    return any(True for _ in _lazies(value))


def _references(value: object) -> Iterator[str]:
    return (reference(*origin(one)) for one in _lazies(value))


def _lazies(value: Any) -> Iterator[Any]:
    """Yield what is not there yet in a value, at any depth of lists, tuples and dicts; nothing waits for it."""
    if is_lazy(value):
        yield value
        return
    kind = cast("Any", type(value))
    items: Iterable[Any] = ()
    if kind is dict:
        items = value.values()
    elif kind in {list, tuple} or hasattr(kind, "_make"):
        items = value
    for item in items:
        yield from _lazies(item)
