r"""The `${...}` references: what may be written and what each form means. The only place that knows this grammar.

    text      = *( literal / reference / quoted )
    reference = "${" body "}"
    quoted    = "$${" *character "}"                      a literal "${...}": nothing is looked up
    body      = "pipeline." part                          PipelineValue   a parameter of the pipeline, or its id
              / step ".id"                                StepId          the id of the step's task
              / step "." part                             StepValue       what the step returned under this name
              / step ".artifacts." part                   StepValue       an artifact's object itself
              / step ".artifacts." part "." attribute     StepArtifact    a fact about an artifact
              / step ".parameters." section "/" name      StepParameter   a parameter that the step ran with
              / step ".models." side "." index "." fact   StepModel       a fact about a model; -1 is the newest
              / step "." field 1*( "." part )             StepField       a field of the step's task
    step, part = 1*character without "." and "}"; a backslash before ".", "}" or a backslash takes it as it is
    section, name = as part, but a name may hold dots that are not escaped
    attribute = "url" / "hash" / "size" / "type" / "mode" / "name" / "timestamp" / "metadata" / "preview"
    side      = "input" / "output"
    index     = [ "-" ] 1*digit
    fact      = one of MODEL_FACTS
    field     = one of TASK_FIELDS

A `${` without its `}` is literal text. Dollars before a brace are read in pairs, so that every text can be written:
each pair is one literal dollar, and one that is left over opens a reference (`$$${pipeline.price}` is a dollar and a
price).

A form of two words names a value whatever the second word is (`${train.comment}`, `${train.models}`), because a step
may return a value of that name; whoever looks it up decides. Nothing here knows which steps, parameters or artifacts
exist, and nothing here may ever fetch one: `resolve` asks the lookup that it is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final, Literal, TypeAlias, TypeGuard, cast

from msgspec import Struct

from penstock.core.errors import BadReference
from penstock.core.names import nearest

ARTIFACT_ATTRIBUTES: Final = ("url", "hash", "size", "type", "mode", "name", "timestamp", "metadata", "preview")
MODEL_FACTS: Final = (
    *("id", "name", "url", "hash", "size", "task", "project", "framework"),
    *("comment", "tags", "labels", "metadata", "created"),
)
TASK_FIELDS: Final = (
    *("script", "execution", "container", "output", "comment", "tags", "system_tags"),
    *("project", "name", "type", "status"),
)

_SIDES: Final = ("input", "output")
_KINDS: Final = ("artifacts", "parameters", "models", *TASK_FIELDS)
_FORMS: Final = (
    "the forms are ${pipeline.parameter}, ${step.id}, ${step.return_name}, ${step.artifacts.name}, "
    "${step.artifacts.name.url}, ${step.parameters.Section/name}, ${step.models.output.-1.url} and ${step.script.x}; "
    r"a dot inside a name is written \. and a literal ${...} is written $${...}"
)
_OPENING: Final = re.compile(r"(?<!\$)(?P<dollars>\$+)\{")
_BODY: Final = re.compile(r"(?P<body>(?:\\.|[^}\\])*)\}", re.DOTALL)
_PIECE: Final = re.compile(r"\\.|[^.\\]+|\.", re.DOTALL)
_INDEX: Final = re.compile(r"-?[0-9]{1,9}")
_ESCAPES: Final = (r"\.", r"\}", r"\\")
_SPECIAL: Final = re.compile(r"[.}\\]")


class _Written(Struct, frozen=True, kw_only=True):
    """A parsed reference.

    Args:
        text: The reference as it was written, with its `${}`.
    """

    text: str


class PipelineValue(_Written, frozen=True):
    """`${pipeline.name}`: a parameter of the pipeline, or its `id` when no parameter has that name."""

    name: str


class StepRef(_Written, frozen=True):
    """Any reference to a step: the step that holds it has to wait for `step`."""

    step: str


class StepId(StepRef, frozen=True):
    """`${step.id}`: the id of the step's task."""


class StepValue(StepRef, frozen=True):
    """`${step.name}` or `${step.artifacts.name}`: the object that the step returned or stored under this name.

    Args:
        artifact: It was written with `artifacts`, so it can only be an artifact and not a field of the task.
    """

    name: str
    artifact: bool = False


class StepArtifact(StepRef, frozen=True):
    """`${step.artifacts.name.attr}`: a fact about an artifact; `attr` is one of ARTIFACT_ATTRIBUTES."""

    name: str
    attr: str


class StepParameter(StepRef, frozen=True):
    """`${step.parameters.Section/name}`: a parameter of the step's task; `name` is the whole `Section/name`."""

    name: str


class StepModel(StepRef, frozen=True):
    """`${step.models.output.-1.url}`: a fact about a model; `attr` is one of MODEL_FACTS.

    Args:
        index: Place in the order of creation, from 0; negative from the newest, which is -1.
    """

    direction: Literal["input", "output"]
    index: int
    attr: str


class StepField(StepRef, frozen=True):
    """`${step.script.x}`: a field of the step's task; `path` holds at least two words, the first of TASK_FIELDS."""

    path: tuple[str, ...]


Ref: TypeAlias = PipelineValue | StepId | StepValue | StepArtifact | StepParameter | StepModel | StepField
Lookup: TypeAlias = Callable[[Ref], object]
_Container: TypeAlias = list[object] | tuple[object, ...] | dict[object, object]


def parse(text: str) -> tuple[str | Ref, ...]:
    """Split a text into literal strings and references.

    Returns:
        The pieces in order. No literal is empty and no two follow each other; an empty text has no pieces.

    Raises:
        BadReference: A `${...}` in the text is none of the forms.
    """
    pieces: list[str | Ref] = []
    literal = ""
    end = 0
    for opening in _OPENING.finditer(text):
        if opening.start() < end:
            continue  # inside the body that was just read
        body = _BODY.match(text, opening.end())
        if body is None:
            break  # not terminated; then no later one is either
        dollars = len(opening["dollars"])
        literal += text[end : opening.start()] + "$" * (dollars // 2)
        end = body.end()
        if dollars % 2:
            pieces += [literal] if literal else []
            pieces.append(_read(text[opening.end() - 2 : end], body["body"]))
            literal = ""
        else:
            literal += text[opening.end() - 1 : end]
    literal += text[end:]
    return (*pieces, literal) if literal else tuple(pieces)


def escape(name: str) -> str:
    """Return the name as it must stand inside a reference: dots, closing braces and backslashes escaped."""
    return _SPECIAL.sub(r"\\\g<0>", name)


def quote(value: object, steps: Collection[str] | None = None) -> object:
    """Return the value so written that `resolve` gives it back as it was: nothing in it is a reference.

    Args:
        value: As for `resolve`; it must not hold itself.
        steps: What refers to one of these steps, or to the pipeline, stays a reference; None leaves none.
    """
    if isinstance(value, str):
        return _quote(value, steps)
    if isinstance(value, dict):
        return {key: quote(item, steps) for key, item in cast("dict[object, object]", value).items()}
    if isinstance(value, list):
        return [quote(item, steps) for item in cast("list[object]", value)]
    return tuple(quote(one, steps) for one in cast("tuple[object, ...]", value)) if isinstance(value, tuple) else value


def _quote(text: str, steps: Collection[str] | None) -> str:
    written = ""
    end = 0
    for opening in _OPENING.finditer(text):
        body = _BODY.match(text, opening.end())
        if opening.start() < end or body is None:
            continue
        whose, *path = _words(body["body"])
        is_meant = steps is not None and bool(path) and (whose == "pipeline" or whose in steps)
        dollars = "" if is_meant else opening["dollars"]
        written += text[end : opening.start()] + dollars + text[opening.start() : body.end()]
        end = body.end()
    return written + text[end:]


def references(value: object) -> Iterator[Ref]:
    """Find every reference in a string, or at any depth in lists, tuples and the values of dicts, in order.

    Any other object holds none. A container that is met again inside itself is not entered again.

    Raises:
        BadReference: A `${...}` in the value is none of the forms.
    """
    for text in _texts(value):
        for piece in parse(text):
            if not isinstance(piece, str):
                yield piece


def parents(value: object) -> tuple[str, ...]:
    """Return the names of the steps that the value refers to, each once, in the order they appear.

    Raises:
        BadReference: A `${...}` in the value is none of the forms.
    """
    return tuple(dict.fromkeys(ref.step for ref in references(value) if isinstance(ref, StepRef)))


def resolve(value: object, lookup: Lookup, as_text: Callable[[Ref], str] | None = None) -> object:
    """Put what they stand for in the place of all references in a value.

    Args:
        value: A string, or lists, tuples and dicts of strings to any depth; anything else holds no references.
        lookup: Says what a reference stands for.
        as_text: Says it as text, for a reference that is part of a longer string; `str` of the lookup when missing.

    Returns:
        What the lookup gave, type and all, for a string that is one whole reference. A container that holds a reference
        is built anew; whatever holds none comes back as the very same object.

    Raises:
        BadReference: A `${...}` is none of the forms, or a container holds a reference and itself.
    """
    if not any(True for _ in _texts(value)):
        return value
    return _Resolver(lookup, as_text or (lambda ref: str(lookup(ref)))).resolve(value)


class _Resolver:
    """One call of `resolve`; it remembers which containers it is inside of."""

    def __init__(self, lookup: Lookup, as_text: Callable[[Ref], str]) -> None:
        self._lookup = lookup
        self._as_text = as_text
        self._inside: set[int] = set()

    def resolve(self, value: object) -> object:
        if isinstance(value, str):
            return self._text(value)
        if not _is_container(value):
            return value
        if id(value) in self._inside:
            message = f"a {type(value).__name__} holds a reference and also itself"
            raise BadReference(message, hint="give the reference as a value of its own")
        self._inside.add(id(value))
        resolved = self._container(value)
        self._inside.remove(id(value))
        return resolved

    def _text(self, text: str) -> object:
        pieces = parse(text)
        if len(pieces) == 1 and not isinstance(pieces[0], str):
            return self._lookup(pieces[0])
        resolved = "".join(piece if isinstance(piece, str) else self._as_text(piece) for piece in pieces)
        return text if resolved == text else resolved

    def _container(self, container: _Container) -> object:
        after = [self.resolve(item) for item in _items(container)]
        if all(one is other for one, other in zip(_items(container), after, strict=True)):
            return container
        if isinstance(container, dict):
            return dict(zip(container, after, strict=True))
        if isinstance(container, tuple):
            rebuild: Callable[[list[object]], object] = getattr(container, "_make", tuple)  # a named tuple stays one
            return rebuild(after)
        return after


def _is_container(value: object) -> TypeGuard[_Container]:
    return isinstance(value, (list, tuple, dict))


def _items(container: _Container) -> Collection[object]:
    return container.values() if isinstance(container, dict) else container


def _texts(value: object) -> Iterator[str]:
    """Find every string with a `${` in it. Not recursive: neither depth nor a container inside itself can hurt."""
    walk: list[tuple[int, Iterator[object]]] = [(0, iter((value,)))]
    inside = {0}
    while walk:
        container, items = walk[-1]
        for item in items:
            if isinstance(item, str):
                if "${" in item:
                    yield item
            elif _is_container(item) and id(item) not in inside:
                inside.add(id(item))
                walk.append((id(item), iter(_items(item))))
                break
        else:
            walk.pop()
            inside.remove(container)


def _read(text: str, body: str) -> Ref:
    """Read one reference: `body` is what stands between the braces of `text`."""
    words = _words(body)
    if not all(words):
        raise _bad(text, "a word of it is empty")
    match words:
        case ["pipeline", name]:
            return PipelineValue(name, text=text)
        case ["pipeline", *_]:
            raise _bad(text, "after 'pipeline.' comes the name of one parameter, or 'id'")
        case [step, "id"]:
            return StepId(step, text=text)
        case [step, name]:
            return StepValue(step, name, text=text)
        case [step, "artifacts", name]:
            return StepValue(step, name, artifact=True, text=text)
        case [step, *path] if path:
            return _read_path(text, step, path)
        case _:
            raise _bad(text, "it has only one word")


def _words(body: str) -> list[str]:
    """Split at the dots, then take the escapes away."""
    words = [""]
    for piece in _PIECE.findall(body):
        if piece == ".":
            words.append("")
        else:
            words[-1] += piece[1] if piece in _ESCAPES else piece
    return words


def _read_path(text: str, step: str, path: list[str]) -> Ref:
    """Read a reference of three words or more; `path` is what follows the step."""
    match path:
        case ["artifacts", name, attribute]:
            _check(text, attribute, ARTIFACT_ATTRIBUTES, "a fact about an artifact")
            return StepArtifact(step, name, attribute, text=text)
        case ["artifacts", *_]:
            raise _bad(text, "after 'artifacts.' come one name and one attribute")
        case ["parameters", *words]:
            section, _, name = ".".join(words).partition("/")
            if not (section and name):
                raise _bad(text, "a parameter is written Section/name, as in Args/batch_size")
            return StepParameter(step, f"{section}/{name}", text=text)
        case ["models", side, index, fact]:
            return _read_model(text, step, side, index, fact)
        case ["models", *_]:
            raise _bad(text, "after 'models.' come 'input' or 'output', an index and a fact about the model")
        case _:
            _check(text, path[0], _KINDS, "a kind of thing that a step has")
            return StepField(step, tuple(path), text=text)


def _read_model(text: str, step: str, side: str, index: str, fact: str) -> StepModel:
    _check(text, side, _SIDES, "a side: a step takes input models and makes output models")
    if not _INDEX.fullmatch(index):
        raise _bad(text, f"{index!r} is not an index: 0 is the oldest model, -1 the newest")
    _check(text, fact, MODEL_FACTS, "a fact about a model")
    return StepModel(step, cast("Literal['input', 'output']", side), int(index), fact, text=text)


def _check(text: str, word: str, known: tuple[str, ...], what: str) -> None:
    if word not in known:
        match = nearest(word, known)
        remedy = f"did you mean {match!r}?" if match else f"known are {', '.join(known)};"
        raise _bad(text, f"{word!r} is not {what}", remedy)


def _bad(text: str, problem: str, remedy: str = "") -> BadReference:
    hint = f"{remedy} {_FORMS}" if remedy else _FORMS
    return BadReference(f"cannot read the reference {text!r}: {problem}", hint=hint)
