r"""Nested values under flat names: `{"a": {"b": 1}}` is the name `a/b` with the value 1, and back.

A `/` or `\` that belongs to a key is written with a `\` before it, so that every key comes back as it was. Nothing here
knows what a value may be, or where names are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias, TypeGuard

from penstock.core.errors import BadParameter

Path: TypeAlias = tuple[str, ...]


def is_dict(value: object) -> TypeGuard[dict[str, object]]:
    """Return whether a value is a dict; that its keys are texts is for `checked` to say."""
    return isinstance(value, dict)


def is_items(value: object) -> TypeGuard[Sequence[object]]:
    """Return whether a value is a list or a tuple."""
    return isinstance(value, list | tuple)


def join(path: Path) -> str:
    r"""Return the flat name of a path: its keys with `/` between, and `\` before a `/` or `\` of their own."""
    return "/".join(re.sub(r"([\\/])", r"\\\1", key) for key in path)


def split(name: str) -> Path:
    """Return the path that a flat name stands for."""
    return tuple(re.sub(r"\\([\\/])", r"\1", part) for part in re.findall(r"(?:^|/)((?:\\[\\/]|[^/])*)", name))


def leaves(tree: Mapping[str, object], above: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield every value that is no dict with something in it, with its path, in the order of the keys.

    Raises:
        BadParameter: A key is no text, or a dict holds itself.
    """
    yield from _leaves(tree, above, (id(tree),))


def _leaves(tree: Mapping[str, object], above: Path, inside: tuple[int, ...]) -> Iterator[tuple[Path, object]]:
    for key, value in tree.items():
        path = (*above, checked(key, above))
        if not is_dict(value) or not value:
            yield path, value
        elif id(value) in inside:
            raise BadParameter(f"{join(path)!r} holds itself", hint="give a dict without loops")
        else:
            yield from _leaves(value, path, (*inside, id(value)))


def checked(key: object, above: Path = ()) -> str:
    """Return a key that may become part of a name.

    Raises:
        BadParameter: It is no text.
    """
    if isinstance(key, str):
        return key
    place = f" in {join(above)!r}" if above else ""
    raise BadParameter(
        f"the key {key!r}{place} is a {type(key).__name__}; names of parameters are texts",
        hint=f"write it as {str(key)!r}",
    )
