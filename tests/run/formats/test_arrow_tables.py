from __future__ import annotations

import pyarrow as pa
import pytest

TABLE = pa.table(
    {
        "number": [1, 2, None],
        "word": pa.array(["x", "y", "x"]).dictionary_encode(),
        "list": [[1], [2, 3], None],
        "time": pa.array([1, 2, 3], pa.timestamp("us", tz="Europe/Rome")),
    }
).replace_schema_metadata({"unit": "m"})
CHUNKS = pa.concat_tables([TABLE, TABLE.slice(1)])


@pytest.mark.parametrize(
    "table",
    [TABLE, CHUNKS, TABLE.slice(0, 0), TABLE.slice(1, 1), TABLE.select([]), pa.table({}), TABLE.schema.empty_table()],
    ids=["whole", "chunks", "no rows", "slice", "no columns", "empty", "schema"],
)
def test_a_table_comes_back_with_its_schema(shelf, table: pa.Table) -> None:
    kept = shelf.keep(table)
    assert (kept.stored.format, kept.stored.type) == ("arrow", "pyarrow.Table")
    assert kept.value.equals(table, check_metadata=True)
    assert kept.value.num_rows == table.num_rows


@pytest.mark.parametrize("rows", [0, 3])
def test_a_record_batch_comes_back_as_one(shelf, rows: int) -> None:
    batch = TABLE.to_batches()[0].slice(0, rows)
    kept = shelf.keep(batch)
    assert kept.stored.type == "pyarrow.RecordBatch"
    assert type(kept.value) is pa.RecordBatch
    assert kept.value.equals(batch, check_metadata=True)


def test_chunks_with_dictionaries_of_their_own_come_back_with_the_same_values(shelf) -> None:
    other = TABLE.set_column(1, "word", pa.array(["z", "z", None]).dictionary_encode())
    table = pa.concat_tables([TABLE, other])
    kept = shelf.keep(table)
    assert kept.value.equals(table.unify_dictionaries(), check_metadata=True)
    assert kept.value.to_pydict() == table.to_pydict()


class Unregistered(pa.ExtensionType):
    def __init__(self) -> None:
        super().__init__(pa.int64(), "test.unregistered")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: object, serialized: object) -> Unregistered:
        return cls()


def test_a_type_that_the_reader_would_not_know_is_pickled_and_says_why(shelf) -> None:
    column = pa.ExtensionArray.from_storage(Unregistered(), pa.array([1]))
    kept = shelf.keep(pa.table({"a": column}))
    assert kept.stored.format == "pickle"
    assert "schema" in kept.stored.metadata["note"]


def test_a_loaded_table_outlives_its_file(fresh_shelf) -> None:
    kept = fresh_shelf.keep(TABLE)
    fresh_shelf.blobs.delete(kept.path.name)
    assert kept.value.to_pydict() == TABLE.to_pydict()


def test_a_preview_tells_schema_and_first_rows(shelf) -> None:
    stored = shelf.keep(TABLE).stored
    assert stored.preview.startswith("3 rows x 4 columns\nnumber: int64\n")
    assert "'number': 1" in stored.preview
    assert stored.metadata == {"rows": "3", "columns": "4"}


def test_the_first_rows_are_told_as_data(shelf) -> None:
    table = shelf.keep(pa.table({"a": range(99), "b": ["é"] * 99})).stored.table
    assert (table.columns, table.types) == (("a", "b"), ("int64", "string"))
    assert (len(table.rows), table.rows[9]) == (99, ("9", "é"))
    none = shelf.keep(pa.table({"a": pa.array([], pa.int8())})).stored.table
    assert (none.types, none.rows) == (("int8",), ())
