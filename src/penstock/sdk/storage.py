"""Files behind URLs as users meet them: copies of remote files, uploads, listings."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from penstock.core.errors import Invalid, NotFound, PenstockError, RemoteError
from penstock.run.formats import archive
from penstock.run.remote.cache import DEFAULT_LIMIT, Cache
from penstock.run.remote.local import replacing
from penstock.run.remote.mapping import mapped
from penstock.run.remote.places import transport
from penstock.run.remote.urls import Url, parse
from penstock.run.unpack import is_archive, is_portable, shown
from penstock.sdk import session
from penstock.sdk.absent import NotStorage
from penstock.settings import environment

if TYPE_CHECKING:
    from penstock.run.remote.transport import Transport

Listing = list[str] | list[dict[str, object]]

_GLOBAL = "global"
_limits: dict[str, int] = {}


class StorageManager(NotStorage):
    """Reads and writes files by URL, and keeps checked copies of remote ones in the state directory.

    URLs are plain paths and `file://`, `http://` and `https://`, `s3://bucket/key`, `gs://bucket/key`, and
    `az://container/key` (or `azure://`). The last three need `pip install 'penstock[cloud]'` and take their credentials
    from the environment; `AWS_ENDPOINT_URL` names another S3 server. What cannot be done raises. A URL that the table
    `[storage.local]` of the configuration maps to a folder of this machine means the file there.
    """

    @classmethod
    def get_local_copy(
        cls,
        remote_url: str,
        cache_context: str | None = None,
        extract_archive: bool = True,
        name: str | None = None,
        force_download: bool = False,
    ) -> str:
        """Return the path of a local copy of a file; a file or folder of this machine is its own copy.

        A copy is fetched once and used while the far side tells that the file is still the same; it is checked against
        its SHA-256 each time, and fetched again when it was changed or damaged. It is not yours to change.

        Args:
            remote_url: Where the file lies.
            cache_context: Copies of one context are counted together; see `set_cache_file_limit`.
            extract_archive: Whether a `.zip`, `.tar`, `.tar.gz` or `.tgz` comes back as the path of the folder that it
                was unpacked to. Archives with links, devices, or names that lead elsewhere are refused.
            name: What the copy is called; by default as the last part of the URL.
            force_download: Whether to fetch it even if there is a copy.

        Raises:
            NotFound: There is no such file.
            RemoteError: It cannot be read; the message says why.
            UnsafeArchive: The archive holds what is never unpacked, or is too large unpacked.
        """
        url = _url(remote_url)
        cache = _cache(cache_context)
        if url.is_local:
            path = Path(url.key)
            if not path.exists():
                raise NotFound(f"there is no file {url}")
            if extract_archive and path.is_file() and is_archive(path.name):
                return str(cache.unpacked(path, str(path.absolute())))
            return str(path)
        with cache.copy(url, _transport(url), name, force=force_download) as copy:
            if extract_archive and (is_archive(url.names) or is_archive(copy.name)):
                return str(cache.unpacked(copy, f"{url.text}\0{name or ''}"))
            return str(copy)

    @classmethod
    def upload_file(
        cls, local_file: str, remote_url: str, wait_for_upload: bool = True, retries: int | None = None
    ) -> str:
        """Upload a file and return its URL; what is there is replaced. To a web server it goes by PUT.

        Args:
            local_file: The file.
            remote_url: Where to, with the name that it gets there.
            wait_for_upload: False uploads in the background: the process ends when it is done, and says so on standard
                error when it went wrong.
            retries: How often to try again what failed in passing; by default a few times.

        Raises:
            NotFound: There is no such local file.
            RemoteError: It cannot be written; the message says why.
        """
        path, url = Path(local_file).expanduser(), _url(remote_url)
        if not path.is_file():
            raise NotFound(f"there is no file {local_file}")
        if remote_url.endswith("/"):
            raise Invalid(f"{url} names a folder", hint="give the whole URL, with the name that the file gets there")
        if wait_for_upload:
            _transport(url, retries).send(path, url)
        else:  # not a daemon: the interpreter waits for it
            Thread(target=_send_later, args=(path, url, retries), name="penstock-upload").start()
        return remote_url

    @classmethod
    def upload_folder(cls, local_folder: str, remote_url: str, match_wildcard: str | None = None) -> str:
        """Upload the files below a folder, each to the same path below a URL, and return the URL.

        Args:
            local_folder: The folder. Links in it that lead outside are refused.
            remote_url: Where to.
            match_wildcard: Uploads only files whose name, or path from the folder, fits, such as `*.json`.

        Raises:
            NotFound: There is no such folder.
            NotSerializable: It holds something that is no file.
            RemoteError: A file cannot be written; the message says which and why.
        """
        folder, url = Path(local_folder).expanduser(), _url(remote_url)
        if not folder.is_dir():
            raise NotFound(f"there is no folder {local_folder}")
        way = _transport(url)
        for entry in archive.scan(folder):
            if not entry.name.endswith("/") and _fits(entry.name, match_wildcard):
                way.send(Path(entry.path), url.child(entry.name))
        return remote_url

    @classmethod
    def download_folder(
        cls,
        remote_url: str,
        local_folder: str | None = None,
        match_wildcard: str | None = None,
        overwrite: bool = False,
    ) -> str:
        """Download the files below a URL and return the path of the local folder.

        `s3://bucket/sub/file` comes to lie at `<local_folder>/sub/file`: paths go from the bucket. From a folder of
        this machine they go from that folder.

        Args:
            remote_url: The folder; web servers cannot tell what is in one.
            local_folder: Where to; by default a folder in the cache.
            match_wildcard: Downloads only files whose name, or path, fits, such as `*.json`.
            overwrite: Whether to download files that are there already.

        Raises:
            NotFound: There is no file below the URL.
            RemoteError: A file cannot be read, or has a name that leads elsewhere.
        """
        url = _url(remote_url)
        way = _transport(url)
        cached = local_folder is None
        folder = _cache(None).place(url) if local_folder is None else Path(local_folder).expanduser()
        found = list(way.entries(url.folder)) if not url.is_local or Path(url.key).is_dir() else []
        if not found:
            raise NotFound(f"there is no file below {url}")
        for entry in found:
            if _fits(entry.name, match_wildcard):
                _download(way, entry.url, folder, entry.name, overwrite=overwrite or cached)
        return str(folder)

    @classmethod
    def download_file(cls, remote_url: str, local_folder: str | None = None, overwrite: bool = False) -> str:
        """Download a file and return its path.

        `s3://bucket/sub/file` comes to lie at `<local_folder>/sub/file`, a file of this machine at
        `<local_folder>/file`.

        Args:
            remote_url: Where the file lies.
            local_folder: Where to; by default into the cache, as `get_local_copy` does.
            overwrite: Whether to download it if it is there already.

        Raises:
            NotFound: There is no such file.
            RemoteError: It cannot be read, or has a name that leads elsewhere.
        """
        if local_folder is None:
            return cls.get_local_copy(remote_url, extract_archive=False, force_download=overwrite)
        url = _url(remote_url)
        name = Path(url.key).name if url.is_local else url.names
        return str(_download(_transport(url), url, Path(local_folder).expanduser(), name, overwrite=overwrite))

    @classmethod
    def get_file_size_bytes(cls, remote_url: str) -> int:
        """Return the size of a file in bytes.

        Raises:
            NotFound: There is no such file.
            RemoteError: It cannot be read, or the server does not tell its size.
        """
        url = _url(remote_url)
        facts = _transport(url).stat(url)
        if facts is None:
            raise NotFound(f"there is no file {url}")
        if facts.size is None:
            raise RemoteError(f"the server does not tell the size of {url}")
        return facts.size

    @classmethod
    def exists_file(cls, remote_url: str) -> bool:
        """Return whether there is such a file; a folder is none.

        Raises:
            RemoteError: That cannot be found out; the message says why.
        """
        url = _url(remote_url)
        return _transport(url).stat(url) is not None

    @classmethod
    def get_metadata(cls, remote_url: str) -> dict[str, object]:
        """Return what is known of a file: its `name` (its path in the bucket) and its `size` in bytes.

        Raises:
            NotFound: There is no such file.
            RemoteError: It cannot be read.
        """
        url = _url(remote_url)
        return {"name": url.names if not url.is_local else url.key, "size": cls.get_file_size_bytes(remote_url)}

    @classmethod
    def set_cache_file_limit(cls, cache_file_limit: int, cache_context: str | None = None) -> int:
        """Set how many copies this process keeps in a context, and return it. Those used the longest ago go first.

        Args:
            cache_file_limit: At least 1; it is 100 where nothing was set. An unpacked archive is a copy of its own.
            cache_context: The context; by default that of all calls which name none.

        Raises:
            Invalid: The limit is below 1.
        """
        if cache_file_limit < 1:
            raise Invalid(f"a cache cannot hold {cache_file_limit} files", hint="give a limit of 1 or more")
        _limits[cache_context or _GLOBAL] = cache_file_limit
        return cache_file_limit

    @classmethod
    def list(cls, remote_url: str, return_full_path: bool = False, with_metadata: bool = False) -> Listing:
        """Return the files whose paths begin with that of a URL: `s3://bucket/folder_` finds `folder_a/x`.

        Args:
            remote_url: The folder, or the beginning of a path. Web servers cannot tell what they have.
            return_full_path: Whether names are whole URLs; else they go from the bucket, or from the folder.
            with_metadata: Whether to return, for each file, a dict of its `name` and its `size` in bytes.

        Raises:
            RemoteError: They cannot be listed; the message says why.
        """
        url = _url(remote_url)
        found = [(one.url.text if return_full_path else one.name, one.size) for one in _transport(url).entries(url)]
        if with_metadata:
            return [{"name": name, "size": size} for name, size in found]
        return [name for name, _ in found]


def _url(text: str) -> Url:
    """Take a URL apart; one that the configuration maps to a folder is that of a file there."""
    return parse(mapped(text, session.settings().storage.local))


def _transport(url: Url, retries: int | None = None) -> Transport:
    return transport(url, environment(), retries)


def _cache(context: str | None) -> Cache:
    context = context or _GLOBAL
    return Cache(session.settings().home / "cache", context, _limits.get(context, DEFAULT_LIMIT))


def _fits(name: str, wildcard: str | None) -> bool:
    return not wildcard or fnmatchcase(name, wildcard) or fnmatchcase(name.rpartition("/")[2], wildcard)


def _download(way: Transport, url: Url, folder: Path, name: str, *, overwrite: bool) -> Path:
    """Fetch a file to a path below a folder: the name is the far side's, and is judged first."""
    if not is_portable(name):
        raise RemoteError(f"{url} is not downloaded: its name {shown(name)} leads elsewhere, or is no path")
    target = folder / name
    if overwrite or not target.exists():
        with replacing(target) as sink:
            way.fetch(url, sink)
    return target


def _send_later(path: Path, url: Url, retries: int | None) -> None:
    try:
        _transport(url, retries).send(path, url)
    except PenstockError as error:
        sys.stderr.write(f"penstock: {path} was not uploaded: {error}\n")
