"""Whether two executions of a step are the same: its key, and in what two keys differ, in sentences for people.

A key is made of parts, and the parts are kept with it, so that a miss can be explained by the earlier execution that
comes nearest. Nothing here knows where earlier executions are kept, or whether what they made is still there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import msgspec
from msgspec import Struct, field

from penstock.core.code import MAIN, Code
from penstock.core.contents import differing
from penstock.core.errors import Invalid

SCHEME = 1  # changes when keys are made in another way: those of before then match nothing
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
LONGEST_VALUE = 60  # characters of a value in a sentence
REST = "... sha256:"  # stands for the rest of a long value, before the digest of the whole
LARGEST_DECIMAL = 10**40  # larger numbers are written in hexadecimal digits: Python refuses to write the largest
DEEPEST_VALUE = 100  # containers inside each other
BRACKETS: dict[type, str] = {list: "[{}]", tuple: "({})", set: "{{{}}}", frozenset: "frozenset({{{}}})", dict: "{{{}}}"}


class Input(Struct, frozen=True):
    """The content that an argument has, when it is an artifact.

    Args:
        hash: SHA-256 of its bytes.
        format: As in `Artifact.format`: the same bytes may mean something else in another one.
        type: As in `Artifact.type`.
    """

    hash: str
    format: str = ""
    type: str = ""


class KeyParts(Struct, frozen=True, kw_only=True):
    """All that decides what a step makes.

    Args:
        code: What its function uses of the project.
        returns: The names of what it returns, in their order.
        arguments: Its plain arguments, each as `value_text` writes it.
        inputs: Its other arguments; where in a list or dict they are, is part of the name.
        contents: What small ones of these hold, as JSON. It says in what they differ, and is no part of the key.
        packages: The installed packages that its code imports, with their versions.
        container: The container that it asks for; empty for none.
        interpreter: Version of Python, without the last number: `3.11`.
        serializer: Digest of the user's own functions that store and load its artifacts; empty for none.
        place: The repository and folder that it asks to run in; empty for none.
    """

    code: Code
    returns: tuple[str, ...] = ()
    arguments: dict[str, str] = field(default_factory=dict[str, str])
    inputs: dict[str, Input] = field(default_factory=dict[str, Input])
    contents: dict[str, str] = field(default_factory=dict[str, str])
    packages: dict[str, str] = field(default_factory=dict[str, str])
    container: str = ""
    interpreter: str = ""
    serializer: str = ""
    place: str = ""


class Nearest(Struct, frozen=True):
    """The earlier execution that is most like a new one, and in what they differ."""

    id: str
    differences: tuple[str, ...]


def key(parts: KeyParts) -> str:
    """Return the key of a step: 64 hexadecimal digits, the same for the same parts whatever their order."""
    decisive = {name: getattr(parts, name) for name in parts.__struct_fields__ if name != "contents"}
    decisive["code"] = parts.code.digest
    text = msgspec.json.encode({"scheme": SCHEME, **decisive}, order="sorted")
    return hashlib.sha256(text).hexdigest()


def value_text(value: object) -> str:
    """Return a text for a plain value, which tells it from every other: `1`, `1.0`, `True` and `'1'` are four.

    Order counts, also that of a dict: a frame that is made of it has its columns in this order. Of a long value the
    text holds the beginning and a digest.

    Raises:
        Invalid: It holds something other than None, bools, numbers, texts, bytes and containers of these.
    """
    text = _whole_text(value, 0)
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[:LONGEST_VALUE]}{REST}{hashlib.sha256(text.encode()).hexdigest()}"


def _whole_text(value: object, depth: int) -> str:
    kind: type[object] = type(value)
    if value is None or kind in {bool, int, float, complex, str, bytes}:
        return hex(cast("int", value)) if kind is int and abs(cast("int", value)) >= LARGEST_DECIMAL else repr(value)
    if kind not in BRACKETS or depth > DEEPEST_VALUE:
        what = "a container that is nested too deeply" if kind in BRACKETS else f"a {kind.__qualname__}"
        raise Invalid(
            f"{what} cannot be part of a cache key",
            hint="give None, bools, numbers, texts, bytes, or lists, tuples, sets and dicts of these",
        )
    if kind is dict:
        pairs = cast("dict[object, object]", value).items()
        texts = [f"{_whole_text(name, depth + 1)}: {_whole_text(one, depth + 1)}" for name, one in pairs]
    else:
        texts = [_whole_text(one, depth + 1) for one in cast("Iterable[object]", value)]
    ordered = texts if kind in {list, tuple, dict} else sorted(texts)
    comma = "," if kind is tuple and len(texts) == 1 else ""
    return BRACKETS[kind].format(", ".join(ordered) + comma) if texts or kind is not set else "set()"


# In what two keys differ


def differences(new: KeyParts, old: KeyParts) -> tuple[str, ...]:
    """Return sentences that say in what the parts differ, the most telling first; none when the keys are the same."""
    return (
        *_arguments(new, old),
        *_code(new.code, old.code),
        *_inputs(new, old),
        *_packages(new.packages, old.packages),
        *_others(new, old),
    )


def compared(difference: str, run: str) -> str:
    """Return the sentence with the run that it compares with: `rate is 2, was 1 in x`, `the code changed since x`."""
    return f"{difference} {'in' if ', was ' in difference or ', were ' in difference else 'since'} {run}"


def nearest(new: KeyParts, candidates: Iterable[tuple[str, KeyParts]]) -> Nearest | None:
    """Return the candidate with the fewest differences, of several the first one; None when there is none.

    Args:
        candidates: Ids of earlier executions with their parts, the latest first.
    """
    found = (Nearest(one, differences(new, parts)) for one, parts in candidates)
    return min(found, key=lambda one: len(one.differences), default=None)


def _arguments(new: KeyParts, old: KeyParts) -> Iterator[str]:
    for name in _differing(new.arguments, old.arguments):
        now, before = new.arguments.get(name), old.arguments.get(name)
        who = f"argument {_short(repr(name))}"
        if now is None:
            yield f"{who} is {'an artifact' if name in new.inputs else 'not given'}, was {_short(str(before))}"
        elif before is None:
            yield f"{who} is {_short(now)}, was {'an artifact' if name in old.inputs else 'not given'}"
        elif _short(now) == _short(before):
            yield f"{who} differs after its beginning, {_short(now)}"
        else:
            yield f"{who} is {_short(now)}, was {_short(before)}"


def _inputs(new: KeyParts, old: KeyParts) -> Iterator[str]:
    for name in _differing(new.inputs, old.inputs):
        now, before = new.inputs.get(name), old.inputs.get(name)
        who = f"input {_short(repr(name))}"
        if now is None or before is None:
            if name not in {*new.arguments, *old.arguments}:
                yield f"{who} was {'removed' if now is None else 'added'}"
        elif now.type != before.type:
            yield f"{who} is of type {_short(now.type)}, was {_short(before.type)}"
        elif now.format != before.format:
            yield f"{who} is stored as {_short(now.format)}, was as {_short(before.format)}"
        else:
            yield _content(who, new.contents.get(name, ""), old.contents.get(name, ""))


def _content(who: str, now: str, before: str) -> str:
    """Say in one sentence in what two contents differ, as far as that is known: one input is one difference."""
    found = differing(now, before)
    if not found:
        return f"{who} has other content"
    first, absent = found[0], "not there"
    said = f"{who}{_short(first.path)} is {_short(first.now or absent)}, was {_short(first.before or absent)}"
    more = len(found) - 1
    return f"{said}, and {more:,} more item{' differs' if more == 1 else 's differ'}" if more else said


def _code(new: Code, old: Code) -> Iterator[str]:
    if new.digest == old.digest:
        return
    names = _differing(new.parts, old.parts)
    moved = {new.parts[name] for name in names if name not in old.parts}
    moved &= {old.parts[name] for name in names if name not in new.parts}
    count = 0
    for name in names:
        now, before = new.parts.get(name), old.parts.get(name)
        if (now or before) in moved and None in {now, before}:
            continue  # it has another name or module now: that alone makes no difference
        count += 1
        yield _part(name, now, before)
    if not count:
        yield "the definitions of the code use each other in another way"


def _part(name: str, now: str | None, before: str | None) -> str:
    kind, _, value = str(now or before).partition(":")
    if name.startswith("module "):
        what = "the top level of the script" if name == f"module {MAIN}" else f"the top level of {_short(name)}"
    elif kind in {"function", "block"}:
        what = f"the code of {_short(repr(name))}" if now and before else f"helper {kind} {_short(repr(name))}"
    else:
        what = f"{kind} {_short(repr(name))}"
    former = str(before).partition(":")[2]
    if not (now and before):
        return f"{what} was {'added' if now else 'removed'}"
    if value.startswith("=") and former.startswith("="):
        return f"{what} is {_short(value[1:])}, was {_short(former[1:])}"
    return f"{what} changed"


def _packages(new: Mapping[str, str], old: Mapping[str, str]) -> Iterator[str]:
    for name in _differing(new, old):
        if name not in new:
            yield f"package {_short(name)} is not used, was {_short(old[name])}"
        else:
            yield f"package {_short(name)} is {_short(new[name])}, was {_short(old.get(name, 'not used'))}"


def _others(new: KeyParts, old: KeyParts) -> Iterator[str]:
    if new.returns != old.returns:
        yield f"the names that it returns are {_short(str(list(new.returns)))}, were {_short(str(list(old.returns)))}"
    if new.serializer != old.serializer:
        yield "the functions that store and load artifacts changed"
    for what, now, before in (
        ("the container", new.container, old.container),
        ("Python", new.interpreter, old.interpreter),
        _places(new.place, old.place),
    ):
        if now != before:
            yield f"{what} is {_short(now) or 'none'}, was {_short(before) or 'none'}"


def _places(new: str, old: str) -> tuple[str, str, str]:
    """Return what differs of two places, and how: the same repository need not be named, nor the same folder in it."""
    now, before = new.split(" "), old.split(" ")
    while now[0] == before[0] and len(now) > 1 and len(before) > 1:
        del now[0], before[0]
    while now[-1] == before[-1] and len(now) > 1 and len(before) > 1:
        del now[-1], before[-1]
    is_commit = len(now) == len(before) == 1 and all(map(_COMMIT.fullmatch, (now[0], before[0])))
    return "the commit" if is_commit else "the place that it runs in", " ".join(now), " ".join(before)


def _differing(new: Mapping[str, object], old: Mapping[str, object]) -> list[str]:
    """Return the names under which two mappings hold different things, those that both hold first."""
    names = [name for name in {**old, **new} if new.get(name) != old.get(name)]
    return sorted(names, key=lambda name: (not (name in new and name in old), name))


def _short(text: str) -> str:
    """Return a text as it can stand in a sentence: on one line, and cut."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text.partition(REST)[0])
    return shown if shown == text and len(text) <= LONGEST_VALUE else f"{shown[:LONGEST_VALUE]}..."
