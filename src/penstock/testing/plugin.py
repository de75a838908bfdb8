"""The fixture `penstock` for pytest.

pytest loads this module in every project where Penstock is installed, so it imports nothing until the fixture is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.testing.runner import Runner


@pytest.fixture
def penstock(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """Runs pipelines in this very process, with a home of their own that is thrown away."""
    from penstock.settings import environment  # noqa: PLC0415 - loaded only where the fixture is used
    from penstock.testing.runner import Runner  # noqa: PLC0415 - as above

    for name in environment():
        if name.startswith("PENSTOCK_"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("penstock")
    monkeypatch.setenv("PENSTOCK_HOME", str(home / "home"))
    monkeypatch.setenv("PENSTOCK_CONFIG", str(home / "none.toml"))
    monkeypatch.setenv("PENSTOCK_PROGRESS", "none")
    monkeypatch.setenv("PENSTOCK_START_AGENT", "off")
    with Runner() as runner:
        yield runner
