"""What the tests of branches run in processes of their own."""

from __future__ import annotations

import os
import signal
import sys

from penstock.run import warm
from penstock.run.branch import branch
from penstock.run.process import Launch, Message
from penstock.run.processes import Processes
from penstock.run.wire import send_frame


def origin(payload, channel):
    """Branch off, fork a process there, and pass on what it says."""
    kind = warm.kind(("colorsys",), "")
    with Processes.around(branch(kind)) as processes:
        variables = dict(os.environ)
        here = {"cwd": "/", "path": tuple(sys.path), "environment": variables}
        processes.launch(Launch(key="step", payload=b"", entry="tests.run.branching:step", **here))
        while True:
            for event in processes.poll(None):
                if isinstance(event, Message):
                    send_frame(channel, event.data)


def step(payload, channel):
    """Say whether the module is there without being imported, and which process this is; go on for ever."""
    send_frame(channel, f"{'colorsys' in sys.modules} {os.getpid()}".encode())
    signal.pause()
