"""Operations on the state of the store itself."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.ops.base import Op


class Health(Struct, frozen=True, kw_only=True):
    """How the database is.

    Args:
        version: Number of its newest migration.
        problems: What its own check found, a line each; empty when all is well.
    """

    version: int
    problems: tuple[str, ...]


class CheckHealth(Op[Health], frozen=True, kw_only=True):
    """Have the database check itself: every page, index and row. It takes as long as reading the whole file."""

    reads: ClassVar[bool] = True
