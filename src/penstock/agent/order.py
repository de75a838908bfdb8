"""What an agent hands to the process that carries a claimed task out."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from penstock.ops.claims import Claim
from penstock.settings import Settings


class Order(Struct, frozen=True, kw_only=True):
    """One claimed task to carry out, and how.

    Args:
        settings: How the agent uses Penstock.
        working: The folder that its process starts in, where its run names none.
        environment: The environment variables that its process starts with.
        path: The `sys.path` that it starts with.
        same_env: Whether it runs in the agent's own environment, whatever is recorded of packages.
        lease: Seconds that its lease lasts unless it is renewed.
        modules, fingerprint: What was imported by the process that this one is forked from; see `preload.plan`.
    """

    claim: Claim
    settings: Settings
    working: str
    environment: dict[str, str]
    path: tuple[str, ...]
    lease: float
    modules: tuple[str, ...]
    fingerprint: str
    same_env: bool = False


def _known(kind: type[Any], value: Any) -> Any:
    return kind(value)


encode = msgspec.msgpack.Encoder(enc_hook=str).encode  # of paths
decode = msgspec.msgpack.Decoder(Order, dec_hook=_known).decode
