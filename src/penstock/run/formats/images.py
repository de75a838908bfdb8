"""Pillow images as PNG, where that keeps every pixel."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, cast

from PIL import Image

from penstock.core.errors import NotSerializable
from penstock.run.formats.stored import Facts, Unsuited

if TYPE_CHECKING:
    from penstock.blobs.files import BlobWriter
    from penstock.run.formats.stored import Format, Source

_MODES = {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}
_EFFORT = 1  # of compression, 1 to 9: 6, the default, takes five times as long for a tenth less


class Png:
    """PNG for images of the modes that it has; pixels and palette are kept, what a camera noted is not."""

    name = "png"

    def accepts(self, value: object) -> bool:
        """Return whether it is an image, from whatever kind of file."""
        return isinstance(value, Image.Image)

    def write(self, value: object, sink: BlobWriter) -> Facts:
        """Write the image after checking that it can be read back."""
        image = cast("Image.Image", value)
        facts = {"mode": image.mode, "size": f"{image.width}x{image.height}"}
        try:
            image.load()
        except (OSError, SyntaxError) as error:
            raise NotSerializable(f"cannot store the image: its file cannot be read: {error}") from error
        sink.write(_encode(image))
        if getattr(image, "n_frames", 1) > 1:
            facts["note"] = "only the current one of the image's frames is stored"
        return Facts(preview=f"image, mode {image.mode}, {image.width} x {image.height} pixels", metadata=facts)

    def read(self, source: Source) -> object:
        """Return a plain image, loaded."""
        return _decode(source.path)


FORMATS: tuple[Format, ...] = (Png(),)


def _encode(image: Image.Image) -> memoryview:
    if image.mode not in _MODES:
        raise Unsuited(f"PNG does not keep images of mode {image.mode}")
    if image.width * image.height > (Image.MAX_IMAGE_PIXELS or image.width * image.height):
        raise Unsuited("Pillow takes so large a file for an attack")
    data = BytesIO()
    image.save(data, "PNG", compress_level=_EFFORT)
    back = _decode(BytesIO(data.getbuffer()))
    if (back.mode, back.size, back.getpalette()) != (image.mode, image.size, image.getpalette()):
        raise Unsuited(f"PNG does not keep this image of mode {image.mode}")
    if back.tobytes() != image.tobytes():
        raise Unsuited(f"PNG does not keep the pixels of this image of mode {image.mode}")
    return data.getbuffer()


def _decode(file: object) -> Image.Image:
    with Image.open(cast("BytesIO", file), formats=["PNG"]) as opened:
        return opened.copy()
