"""NumPy arrays and scalars as `.npy` files, written without a copy and read by mapping the file into memory."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.lib import format as npy

from penstock.run.formats import preview
from penstock.run.formats.stored import Facts, Unsuited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.blobs.files import BlobWriter
    from penstock.run.formats.stored import Format, Source

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_ARRAY = "numpy.ndarray"
_HEADER = 1 << 20  # characters; the types of structured arrays with many fields are long
_PIECE = 16 << 20  # bytes; an array that is not contiguous is copied in pieces of this size
_SAMPLE = 50_000  # elements that are looked at for the preview
_NUMERIC = "biuf"


class Npy:
    """The format of `numpy.save`, never with pickled objects inside."""

    name = "npy"

    def accepts(self, value: object) -> bool:
        """Return whether it is an array and no subclass, or a scalar of NumPy."""
        return type(value) is np.ndarray or isinstance(value, np.generic)

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Write header and elements; a contiguous array is written from where it lies."""
        array = np.asarray(value)
        _check_type(array.dtype)
        sink.write(_header(array))
        for piece in _pieces(array):
            sink.write(piece)
        facts = {"shape": str(array.shape), "dtype": str(array.dtype)}
        return Facts(preview=preview.safely(lambda: _describe(array)), metadata=facts)

    def read(self, source: Source) -> object:
        """Return an array in a private mapping of the file: changes to it stay in memory; or the scalar."""
        array = np.asarray(npy.open_memmap(source.path, mode="c", max_header_size=_HEADER))
        return array if source.type == _ARRAY else array.copy()[()]


FORMATS: tuple[Format, ...] = (Npy(),)


def _check_type(dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise Unsuited(f"an array of {dtype} holds Python objects")
    if _has_metadata(dtype):
        raise Unsuited("npy files do not keep the metadata of a dtype")
    back = npy.descr_to_dtype(npy.dtype_to_descr(dtype))
    is_same_record = dtype.kind != "V" or (back.type, back.isalignedstruct) == (dtype.type, dtype.isalignedstruct)
    if back != dtype or not is_same_record:
        raise Unsuited(f"npy files do not keep the dtype {dtype!r}")


def _has_metadata(dtype: np.dtype[Any]) -> bool:
    inner = [dtype.subdtype[0]] if dtype.subdtype else [field[0] for field in (dtype.fields or {}).values()]
    return bool(dtype.metadata) or any(map(_has_metadata, inner))


def _header(array: Array) -> bytes:
    """Return the header in the oldest version that holds it, which the most programs read."""
    facts = npy.header_data_from_array_1_0(array)
    for write in (npy.write_array_header_1_0, npy.write_array_header_2_0, _write_header_3_0):
        header = BytesIO()
        try:
            write(header, facts)
        except ValueError:  # too long for this version, or a field's name is not Latin-1
            continue
        if len(header.getvalue()) < _HEADER:
            return header.getvalue()
    raise Unsuited("the names of its fields are too long for npy files")


def _write_header_3_0(file: BytesIO, facts: dict[str, Any]) -> None:
    text = repr(facts).encode()
    magic = npy.magic(3, 0)
    length = len(text) + 1
    length += -(len(magic) + 4 + length) % npy.ARRAY_ALIGN
    file.write(magic + struct.pack("<I", length) + text.ljust(length - 1) + b"\n")


def _pieces(array: Array) -> Iterator[memoryview | bytes]:
    if not array.nbytes:
        return
    if array.flags.c_contiguous or array.flags.f_contiguous:
        flat = (array if array.flags.c_contiguous else array.T).reshape(-1)
        yield flat.view(np.uint8).data  # as bytes, because dates cannot be had through a buffer
        return
    count = max(1, _PIECE // array.itemsize)
    walk: Any = np.nditer(array, flags=["external_loop", "buffered"], order="C", buffersize=count)
    for piece in walk:
        yield piece.tobytes()


def _describe(array: Array) -> str:
    lines = [f"shape {array.shape}, dtype {array.dtype}, {array.nbytes:,} bytes"]
    if array.dtype.kind in _NUMERIC and array.size:
        lines.append(_describe_numbers(array))
    lines.append(np.array2string(array, threshold=100, edgeitems=3))
    return "\n".join(lines)


def _describe_numbers(array: Array) -> str:
    flat = array.reshape(-1, order="A") if array.flags.forc else array.flat[:_SAMPLE]
    sample = flat[:: -(-flat.size // _SAMPLE)]
    seen = sample[~np.isnan(sample)] if array.dtype.kind == "f" else sample
    if not seen.size:
        return "all NaN"
    low, high = seen.min(), seen.max()
    with np.errstate(all="ignore"):
        mean = seen.mean(dtype=np.float64)
    text = f"min {low}, max {high}, mean {mean:.6g}"
    if seen.size < sample.size:
        text += f", {sample.size - seen.size:,} NaN"
    return text if sample.size == array.size else f"{text} (of {sample.size:,} elements looked at)"
