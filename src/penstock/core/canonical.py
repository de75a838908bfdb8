"""Code in a form that is the same however it was written: what it does remains, and what each name means.

A local name stands as it is (`%x`), one that no text binds as `:x`, one from outside as where it is imported from
(`=numpy.zeros`); what the project defines is not written but handed out as a `Definition`. Comments, layout, docstrings
and annotations are left out where nothing can ask for them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from penstock.core.bindings import WHOLE, Definition, Names, Outside, Target
from penstock.core.statements import (
    Comprehension,
    Function,
    Import,
    is_for_type_checkers,
    is_idle,
    last_name,
    local_names,
)

# Decorators that do not ask for annotations; others from outside may.
PLAIN = frozenset({
    "abstractmethod", "cache", "cached_property", "classmethod", "contextmanager", "deleter", "final", "getter",
    "inference_mode", "jit", "lru_cache", "njit", "no_grad", "override", "property", "setter", "staticmethod", "wraps",
})  # fmt: skip
BY_ANY_NAME = frozenset({":globals", ":eval", ":exec"})  # may use whatever its module has
BY_ANYMODULE = frozenset({":__import__", "=importlib.import_module", "=sys.modules"})
SILENT = frozenset({"ctx", "kind", "type_comment"})  # fields of nodes that say nothing, or nothing more


class Scope(NamedTuple):
    """Where names are looked up.

    Args:
        kind: `module`, `class` or `function`; a lambda and a comprehension are as a function.
        imports: Names that only imports bind here, with what they mean.
        outer: Names that are declared global here.
    """

    kind: str
    local: frozenset[str] = frozenset()
    imports: Mapping[str, Target] = {}
    outer: frozenset[str] = frozenset()
    parent: Scope | None = None


MODULE = Scope("module")
Item: TypeAlias = "str | Definition | tuple[ast.AST, Scope]"
Items: TypeAlias = list[Item]


class Writer:
    """Writes code of a module as pieces. It keeps its own stack, since code may be nested deeply."""

    def __init__(self, names: Names, module: str, asked: frozenset[str]) -> None:
        self.names = names
        self.module = module
        self.asked = asked
        self.pieces: list[str | Definition] = []
        self.runs: set[str] = set()
        self.texts: list[str] = []

    def write(self, items: Items) -> None:
        todo = items[::-1]
        while todo:
            item = todo.pop()
            if isinstance(item, str):
                self.texts.append(item)
            elif isinstance(item, Definition):
                self.pieces += ["".join(self.texts), item]
                self.texts.clear()
            else:
                todo += self.expand(*item)[::-1]
        self.pieces.append("".join(self.texts))
        self.texts.clear()

    def expand(self, node: ast.AST, scope: Scope) -> Items:
        if isinstance(node, ast.stmt) and is_idle(node):
            return []
        special = SPECIAL.get(type(node))
        return special(self, node, scope) if special else self.plain(node, scope)

    def plain(self, node: ast.AST, scope: Scope) -> Items:
        """Any node: its kind, and its fields as far as they are filled."""
        items: Items = [f"({type(node).__name__}"]
        for field in node._fields:
            value = None if field in SILENT else getattr(node, field, None)
            if isinstance(value, ast.AST):
                items += (f" {field}:", (value, scope)) if value._fields else (f" {field}:{type(value).__name__}",)
            elif isinstance(value, list):
                several = cast("list[object]", value)
                items += (
                    f" {field}:[",
                    *((one, scope) if isinstance(one, ast.AST) else _bare(one) for one in several),
                    "]",
                )
            elif value is not None:
                items.append(f" {field}:{value!r}")
        return [*items, ")"]

    def constant(self, node: ast.Constant, _: Scope) -> Items:
        return [f" {node.value:#x}" if type(node.value) is int else f" {node.value!r}"]

    def idle(self, _: ast.AST, __: Scope) -> Items:
        return []

    def branch(self, node: ast.If, scope: Scope) -> Items:
        if is_for_type_checkers(node):
            return [(one, scope) for one in node.orelse]
        return self.plain(node, scope)

    def annotated(self, node: ast.AnnAssign, scope: Scope) -> Items:
        """An annotation counts in a class alone: it may say what a dataclass is made of."""
        if scope.kind == "class":
            return self.plain(node, scope)
        return self.plain(ast.Assign(targets=[node.target], value=node.value), scope) if node.value else []

    # Names

    def find(self, name: str, scope: Scope) -> Target | bool:
        """Return what a name means; True when it is local, False when no text says it."""
        here: Scope | None = scope
        while here is not None:
            if here is scope or here.kind != "class":
                if name in here.outer:
                    break
                if name in here.imports:
                    return here.imports[name]
                if name in here.local:
                    return True
            here = here.parent
        return self.names.lookup(self.module, name) or False

    def named(self, node: ast.Name, scope: Scope) -> Items:
        return self.name(node.id, scope, load=isinstance(node.ctx, ast.Load))

    def name(self, name: str, scope: Scope, *, load: bool = True) -> Items:
        target = self.find(name, scope)
        if target is True:
            own = load and scope.kind == "class" and name in scope.local
            outer = self.names.lookup(self.module, name) if own else None  # until it has bound it, a class reads this
            return [f"%{name}", *(self.target(outer) if outer else [])]
        return self.target(target) if target else self.unknown(name)

    def unknown(self, name: str) -> Items:
        """A name that no text binds: a built-in one, of a star import, or one of those that every module has."""
        text = " ".join([f":{name}", *self.names.outside_stars(self.module)])
        if name in {"__file__", "__package__", "__path__", "__spec__"}:
            return [f"{text} {self.module!r}"]
        if name == "__doc__":
            return [f"{text} {self.names.docstring(self.module)!r}"]
        return [text, *self.dynamic(f":{name}")]

    def dynamic(self, text: str) -> Items:
        if text in BY_ANY_NAME:
            return [Definition(self.module, WHOLE)]
        return [Definition(one, WHOLE) for one in sorted(self.names.texts)] if text in BY_ANYMODULE else []

    def attribute(self, node: ast.Attribute, scope: Scope) -> Items:
        target, base, attributes = self.chain(node, scope)
        if target:
            return self.target(target, attributes)
        before: Items = self.named(base, scope) if isinstance(base, ast.Name) else [(base, scope)]
        return [*before, *(f".{one}" for one in attributes)]

    def chain(self, node: ast.expr, scope: Scope) -> tuple[Target | None, ast.expr, list[str]]:
        """Take `a.b.c` apart: what `a` means when it is not local, the expression `a`, and the other names."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.insert(0, node.attr)
            node = node.value
        found = self.find(node.id, scope) if isinstance(node, ast.Name) else None
        return None if isinstance(found, bool) else found, node, attributes

    def target(self, target: Target, attributes: Sequence[str] = ()) -> Items:
        """What `target.a.b` means; the attributes of the project's modules are followed."""
        target, rest = self.names.follow(target, attributes)
        if isinstance(target, Definition):
            return [target, *(f".{one}" for one in rest)]
        dotted = ".".join([target.name, *rest])
        also = [one for one in sorted(target.also) if not f"{dotted}.".startswith(f"{one}.")]
        return [" ".join([f"={dotted}", *also]), *self.dynamic(f"={dotted}")]

    def imported(self, node: Import, scope: Scope) -> Items:
        self.runs |= self.names.runs([node], self.module)
        items: Items = ["(import"]
        for bound, target in self.names.targets([node], self.module):
            if scope.kind != "function" or bound not in scope.imports:
                items += [*self.name(bound, scope, load=False), *self.target(target)]
            elif isinstance(target, Outside):
                items += self.target(target)  # as for what is of the project: those who use it say so
        return [*items, ")"]

    # Scopes

    def scope(self, kind: str, nodes: Sequence[ast.AST], names: Iterable[str], parent: Scope) -> Scope:
        local = local_names(nodes)
        imports: dict[str, Target] = {}
        bound = {*local.names, *names}
        for name, target in self.names.targets(local.imports, self.module):
            if imports.setdefault(name, target) != target:
                bound.add(name)
        only = {name: target for name, target in imports.items() if name not in bound}
        return Scope(kind, frozenset(bound), only, local.outer, parent)

    def function(self, node: Function | ast.Lambda, scope: Scope) -> Items:
        arguments = node.args
        extra = [arguments.vararg, arguments.kwarg]
        groups = [arguments.posonlyargs, arguments.args, arguments.kwonlyargs, [one for one in extra if one]]
        every = [one for group in groups for one in group]
        shape = [[one.arg for one in group] for group in groups], [one is not None for one in extra]
        items: Items = [f"({type(node).__name__}"]
        if not isinstance(node, ast.Lambda):
            items += [*self.name(node.name, scope, load=False), *self.decorators(node, scope)]
            if "annotations" in self.asked or any(self.may_ask(one, scope) for one in node.decorator_list):
                annotations = [*((one.arg, one.annotation) for one in every), ("return", node.returns)]
                items += [item for name, one in annotations if one for item in (f" {name}->", (one, scope))]
        items += [f" {shape}", *((one, scope) for one in arguments.defaults), " |"]
        items += [(one, scope) if one else _bare(one) for one in arguments.kw_defaults]
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        inner = self.scope("function", body, [*(one.arg for one in every), *_type_parameters(node)], scope)
        return [*items, *self.docstring(node), " ->", *((one, inner) for one in body), ")"]

    def decorators(self, node: Function | ast.ClassDef, scope: Scope) -> Items:
        return [item for one in node.decorator_list for item in (" @", (one, scope))]

    def may_ask(self, decorator: ast.expr, scope: Scope) -> bool:
        """Return whether a decorator may look at annotations; those of the project are known to, or not."""
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if last_name(called) in PLAIN:
            return False
        target, _, attributes = self.chain(called, scope)
        target, rest = self.names.follow(target, attributes) if target else (None, ())
        return bool(rest) or not isinstance(target, Definition)

    def class_(self, node: ast.ClassDef, scope: Scope) -> Items:
        where = f" {node.name!r} {self.module!r}" if scope.kind == "module" else ""
        items = [f"(ClassDef{where}", *self.name(node.name, scope, load=False), *self.decorators(node, scope)]
        if parameters := _type_parameters(node):
            scope = Scope("function", frozenset(parameters), parent=scope)
        for group in (getattr(node, "type_params", []), node.bases, node.keywords):
            items += [" |", *((one, scope) for one in group)]
        inner = self.scope("class", node.body, (), scope)
        return [*items, *self.docstring(node), " ->", *((one, inner) for one in node.body), ")"]

    def docstring(self, node: Function | ast.ClassDef | ast.Lambda) -> Items:
        if "docstrings" not in self.asked or isinstance(node, ast.Lambda):
            return []
        return [repr(ast.get_docstring(node, clean=False))]

    def comprehension(self, node: Comprehension, scope: Scope) -> Items:
        targets = [one for generator in node.generators for one in ast.walk(generator.target)]
        inner = Scope("function", frozenset(one.id for one in targets if isinstance(one, ast.Name)), parent=scope)
        values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        items: Items = [f"({type(node).__name__}", *((one, inner) for one in values)]
        for one in node.generators:
            outer = scope if one is node.generators[0] else inner
            items += [f" for{one.is_async}", (one.target, inner), (one.iter, outer)]
            items += [item for each in one.ifs for item in (" if", (each, inner))]
        return [*items, ")"]


def _bare(one: object) -> str:
    """What stands in a list beside nodes: a name, or nothing, which is not the constant None."""
    return " -" if one is None else f" {one!r}"


def _type_parameters(node: ast.AST) -> list[str]:
    return [str(one.name) for one in getattr(node, "type_params", [])]


SPECIAL: dict[type[ast.AST], Callable[[Writer, Any, Scope], Items]] = {
    ast.AnnAssign: Writer.annotated,
    ast.AsyncFunctionDef: Writer.function,
    ast.Attribute: Writer.attribute,
    ast.ClassDef: Writer.class_,
    ast.Constant: Writer.constant,
    ast.DictComp: Writer.comprehension,
    ast.FunctionDef: Writer.function,
    ast.GeneratorExp: Writer.comprehension,
    ast.Global: Writer.idle,
    ast.If: Writer.branch,
    ast.Import: Writer.imported,
    ast.ImportFrom: Writer.imported,
    ast.Lambda: Writer.function,
    ast.ListComp: Writer.comprehension,
    ast.Name: Writer.named,
    ast.SetComp: Writer.comprehension,
}
