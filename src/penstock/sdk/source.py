"""The text of a module, statement by statement: what each one binds, changes and needs.

It works on text alone and must never know the live module, its values or where the text came from. Places in the text
are those of `ast`, scopes are those of `symtable`.
"""

from __future__ import annotations

import ast
import math
import re
import symtable
import sys
import textwrap
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sized
from contextlib import suppress
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Literal, cast

from msgspec import Struct
from msgspec.structs import replace

Place = Literal["module", "main", "else"]  # "main": under `if __name__ == "__main__"`; "else": in its else branch
Kind = Literal["import", "definition", "block", "line"]

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
DEFINITIONS = FUNCTIONS | ast.ClassDef
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp
BLOCKS = ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Try | ast.TryStar | ast.Match
MAIN_GUARD = re.compile(r"(__name__ == '__main__'|'__main__' == __name__)( and |$)")
LONGEST_LITERAL = 100_000  # characters
DEEPEST_LITERAL = 50
LARGEST_DECIMAL = 10**4000  # Python refuses to write much larger ones
LITERALS = {type(None), bool, int, float, str, bytes, tuple, list, set, dict}
BRACKETS: dict[type, str] = {tuple: "({})", list: "[{}]", set: "{{{}}}", dict: "{{{}}}"}
CONTAINERS = {"dict", "list", "set", "defaultdict", "OrderedDict", "Counter", "deque"}


class Statement(Struct, frozen=True, kw_only=True):
    """A statement that can be taken out of its module by itself.

    Args:
        text: Its lines as they were written, with relative imports made absolute.
        position: Its number in the module; negative when it is put before all others.
        line, end: Its first line, counting decorators, and its last.
        binds: The names that it binds in the module; `*` for a star import.
        changes: Names of objects that it stores into: `NAME[key] = ...`, `NAME.field = ...`, `NAME.append(...)`.
        kind: Whether it only imports, defines functions or classes, is another block (`for`, `with`), or a line.
    """

    text: str
    position: int = -1
    line: int = 0
    end: int = 0
    place: Place = "module"
    binds: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    kind: Kind = "line"


class Source(Struct, frozen=True):
    """A module's text.

    Args:
        statements: In the order of the text, without those that never run: under `if TYPE_CHECKING`.
        future: The features that the module imports from `__future__`.
        functions: Name and first line of each function in it, nested ones too, as code objects say them.
    """

    filename: str
    statements: tuple[Statement, ...]
    future: frozenset[str]
    functions: frozenset[tuple[str, int]]


@lru_cache(maxsize=64)
def read(text: str, filename: str, package: str) -> Source:
    """Take a module's text apart.

    Args:
        filename: As code objects made from it say.
        package: The package that relative imports start from, or nothing.

    Raises:
        SyntaxError: It is not Python.
    """
    text = _absolute(text, package)
    tree, places = _parse(text), _Text(text)
    named = (one for one in ast.walk(tree) if isinstance(one, FUNCTIONS | ast.Lambda))
    functions = frozenset((getattr(one, "name", "<lambda>"), _first_line(one)) for one in named)
    future = [one for one in tree.body if isinstance(one, ast.ImportFrom) and one.module == "__future__"]
    nodes = [pair for pair in _flat(tree.body, "module") if pair[0] not in future]
    statements = [_statement(places, node, place, position) for position, (node, place) in enumerate(nodes)]
    imported = {name for one in statements if one.kind == "import" for name in one.binds}
    filled = {name for one in statements if _is_container(nodes[one.position][0]) for name in one.binds}
    for one in statements:
        if changes := frozenset(_changes(nodes[one.position][0], imported, filled)):
            statements[one.position] = replace(one, changes=changes)
    return Source(filename, tuple(statements), frozenset(name.name for one in future for name in one.names), functions)


def _statement(places: _Text, node: ast.stmt, place: Place, position: int) -> Statement:
    text = places.whole(node)
    top = [] if isinstance(node, ast.AnnAssign) and not node.value else _table(text, deferred=False).get_symbols()
    imports = {one.get_name() for one in top if one.is_imported()}
    others = {one.get_name() for one in top if one.is_assigned()}
    inside = list(_own_scope(node))
    if any(one.name == "*" for one in inside if isinstance(one, ast.alias)):
        imports.add("*")
    kind: Kind = "block" if isinstance(node, BLOCKS) else "line"
    if imports and not others:
        kind = "import"
    elif any(isinstance(one, DEFINITIONS) for one in inside):
        kind = "definition"
    return Statement(
        text=text,
        position=position,
        line=_first_line(node),
        end=node.end_lineno or node.lineno,
        place=place,
        binds=frozenset(imports | others),
        kind=kind,
    )


def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings(action="ignore"):  # Python told the user once, when it ran the module
        return ast.parse(text)


def _first_line(node: ast.stmt | ast.Lambda) -> int:
    decorators = node.decorator_list if isinstance(node, DEFINITIONS) else []
    return min([node.lineno, *(one.lineno for one in decorators)])


def _own_scope(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a statement, without the insides of functions and classes."""
    yield node
    if not isinstance(node, DEFINITIONS | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _own_scope(child)


class _Text:
    """A text whose places are told as `ast` tells them: lines from 1, and columns in bytes."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        self.lines = [0, *accumulate(len(line) + 1 for line in self.data.split(b"\n"))]

    def start(self, node: ast.stmt | ast.expr) -> int:
        return self.lines[node.lineno - 1] + node.col_offset

    def end(self, node: ast.stmt | ast.expr) -> int:
        return self.lines[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)

    def cut(self, start: int, end: int) -> str:
        return self.data[start:end].decode()

    def edited(self, edits: Iterable[tuple[int, int, str]]) -> str:
        data = self.data
        for start, end, new in sorted(edits, reverse=True):
            data = data[:start] + new.encode() + data[end:]
        return data.decode()

    def whole(self, node: ast.stmt) -> str:
        """Return the statement's lines with decorators and comments, or its own text alone when it shares a line."""
        start, end = self.lines[_first_line(node) - 1], self.end(node)
        line_end = self.lines[bisect_right(self.lines, end)] - 1
        after = self.data[end:line_end].strip()
        if self.data[start : start + node.col_offset].strip() or not (after in {b"", b";"} or after.startswith(b"#")):
            return self.cut(self.start(node), end)
        return _dedented(self.cut(start, line_end).rstrip())


def _dedented(text: str) -> str:
    """Return an indented statement as one of the top level, with the same meaning: strings in it may span lines."""
    text = re.sub(r"^(\s*)elif\b", r"\1if", text)
    if text[:1].strip():
        return text
    nested, dedented = f"if True:\n{text}", textwrap.dedent(text)
    with suppress(SyntaxError):
        block = cast("ast.If", _parse(nested).body[0])
        if ast.dump(_parse(dedented).body[0]) == ast.dump(block.body[0]):
            return dedented
    return nested


def _absolute(text: str, package: str) -> str:
    """Return the text with the relative imports made absolute; no line of it moves."""
    places, parts = _Text(text), package.split(".")
    edits: list[tuple[int, int, str]] = []
    for node in ast.walk(_parse(text)):
        if not (isinstance(node, ast.ImportFrom) and package and 0 < node.level <= len(parts)):
            continue
        origin = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])
        written = places.cut(places.start(node), places.end(node))
        if relative := re.match(r"from[\s\\]*\.[\s\\.\w]*?(?=\bimport\b)", written):
            start, breaks = places.start(node), relative[0].count("\n")
            edits.append((start, start + len(relative[0].encode()), f"from {origin} " + "\\\n" * breaks))
    return places.edited(edits)


def _flat(body: Iterable[ast.stmt], place: Place) -> Iterator[tuple[ast.stmt, Place]]:
    """Yield the statements that run, those under the `__main__` guard one by one."""
    for node in body:
        if isinstance(node, ast.If) and MAIN_GUARD.match(ast.unparse(node.test)):
            yield from _flat(node.body, "main")
            yield from _flat(node.orelse, "else")
        elif not (isinstance(node, ast.If) and not node.orelse and _last_name(node.test) == "TYPE_CHECKING"):
            yield node, place


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _changes(node: ast.stmt, imported: set[str], filled: set[str]) -> Iterator[str]:
    """Yield the names whose objects the statement stores into.

    An imported name counts only where an option is set to a constant: anything more may cost or ask for something.
    Calls of methods count where the object is a plain container: others may do anything.
    """
    for one in _own_scope(node):
        match one:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                option = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
                if (name := _root(one)) not in imported or option:
                    yield name
            case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):
                if (name := _root(method)) in filled:
                    yield name
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                called = [each.func if isinstance(each, ast.Call) else each for each in one.decorator_list]
                yield from {_root(each) for each in called if isinstance(each, ast.Attribute)} - imported
            case _:
                pass


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return _last_name(node)


def _is_container(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    if isinstance(value, ast.Call):
        return _last_name(value.func) in CONTAINERS
    return isinstance(value, ast.Dict | ast.List | ast.Set | COMPREHENSIONS)


# What a statement needs


@lru_cache(maxsize=4096)
def needs(text: str, deferred: bool) -> tuple[frozenset[str], frozenset[str]]:
    """Return the module's names that a statement fails without, and those that it may never look up."""
    tree, table = _parse(text), _table(text, deferred=deferred)
    required = set(_globals(table))
    if isinstance(tree.body[0], BLOCKS):  # it may use what it binds itself, such as the variable of a loop
        required -= {name for one in ast.walk(tree) for name in _bound_for_block(one)}
    annotations = [one for node in ast.walk(tree) for one in _annotations(node)]
    optional = {name for one in annotations for name in _annotation_names(one)} | set(_class_names(table))
    return frozenset(required), frozenset(optional - required)


def _table(text: str, *, deferred: bool) -> symtable.SymbolTable:
    """Return the statement's scopes, without annotations that are never evaluated."""
    tree, places = _parse(text), _Text(text)
    unread = list(_unevaluated(tree, deferred, local=False))
    edits = [(places.start(one), places.end(one), "None") for one in unread]
    if sys.version_info >= (3, 12):  # symtable melts comprehensions into the scope around them, but not generators
        hidden = {inner for one in unread for inner in ast.walk(one)}
        found = [one for one in ast.walk(tree) if isinstance(one, COMPREHENSIONS) and one not in hidden]
        edits += [edit for one in found for edit in _as_generator(places, one)]
    with warnings.catch_warnings(action="ignore"):
        return symtable.symtable(places.edited(edits), "<statement>", "exec")


def _as_generator(places: _Text, node: COMPREHENSIONS) -> Iterator[tuple[int, int, str]]:
    """Yield the edits that make a comprehension a generator with the same names."""
    start, end = places.start(node), places.end(node)
    yield from ((start, start + 1, "("), (end - 1, end, ")"))
    if isinstance(node, ast.DictComp):
        gap = places.end(node.key)
        between = re.sub(rb"#[^\n]*", lambda found: b" " * len(found[0]), places.data[gap : places.start(node.value)])
        colon = gap + between.index(b":")
        yield colon, colon + 1, " or "


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    for field in ("annotation", "returns"):
        if isinstance(annotation := getattr(node, field, None), ast.expr):
            yield annotation


def _unevaluated(node: ast.AST, deferred: bool, *, local: bool) -> Iterator[ast.expr]:
    """Yield the annotations that are never evaluated: deferred ones, and those of a function's own variables."""
    skipped = list(_annotations(node)) if deferred or (local and isinstance(node, ast.AnnAssign)) else []
    yield from skipped
    inside = isinstance(node, FUNCTIONS) or (local and not isinstance(node, ast.ClassDef))
    for child in ast.iter_child_nodes(node):
        if child not in skipped:
            yield from _unevaluated(child, deferred, local=inside)


def _annotation_names(annotation: ast.AST) -> Iterator[str]:
    """Yield the names in an annotation, those in its strings too, but not the words of a Literal."""
    match annotation:
        case ast.Subscript(value=value) if _last_name(value) == "Literal":
            return
        case ast.Constant(value=str(text)):
            with suppress(SyntaxError, ValueError):
                yield from _annotation_names(_parse(text.strip()))
        case ast.Name(id=name):
            yield name
        case _:
            for child in ast.iter_child_nodes(annotation):
                yield from _annotation_names(child)


def _bound_for_block(node: ast.AST) -> set[str]:
    match node:
        case ast.For(target=target) | ast.AsyncFor(target=target) | ast.withitem(optional_vars=ast.expr() as target):
            return {one.id for one in ast.walk(target) if isinstance(one, ast.Name)}
        case ast.alias(name=name) | ast.ExceptHandler(name=str(name)):
            return {getattr(node, "asname", None) or name.partition(".")[0]}
        case _:
            return set()


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() if top else symbol.is_global():
            yield symbol.get_name()
    for child in table.get_children():
        yield from _globals(child)


def _class_names(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that a class both binds and reads: until it has bound them, it reads the module's."""
    if table.get_type() == "class":
        yield from (one.get_name() for one in table.get_symbols() if one.is_local() and one.is_referenced())
    for child in table.get_children():
        yield from _class_names(child)


# Writing a module


def join(statements: Iterable[Statement], future: Iterable[str]) -> str:
    """Return the text of a module: two empty lines around definitions, the others as close as they were."""
    header = ", ".join(sorted(future))
    parts = [*([Statement(text=f"from __future__ import {header}")] if header else []), *statements]
    lines = [before.text + "\n" * (1 + _distance(before, after)) for before, after in pairwise(parts)]
    return "".join([*lines, *(one.text + "\n" for one in parts[-1:])])


def _distance(before: Statement, after: Statement) -> int:
    if "definition" in {before.kind, after.kind}:
        return 2
    return 0 if before.kind == after.kind == "import" or (before.line and 0 < after.line - before.end <= 1) else 1


def imported_modules(text: str) -> tuple[str, ...]:
    """Return the modules that a text imports anywhere, sorted."""
    nodes = list(ast.walk(_parse(text)))
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return tuple(sorted(found - {"__future__"}))


def assignment(name: str, text: str, position: int = -1) -> Statement:
    """Return the statement that binds a name to what the text says."""
    return Statement(text=f"{name} = {text}", position=position, binds=frozenset({name}))


def literal(value: object, room: int = LONGEST_LITERAL, depth: int = 0) -> str | None:
    """Return the text of None, a number, a text, bytes or a container of such; None for any other, or if it is long."""
    kind: type[object] = type(value)
    if kind not in LITERALS or depth > DEEPEST_LITERAL or (isinstance(value, Sized) and len(value) > room):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if kind not in BRACKETS:
        return hex(value) if isinstance(value, int) and abs(value) > LARGEST_DECIMAL else repr(value)
    texts: list[str] = []
    for items in cast("dict[object, object]", value).items() if kind is dict else zip(cast("list[object]", value)):
        pair = [literal(item, room, depth + 1) for item in items]
        texts.append(": ".join(filter(None, pair)))
        if None in pair or (room := room - len(texts[-1])) < 0:
            return None
    texts = sorted(texts) if kind is set else texts  # in one order, whatever the hashes of this process
    inside = ", ".join(texts) + ("," if kind is tuple and len(texts) == 1 else "")
    return BRACKETS[kind].format(inside) if texts or kind is not set else "set()"
