"""Once this module is imported, `import clearml` means Penstock in this process, and in what it records.

    import penstock.compat.clearml
    from clearml import Task

`penstock run --as-clearml SCRIPT` does the same from outside, without a change to the script.
"""

from __future__ import annotations

from penstock.compat.finder import StandIn
from penstock.compat.names import ABSENT, MODULES, VERSION

STAND_IN = StandIn("clearml", MODULES, ABSENT, VERSION)
STAND_IN.install()
