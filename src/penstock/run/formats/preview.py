"""Previews: short texts that show a value to a person.

They are made where the value is, so that nobody has to load it to look at it. Making one never fails and never takes
long, whatever the value's own `repr` does.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sized
from itertools import islice
from typing import TYPE_CHECKING

from penstock.core.outputs import TableHead
from penstock.run.formats.stored import package_of, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

LIMIT = 2_000
ROWS, COLUMNS, CELL = 200, 20, 40
MOST = 80_000  # characters of a table's first rows: fewer rows where these are long
_LONG_REPR = 1 << 20  # stored bytes from which on an unknown type's own repr is not trusted to be short
_SHORT_REPRS = {"numpy", "pandas", "polars", "pyarrow", "sklearn", "torch", "xgboost", "lightgbm", "datetime"}


def cut(text: str) -> str:
    """Return at most LIMIT characters of the text, all of which a database and a browser can take."""
    clean = text[: LIMIT + 1].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return clean if len(clean) <= LIMIT else clean[: LIMIT - 3] + "..."


def safely(make: Callable[[], str]) -> str:
    """Return the cut text that `make` returns, or what went wrong in it."""
    try:
        return cut(make())
    except Exception as error:  # noqa: BLE001 - user code runs in here, and a preview is never worth a failed step
        return cut(f"(no preview: {type(error).__name__} was raised)")


def head(make: Callable[[], tuple[Sequence[object], Sequence[object], Iterable[Sequence[object]]]]) -> TableHead | None:
    """Return the first rows of a table from names, types and rows that `make` returns; None when it raises."""
    try:
        names, types, rows = make()
        return TableHead(
            columns=tuple(map(_cell, names[:COLUMNS])),
            types=tuple(_cell(str(kind)) for kind in types[:COLUMNS]),
            rows=tuple(_rows(rows)),
        )
    except Exception:  # noqa: BLE001 - user code runs in here, and a preview is never worth a failed step
        return None


def _rows(rows: Iterable[Sequence[object]]) -> Iterator[tuple[str, ...]]:
    left = MOST
    for row in islice(rows, ROWS):
        cells = tuple(map(_cell, row[:COLUMNS]))
        left -= sum(map(len, cells))
        if left < 0:
            return
        yield cells


def _cell(value: object) -> str:
    text = value[: CELL + 1] if isinstance(value, str) else reprlib.repr(value) if _is_long(value) else str(value)
    clean = text[: CELL + 1].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return clean if len(clean) <= CELL else f"{clean[: CELL - 1]}…"


def _is_long(value: object) -> bool:
    """Return whether a value may hold so much that its own text takes long."""
    return isinstance(value, Sized) and not isinstance(value, str)


def of_object(value: object, stored_bytes: int) -> str:
    """Return the start of a value's repr; where a large value's own may take long, that of its first attributes."""
    return safely(lambda: _Head(trusting=stored_bytes < _LONG_REPR).repr(value))


class _Head(reprlib.Repr):
    """A repr that looks at the first elements only."""

    def __init__(self, *, trusting: bool) -> None:
        super().__init__()
        self._trusting = trusting
        self.maxlevel = 4
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = self.maxarray = 20
        self.maxdict = 20
        self.maxstring = self.maxlong = 200
        self.maxother = LIMIT

    def repr_instance(self, x: object, level: int) -> str:
        """Return the value's own repr, or its type and first attributes."""
        if self._trusting or package_of(type(x)) in _SHORT_REPRS:
            return repr(x)[: self.maxother]
        name = type_name(type(x))
        attributes: dict[str, object] = getattr(x, "__dict__", {})
        if level <= 0 or isinstance(x, type) or not attributes:
            return f"<{name}>"
        shown = [f"{key}={self.repr1(one, level - 1)}" for key, one in islice(attributes.items(), 10)]
        return f"{name}({', '.join(shown)}{', ...' if len(attributes) > len(shown) else ''})"
