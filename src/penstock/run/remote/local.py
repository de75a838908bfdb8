"""Files of this machine, as a place among others: so that uploading to a folder is the same call as to a bucket."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from penstock.blobs.files import writing_below
from penstock.core.errors import NotFound, RemoteError
from penstock.run.remote.transport import PIECE, Entry, Facts
from penstock.run.remote.urls import Url

if TYPE_CHECKING:
    from collections.abc import Generator


class Local:
    """Files of this machine."""

    def stat(self, url: Url) -> Facts | None:
        """Return size and time of a file; None when there is none, or something else."""
        path = Path(url.key)
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(url, error) from error
        return Facts(found.st_size, modified=str(found.st_mtime_ns)) if path.is_file() else None

    def fetch(self, url: Url, sink: IO[bytes]) -> Facts:
        """Copy a file's bytes."""
        facts = self.stat(url)
        if facts is None:
            raise NotFound(f"there is no file {url}")
        with ExitStack() as opened:
            try:
                file = opened.enter_context(Path(url.key).open("rb", buffering=0))
            except OSError as error:
                raise _unreadable(url, error) from error
            while piece := file.read(PIECE):
                sink.write(piece)
        return facts

    def send(self, path: Path, url: Url) -> None:
        """Copy a file to a place of this machine; its folders are made."""
        target = Path(url.key)
        with replacing(target) as sink, path.open("rb", buffering=0) as file:
            while piece := file.read(PIECE):
                sink.write(piece)

    def entries(self, url: Url) -> Iterator[Entry]:
        """Return the files below a folder; of a path that is no folder, those whose paths begin with it."""
        top = Path(url.key)
        begins = ""
        if not top.is_dir():
            top, begins = top.parent, top.name
        for folder, folders, files in os.walk(top):
            inside = Path(folder).relative_to(top)
            is_top = inside == Path()
            folders[:] = sorted(name for name in folders if not is_top or name.startswith(begins))
            for file in sorted(files):
                path = Path(folder, file)
                name = (inside / file).as_posix()
                if name.startswith(begins) and path.is_file():
                    yield Entry(name, path.stat().st_size, Url(str(path), "file", "", str(path)))


@contextmanager
def replacing(target: Path) -> Generator[IO[bytes]]:
    """Give a file to write to, which takes the place of the target when the block ends well, and is gone when not.

    Raises:
        DiskFull: There is no space for it.
        StoreError: The target cannot be written.
    """
    with writing_below(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".partial-{secrets.token_hex(8)}")
        try:
            with partial.open("x+b") as sink:
                yield sink
            partial.replace(target)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise


def _unreadable(url: Url, error: OSError) -> RemoteError:
    return RemoteError(f"{url} cannot be read: {error.strerror or error}")
