"""Connects configurations: a dict, a list or a file is recorded as a text, and a task's own text takes its place.

Texts are read as data, never as code. It must never know where the texts are kept.
"""

from __future__ import annotations

import json
import re
import tempfile
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from penstock.blobs.files import writing_below
from penstock.core.errors import BadParameter, NotFound
from penstock.core.flat import is_dict
from penstock.core.task import Configuration
from penstock.run.connecting.secrets import masked, unmasked

Connected = TypeVar("Connected", bound="dict[str, Any] | list[Any] | str | Path")

FORMATS = {".json": "json", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml"}


def connect_configuration(
    configuration: Connected,
    name: str,
    *,
    stored: Configuration | None,
    store: Callable[[Configuration], None],
    folder: Path,
    description: str = "",
) -> Connected:
    """Record a configuration with a task, or return the one that the task holds.

    Args:
        configuration: A dict or list, or the path of a text file.
        name: Of the configuration within the task.
        stored: What the task has under this name, in a process that carries out a task which exists already; else None.
        store: Called with what is to be recorded.
        folder: Where a file with the task's text is made.
        description: What it is for.

    Returns:
        The same dict or list, updated in place when the task holds another one; of a file its path, or that of
        one with the task's text.

    Raises:
        NotFound: There is no such file.
        BadParameter: The configuration cannot be written as a text, or the task's text cannot be read.
        StoreError: The file with the task's text cannot be written.
    """
    if stored is not None:
        return cast("Connected", _taken(configuration, stored, folder))
    text, kind = _written(configuration, name)
    store(Configuration(name=name, text=text, format=kind, description=description))
    return configuration


def read_configuration(text: str) -> object:
    """Return what a text says as JSON, as TOML, or as YAML where PyYAML is installed.

    Raises:
        BadParameter: It is none of these.
    """
    for read in (json.loads, tomllib.loads, _yaml):
        with suppress(ValueError, RecursionError):
            return cast("object", read(text))
    raise BadParameter(
        "a configuration cannot be read as JSON, TOML or YAML", hint="correct its text; YAML needs PyYAML installed"
    )


def _yaml(text: str) -> object:
    try:
        import yaml  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415 - only where a text needs it
    except ImportError:
        raise ValueError(text) from None
    try:
        found: object = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError(text) from None
    if not isinstance(found, dict | list):
        raise ValueError(text)  # noqa: TRY004 - it is no configuration: any text at all is YAML for itself
    return cast("object", found)


def _written(configuration: object, name: str) -> tuple[str, str]:
    if isinstance(configuration, str | Path):
        file = Path(configuration)
        try:
            return file.read_text("utf-8"), FORMATS.get(file.suffix.lower(), "")
        except FileNotFoundError:
            raise NotFound(f"there is no file {str(file)!r}", hint="give the path of a text file, or a dict") from None
        except (OSError, UnicodeDecodeError) as error:
            raise BadParameter(f"{str(file)!r} cannot be read: {error}", hint="give a text file in UTF-8") from None
    if not isinstance(configuration, dict | list):
        raise BadParameter(
            f"configuration {name!r} is a {type(configuration).__name__}", hint="give a dict, a list or a path"
        )
    try:
        return json.dumps(masked(cast("object", configuration)), indent=2, ensure_ascii=False), "json"
    except (TypeError, ValueError, RecursionError) as error:
        raise BadParameter(
            f"configuration {name!r} cannot be written as JSON: {error}",
            hint="keep to None, bools, numbers, texts, and lists and dicts of these",
        ) from None


def _taken(configuration: Any, stored: Configuration, folder: Path) -> Any:
    if isinstance(configuration, str | Path):
        suffix = Path(configuration).suffix
        kept = suffix if re.fullmatch(r"\.\w+", suffix) else ""
        with writing_below(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=kept, dir=folder, delete=False) as file:
                file.write(stored.text)
        return Path(file.name) if isinstance(configuration, Path) else file.name
    found = unmasked(read_configuration(stored.text), cast("object", configuration))
    known: Any = configuration
    if is_dict(configuration) and is_dict(found):
        known.clear()
        known.update(found)
    elif isinstance(configuration, list) and isinstance(found, list):
        known[:] = found
    else:
        raise BadParameter(
            f"configuration {stored.name!r} holds a {type(found).__name__}, "
            f"but the script connects a {type(known).__name__}",
            hint="correct the text of the task's configuration",
        )
    return known
