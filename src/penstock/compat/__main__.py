"""`python -m penstock.compat SCRIPT [ARGUMENTS]`: runs a script that was written for ClearML."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from penstock.cli.main import main


def command(arguments: Sequence[str]) -> list[str]:
    """Return the command line of `penstock` that does it; what stands behind the script is the script's own."""
    return ["run", "--as-clearml", *arguments[:1], *(["--", *arguments[1:]] if arguments[1:] else [])]


if __name__ == "__main__":
    sys.argv[1:] = command(sys.argv[1:])
    main()
