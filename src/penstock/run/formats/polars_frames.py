"""polars frames and series as Arrow IPC files, written and read by polars itself."""

from __future__ import annotations

from io import BytesIO
from typing import IO, TYPE_CHECKING, cast

import polars

from penstock.run.formats import preview
from penstock.run.formats.stored import Facts, Unsuited

if TYPE_CHECKING:
    from penstock.blobs.files import BlobWriter
    from penstock.run.formats.stored import Format, Source

_SERIES = "polars.Series"
_HEAD = 20


class Polars:
    """Arrow IPC files with polars' own notes on types, not compressed, so that they can be mapped into memory."""

    name = "arrow"

    def accepts(self, value: object) -> bool:
        """Return whether it is a frame or a series."""
        return type(value) in (polars.DataFrame, polars.Series)

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Write the frame, or the series as the only column of one."""
        frame = value.to_frame() if isinstance(value, polars.Series) else cast("polars.DataFrame", value)
        _check(frame.head(_HEAD))
        _write(frame, cast("IO[bytes]", sink))
        facts = {"rows": str(frame.height), "columns": str(frame.width)}
        first = frame.head(preview.ROWS).select(frame.columns[: preview.COLUMNS])
        table = preview.head(lambda: (first.columns, first.dtypes, first.rows()))
        return Facts(preview=preview.safely(lambda: str(frame.head(5))), table=table, metadata=facts)

    def read(self, source: Source) -> object:
        """Return the frame over a mapping of the file, or the series."""
        frame = polars.read_ipc(source.path)
        return frame.to_series() if source.type == _SERIES else frame


FORMATS: tuple[Format, ...] = (Polars(),)


def _check(head: polars.DataFrame) -> None:
    data = BytesIO()
    try:
        _write(head, data)
        back = polars.read_ipc(data.getvalue())
        is_same = list(back.schema.items()) == list(head.schema.items()) and back.equals(head)
    except polars.exceptions.PanicException as panic:  # no Exception, of all things
        raise Unsuited(f"polars cannot write this frame: {preview.cut(str(panic))}") from panic
    if not is_same:
        raise Unsuited("polars does not give this frame back from an Arrow file")


def _write(frame: polars.DataFrame, file: IO[bytes]) -> None:
    frame.write_ipc(file, compat_level=polars.CompatLevel.newest())
