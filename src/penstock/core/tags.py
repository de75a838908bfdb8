"""Which tags are wanted: the documented little language of tag filters, as in `["best", "-debug"]`.

    a, b                    either of them
    -a    __$not a          not this one
    __$all a b              both; `__$and` is the same word
    a __$all b c            a, or both b and c
    __$all __$or a b __$or c d      one of the first two and one of the others

An operator is meant for the tags that follow it, until the next operator. What the groups are joined by is said by the
first word of all: `__$all` (or `__$and`) joins them by "and", otherwise it is "or". A tag that is excluded before any
operator is excluded whatever else fits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from penstock.core.errors import Invalid
from penstock.core.names import did_you_mean

_JOINS_ALL = {"__$all": True, "__$and": True, "__$or": False, "__$any": False}
_NOT = "__$not"


class _Group(Struct, frozen=True):
    """Tags that one operator joins; a term is a tag and whether it has to be there."""

    every: bool
    terms: tuple[tuple[str, bool], ...]

    def fits(self, tags: Collection[str]) -> bool:
        answers = ((tag in tags) is there for tag, there in self.terms)
        return all(answers) if self.every else any(answers)


class TagFilter(Struct, frozen=True, kw_only=True):
    """What tags have to be like.

    Args:
        every: Whether all groups have to fit, not only one.
        groups: What may fit.
        excluded: Tags that must not be there.
    """

    every: bool
    groups: tuple[_Group, ...]
    excluded: frozenset[str]

    @classmethod
    def of(cls, wanted: Iterable[str]) -> TagFilter:
        """Read a filter.

        Raises:
            Invalid: A word looks like an operator and is none, or no tag follows `__$not`.
        """
        words = list(wanted)
        found: list[tuple[bool, list[tuple[str, bool]]]] = [(False, [])]
        left = iter(words)
        for word in left:
            if word in _JOINS_ALL:
                found.append((_JOINS_ALL[word], []))
            else:
                found[-1][1].append(_term(word, left))
        leading = found[0][1]
        excluded = frozenset(tag for tag, there in leading if not there)
        leading[:] = [term for term in leading if term[1]]
        return cls(
            every=bool(words) and _JOINS_ALL.get(words[0], False),
            groups=tuple(_Group(every, tuple(terms)) for every, terms in found if terms),
            excluded=excluded,
        )

    def fits(self, tags: Collection[str]) -> bool:
        """Return whether these tags are wanted."""
        if not self.excluded.isdisjoint(tags):
            return False
        answers = (group.fits(tags) for group in self.groups)
        return not self.groups or (all(answers) if self.every else any(answers))


def _term(word: str, left: Iterator[str]) -> tuple[str, bool]:
    if word == _NOT:
        tag = next(left, _NOT)
        if tag in _JOINS_ALL or tag == _NOT:
            raise Invalid("a tag has to follow '__$not'", hint="for example ['__$all', 'best', '__$not', 'debug']")
        return tag, False
    if word.startswith("__$"):
        raise Invalid(f"there is no tag operator {word!r}", hint=did_you_mean(word, [*_JOINS_ALL, _NOT], ""))
    return (word[1:], False) if word.startswith("-") and word != "-" else (word, True)
