"""Version numbers of pipelines: reading, ordering and counting them up, and which one a run gets.

A version is what PEP 440 calls one, in any of its spellings and with an optional leading `v`: `1.2.3`, `23`, `1.0.0b0`,
`v2.1.post1`, `2021.10.4+x`. It is kept as it was written; two spellings of the same version (`1.0`, `v1.0.0`) are equal
by `key`. Nothing here knows where the versions of earlier runs come from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Self, TypeAlias

from msgspec import Struct

from penstock.core.errors import BadVersion

FIRST: Final = "1.0.0"
LONGEST: Final = 128  # characters

_GRAMMAR: Final = re.compile(
    r"""
    v? (?:(?P<epoch>[0-9]+)!)? (?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<pre>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?P<pre_number>[0-9]*))?
    (?:-(?P<bare_post>[0-9]+)|(?P<post>[-_.]?(?:post|rev|r))[-_.]?(?P<post_number>[0-9]*))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_number>[0-9]*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_LAST_NUMBER: Final = re.compile(r"[0-9]+$", re.ASCII)
_SEPARATOR: Final = re.compile(r"[-_.]")

# Before the release come its development versions, then alphas, betas and release candidates.
_DEVELOPMENT: Final = 0
_PHASES: Final = {"a": 1, "alpha": 1, "b": 2, "beta": 2, "c": 3, "rc": 3, "pre": 3, "preview": 3}
_RELEASED: Final = 4

_Part: TypeAlias = tuple[int, int, str]
Key: TypeAlias = tuple[int, tuple[int, ...], tuple[int, int], int, tuple[int, int], tuple[_Part, ...]]


class Version(Struct, frozen=True):
    """A version number.

    Args:
        text: As it was written.
        key: What it is compared by: equal for equal versions, greater for later ones.
    """

    text: str
    key: Key

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a version; space around it does not count.

        Raises:
            BadVersion: The text is not a version.
        """
        text = text.strip()
        found = _GRAMMAR.fullmatch(text) if len(text) <= LONGEST else None
        if found is None:
            hint = "write numbers between dots, such as 1.0.0, 23 or 1.2.0b1"
            raise BadVersion(f"{text[:LONGEST]!r} is not a version", hint=hint)
        return cls(text, _key(found))

    def __str__(self) -> str:
        return self.text

    def bump(self) -> Self:
        """Return the next version: the last number one higher, and no local part.

        A part that leaves its number out counts as number 0, so `1.0a` is followed by `1.0a1`.
        """
        public = self.text.partition("+")[0]
        last = _LAST_NUMBER.search(public)
        if last is None:
            return self.parse(f"{public}1")
        digits = last[0]
        return self.parse(public[: last.start()] + str(int(digits) + 1).zfill(len(digits)))


def _key(found: re.Match[str]) -> Key:
    """Order as PEP 440 does. The number of a part that is there but bare is 0."""
    part = found.groupdict(default="")
    release = [int(number) for number in part["release"].split(".")]
    while release and not release[-1]:
        release.pop()  # 1.0 is 1.0.0
    post = int(part["bare_post"] or part["post_number"] or 0) if part["bare_post"] or part["post"] else -1
    if part["pre"]:
        phase = (_PHASES[part["pre"].lower()], int(part["pre_number"] or 0))
    else:
        phase = (_DEVELOPMENT if part["dev"] and post < 0 else _RELEASED, 0)
    finished = (0, int(part["dev_number"] or 0)) if part["dev"] else (1, 0)
    local = tuple(_local(piece) for piece in _SEPARATOR.split(part["local"])) if part["local"] else ()
    return int(part["epoch"] or 0), tuple(release), phase, post, finished, local


def _local(piece: str) -> _Part:
    """Order one piece of a local part: numbers by value and after words."""
    return (1, int(piece), "") if piece.isdigit() else (0, 0, piece.lower())


def bump(text: str) -> str:
    """Return the version after this one, for example `1.3` after `1.2`, `v11` after `v10`, `1.0.0b1` after `1.0.0b0`.

    Raises:
        BadVersion: The text is not a version.
    """
    return str(Version.parse(text).bump())


def key(text: str) -> Key:
    """Return what orders versions: of two, the later one has the greater key, and equal ones have equal keys.

    Raises:
        BadVersion: The text is not a version.
    """
    return Version.parse(text).key


def choose(
    asked: str | None,
    code_hash: str,
    earlier: Sequence[tuple[str, str]],
    auto_bump: bool | None,  # noqa: FBT001 - None is a third answer
) -> str:
    """Say which version a run gets.

    A version that was asked for is given as it is, unless `auto_bump` is on and an earlier run has that version with
    other code: then the first one after it that is free, or that an earlier run has with this code. Without one it is
    1.0.0 at first; then the version of the newest run if its code is the same (unless `auto_bump` is off), else the one
    after the highest.

    Args:
        asked: The version that the user wrote.
        code_hash: Hash of the pipeline's code and graph.
        earlier: Version and code hash of each earlier run of the pipeline, the newest last.
        auto_bump: Whether the version follows the code; None leaves an asked version alone.

    Raises:
        BadVersion: `asked` or an earlier version is not a version.
    """
    if asked is None:
        return _next(code_hash, earlier, auto_bump=auto_bump)
    version = Version.parse(asked)
    if auto_bump:
        codes: dict[Key, set[str]] = {}
        for text, code in earlier:
            codes.setdefault(key(text), set()).add(code)
        while code_hash not in codes.get(version.key, {code_hash}):
            version = version.bump()
    return str(version)


def _next(code_hash: str, earlier: Sequence[tuple[str, str]], *, auto_bump: bool | None) -> str:
    if not earlier:
        return FIRST
    newest, code = earlier[-1]
    if auto_bump is not False and code == code_hash:
        return newest
    return bump(max((version for version, _ in earlier), key=key))
