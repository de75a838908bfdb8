"""Where operations go. A backend has one method that matters, `call`; who uses one never knows what is behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from penstock.core.lease import Held
from penstock.ops.base import Op

if TYPE_CHECKING:
    from penstock.blobs.files import FileBlobs
    from penstock.core.secret import Secret
    from penstock.settings import Settings

R = TypeVar("R")


class Backend(Protocol):
    """Carries operations out, here or elsewhere, and knows where the blobs are."""

    @property
    def blobs(self) -> FileBlobs: ...

    def call(self, op: Op[R]) -> R:
        """Carry out one operation; errors come back as the class of `core.errors` that was raised."""
        ...

    def close(self) -> None: ...


class Holder(Backend, Protocol):
    """The backend of who carries a claimed task out."""

    def call_once(self, op: Op[R], key: str) -> R:
        """Carry out one operation, once however often it comes with this key; a repeat is answered as the first was.

        Args:
            key: A text that no other operation of anybody comes with.
        """
        ...


class Home(Backend, Protocol):
    """A backend that is nobody's in particular."""

    def forget_answers(self, older_than: float) -> object:
        """Forget the keys that came this many seconds ago, or earlier. A server sees to that itself."""
        ...

    def hurry(self) -> None:
        """From now on, wait no more for a server that does not answer. May be called from signal handlers."""
        ...

    def known_by(self, key: Secret) -> Home:
        """Return the same home for who carries a claimed task out, and is known to its server by another key.

        Closing this one closes that one too.
        """
        ...

    def holding(self, held: Held) -> Holder:
        """Return the backend of who carries a claimed task out: it writes nothing once the task went to another.

        Closing either closes both.
        """
        ...


def connect(settings: Settings) -> Backend:
    """Open the backend that the settings name, for who holds a run when they say so."""
    home = open_home(settings)
    return home if settings.held is None else home.holding(settings.held)


def open_home(settings: Settings) -> Home:
    """Open the backend that the settings name: a server, or the service in this process.

    That is on the file of the home, or on PostgreSQL.
    """
    if settings.url:
        from penstock.backend.remote import open_remote  # noqa: PLC0415 - most processes need no server

        return open_remote(settings)
    from penstock.backend.local import open_local  # noqa: PLC0415 - step processes never import the database

    return open_local(settings)
