"""Write what the page knows of the server's operations, `ui/src/api/schema.d.ts`, from the server's own description.

`python scripts/client.py` writes it, by openapi-typescript. A test compares the marks in its first line, so that it
stays true: one of the description that it was made from, one of the text itself.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
from page import find_npm, install

from penstock.backend.protocol import API, JSON
from penstock.server import openapi

ROOT: Final = Path(__file__).resolve().parents[1]
TOOLS: Final = ROOT / "ui" / "client"
SCHEMA: Final = ROOT / "ui" / "src" / "api" / "schema.d.ts"
SCHEMAS: Final = "#/components/schemas/"
MARK: Final = re.compile(
    r"// Made by scripts/client\.py of a description with mark ([0-9a-f]+); of this text: ([0-9a-f]+)\n"
)


def described() -> dict[str, Any]:
    """Return the description of the operations as the page needs it.

    What the server sends has all its fields. Of what is sent to it, those with a default may be left out: these are the
    schemas whose names end in `Input`. Errors look alike everywhere, and are left out.
    """
    full = msgspec.json.decode(msgspec.json.encode(openapi.document("0")))
    declared: dict[str, Any] = full["components"]["schemas"]
    paths = {
        path: methods["post"] for path, methods in full["paths"].items() if path.startswith(API) and "post" in methods
    }
    inputs = {f"{name}Input": _renamed(schema) for name, schema in declared.items()}
    outputs = {name: _with_all_fields(schema) for name, schema in declared.items()}
    operations = {path: {"post": _short(one)} for path, one in paths.items()}
    used = _used(operations, inputs | outputs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Penstock", "version": "0"},
        "paths": operations,
        "components": {"schemas": {name: one for name, one in (outputs | inputs).items() if name in used}},
    }


def _short(operation: dict[str, Any]) -> dict[str, Any]:
    body = operation["requestBody"]["content"][JSON]["schema"]
    answer = operation["responses"]["200"]["content"][JSON]["schema"]
    return {
        "operationId": operation["operationId"],
        "requestBody": {"required": True, "content": {JSON: {"schema": _renamed(body)}}},
        "responses": {"200": {"description": "", "content": {JSON: {"schema": answer}}}},
    }


def _renamed(schema: Any) -> Any:
    """Return a schema that refers to the schemas of what is sent to the server."""
    text = json.dumps(schema)
    return json.loads(re.sub(rf'"({SCHEMAS}[^"]+)"', r'"\1Input"', text))


def _with_all_fields(schema: dict[str, Any]) -> dict[str, Any]:
    return schema | {"required": list(schema["properties"])} if "properties" in schema else schema


def _used(operations: dict[str, Any], schemas: dict[str, Any]) -> set[str]:
    """Return the names of the schemas that the operations need."""
    found: set[str] = set()
    waiting = _names(operations)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= _names(schemas[name])
    return found


def _names(schema: Any) -> set[str]:
    return set(re.findall(rf'"{SCHEMAS}([^"]+)"', json.dumps(schema)))


def marks(text: str) -> tuple[str, str]:
    """Return the marks of what the server describes now, and of a text without its first line."""
    return _mark(json.dumps(described(), sort_keys=True)), _mark(text)


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main() -> None:
    """Write the file."""
    npm = find_npm()
    if npm is None:
        raise SystemExit("error: there is no npm of Node 20.19 or newer here\nhint: make client brings one")
    install(npm, TOOLS)
    with tempfile.TemporaryDirectory() as room:
        source, made = Path(room, "openapi.json"), Path(room, "schema.d.ts")
        source.write_text(json.dumps(described(), sort_keys=True), "utf-8")
        program = TOOLS / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
        command = [str(npm.node), str(program), str(source), "--output", str(made), "--default-non-nullable", "false"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        # An object of which nothing is said holds anything; the tool writes that it holds nothing.
        text = made.read_text("utf-8").replace(": Record<string, never>", ": { [name: string]: unknown }")
    of_description, of_text = marks(text)
    head = f"// Made by scripts/client.py of a description with mark {of_description}; of this text: {of_text}\n"
    SCHEMA.write_text(head + text, "utf-8")


if __name__ == "__main__":
    main()
