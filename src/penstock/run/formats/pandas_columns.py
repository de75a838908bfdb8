"""The columns of a pandas frame as an Arrow table and back, dtypes included. It must never look at labels or index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import pandas as pd

from penstock.run.formats.arrow_tables import Table, arrow
from penstock.run.formats.stored import Unsuited

if TYPE_CHECKING:
    from collections.abc import Callable

Cast: TypeAlias = Sequence[str]
Column: TypeAlias = "pd.Series[Any]"
ArrowColumn: TypeAlias = Any  # a pyarrow.ChunkedArray

_MISSING: dict[frozenset[type], str] = {
    frozenset(): "none",
    frozenset({type(None)}): "none",
    frozenset({float}): "nan",
}


def pack_columns(frame: pd.DataFrame, names: list[str]) -> tuple[Table, dict[str, Cast]]:
    """Return a table with a column for each of the frame's, and what to do to get their dtypes back.

    Args:
        frame: Its labels and its index are not looked at.
        names: The columns' names in the table.

    Raises:
        Unsuited: A column holds Python objects that are not all str or all bytes.
    """
    casts: dict[str, Cast] = {}
    for position, dtype in enumerate(frame.dtypes):
        if found := _cast(frame, position, dtype, names[position]):
            casts[str(position)] = found
    flat = frame.copy(deep=False)
    flat.columns = pd.Index(names)
    flat.index = pd.RangeIndex(len(frame))
    flat.attrs = {}
    table = arrow.Table.from_pandas(flat, preserve_index=False)
    return (_with_notes(table, casts) if casts else table), casts


def unpack_columns(table: Table, casts: dict[str, Cast]) -> pd.DataFrame:
    """Return the frame that a table was made from; its columns have the table's names."""
    placeholder = arrow.nulls(table.num_rows)
    rest = table
    for position in map(int, casts):
        rest = rest.set_column(position, table.schema.names[position], placeholder)
    frame: Any = rest.replace_schema_metadata(table.schema.metadata).to_pandas()
    for at, (kind, detail) in casts.items():
        frame.isetitem(int(at), _CASTS[kind](table.column(int(at)), detail))
    return cast("pd.DataFrame", frame)


def _cast(frame: pd.DataFrame, position: int, dtype: object, name: str) -> Cast | None:
    """Return which of _CASTS the column needs because pyarrow, left alone, would choose another dtype."""
    if dtype == np.dtype(object):
        return ("objects", _missing(frame.iloc[:, position], name))
    if isinstance(dtype, pd.ArrowDtype):
        return ("arrow", "")
    if isinstance(dtype, pd.StringDtype):
        return ("string" if dtype.na_value is pd.NA else "str", str(dtype.storage))
    if isinstance(dtype, pd.CategoricalDtype) and dtype.categories.dtype == np.dtype(object):
        return ("object categories", _missing(dtype.categories.to_series(), name))
    return None


def _with_notes(table: Table, casts: dict[str, Cast]) -> Table:
    """Return the table without what pyarrow notes about the dtypes that it is not to restore: some it cannot read."""
    notes = json.loads(table.schema.metadata[b"pandas"])
    for position in map(int, casts):
        notes["columns"][position]["numpy_type"] = "object"
    return table.replace_schema_metadata({b"pandas": json.dumps(notes).encode()})


def _missing(column: Column, name: str) -> str:
    """Return what stands for a missing value in a column of str or of bytes."""
    values = column.to_numpy()
    kinds = set(map(type, values))
    missing = _MISSING.get(frozenset(kinds - {str, bytes}))
    present = kinds & {str, bytes}
    if missing is None or len(present) > 1 or (missing == "nan" and not _floats_are_nan(values)):
        found = ", ".join(sorted(kind.__name__ for kind in kinds)[:5])
        raise Unsuited(f"column {name!r} holds Python objects ({found}), which have no one type in Arrow")
    return missing


def _floats_are_nan(values: np.ndarray[Any, np.dtype[Any]]) -> bool:
    return all(one != one for one in values if type(one) is float)  # noqa: PLR0124 - only NaN differs from itself


def _objects(column: ArrowColumn, missing: str) -> Column:
    values = np.empty(len(column), dtype=object)
    values[:] = column.to_pylist()
    if missing == "nan":
        values[column.is_null().to_numpy()] = np.nan
    return pd.Series(values, dtype=object)


def _arrow(column: ArrowColumn, _: str) -> Column:
    return pd.Series(pd.arrays.ArrowExtensionArray(column))


def _string(column: ArrowColumn, storage: str) -> Column:
    dtype: Any = cast("Any", pd.StringDtype)(storage)
    return pd.Series(dtype.__from_arrow__(column))


def _str(column: ArrowColumn, storage: str) -> Column:
    dtype: Any = cast("Any", pd.StringDtype)(storage, na_value=np.nan)  # pandas 3 has it
    return pd.Series(dtype.__from_arrow__(column))


def _object_categories(column: ArrowColumn, _: str) -> Column:
    values: Any = column.to_pandas()
    return cast("Column", values.cat.rename_categories(values.cat.categories.astype(object)))


_CASTS: dict[str, Callable[[ArrowColumn, str], Column]] = {
    "objects": _objects,
    "arrow": _arrow,
    "string": _string,
    "str": _str,
    "object categories": _object_categories,
}
