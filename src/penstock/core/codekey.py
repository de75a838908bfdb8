"""What a function's code is, as a digest: everything that it uses counts, and nothing else.

A name stands for what it means (see `bindings`): a definition of the project counts by its own digest, a name from
outside by where it is imported from, a local one by itself. So it changes nothing to write the same code otherwise, to
rename a function or a constant together with its uses, or to move it, also into another module. Two things go by their
names: classes, since what they make tells it (in pickles, in its text), and arguments, since callers give them.

What the import of a module does beside binding names counts too: `random.seed(0)` at its top level.

Nothing here runs, imports or looks for code; it must never know where the texts come from.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from penstock.core.bindings import WHOLE, Definition, Names, packages
from penstock.core.canonical import MODULE, Writer
from penstock.core.code import MAIN, Code
from penstock.core.statements import Function

TOP = "*"  # in the place of a definition's name: what importing the module does beside binding names
LONGEST_SHOWN = 40  # characters of a constant's value

# What makes docstrings, annotations or unused classes count: words by which code may ask for them.
ASKED = {
    "docstrings": re.compile(r"[.:'](__doc__|getdoc)\b"),
    "annotations": re.compile(r"[.:'](__annotations__|get_type_hints|signature|get_annotations|getfullargspec)\b"),
    "classes": re.compile(r"[%.:'](__subclasses__|__init_subclass__|metaclass)\b"),
}


def fingerprint(source: str, entry: str, modules: Mapping[str, str]) -> Code:
    """Return what the code of a function is.

    Args:
        source: Text of the module that holds it, as it will run.
        entry: The function's name in it.
        modules: Texts of the project's own modules, under their dotted names. All other modules count as from outside.
            A package of which there is no other module is told from a plain module by an empty text, `NAME.__init__`.
    """
    return _fingerprint(source, entry, tuple(sorted(modules.items())))


@lru_cache(maxsize=128)
def _fingerprint(source: str, entry: str, modules: tuple[tuple[str, str], ...]) -> Code:
    names, asked = Names(source, dict(modules)), frozenset[str]()
    while True:
        units = _reach(names, entry, asked)
        written = [unit.text(lambda _: "") for unit in units.values()]
        found = {word for word, pattern in ASKED.items() if any(map(pattern.search, written))}
        if found <= asked:
            return Code(digest=_digest(units), parts=dict(sorted(_parts(units))))
        asked |= found


# The whole


class _Unit(NamedTuple):
    """A definition, written without its names: texts, and the definitions that stand between them.

    Args:
        kind: As in `Code.parts`.
        runs: The project's modules that it imports.
    """

    kind: str
    pieces: list[str | Definition]
    runs: set[str]

    def text(self, name: Callable[[Definition], str]) -> str:
        return "".join([one if isinstance(one, str) else f"<{name(one)}>" for one in self.pieces])


_Units: TypeAlias = dict[Definition, _Unit]


def _reach(names: Names, entry: str, asked: frozenset[str]) -> _Units:
    """Return all that the entry uses, itself first."""
    start = names.lookup(MAIN, entry)
    todo = [start if isinstance(start, Definition) else Definition(MAIN, WHOLE)]
    units: _Units = {}
    running: set[str] = set()
    while todo:
        if (here := todo.pop()) not in units:
            units[here] = unit = _unit(names, here, asked)
            todo += [piece for piece in unit.pieces if isinstance(piece, Definition)]
            todo += _run(names, [MAIN, *unit.runs, *packages(here.module)], running, asked)
    return units


def _run(names: Names, modules: list[str], running: set[str], asked: frozenset[str]) -> Iterator[Definition]:
    """Yield what the import of modules does, and of those that they import in turn."""
    while modules:
        if (module := modules.pop()) not in running:
            running.add(module)
            statements = names.statements(module)
            if statements is None:
                yield Definition(module, WHOLE)  # who knows what its import does
            elif _top(names, module, asked):
                yield Definition(module, TOP)
            for statement in statements or ():
                modules += names.runs(statement.imports, module)


def _top(names: Names, module: str, asked: frozenset[str]) -> list[ast.stmt]:
    found = [one.node for one in names.top(module).others]
    if "classes" in asked:
        found += [one.node for one in names.statements(module) or () if isinstance(one.node, ast.ClassDef)]
    return found


def _digest(units: _Units) -> str:
    """Return a digest of units, whatever their names and wherever they are.

    Those that use each other in a circle have no first one. So each begins with what it is by itself, and takes in
    those that it uses, round by round, until no round tells two more of them apart.
    """
    told, rounds, colours = 0, 0, dict.fromkeys(units, "")
    while True:
        colours = {here: _hash(unit.text(colours.__getitem__)) for here, unit in units.items()}
        rounds += 1
        if len(every := set(colours.values())) == told:
            break
        told = len(every)
    return _hash(" ".join([str(rounds), colours[next(iter(units))], *sorted(every)]))


def _parts(units: _Units) -> Iterator[tuple[str, str]]:
    for here, unit in units.items():
        label = here.name if here.module == MAIN else f"{here.module}.{here.name}"
        if unit.kind:
            part = unit.kind if ":" in unit.kind else f"{unit.kind}:{_hash(_own_text(here, unit))[:16]}"
            yield f"module {here.module}" if here.name in {TOP, WHOLE} else label, part


def _own_text(here: Definition, unit: _Unit) -> str:
    return unit.text(lambda used: "." if used == here else used.name or used.module)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# One definition


def _unit(names: Names, here: Definition, asked: frozenset[str]) -> _Unit:
    module, name = here
    writer = Writer(names, module, asked)
    if name == WHOLE and names.statements(module) is None:
        return _Unit("block", [repr(names.texts[module])], set())
    if name == WHOLE:
        for one in sorted(names.bindings(module)):
            writer.write([f" {one}", *writer.name(one, MODULE)])
        return _Unit("", [*writer.pieces, *names.outside_stars(module)], set())
    if name == TOP:
        nodes, kind = _top(names, module, asked), "block"
    else:
        found = {*names.bindings(module)[name], *names.top(module).changes.get(name, ())}
        nodes = [one.node for one in sorted(found, key=lambda one: one.position)]
        kind = _kind(nodes)
    for node in nodes:
        if name == TOP and isinstance(node, Function | ast.ClassDef):
            writer.write(writer.name(node.name, MODULE))
        else:
            writer.write([(node, MODULE)])
    return _Unit(kind, writer.pieces, writer.runs)


def _kind(nodes: Sequence[ast.stmt]) -> str:
    match nodes:
        case [ast.FunctionDef() | ast.AsyncFunctionDef(), *_]:
            return "function"
        case [ast.ClassDef(), *_]:
            return "class"
        case [ast.Assign(value=value, targets=[ast.Name()]) | ast.AnnAssign(value=ast.expr() as value)]:
            shown = ast.unparse(value) if _is_number(value) else ""
            return f"constant:={shown}" if 0 < len(shown) <= LONGEST_SHOWN else "constant"
        case _ if all(isinstance(one, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr) for one in nodes):
            return "constant"
        case _:
            return "block"


def _is_number(value: ast.expr) -> bool:
    if isinstance(value, ast.UnaryOp):
        value = value.operand
    return isinstance(value, ast.Constant) and isinstance(value.value, int | float | None)
