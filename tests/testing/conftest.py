"""The fixture of the kit, also where the installed project does not have its entry point yet."""

from __future__ import annotations

from penstock.testing.plugin import penstock

__all__ = ["penstock"]
