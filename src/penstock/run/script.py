"""What is recorded of the script that this process runs, so that it can run again elsewhere.

The packages are described apart, since looking for them takes longer. Whatever is odd about a process, describing it
raises nothing: what is recorded must never stop what runs. It must never know what is done with the record.
"""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from msgspec import Struct
from msgspec.structs import replace

from penstock.core.task import Script, ScriptKind, SourceFile
from penstock.run import interactive, neighbours, stand_in
from penstock.run.imports import is_below, library_folders, project_files, read_source
from penstock.run.repository import describe, root_of
from penstock.settings import environment

NAMELESS = "script.py"


def describe_script(main: ModuleType | None, argv: Sequence[str]) -> Script:
    """Return what is recorded of the script that this process runs, except for its packages.

    In a git repository with a commit that is the commit, with what was changed since; elsewhere it is the script's
    text, with those of the modules beside it that it imports.

    Args:
        main: The module that runs as `__main__`.
        argv: As in `sys.argv`.
    """
    try:
        return replace(_described(_running(main, argv)), stands_for=stand_in.get())
    except Exception:  # noqa: BLE001 - what is recorded must never stop what runs, and modules may be anything
        return Script(kind=ScriptKind.SCRIPT, entry_point=NAMELESS, working_dir=".", interpreter=_interpreter())


def describe_packages(main: ModuleType | None, argv: Sequence[str]) -> tuple[str, ...]:
    """Return the installed packages that the script and its project's modules import, as lines `name==version`.

    A package that is installed as a link to the script's own repository is left out: the repository brings it.

    Args:
        main: The module that runs as `__main__`.
        argv: As in `sys.argv`.
    """
    from penstock.run.project import reach  # noqa: PLC0415 - what reads packages takes long to load

    try:
        running = _running(main, argv)
        path = _path()
        own = _own_packages(running, path)
        return tuple(
            f"{name}=={version}" for name, version in reach(running.importing, path).packages.items() if name not in own
        )
    except Exception:  # noqa: BLE001 - as above
        return ()


class _Running(Struct, frozen=True):
    """The main module.

    Args:
        file: Where it lies; None when it has no file.
        module: Its dotted name, when it was started by it: `python -m NAME`.
        name: What the script is called.
        source: Its text, as far as it can be had.
    """

    file: Path | None
    module: str
    name: str
    source: str

    @property
    def importing(self) -> str:
        """A source that imports what the main module imports."""
        if not self.module:
            return self.source
        return f"import {self.module}.__main__\n" if self.name == "__main__.py" else f"import {self.module}\n"


def _running(main: ModuleType | None, argv: Sequence[str]) -> _Running:
    if entered := interactive.cells(main):
        name = interactive.name_of(main, environment())
        return _Running(None, "", name, interactive.script_of(entered))
    named: object = getattr(main, "__file__", None)
    if not isinstance(named, str):
        given = interactive.command(sys.orig_argv) if list(argv[:1]) == ["-c"] else ""
        return _Running(None, "", NAMELESS, given)
    file = Path(os.path.realpath(named))
    source = read_source(file) if file.is_file() else _from_loader(main)
    return _Running(file if file.is_file() else None, _module(main), file.name, source)


def _module(main: ModuleType | None) -> str:
    """Return the name under which `python -m` found the main module; empty when it was given as a file."""
    spec: object = getattr(main, "__spec__", None)
    if not isinstance(spec, ModuleSpec) or spec.name == "__main__":  # the latter: a folder was given
        return ""
    package, _, last = spec.name.rpartition(".")
    return package if last == "__main__" else spec.name


def _from_loader(main: ModuleType | None) -> str:
    spec: object = getattr(main, "__spec__", None)
    get_source = getattr(spec.loader, "get_source", None) if isinstance(spec, ModuleSpec) else None
    found: object = get_source(spec.name) if get_source and isinstance(spec, ModuleSpec) else None
    return found if isinstance(found, str) else ""


def _described(running: _Running) -> Script:
    recorded = _in_repository(running)
    return recorded or Script(
        kind=ScriptKind.SCRIPT,
        source=running.source,
        entry_point=running.name,
        working_dir=".",
        interpreter=_interpreter(),
        files=_beside(running),
    )


def _beside(running: _Running) -> tuple[SourceFile, ...]:
    if running.file is None or is_below(str(running.file), library_folders()):
        return ()
    return neighbours.find(running.importing, running.file, _path())


def _in_repository(running: _Running) -> Script | None:
    """Return the record of a script whose code is in a repository; None when it is in none."""
    if running.file is None:
        return None
    current = _current_folder()
    installed = is_below(str(running.file), (*library_folders(), os.path.realpath(sysconfig.get_path("scripts"))))
    if installed and not running.module:
        return None  # a program that came with a package; its text says all
    start = current if installed and current is not None else running.file.parent
    script = None if installed else running.file
    repository = describe(start, script, lambda unknown: _used(running, unknown))
    if repository is None:
        return None
    base = current if current and current.is_relative_to(repository.root) else _base(running)
    return Script(
        kind=ScriptKind.MODULE if running.module else ScriptKind.SCRIPT,
        entry_point=f"-m {running.module}" if running.module else os.path.relpath(running.file, base),
        repository=repository.address,
        branch=repository.branch,
        commit=repository.commit,
        diff=repository.diff,
        working_dir=str(base.relative_to(repository.root)),
        interpreter=_interpreter(),
    )


def _base(running: _Running) -> Path:
    """Return the folder in which a script lies, or from which a module can be imported."""
    folder = (running.file or Path()).parent
    depth = running.module.count(".") + (running.name == "__main__.py") if running.module else 0
    return folder.parents[depth - 1] if depth else folder


def _used(running: _Running, unknown: frozenset[Path]) -> Iterable[Path]:
    """Return those of some files that the script imports: by its text, or because it has done so already."""
    found = {Path(os.path.realpath(file)) for file in project_files(running.importing, _path())}
    for module in list(sys.modules.values()):
        file = _facts(module).get("__file__")
        if isinstance(file, str) and file.endswith(".py"):
            found.add(Path(os.path.realpath(file)))
    return {file for file in unknown if file.resolve() in found}


def _path() -> list[str]:
    """Return where modules are looked for now, and where those lie that were found along another path before."""
    current = _current_folder()
    path = [os.path.realpath(entry) for entry in sys.path if os.path.isabs(entry) or current is not None]  # noqa: PTH117 - texts
    known = set(path)
    for name, module in list(sys.modules.items()):
        facts = _facts(module)
        file = facts.get("__file__")
        if "." in name or name == "__main__" or not isinstance(file, str):
            continue
        folder = os.path.dirname(file)  # noqa: PTH120 - for hundreds of modules a Path costs too much
        folder = os.path.dirname(folder) if "__path__" in facts else folder  # noqa: PTH120 - as above
        if folder and folder not in known and (real := os.path.realpath(folder)) not in known:
            path.append(real)
            known |= {folder, real}
    return path


def _facts(module: object) -> Mapping[str, object]:
    """Return what a loaded module holds, without asking the module: some are loaded when they are asked."""
    with suppress(AttributeError):
        found: Mapping[str, object] = object.__getattribute__(module, "__dict__")
        return found
    return {}


def _own_packages(running: _Running, path: Sequence[str]) -> set[str]:
    from penstock.run.packages import linked  # noqa: PLC0415 - as above

    root = root_of(running.file.parent) if running.file else None
    return {name for name, folder in linked(path).items() if root and folder.is_relative_to(root)}


def _current_folder() -> Path | None:
    with suppress(OSError):
        return Path.cwd().resolve()
    return None


def _interpreter() -> str:
    return platform.python_version()
