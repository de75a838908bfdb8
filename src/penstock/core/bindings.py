"""What the names of a program mean: its main module and the other modules of the project, read as trees.

A name leads to a definition of the project, or outside. Imports between the project's modules are followed, so that a
definition is the same one under whatever name and from wherever it is used.

Nothing here runs, imports or looks for code; a text that cannot be read is a module whose names are not known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from penstock.core.code import MAIN
from penstock.core.statements import Function, Import, Statement, Touch, attribute_path, parse, read

WHOLE = ""  # in the place of a definition's name: all of its module
KEEPING = frozenset({"add", "append", "extend", "insert", "register", "setdefault", "update"})  # methods of registries


class Definition(NamedTuple):
    """What a module of the project binds to a name, or with the name WHOLE the module itself."""

    module: str
    name: str


class Outside(NamedTuple):
    """A module that is not of the project, or a name of one.

    Args:
        also: Modules that are imported along with it: `import xml.dom` binds `xml`.
    """

    name: str
    also: frozenset[str] = frozenset()


Target: TypeAlias = Definition | Outside


def packages(module: str) -> list[str]:
    """Return the packages that a dotted name is in, from the outermost, and itself."""
    return [module[:end] for end, letter in enumerate(f"{module}.") if letter == "."]


class Top(NamedTuple):
    """What importing a module does beside binding names.

    Args:
        changes: For a name of the module the statements that change its object.
        others: Statements that may change anything else.
    """

    changes: dict[str, list[Statement]]
    others: list[Statement]


class Names:
    """The names of a program.

    Args:
        main: Text of the main module.
        modules: Texts of the other modules of the project, under their dotted names.
    """

    def __init__(self, main: str, modules: Mapping[str, str]) -> None:
        self.texts = {**modules, MAIN: main}
        self._packages = {one for name in modules for one in packages(name)[:-1]}
        self._bindings: dict[str, dict[str, list[Statement]]] = {}
        self._meanings: dict[Definition, Target | None] = {}
        self._tops: dict[str, Top] = {}

    def is_known(self, module: str) -> bool:
        """Return whether a dotted name is a module or package of the project."""
        return module in self.texts or module in self._packages

    def statements(self, module: str) -> tuple[Statement, ...] | None:
        """Return a module's statements; None when its text cannot be read."""
        return read(self.texts[module], main=module == MAIN) if module in self.texts else ()

    def docstring(self, module: str) -> str | None:
        """Return the docstring of a module whose text can be read."""
        return ast.get_docstring(parse(self.texts[module]), clean=False)

    def bindings(self, module: str) -> dict[str, list[Statement]]:
        """Return the statements that bind each name of a module."""
        if module not in self._bindings:
            found = self._bindings[module] = {}
            statements = self.statements(module) or ()
            for statement in statements:
                for name in statement.binds:
                    found.setdefault(name, []).append(statement)
            for statement, base in self._stars(module):
                for name in self._exports(base) if self.is_known(base) else ():
                    found[name] = sorted([*found.get(name, ()), statement], key=lambda one: one.position)
        return self._bindings[module]

    def _stars(self, module: str) -> Iterator[tuple[Statement, str]]:
        for statement in self.statements(module) or ():
            for one in statement.imports:
                if one.names[0].name == "*" and isinstance(one, ast.ImportFrom):
                    yield statement, self._base(one, module)

    def _exports(self, module: str) -> Iterable[str]:
        bindings = self.bindings(module)
        match [one.node for one in bindings.get("__all__", [])]:
            case [ast.Assign(value=ast.List(elts=names) | ast.Tuple(elts=names))]:
                return [str(one.value) for one in names if isinstance(one, ast.Constant)]
            case _:
                return [name for name in bindings if not name.startswith("_")]

    def outside_stars(self, module: str) -> list[str]:
        """Return the modules from outside that may have given a module any name."""
        return sorted({base for _, base in self._stars(module) if not self.is_known(base)})

    def lookup(self, module: str, name: str) -> Target | None:
        """Return what a name of a module means; None when its text does not say."""
        key = Definition(module, name)
        if key not in self._meanings:
            self._meanings[key] = key  # for imports in a circle
            self._meanings[key] = self._mean(key)
        return self._meanings[key]

    def _mean(self, key: Definition) -> Target | None:
        statements = self.bindings(key.module).get(key.name)
        if statements is None:
            return None
        if any(not isinstance(one.node, Import) for one in statements):
            return key
        targets: list[Target] = []
        for bound, target in self.targets([one for each in statements for one in each.imports], key.module):
            if bound == key.name:
                targets.append(target)
            elif bound == "*" and isinstance(target, Definition):
                targets.append(self.member(target.module, key.name))
        last = targets[-1]
        if isinstance(last, Outside):
            return last._replace(also=last.also.union(*(one.also for one in targets if isinstance(one, Outside))))
        return last

    def member(self, module: str, name: str) -> Target:
        """Return what an attribute of a module means: of the project's the whole, when its text does not say."""
        dotted = f"{module}.{name}"
        found = self.lookup(module, name) if self.is_known(module) else None
        if found is None and self.is_known(dotted):
            return Definition(dotted, WHOLE)
        return found or (Definition(module, WHOLE) if self.is_known(module) else Outside(dotted))

    def follow(self, target: Target, attributes: Sequence[str]) -> tuple[Target, Sequence[str]]:
        """Return what attributes of modules of the project lead to, and the attributes that are left."""
        while attributes and isinstance(target, Definition) and target.name == WHOLE:
            found = self.member(target.module, attributes[0])
            if found == target:
                break
            target, attributes = found, attributes[1:]
        return target, attributes

    def targets(self, imports: Iterable[Import], module: str) -> Iterator[tuple[str, Target]]:
        """Yield each name that imports bind in a module, with what it means; `*` with the module for star imports."""
        for node in imports:
            base = self._base(node, module) if isinstance(node, ast.ImportFrom) else None
            for alias in node.names:
                if base is not None:
                    target = self._module(base) if alias.name == "*" else self.member(base, alias.name)
                    yield alias.asname or alias.name, target
                elif alias.asname:
                    yield alias.asname, self._module(alias.name)
                else:
                    root = alias.name.partition(".")[0]
                    found = self._module(root)
                    yield root, Outside(root, frozenset({alias.name} - {root})) if isinstance(found, Outside) else found

    def _module(self, dotted: str) -> Target:
        return Definition(dotted, WHOLE) if self.is_known(dotted) else Outside(dotted)

    def _base(self, node: ast.ImportFrom, module: str) -> str:
        """Return the dotted name of the module that an import imports from."""
        package = module if module in self._packages else module.rpartition(".")[0]
        parts = package.split(".") if package else []
        if not node.level or node.level > len(parts):
            return "." * node.level + (node.module or "")
        return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])

    def runs(self, imports: Iterable[Import], module: str) -> set[str]:
        """Return the modules of the project that imports run."""
        found = set[str]()
        for node in imports:
            base = self._base(node, module) if isinstance(node, ast.ImportFrom) else ""
            found |= {f"{base}.{alias.name}" if base else alias.name for alias in node.names} | {base}
        return {each for one in found for each in packages(one)} & self.texts.keys()

    def top(self, module: str) -> Top:
        """Return what importing a module does beside binding names."""
        if module not in self._tops:
            found = self._tops[module] = Top({}, [])
            for statement in self.statements(module) or ():
                changed = {self._changed(touch, module) for touch in statement.touches} - {None}
                for name in changed - {WHOLE}:
                    found.changes.setdefault(str(name), []).append(statement)
                if WHOLE in changed:
                    found.others.append(statement)
        return self._tops[module]

    def _changed(self, touch: Touch, module: str) -> str | None:
        """Return the module's own name whose object changes, WHOLE for anything else, None for nothing."""
        root = touch.path[0] if touch.path else WHOLE
        found = self.lookup(module, root)
        target, rest = self.follow(found, touch.path[1:]) if found else (None, ())
        if touch.decorator and not (isinstance(target, Definition) and (rest or self._keeps(target))):
            return None
        return root if target == (module, root) and (rest or not touch.decorator) else WHOLE

    def _keeps(self, decorator: Definition) -> bool:
        """Return whether a decorator may keep what it decorates in an object of some module, as registries do."""
        todo, seen = [decorator], {decorator}
        while todo:
            module, name = todo.pop()
            for statement in self.bindings(module).get(name, ()):
                if not isinstance(statement.node, Function):
                    return True
                nodes = list(ast.walk(statement.node))
                if any(self._is_keeping(node, module) for node in nodes):
                    return True
                used = {self.lookup(module, node.id) for node in nodes if isinstance(node, ast.Name)}
                functions = {one for one in used if isinstance(one, Definition) and self._is_function(one)}
                todo += functions - seen
                seen |= functions
        return False

    def _is_function(self, one: Definition) -> bool:
        return any(isinstance(each.node, Function) for each in self.bindings(one.module).get(one.name, ()))

    def _is_keeping(self, node: ast.AST, module: str) -> bool:
        match node:
            case ast.Global():
                return True
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                path = attribute_path(node)
            case ast.Call(func=ast.Attribute(attr=method) as func) if method in KEEPING:
                path = attribute_path(func)
            case _:
                return False
        target = self.lookup(module, path[0]) if path else None
        return isinstance(target, Definition) and not self._is_function(target)
