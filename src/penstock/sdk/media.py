"""Images as bytes, and audio, video and texts as plots of the kind `media`: JSON of type, name and bytes in base 64.

What is taken from a file is only ever bytes; the type comes from its name, and nothing opens or runs it here.
"""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path
from typing import Any, Final

from penstock.core.errors import Invalid

LARGEST: Final = 5_000_000
"""Bytes; what is larger belongs into an artifact."""


def described(
    path: str | Path | None, stream: io.BytesIO | io.StringIO | None, extension: str | None
) -> dict[str, str]:
    """Return what is recorded of a file or a stream.

    Raises:
        Invalid: Neither or both are given, or it is too large.
    """
    import mimetypes

    if (path is None) == (stream is None):
        raise Invalid("give either local_path or stream")
    if path is not None:
        name = Path(path).name
        data = _file(Path(path))
    else:
        if not extension:
            raise Invalid("file_extension must say what the stream holds", hint="for example file_extension='mp3'")
        name = f"stream.{extension.lstrip('.')}"
        found = stream.read() if stream is not None else b""
        data = found.encode() if isinstance(found, str) else bytes(found)
    if len(data) > LARGEST:
        raise Invalid(f"{name!r} has {len(data):,} bytes, more than {LARGEST:,}", hint="store it with upload_artifact")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return {"type": kind, "name": name, "data": base64.b64encode(data).decode("ascii")}


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise Invalid(f"local_path {str(path)!r} cannot be read: {error.strerror}") from error


def image(path: str | Path | None, found: object) -> bytes:
    """Return the bytes of an image file, or of a PIL image or an array as PNG."""
    if path is not None:
        file = Path(path)
        kind = file.suffix.lower().lstrip(".").replace("jpg", "jpeg")
        if kind not in {"png", "jpeg", "gif", "webp"}:
            raise Invalid(f"{file.name!r} is not an image that can be shown", hint="give a PNG, JPEG, GIF or WebP file")
        return file.read_bytes()
    target = io.BytesIO()
    picture: Any = found
    if type(found).__module__.partition(".")[0] != "PIL":
        picture = _picture(found)
    picture.save(target, format="PNG")
    return target.getvalue()


def _picture(image: object) -> object:
    """Make a PIL image of an array; the array's own library is there already."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not hasattr(image, "shape"):
        raise Invalid(f"a {type(image).__name__} is not an image", hint="give local_path, a PIL image or an array")
    from PIL import Image

    array = numpy.asarray(image)
    if array.dtype.kind == "f":
        array = (array.clip(0, 1) * 255).round()
    return Image.fromarray(array.astype("uint8").squeeze())
