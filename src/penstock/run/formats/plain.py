"""Plain values: JSON, text and bytes, for what these keep exactly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from penstock.run.formats import preview
from penstock.run.formats.stored import Facts

if TYPE_CHECKING:
    from collections.abc import Collection

    from penstock.blobs.files import BlobWriter
    from penstock.run.formats.stored import Format, Source

_DEPTH = 200  # well below the interpreter's limit, which the reader may be nearer to than the writer
_BITS = 10_000  # Python reads and writes no int of more than 4,300 digits
_SCALARS = frozenset({bool, float, str, type(None)})


class Json:
    """JSON for None, bool, int, float, and lists and dicts of them with str; NaN and the infinities included."""

    name = "json"

    def accepts(self, value: object) -> bool:
        """Return whether JSON keeps every type in the value."""
        return type(value) is not str and is_plain(value)

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Write UTF-8 without line breaks; keys stay in their order."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        sink.write(_encode(text))
        inside = _inside(value)
        return Facts(preview=preview.cut(text), metadata={} if inside is None else {"length": str(len(inside))})

    def read(self, source: Source) -> object:
        """Return the value."""
        value: object = json.loads(_decode(source.path.read_bytes()))
        return value


class Text:
    """UTF-8 for str, line ends untouched; lone surrogates, as in odd file names, are kept."""

    name = "text"

    def accepts(self, value: object) -> bool:
        """Return whether it is a str and no subclass."""
        return type(value) is str

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Write the text."""
        text = cast("str", value)
        sink.write(_encode(text))
        return Facts(preview=preview.cut(text), metadata={"length": str(len(text))})

    def read(self, source: Source) -> object:
        """Return the text."""
        return _decode(source.path.read_bytes())


class Bytes:
    """The bytes themselves, for bytes and bytearray."""

    name = "bytes"

    def accepts(self, value: object) -> bool:
        """Return whether it is one of the two and no subclass."""
        return type(value) in (bytes, bytearray)

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Write the bytes."""
        data = cast("bytes | bytearray", value)
        sink.write(data)
        return Facts(preview=preview.cut(repr(bytes(data[:500]))), metadata={"length": str(len(data))})

    def read(self, source: Source) -> object:
        """Return bytes, or the bytearray that it was."""
        data = source.path.read_bytes()
        return bytearray(data) if source.type == "bytearray" else data


FORMATS: tuple[Format, ...] = (Text(), Bytes(), Json())


def is_plain(value: object) -> bool:
    """Return whether JSON gives back an equal value with the same types everywhere.

    A list or dict that occurs twice is not plain: JSON would write it out each time, and a loop without end.
    """
    seen: set[int] = set()
    left: list[tuple[object, int]] = [(value, 0)]
    while left:
        one, depth = left.pop()
        if type(one) in _SCALARS:
            continue
        if type(one) is int:
            if one.bit_length() > _BITS:
                return False
            continue
        inside = _inside(one)
        if inside is None or id(one) in seen or depth > _DEPTH:
            return False
        seen.add(id(one))
        if not _SCALARS.issuperset(map(type, inside)):
            left.extend((part, depth + 1) for part in inside)
    return True


def _inside(value: object) -> Collection[object] | None:
    if type(value) is list:
        return cast("list[object]", value)
    if type(value) is dict:
        known = cast("dict[object, object]", value)
        return known.values() if all(type(key) is str for key in known) else None
    return None


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
