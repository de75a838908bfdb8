"""What a step prints is recorded and shown, however long or strange it is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from penstock import PipelineController

SIZE = 50_000_000


def shout():
    import os
    import sys

    print("z" * 50_000_000)
    sys.stdout.buffer.write(os.urandom(500_000) + b"\n")
    sys.stdout.write("\x9d" * 60_000 + "\n")
    sys.stderr.write("\ud800\x1b[31mred\x1b[0m\n")


@pytest.mark.slow
def test_fifty_megabytes_in_one_line_and_rubbish_are_recorded_and_shown(home):
    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("shout", shout)
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert pipe.is_successful()
    command = [sys.executable, "-m", "penstock", "logs", "last", "shout"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=240, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"z") >= SIZE
    assert b"\\ud800" in done.stdout
