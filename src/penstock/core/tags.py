"""What a filter of tags lets through, in the words of the documented API.

["a", "b"]               one of them
["a", "-b"]              `a`, but not `b`
["__$all", "a", "b"]     both; `__$or` (or `__$any`) goes back to "one of them"
["__$not", "b"]          not `b`: the same as `-b`
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

_ALL, _NOT = frozenset({"__$all", "__$and"}), "__$not"
_ANY = frozenset({"__$or", "__$any"})


class TagFilter(Struct, frozen=True, kw_only=True):
    """What tags something must have.

    Args:
        any: At least one of these, when there are any.
        all: Each of these.
        none: None of these.
    """

    any: frozenset[str] = frozenset()
    all: frozenset[str] = frozenset()
    none: frozenset[str] = frozenset()

    def accepts(self, tags: Iterable[str]) -> bool:
        """Return whether something with these tags is let through."""
        found = set(tags)
        return self.all <= found and not self.none & found and (not self.any or bool(self.any & found))


def tag_filter(words: Iterable[str] | None) -> TagFilter | None:
    """Return the filter that these words ask for; None when there are none."""
    found: dict[str, set[str]] = {"any": set(), "all": set(), "none": set()}
    where, negated = "any", False
    for word in words or ():
        if word in _ALL | _ANY:
            where = "all" if word in _ALL else "any"
        elif word == _NOT:
            negated = True
        else:
            excluded = negated or (word.startswith("-") and len(word) > 1)
            found["none" if excluded else where].add(word.removeprefix("-") if excluded else word)
            negated = False
    if not any(found.values()):
        return None
    return TagFilter(**{name: frozenset(tags) for name, tags in found.items()})
