"""Which installed packages a source imports, and their versions: found from files, without importing anything.

A module is looked for as an import would look for it; the folder that it is in tells which package it came with. What
came with none is the project's own. It must never know what versions are for.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct

from penstock.run.imports import Finder

# Packages whose modules have another name. Only a shortcut: any other is found by the lists of all packages' files.
KNOWN = {
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}
LEFT_OUT = frozenset({"__main__", "penstock", *sys.stdlib_module_names})
TOP = re.compile(r"^\"?([^/,.\n]+)[/.,]", re.MULTILINE)  # the first folder or the stem of a file, in a list of files
NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*($|[<>=!~;@\[( ])")  # the name of a requirement line
FIELD = re.compile(r"^(Name|Version):[ \t]*(.*?)[ \t]*$", re.MULTILINE)


def versions(modules: Iterable[str], path: Sequence[str] | None = None) -> dict[str, str]:
    """Return the packages that modules came with, and their versions, sorted by name.

    The standard library, Penstock itself, modules of the project and modules that are not there are left out. A package
    that is installed as a link to a folder (an editable install) counts as installed.

    Args:
        modules: Dotted names, as in `Standalone.modules`.
        path: Where modules are looked for; `sys.path` by default.
    """
    path = sys.path if path is None else path
    wanted: dict[str, set[str]] = {}
    for module in modules:
        wanted.setdefault(module.partition(".")[0], set()).add(module)
    found = {one for top in wanted.keys() - LEFT_OUT for one in _packages(top, wanted[top], path)}
    named = sorted(_name_and_version(one) for one in found)
    return {name: version for name, version in named if name and version}


def installed(requirements: Iterable[str]) -> dict[str, str]:
    """Return the versions that are installed here of the packages that requirement lines name, by their names.

    Lines that name no package, such as options and URLs, stand for themselves; comments for nothing.
    """
    found: dict[str, str] = {}
    for line in filter(None, (one.partition(" #")[0].strip() for one in requirements)):
        if line.startswith("#"):
            continue
        named = NAMED.match(line)
        name = _normal(named[1]) if named else line
        found[name] = _installed(named[1]) if named else "as it is written"
    return found


def _installed(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - it takes long to import

    try:
        return version(name) or "of no version"
    except PackageNotFoundError:
        return "not installed"


def is_provided(top: str, spec: ModuleSpec, *, with_checksum: bool = False) -> bool:
    """Return whether a top-level module came with a package that is installed beside it, and has a version.

    Args:
        top: The module's name.
        spec: Where it was found.
        with_checksum: The package has to list a checksum too: for a link to its sources an installer lists none.
    """
    with suppress(OSError):
        found = [one for place in places(spec) for one in _site(place.parent).providers(top, whole=spec.origin is None)]
        return any(all(_name_and_version(one)) and (not with_checksum or _has_checksum(one, top)) for one in found)
    return False


def linked(path: Sequence[str]) -> dict[str, Path]:
    """Return the packages that are installed as links to folders (editable installs), with these folders.

    Args:
        path: Where packages are installed, as in `sys.path`.
    """
    found: dict[str, Path] = {}
    for entry in path:
        with suppress(OSError):
            found |= {_name_and_version(package)[0]: folder for package, folder in _links(_site(Path(entry)))}
    return found


def _packages(top: str, modules: set[str], path: Sequence[str]) -> Iterator[Path]:
    """Yield the metadata folders of the packages that a top-level module came with."""
    with suppress(Exception):  # finders of others may raise anything
        spec = Finder(path).find(top)
        for place in places(spec) if spec else ():
            is_spread = spec is not None and spec.origin is None
            providers = _site(place.parent).providers(top, whole=is_spread)
            if is_spread and len(providers) > 1:
                providers = [one for one in providers if _holds(one, modules)] or providers
            yield from providers or _linked(place, path)


def places(spec: ModuleSpec) -> list[Path]:
    """Return the folder of a package or the file of a module; of a namespace package its several folders."""
    if spec.submodule_search_locations is not None:
        return [Path(one) for one in spec.submodule_search_locations]
    return [Path(spec.origin)] if spec.origin and spec.has_location else []


class _Site:
    """The packages that are installed in a folder."""

    def __init__(self, folder: Path) -> None:
        with os.scandir(folder) as entries:
            found = sorted(one.name for one in entries if one.name.endswith((".dist-info", ".egg-info")))
        # pip renames what it is about to remove to a name with a tilde.
        self.packages = {
            _normal(one.rpartition(".")[0].partition("-")[0]): folder / one for one in found if not one.startswith("~")
        }
        self._found: dict[str, list[Path]] = {}

    def providers(self, top: str, *, whole: bool) -> list[Path]:
        """Return the packages that have a top-level module.

        Args:
            whole: Look for all of them, since several may share the module's folder.
        """
        if top not in self._found:
            guesses = [self.packages.get(_normal(one)) for one in (top, KNOWN.get(top, top))]
            found = [] if whole else [one for one in guesses if one and top in _tops(one)][:1]
            self._found[top] = found or [one for one in self.packages.values() if top in _tops(one)]
        return self._found[top]


def _site(folder: Path) -> _Site:
    return _site_as_of(folder, folder.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _site_as_of(folder: Path, _changed: int) -> _Site:
    return _Site(folder)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@lru_cache(maxsize=4096)
def _tops(package: Path) -> frozenset[str]:
    """Return the top-level modules of a package, and its other files there."""
    named = _read(package / "top_level.txt").split()
    return frozenset(named or TOP.findall(_read(package / "RECORD")))


def _holds(package: Path, modules: set[str]) -> bool:
    files = f"\n{_read(package / 'RECORD')}"
    paths = [f"\n{module.replace('.', '/')}" for module in modules]
    return any(f"{path}/" in files or f"{path}." in files for path in paths)


def _has_checksum(package: Path, top: str) -> bool:
    return bool(re.search(rf'^"?{re.escape(top)}[/.].*,sha', _read(package / "RECORD"), re.MULTILINE))


def _linked(place: Path, path: Sequence[str]) -> Iterator[Path]:
    """Yield the package that is installed as a link to a folder which holds this place."""
    for entry in path:
        with suppress(OSError):
            for package, folder in _links(_site(Path(entry))):
                if place.resolve().is_relative_to(folder):
                    yield package


@lru_cache(maxsize=64)
def _links(site: _Site) -> list[tuple[Path, Path]]:
    found: list[tuple[Path, Path]] = []
    for package in site.packages.values():
        with suppress(OSError, ValueError):
            link = msgspec.json.decode((package / "direct_url.json").read_bytes(), type=_Link)
            if link.dir_info.editable:
                found.append((package, Path(unquote(urlsplit(link.url).path)).resolve()))
    return found


class _Folder(Struct):
    editable: bool = False


class _Link(Struct):
    """Where a package was installed from; the file is named and laid out by a standard."""

    url: str
    dir_info: _Folder = msgspec.field(default_factory=_Folder)


@lru_cache(maxsize=4096)
def _name_and_version(package: Path) -> tuple[str, str]:
    text = _read(package / "METADATA") or _read(package / "PKG-INFO") or _read(package)
    fields: dict[str, str] = {one[1]: one[2] for one in FIELD.finditer(text.partition("\n\n")[0])}
    return fields.get("Name", ""), fields.get("Version", "")


def _read(file: Path) -> str:
    with suppress(OSError):
        return file.read_text("utf-8", errors="replace")
    return ""
