"""pandas frames and series as Arrow IPC files that give back dtypes, labels and index exactly.

pyarrow keeps the columns. What it would change (columns of Python objects, labels, the index and its frequency, attrs)
is taken apart, written beside them and put together again. Before anything is written, the first rows make the whole
way there and back: a frame that would not come back the same is left to pickle.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pandas as pd

from penstock.run.formats import plain, preview
from penstock.run.formats.arrow_tables import arrow, read_table, through_file, write_table
from penstock.run.formats.pandas_columns import pack_columns, unpack_columns
from penstock.run.formats.pandas_labels import pack_labels, pack_name, same_labels, unpack_labels, unpack_name
from penstock.run.formats.stored import Facts, Unsuited

if TYPE_CHECKING:
    from penstock.blobs.files import BlobWriter
    from penstock.run.formats.arrow_tables import Table
    from penstock.run.formats.pandas_labels import Labels
    from penstock.run.formats.stored import Format, Source

Value: TypeAlias = "pd.DataFrame | pd.Series[Any]"

_HEAD = 20
_SHOWN = 5
_FACTS = b"penstock"
_INDEX = b"penstock.index"  # what pyarrow notes about the columns that make up the index
_LABELS = b"penstock.labels"  # an Arrow file with the labels of the columns
_PANDAS = b"pandas"


class Pandas:
    """Arrow IPC files; other programs see a column for each column, and one for each level of the index."""

    name = "arrow"

    def accepts(self, value: object) -> bool:
        """Return whether it is a frame or a series and no subclass."""
        return type(value) in (pd.DataFrame, pd.Series)

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Write the frame after sending its first rows there and back."""
        known = cast("Value", value)
        head = known.head(_HEAD)
        table = _pack(head)
        if not _same(head, _unpack(through_file(table))):
            raise Unsuited("Arrow would change a dtype, the index or the labels")
        write_table(table if len(known) == len(head) else _pack(known), sink)
        columns = 1 if isinstance(known, pd.Series) else known.shape[1]
        facts = {"rows": str(len(known)), "columns": str(columns)}
        return Facts(
            preview=preview.safely(lambda: _describe(known)), table=preview.head(lambda: _first(known)), metadata=facts
        )

    def read(self, source: Source) -> object:
        """Return the frame or series."""
        return _unpack(read_table(source.path))


FORMATS: tuple[Format, ...] = (Pandas(),)


def _pack(value: Value) -> Table:
    if not value.flags.allows_duplicate_labels:
        raise Unsuited("Arrow does not keep the flag that forbids duplicate labels")
    if not plain.is_plain(value.attrs):
        raise Unsuited("its attrs hold what JSON does not keep")
    facts: dict[str, Any] = {"attrs": value.attrs}
    if isinstance(value, pd.Series):
        facts["series"] = pack_name(value.name)
        frame, labels = value.to_frame("values"), b""
    else:
        frame = value
        facts["labels"], facts["label casts"], labels = _pack_labels(frame.columns)
    names = _names(frame.columns, [])
    table, facts["casts"] = pack_columns(frame, names)
    facts["width"] = len(names)
    facts["index"], levels = pack_labels(frame.index)
    level_names = _names(frame.index.names, names) if levels.shape[1] else []
    index, facts["index casts"] = pack_columns(levels, level_names)
    notes = {_PANDAS: _note(table), _INDEX: _note(index), _LABELS: labels, _FACTS: json.dumps(facts).encode()}
    if not names:
        table = index
    else:
        for field, column in zip(index.schema, index.columns, strict=True):
            table = table.append_column(field, column)
    return table.replace_schema_metadata(notes)


def _unpack(table: Table) -> Value:
    notes: dict[bytes, bytes] = table.schema.metadata
    facts: dict[str, Any] = json.loads(notes[_FACTS])
    width: int = facts["width"]
    frame = unpack_columns(_part(table, 0, width, notes[_PANDAS]), facts["casts"])
    levels = unpack_columns(_part(table, width, table.num_columns, notes[_INDEX]), facts["index casts"])
    index = unpack_labels(facts["index"], levels)
    frame = frame.set_axis(index, axis=0) if width else pd.DataFrame(index=index)
    if "series" in facts:
        value: Value = frame.iloc[:, 0].rename(unpack_name(facts["series"]))
    else:
        frame.columns = _unpack_labels(facts["labels"], facts["label casts"], notes[_LABELS])
        value = frame
    value.attrs = facts["attrs"]
    return value


def _pack_labels(labels: Labels) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    facts, columns = pack_labels(labels)
    table, casts = pack_columns(columns, [str(at) for at in range(columns.shape[1])])
    data = BytesIO()
    write_table(table, data)
    return facts, casts, data.getvalue()


def _unpack_labels(facts: dict[str, Any], casts: dict[str, Any], data: bytes) -> Labels:
    return unpack_labels(facts, unpack_columns(arrow.ipc.open_file(data).read_all(), casts))


def _part(table: Table, start: int, stop: int, note: bytes) -> Table:
    return table.select(range(start, stop)).replace_schema_metadata({_PANDAS: note})


def _note(table: Table) -> bytes:
    return bytes(table.schema.metadata[_PANDAS])


def _names(labels: Any, taken: list[str]) -> list[str]:
    """Return the labels where they can be names of Arrow columns, for other readers; else numbers."""
    names = list(labels)
    if all(type(name) is str for name in names) and len({*names, *taken}) == len(names) + len(taken):
        return names
    return [f"{'index ' if taken else ''}{at}" for at in range(len(names))]


def _same(one: Value, other: Value) -> bool:
    if type(one) is not type(other) or not same_labels(one.index, other.index):
        return False
    return _same_columns(one, other) and bool(one.equals(cast("Any", other)))


def _same_columns(one: Value, other: Any) -> bool:
    if isinstance(one, pd.Series):
        return bool(one.name == other.name) and _same_dtype(one.dtype, other.dtype)
    return same_labels(one.columns, other.columns) and all(map(_same_dtype, one.dtypes, other.dtypes))


def _same_dtype(one: object, other: object) -> bool:
    if isinstance(one, pd.CategoricalDtype):
        # Without an order, pandas takes categories in another order for the same.
        return isinstance(other, pd.CategoricalDtype) and same_labels(one.categories, other.categories) and one == other
    return one == other


def _first(value: Value) -> tuple[list[object], list[object], list[list[object]]]:
    """Return names, types and values of the first columns and rows; an index that only counts is none of them."""
    part = value.iloc[: preview.ROWS]
    frame = part.to_frame() if isinstance(part, pd.Series) else part.iloc[:, : preview.COLUMNS]
    columns: list[tuple[object, object, list[object]]] = []
    if not isinstance(frame.index, pd.RangeIndex):
        columns.append(("" if frame.index.name is None else frame.index.name, frame.index.dtype, list(frame.index)))
    columns += [(name, column.dtype, list(column)) for name, column in frame.items()]
    rows = [[values[row] for _, _, values in columns] for row in range(len(frame))]
    return [name for name, _, _ in columns], [kind for _, kind, _ in columns], rows


def _describe(value: Value) -> str:
    if isinstance(value, pd.Series):
        return f"series of {len(value):,}, dtype {value.dtype}\n{value.head(_SHOWN).to_string()}"
    rows, columns = value.shape
    lines = [f"{rows:,} rows x {columns:,} columns"]
    lines += [f"{name}: {dtype}" for name, dtype in list(value.dtypes.items())[:30]]
    head = value.iloc[:_SHOWN, :20]
    return "\n".join([*lines, head.to_string(max_colwidth=40)])
