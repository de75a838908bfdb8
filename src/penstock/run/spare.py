"""A fork that was made ahead: it waits for the descriptors of its process, and is that process from then on.

A step so begins as soon as it is asked for, and not once a fork has copied what it touches first. It must never know
what the process does.
"""

from __future__ import annotations

import array
import os
import select
import socket
import time
from typing import Self

from penstock.run import wire

_COUNT = 3  # descriptors: standard output, standard error, the channel


class Spare:
    """The warm process's side of one.

    Attributes:
        pid: It.
    """

    def __init__(self) -> None:
        self.pid = 0
        self._made = time.monotonic()
        self._ours, self._theirs = socket.socketpair()

    @property
    def age(self) -> float:
        """For how many seconds it has been there."""
        return time.monotonic() - self._made

    @property
    def highest(self) -> int:
        """The highest descriptor that it has here."""
        return max(self._ours.fileno(), self._theirs.fileno())

    def born(self, pid: int) -> Self:
        """Note, in the warm process, that it is there."""
        self.pid = pid
        self._theirs.close()
        return self

    def give(self, descriptors: tuple[int, ...]) -> bool:
        """Have it be the process that these descriptors are for; return whether it is there to take them."""
        try:
            socket.send_fds(self._ours, [b"!"], descriptors)
        except OSError:
            return False
        finally:
            self.close()
        return True

    def close(self) -> None:
        """Let it go; one that waits leaves."""
        self._ours.close()

    def settle(self) -> None:
        """Keep, in the fork, nothing but the end that it listens to: where a process has its channel."""
        self._ours.close()  # or it would never hear that the other end is closed
        os.dup2(self._theirs.detach(), wire.CHANNEL, inheritable=False)

    @staticmethod
    def is_wanted() -> bool:
        """Return, in the fork, whether its descriptors are there already, or it is let go."""
        poll = select.poll()
        poll.register(wire.CHANNEL, select.POLLIN)
        return bool(poll.poll(0))

    @staticmethod
    def wait() -> None:
        """Wait, in the fork, until it is given its descriptors, and put them in their places; leave if it never is."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, wire.CHANNEL) as listening:
            listening.settimeout(None)
            said, ancillary, _, _ = listening.recvmsg(1, socket.CMSG_SPACE(_COUNT * array.array("i").itemsize))
            given = array.array("i")
            for _, kind, data in ancillary:
                if kind == socket.SCM_RIGHTS:
                    given.frombytes(data[: len(data) - len(data) % given.itemsize])
            if not said or len(given) != _COUNT:
                os._exit(0)
        place(given)
        wire.close_all(given)


def place(descriptors: array.array[int] | tuple[int, ...]) -> None:
    """Make descriptors the standard output, standard error and channel of this process."""
    for number, descriptor in enumerate(descriptors, 1):
        os.dup2(descriptor, number, inheritable=number != wire.CHANNEL)
