"""The command `penstock explain` as a process of its own; in a home without a run it makes one first."""

from __future__ import annotations

import sys

from penstock.cli.invocation import Exit
from penstock.cli.main import execute


def nothing() -> None:
    """Do nothing."""


def make_a_run(steps: int) -> None:
    """Run a chain of this many steps."""
    from penstock import PipelineController  # noqa: PLC0415 - the command alone is measured

    pipe = PipelineController(name="explained", project="Bench", version="1.0.0")
    for number in range(steps):
        pipe.add_function_step(f"s{number}", nothing, parents=[f"s{number - 1}"] if number else None)
    pipe.start_locally(run_pipeline_steps_locally=True)


if __name__ == "__main__":
    code = execute(["explain", "last"])
    if code == Exit.NOT_FOUND:
        make_a_run(int(sys.argv[1]))
    elif code:
        raise SystemExit(code)
