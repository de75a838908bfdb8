"""The configuration of a process, read once where it starts and passed down. Nothing below reads the environment."""

from __future__ import annotations

import getpass
import os
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal, TypeVar, cast, get_args
from urllib.parse import urlsplit

import msgspec
import platformdirs
from msgspec import Meta, Struct

from penstock.core.containers import Allowed
from penstock.core.errors import Invalid
from penstock.core.lease import Held, held_of
from penstock.core.secret import Secret

RECORDED = (
    *("CONDA_DEFAULT_ENV", "CUDA_VISIBLE_DEVICES", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "LOCAL_RANK", "MASTER_ADDR"),
    *("MKL_NUM_THREADS", "NVIDIA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED"),
    *("PYTHONPATH", "RANK", "SLURM_JOB_ID", "TZ", "VIRTUAL_ENV", "WORLD_SIZE"),
)
"""Environment variables that are recorded with a script; none of them is a secret."""

_POSTGRES = ("postgresql://", "postgres://")
KEY_VARIABLE = "PENSTOCK_KEY"
_SECRETS = ("PENSTOCK_DATABASE", KEY_VARIABLE)
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


class Hosting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a server uses this machine: the table `[server]` of the configuration file.

    Args:
        keep_free: Gigabytes of the disk that what is uploaded does not get.
    """

    keep_free: Annotated[float, Meta(ge=0)] = 1.0


class Storage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where files behind URLs lie on this machine: the table `[storage]` of the configuration file.

    Args:
        local: By the beginning of URLs a folder where what is below it lies as well: `[storage.local]`.
    """

    local: dict[str, str] = {}

    def __post_init__(self) -> None:
        for beginning, folder in self.local.items():
            if "://" not in beginning or not Path(folder).is_absolute():
                raise ValueError(f"{beginning!r} = {folder!r} should map the beginning of a URL to an absolute path")


class Settings(Struct, frozen=True, kw_only=True):
    """How this process uses Penstock.

    Args:
        home: The state directory: database, blobs, scratch files. `PENSTOCK_HOME`; by default the platform's folder
            for user data.
        workers: How many steps of a local run go at once. `PENSTOCK_WORKERS`; by default the number of processors,
            but at least four.
        progress: What a local run shows while it goes: `live` table, `plain` lines, `none`; `auto` shows the table in
            a terminal and lines elsewhere. `PENSTOCK_PROGRESS`.
        database_url: The PostgreSQL database that records go to, with its password; None for the file in the home.
            `PENSTOCK_DATABASE`. Blobs stay in the home.
        user: Who is recorded as having started something. `PENSTOCK_USER`; by default the login name.
        start_agent: Whether an agent is started on this machine when something waits and none lives.
            `PENSTOCK_START_AGENT`: `auto` or `off`.
        held: Of a process that an agent started for a run, what it holds. `PENSTOCK_HELD`, set by the agent.
        url: Address of the server that keeps everything, such as `https://penstock.example.org`. `PENSTOCK_URL`; by
            default there is none, and everything is kept in the home.
        key: What the server knows you by. `PENSTOCK_KEY`; a server on this machine that uses this very home needs none.
        authorities: PEM file with the certificates of those who may say who the server is. `PENSTOCK_CA`; by default
            those that this machine trusts.
        environments: How environments of tasks are built here. The table `[environments]`.
        hosting: How a server uses this machine. The table `[server]`.
        storage: Where files behind URLs lie here. The table `[storage]`.
        containers: Which containers tasks may ask for here. The table `[agent.containers]`; by default none.
    """

    home: Path
    workers: int
    progress: Progress = "auto"
    user: str = ""
    start_agent: Literal["auto", "off"] = "auto"
    held: Held | None = None
    database_url: str | None = None
    url: str = ""
    key: Secret = Secret("")
    authorities: str = ""
    environments: Environments = Environments()
    hosting: Hosting = Hosting()
    storage: Storage = Storage()
    containers: Allowed = Allowed()

    def __repr__(self) -> str:
        database = (
            None if self.database_url is None else "..."
        )  # it may hold a password, and this ends up in tracebacks
        given = f"home={str(self.home)!r}, workers={self.workers}, progress={self.progress!r}, user={self.user!r}"
        return f"Settings({given}, database_url={database!r}, url={self.url!r})"

    @property
    def database(self) -> Path:
        """The database file, which is there only when no URL names another database."""
        return self.home / "penstock.db"

    @property
    def blobs(self) -> Path:
        """The folder of the blob store; of copies of blobs where a server keeps them."""
        return self.home / "cache" / "blobs" if self.url else self.home / "blobs"

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
        progress=_choice(*find("progress"), get_args(Progress)),
        user=find("user")[0] or _login(),
        start_agent=_choice(*find("start_agent"), ("auto", "off")),
        held=held_of(environment.get("PENSTOCK_HELD", "")),
        database_url=postgres_url(*find("database")),
        url=_url(*find("url")),
        key=Secret(find("key")[0].strip()),
        authorities=_file(find("ca")[0]),
        environments=_table(from_file, ("environments",), Environments, file),
        hosting=_table(from_file, ("server",), Hosting, file),
        storage=_table(from_file, ("storage",), Storage, file),
        containers=_table(from_file, ("agent", "containers"), Allowed, file),
    )


def environment_of_interest() -> dict[str, str]:
    """Return the environment variables that a recorded script depends on, as far as one can tell.

    Those of `RECORDED`, and of the wildcards in `PENSTOCK_LOG_ENVIRONMENT`, separated by commas.
    """
    patterns = [*RECORDED, *filter(None, os.environ.get("PENSTOCK_LOG_ENVIRONMENT", "").split(","))]
    found = {name: text for name, text in os.environ.items() if any(fnmatchcase(name, one.strip()) for one in patterns)}
    return {name: text for name, text in found.items() if name not in _SECRETS}  # whatever a wildcard says


def environment() -> dict[str, str]:
    """Return the environment variables as they are now: what the processes of steps start with."""
    return dict(os.environ)


def forget_key() -> None:
    """Take the key out of this process's environment variables, so that no process which it starts has it."""
    os.environ.pop(KEY_VARIABLE, None)


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


def _choice(text: str, where: str, choices: tuple[T, ...]) -> T:
    """Return the choice that the text is, the first when there is no text."""
    found = next((one for one in choices if one == (text or choices[0])), None)
    if found is None:
        raise Invalid(f"{where} is {text!r}", hint=f"choose one of {', '.join(map(str, choices))}")
    return found


def postgres_url(text: str, where: str) -> str | None:
    """Return a text that is the URL of a PostgreSQL database, None for no text.

    Raises:
        Invalid: It is none; it is not shown.
    """
    if text and not text.startswith(_POSTGRES):  # not shown: it may hold a password
        hint = "give it as postgresql://user:password@host:5432/database, or leave it out for the file in the home"
        raise Invalid(f"{where} is no PostgreSQL URL", hint=hint)
    return text or None


def _url(text: str, where: str) -> str:
    """Return the address of a server without a slash at its end."""
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        _ = parts.port
        fits = parts.scheme in {"http", "https"} and parts.hostname and not (parts.query or parts.fragment)
    except ValueError:
        fits = False
    else:
        if parts.username or parts.password:
            raise Invalid(f"{where} holds a password", hint="give the key as PENSTOCK_KEY, and the address without it")
    if not fits:
        raise Invalid(f"{where} is {text!r}", hint="give the address of a server, such as http://127.0.0.1:8765")
    return text.rstrip("/")


def _file(text: str) -> str:
    return str(Path(text).expanduser().absolute()) if text else ""


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""
