"""What the commands on users and keys have in common: scopes and projects as options, and passwords, never as one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from penstock.core.access import Key, Scope, User
    from penstock.core.secret import Secret

F = TypeVar("F", bound=Callable[..., Any])

SCOPES = ("read", "run", "write", "admin")

scope_option = click.option(
    "--scope", type=click.Choice(SCOPES), help="What is allowed at the most; each allows what stands before it too."
)
projects_option = click.option(
    "--project",
    "projects",
    multiple=True,
    help="Only this project and those below it; may be given several times. All without it.",
)


def password_options(command: F) -> F:
    """Let a command take a password: asked for without echo, or from standard input."""
    ask = click.option("--password", "ask", is_flag=True, help="Ask for a password, without showing it.")
    read = click.option(
        "--password-stdin", "stdin", is_flag=True, help="Read the password from standard input: a line."
    )
    return ask(read(command))


def given_password(*, ask: bool, stdin: bool) -> Secret | None:
    """Return the password that somebody types or pipes in; None when none is asked for."""
    from penstock.core.secret import Secret

    if ask and stdin:
        raise click.UsageError("--password and --password-stdin exclude each other")
    if stdin:
        return Secret(sys.stdin.readline().rstrip("\r\n"))
    if not ask:
        return None
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here; pipe the password in with --password-stdin")
    return Secret(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def given_current(*, stdin: bool) -> Secret:
    """Return the password that holds now, as somebody types it or pipes it in."""
    from penstock.core.secret import Secret

    if stdin:
        return Secret(sys.stdin.readline().rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here; pipe the passwords in with --password-stdin")
    return Secret(click.prompt("Password that holds now", hide_input=True, err=True))


def scope_of(text: str | None) -> Scope | None:
    """Return the scope of this name."""
    from penstock.core.access import Scope

    return None if text is None else Scope(text)


def rights(of: User | Key) -> str:
    """Return what somebody may, in words: `run in Examples, Other`."""
    from penstock.core.access import User

    every = "all projects" if isinstance(of, User) else "all projects of its owner"
    return f"{of.scope} in {', '.join(of.projects) or every}"
