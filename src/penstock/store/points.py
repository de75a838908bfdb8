"""The bytes of one chunk of scalar points, and back.

Few points are msgpack of an array, as all were in older databases. Many are columns: a header, then all values, all
times and, where they do not count up evenly, all iterations, each as 8 bytes in little-endian order, and the places of
the points that stand out, as 4 bytes. A drawing then looks at these alone, and needs no Python object for a point that
it leaves out. It must never know a series or a database.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final, Literal

import msgspec

from penstock.core.downsample import choose, outline
from penstock.core.errors import Invalid
from penstock.core.outputs import ScalarPoint

FEW: Final = 16
"""So many points are not worth columns."""

ENOUGH: Final = 4
"""So many points that stand out for each that is drawn are as good as all."""

_COLUMNS: Final = 0xC1  # the one byte that msgpack never uses
_ZLIB: Final = 0x78  # no array of msgpack begins with it either
_NOT_WORTH_IT: Final = 256  # bytes below which compression saves nothing that matters

_HEADER: Final = struct.Struct("<BB2xIqq")  # columns, how iterations are told, count, first iteration, distance
_NONE, _EVEN, _LISTED = range(3)
_WIDTH: Final = 8

_decoder = msgspec.msgpack.Decoder(tuple[ScalarPoint, ...])


class Chunk:
    """Points of one series, as columns of one length, which lie where they were read to."""

    def __init__(
        self,
        values: memoryview[float] | array[float],
        times: memoryview[float] | array[float],
        iterations: Sequence[int | None] | memoryview[int],
        outline: Sequence[int] | memoryview[int],
    ) -> None:
        self.outline = outline
        self.values = values
        self._times = times
        self._iterations = iterations

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, place: int) -> ScalarPoint:
        return ScalarPoint(self._iterations[place], self.values[place], self._times[place])

    def points(self) -> Iterable[ScalarPoint]:
        """Return all points."""
        return map(ScalarPoint, self._iterations, self.values, self._times)


def pack(points: Sequence[ScalarPoint]) -> bytes:
    """Return the bytes of a chunk.

    Raises:
        Invalid: An iteration does not fit into 64 bits.
    """
    try:
        return _as_columns(points) if len(points) > FEW else compress(msgspec.msgpack.encode(points))
    except OverflowError as error:
        raise Invalid("an iteration beyond 64 bits cannot be stored") from error


def unpack(data: bytes) -> Chunk:
    """Return the points of a chunk."""
    if data[0] == _COLUMNS:
        return _from_columns(memoryview(data))
    points = _decoder.decode(decompress(data))
    return Chunk(
        array("d", [one.value for one in points]),
        array("d", [one.at for one in points]),
        [one.iteration for one in points],
        range(len(points)),
    )


def joined(data: Iterable[bytes]) -> tuple[ScalarPoint, ...]:
    """Return all points of the chunks with these bytes."""
    return tuple(chain.from_iterable(unpack(one).points() for one in data))


def thinned(data: Iterable[bytes], most: int) -> tuple[ScalarPoint, ...]:
    """Return those points of the chunks with these bytes that are drawn: at most so many."""
    chunks = [unpack(one) for one in data]
    standing_out = sum(len(chunk.outline) for chunk in chunks) >= ENOUGH * most
    places = [(chunk, chunk.outline if standing_out else range(len(chunk))) for chunk in chunks]
    values = array("d")
    for chunk, some in places:
        if len(some) == len(chunk):
            values.frombytes(memoryview(chunk.values).cast("B"))
        else:
            values.extend([chunk.values[place] for place in some])
    found: list[ScalarPoint] = []
    rest = iter(places)
    (chunk, some), start = next(rest), 0
    for number in choose(values, most):
        while number - start >= len(some):
            start += len(some)
            chunk, some = next(rest)
        found.append(chunk[some[number - start]])
    return tuple(found)


def compress(packed: bytes) -> bytes:
    """Return bytes that begin as msgpack's arrays do, compressed where it is worth it."""
    return zlib.compress(packed, 1) if len(packed) > _NOT_WORTH_IT else packed


def decompress(data: bytes) -> bytes:
    """Return what `compress` was given."""
    return zlib.decompress(data) if data[0] == _ZLIB else data


def _as_columns(points: Sequence[ScalarPoint]) -> bytes:
    iterations = [one.iteration for one in points]
    whole = [one for one in iterations if one is not None]
    if whole and len(whole) < len(iterations):
        return compress(msgspec.msgpack.encode(points))  # of both kinds: a series that nobody draws
    values = array("d", [one.value for one in points])
    columns = [_stored(values, "d"), _stored(array("d", [one.at for one in points]), "d")]
    kind, first, distance = _NONE, 0, 0
    if whole:
        listed = array("q", whole)  # also to refuse what does not fit
        kind, first, distance = _EVEN, whole[0], whole[1] - whole[0]
        if not distance or whole != list(range(first, first + distance * len(whole), distance)):
            kind, first, distance = _LISTED, 0, 0
            columns.append(_stored(listed, "q"))
    columns.append(_stored(array("I", outline(values)), "I"))
    return b"".join([_HEADER.pack(_COLUMNS, kind, len(points), first, distance), *columns])


def _from_columns(data: memoryview) -> Chunk:
    _, kind, count, first, distance = _HEADER.unpack_from(data)
    length = count * _WIDTH
    rest = data[_HEADER.size :]
    values, times, rest = _numbers(rest[:length]), _numbers(rest[length : 2 * length]), rest[2 * length :]
    iterations: Sequence[int | None] | memoryview[int] = (None,) * count
    if kind == _EVEN:
        iterations = range(first, first + distance * count, distance)
    elif kind == _LISTED:
        iterations, rest = _native(rest[:length], "q").cast("q"), rest[length:]
    return Chunk(values, times, iterations, _native(rest, "I").cast("I"))


def _numbers(column: memoryview) -> memoryview[float]:
    return _native(column, "d").cast("d")


def _native(column: memoryview, kind: Literal["d", "q", "I"]) -> memoryview:
    """Return a column in the byte order that this machine computes with, given the stored one, or the reverse."""
    if sys.byteorder == "little":
        return column
    swapped = array(kind, bytes(column))
    swapped.byteswap()
    return memoryview(swapped).cast("B")


def _stored(column: array[float] | array[int], kind: Literal["d", "q", "I"]) -> memoryview:
    return _native(memoryview(column).cast("B"), kind)
