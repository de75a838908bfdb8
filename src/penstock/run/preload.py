"""What the warm process imports in advance: chosen here from the sources of the steps, and imported there.

Choosing reads files and imports nothing. What is chosen are modules of the standard library and of installed packages,
never files of the project: those change between two runs, and running them is the step's business.
"""

from __future__ import annotations

import ast
import os
import signal
import site
import sys
import sysconfig
import threading
import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FrameType
from typing import NoReturn

from msgspec import Struct

PRELOAD_LIMIT = 60.0  # seconds; an import that takes longer hangs

_FILES = 100  # local modules that are read for a plan
_FILE_SIZE = 1 << 20  # bytes of the longest one
_FORK_SAFE = {"jemalloc_bg_thd"}  # threads whose library takes care of them around a fork
_GPU_DEVICES = ("/dev/nvidia", "/dev/kfd", "/dev/dri/")


class Preload(Struct, frozen=True):
    """What a warm process imports.

    Args:
        modules: In the order of their import; `a.b:c` means `from a.b import c`.
        fingerprint: Changes when an installed package among them does.
    """

    modules: tuple[str, ...]
    fingerprint: str


class _Import(Struct, frozen=True):
    module: str
    names: tuple[str, ...] = ()


def plan(sources: Iterable[str], path: Sequence[str]) -> Preload:
    """Find the installed modules that sources import, themselves or through modules of the project.

    In the sources every import counts, also one in the body of a function; in the project's modules those that happen
    when they are imported. A source that cannot be parsed is passed over.

    Args:
        sources: Texts of Python source.
        path: Where the steps will look for modules, as in `sys.path`.
    """
    folders = _library_folders()
    specs: dict[str, ModuleSpec | None] = {}
    chosen: dict[str, None] = {}
    seen: set[Path] = set()
    waiting = deque(one for source in dict.fromkeys(sources) for one in _imports(source, "", everywhere=True))
    while waiting:
        wanted = waiting.popleft()
        top = wanted.module.partition(".")[0]
        if top not in specs:
            specs[top] = _find(top, path)
        if (spec := specs[top]) is None:
            continue
        if top == "penstock" or _is_library(spec, folders):
            chosen.update(dict.fromkeys([f"{wanted.module}:{name}" for name in wanted.names] or [wanted.module]))
            continue
        for file, package in _local_files(wanted, spec):
            if file not in seen and len(seen) < _FILES:
                seen.add(file)
                waiting.extend(_imports(_read(file), package, everywhere=False))
    tops = {name.partition(":")[0].partition(".")[0] for name in chosen}
    return Preload(tuple(chosen), _fingerprint([spec for top in sorted(tops) if (spec := specs[top])]))


def libraries(path: Sequence[str]) -> tuple[str, ...]:
    """Return the folders of `path` that belong to the interpreter: its standard library and what is installed."""
    folders = _library_folders()
    return tuple(entry for entry in path if entry and _is_below(entry, folders))


def carry_out(modules: Sequence[str], path: Sequence[str]) -> str:
    """Import the modules into this process.

    What cannot be imported is skipped without a word: the step that needs it will say so.

    Args:
        modules: As `Preload.modules`.
        path: The folders to import from.

    Returns:
        Why this process must not be forked; empty when it may.
    """
    sys.path[:] = path
    sys.path_importer_cache.clear()
    finders = list(sys.meta_path)
    sys.meta_path[:] = [one for one in finders if not _is_of_editable_install(one)]
    reason = ""
    try:
        signal.signal(signal.SIGALRM, _give_up)
        signal.setitimer(signal.ITIMER_REAL, PRELOAD_LIMIT)
        for module in modules:
            _import(module)
    except TimeoutError:
        reason = f"importing took more than {PRELOAD_LIMIT:.0f} seconds"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    sys.meta_path[:] = [*sys.meta_path, *(one for one in finders if one not in sys.meta_path)]
    return reason or why_not_fork()


def why_not_fork() -> str:
    """Return why this process must not be forked; empty when it may."""
    if sys.platform == "darwin":
        return "the system libraries of macOS do not survive a fork"
    if _threads():
        # BLAS libraries start threads when they are loaded, and end them before a fork. So let there be one.
        _fork_for_nothing()
        until = time.monotonic() + 0.2
        while _threads() and time.monotonic() < until:
            time.sleep(0.001)
    if threads := _threads():
        return f"importing the steps' modules started threads: {', '.join(sorted(threads))}"
    for descriptor in open_descriptors():
        with suppress(OSError):
            device = str(Path(f"/dev/fd/{descriptor}").readlink())
            if device.startswith(_GPU_DEVICES):
                return f"importing the steps' modules opened {device}"
    return ""


def open_descriptors() -> set[int]:
    """Return the file descriptors that are open in this process, as far as the system tells."""
    with suppress(OSError):
        return {number for number in map(int, os.listdir("/dev/fd")) if _is_open(number)}  # noqa: PTH208 - only names
    return set()


def _is_open(descriptor: int) -> bool:
    with suppress(OSError):
        os.fstat(descriptor)
        return True
    return False


def _fork_for_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)


def _threads() -> list[str]:
    """Return the names of threads beside this one that may not survive a fork."""
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return [one.name for one in threading.enumerate() if one is not threading.current_thread()]
    names: list[str] = []
    for task in tasks.iterdir():
        with suppress(OSError):
            name = (task / "comm").read_text().strip()
            if int(task.name) != os.getpid() and name not in _FORK_SAFE:
                names.append(name)
    return names


def _give_up(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise TimeoutError


def _import(module: str) -> None:
    name, _, attribute = module.partition(":")
    try:
        __import__(name, fromlist=[attribute] if attribute else ())
    except TimeoutError:
        raise
    except BaseException:  # noqa: BLE001, S110 - a module's top level may raise anything
        pass


def _is_of_editable_install(finder: object) -> bool:
    kind = finder if isinstance(finder, type) else type(finder)
    return "__editable__" in kind.__module__


def _imports(source: str, package: str, *, everywhere: bool) -> Iterator[_Import]:
    """Yield the imports of a source in the order of their lines.

    Args:
        source: Its text.
        package: The package that relative imports start from; empty when there is none.
        everywhere: Whether those in the bodies of functions count.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    waiting: deque[ast.AST] = deque([tree])
    while waiting:
        node = waiting.popleft()
        if isinstance(node, ast.Import):
            yield from (_Import(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if module := _absolute(node, package):
                yield _Import(module, tuple(alias.name for alias in node.names if alias.name != "*"))
        elif isinstance(node, ast.If) and _is_for_type_checkers(node.test):
            waiting.extendleft(reversed(node.orelse))
        elif everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extendleft(reversed(list(ast.iter_child_nodes(node))))


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    if not package or node.level > len(parts):
        return ""
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def _is_for_type_checkers(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"


def _find(top: str, path: Sequence[str]) -> ModuleSpec | None:
    """Find a top-level module as an import would, without importing anything."""
    if top in {"__future__", "__main__"}:
        return None
    if top in sys.builtin_module_names:
        return ModuleSpec(top, None, origin="built-in")
    if spec := PathFinder.find_spec(top, path):
        return spec
    for finder in sys.meta_path:
        if _is_of_editable_install(finder):
            with suppress(Exception):
                return finder.find_spec(top, None, None)
    return ModuleSpec(top, None, origin="frozen") if top in sys.stdlib_module_names else None


def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    found = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")] + site.getsitepackages()
    if site.ENABLE_USER_SITE:
        found.append(site.getusersitepackages())
    return tuple({os.path.realpath(folder) for folder in found})


def _is_below(file: str, folders: Sequence[str]) -> bool:
    real = os.path.realpath(file)
    return any(real == folder or real.startswith(folder + os.sep) for folder in folders)


def _is_library(spec: ModuleSpec, folders: Sequence[str]) -> bool:
    if spec.origin in {"built-in", "frozen"}:
        return True
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return bool(places) and all(_is_below(place, folders) for place in places)


def _local_files(wanted: _Import, spec: ModuleSpec) -> Iterator[tuple[Path, str]]:
    """Yield the files of the project that an import runs, each with the package that it belongs to."""
    name = spec.name
    found: ModuleSpec | None = spec
    for part in [*wanted.module.split(".")[1:], ""]:
        if found is None:
            return
        yield from _file_of(found, name)
        if part:
            name = f"{name}.{part}"
            found = PathFinder.find_spec(name, found.submodule_search_locations or [])
    for attribute in wanted.names:
        if found is not None and found.submodule_search_locations is not None:
            inner = PathFinder.find_spec(f"{name}.{attribute}", found.submodule_search_locations)
            if inner is not None:
                yield from _file_of(inner, inner.name)


def _file_of(spec: ModuleSpec, name: str) -> Iterator[tuple[Path, str]]:
    if spec.origin and spec.origin.endswith(".py"):
        is_package = spec.submodule_search_locations is not None
        yield Path(spec.origin), name if is_package else name.rpartition(".")[0]


def _read(file: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        if file.stat().st_size <= _FILE_SIZE:
            return file.read_text("utf-8-sig")
    return ""


def _fingerprint(specs: Sequence[ModuleSpec]) -> str:
    digest = sha256()
    for spec in specs:
        place = spec.origin or next(iter(spec.submodule_search_locations or ()), "")
        size, changed = 0, 0
        with suppress(OSError):
            state = Path(place).stat()
            size, changed = state.st_size, state.st_mtime_ns
        digest.update(f"{spec.name}\0{place}\0{size}\0{changed}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
