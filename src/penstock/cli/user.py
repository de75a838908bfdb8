"""`penstock user`: the users of a server."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli.grants import (
    given_current,
    given_password,
    password_options,
    projects_option,
    rights,
    scope_of,
    scope_option,
)
from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from penstock.core.access import User

EXAMPLE = """\
\b
Example:
  penstock user add ada --password
  penstock user add bob --scope run --project Examples
  penstock key add bob
"""


@click.group("user", epilog=EXAMPLE)
@json_option
def command() -> None:
    """Add, list, change and remove users.

    Scopes: read sees everything; run also carries work out and records it; write also changes and deletes what others
    rely on; admin also sees to users and keys.
    """


@command.command("add")
@click.argument("name")
@scope_option
@projects_option
@password_options
@json_option
@pass_invocation
def add(invocation: Invocation, name: str, scope: str | None, projects: Sequence[str], ask: bool, stdin: bool) -> Exit:
    """Add a user: with scope run, the first one as an admin, unless --scope says otherwise.

    A user without a password comes with keys only: penstock key add NAME.
    """
    from penstock.core.access import Scope
    from penstock.ops.access import AddUser, ListUsers

    first = not invocation.backend.call(ListUsers())
    chosen = scope_of(scope) or (Scope.ADMIN if first else Scope.RUN)
    password = given_password(ask=ask, stdin=stdin)
    op = AddUser(name=name, scope=chosen, projects=tuple(projects), password=password)
    return _answer(invocation, "added", invocation.backend.call(op))


@command.command("list")
@json_option
@pass_invocation
def list_(invocation: Invocation) -> Exit:
    """List the users."""
    from penstock.ops.access import ListUsers

    users = invocation.backend.call(ListUsers())
    none = "no users yet; the first, who will be an admin: penstock user add NAME --password"
    return invocation.show_list("users", users, _print, none)


@command.command("change")
@click.argument("name")
@scope_option
@projects_option
@click.option("--all-projects", is_flag=True, help="All projects from now on.")
@click.option("--disable/--enable", "disabled", default=None, help="Refuse them with all their keys, or no longer.")
@password_options
@json_option
@pass_invocation
def change(
    invocation: Invocation,
    name: str,
    scope: str | None,
    projects: Sequence[str],
    all_projects: bool,
    disabled: bool | None,
    ask: bool,
    stdin: bool,
) -> Exit:
    """Change what a user may, at once; or their password, which ends their sessions."""
    from penstock.ops.access import ChangeUser

    if projects and all_projects:
        raise click.UsageError("--project and --all-projects exclude each other")
    password = given_password(ask=ask, stdin=stdin)
    op = ChangeUser(
        name=name,
        scope=scope_of(scope),
        projects=tuple(projects) if projects or all_projects else None,
        disabled=disabled,
        password=password,
    )
    return _answer(invocation, "changed", invocation.backend.call(op))


@command.command("password")
@click.argument("name")
@click.option("--password-stdin", "stdin", is_flag=True, help="Read the passwords from standard input, a line each.")
@json_option
@pass_invocation
def password(invocation: Invocation, name: str, stdin: bool) -> Exit:
    """Change your own password, which ends your other sessions.

    At a server the one that holds now is asked for first. Whoever owns the home needs none.
    """
    from penstock.ops.access import ChangePassword, ChangeUser

    current = given_current(stdin=stdin) if invocation.settings.url else None
    chosen = given_password(ask=not stdin, stdin=stdin)
    assert chosen is not None  # noqa: S101 - it is asked for, one way or the other
    if current is None:
        return _answer(invocation, "changed", invocation.backend.call(ChangeUser(name=name, password=chosen)))
    op = ChangePassword(name=name, current=current, password=chosen)
    return _answer(invocation, "changed", invocation.backend.call(op))


@command.command("remove")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_invocation
def remove(invocation: Invocation, names: Sequence[str], yes: bool) -> Exit:
    """Remove users with their keys and sessions; what they recorded stays."""
    from penstock.ops.access import RemoveUser
    from penstock.sdk.wording import harmless

    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("nobody can be asked here; give --yes to remove without asking")
        if not click.confirm(f"Remove {', '.join(map(harmless, names))}?", err=True):
            click.echo("nobody was removed", err=True)
            return Exit.FAILED
    for name in names:
        invocation.backend.call(RemoveUser(name=name))
        if not invocation.json:
            click.echo(f"removed {harmless(name)}")
    if invocation.json:
        from penstock.cli.document import emit

        emit({"removed": list(names)})
    return Exit.OK


def _answer(invocation: Invocation, what: str, user: User) -> Exit:
    if invocation.json:
        from penstock.cli.document import emit

        emit({what: user})
        return Exit.OK
    refused = ", disabled" if user.disabled is not None else ""
    click.echo(f"{what} {user.name}: {rights(user)}{refused}")
    if not user.has_password:
        click.echo(f"without a password: make a key with penstock key add {user.name}", err=True)
    return Exit.OK


def _print(users: Sequence[User], now: float) -> None:
    from penstock.cli.terminal import console, plain, table
    from penstock.sdk.wording import age

    made = table("NAME", "SCOPE", "~PROJECTS", "PASSWORD", "ADDED", "DISABLED")
    for user in users:
        made.add_row(
            plain(user.name),
            user.scope,
            plain(", ".join(user.projects) or "all"),
            "yes" if user.has_password else "no",
            age(now - user.created),
            "" if user.disabled is None else age(now - user.disabled),
        )
    console().print(made)
