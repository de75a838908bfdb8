"""Files in object storage (s3, gs, az) through obstore, which is imported when the first such URL is met.

Credentials are found where obstore looks for them, in the environment; they never pass through here. What obstore says
is cut to its first sentence, since the rest may hold signed addresses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from penstock.core.errors import Invalid, NotFound, RemoteError
from penstock.run.remote.transport import PIECE, Entry, Facts, Passing, persist

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import ModuleType

    from penstock.run.remote.urls import Url

_Result = TypeVar("_Result")
_NO_CREDENTIALS = re.compile(
    r"169\.254\.169\.254|latest/api/token|metadata\.google|token request|[Cc]redential|must be specified"
)
_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound")
_ADDRESS_QUERY = re.compile(r"\?\S+")
_CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SKIP_SIGNATURE=true for public buckets)",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}


class Objects:
    """Files in object storage.

    Args:
        environment: The environment variables: whether an endpoint of one's own is plain http.
        tries: How often something is tried that fails in passing; obstore tries each request twice more itself.
        pause: Seconds before the second try; doubles from then on.
    """

    def __init__(self, environment: Mapping[str, str], tries: int = 3, pause: float = 0.5) -> None:
        self._environment = environment
        self._tries = tries
        self._pause = pause
        self._stores: dict[tuple[str, str, str], Any] = {}

    def stat(self, url: Url) -> Facts | None:
        """Return what is told about an object; None when there is none."""
        try:
            return self._persist(lambda: _facts(self._store(url).head(_key(url))), url, "read")
        except NotFound:
            return None

    def fetch(self, url: Url, sink: IO[bytes]) -> Facts:
        """Download an object; goes on where a connection was cut, while the object is the same."""
        told: list[Facts] = []  # about the bytes that are in the sink

        def download() -> Facts:
            options: dict[str, object] = {}
            if told and told[-1].etag and 0 < sink.tell() < (told[-1].size or 0):
                options = {"range": {"offset": sink.tell()}, "if_match": told[-1].etag}
            else:
                sink.seek(0)
                sink.truncate()
                told.clear()
            found = self._store(url).get(_key(url), options=options)
            if not told:
                told.append(_facts(found.meta))
            for piece in found.stream(min_chunk_size=PIECE):
                sink.write(piece)
            if sink.tell() != told[-1].size:
                raise Passing(f"the connection was cut after {sink.tell():,} of {told[-1].size:,} bytes")
            return told[-1]

        def checked() -> Facts:
            try:
                return download()
            except _obstore(url).exceptions.PreconditionError as error:
                told.clear()
                raise Passing("it changed while it was read") from error

        return self._persist(checked, url, "read")

    def send(self, path: Path, url: Url) -> None:
        """Upload a file, in parts if it is large."""
        self._persist(lambda: self._store(url).put(_key(url), path), url, "written")

    def entries(self, url: Url) -> Iterator[Entry]:
        """Return the objects whose keys begin with that of the URL, in the order of their keys."""
        found = self._persist(lambda: self._find(url), url, "listed")
        folders = {name.rpartition("/")[0] for name in found}
        for name, size in sorted(found.items()):
            if size or name not in folders:  # else a marker that tools leave for a folder
                yield Entry(name, size, url.at(name))

    def _find(self, url: Url) -> dict[str, int]:
        """Ask for one level, then for what is below the folders in it that fit: not for the whole bucket."""
        store = self._store(url)
        parent, _, _ = url.key.rpartition("/")
        level = store.list_with_delimiter(parent or None)
        found = [one for one in level["objects"] if one["path"].startswith(url.key)]
        for folder in level["common_prefixes"]:
            if f"{folder}/".startswith(url.key):
                found += [one for chunk in store.list(folder, chunk_size=1_000) for one in chunk]
        return {one["path"]: one["size"] for one in found}

    def _store(self, url: Url) -> Any:
        place = (url.scheme, url.host, url.account)
        if place not in self._stores:
            self._stores[place] = self._connect(url)
        return self._stores[place]

    def _connect(self, url: Url) -> Any:
        stores = _obstore(url).store
        # Each read has its own limit, since no limit for a whole file fits all files.
        client: dict[str, object] = {"connect_timeout": "10s", "read_timeout": "60s", "timeout": "1d"}
        options: dict[str, object] = {"client_options": client, "retry_config": {"max_retries": 2}}
        if url.scheme == "s3":
            endpoint = self._environment.get("AWS_ENDPOINT_URL_S3") or self._environment.get("AWS_ENDPOINT_URL") or ""
            if endpoint:
                options["endpoint"] = endpoint
            if endpoint.startswith("http://"):
                client["allow_http"] = True  # the user named an endpoint without TLS
            return stores.S3Store(url.host, **options)
        if url.scheme == "gs":
            return stores.GCSStore(url.host, **options)
        if url.account:
            options["account_name"] = url.account
        return stores.AzureStore(url.host, **options)

    def _persist(self, action: Callable[[], _Result], url: Url, verb: str) -> _Result:
        what = f"{url} cannot be {verb}"

        def once() -> _Result:
            with _translating(url, what):
                return action()

        return persist(once, what, tries=self._tries, pause=self._pause)


def _obstore(url: Url) -> ModuleType:
    try:
        found = import_module("obstore")
        import_module("obstore.exceptions")
        import_module("obstore.store")
    except ImportError as error:
        message = f"{url.scheme}:// URLs need the package obstore, which is not installed"
        raise RemoteError(message, hint="pip install 'penstock[cloud]'") from error
    return found


def _key(url: Url) -> str:
    if not url.key.strip("/"):
        raise Invalid(f"{url} names a bucket, not a file in it")
    return url.key


def _facts(meta: Mapping[str, Any]) -> Facts:
    return Facts(meta["size"], meta["e_tag"] or "", meta["last_modified"].isoformat())


@contextmanager
def _translating(url: Url, what: str) -> Generator[None]:
    """Turn what obstore raises into errors of ours, or into Passing where trying again makes sense."""
    errors = _obstore(url).exceptions
    try:
        yield
    except (FileNotFoundError, errors.NotFoundError) as error:
        raise NotFound(f"there is no file {url}", hint="look for a typing error in the URL") from error
    except (errors.PermissionDeniedError, errors.UnauthenticatedError) as error:
        raise RemoteError(f"{what}: access is denied", hint=_CREDENTIALS[url.scheme]) from error
    except (errors.InvalidPathError, ValueError) as error:
        raise Invalid(f"{what}: {_first_line(error)}") from error
    except errors.BaseError as error:
        if isinstance(error, errors.PreconditionError):
            raise
        if _NO_BUCKET.search(str(error)):
            raise NotFound(f"there is no bucket {url.scheme}://{url.host}") from error
        if _NO_CREDENTIALS.search(str(error)):
            raise RemoteError(f"{what}: there are no credentials", hint=_CREDENTIALS[url.scheme]) from error
        raise Passing(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return _ADDRESS_QUERY.sub("?...", str(error).partition("\n")[0])[:300]
