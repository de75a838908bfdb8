"""An empty script that is recorded, as a process of its own; with `import` it only imports what it needs for that."""

from __future__ import annotations

import sys

from penstock import Task

if sys.argv[1:] != ["import"]:
    Task.init("Bench", "empty")
