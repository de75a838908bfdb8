"""How a data set that is not final comes to its files, and how it becomes final."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

from penstock.core.errors import Conflict, Invalid, NotFound, PenstockError
from penstock.run import datasets
from penstock.run.formats import archive
from penstock.sdk.dataset import records
from penstock.sdk.dataset.record import Record
from penstock.sdk.storage import StorageManager


class Changeable(Record):
    """How a data set that is not final comes to its files, and how it becomes final."""

    def add_files(
        self,
        path: str | Path,
        wildcard: str | Sequence[str] | None = None,
        local_base_folder: str | None = None,
        dataset_path: str | None = None,
        recursive: bool = True,
        verbose: bool = False,
        max_workers: int | None = None,
    ) -> int:
        """Add files; one whose path is there already takes its place. Return how many are new or changed.

        Args:
            path: A file or folder, or a URL of one, which is downloaded, or found where the configuration maps it to.
            wildcard: Only files whose name, or path, fits one of these, such as `*.csv`.
            local_base_folder: The folder from which paths in the data set go; by default the folder itself.
            dataset_path: The folder of the data set that they go to.
            recursive: Whether folders in the folder count.
            verbose: Whether each is printed.
            max_workers: Accepted for compatibility.

        Raises:
            NotFound: There is no such file.
            Invalid: A name does not lead below a folder on every system.
            Conflict: It is final.
        """
        _ = max_workers
        self._must_be_open()
        added = _found_at(Path(_local(path)), wildcard, local_base_folder, recursive=recursive)
        into = f"{dataset_path.strip('/')}/" if dataset_path and dataset_path.strip("/") not in {"", "."} else ""
        files, count = dict(self._manifest.files), 0
        for name, source in added.items():
            datasets.check_name(into + name, _unfit)
            entry = datasets.scanned(source)
            if files.get(into + name) == entry:
                continue
            files[into + name], self._sources[into + name] = entry, source
            count += 1
            if verbose:
                sys.stdout.write(f"add {into}{name}\n")
        datasets.check_together(files, _unfit)
        self._change(files, changed=count)
        return count

    def remove_files(self, dataset_path: str | None = None, recursive: bool = True, verbose: bool = False) -> int:
        """Remove files; return how many.

        Args:
            dataset_path: A path, a folder, or a wildcard such as `*.csv`; None for all.
            recursive: Whether files in folders below count.
            verbose: Whether each is printed.

        Raises:
            Conflict: It is final.
        """
        self._must_be_open()
        gone = self.list_files(dataset_path, recursive=recursive)
        self._change(
            {name: one for name, one in self._manifest.files.items() if name not in set(gone)}, changed=len(gone)
        )
        if verbose:
            sys.stdout.write("".join(f"remove {name}\n" for name in gone))
        return len(gone)

    def sync_folder(
        self, local_path: str | Path, dataset_path: str | None = None, verbose: bool = False
    ) -> tuple[int, int, int]:
        """Make it, or a folder in it, what a local folder is; return how many were removed, added and modified."""
        before = set(self.list_files(dataset_path))
        known = dict(self._manifest.files)
        self.add_files(local_path, dataset_path=dataset_path, verbose=verbose)
        into = f"{dataset_path.strip('/')}/" if dataset_path else ""
        there = {into + name for name in _found_at(Path(_local(local_path)), None, None, recursive=True)}
        gone = before - there
        self._change({name: one for name, one in self._manifest.files.items() if name not in gone}, changed=len(gone))
        modified = [name for name in there & before if known[name] != self._manifest.files[name]]
        return len(gone), len(there - before), len(modified)

    def upload(
        self,
        show_progress: bool = True,
        verbose: bool = False,
        output_url: str | None = None,
        compression: str | None = None,
        chunk_size: int | None = None,
        max_workers: int | None = None,
        retries: int = 3,
        preview: bool = True,
    ) -> None:
        """Store the contents that are not stored yet.

        Args:
            show_progress, verbose, output_url, compression, chunk_size, max_workers, retries, preview: Accepted for
                compatibility; contents go to the blob store, as they are, once each.

        Raises:
            Conflict: A file has changed since it was added, or the data set is final.
            DiskFull: There is no space for it.
        """
        _ = show_progress, verbose, output_url, compression, chunk_size, max_workers, retries, preview
        self._must_be_open()
        wanted = {name: source for name, source in self._sources.items() if name in self._manifest.files}
        records.store(self._manifest.files, wanted)
        records.keep(self._task, self._manifest)
        self._is_dirty = False

    def finalize(self, verbose: bool = False, raise_on_error: bool = True, auto_upload: bool = False) -> bool:
        """Make it final: from now on it stays as it is. Return whether it is.

        Args:
            raise_on_error: Whether what is in the way is raised, instead of returning False.
            auto_upload: Whether what is not uploaded yet is uploaded first.
            verbose: Accepted for compatibility.

        Raises:
            Conflict: There are files that were not uploaded.
            Damaged: The content of a file is not stored any more.
        """
        _ = verbose
        if self.is_final():
            return True
        try:
            if self._is_dirty and not auto_upload:
                raise Conflict(f"data set {self.name!r} has files that are not uploaded", hint="call upload() first")
            if self._is_dirty:
                self.upload()
            self._task = records.complete(self._task, self._manifest)
        except PenstockError:
            if raise_on_error:
                raise
            return False
        return True

    def close(self) -> None:
        """Upload what is not uploaded yet, and make it final."""
        self.finalize(auto_upload=True)

    def list_files(
        self, dataset_path: str | None = None, recursive: bool = True, dataset_id: str | None = None
    ) -> list[str]:
        """Return the paths of its files, sorted.

        Args:
            dataset_path: Only this path, what is in this folder, or what fits a wildcard such as `*.csv`.
            recursive: Whether files in folders below count.
            dataset_id: Only what came with this one of the data sets that it builds on, or with itself.
        """
        found = set(self._manifest.files)
        if dataset_id is not None:
            origin = self._other(dataset_id) or self
            found &= {*origin.list_added_files(), *origin.list_modified_files()}
        return sorted(name for name in found if _is_meant(name, dataset_path, recursive=recursive))

    def list_added_files(self, dataset_id: str | None = None) -> list[str]:
        """Return the paths that its parents do not have; of another data set, by its id, those of that."""
        if (other := self._other(dataset_id)) is not None:
            return other.list_added_files()
        return sorted(self._manifest.files.keys() - self._before.keys())

    def list_modified_files(self, dataset_id: str | None = None) -> list[str]:
        """Return the paths that have another content in its parents."""
        if (other := self._other(dataset_id)) is not None:
            return other.list_modified_files()
        both = self._manifest.files.keys() & self._before.keys()
        return sorted(name for name in both if self._manifest.files[name] != self._before[name])

    def list_removed_files(self, dataset_id: str | None = None) -> list[str]:
        """Return the paths of its parents that it does not have."""
        if (other := self._other(dataset_id)) is not None:
            return other.list_removed_files()
        return sorted(self._before.keys() - self._manifest.files.keys())

    def _other(self, id: str | None) -> Self | None:
        """Return the data set of this id; None when it is this one."""
        return None if id is None or id == self.id else type(self)(records.get(id))


def _local(path: str | Path) -> str:
    """Return the path on this machine of a file or folder; of a URL that of a copy."""
    text = str(path)
    if "://" not in text:
        return str(Path(text).expanduser())
    if text.endswith("/"):
        return StorageManager.download_folder(text)
    return StorageManager.get_local_copy(text, extract_archive=False)


def _found_at(
    path: Path, wildcard: str | Sequence[str] | None, base: str | None, *, recursive: bool
) -> dict[str, Path]:
    """Return the files at a path, by their names in a data set."""
    if not path.exists():
        raise NotFound(f"there is no file or folder {str(path)!r}")
    if path.is_file():
        return {_name(path, Path(base) if base else path.parent): path}
    wildcards = [wildcard] if isinstance(wildcard, str) else list(wildcard or ())
    found: dict[str, Path] = {}
    for entry in archive.scan(path):
        if entry.name.endswith("/") or not (recursive or "/" not in entry.name):
            continue
        if wildcards and not any(_fits(entry.name, one) for one in wildcards):
            continue
        found[_name(path / entry.name, Path(base)) if base else entry.name] = Path(entry.path)
    return found


def _name(path: Path, base: Path) -> str:
    try:
        return path.absolute().relative_to(base.expanduser().absolute()).as_posix()
    except ValueError:
        raise Invalid(f"{str(path)!r} is not below {str(base)!r}", hint="give another local_base_folder") from None


def _fits(name: str, wildcard: str) -> bool:
    return fnmatchcase(name, wildcard) or fnmatchcase(name.rpartition("/")[2], wildcard)


def _is_meant(name: str, path: str | None, *, recursive: bool) -> bool:
    """Return whether a path of a data set is meant by a path, a folder or a wildcard."""
    asked = (path or "").strip("/")
    if asked in {"", "."}:
        return recursive or "/" not in name
    if name == asked or (any(one in asked for one in "*?[") and _fits(name, asked)):
        return True
    return name.startswith(f"{asked}/") and (recursive or "/" not in name[len(asked) + 1 :])


def _unfit(reason: str) -> PenstockError:
    return Invalid(f"these files cannot be in a data set: {reason}", hint="rename it, or leave it out")
