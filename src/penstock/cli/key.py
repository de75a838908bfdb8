"""`penstock key`: the keys of users and agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli.grants import projects_option, rights, scope_of, scope_option
from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from penstock.core.access import Key

DAY = 86_400.0
DAYS = 90
EXAMPLE = """\
\b
Example:
  penstock key add bob --project Examples --name laptop
  penstock key add ada --agent --queue default --name gpu-1
"""


@click.group("key", epilog=EXAMPLE)
@json_option
def command() -> None:
    """Make, list and revoke keys: what programs and agents come with."""


@command.command("add")
@click.argument("owner")
@click.option("--name", default="", help="What it is for; of an agent, the agent's name.")
@click.option("--agent", is_flag=True, help="For an agent: it may claim tasks and see to them, and nothing else.")
@scope_option
@projects_option
@click.option("--queue", "queues", multiple=True, help="Of an agent, a queue that it may serve. All without it.")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help=f"How long it is good.  [default: {DAYS}]")
@click.option("--forever", is_flag=True, help="It is good until it is revoked.")
@json_option
@pass_invocation
def add(
    invocation: Invocation,
    owner: str,
    name: str,
    agent: bool,
    scope: str | None,
    projects: Sequence[str],
    queues: Sequence[str],
    days: float | None,
    forever: bool,
) -> Exit:
    """Make a key of a user and print it, this once: it is kept nowhere.

    It never allows more than its owner may. Its scope is run unless --scope says otherwise.
    """
    from penstock.core.access import Kind, Scope
    from penstock.ops.access import AddKey

    if forever and days is not None:
        raise click.UsageError("--days and --forever exclude each other")
    op = AddKey(
        owner=owner,
        name=name,
        kind=Kind.AGENT if agent else Kind.USER,
        scope=scope_of(scope) or Scope.RUN,
        projects=tuple(projects),
        queues=tuple(queues),
        lifetime=None if forever else (days or DAYS) * DAY,
    )
    made = invocation.backend.call(op)
    if invocation.json:
        from penstock.cli.document import emit

        emit({"key": made.key, "secret": made.secret.text})
        return Exit.OK
    until = "until it is revoked" if made.key.expires is None else f"for {days or DAYS:g} days"
    click.echo(f"key {made.key.id} of {made.key.owner}, {_allows(made.key)}, good {until}; keep it now:", err=True)
    click.echo(made.secret.text)
    return Exit.OK


@command.command("list")
@click.argument("owner", required=False)
@json_option
@pass_invocation
def list_(invocation: Invocation, owner: str | None) -> Exit:
    """List the keys of a user, or of all; also those that are refused by now."""
    from penstock.ops.access import ListKeys

    keys = invocation.backend.call(ListKeys(owner=owner))
    return invocation.show_list("keys", keys, _print, "no keys; make one with: penstock key add OWNER")


@command.command("revoke")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@json_option
@pass_invocation
def revoke(invocation: Invocation, ids: Sequence[str]) -> Exit:
    """Refuse keys from now on, given by their ids: the eight characters behind penstock_."""
    from penstock.ops.access import RevokeKey

    revoked = [invocation.backend.call(RevokeKey(id=_bare(id))) for id in ids]
    if invocation.json:
        from penstock.cli.document import emit

        emit({"revoked": revoked})
        return Exit.OK
    for key in revoked:
        click.echo(f"revoked key {key.id} of {key.owner}")
    return Exit.OK


def _bare(text: str) -> str:
    """Return the id of a key, also where somebody gave its whole text: that must not come back in an error."""
    from penstock.core.access import read_text

    presented = read_text(text)
    return text if presented is None else presented.id


def _allows(key: Key) -> str:
    from penstock.core.access import Kind

    if key.kind is Kind.AGENT:
        return f"for an agent on {', '.join(key.queues) or 'all queues'}"
    return rights(key)


def _print(keys: Sequence[Key], now: float) -> None:
    from penstock.cli.terminal import console, plain, table
    from penstock.sdk.wording import age

    made = table("ID", "OWNER", "~NAME", "~ALLOWS", "MADE", "USED", "STATE")
    for key in keys:
        made.add_row(
            key.id,
            plain(key.owner),
            plain(key.name),
            plain(_allows(key)),
            age(now - key.created),
            "never" if key.used is None else age(now - key.used),
            _state(key, now),
        )
    console().print(made)


def _state(key: Key, now: float) -> str:
    if key.revoked is not None:
        return "revoked"
    return "expired" if key.expires is not None and key.expires <= now else "good"
