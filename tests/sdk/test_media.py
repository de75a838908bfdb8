"""Images and media files become bytes, and nothing but bytes."""

from __future__ import annotations

import base64
import io

import pytest

from penstock.core.errors import Invalid
from penstock.sdk import media


@pytest.mark.parametrize(
    ("extension", "kind"), [("mp3", "audio/mpeg"), (".mp4", "video/mp4"), ("strange", "application/octet-stream")]
)
def test_the_type_comes_from_the_extension(extension, kind):
    found = media.described(None, io.BytesIO(b"x"), extension)
    assert (found["type"], base64.b64decode(found["data"])) == (kind, b"x")


def test_a_file_is_known_by_its_last_name_alone(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    assert media.described(tmp_path / "a.png", None, None)["name"] == "a.png"
    with pytest.raises(Invalid, match="either"):
        media.described(tmp_path / "a.png", io.BytesIO(), "png")


def test_an_image_that_no_browser_shows_is_refused(tmp_path):
    with pytest.raises(Invalid, match="is not an image that can be shown"):
        media.image(tmp_path / "a.tiff", None)
