"""Who asks for something, and what they may: the words that every way to the service shares.

Nothing here knows where users and keys are kept, or which operation needs what: that is `core.rights`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct


class Scope(StrEnum):
    """What a key allows, from the least to the most; each allows what stands before it as well."""

    READ = "read"
    RUN = "run"
    WRITE = "write"
    ADMIN = "admin"

    def covers(self, other: Scope) -> bool:
        """Return whether this allows all that the other does."""
        return _ORDER[other] <= _ORDER[self]


_ORDER = {scope: place for place, scope in enumerate(Scope)}


class Kind(StrEnum):
    """What sort of key somebody came with."""

    USER = "user"  # a person, by a session or a key of their own
    AGENT = "agent"  # claims tasks from its queues
    ATTEMPT = "attempt"  # one claimed task, for as long as it is claimed
    NOBODY = "nobody"  # has not said yet who they are


class Identity(Struct, frozen=True, kw_only=True):
    """Who asks.

    Args:
        name: Of the user, the agent, or the task.
        kind: What sort of key they came with.
        scope: The most that the key allows.
        projects: The projects that it is for, each with those below it; empty for all of them. Of an attempt, those
            in which it may read beside its own run; empty for none, `("",)` for all.
        queues: Of an agent, the queues that it may serve; of a user, those that they may put tasks into; empty for all.
        task: Of an attempt, its task.
        fence: Of an attempt, the number that its task is held under, by which it may do what ends and lets go of it,
            too; None for what the code of a step may.
        leads: Of an attempt, whether it is a controller: it writes to what it leads and makes as to itself.
        key: Id of the key or the session that they came with; what became of that since counts at every call. Empty
            where somebody else vouches for them.
        address: Where the call came from; empty when that is this machine.
    """

    name: str
    kind: Kind = Kind.USER
    scope: Scope = Scope.READ
    projects: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    task: str | None = None
    fence: int | None = None
    leads: bool = False
    key: str = ""
    address: str = ""

    def may(self, scope: Scope) -> bool:
        """Return whether the key allows this."""
        return self.scope.covers(scope)

    def sees(self, project: str) -> bool:
        """Return whether the key is for this project."""
        if not self.projects:
            return self.kind is not Kind.ATTEMPT
        return any(lies_in(project, one) for one in self.projects)


def nobody(address: str = "") -> Identity:
    """Return the identity of somebody at this address who has not said who they are."""
    return Identity(name="nobody", kind=Kind.NOBODY, address=address)


class User(Struct, frozen=True, kw_only=True):
    """A person who may use a server.

    Args:
        projects: The projects that they may see, each with those below it; empty for all.
        has_password: Whether they can log in; without one they come with keys only.
        created: Epoch seconds.
        disabled: Epoch seconds since when they are refused; None while they are not.
    """

    name: str
    scope: Scope
    projects: tuple[str, ...] = ()
    has_password: bool = False
    created: float = 0.0
    disabled: float | None = None

    @property
    def governs(self) -> bool:
        """Whether they may administrate the server: an admin of all projects who is not disabled."""
        return self.scope is Scope.ADMIN and not self.projects and self.disabled is None


class Key(Struct, frozen=True, kw_only=True):
    """What a program says to be known. It never allows more than its owner may.

    Args:
        id: The public part of its text.
        name: What it is for; of an agent, the agent's name.
        owner: The user whose key it is.
        queues: As in `Identity`.
        created: Epoch seconds.
        expires: Epoch seconds from which on it is refused; None for never.
        used: Epoch seconds when it was last used, to the minute; None when it never was.
        revoked: Epoch seconds since when it is refused; None while it is not.
    """

    id: str
    owner: str
    name: str = ""
    kind: Kind = Kind.USER
    scope: Scope = Scope.READ
    projects: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    created: float = 0.0
    expires: float | None = None
    used: float | None = None
    revoked: float | None = None


class Session(Struct, frozen=True, kw_only=True):
    """A time in which a user is logged in, from a password until they log out or do nothing for long.

    Args:
        created, seen: Epoch seconds: of the log-in, and of the last call, to the minute.
        expires: Epoch seconds from which on it is refused, unless a call comes before.
    """

    id: str
    user: str
    created: float
    seen: float
    expires: float


KEY: Final = "penstock"
SESSION: Final = "session"
ATTEMPT: Final = "attempt"
_TEXT = re.compile(rf"({KEY}|{SESSION}|{ATTEMPT})_([a-z2-7]{{8}})_[A-Za-z0-9_-]{{43}}")

_DIGEST = re.compile(r"[0-9a-f]{64}")


class AttemptToken(Struct, frozen=True, kw_only=True):
    """What whoever carries a claimed task out is known by, for as long as the task is held.

    Args:
        task, fence: The task, and the number that it is held under.
        key: Id of the key or session that it was claimed with; empty when that was the owner of the home.
    """

    task: str
    fence: int
    key: str = ""


class Presented(NamedTuple):
    """What somebody came with: `sort` is `KEY`, `SESSION` or `ATTEMPT`."""

    sort: str
    id: str


def text_of(sort: str, id: str, secret: str) -> str:
    """Return the text of a key, a session or an attempt: `penstock_<id of 8>_<secret of 43>`, or `session_...`."""
    return f"{sort}_{id}_{secret}"


def read_text(text: str) -> Presented | None:
    """Return what such a text stands for; None when it is none."""
    found = _TEXT.fullmatch(text)
    return None if found is None else Presented(found[1], found[2])


def digest_of(text: str) -> str:
    """Return what is kept of such a text: its secret is of 256 random bits, so SHA-256 will do."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def is_digest(text: str) -> bool:
    """Return whether this is what `digest_of` returns."""
    return _DIGEST.fullmatch(text) is not None


def is_same(digest: str, other: str) -> bool:
    """Return whether two digests are the same, in a time that says nothing about where they differ."""
    return hmac.compare_digest(digest.encode(), other.encode())


def lies_in(project: str, above: str) -> bool:
    """Return whether a project is this one or lies below it; all lie below the one without a name."""
    return not above or project == above or project.startswith(f"{above}/")


def narrowed(these: tuple[str, ...], those: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the projects that lie in one of these and in one of those; None when none does.

    Nothing on either side stands for all projects, and so it does in the answer.
    """
    if not these or not those:
        return these or those
    deeper = {one if lies_in(one, other) else other for one in these for other in those if _meet(one, other)}
    return tuple(sorted(deeper)) or None


def _meet(one: str, other: str) -> bool:
    return lies_in(one, other) or lies_in(other, one)
