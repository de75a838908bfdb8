"""Files of a data set on this machine: copies to read, copies to change, and whether they are what was recorded."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from penstock.core.errors import Conflict, Invalid, PenstockError, UnsafeArchive
from penstock.run import datasets
from penstock.run.datasets import Entry
from penstock.run.slots import Slot
from penstock.sdk import session
from penstock.sdk.dataset import records
from penstock.sdk.dataset.record import Record

_open: list[Slot] = []  # copies that this process was given: they stay until it ends


class Copies(Record):
    """Files of a data set on this machine."""

    def get_local_copy(
        self,
        use_soft_links: bool | None = None,
        part: int | None = None,
        num_parts: int | None = None,
        raise_on_error: bool = True,
        max_workers: int | None = None,
    ) -> str:
        """Return a folder with its files, for reading: others may be given the same one.

        It lies in the cache of this machine, is made once, each file verified, and made anew when one was touched.

        Args:
            part, num_parts: Only every `num_parts`-th file, from the one of this number on, counted from 0.
            use_soft_links, raise_on_error, max_workers: Accepted for compatibility; what is wrong is raised.

        Raises:
            Damaged: The bytes of a file are gone, or are not what was recorded.
            Invalid: There is no such part.
        """
        _ = use_soft_links, raise_on_error, max_workers
        files = self._stored_files(part, num_parts)
        slot = datasets.shared_copy(files, session.backend().blobs, session.settings().home / "cache", self.name)
        _open.append(slot)
        return str(datasets.files_of(slot))

    def get_mutable_local_copy(
        self,
        target_folder: str | Path,
        overwrite: bool = False,
        part: int | None = None,
        num_parts: int | None = None,
        raise_on_error: bool = True,
        max_workers: int | None = None,
    ) -> str:
        """Write its files into a folder of the caller's own, and return its path.

        Args:
            target_folder: The folder; it is made when it is not there.
            overwrite: Whether what is in it goes first.
            part, num_parts: As in `get_local_copy`.
            raise_on_error, max_workers: Accepted for compatibility; what is wrong is raised.

        Raises:
            Conflict: There is something in the folder already.
            Damaged: The bytes of a file are gone, or are not what was recorded.
        """
        _ = raise_on_error, max_workers
        folder, files = Path(target_folder).expanduser(), self._stored_files(part, num_parts)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            if not overwrite:
                raise Conflict(f"there is something in {str(folder)!r} already", hint="give overwrite=True")
            datasets.empty(folder)
        datasets.write(files, session.backend().blobs, folder, partial(_refusal, self.name))
        return str(folder)

    def verify_dataset_hash(
        self, local_copy_path: str | None = None, skip_hash: bool = False, verbose: bool = False
    ) -> list[str]:
        """Return the files that are missing in a local copy, or have another content there.

        Args:
            local_copy_path: The folder; by default that of `get_local_copy`.
            skip_hash: Whether only the sizes are compared.
            verbose: Accepted for compatibility.
        """
        _ = verbose
        folder = Path(local_copy_path or self.get_local_copy())
        return datasets.differences(self._manifest.files, folder, by_size=skip_hash)

    def verify(self) -> list[str]:
        """Return the files whose stored content is gone, or is not what was recorded; all of it is read."""
        return records.damaged(self._manifest.files)

    def _stored_files(self, part: int | None, parts: int | None) -> dict[str, Entry]:
        """Return the files to copy."""
        if self._is_dirty:
            raise Conflict(f"data set {self.name!r} has files that are not uploaded", hint="call upload() first")
        try:
            return datasets.chosen(self._manifest, part, parts)
        except ValueError as error:
            raise Invalid(str(error)) from None


def _refusal(name: str, reason: str) -> PenstockError:
    return UnsafeArchive(f"data set {name!r} is refused: {reason}", hint="make it anew from files that you trust")
