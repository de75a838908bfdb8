"""pyarrow tables and record batches as Arrow IPC files, and what every format that writes such files shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow

from penstock.run.formats import preview
from penstock.run.formats.stored import Facts, Unsuited

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.blobs.files import BlobWriter
    from penstock.run.formats.stored import Format, Source

arrow: Any = pyarrow  # it has no type hints
Table: TypeAlias = Any  # a pyarrow.Table

_BATCH = "pyarrow.RecordBatch"
_HEAD = 5


class Tables:
    """Arrow IPC files, not compressed, so that they can be mapped into memory."""

    name = "arrow"

    def accepts(self, value: object) -> bool:
        """Return whether it is a table or a record batch."""
        return type(value) in (arrow.Table, arrow.RecordBatch)

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Write the table with its schema's metadata and its division into batches."""
        is_batch = type(value) is arrow.RecordBatch
        table: Table = arrow.Table.from_batches([value]) if is_batch else value
        head = table.slice(0, _HEAD)
        if not through_file(head).schema.equals(head.schema, check_metadata=True):
            raise Unsuited("Arrow does not give this table's schema back")
        write_table(table, sink)
        facts = {"rows": str(table.num_rows), "columns": str(table.num_columns)}
        return Facts(
            preview=preview.safely(lambda: _describe(table)), table=preview.head(lambda: _first(table)), metadata=facts
        )

    def read(self, source: Source) -> object:
        """Return the table over a mapping of the file."""
        table = read_table(source.path)
        if source.type != _BATCH:
            return table
        batches = table.combine_chunks().to_batches()
        return batches[0] if batches else arrow.RecordBatch.from_pylist([], schema=table.schema)


FORMATS: tuple[Format, ...] = (Tables(),)


def write_table(table: Table, sink: object) -> None:
    """Write an Arrow table as an IPC file."""
    # A file, unlike a stream, takes one dictionary for each column.
    whole = table.unify_dictionaries()
    with arrow.ipc.new_file(sink, whole.schema) as writer:
        if whole.num_rows or not all(column.num_chunks for column in whole.columns):
            writer.write_table(whole)
        else:  # write_table() would write nothing, and the dictionaries would be lost
            columns = [column.chunk(0) for column in whole.columns]
            writer.write_batch(arrow.RecordBatch.from_arrays(columns, schema=whole.schema))


def through_file(table: Table) -> Table:
    """Return what comes back when the table is written and read."""
    data = arrow.BufferOutputStream()
    write_table(table, data)
    return arrow.ipc.open_file(data.getvalue()).read_all()


def read_table(path: Path) -> Table:
    """Return the table in an IPC file, over a mapping of the file that lives as long as the table."""
    with arrow.memory_map(str(path)) as file:
        return arrow.ipc.open_file(file).read_all()


def _first(table: Table) -> tuple[list[str], list[str], list[list[object]]]:
    """Return names, types and values of the first columns and rows."""
    part = table.slice(0, preview.ROWS).select(list(range(min(table.num_columns, preview.COLUMNS))))
    columns: list[list[object]] = [column.to_pylist() for column in part.columns]
    types = [str(field.type) for field in part.schema]
    return part.column_names, types, [[column[row] for column in columns] for row in range(part.num_rows)]


def _describe(table: Table) -> str:
    lines = [f"{table.num_rows:,} rows x {table.num_columns:,} columns"]
    lines += [f"{field.name}: {field.type}" for field in list(table.schema)[:30]]
    lines += [str(row) for row in table.slice(0, _HEAD).to_pylist()]
    return "\n".join(lines)
