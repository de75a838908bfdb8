"""What a step's script reaches: the texts of the project's own modules, and the versions of installed packages.

Found from files, without importing anything. It must never know that cache keys are made of it.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

from msgspec import Struct

from penstock.run.imports import Finder, imports, is_library, library_folders, package_of
from penstock.run.packages import versions

LARGEST = 1 << 20  # bytes of a file that is read as text; a larger one counts by its bytes, and is not followed


class Reach(Struct, frozen=True):
    """What a source imports, itself or through modules of the project.

    Args:
        modules: Texts of the project's own modules, under their dotted names. What is no text that can be read as
            Python (an extension, a very large file) is there as a text that stands for its bytes.
        packages: Installed packages, and their versions.
    """

    modules: dict[str, str]
    packages: dict[str, str]


def reach(source: str, path: Sequence[str]) -> Reach:
    """Find all that a source imports, anywhere in it, and what the project's modules import that it reaches.

    Args:
        source: Text of Python source.
        path: Where modules are looked for, as in `sys.path`.
    """
    folders = library_folders()
    finder = Finder(path)
    texts: dict[str, str] = {}
    installed: set[str] = set()
    waiting = deque(imports(source, "", everywhere=True))
    while waiting:
        wanted = waiting.popleft()
        top = wanted.module.partition(".")[0]
        if top == "penstock" or (found := finder.find(top)) is None:
            continue
        installed.add(wanted.module)
        if is_library(found, folders):
            continue
        for name, module in finder.modules(wanted):
            if name not in texts and (text := _text(module)) is not None:
                texts[name] = text
                waiting.extend(imports(text, package_of(name, module), everywhere=True))
    return Reach(texts, versions(installed))


def _text(module: ModuleSpec) -> str | None:
    """Return the text of a module; None when it has no file."""
    if module.origin is None or not module.has_location:
        return None
    file = Path(module.origin)
    try:
        data = file.read_bytes()
    except OSError as error:
        return f"# {file.name} cannot be read: {error.strerror}"
    if file.suffix == ".py" and len(data) <= LARGEST:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass
    return f"BYTES = {hashlib.sha256(data).hexdigest()!r}"
