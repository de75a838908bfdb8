"""How our values travel to PostgreSQL and back, so that it keeps what SQLite keeps.

PostgreSQL's texts hold every character but NUL, which messages of a user's exception may well hold. So NUL travels as
two characters, and so does the first of these two, which leaves the order of texts as it is. Whole numbers always
travel as 64 bits: the driver's own choice among three widths would prepare each statement several times.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.pq import Format
from psycopg.types.numeric import FloatBinaryDumper
from psycopg.types.string import BytesBinaryDumper

_TEXT: Final = psycopg.adapters.types["text"].oid
_INT8: Final = psycopg.adapters.types["int8"].oid

_NUL, _MARK = "\0", "\1"
_NUL_STORED, _MARK_STORED = "\1\1", "\1\2"


def adapt(connection: psycopg.Connection[Any]) -> None:
    """Have this connection carry values our way."""
    adapters = connection.adapters
    adapters.register_dumper(str, TextDumper)
    adapters.register_dumper(int, WholeNumberDumper)
    adapters.register_dumper(bool, WholeNumberDumper)
    adapters.register_dumper(float, FloatBinaryDumper)
    adapters.register_dumper(bytes, BytesBinaryDumper)
    adapters.register_loader("text", TextLoader)
    adapters.register_loader("text", TextInBinaryLoader)


def stored(text: str) -> str:
    """Return the text without NUL."""
    if _NUL in text or _MARK in text:
        return text.replace(_MARK, _MARK_STORED).replace(_NUL, _NUL_STORED)
    return text


def original(text: str) -> str:
    """Return the text that was stored as this one."""
    return text.replace(_NUL_STORED, _NUL).replace(_MARK_STORED, _MARK) if _MARK in text else text


class TextDumper(Dumper):
    oid = _TEXT

    def dump(self, obj: str) -> Buffer | None:
        """Return its bytes; raise UnicodeEncodeError for half a character."""
        return stored(obj).encode()


class TextLoader(Loader):
    def load(self, data: Buffer) -> str:
        """Return the text as it was."""
        return original(str(data, "utf-8"))


class TextInBinaryLoader(TextLoader):
    format = Format.BINARY


class WholeNumberDumper(Dumper):
    format = Format.BINARY
    oid = _INT8

    def dump(self, obj: int) -> Buffer | None:
        """Return its eight bytes; raise OverflowError where it needs more."""
        return obj.to_bytes(8, "big", signed=True)
