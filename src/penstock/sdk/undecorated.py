"""Takes from the text of a function the decorators that say how a pipeline uses it: its task has no use for them.

They would bring along what their arguments name, such as callbacks of the script. Other decorators stay.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec.structs import replace

from penstock.sdk.source import DEFINITIONS, Statement

T = TypeVar("T")

MARK = "stays_with_the_pipeline"
"""The attribute of such a decorator."""


def undecorated(found: Iterable[Statement | T], live: Mapping[str, object]) -> Iterator[Statement | T]:
    """Yield statements without these decorators, and all else as it is.

    Args:
        live: What the names of the statements' module mean.
    """
    for one in found:
        if isinstance(one, Statement) and one.kind == "definition" and one.text.startswith("@"):
            yield replace(one, text=_without(one.text, live))
        else:
            yield one


def _without(text: str, live: Mapping[str, object]) -> str:
    (node, *_) = ast.parse(text).body
    decorators = node.decorator_list if isinstance(node, DEFINITIONS) else []
    gone = [one for one in decorators if _is_marked(one, live)]
    taken = {line for one in gone for line in range(one.lineno, (one.end_lineno or one.lineno) + 1)}
    kept = (line for number, line in enumerate(text.split("\n"), start=1) if number not in taken)
    return "\n".join(kept) if gone else text


def _is_marked(decorator: ast.expr, live: Mapping[str, object]) -> bool:
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    path: list[str] = []
    while isinstance(node, ast.Attribute):
        path.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return False
    value = live.get(node.id)
    for name in reversed(path):
        value = getattr(value, name, None)
    return getattr(value, MARK, False) is True
