"""The bytes of models: into the blob store, to a place of the user's, and back as files.

It knows records and files, never tasks. A name or a URL of a record is data that somebody wrote: no path is made of it,
but for a `file://` URL that was registered as the place of the weights, which is handed out and never read or unpacked.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace

from penstock.blobs.files import writing_below
from penstock.core.errors import Damaged, Invalid, NotFound, StoreError
from penstock.core.outputs import Blob, Model
from penstock.ops.models import Weights
from penstock.run import formats
from penstock.sdk import session

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz")
_TYPE = "pathlib.Path"
_LOCAL = frozenset({"", "localhost"})  # hosts of `file://` URLs that mean this machine


class Storage(Protocol):
    """What is needed of `StorageManager`, which moves files to and from other places."""

    def get_local_copy(
        self, remote_url: str, *, extract_archive: bool = True, force_download: bool = False
    ) -> str | None: ...
    def upload_file(self, local_file: str, remote_url: str) -> str: ...


def store(model: str, path: Path, *, file_name: str | None = None, is_archive: bool = False) -> Weights:
    """Store a file, or a folder as one archive, in the blob store.

    Args:
        model: The model's name, for messages.
        path: The file or folder.
        file_name: The name that a copy gets; by default that of the file.
        is_archive: Whether the file is an archive that comes back unpacked.

    Raises:
        Invalid: There is no such file, or it is no archive by its name.
        DiskFull: There is no space for it.
    """
    if not (path.is_file() or path.is_dir()):
        raise Invalid(f"model {model!r}: there is no file {str(path)!r}", hint="save the model before uploading it")
    blobs = session.backend().blobs
    stored, blob = formats.dump(Path(path), blobs)
    facts = {**stored.metadata, "format": stored.format, "type": stored.type}
    if file_name:
        facts["file_name"] = os.path.basename(file_name)  # noqa: PTH119 - a name is all that is wanted of it
    if is_archive and stored.format == "file":
        if not facts["file_name"].lower().endswith(ARCHIVES):
            raise Invalid(
                f"model {model!r}: {facts['file_name']!r} is no package by its name",
                hint=f"name it {', '.join(ARCHIVES)}, give the folder itself, or leave is_package out",
            )
        facts["package"] = "true"
    return Weights(url=blobs.url(blob.hash), hash=blob.hash, size=blob.size, facts=facts)


def store_files(model: str, paths: Sequence[Path], *, file_name: str | None = None) -> Weights:
    """Store several files as one archive, under their names relative to the folder that they have in common.

    Raises:
        Invalid: One of them is not there, or there is none.
        DiskFull: There is no space for them.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing or not paths:
        what = f"there is no file {str(missing[0])!r}" if missing else "there are no files to store"
        raise Invalid(f"model {model!r}: {what}", hint="name files that exist, or give their folder as weights_path")
    absolute = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - resolve() would follow links
    above = os.path.commonpath([path.parent for path in absolute])
    scratch = session.scratch()
    with writing_below(scratch):
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="package-", dir=scratch) as made:
            folder = Path(made) / (os.path.basename(file_name or "") or "package")  # noqa: PTH119 - as above
            for path in absolute:
                target = folder / path.relative_to(above)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
            return store(model, folder)


def address(uri: str) -> str:
    """Return a URL as it is, and the path of a file on this machine as its URL.

    Raises:
        Invalid: It is empty, or there is no file of that path.
    """
    if not uri:
        raise Invalid("the address of weights is empty", hint="give a URL such as 's3://bucket/model.pt', or a path")
    if "://" in uri:
        return uri
    path = Path(os.path.abspath(Path(uri).expanduser()))  # noqa: PTH100 - resolve() would follow links
    if not path.exists():
        raise Invalid(f"there is no file {uri!r}", hint="give a URL, or the path of a file that exists")
    return path.as_uri()


def send(weights: Weights, to: str, project: str, task: str) -> Weights:
    """Copy stored weights below a URL of the user's; return them with their new address.

    Args:
        weights: What `store` returned.
        to: Where to: what `StorageManager.upload_file` understands.
        project: Path of the model's project.
        task: Id of the task that made it.

    Raises:
        PenstockError: It cannot be reached, or does not let us write.
    """
    name = weights.facts.get("file_name", "model")
    if weights.facts.get("format") == "folder":
        name = f"{name}.zip"
    parts = [*(_segment(part) for part in project.split("/") if part), task, "models", _segment(name)]
    path = session.backend().blobs.path(weights.hash)
    return replace(weights, url=_storage().upload_file(str(path), "/".join([to.rstrip("/"), *parts])))


def local_copy(model: Model, *, extract: bool | None, force: bool) -> str:
    """Return the path of a file, or folder, with a model's weights.

    Args:
        model: The record.
        extract: Whether an archive is unpacked; None: what was stored as a folder or package is.
        force: Whether what is elsewhere is fetched although there is a copy here.

    Raises:
        NotFound: It has no weights, or they are not where they were.
        Damaged: The bytes are gone or are not what was recorded.
    """
    if not model.url:
        raise NotFound(f"model {model.name!r} has no weights yet", hint="give it some with update_weights()")
    if not model.hash:
        is_wanted = is_package(model) if extract is None else extract
        return _registered(model.url, extract=is_wanted, force=force)
    path, name = _stored(model, force=force), model.facts.get("file_name", "model")
    if model.facts.get("format") == "folder":
        if extract is not False:
            return str(formats.load("folder", _TYPE, model.facts, path, trusted=False, workdir=session.scratch()))
        return _copy(path, {**model.facts, "file_name": f"{name}.zip"})
    copy = _copy(path, model.facts)
    is_wanted = is_package(model) if extract is None else extract
    if not (is_wanted and name.lower().endswith(ARCHIVES)):
        return copy
    return _found(_storage().get_local_copy(copy, extract_archive=True), copy)


def is_package(model: Model) -> bool:
    """Return whether its weights are several files that were stored as one."""
    return model.facts.get("format") == "folder" or "package" in model.facts


def _stored(model: Model, *, force: bool) -> Path:
    """Return the path of a model's bytes, found to be what was recorded; they are fetched when they are not here."""
    blobs = session.backend().blobs
    wanted = Blob(model.hash, model.size)
    is_elsewhere = model.url != blobs.url(model.hash)
    if not is_elsewhere or (blobs.stat(model.hash) is not None and not force):
        return blobs.verified_path(wanted)
    fetched = _storage().get_local_copy(model.url, extract_archive=False, force_download=force)
    path = Path(_found(fetched, model.url))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != model.hash:
        raise Damaged(
            f"model {model.name!r} is damaged: {model.hash} was recorded, what is at {model.url} hashes to {digest}",
            hint="somebody has put another file there",
        )
    blobs.put_file(path)
    return blobs.verified_path(wanted)


def _registered(url: str, *, extract: bool, force: bool) -> str:
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in _LOCAL or extract:
        return _found(_storage().get_local_copy(url, extract_archive=extract, force_download=force), url)
    path = unquote(parts.path)
    return _found(path if os.path.exists(path) else None, url)  # noqa: PTH110 - that one raises


def _found(path: str | None, url: str) -> str:
    if path is None:
        raise NotFound(f"there is nothing at {url}")
    return path


def _copy(path: Path, facts: dict[str, str]) -> str:
    return str(formats.load("file", _TYPE, facts, path, trusted=False, workdir=session.scratch()))


def _segment(name: str) -> str:
    """Return a name as one segment of a URL: no separator, and nothing that means another folder."""
    return re.sub(r"[^\w.+-]+", "_", name, flags=re.ASCII).strip(".")[:100] or "_"


def _storage() -> Storage:
    """Return what moves files to and from other places; it is loaded when it is needed."""
    try:
        return cast("Storage", import_module("penstock.sdk.storage").StorageManager)
    except ModuleNotFoundError as error:
        raise StoreError(f"this installation cannot reach other places: {error}") from error
