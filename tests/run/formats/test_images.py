from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from penstock.core.errors import NotSerializable

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype="u1")
PHOTO = Image.fromarray(PIXELS)


def grey16() -> Image.Image:
    return Image.fromarray(PIXELS[..., 0].astype("u2") * 257)


def few_colours() -> Image.Image:
    return PHOTO.quantize(5)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_an_image_of_a_mode_that_png_has_comes_back_pixel_for_pixel(shelf, mode: str) -> None:
    image = PHOTO.convert(mode)
    kept = shelf.keep(image)
    assert (kept.stored.format, kept.stored.type) == ("png", "PIL.Image.Image")
    assert kept.stored.metadata == {"mode": mode, "size": "30x20"}
    assert type(kept.value) is Image.Image
    assert kept.value == image
    assert kept.path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("make", [grey16, few_colours])
def test_deep_grey_and_small_palettes_come_back(shelf, make) -> None:
    kept = shelf.keep(make())
    assert kept.stored.format == "png"
    assert kept.value == make()


@pytest.mark.parametrize("mode", ["I", "F", "CMYK", "YCbCr", "HSV"])
def test_an_image_of_another_mode_is_pickled_and_says_why(shelf, mode: str) -> None:
    image = PHOTO.convert(mode)
    kept = shelf.keep(image)
    assert kept.stored.format == "pickle"
    assert f"PNG does not keep images of mode {mode}" in kept.stored.metadata["note"]
    assert kept.value == image


def test_an_empty_image_is_pickled(shelf) -> None:
    kept = shelf.keep(Image.new("RGB", (0, 0)))
    assert kept.stored.format == "pickle"
    assert kept.value.size == (0, 0)


def test_an_image_from_a_file_comes_back_as_a_plain_loaded_image(shelf, tmp_path) -> None:
    PHOTO.save(tmp_path / "photo.jpg")
    with Image.open(tmp_path / "photo.jpg") as opened:
        kept = shelf.keep(opened)
        assert kept.stored.type == "PIL.JpegImagePlugin.JpegImageFile"
        assert type(kept.value) is Image.Image
        assert kept.value.tobytes() == opened.tobytes()


def test_of_several_frames_the_current_one_is_stored_and_it_is_said(shelf, tmp_path) -> None:
    PHOTO.convert("L").save(tmp_path / "two.tiff", save_all=True, append_images=[PHOTO.convert("L").rotate(90)])
    with Image.open(tmp_path / "two.tiff") as opened:
        kept = shelf.keep(opened)
    assert "only the current one" in kept.stored.metadata["note"]


def test_an_image_whose_file_is_cut_off_is_refused(fresh_shelf, tmp_path) -> None:
    PHOTO.save(tmp_path / "photo.bmp")
    (tmp_path / "cut.bmp").write_bytes((tmp_path / "photo.bmp").read_bytes()[:500])
    with Image.open(tmp_path / "cut.bmp") as opened, pytest.raises(NotSerializable, match="cannot be read"):
        fresh_shelf.keep(opened)
    assert fresh_shelf.files() == []


def test_an_image_larger_than_pillow_would_open_is_pickled(shelf, monkeypatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    kept = shelf.keep(PHOTO)
    assert kept.stored.format == "pickle"
    assert kept.value == PHOTO


def test_a_preview_tells_mode_and_size(shelf) -> None:
    assert shelf.keep(PHOTO).stored.preview == "image, mode RGB, 30 x 20 pixels"
