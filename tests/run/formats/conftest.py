from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from penstock.blobs.files import FileBlobs
from penstock.run.formats import Stored, dump, load

if TYPE_CHECKING:
    from pathlib import Path


class Shelf:
    """A blob store with a folder for copies: stores values and takes them down again."""

    def __init__(self, root: Path) -> None:
        self.root = root / "blobs"
        self.workdir = root / "copies"
        self.blobs = FileBlobs(self.root)

    def keep(self, value: object) -> Kept:
        """Store a value, load it as a stranger would where that is possible, and return both."""
        stored, blob = dump(value, self.blobs)
        path = self.blobs.verified_path(blob)
        loaded = self.load(stored, path, trusted=stored.format == "pickle")
        return Kept(stored, path, loaded)

    def load(self, stored: Stored, path: Path, *, trusted: bool = False) -> object:
        return load(stored.format, stored.type, stored.metadata, path, trusted=trusted, workdir=self.workdir)

    def files(self) -> list[Path]:
        return [path for path in self.root.rglob("*") if path.is_file()]


class Kept(NamedTuple):
    stored: Stored
    path: Path
    value: object


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """One for a module's tests: hypothesis runs many examples in one test."""
    return Shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def fresh_shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)
