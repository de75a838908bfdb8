"""What every kind of place can do: tell about a file, fetch it, send one, list. And how often something is tried."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol, TypeVar

from msgspec import Struct

from penstock.core.errors import RemoteError
from penstock.run.remote.urls import Url

PIECE = 1 << 20
_LONGEST_PAUSE = 8.0
_Result = TypeVar("_Result")


class Facts(Struct, frozen=True):
    """What the far side says about a file.

    Args:
        size: Bytes; None where it does not say.
        etag: What it gives for telling one content from another, or "".
        modified: When it was changed, as the far side writes it, or "".
    """

    size: int | None
    etag: str = ""
    modified: str = ""

    def is_same(self, other: Facts) -> bool:
        """Return whether both surely tell of the same content. Where nothing but a size is told, that is not sure."""
        if not (self.etag or self.modified) or (self.etag, self.modified) != (other.etag, other.modified):
            return False
        return self.size is None or other.size is None or self.size == other.size


class Entry(Struct, frozen=True):
    """A file in a listing.

    Args:
        name: Its path: from the bucket, or from the folder of this machine that was listed.
        size: Bytes.
        url: Where it lies.
    """

    name: str
    size: int
    url: Url


class Transport(Protocol):
    """A way to the files of one kind of place."""

    def stat(self, url: Url) -> Facts | None:
        """Return what is told about a file; None when there is none."""
        ...

    def fetch(self, url: Url, sink: IO[bytes]) -> Facts:
        """Write a file's bytes to an empty, seekable file and return what was told about these bytes.

        Raises:
            NotFound: There is no such file.
            RemoteError: It cannot be read; the message says why.
        """
        ...

    def send(self, path: Path, url: Url) -> None:
        """Write the content of a file to a URL, over what is there."""
        ...

    def entries(self, url: Url) -> Iterator[Entry]:
        """Return the files whose paths begin with that of the URL."""
        ...


class Passing(Exception):
    """Something went wrong that may go well when it is tried again."""


def persist(action: Callable[[], _Result], what: str, *, tries: int, pause: float) -> _Result:
    """Do something, again after a growing pause when it fails in passing.

    Args:
        action: What to do; raises Passing when trying again makes sense.
        what: What it does, for the message: "s3://b/k cannot be read".
        tries: How often, at least 1.
        pause: Seconds before the second try; doubles from then on.

    Raises:
        RemoteError: The last try failed too.
    """
    for done in range(1, max(1, tries) + 1):
        try:
            return action()
        except Passing as error:
            if done >= tries:
                often = f" (tried {done} times)" if done > 1 else ""
                raise RemoteError(f"{what}: {error}{often}", hint="try again later") from error
        time.sleep(min(pause * 2 ** (done - 1), _LONGEST_PAUSE))
    raise AssertionError
