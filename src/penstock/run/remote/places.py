"""The transport for a URL. The kinds are imported when they are needed: most processes meet one of them, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.run.remote.local import Local

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.run.remote.transport import Transport
    from penstock.run.remote.urls import Url


def transport(url: Url, environment: Mapping[str, str], retries: int | None = None) -> Transport:
    """Return the way to the files of a URL's kind.

    Args:
        environment: The environment variables, for the endpoints of object storage.
        retries: How often something is tried again that failed in passing; None leaves it to the kind.
    """
    if url.is_local:
        return Local()
    chosen = {} if retries is None else {"tries": 1 + max(0, retries)}
    if url.scheme.startswith("http"):
        from penstock.run.remote.http import Http  # noqa: PLC0415 - urllib.request takes long to import

        return Http(**chosen)
    from penstock.run.remote.objects import Objects  # noqa: PLC0415 - as above

    return Objects(environment, **chosen)
