"""The text of a module as statements: what each binds, imports and may change; and what a piece of code binds.

It works on one text alone; what its names mean is for `bindings` to say.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from penstock.core.code import MAIN

Import: TypeAlias = ast.Import | ast.ImportFrom
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Local(NamedTuple):
    """What a piece of code binds in its own scope: names and imports; and the names that it declares global."""

    names: frozenset[str]
    imports: tuple[Import, ...]
    outer: frozenset[str]


class Touch(NamedTuple):
    """What a statement may change without binding it.

    Args:
        path: The names that lead to it, `a.b` as `("a", "b")`; empty for anything.
        decorator: It is a decorator, which may keep what it decorates.
    """

    path: tuple[str, ...] = ()
    decorator: bool = False


class Statement(NamedTuple):
    """A statement of a module's top level; `binds` holds no names that a star import binds."""

    position: int
    node: ast.stmt
    binds: frozenset[str]
    imports: tuple[Import, ...]
    touches: frozenset[Touch]


@lru_cache(maxsize=256)
def read(text: str, *, main: bool) -> tuple[Statement, ...] | None:
    """Return what runs of a module's text, statement by statement; None when it is not Python.

    Args:
        main: It runs as the main module, and not as one that is imported.
    """
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tuple(_statement(position, node) for position, node in enumerate(_running(tree.body, main=main)))


def parse(text: str) -> ast.Module:
    """Return a text's tree; raise what `ast.parse` raises."""
    with warnings.catch_warnings(action="ignore"):  # Python tells them whoever runs the code
        return ast.parse(text)


def _statement(position: int, node: ast.stmt) -> Statement:
    local = local_names([node])
    aliases = [alias for one in local.imports for alias in one.names if alias.name != "*"]
    imported = {alias.asname or alias.name.partition(".")[0] for alias in aliases}
    return Statement(position, node, local.names | imported, local.imports, frozenset(_touches(node)))


def _running(body: Iterable[ast.stmt], *, main: bool) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If) and (is_for_type_checkers(node) or (not main and _is_main_guard(node))):
            yield from _running(node.orelse, main=main)
        elif not is_idle(node):
            yield node


def _is_main_guard(node: ast.If) -> bool:
    match node.test:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            names = [one.id for one in (left, right) if isinstance(one, ast.Name)]
            values = [one.value for one in (left, right) if isinstance(one, ast.Constant)]
            return (names, values) == (["__name__"], [MAIN])
        case _:
            return False


def is_for_type_checkers(node: ast.If) -> bool:
    """Return whether the branch is one that never runs: `if TYPE_CHECKING`."""
    return last_name(node.test) == "TYPE_CHECKING"


def is_idle(node: ast.stmt) -> bool:
    """Return whether a statement does nothing when it runs: it is for readers, type checkers or older Pythons."""
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()) | ast.ImportFrom(module="__future__"):
            return True
        case ast.FunctionDef(decorator_list=decorators) | ast.AsyncFunctionDef(decorator_list=decorators):
            return any(last_name(one) == "overload" for one in decorators)
        case _:
            return False


def last_name(node: ast.expr) -> str:
    """Return the last of the names in `a.b.c`, without what it is called with; empty for other expressions."""
    if isinstance(node, ast.Call):
        return last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def attribute_path(node: ast.expr) -> tuple[str, ...]:
    """Return the names that lead to an object, as far as there are names: `a` and `b` for `a.b[0].c`."""
    names: list[str] = []
    while isinstance(node, ast.Attribute | ast.Subscript):
        names = [node.attr, *names] if isinstance(node, ast.Attribute) else []
        node = node.value
    return (node.id, *names) if isinstance(node, ast.Name) else ()


def _touches(node: ast.stmt) -> Iterator[Touch]:
    for one in _own(node):
        match one:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                yield Touch(attribute_path(one))
            case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):
                yield Touch(attribute_path(method))
            case ast.Expr(value=value) if not isinstance(value, ast.Constant):
                yield Touch()
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                called = [each.func if isinstance(each, ast.Call) else each for each in one.decorator_list]
                yield from (Touch(attribute_path(each), decorator=True) for each in called)
            case _:
                pass


def _own(*nodes: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of one scope: of definitions, lambdas and comprehensions only what is outside of their own."""
    todo = list(nodes)
    while todo:
        node = todo.pop()
        yield node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                todo += [*node.decorator_list, *_defaults(node.args)]
            case ast.ClassDef():
                todo += [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]
            case ast.Lambda():
                todo += _defaults(node.args)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                todo += [one.target for one in ast.walk(node) if isinstance(one, ast.NamedExpr)]
            case _:
                todo += ast.iter_child_nodes(node)


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(one for one in arguments.kw_defaults if one)]


def local_names(nodes: Sequence[ast.AST]) -> Local:
    """Return what these nodes bind in the scope that they stand in."""
    names, imports, outer, between = set[str](), list[Import](), set[str](), set[str]()
    for node in _own(*nodes):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.add(name)
            case ast.MatchMapping(rest=str(name)):
                names.add(name)
            case ast.Import() | ast.ImportFrom():
                imports.append(node)
            case ast.Global(names=found):
                outer.update(found)
            case ast.Nonlocal(names=found):
                between.update(found)
            case _:
                pass
    return Local(frozenset(names - outer - between), tuple(imports), frozenset(outer))
