"""What libraries do is recorded by itself: models saved and loaded, figures shown, what is told to TensorBoard.

`install` follows the functions of a library once the user has imported it; no library is ever imported from here. What
happened is told to a `Recorder`. This package must never know tasks, stores or files of Penstock.
"""

from __future__ import annotations

from penstock.run.frameworks.install import Installed, install
from penstock.run.frameworks.notes import unrecorded
from penstock.run.frameworks.recorder import Recorder

__all__ = ["Installed", "Recorder", "install", "unrecorded"]
