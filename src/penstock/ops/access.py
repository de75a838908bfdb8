"""Operations on users, their keys and their sessions."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.core.access import Identity, Key, Kind, Scope, User
from penstock.core.secret import Secret
from penstock.ops.base import Op

LIFETIME = 90 * 86_400.0
"""Seconds for which a key is good, unless it is made for another time."""


class AddUser(Op[User], frozen=True, kw_only=True):
    """Add a user; raise Conflict when there is one of this name. The first has to be an admin.

    Args:
        name: Letters, digits, and `. _ - @ +`; at most 64.
        scope: The most that they may do.
        projects: The projects that they may see, each with those below it; empty for all.
        password: What they log in with, of 10 to 1,024 characters; None when they come with keys only.
    """

    name: str
    scope: Scope = Scope.RUN
    projects: tuple[str, ...] = ()
    password: Secret | None = None
    confidential: ClassVar[bool] = True


class ListUsers(Op[list[User]], frozen=True, kw_only=True):
    """Return the users, by name."""

    reads: ClassVar[bool] = True


class ChangeUser(Op[User], frozen=True, kw_only=True):
    """Change a user; what is None stays as it is. What they are allowed changes at once, also for who is logged in.

    Raises Conflict when nobody would be left to administrate the server. A new password ends their sessions.

    Args:
        disabled: Whether they are refused, with all their keys.
        password: As in AddUser.
    """

    name: str
    scope: Scope | None = None
    projects: tuple[str, ...] | None = None
    disabled: bool | None = None
    password: Secret | None = None
    confidential: ClassVar[bool] = True


class RemoveUser(Op[None], frozen=True, kw_only=True):
    """Remove a user with their keys and sessions; what they recorded stays.

    Raises Conflict when nobody would be left to administrate the server.
    """

    name: str


class NewKey(Struct, frozen=True, kw_only=True):
    """A key that has just been made, and its text, which is kept nowhere: nobody can be told it again."""

    key: Key
    secret: Secret


class AddKey(Op[NewKey], frozen=True, kw_only=True):
    """Make a key of a user and return its text, this once.

    Args:
        owner: The user. The key never allows more than they may, whatever it says.
        name: What it is for; of an agent, the agent's name.
        kind: `user`, or `agent` for one that may only claim tasks and see to them.
        scope: The most that it allows.
        projects: The projects that it is for, each with those below it; empty for all that its owner may see.
        queues: Of an agent, the queues that it may serve; empty for all.
        lifetime: Seconds for which it is good; None for ever.
    """

    owner: str
    name: str = ""
    kind: Kind = Kind.USER
    scope: Scope = Scope.RUN
    projects: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    lifetime: float | None = LIFETIME
    confidential: ClassVar[bool] = True


class ListKeys(Op[list[Key]], frozen=True, kw_only=True):
    """Return the keys of a user, or of all users, the newest first; also those that are refused by now."""

    owner: str | None = None
    reads: ClassVar[bool] = True


class RevokeKey(Op[Key], frozen=True, kw_only=True):
    """Refuse a key from now on. Revoking it again changes nothing."""

    id: str


class LoggedIn(Struct, frozen=True, kw_only=True):
    """A session that has just begun: its text, which is kept nowhere, and whose it is.

    Args:
        expires: Epoch seconds when it ends unless it is used before.
    """

    session: Secret
    user: User
    expires: float


class LogIn(Op[LoggedIn], frozen=True, kw_only=True):
    """Begin a session; raise Unauthenticated when name and password do not fit.

    Five attempts a minute are let through for one name from one address, thirty for all names from one address; then
    TooManyAttempts. A session ends after twelve hours without a call.
    """

    name: str
    password: Secret
    confidential: ClassVar[bool] = True


class ChangePassword(Op[User], frozen=True, kw_only=True):
    """Give oneself another password, which ends all sessions but the one that asks.

    Raises Unauthenticated when the current one does not fit, Conflict when there is none, and TooManyAttempts as LogIn
    does.

    Args:
        name: The user, who asks.
        current, password: The password that holds now, and the one that is to hold.
    """

    name: str
    current: Secret
    password: Secret
    confidential: ClassVar[bool] = True


class LogOut(Op[None], frozen=True, kw_only=True):
    """End a session, given by its text. Ending it again changes nothing."""

    session: Secret
    confidential: ClassVar[bool] = True


class Authenticate(Op[Identity], frozen=True, kw_only=True):
    """Return who comes with the text of a key or a session, as far as they are allowed now.

    Raises Unauthenticated when it is unknown, revoked, expired or ended, or its owner is disabled.
    """

    text: Secret
    durable: ClassVar[bool] = False
    confidential: ClassVar[bool] = True
