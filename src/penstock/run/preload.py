"""What the warm process imports in advance: chosen here from the sources of the steps, and imported there.

Choosing reads files and imports nothing. What is chosen are modules of the standard library and of installed packages,
never files of the project: those change between two runs, and running them is the step's business.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType
from typing import NoReturn

from msgspec import Struct

from penstock.run import stand_in
from penstock.run.imports import (
    Finder,
    Import,
    imports,
    is_below,
    is_library,
    is_of_editable_install,
    library_folders,
    package_of,
)

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


def plan(sources: Iterable[str], path: Sequence[str], folders: Sequence[str] | None = None) -> Preload:
    """Find the installed modules that sources import, themselves or through modules of the project.

    In the sources every import counts, also one in the body of a function; in the project's modules those that happen
    when they are imported. A source that cannot be parsed is passed over.

    Args:
        sources: Texts of Python source.
        path: Where the steps will look for modules, as in `sys.path`.
        folders: Where the standard library and what is installed for their Python lies, as real paths; None for this
            one.
    """
    folders = library_folders() if folders is None else folders
    finder = Finder(path)
    chosen: dict[str, None] = {}
    seen: set[Path] = set()
    waiting = deque(one for source in dict.fromkeys(sources) for one in imports(source, "", everywhere=True))
    while waiting:
        wanted = waiting.popleft()
        top = wanted.module.partition(".")[0]
        if stand_in.get() == top or (top in stand_in.LIBRARIES and finder.find(top) is None):
            wanted, top = Import("penstock", wanted.names), "penstock"
        if (spec := finder.find(top)) is None:
            continue
        if top == "penstock" or is_library(spec, folders):
            names = [f"{wanted.module}:{name}" for name in wanted.names if name != "*"]
            chosen.update(dict.fromkeys(names or [wanted.module]))
            continue
        for name, module in finder.modules(wanted):
            file = Path(module.origin or "")
            if file.suffix == ".py" and file not in seen and len(seen) < _FILES:
                seen.add(file)
                waiting.extend(imports(_read(file), package_of(name, module), everywhere=False))
    tops = {name.partition(":")[0].partition(".")[0] for name in chosen}
    return Preload(tuple(chosen), _fingerprint([spec for top in sorted(tops) if (spec := finder.find(top))]))


def libraries(path: Sequence[str]) -> tuple[str, ...]:
    """Return the folders of `path` that belong to the interpreter: its standard library and what is installed."""
    folders = library_folders()
    return tuple(entry for entry in path if entry and is_below(entry, folders))


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
    sys.meta_path[:] = [one for one in finders if not is_of_editable_install(one)]
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


def rehearsal(modules: Sequence[str]) -> Callable[[], object] | None:
    """Return what a fork that was made ahead does until it is wanted; None for nothing.

    Args:
        modules: Was imported. Of our own modules one may name a function for that: `penstock.a.b:rehearse`.
    """
    named = (one.partition(":")[0] for one in modules if one.startswith("penstock.") and one.endswith(":rehearse"))
    return next((getattr(sys.modules.get(name), "rehearse", None) for name in named), None)


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
