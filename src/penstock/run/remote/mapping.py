"""URLs whose files lie on this machine as well, in a folder that the configuration names: a mounted share, a copy.

The longest beginning that fits counts, and only whole names: `s3://data` is no beginning of `s3://database/x`. What
stands behind it must lead below the folder. This does no I/O.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from penstock.core.errors import Invalid
from penstock.run.unpack import is_inside


def mapped(url: str | os.PathLike[str], folders: Mapping[str, str]) -> str:
    """Return the path on this machine of a URL that is mapped; any other as it is.

    Args:
        url: A URL, or a path.
        folders: By the beginning of URLs the folder where what is below it lies.

    Raises:
        Invalid: What stands behind the beginning does not lead below the folder.
    """
    text = os.fspath(url)
    for beginning in sorted(folders, key=len, reverse=True):
        bare = beginning.rstrip("/")
        if text.rstrip("/") == bare:
            return folders[beginning]
        if text.startswith(f"{bare}/"):
            return _below(Path(folders[beginning]), text, text[len(bare) + 1 :])
    return text


def _below(folder: Path, url: str, rest: str) -> str:
    name = rest.partition("?")[0]
    name = unquote(name) if url.lower().startswith("http") else name
    if not is_inside(name.rstrip("/")):
        raise Invalid(
            f"{url!r} does not lead below {folder}",
            hint="[storage.local] of the configuration maps it there; give a URL without empty or dotted names",
        )
    return str(folder / name) + ("/" if name.endswith("/") else "")
