"""Addresses of repositories: how they are recorded, which ones are followed, and what a branch or commit may look like.

It works on texts alone; it must never reach for what an address names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from penstock.core.errors import Invalid

_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\])"
_USER = r"[A-Za-z0-9_][A-Za-z0-9._+-]*"
_REST = r"[^\x00-\x20\x7f]+"
_FOLLOWED = re.compile(
    rf"https://(?:[^\x00-\x20\x7f/@]+@)?{_HOST}(?::\d+)?/{_REST}"
    rf"|ssh://(?:{_USER}@)?{_HOST}(?::\d+)?/{_REST}"
    rf"|{_USER}@{_HOST}:(?![-:]){_REST}"
    r"|(?:file://)?/[^\x00-\x1f\x7f]*"
)
_REVISION = re.compile(r"(?!-)[A-Za-z0-9._/-]{1,200}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)@")
_REMOTE = re.compile(r"[^/]+:")  # `host:path`, and anything with a scheme
_FULL = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def without_credentials(address: str) -> str:
    """Return an address as it may be recorded and shown: no password, no token.

    The user of ssh stays, since it belongs to the address; a query goes, since tokens are handed over in it.
    """
    if not _SCHEME.match(address):
        return address
    if not address.startswith("file:"):
        address = re.split(r"[?#]", address, maxsplit=1)[0]
    found = _USERINFO.match(address)
    if not found:
        return address
    user = found[2].partition(":")[0]
    kept = f"{user}@" if found[1].lower() in {"ssh://", "git+ssh://"} and user else ""
    return found[1] + kept + address[found.end() :]


def rewritten(address: str, rules: Iterable[tuple[str, str]]) -> str:
    """Return what git makes of an address by its settings `url.NEW.insteadOf = OLD`.

    Args:
        address: As it was configured.
        rules: Pairs of the old beginning and the new one; the longest old one that fits wins.
    """
    fitting = [(old, new) for old, new in rules if old and address.startswith(old)]
    if not fitting:
        return address
    old, new = max(fitting, key=lambda rule: len(rule[0]))
    return new + address[len(old) :]


def absolute(address: str, folder: Path) -> str:
    """Return an address that does not depend on the folder in which it was written."""
    if _REMOTE.match(address) or not address:
        return address
    return str((folder / address).resolve())


def check_address(address: str) -> str:
    """Return the address of a repository that may be fetched from.

    Raises:
        Invalid: It is of no kind that is followed.
    """
    if not _FOLLOWED.fullmatch(address):
        raise Invalid(
            f"not an address of a repository that is followed: {without_credentials(address)!r}",
            hint="give https://HOST/PATH, ssh://HOST/PATH, git@HOST:PATH, file:///PATH or an absolute path",
        )
    return address


def check_revision(revision: str) -> str:
    """Return a branch, tag or commit that may be handed to git.

    Raises:
        Invalid: It is none.
    """
    if not _REVISION.fullmatch(revision) or ".." in revision:
        raise Invalid(
            f"not a branch, tag or commit: {revision[:200]!r}",
            hint="letters, digits, `.`, `_`, `/` and `-` make one, and `-` does not begin it",
        )
    return revision


def is_commit(revision: str) -> bool:
    """Return whether a revision is the whole hash of a commit."""
    return _FULL.fullmatch(revision) is not None
