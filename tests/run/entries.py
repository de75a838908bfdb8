"""What runs in the processes of the tests: entries, called with a payload and a channel."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from penstock.run.wire import receive_frame, send_frame

SLEEP = [sys.executable, "-c", "import time; time.sleep(1000)"]
WRITE = [sys.executable, "-c", "import os; os.write(1, b'[from a child]'); os.write(2, b'[and its errors]')"]


def tell(channel: socket.socket, value: object) -> int:
    send_frame(channel, json.dumps(value).encode())
    return 0


def descriptors() -> list[int]:
    """Return those that are open, and the one that lists them."""
    return sorted(map(int, os.listdir("/proc/self/fd")))  # noqa: PTH208 - their numbers are wanted


def nothing(payload: bytes, channel: socket.socket) -> int:
    return 0


def code(payload: bytes, channel: socket.socket) -> int:
    return int(payload)


def leave(payload: bytes, channel: socket.socket) -> int:
    sys.exit(json.loads(payload))


def fail(payload: bytes, channel: socket.socket) -> int:
    raise RuntimeError("went wrong: ä")


def touched(payload: bytes, channel: socket.socket) -> int:
    """Tell how many pages of memory an attempt is the first to touch."""
    import resource

    from penstock.run.rehearsal import rehearse

    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    rehearse()
    return tell(channel, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)


def signal_itself(payload: bytes, channel: socket.socket) -> int:
    os.kill(os.getpid(), int(payload))
    return 0


def wait(payload: bytes, channel: socket.socket) -> int:
    """Wait for a frame, which may never come."""
    receive_frame(channel)
    return 0


def begin_and_wait(payload: bytes, channel: socket.socket) -> int:
    tell(channel, "begun")
    return wait(payload, channel)


def echo(payload: bytes, channel: socket.socket) -> int:
    send_frame(channel, payload)
    send_frame(channel, receive_frame(channel))
    return 0


def surroundings(payload: bytes, channel: socket.socket) -> int:
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)
    found = {
        "argv": sys.argv,
        "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "cwd": str(Path.cwd()),
        "descriptors": descriptors(),
        "encoding": [sys.stdout.encoding, sys.stderr.encoding],
        "environment": dict(os.environ),
        "gc": gc.isenabled(),
        "group": os.getpgrp(),
        "handlers": [getattr(signal.getsignal(one), "name", "a function") for one in signals],
        "path": sys.path,
        "pid": os.getpid(),
        "session": os.getsid(0),
        "stdin": [sys.stdin.read(), os.read(0, 1).decode()],
        "threads": threading.active_count(),
        "wakeup": signal.set_wakeup_fd(-1),
        "zone": time.tzname[0],
    }
    return tell(channel, found)


def print_everywhere(payload: bytes, channel: socket.socket) -> int:
    print("from Python")
    print("without a line's end", end="")
    print("from Python as well", file=sys.stderr)
    os.write(1, b"[from a system call]")
    ctypes.CDLL(None).printf(b"[from C]")
    subprocess.run(WRITE, check=True)
    print("\udc80", file=sys.stderr)
    return 0


def reconfigure(payload: bytes, channel: socket.socket) -> int:
    """Do to the streams what libraries do."""
    sys.stdout.reconfigure(encoding="latin-1")  # type: ignore[union-attr]
    print("ä")
    return 0


def random_states(payload: bytes, channel: socket.socket) -> int:
    import random

    numbers = [random.random()]
    if "numpy" in sys.modules:
        import numpy as np

        numbers.append(np.random.random())  # noqa: NPY002 - its state is what is tested
    return tell(channel, numbers)


def loaded(payload: bytes, channel: socket.socket) -> int:
    return tell(channel, payload.decode() in sys.modules)


def kept(payload: bytes, channel: socket.socket) -> int:
    """Tell the size of the file that a preloaded module holds open, and how many descriptors there are."""
    descriptor: int = sys.modules["preloaded"].opened
    return tell(channel, [os.fstat(descriptor).st_size, len(descriptors()) - 1])


def start_others(payload: bytes, channel: socket.socket) -> int:
    same = subprocess.Popen(SLEEP)
    grouped = subprocess.Popen(SLEEP, process_group=0)
    alone = subprocess.Popen(SLEEP, start_new_session=True)
    tell(channel, [os.getpid(), same.pid, grouped.pid, alone.pid])
    if payload == b"stay":
        receive_frame(channel)
    os._exit(0)  # so that nothing here waits for them or warns


def become_a_daemon(payload: bytes, channel: socket.socket) -> int:
    if not os.fork():
        os.setsid()
        if not os.fork():
            tell(channel, os.getpid())
            time.sleep(1000)
        os._exit(0)
    os.wait()
    receive_frame(channel)
    return 0


def print_much(payload: bytes, channel: socket.socket) -> int:
    for _ in range(int(payload)):
        os.write(1, b"x" * 999_999 + b"\n")
    return 0


def print_for_ever(payload: bytes, channel: socket.socket) -> int:
    while True:
        os.write(1, b"y" * 65_536)


def count(payload: bytes, channel: socket.socket) -> int:
    for number in range(int(payload)):
        print(number)
        print(number, file=sys.stderr)
        send_frame(channel, b"%d" % number)
    return 0


def close_everything(payload: bytes, channel: socket.socket) -> int:
    channel.close()
    os.close(1)
    os.close(2)
    return 5


def leave_when_asked(payload: bytes, channel: socket.socket) -> int:
    """Tell that it is there, and go on until somebody asks it to leave; a stubborn one does not mind that."""

    def asked(number: int, _frame: object) -> None:
        os.write(1, f"asked {number}\n".encode())  # as it may be asked again meanwhile
        if payload != b"stubborn":
            sys.exit(3)

    signal.signal(signal.SIGTERM, asked)
    tell(channel, os.getpid())
    while True:
        time.sleep(1000)
