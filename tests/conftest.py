"""What all tests share: a home of their own, and nothing on the screen."""

from __future__ import annotations

import pytest
from hypothesis import settings

from penstock.run import current
from penstock.sdk import launched

# How long an example takes says more about the machine than about the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty state directory that this process uses; nothing of the machine's own configuration counts."""
    folder = tmp_path / "home"
    for name in ("PENSTOCK_WORKERS", "PENSTOCK_USER", "PENSTOCK_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PENSTOCK_HOME", str(folder))
    monkeypatch.setenv("PENSTOCK_CONFIG", str(tmp_path / "no-config.toml"))
    monkeypatch.setenv("PENSTOCK_PROGRESS", "none")
    yield folder
    current.put(None)
    launched.put(None)
