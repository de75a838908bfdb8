"""The modules beside a script that is in no repository: recorded with it, and written beside it again.

What a record says is data: a name that leads elsewhere is refused. It must never know what is done with the files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from penstock.core.errors import Invalid
from penstock.core.task import SourceFile
from penstock.run.imports import project_files, read_source

MOST = 200  # files that are recorded
LARGEST = 1_000_000  # characters of all their texts

_ENDING = ".py"


def find(source: str, file: Path, path: Sequence[str]) -> tuple[SourceFile, ...]:
    """Return the files below a script's own folder that it imports, itself or through one another, sorted by name.

    When they are too many or too large, none are: with some of them alone it would not run either.

    Args:
        source: The script's text.
        file: Where it lies; a real path.
        path: Where its modules are looked for, as in `sys.path`.
    """
    folder, found, size = file.parent, dict[str, str](), 0
    for one in project_files(source, [str(folder), *path]):
        real = Path(os.path.realpath(one))
        if real == file or not real.is_relative_to(folder):
            continue
        text = read_source(real)
        found[real.relative_to(folder).as_posix()] = text
        size += len(text)
        if len(found) > MOST or size > LARGEST:
            return ()
    return tuple(SourceFile(name=name, text=text) for name, text in sorted(found.items()))


def check(files: Iterable[SourceFile], script: str) -> None:
    """See whether files of a record can be written beside a script.

    Args:
        script: The file name of the script.

    Raises:
        Invalid: A name leads elsewhere, is that of the script or of two files, or is no Python file's; or there are too
            many, or too much.
    """
    met, size = {script}, 0
    for number, one in enumerate(files, 1):
        parts = one.name.split("/")
        is_odd = any(part in {"", ".", ".."} or part.startswith(".") or not part.isprintable() for part in parts)
        if is_odd or "\\" in one.name or not one.name.endswith(_ENDING) or len(one.name) > 500:  # noqa: PLR2004 - a path
            raise Invalid(f"not the name of a file beside a script: {one.name[:200]!r}", hint="it reads PATH/NAME.py")
        above = {str(folder) for folder in PurePosixPath(one.name).parents}
        if one.name in met or above & met:
            raise Invalid(f"the file {one.name!r} is recorded twice, or is a folder of another")
        met.add(one.name)
        size += len(one.text)
        if number > MOST or size > LARGEST:
            raise Invalid(f"more than {MOST} files or {LARGEST} characters are recorded beside {script!r}")


def write(files: Iterable[SourceFile], folder: Path) -> None:
    """Write files that `check` has passed into a folder."""
    for one in files:
        place = folder / one.name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.write_bytes(one.text.encode("utf-8", "replace"))


def are_untouched(files: Iterable[SourceFile], folder: Path) -> bool:
    """Return whether these files, and no others but compiled ones, are in a folder as they were written."""
    wanted = {one.name: one.text.encode("utf-8", "replace") for one in files}
    found: set[str] = set()
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        if any(Path(root, name).is_symlink() for name in (*folders, *names)):
            return False
        found |= {Path(root, name).relative_to(folder).as_posix() for name in names}
    return found == wanted.keys() and all((folder / name).read_bytes() == data for name, data in wanted.items())
