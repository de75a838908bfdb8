"""Files to make data sets of."""

from __future__ import annotations

import pytest

from penstock import Dataset
from penstock.sdk.dataset import copies


def fill(folder, **files):
    """Write files; two underscores stand for a folder, and every name gets `.txt`."""
    for name, text in files.items():
        file = folder / f"{name.replace('__', '/')}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def make(name, folder, **options):
    """Make a final data set of a folder's files."""
    made = Dataset.create(name, "Tests", **options)
    made.add_files(folder)
    made.finalize(auto_upload=True)
    return made


def contents(folder):
    """Return the files below a folder, and what is in each."""
    return {one.relative_to(folder).as_posix(): one.read_text() for one in sorted(folder.rglob("*")) if one.is_file()}


@pytest.fixture
def source(tmp_path):
    return fill(tmp_path / "source", a="one", b="two", deep__c="one")


@pytest.fixture(autouse=True)
def _let_go_of_copies():
    yield
    for slot in copies._open:
        slot.close()
    copies._open.clear()
