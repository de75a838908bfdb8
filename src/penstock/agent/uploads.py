"""Blobs of a step on their way to a server: small ones with what names them, others at once, or by the journal.

A step that stores something while nobody takes it goes on, and whoever delivers the journal sends the bytes before
what names them. What the server refuses for good is remembered: nothing that names it is recorded as if it were there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar, cast

import msgspec
from msgspec.structs import replace

from penstock.agent.journal import Stored
from penstock.backend.transfers import Transfers
from penstock.blobs.cached import CachedBlobs
from penstock.blobs.files import FileBlobs
from penstock.core.errors import PenstockError, StoreError, Unauthenticated, Unreachable
from penstock.core.outputs import Artifact, Blob
from penstock.core.task import EndReason, Status
from penstock.ops.base import Op
from penstock.ops.outputs import AddArtifact
from penstock.ops.tasks import EndTask

Given = TypeVar("Given", bound=Op[Any])

PATIENT: Final = 3.0  # seconds for which a step waits for a server that does not answer

LATER: Final = (Unreachable, StoreError, Unauthenticated)
"""What says nothing of what was asked for: it is tried again, for as long as the task is held."""

SMALL: Final = 16 << 10  # bytes of a blob that travels with what names it
ALONG: Final = 256 << 10  # bytes of blobs that travel with one operation

Refused = dict[str, PenstockError]
"""Why blobs cannot be stored where they are to be kept, by hash."""


class Along:
    """Blobs that travel with the operation that names them, which spares each a request of its own.

    Args:
        copies: Where the bytes are on this machine.
        note: Takes what the place where blobs are kept is owed.
    """

    def __init__(self, copies: FileBlobs, note: Callable[[Stored], object]) -> None:
        self._copies = copies
        self._note = note
        self._waiting: dict[str, Blob] = {}

    def takes(self, blob: Blob) -> bool:
        """Return whether a blob travels so; then it waits for what names it."""
        if blob.size <= SMALL:
            self._waiting[blob.hash] = blob
        return blob.size <= SMALL

    def find(self, hash: str) -> Blob | None:
        """Return a blob that waits."""
        return self._waiting.get(hash)

    def loaded(self, op: Given) -> Given:
        """Return an operation with the blobs that it names; those that find no room are owed."""
        contents: list[bytes] = []
        room = ALONG
        for one in artifacts_of(op):
            if (blob := self._waiting.get(one.hash)) is not None and blob.size <= room:
                contents.append(self._copies.read(self._waiting.pop(one.hash)))
                room -= blob.size
        self.release({one.hash for one in artifacts_of(op)})
        return cast("Given", replace(cast("Any", op), contents=tuple(contents))) if contents else op

    def release(self, hashes: Iterable[str] | None = None) -> None:
        """Have blobs sent by themselves, in front of what is said next.

        Args:
            hashes: Which, as far as they wait; None for all.
        """
        for hash in tuple(self._waiting) if hashes is None else hashes:
            if (blob := self._waiting.pop(hash, None)) is not None:
                self._copies.secure(hash)
                self._note(Stored(blob=blob))


class Uploads:
    """The place where the blobs are kept, for a step.

    Args:
        far: It.
        copies: Where the bytes are on this machine.
        along: Takes those that are small.
        note: Takes what it is owed.
        is_away: Whether it is known that it does not answer now.
    """

    def __init__(
        self,
        far: Transfers,
        copies: FileBlobs,
        along: Along,
        note: Callable[[Stored], object],
        is_away: Callable[[], bool],
    ) -> None:
        self._far = far
        self._copies = copies
        self._along = along
        self._note = note
        self._is_away = is_away

    def keep_blob(self, blob: Blob) -> None:
        """Store there what is stored here, or see to it that it will be."""
        if self._along.takes(blob):
            return
        if self._is_away() or not self._is_sent(blob):
            self._copies.secure(blob.hash)  # for now it is the only one
            self._note(Stored(blob=blob))

    def _is_sent(self, blob: Blob) -> bool:
        try:
            self._far.keep_blob(blob, PATIENT)
        except Unreachable:
            return False
        return True

    def fetch_blob(self, blob: Blob) -> None:
        """Store here what is stored there."""
        self._far.fetch_blob(blob)

    def check_blob(self, blob: Blob) -> None:
        """Raise Damaged unless it is stored there, or will be."""
        if self._along.find(blob.hash) is None:
            self._far.check_blob(blob)

    def stat_blob(self, hash: str) -> Blob | None:
        """Return the blob if it is stored there, or will be."""
        return self._along.find(hash) or self._far.stat_blob(hash)


def noting(blobs: FileBlobs, along: Along, note: Callable[[Stored], object], is_away: Callable[[], bool]) -> FileBlobs:
    """Return the blobs of a step; those that are kept on this machine as they are."""
    if not isinstance(blobs, CachedBlobs) or not isinstance(blobs.far, Transfers):
        return blobs
    return CachedBlobs(blobs.root, Uploads(blobs.far, blobs, along, note, is_away), blobs.address)


def send(blobs: FileBlobs, blob: Blob, refused: Refused) -> PenstockError | None:
    """Store a blob where the blobs are kept; return, and remember, why that cannot be.

    Raises:
        Unreachable, StoreError, Unauthenticated: It cannot be done now.
    """
    if not isinstance(blobs, CachedBlobs):
        return None
    try:
        blobs.far.keep_blob(blob)
    except LATER:
        raise
    except PenstockError as error:
        refused[blob.hash] = error
        return error
    return None


def send_again(blobs: FileBlobs, op: Op[Any], refused: Refused) -> None:
    """See to it that what an operation names is there: whoever has sent it before may not have come to its end."""
    for one in artifacts_of(op):
        if one.hash and blobs.path(one.hash).exists():
            send(blobs, Blob(one.hash, one.size), refused)


def artifacts_of(op: Op[Any]) -> tuple[Artifact, ...]:
    """Return the artifacts that an operation records."""
    match op:
        case EndTask(artifacts=artifacts):
            return artifacts
        case AddArtifact(artifact=artifact):
            return (artifact,)
        case _:
            return ()


def checked(op: Given, refused: Refused) -> Given:
    """Return what can be recorded of an operation; a task that made what cannot be stored has failed.

    Raises:
        PenstockError: It names a blob that cannot be stored.
    """
    if not refused:
        return op
    if isinstance(op, EndTask):
        return cast("Given", _without(op, refused))
    said = msgspec.msgpack.encode(op)
    for hash, error in refused.items():
        if hash.encode() in said:
            raise error
    return op


def _without(op: EndTask, refused: Refused) -> EndTask:
    lost = [one for one in op.artifacts if one.hash in refused]
    if not lost:
        return op
    kept = tuple(one for one in op.artifacts if one.hash not in refused)
    if op.status is not Status.COMPLETED:
        return replace(op, artifacts=kept)
    message = f"artifact {lost[0].name!r} cannot be stored: {refused[lost[0].hash].message}"
    return replace(op, artifacts=kept, status=Status.FAILED, reason=EndReason.OUTPUT, message=message)
