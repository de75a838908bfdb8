"""Secrets from the system's randomness, and passwords hashed by argon2id.

Imports argon2 when the first password comes: homes without users never need it.
"""

from __future__ import annotations

import base64
import secrets
import threading
from typing import TYPE_CHECKING

from penstock.core.errors import PenstockError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

AT_ONCE = 2
"""Passwords that are hashed at the same time; each takes 64 MiB of memory."""


class SystemSecrets:
    """Makes secrets and hashes passwords.

    Args:
        rounds: How many times a hash goes over its memory.
        memory: KiB of memory that a hash takes.
    """

    def __init__(self, rounds: int = 3, memory: int = 65_536) -> None:
        self._rounds = rounds
        self._memory = memory
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._made: tuple[PasswordHasher, str] | None = None

    def id(self) -> str:
        """Return 8 characters to know something by in public."""
        return base64.b32encode(secrets.token_bytes(5)).decode().lower()

    def token(self) -> str:
        """Return 256 random bits as 43 characters of base64url."""
        return secrets.token_urlsafe(32)

    def hashed(self, password: str) -> str:
        """Return the hash that is kept of a password.

        Raises:
            PenstockError: argon2-cffi is not installed.
        """
        hasher, _ = self._hasher()
        with self._turns:
            return hasher.hash(_bytes(password))

    def fits(self, hash: str | None, password: str) -> bool:
        """Return whether the password is the one of this hash; takes the same time when there is no hash."""
        from argon2.exceptions import VerificationError  # noqa: PLC0415 - see above

        hasher, decoy = self._hasher()
        with self._turns:
            try:
                hasher.verify(hash or decoy, _bytes(password))
            except VerificationError:
                return False
        return hash is not None

    def _hasher(self) -> tuple[PasswordHasher, str]:
        """Return the hasher, and the hash of what nobody knows."""
        with self._lock:
            if self._made is None:
                try:
                    from argon2 import PasswordHasher  # noqa: PLC0415 - see above
                except ImportError:
                    hint = "install it with: pip install 'penstock[server]'"
                    raise PenstockError("passwords need argon2-cffi, which is not installed", hint=hint) from None
                hasher = PasswordHasher(time_cost=self._rounds, memory_cost=self._memory)
                self._made = hasher, hasher.hash(self.token())
            return self._made


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
