"""`--secret`: secrets that a command is given without showing them on its command line, which the machine can see."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.core.secret import Secret

HELP = "Ask for a parameter that is a secret; from a pipe its first line is read, or it comes from that variable."


def option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option to a command."""
    return click.option("--secret", "secrets", multiple=True, metavar="NAME[=VARIABLE]", help=HELP)(command)


def read(given: Sequence[str]) -> dict[str, Secret]:
    """Return the secrets that are named: from environment variables, from who sits there, or from standard input.

    Raises:
        click.UsageError: A variable is not set, or standard input ended.
    """
    from penstock.core.secret import Secret

    return {name: Secret(_read(name, variable if sign else None)) for name, sign, variable in map(_parted, given)}


def _parted(text: str) -> tuple[str, str, str]:
    name, sign, variable = text.partition("=")
    if not name or (sign and not variable):
        raise click.BadParameter(f"{text!r} is not of the form NAME or NAME=VARIABLE", param_hint="--secret")
    return name, sign, variable


def _read(name: str, variable: str | None) -> str:
    from penstock.settings import environment

    if variable is not None:
        if not (found := environment().get(variable)):
            # It is not repeated: whoever mistook the option may have written the secret itself there.
            raise click.UsageError(f"--secret {name}: the environment has no variable of the name behind the =")
        return found
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=True, err=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.UsageError(f"--secret {name}: standard input ended before its line")
    return line
