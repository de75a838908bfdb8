"""Values and artifacts: what goes in comes out."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.blobs.files import FileBlobs
from penstock.core.errors import Damaged, NotSerializable, PenstockError
from penstock.run.storage import Values


@pytest.fixture
def blobs(tmp_path):
    return FileBlobs(tmp_path / "blobs")


def encode_text(value):
    return value.encode()


def fail(value):
    raise ZeroDivisionError("in the user's function")


@pytest.mark.parametrize("value", [None, 3, "é", b"\0", [1, {"a": None}], (1, "two"), {1, 2}, 2**80, {"a": (1,)}])
def test_a_value_comes_back_as_it_was(blobs, tmp_path, value):
    """Promise 39: any object round-trips equal."""
    values = Values(blobs, str(tmp_path / "scratch"))
    artifact = values.store("t", "x", value, {"rows": "1"})
    found = values.load(artifact)
    assert (found, type(found)) == (value, type(value))
    assert (artifact.task, artifact.name, artifact.metadata["rows"]) == ("t", "x", "1")
    assert artifact.url == blobs.url(artifact.hash)
    assert artifact.preview


def test_equal_values_are_stored_once(blobs, tmp_path):
    values = Values(blobs, str(tmp_path))
    first, second = values.store("t", "x", [1, 2]), values.store("u", "y", [1, 2])
    assert (first.hash, first.size) == (second.hash, second.size)


def test_a_value_that_no_format_can_store_is_refused_by_its_name(blobs, tmp_path):
    with pytest.raises(NotSerializable, match="artifact 'x' cannot be stored"):
        Values(blobs, str(tmp_path)).store("t", "x", (one for one in "a"))
    assert not list((tmp_path / "blobs").rglob("*-*")), "nothing half-written"


def test_functions_of_the_user_make_and_read_the_bytes(blobs, tmp_path):
    """Promise 7: custom functions for artifacts."""
    values = Values(blobs, str(tmp_path), encode_text, bytes.decode)
    artifact = values.store("t", "x", "text")
    assert artifact.format == "custom"
    assert blobs.path(artifact.hash).read_bytes() == b"text"
    assert values.load(artifact) == "text"
    with pytest.raises(PenstockError, match="'x' was written by a function"):
        Values(blobs, str(tmp_path)).load(artifact)


@pytest.mark.parametrize("serializer", [fail, lambda value: "text", lambda value: None])
def test_a_function_of_the_user_that_fails_is_named_with_its_artifact(blobs, tmp_path, serializer):
    with pytest.raises(NotSerializable, match="artifact 'x' cannot be stored"):
        Values(blobs, str(tmp_path), serializer).store("t", "x", "text")


def test_bytes_that_changed_are_not_given_out(blobs, tmp_path):
    values = Values(blobs, str(tmp_path))
    artifact = values.store("t", "x", "the truth")
    file: Path = blobs.path(artifact.hash)
    file.chmod(0o600)
    file.write_bytes(b'"the trust"'[: artifact.size])
    with pytest.raises(Damaged, match=artifact.hash):
        values.load(artifact)
