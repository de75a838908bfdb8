"""Has the web page built when Penstock is installed from its sources or packed; see scripts/page.py.

PENSTOCK_SKIP_UI=1 leaves it out. PENSTOCK_REQUIRE_UI=1 fails where it cannot be built: what is released holds it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface[Any]):
    """Builds the page before a wheel is made, editable ones included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page, or say why Penstock is installed without it."""
        _ = version, build_data
        if os.environ.get("PENSTOCK_SKIP_UI"):
            return
        required = bool(os.environ.get("PENSTOCK_REQUIRE_UI"))
        script = Path(self.root, "scripts", "page.py")
        command = [sys.executable, str(script), *([] if required else ["--if-possible"])]
        done = subprocess.run(command, check=False)
        if done.returncode and required:
            raise SystemExit("error: the web page is not built, and what is released has to hold it")
