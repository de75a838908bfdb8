"""What a source reaches beyond itself: texts of the project's own modules, and the installed packages that they import.

Found by reading files; nothing is imported. More may be found than a run will import, and less only where no text says
it: names that a program makes up, what it does to `sys.path`, what a compiled module imports.

A text that cannot be given is replaced by one that is no Python, so that whoever takes texts for code has to take it
whole. Nothing that may have changed has the same text again. It must never know what a reach is for.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from importlib.machinery import ModuleSpec
from importlib.util import decode_source
from uuid import uuid4

from msgspec import Struct

from penstock.run.imports import (
    Finder,
    Import,
    exports,
    imports,
    is_below,
    is_library,
    library_folders,
    package_of,
)
from penstock.run.packages import is_provided, places, versions
from penstock.run.stand_in import is_ours

MODULES = 1000  # of the project that are read; further ones are never the same twice
LONGEST_TEXT = 1 << 20  # bytes; a longer one counts by its digest


class Reach(Struct, frozen=True):
    """What a source reaches.

    Args:
        modules: Texts of the project's own modules under their dotted names, a package's under the package's. A package
            of which there is no other module is told from a plain module by an empty text, `NAME.__init__`.
        packages: Installed packages with their versions, sorted by name.
    """

    modules: dict[str, str]
    packages: dict[str, str]


def reach(source: str, path: Sequence[str]) -> Reach:
    """Return what a source reaches.

    Every import counts, also one in the body of a function, and in the project's modules as well. The standard library
    and Penstock itself do not count. An editable install counts by its texts and by its version.

    Args:
        source: Text of the main module.
        path: Where its modules are looked for, as in `sys.path`.
    """
    search = _Search(path)
    search.note(_imports(source, ""))
    while search.waiting:
        search.look_for(search.waiting.popleft())
    packages = {name.rpartition(".")[0] for name in search.texts}
    alone = [name for name in search.texts if name in search.packages and name not in packages]
    return Reach(
        modules=search.texts | {f"{name}.__init__": "" for name in alone},
        packages=versions(search.imported, path),
    )


class _Search:
    """A search on its way.

    Args:
        texts: As `Reach.modules`.
        packages: Those of them that are packages.
        imported: Modules that may have come with installed packages.
    """

    def __init__(self, path: Sequence[str]) -> None:
        self.waiting: deque[Import] = deque()
        self.texts: dict[str, str] = {}
        self.packages: set[str] = set()
        self.imported: set[str] = set()
        self._finder = Finder(path)
        self._met: set[Import] = set()
        self._installed: dict[str, bool] = {}

    def note(self, imported: Iterable[Import]) -> None:
        for wanted in imported:
            if wanted not in self._met:
                self._met.add(wanted)
                self.waiting.append(wanted)

    def look_for(self, wanted: Import) -> None:
        """Find the modules that an import runs, and read those of the project."""
        top = wanted.module.partition(".")[0]
        if is_ours(top) or (spec := self._finder.find(top)) is None:
            return
        if top not in self._installed:
            self._installed[top] = _is_installed(top, spec)
        if self._installed[top]:
            self.imported.add(wanted.module)
            return
        for name, module in self._finder.modules(wanted):
            if module.origin is not None:  # a folder without a file of its own has nothing to read
                self.imported.add(name)
                if spec.origin is not None or not is_library(module, library_folders()):
                    self._take(name, module)
        if "*" in wanted.names:
            self.note([Import(wanted.module, exports(self.texts.get(wanted.module, "")))])

    def _take(self, name: str, module: ModuleSpec) -> None:
        if name not in self.texts:
            self.texts[name] = text = _text(module) if len(self.texts) < MODULES else _unknown()
            if module.submodule_search_locations is not None:
                self.packages.add(name)
            self.note(_imports(text, package_of(name, module)))


@lru_cache(maxsize=1024)
def _imports(source: str, package: str) -> tuple[Import, ...]:
    return tuple(imports(source, package, everywhere=True, calls=True))


def _is_installed(top: str, spec: ModuleSpec) -> bool:
    """Return whether a top-level module stays the same for as long as its package has the same version."""
    if spec.origin is None:  # a folder that several may share
        return False
    folders = library_folders()
    if is_library(spec, folders):
        return top in sys.stdlib_module_names or is_provided(top, spec)
    # Some installers put links to a store of theirs into the library, where others put links to a project.
    is_beside = all(is_below(str(place.parent), folders) for place in places(spec))
    return is_beside and is_provided(top, spec, with_checksum=True)


def _text(module: ModuleSpec) -> str:
    """Return a module's text, or what stands for it."""
    origin = module.origin or ""
    get_data: Callable[[str], bytes] | None = getattr(module.loader, "get_data", None)
    try:
        data = get_data(origin) if get_data else None
    except (OSError, ImportError):
        data = None
    if data is None:
        return _unknown()
    if not origin.endswith(".py"):
        return _digest(data)
    try:
        text = decode_source(data)
    except (SyntaxError, ValueError, LookupError):
        return _digest(data)  # Python cannot read it either
    if len(data) <= LONGEST_TEXT:
        return text
    return _unknown() if "import" in text else _digest(data)


def _digest(data: bytes) -> str:
    return f"? {sha256(data).hexdigest()}"


def _unknown() -> str:
    """Return a text that is never the same, for a module of which nobody knows what it is or what it imports."""
    return f"? {uuid4().hex}"
