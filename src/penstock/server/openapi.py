"""The description of the routes, made from the same structs that the routes are made from: OpenAPI, and a page."""

from __future__ import annotations

import inspect
from html import escape
from typing import Any, Final

import msgspec

from penstock.backend.protocol import API, BLOBS, BYTES, IDEMPOTENCY_KEY, JSON, MSGPACK, STREAM, Problem
from penstock.core.outputs import Blob
from penstock.core.run import Change
from penstock.ops.base import REGISTRY, Op
from penstock.server.access import scope_of
from penstock.server.answers import STATUSES

REFERENCE: Final = "#/components/schemas/{name}"
REFUSALS: Final = {
    "400": "The body cannot be read.",
    "401": "The server does not know who asks.",
    "403": "Who asks may not do this.",
    "404": "There is no such thing.",
    "408": "The body stopped coming.",
    "409": "The thing is not in a state that allows this.",
    "413": "The body is too large.",
    "415": "The body is of a type that is not read here.",
    "421": "The server is not called so.",
    "422": "The request makes no sense.",
    "429": "Too many requests with a key or a password that is not known.",
    "431": "There are too many headers.",
    "503": "The server is busy: try again, after Retry-After seconds.",
    "507": "The disk is full.",
}

assert {str(status) for _, status in STATUSES} <= set(REFUSALS)  # noqa: S101 - what is answered is described


def document(version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document.

    Args:
        version: Of this package.
    """
    operations = list(REGISTRY.values())
    results = [operation.returns for operation in operations]
    schemas, components = msgspec.json.schema_components(
        [Problem, Blob, Change, *operations, *results], ref_template=REFERENCE
    )
    problem, blob, change, *rest = schemas
    bodies, answers = rest[: len(operations)], rest[len(operations) :]
    paths = {
        f"{API}/{operation.__name__}": {"post": _post(operation, body, answer, problem)}
        for operation, body, answer in zip(operations, bodies, answers, strict=True)
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Penstock",
            "version": version,
            "description": "Every operation is one POST. Bodies are JSON or MessagePack, which also carries NaN; "
            "fields that are not known are passed over.",
        },
        "paths": paths | _blob_paths(blob, problem) | {STREAM: {"get": _stream(change, problem)}},
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def page(version: str) -> str:
    """Return the reference as a page that needs nothing from anywhere else."""
    described = document(version)
    names = "".join(f'<li><a href="#{name}"><code>{name}</code></a></li>' for name in REGISTRY)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<title>Penstock: the API</title><link rel="stylesheet" href="pages/style.css"><main>'
        f"<h1>The API of Penstock {escape(version)}</h1><p>{escape(described['info']['description'])} "
        f'The same for programs: <a href="{API[1:]}/openapi.json">openapi.json</a>.</p>'
        f"<nav><ul>{names}</ul></nav>{''.join(map(_section, REGISTRY.values()))}</main></html>"
    )


def _post(operation: type[Op[Any]], body: Any, answer: Any, problem: Any) -> dict[str, Any]:
    summary, _, description = _said(operation).partition("\n")
    key = {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
        "description": "Made up for each request; a request that comes again with it is answered as the first time.",
    }
    return {
        "operationId": operation.__name__,
        "summary": summary,
        "description": description.strip(),
        "parameters": [] if operation.reads else [key],
        "requestBody": {"required": True, "content": {JSON: {"schema": body}, MSGPACK: {}}},
        "responses": {"200": _content("What it returns.", answer), **_refusals(problem)},
        "x-scope": str(scope_of(operation)),
    }


def _content(description: str, schema: Any, media: str = JSON) -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": schema}}}


def _refusals(problem: Any) -> dict[str, Any]:
    return {status: _content(text, problem) for status, text in REFUSALS.items()}


def _stream(change: Any, problem: Any) -> dict[str, Any]:
    return {
        "operationId": "stream",
        "summary": "Return the changes as they come, as server-sent events that each hold one.",
        "parameters": [
            {"name": "after", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}},
            {"name": "run", "in": "query", "schema": {"type": "string"}},
        ],
        "responses": {"200": _content("The changes.", change, "text/event-stream"), **_refusals(problem)},
        "x-scope": "read",
    }


def _blob_paths(blob: Any, problem: Any) -> dict[str, Any]:
    hash = {"name": "hash", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"}}
    content = {BYTES: {"schema": {"type": "string", "format": "binary"}}}
    piece = {
        "name": "Content-Range",
        "in": "header",
        "required": True,
        "schema": {"type": "string", "pattern": r"^bytes (\*|[0-9]{1,15}-[0-9]{1,15})/[0-9]{1,15}$"},
    }
    no_blob = {status: {"description": text} for status, text in REFUSALS.items()}
    get = {
        "200": {"description": "All of it.", "content": content},
        "206": {"description": "A part.", "content": content},
    }
    put = {
        "200": _content("It was there.", blob),
        "201": _content("It is there now.", blob),
        "202": {"description": "So many bytes of it have arrived: see Upload-Offset."},
    }
    return {
        f"{BLOBS}/{{hash}}": {
            "parameters": [hash],
            "get": {"operationId": "get_blob", "summary": "Return bytes.", "responses": {**get, **_refusals(problem)}},
            "head": {
                "operationId": "stat_blob",
                "summary": "Say whether there are such bytes, and how many.",
                "responses": {"200": {"description": "They are there."}, **no_blob},
            },
            "put": {
                "operationId": "put_blob",
                "summary": "Store bytes, in one piece or several.",
                "parameters": [piece],
                "requestBody": {"content": content},
                "responses": {**put, **_refusals(problem)},
            },
        }
    }


def _section(operation: type[Op[Any]]) -> str:
    name, said = operation.__name__, escape(_said(operation))
    rows = "".join(
        f"<tr><td><code>{field.name}</code><td><code>{escape(_type(field.type))}</code>"
        f"<td>{'' if field.required else 'may be left out'}</tr>"
        for field in msgspec.structs.fields(operation)
    )
    return (
        f'<section id="{name}"><h2><code>POST {API}/{name}</code> <small>{scope_of(operation)}</small></h2>'
        f'<p class="said">{said}</p><table>{rows}</table>'
        f"<p>Returns <code>{escape(_type(operation.returns))}</code>.</p></section>"
    )


def _said(operation: type[Op[Any]]) -> str:
    return inspect.cleandoc(operation.__doc__ or "")


def _type(kind: Any) -> str:
    return (
        kind.__name__
        if isinstance(kind, type) and not getattr(kind, "__args__", None)
        else str(kind).replace("penstock.", "")
    )
