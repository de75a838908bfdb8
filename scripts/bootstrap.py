"""Makes the environment that the Makefile's targets run in, on a machine that has nothing but Python.

    python3 scripts/bootstrap.py LEVEL [--venv .venv] [--python python3]

LEVEL is `demo`, `test` or `dev`; each installs exactly what `requirements/LEVEL.txt` locks by hash, then the project
itself, editable. A level is added to what the environment holds already, and `VENV/.ready-LEVEL` says that it is there
(the Makefile looks at its time). When a lock file or the interpreter changed, the environment is made anew.

uv does the work. It is taken from PATH when it is recent, else fetched into `.cache/`, its hash checked against
`requirements/uv.txt`: by pip, by the pip of a fresh venv, or straight from the package index that the environment
names. The standard library only, and no syntax that Python 3.7 cannot read: an old interpreter shall be told what is
wrong, not show a SyntaxError.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
CACHE = ROOT / ".cache"
OLDEST_PYTHON = (3, 11)
TESTED_PYTHONS = ("python3.13", "python3.12", "python3.11")
OLDEST_UV = (0, 8)  # the first with every option that is used here and in the Makefile
INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")


class Unavailable(Exception):
    """One of several ways to get something is not open on this machine."""


class Python(NamedTuple):
    """An interpreter: where it really is, and its version."""

    path: str
    version: tuple[int, ...]


def run(*command: str | Path, **variables: str) -> None:
    """Run a command, its output shown; a failure raises `subprocess.CalledProcessError`."""
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT, env={**os.environ, **variables})


def read_output(*command: str) -> str:
    """What a command prints; nothing when it cannot be run or fails."""
    try:
        result = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return ""
    return result.stdout.decode(errors="replace") if result.returncode == 0 else ""


def version_in(text: str) -> tuple[int, ...]:
    found = re.search(r"\d+(\.\d+)+", text)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


# The interpreter


def find_python(wanted: str) -> Python:
    """The interpreter asked for if it is recent enough, else the newest tested one on PATH."""
    asked = inspect_python(wanted)
    if asked and asked.version >= OLDEST_PYTHON:
        return asked
    needed = ".".join(str(part) for part in OLDEST_PYTHON)
    problem = f"{wanted} is Python {'.'.join(map(str, asked.version))}" if asked else f"{wanted} does not run here"
    for name in TESTED_PYTHONS:
        other = inspect_python(name)
        if other:
            say(f"{problem} and {needed} or newer is needed: using {other.path}")
            return other
    raise SystemExit(
        f"error: {problem}; Penstock needs {needed} or newer.\n"
        f"hint: install a newer Python, or name one: make test PYTHON=/path/to/python3.12"
    )


def inspect_python(name: str) -> Python | None:
    """Ask an interpreter for its own path and version: a name on PATH may be a launcher that leads elsewhere."""
    question = "import sys; print(sys.executable); print('%d.%d.%d' % sys.version_info[:3])"
    answer = read_output(name, "-c", question).splitlines()
    return Python(answer[0], version_in(answer[1])) if len(answer) > 1 else None


# uv


def find_uv(python: Python) -> Path:
    """A recent uv: the one on PATH, the one fetched earlier, or one fetched now."""
    on_path = shutil.which("uv")
    if on_path and version_in(read_output(on_path, "--version")) >= OLDEST_UV:
        return Path(on_path)
    version = locked_uv_version()
    home = CACHE / f"uv-{version}"
    if not (home / "bin" / "uv").exists():
        fetch_uv(python, version, home)
    return home / "bin" / "uv"


def locked_uv_version() -> str:
    found = re.search(r"^uv==([\w.]+)", (LOCKS / "uv.txt").read_text(), re.MULTILINE)
    if not found:
        raise SystemExit("error: requirements/uv.txt locks no version of uv.\nhint: make lock")
    return found.group(1)


def fetch_uv(python: Python, version: str, home: Path) -> None:
    """Try each way to get uv until one works; what is half done never bears the final name."""
    say(f"fetching uv {version}")
    partial = home.with_name(home.name + f".{os.getpid()}.partial")
    reasons: list[str] = []
    for way in (fetch_with_pip, fetch_with_venv, fetch_from_index):
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(exist_ok=True)
        try:
            way(python, version, partial)
        except (Unavailable, subprocess.CalledProcessError, OSError) as error:
            reasons.append(f"  {(way.__doc__ or '').rstrip('.')}: {error}")
            continue
        shutil.rmtree(home, ignore_errors=True)
        partial.rename(home)
        return
    shutil.rmtree(partial, ignore_errors=True)
    raise SystemExit(
        "error: uv, which installs the packages, could not be fetched:\n"
        + "\n".join(reasons)
        + "\nhint: install python3-venv or python3-pip or uv with the system's package manager, or name the package"
        f" index in {INDEX_VARIABLES[-1]}"
    )


def fetch_with_pip(python: Python, version: str, target: Path) -> None:  # noqa: ARG001 -- the ways share a signature
    """With this interpreter's pip."""
    if not read_output(python.path, "-m", "pip", "--version"):
        raise Unavailable("it has none")
    pip_install_uv(python.path, "--target", target)


def fetch_with_venv(python: Python, version: str, target: Path) -> None:  # noqa: ARG001 -- the ways share a signature
    """With the pip of a fresh venv."""
    if not read_output(python.path, "-c", "import ensurepip, venv; print('both')"):
        raise Unavailable("this Python comes without venv or ensurepip")
    run(python.path, "-m", "venv", target)
    pip_install_uv(target / "bin" / "python")


def pip_install_uv(python: str | Path, *options: str | Path) -> None:
    """Install the locked uv; pip options that a user has set for daily work must not get in the way."""
    quiet = ("--quiet", "--no-input", "--disable-pip-version-check", "--no-warn-script-location")
    strict = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", LOCKS / "uv.txt")
    own = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_ROOT_USER_ACTION": "ignore"}
    run(python, "-m", "pip", "install", *quiet, *strict, *options, **own)


def fetch_from_index(python: Python, version: str, target: Path) -> None:  # noqa: ARG001 -- the ways share a signature
    """From the package index, without pip."""
    index = next((os.environ[name] for name in INDEX_VARIABLES if os.environ.get(name)), "")
    if not index:
        raise Unavailable(f"none of {', '.join(INDEX_VARIABLES)} is set")
    url = wheel_address(index.rstrip("/") + "/uv/", version)
    wheel = read_url(url)
    if hashlib.sha256(wheel).hexdigest() not in (LOCKS / "uv.txt").read_text():
        raise Unavailable(f"{url} is not a file that requirements/uv.txt locks")
    program = target / "bin" / "uv"
    program.parent.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(wheel)) as members:
        program.write_bytes(members.read(f"uv-{version}.data/scripts/uv"))
    program.chmod(0o755)


def wheel_address(page: str, version: str) -> str:
    """The address of uv's wheel for this machine, from an index page of links."""
    links: list[str] = re.findall(r'href="([^"]+)"', read_url(page).decode())
    system = {"Linux": "linux", "Darwin": "macosx"}.get(platform.system(), "win")
    if system == "linux":
        system = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    for link in links:
        name = urllib.parse.unquote(urllib.parse.urlsplit(link).path.rpartition("/")[2])
        if name.startswith(f"uv-{version}-") and system in name and name.endswith(f"{platform.machine()}.whl"):
            return urllib.parse.urljoin(page, link)
    raise Unavailable(f"{page} has no uv {version} for {system} on {platform.machine()}")


def read_url(url: str) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise Unavailable(f"{url} is not a web address")
    request = urllib.request.Request(url, headers={"Accept": "text/html, */*"})  # noqa: S310 -- scheme checked above
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 -- scheme checked above
        content: bytes = answer.read()
    return content


# The environment


def prepare(level: str, venv: Path, python: Python, uv: Path) -> None:
    """Bring the environment up to a level, from scratch if it was made for other locks or another interpreter."""
    inside = venv / "bin" / "python"
    if not inside.exists() or is_stale(venv, python):
        run(uv, "venv", "--quiet", "--clear", "--python", python.path, venv)
    install = (uv, "pip", "install", "--quiet", "--python", inside)
    if not (venv / f".ready-{level}").exists():
        run(*install, "--require-hashes", "--only-binary", ":all:", "-r", LOCKS / f"{level}.txt")
    # The page has a target of its own in the Makefile: the demo is not to wait for it.
    run(*install, "--no-deps", "--no-build-isolation", "--editable", ROOT, PENSTOCK_SKIP_UI="1")
    (venv / f".ready-{level}").write_text(fingerprint(level, python))


def is_stale(venv: Path, python: Python) -> bool:
    """Whether anything in the environment is not what would be installed now; one not made here counts as stale."""
    marks = list(venv.glob(".ready-*"))
    return not marks or any(mark.read_text() != fingerprint(mark.name[len(".ready-") :], python) for mark in marks)


def fingerprint(level: str, python: Python) -> str:
    lock = LOCKS / f"{level}.txt"
    content = lock.read_bytes() if lock.exists() else b""
    return f"{python.path} {'.'.join(map(str, python.version))} {hashlib.sha256(content).hexdigest()}\n"


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("level", choices=("demo", "test", "dev"))
    parser.add_argument("--venv", default=".venv", help="where the environment lies (default: .venv)")
    parser.add_argument("--python", default="python3", help="the interpreter it is made with (default: python3)")
    arguments = parser.parse_args()
    # uv would otherwise fetch an interpreter of its own; which Python is used is this script's decision alone.
    os.environ["UV_PYTHON_DOWNLOADS"] = "never"
    begin = time.monotonic()
    python = find_python(arguments.python)
    venv = ROOT / arguments.venv
    try:
        prepare(arguments.level, venv, python, find_uv(python))
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"error: the environment could not be made: {error}") from None
    took = time.monotonic() - begin
    version = ".".join(map(str, python.version))
    say(f"{arguments.venv} is ready for '{arguments.level}' (Python {version}, {took:.1f} s)")


if __name__ == "__main__":
    main()
