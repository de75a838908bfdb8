"""Pickle, for every value that has no format of its own, and what the user's own function makes of a value.

A pickle runs code when it is read. So it is read only from a store that is known to have recorded it.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import cloudpickle

from penstock.core.errors import NotSerializable, PenstockError
from penstock.run.formats import preview
from penstock.run.formats.script_classes import Unpickler
from penstock.run.formats.stored import Facts, package_of, type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import ReadableBuffer

    from penstock.blobs.files import BlobWriter
    from penstock.run.formats.stored import Source

_DEPTH = 6  # levels down which the part that cannot be pickled is looked for
_PARTS = 200  # parts that are tried at each level


class Pickle:
    """Protocol 5; functions and classes of scripts are stored whole, by cloudpickle."""

    name = "pickle"

    def accepts(self, value: object) -> bool:
        """Return True: whether a value can be pickled is known only when it has been done."""
        del value
        return True

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Pickle the value."""
        try:
            _dump(value, sink)
        except (PenstockError, MemoryError):
            raise
        except Exception as error:
            raise _explain(value, error) from error
        facts = {"made_with": _versions(type(value))}
        return Facts(preview=preview.of_object(value, sink.tell()), metadata=facts)

    def read(self, source: Source) -> object:
        """Return the value; this runs code that the pickle names."""
        with source.path.open("rb") as file:
            value: object = Unpickler(file).load()  # choice.load() has made sure that we recorded it
        return value


FORMAT = Pickle()
_dump: Callable[[object, object], None] = partial(cast("Any", cloudpickle).dump, protocol=5)


class Custom:
    """The bytes that a function of the user makes of a value."""

    name = "custom"

    def __init__(self, serializer: Callable[[object], object]) -> None:
        self._serializer = serializer

    def accepts(self, value: object) -> bool:
        """Return True: the user has said so."""
        del value
        return True

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Write what the function returns."""
        name = getattr(self._serializer, "__name__", type_name(type(self._serializer)))
        try:
            data = self._serializer(value)
        except Exception as error:
            raise NotSerializable(
                f"cannot store a value of type {type_name(type(value))}: {name}() raised {_reason(error)}"
            ) from error
        if not isinstance(data, bytes | bytearray | memoryview):
            raise NotSerializable(
                f"{name}() must return bytes, not {type_name(type(data))}",
                hint="an artifact_serialization_function takes a value and returns bytes",
            )
        sink.write(cast("bytes", data))
        return Facts(preview=preview.of_object(value, sink.tell()), metadata={"serializer": str(name)})

    def read(self, source: Source) -> object:
        """Return the bytes: only the user's other function can make them a value."""
        return source.path.read_bytes()


def _versions(kind: type) -> str:
    """Return the versions of Python and of the value's library: the first thing asked when it does not load."""
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    package = package_of(kind)
    version = getattr(sys.modules.get(package), "__version__", None)
    return f"{python}, {package} {version}" if isinstance(version, str) else python


def _explain(value: object, error: Exception) -> NotSerializable:
    where, part = _culprit(value)
    reason = _reason(error)
    message = f"cannot store a value of type {type_name(type(value))}: "
    message += f"its part {where} is of type {type_name(type(part))}: {reason}" if where else reason
    return NotSerializable(preview.cut(message), hint=_hint(part))


def _reason(error: Exception) -> str:
    return preview.cut(f"{type(error).__name__}: {error}")


def _hint(part: object) -> str:
    if isinstance(part, types.GeneratorType | map | filter | zip):
        return "return a list of what it yields"
    return (
        "return the data, not what holds it open (a lock, a connection, an open file); or give the class a"
        " __reduce__ method, or the pipeline an artifact_serialization_function"
    )


def _culprit(value: object) -> tuple[str, object]:
    """Return the path to the innermost part that cannot be pickled, and that part."""
    path = ""
    for _ in range(_DEPTH):
        inner = next((found for found in islice(_parts(value), _PARTS) if not _pickles(found[1])), None)
        if inner is None:
            break
        step, value = inner
        path += step
    return path, value


def _parts(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, one in cast("dict[object, object]", value).items():
            yield preview.safely(partial("[{!r}]".format, key)), one
    elif isinstance(value, list | tuple):
        for index, one in enumerate(cast("list[object]", value)):
            yield f"[{index}]", one
    elif isinstance(value, types.FunctionType):
        used = inspect.getclosurevars(value)
        for name, one in {**used.nonlocals, **used.globals}.items():
            yield f" variable {name!r}", one
    else:
        for name, one in cast("dict[str, object]", getattr(value, "__dict__", {})).items():
            yield f".{name}", one


def _pickles(value: object) -> bool:
    try:
        _dump(value, _Nowhere())
    except Exception:  # noqa: BLE001 - code of the value's own class runs in here
        return False
    return True


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, data: ReadableBuffer) -> int:
        return memoryview(data).nbytes
