"""Waiting for what another process holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.core.errors import StoreBusy
from penstock.store.patience import Patience


def test_there_is_a_next_attempt_while_there_is_time():
    patience = Patience(Path("x.db"), 60.0)
    for _ in range(5):
        patience.wait()


def test_when_the_time_is_over_the_error_names_the_database():
    with pytest.raises(StoreBusy, match=r"x\.db"):
        Patience(Path("x.db"), 0.0).wait()
