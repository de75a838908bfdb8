"""The token of a home: what a server on this machine knows the owner of the home by.

Whoever can read the file is the owner, or was given it by the owner. It is made once, by the server, and read by every
client of the same home; nobody has to type it.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from penstock.core.errors import StoreError


def token_file(home: Path) -> Path:
    """Return where the token lies."""
    return home / "token"


def make_token(home: Path) -> str:
    """Return the token of a home; make it when there is none.

    Raises:
        StoreError: The file is open to others, or cannot be read or written.
    """
    path = token_file(home)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write(path, secrets.token_urlsafe(32))
        facts = path.stat()
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"the token {path} cannot be used: {error}", hint=f"remove it: rm {path}") from None
    if facts.st_uid != os.getuid() or stat.S_IMODE(facts.st_mode) & 0o077:
        raise StoreError(f"the token {path} is open to others", hint=f"remove it, so that a new one is made: rm {path}")
    if len(token) < 40:  # noqa: PLR2004 - 256 bits are 43 characters
        raise StoreError(f"the token {path} is too short to be one", hint=f"remove it: rm {path}")
    return token


def read_token(home: Path) -> str:
    """Return the token of a home, nothing when there is none."""
    with suppress(OSError, UnicodeDecodeError):
        return token_file(home).read_text("ascii").strip()
    return ""


def _write(path: Path, token: str) -> None:
    """Write the file whole, for its owner alone; leave one alone that another process was quicker to write."""
    part = path.with_name(f"token.{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{token}\n")
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink()
