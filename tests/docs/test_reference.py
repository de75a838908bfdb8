"""The reference pages say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def load():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = load()


@pytest.mark.parametrize("name", REFERENCE.PAGES)
def test_a_page_is_what_the_docstrings_say_now(name):
    """When this fails: run `python scripts/reference.py`."""
    assert (REFERENCE.FOLDER / name).read_text("utf-8") == REFERENCE.page(REFERENCE.PAGES[name])


def test_every_setting_is_documented():
    page = (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")
    code = (ROOT / "src" / "penstock" / "settings.py").read_text("utf-8")
    for name in ("home", "workers", "progress", "user"):
        assert f"PENSTOCK_{name.upper()}" in page
        assert f'find("{name}")' in code
