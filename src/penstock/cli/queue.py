"""`penstock queue`: what waits for agents, and in which order: list, create, pause, move, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from penstock.ops.queues import Entry, Queue

MOST = 50  # entries that are shown
EXAMPLE = """\
\b
Examples:
  penstock queue                        list the queues
  penstock queue show default           what waits in one, next first
  penstock queue create gpu --limit 2   no more than two of its tasks at once
  penstock queue move TASK --first      claim this one next
"""


@click.group("queue", invoke_without_command=True, epilog=EXAMPLE)
@json_option
@pass_invocation
@click.pass_context
def command(context: click.Context, invocation: Invocation) -> None:
    """Look at queues, and steer what agents claim from them. Without a command: list the queues."""
    if context.invoked_subcommand is None:
        _list(invocation)


@command.command("show")
@click.argument("name", metavar="QUEUE")
@click.option("--limit", type=click.IntRange(min=1), default=MOST, show_default=True, help="At most this many.")
@json_option
@pass_invocation
def show(invocation: Invocation, name: str, limit: int) -> Exit:
    """List what waits in a queue, next first."""
    return _show(invocation, name, limit)


def _show(invocation: Invocation, name: str, limit: int) -> Exit:
    from penstock.ops.queues import ListEntries

    entries = invocation.backend.call(ListEntries(queue=name, limit=limit))
    return invocation.show_list("entries", entries, _print_entries, f"nothing waits in queue {name!r}")


@command.command("create")
@click.argument("name", metavar="QUEUE")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="How many of its tasks run at once.")
@json_option
@pass_invocation
def create(invocation: Invocation, name: str, limit: int | None) -> Exit:
    """Create a queue; one that is there stays as it is."""
    from penstock.ops.queues import CreateQueue

    return _tell(invocation, invocation.backend.call(CreateQueue(name=name, limit=limit)))


@command.command("limit")
@click.argument("name", metavar="QUEUE")
@click.argument("limit", type=click.IntRange(min=0), metavar="N")
@json_option
@pass_invocation
def limit(invocation: Invocation, name: str, limit: int) -> Exit:
    """Let no more than N tasks of a queue run at once; 0 for any number."""
    from penstock.ops.queues import ChangeQueue

    return _tell(invocation, invocation.backend.call(ChangeQueue(name=name, limit=limit)))


@command.command("pause")
@click.argument("name", metavar="QUEUE")
@json_option
@pass_invocation
def pause(invocation: Invocation, name: str) -> Exit:
    """Let nothing be claimed from a queue; what runs goes on."""
    from penstock.ops.queues import ChangeQueue

    return _tell(invocation, invocation.backend.call(ChangeQueue(name=name, paused=True)))


@command.command("resume")
@click.argument("name", metavar="QUEUE")
@json_option
@pass_invocation
def resume(invocation: Invocation, name: str) -> Exit:
    """Let a queue that was paused go on."""
    from penstock.ops.queues import ChangeQueue

    return _tell(invocation, invocation.backend.call(ChangeQueue(name=name, paused=False)))


@command.command("rename")
@click.argument("name", metavar="QUEUE")
@click.argument("new", metavar="NEW")
@json_option
@pass_invocation
def rename(invocation: Invocation, name: str, new: str) -> Exit:
    """Give a queue another name; what waits in it goes along."""
    from penstock.ops.queues import ChangeQueue

    return _tell(invocation, invocation.backend.call(ChangeQueue(name=name, rename=new)))


@command.command("delete")
@click.argument("name", metavar="QUEUE")
@click.option("--force", is_flag=True, help="Also when something waits: tasks and runs become drafts, steps stop.")
@json_option
@pass_invocation
def delete(invocation: Invocation, name: str, force: bool) -> Exit:
    """Delete a queue in which nothing waits."""
    from penstock.ops.queues import DeleteQueue

    invocation.backend.call(DeleteQueue(name=name, force=force))
    return _list(invocation)


@command.command("move")
@click.argument("task", metavar="TASK")
@click.option("--first", "place", flag_value="first", help="Before all others.")
@click.option("--last", "place", flag_value="last", default=True, help="Behind all others.")
@click.option("--to", "number", type=click.IntRange(min=1), metavar="N", help="To this place, 1 for the next.")
@click.option("--queue", metavar="NAME", help="To another queue.")
@json_option
@pass_invocation
def move(invocation: Invocation, task: str, place: str, number: int | None, queue: str | None) -> Exit:
    """Give a task that waits another place.

    TASK is its id, the beginning of one with four digits or more, or its name.
    """
    from penstock.ops.queues import MoveEntry
    from penstock.ops.tasks import GetTask

    found = invocation.find_task(task)
    where: Literal["first", "last"] = "first" if place == "first" else "last"
    place_in_queue = where if number is None else number - 1
    invocation.backend.call(MoveEntry(task=found.id, place=place_in_queue, queue=queue))
    moved = invocation.backend.call(GetTask(id=found.id))
    return _show(invocation, moved.queue or "", MOST)


def _list(invocation: Invocation) -> Exit:
    from penstock.ops.queues import ListQueues

    invocation.close_lost()
    queues = invocation.backend.call(ListQueues())
    if invocation.json:
        from penstock.cli.document import emit

        emit({"queues": queues})
    else:
        _print(queues)
    return Exit.OK


def _tell(invocation: Invocation, queue: Queue) -> Exit:
    if invocation.json:
        from penstock.cli.document import emit

        emit({"queue": queue})
    else:
        _print([queue])
    return Exit.OK


def _print(queues: Sequence[Queue]) -> None:
    from penstock.cli.terminal import console, plain, table

    made = table("~QUEUE", ">WAITING", ">RUNNING", ">LIMIT", ">AGENTS", "STATE")
    for queue in queues:
        idle = queue.waiting and not queue.agents
        state = "paused" if queue.paused else f"start one: penstock agent --queue {queue.name}" if idle else ""
        limit = "" if queue.limit is None else f"{queue.limit:,}"
        numbers = (f"{queue.waiting:,}", f"{queue.running:,}", limit, f"{queue.agents:,}")
        made.add_row(plain(queue.name), *numbers, plain(state, "yellow"))
    console().print(made)


def _print_entries(entries: Sequence[Entry], now: float) -> None:
    from penstock.cli.terminal import console, plain, table
    from penstock.sdk.wording import age

    made = table(">PLACE", "~TASK", "TYPE", ">PRIORITY", "SINCE", "ID")
    for place, entry in enumerate(entries, 1):
        priority = f"{entry.priority:,}" if entry.priority else ""
        made.add_row(
            f"{place:,}", plain(entry.name), plain(entry.type), priority, age(now - entry.since), entry.task[:8]
        )
    console().print(made)
