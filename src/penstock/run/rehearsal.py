"""What a fork that was made ahead does until it is wanted: it carries out an attempt of which nothing is left.

A fork pays microseconds for each page of memory that it is the first to touch, and an attempt touches a thousand. One
that has rehearsed has paid for most of them. Nobody sees anything of it: what is stored lies in memory, and what is
said on the channel is heard by nobody.
"""

from __future__ import annotations

import io
import os
import socket
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final, cast

from penstock.blobs.cached import CachedBlobs, Far
from penstock.blobs.files import BlobWriter
from penstock.core.assignment import Resolved
from penstock.core.outputs import Artifact, Blob
from penstock.core.pipeline import Argument
from penstock.core.task import Script, Task
from penstock.run import child, current
from penstock.run.attempt import AttemptSpec, Outcome, decode_spec, encode
from penstock.run.execute import execute

SOURCE: Final = "def rehearsed(given, made):\n    return [given, made]\n"
MADE: Final = b"[1.5, null]"
_ARTIFACT: Final = Artifact(
    task="", name="made", format="json", type="list", hash=sha256(MADE).hexdigest(), size=len(MADE), url=""
)
SPEC: Final = AttemptSpec(
    task=Task(id="0" * 32, name="", project="", script=Script(source=SOURCE, entry_point="rehearsed")),
    file="<rehearsal>",
    arguments={"given": Argument(value=1), "made": Argument(value="${before.made}")},
    inputs={},
    references={"${before.made}": Resolved(artifact=_ARTIFACT, text="")},
    returns=("left",),
    home="",
    blobs="/nowhere",
    scratch="",
    address="nowhere",
)
PAYLOAD: Final = encode(SPEC)


class Unkept(CachedBlobs):
    """A blob store in which every blob is the one that the rehearsal reads, and nothing is kept.

    Args:
        file: Holds that blob.
    """

    def __init__(self, far: Far, file: int) -> None:
        super().__init__(Path(SPEC.blobs), far, SPEC.address)
        self._file = file

    def path(self, hash: str) -> Path:
        """Return where the one blob is."""
        _ = hash
        return Path(f"/dev/fd/{self._file}")

    def writer(self) -> BlobWriter:
        """Return a file of which nothing is kept."""
        return cast("BlobWriter", _Writer())


class _Writer(io.BytesIO):
    def check(self) -> None:
        """Do nothing: memory has no failures to remember."""

    def commit(self) -> Blob:
        data = self.getvalue()
        return Blob(sha256(data).hexdigest(), len(data))


def rehearse(before: Callable[[AttemptSpec], object] = lambda _: None) -> Outcome:
    """Carry out the attempt, and leave this process as it was; return how that went.

    Args:
        before: As for `child.main`. Whoever gives it undoes what it did.
    """
    main, arguments = sys.modules["__main__"], sys.argv
    made = os.memfd_create("rehearsal", os.MFD_CLOEXEC)
    ours, theirs = socket.socketpair()
    with os.fdopen(made, "wb", buffering=0) as file, ours, theirs:
        file.write(MADE)
        try:
            spec = decode_spec(PAYLOAD)
            channel, working = child.begin(spec, theirs)
            channel.blobs = Unkept(channel, made)
            before(spec)
            outcome = execute(spec, channel)
            working.close()
            channel.end(outcome)
            return outcome
        finally:
            current.put(None)
            sys.modules["__main__"], sys.argv = main, arguments
