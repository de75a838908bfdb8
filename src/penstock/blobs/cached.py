"""Blobs that are kept elsewhere, with copies of those that this machine wrote or read.

What is stored here is there as well when storing it returns; what is missing here is fetched when it is read. A copy is
verified like everything in a blob store, and one that is damaged is fetched anew. It must never know how the other
place is reached. Copies are not synced to the disk: one that the machine's death leaves torn is one that is damaged.
Only what the other place does not have yet has to be secured by whoever promises to send it later.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from penstock.blobs.files import FileBlobs, writing_below
from penstock.core.errors import Damaged
from penstock.core.outputs import Blob

KEPT = 30 * 86400.0  # seconds that a copy is kept after it was last stored or fetched


class Far(Protocol):
    """The place where the blobs are kept. It reads and writes the copies by itself."""

    def keep_blob(self, blob: Blob) -> None:
        """Store there what is stored here."""
        ...

    def fetch_blob(self, blob: Blob) -> None:
        """Store here what is stored there; raise Damaged when it is not, or is not what was recorded."""
        ...

    def check_blob(self, blob: Blob) -> None:
        """Raise Damaged unless it is stored there, and is what was recorded."""
        ...

    def stat_blob(self, hash: str) -> Blob | None: ...


class CachedBlobs(FileBlobs):
    """A blob store elsewhere, seen through a folder of copies.

    Args:
        root: The folder.
        far: The place where the blobs are kept.
        address: What the URL of a blob begins with.
    """

    def __init__(self, root: Path, far: Far, address: str) -> None:
        super().__init__(root, durable=False)
        self.address = address
        self.far = far

    def url(self, hash: str) -> str:
        """Return the blob's address, which is the same for every machine."""
        return f"{self.address}/{hash}"

    def stat(self, hash: str) -> Blob | None:
        """Return the blob if it is stored, here or there."""
        return super().stat(hash) or self.far.stat_blob(hash)

    def publish(self, staged: str, blob: Blob) -> None:
        """Give a staged file its name here, and store it there."""
        super().publish(staged, blob)
        self.far.keep_blob(blob)

    def read(self, blob: Blob) -> bytes:
        """Return the content, verified; fetch it when it is not here."""
        try:
            return super().read(blob)
        except Damaged:
            self.far.fetch_blob(blob)
            return super().read(blob)

    def verified_path(self, blob: Blob) -> Path:
        """Return the path of a copy after hashing all of its content; fetch it when it is not here."""
        try:
            return super().verified_path(blob)
        except Damaged:
            self.far.fetch_blob(blob)
            return super().verified_path(blob)

    def check(self, blob: Blob) -> None:
        """Have the other place check what it has: nobody wants the bytes here."""
        self.far.check_blob(blob)

    def sweep(self, older_than_seconds: float, now: float) -> int:
        """Remove what dead processes left half-written, and copies that nobody has stored or fetched for long."""
        removed = super().sweep(older_than_seconds, now)
        with writing_below(self.root):
            for path in (self.root / "sha256").glob("*/*/*"):
                with suppress(FileNotFoundError):
                    if os.stat(path).st_mtime < now - KEPT:  # noqa: PTH116 - once for every copy
                        path.unlink()
                        removed += 1
        return removed
