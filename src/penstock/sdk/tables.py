"""Rows of a table from what libraries and files hold: frames, lists, CSV. The libraries themselves are not imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from penstock.core.errors import Invalid


def rows(table: object) -> list[list[object]]:
    """Return the rows of a frame or a list; the first holds the names of the columns."""
    kind = type(table)
    module = kind.__module__.partition(".")[0]
    frame: Any = table
    if module == "pandas":
        split = frame.reset_index().to_dict("split") if frame.index.name else frame.to_dict("split")
        return [list(split["columns"]), *split["data"]]
    if module == "polars":
        return [list(frame.columns), *(list(row) for row in frame.rows())]
    if isinstance(table, list | tuple):
        found: Sequence[object] = frame
        if all(isinstance(row, list | tuple) for row in found):
            return [list(cast("Sequence[object]", row)) for row in found]
    raise Invalid(f"a {kind.__name__} is not a table", hint="give a frame, or a list of rows")


def read_csv(path: str | Path) -> list[list[object]]:
    """Return the rows of a CSV file."""
    import csv

    with Path(path).open(newline="", encoding="utf-8") as file:
        return [list(row) for row in csv.reader(file)]
