"""JSON on standard output: one document a command, of the records as they are stored."""

from __future__ import annotations

from typing import cast

import click
import msgspec


def emit(document: object) -> None:
    """Print one JSON document."""
    click.echo(encode(document))


def encode(document: object) -> bytes:
    """Return the document as JSON that every reader takes: numbers that JSON does not know become null."""
    plain = msgspec.to_builtins(document, str_keys=True)
    try:
        text = msgspec.json.encode(plain)
    except UnicodeEncodeError:
        text = msgspec.json.encode(_encodable(plain))
    return msgspec.json.format(text, indent=2)


def _encodable(value: object) -> object:
    """Return the value with lone surrogates, which no encoding takes, spelt out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list):
        return [_encodable(one) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(one) for key, one in cast("dict[object, object]", value).items()}
    return value
