"""`penstock limit`: how many tasks with a tag run at once: list, set, remove."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from penstock.ops.tag_limits import TagLimit

EXAMPLE = """\
\b
Examples:
  penstock limit                     list the limits
  penstock limit set gpu-license 2   no more than two tasks with this tag at once
  penstock limit remove gpu-license  any number again
"""


@click.group("limit", invoke_without_command=True, epilog=EXAMPLE)
@json_option
@pass_invocation
@click.pass_context
def command(context: click.Context, invocation: Invocation) -> None:
    """Limit how many tasks with a tag run at once, in all queues together. Without a command: list the limits."""
    if context.invoked_subcommand is None:
        from penstock.ops.tag_limits import ListTagLimits

        none = "no tag has a limit; set one with: penstock limit set TAG N"
        invocation.show_list("limits", invocation.backend.call(ListTagLimits()), _print, none)


@command.command("set")
@click.argument("tag", metavar="TAG")
@click.argument("limit", type=click.IntRange(min=1), metavar="N")
@json_option
@pass_invocation
def set_limit(invocation: Invocation, tag: str, limit: int) -> Exit:
    """Let no more than N tasks with a tag run at once; what runs already goes on."""
    from penstock.ops.tag_limits import SetTagLimit

    made = invocation.backend.call(SetTagLimit(tag=tag, limit=limit))
    return invocation.show_list("limits", [made], _print, "")


@command.command("remove")
@click.argument("tag", metavar="TAG")
@json_option
@pass_invocation
def remove(invocation: Invocation, tag: str) -> Exit:
    """Let any number of tasks with a tag run at once."""
    from penstock.ops.tag_limits import ListTagLimits, RemoveTagLimit

    invocation.backend.call(RemoveTagLimit(tag=tag))
    left = invocation.backend.call(ListTagLimits())
    return invocation.show_list("limits", left, _print, "no tag has a limit any more")


def _print(limits: Sequence[TagLimit], _now: float) -> None:
    from penstock.cli.terminal import console, plain, table

    made = table("~TAG", ">LIMIT", ">RUNNING", ">WAITING")
    for one in limits:
        made.add_row(plain(one.tag), f"{one.limit:,}", f"{one.running:,}", f"{one.waiting:,}")
    console().print(made)
