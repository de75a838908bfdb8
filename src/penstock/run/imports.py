"""What a text imports, and where those modules lie: found from files, without importing anything.

It must never know what the imports are wanted for.
"""

from __future__ import annotations

import ast
import os
import site
import sys
import sysconfig
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import decode_source
from pathlib import Path

from msgspec import Struct

from penstock.core.statements import is_for_type_checkers, last_name, parse
from penstock.run.stand_in import is_ours

_CALLED = ("import_module", "__import__")
_FILES = 1000  # of a project that are read
_HOLDING = ("body", "cases", "handlers", "orelse", "finalbody")  # fields of statements that hold others, in their order


class Import(Struct, frozen=True):
    """A module that is imported, and the names that are taken from it, `*` among them; some may be modules too."""

    module: str
    names: tuple[str, ...] = ()


def imports(source: str, package: str, *, everywhere: bool, calls: bool = False) -> Iterator[Import]:
    """Yield the imports of a source in the order of their lines.

    Args:
        source: Its text.
        package: The package that relative imports start from; empty when there is none.
        everywhere: Whether those in the bodies of functions count.
        calls: Whether `import_module("name")` and `__import__("name")` count, wherever they stand. They come last.
    """
    if "import" not in source or (tree := _tree(source)) is None:
        return
    waiting: deque[ast.AST] = deque([tree])
    while waiting:
        node = waiting.popleft()
        if isinstance(node, ast.Import):
            yield from (Import(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if module := _absolute(node.level, node.module or "", package):
                yield Import(module, tuple(alias.name for alias in node.names))
        elif isinstance(node, ast.If) and is_for_type_checkers(node):
            waiting.extendleft(reversed(node.orelse))
        elif everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting.extendleft(reversed([one for field in _HOLDING for one in getattr(node, field, ())]))
    if calls and any(name in source for name in _CALLED):
        yield from _calls(tree, package)


def _tree(source: str) -> ast.Module | None:
    try:
        return parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _absolute(level: int, module: str, package: str) -> str:
    if not level:
        return module
    parts = package.split(".")
    if not package or level > len(parts):
        return ""
    return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])


def _calls(tree: ast.Module, package: str) -> Iterator[Import]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=called, args=[ast.Constant(value=str(name)), *_]) if last_name(called) in _CALLED:
                module = name.lstrip(".")
                if found := _absolute(len(name) - len(module), module, package):
                    yield Import(found)
            case _:
                pass


def exports(source: str) -> tuple[str, ...]:
    """Return the names that a module lists for star imports in `__all__`, as far as its text holds them."""
    tree = _tree(source) if "__all__" in source else None
    found: list[str] = []
    for statement in tree.body if tree else ():
        nodes = list(ast.walk(statement))
        if any(isinstance(node, ast.Name) and node.id == "__all__" for node in nodes):
            found += [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return tuple(found)


class Finder:
    """Finds modules along a path as an import would, each once, without importing anything.

    What code does to `sys.path` or to the `__path__` of a package is not seen.
    """

    def __init__(self, path: Sequence[str]) -> None:
        self._path = path
        self._found: dict[str, ModuleSpec | None] = {}

    def find(self, name: str) -> ModuleSpec | None:
        """Find a module by its dotted name."""
        if name not in self._found:
            outer, _, part = name.rpartition(".")
            self._found[name] = self._inside(outer, part) if outer else _find(name, self._path)
        return self._found[name]

    def _inside(self, package: str, part: str) -> ModuleSpec | None:
        found = self.find(package)
        if found is None or found.submodule_search_locations is None:
            return None
        # By its own name alone: to find `a.b`, where neither has a file, Python would ask the `a` that was imported.
        return PathFinder.find_spec(part, list(found.submodule_search_locations))

    def modules(self, wanted: Import) -> Iterator[tuple[str, ModuleSpec]]:
        """Yield the modules that an import runs, with their dotted names: packages before what they hold."""
        name = ""
        for part in wanted.module.split("."):
            name = f"{name}.{part}" if name else part
            if (found := self.find(name)) is None:
                return
            yield name, found
        for attribute in wanted.names:
            inner = f"{name}.{attribute}"
            if found := self.find(inner):
                yield inner, found


def _find(top: str, path: Sequence[str]) -> ModuleSpec | None:
    """Find a top-level module."""
    if top in {"__future__", "__main__"}:
        return None
    if top in sys.builtin_module_names:
        return ModuleSpec(top, None, origin="built-in")
    if spec := PathFinder.find_spec(top, path):
        return spec
    for finder in sys.meta_path:
        if is_of_editable_install(finder):
            with suppress(Exception):
                if spec := finder.find_spec(top, None, None):
                    return spec
    return ModuleSpec(top, None, origin="frozen") if top in sys.stdlib_module_names else None


def package_of(name: str, module: ModuleSpec) -> str:
    """Return the package that a module's relative imports start from."""
    return name if module.submodule_search_locations is not None else name.rpartition(".")[0]


@cache
def library_folders() -> tuple[str, ...]:
    """Return where the standard library and installed packages lie, as real paths."""
    paths = sysconfig.get_paths()
    found = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")] + site.getsitepackages()
    if site.ENABLE_USER_SITE:
        found.append(site.getusersitepackages())
    return tuple({os.path.realpath(folder) for folder in found})


def is_below(file: str, folders: Sequence[str]) -> bool:
    """Return whether a file or folder lies in one of some folders, which are real paths."""
    real = os.path.realpath(file)
    return any(real == folder or real.startswith(folder + os.sep) for folder in folders)


def is_library(spec: ModuleSpec, folders: Sequence[str]) -> bool:
    """Return whether a module is of the interpreter or installed, and not of a project."""
    if spec.origin in {"built-in", "frozen"}:
        return True
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return bool(places) and all(is_below(place, folders) for place in places)


def is_of_editable_install(finder: object) -> bool:
    """Return whether a finder of modules was put up for packages that are installed as a link to their sources."""
    kind = finder if isinstance(finder, type) else type(finder)
    return "__editable__" in kind.__module__


def project_files(source: str, path: Sequence[str]) -> Iterator[Path]:
    """Yield the Python files of the project that a source imports, itself or through one another.

    Every import counts, also one in the body of a function. Files of the interpreter, of installed packages and of
    Penstock do not count, nor does what is not Python source.

    Args:
        source: Text of the main module.
        path: Where its modules are looked for, as in `sys.path`.
    """
    folders, finder = library_folders(), Finder(path)
    waiting = deque(imports(source, "", everywhere=True, calls=True))
    seen: set[Path] = set()
    while waiting and len(seen) < _FILES:
        wanted = waiting.popleft()
        spec = finder.find(wanted.module.partition(".")[0])
        if spec is None or is_ours(spec.name) or is_library(spec, folders):
            continue
        for name, module in finder.modules(wanted):
            file = Path(module.origin or "")
            if file.suffix == ".py" and file not in seen and not is_below(str(file), folders):
                seen.add(file)
                yield file
                text = read_source(file)
                waiting.extend(imports(text, package_of(name, module), everywhere=True, calls=True))
                if "*" in wanted.names and name == wanted.module:
                    waiting.append(Import(name, exports(text)))


def read_source(file: Path) -> str:
    """Return the text of a Python file in the encoding that it declares; empty when it cannot be read."""
    with suppress(OSError, SyntaxError, ValueError, LookupError):
        return decode_source(file.read_bytes())
    return ""
