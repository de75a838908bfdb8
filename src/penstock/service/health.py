"""What the operations on the store itself do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.ops.health import CheckHealth, Health
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx


@handles(CheckHealth)
def check_health(tx: Tx, op: CheckHealth, now: float) -> Health:
    """Have the database check itself."""
    return tx.health.check()
