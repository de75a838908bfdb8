"""What an agent hands to a shim: when it is made, and when there is a claimed task to carry out."""

from __future__ import annotations

import time
from typing import Any, Final

import msgspec
from msgspec import Struct

from penstock.core.task import Worker
from penstock.ops.claims import Claim
from penstock.settings import Settings

DONE: Final = b"done"
"""What a shim says when it has carried an order out, and stands by again."""


class Standby(Struct, frozen=True, kw_only=True):
    """What a shim knows of every task.

    Args:
        settings: How the agent uses Penstock, without its key.
        modules, fingerprint: What was imported by the process that it is forked from; see `preload.plan`.
    """

    settings: Settings
    modules: tuple[str, ...]
    fingerprint: str


class Order(Struct, frozen=True, kw_only=True):
    """One claimed task to carry out, and how.

    Args:
        token: What the server knows whoever carries it out by; empty without a server.
        working: The folder that its process starts in, where its run names none.
        environment: The environment variables that its process starts with.
        path: The `sys.path` that it starts with.
        same_env: Whether it runs in the agent's own environment, whatever is recorded of packages.
        no_containers: Whether it runs without the container that it asks for.
        lease: Seconds that its lease lasts unless it is renewed.
        agent: The agent's process.
        safe_until: Until when, by `clock`, nobody else gets the task whose agent lives.
    """

    claim: Claim
    token: str
    working: str
    environment: dict[str, str]
    path: tuple[str, ...]
    lease: float
    agent: Worker
    safe_until: float
    same_env: bool = False
    no_containers: bool = False


def clock() -> float:
    """Return the seconds of a clock that is the same for all processes, and goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _known(kind: type[Any], value: Any) -> Any:
    return kind(value)


encode = msgspec.msgpack.Encoder(enc_hook=str).encode  # of paths
decode_standby = msgspec.msgpack.Decoder(Standby, dec_hook=_known).decode
decode = msgspec.msgpack.Decoder(Order, dec_hook=_known).decode
