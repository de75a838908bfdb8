"""The configuration of a process, read once where it starts and passed down. Nothing below reads the environment."""

from __future__ import annotations

import getpass
import os
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args

import msgspec
import platformdirs
from msgspec import Struct

from penstock.core.containers import Allowed
from penstock.core.errors import Invalid

RECORDED = (
    *("CONDA_DEFAULT_ENV", "CUDA_VISIBLE_DEVICES", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "LOCAL_RANK", "MASTER_ADDR"),
    *("MKL_NUM_THREADS", "NVIDIA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED"),
    *("PYTHONPATH", "RANK", "SLURM_JOB_ID", "TZ", "VIRTUAL_ENV", "WORLD_SIZE"),
)
"""Environment variables that are recorded with a script; none of them is a secret."""

T = TypeVar("T")
Progress = Literal["auto", "live", "plain", "none"]


class Environments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How environments of tasks are built on this machine: the table `[environments]` of the configuration file.

    Args:
        index: URL of the package index; empty for that of uv's own configuration, `none` for no index at all.
        find_links: Folders or URLs of pages where packages are looked for besides.
        offline: Whether only what uv has in its cache is used.
        gigabytes: What all of them may take; those that were not used for longest go first.
        days: How long one stays that nobody uses.
    """

    index: str = ""
    find_links: tuple[str, ...] = ()
    offline: bool = False
    gigabytes: float = 50.0
    days: float = 30.0


class Settings(Struct, frozen=True, kw_only=True):
    """How this process uses Penstock.

    Args:
        home: The state directory: database, blobs, scratch files. `PENSTOCK_HOME`; by default the platform's folder
            for user data.
        workers: How many steps of a local run go at once. `PENSTOCK_WORKERS`; by default the number of processors,
            but at least four.
        progress: What a local run shows while it goes: `live` table, `plain` lines, `none`; `auto` shows the table in
            a terminal and lines elsewhere. `PENSTOCK_PROGRESS`.
        user: Who is recorded as having started something. `PENSTOCK_USER`; by default the login name.
        environments: How environments of tasks are built here. The table `[environments]`.
        containers: Which containers tasks may ask for here. The table `[agent.containers]`; by default none.
    """

    home: Path
    workers: int
    progress: Progress = "auto"
    user: str = ""
    environments: Environments = Environments()
    containers: Allowed = Allowed()

    @property
    def database(self) -> Path:
        """The database file."""
        return self.home / "penstock.db"

    @property
    def blobs(self) -> Path:
        """The folder of the blob store."""
        return self.home / "blobs"

    @property
    def scratch(self) -> Path:
        """The folder for files that a step needs while it runs."""
        return self.home / "scratch"


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings: environment variables first, then `config.toml` in the platform's configuration folder.

    Raises:
        Invalid: A setting has a value that it cannot have; the message names the setting and where it was read.
    """
    environment = os.environ if environment is None else environment
    file = Path(environment.get("PENSTOCK_CONFIG") or Path(platformdirs.user_config_dir("penstock")) / "config.toml")
    from_file = _read(file)

    def find(name: str) -> tuple[str, str]:
        variable = f"PENSTOCK_{name.upper()}"
        if variable in environment:
            return environment[variable], variable
        return str(from_file.get(name, "")), f"{name} in {file}"

    home, _ = find("home")
    return Settings(
        home=Path(home).expanduser().absolute() if home else Path(platformdirs.user_data_dir("penstock")),
        workers=_workers(*find("workers")),
        progress=_progress(*find("progress")),
        user=find("user")[0] or _login(),
        environments=_table(from_file, ("environments",), Environments, file),
        containers=_table(from_file, ("agent", "containers"), Allowed, file),
    )


def environment_of_interest() -> dict[str, str]:
    """Return the environment variables that a recorded script depends on, as far as one can tell.

    Those of `RECORDED`, and of the wildcards in `PENSTOCK_LOG_ENVIRONMENT`, separated by commas.
    """
    patterns = [*RECORDED, *filter(None, os.environ.get("PENSTOCK_LOG_ENVIRONMENT", "").split(","))]
    return {name: text for name, text in os.environ.items() if any(fnmatchcase(name, one.strip()) for one in patterns)}


def environment() -> dict[str, str]:
    """Return the environment variables as they are now: what the processes of steps start with."""
    return dict(os.environ)


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} is not TOML: {error}", hint="correct or remove the file") from None


def _table(found: object, names: tuple[str, ...], kind: type[T], file: Path) -> T:
    """Return a table of the configuration file; its default when it is not there."""
    for name in names:
        found = cast("dict[str, object]", found).get(name, {}) if isinstance(found, dict) else found
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise Invalid(f"[{'.'.join(names)}] in {file}: {error}", hint="see docs/reference/settings.md") from None


def _workers(text: str, where: str) -> int:
    if not text:
        return max(4, os.cpu_count() or 1)
    if not text.isdecimal() or int(text) < 1:
        raise Invalid(f"{where} is {text!r}", hint="give the number of steps that may run at once: 1 or more")
    return int(text)


def _progress(text: str, where: str) -> Progress:
    try:
        chosen: Progress = msgspec.convert(text or "auto", Progress)
    except msgspec.ValidationError:
        raise Invalid(f"{where} is {text!r}", hint=f"choose one of {', '.join(get_args(Progress))}") from None
    return chosen


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""
