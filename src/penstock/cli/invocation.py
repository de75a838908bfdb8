"""What the commands have in common: their backend, the argument RUN, the option `--json`."""

from __future__ import annotations

import re
import time
from enum import IntEnum
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.backend import Backend
    from penstock.core.errors import NotFound
    from penstock.core.run import Run, RunDetail, StepState
    from penstock.core.task import Task
    from penstock.ops.base import Op
    from penstock.settings import Settings


Item = TypeVar("Item")

BEGINNING = re.compile(r"[0-9a-f]{4,32}")  # of a task's id, long enough to mean it
NAMED = 5  # tasks that are named where a beginning may mean several


class Exit(IntEnum):
    """What the exit codes of the command line mean."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


class Invocation:
    """One call of the command line. The home is opened when it is first needed.

    Attributes:
        json: Whether standard output carries one JSON document and nothing else.
    """

    def __init__(self) -> None:
        self.json = False
        self._settings: Settings | None = None
        self._backend: Backend | None = None

    @property
    def settings(self) -> Settings:
        """The settings, as the environment has them."""
        from penstock.settings import load

        if self._settings is None:
            self._settings = load()
        return self._settings

    @property
    def backend(self) -> Backend:
        """The backend that the settings name."""
        from penstock.backend import connect

        if self._backend is None:
            self._backend = connect(self.settings)
        return self._backend

    def close(self) -> None:
        """Close what was opened."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def close_lost(self) -> list[Run]:
        """End the runs and tasks whose process is gone, so that none is shown as running; return the runs."""
        from penstock.run.reconcile import close_lost

        return close_lost(self.backend)

    def find(self, text: str) -> Run:
        """Return the run that a person means.

        Raises:
            NotFound: There is none.
            Invalid: The text may mean several.
        """
        from penstock.core.errors import NotFound
        from penstock.ops.runs import FindRun

        try:
            return self.backend.call(FindRun(text=_encodable(text)))
        except NotFound:
            if text != "last":
                raise
            raise self._nothing_yet() from None

    def find_task(self, text: str) -> Task:
        """Return the task that a person means: `last`, the newest of a name, an id or its first four digits or more.

        Names and `last` mean tasks that belong to no run first, then those of runs.

        Raises:
            NotFound: There is none.
            Invalid: The beginning of an id fits several.
        """
        from penstock.core.errors import Invalid, NotFound
        from penstock.ops.tasks import ListTasks

        name = None if text == "last" else _encodable(text)
        for alone in (True, False):
            if newest := self.backend.call(ListTasks(name=name, alone=alone, limit=1)):
                return newest[0]
        beginning = text.strip().lower()
        is_one = BEGINNING.fullmatch(beginning) is not None
        found = self.backend.call(ListTasks(beginning=beginning, limit=NAMED + 1)) if is_one else []
        if not found:
            hint = "give the name of a task, its id or its first four digits; see them with: penstock tasks"
            raise NotFound(f"there is no task {text!r}", hint=hint)
        if len(found) > 1:
            names = ", ".join(f"{task.id[:12]} ({task.name})" for task in found[:NAMED])
            raise Invalid(f"{text!r} may mean several tasks: {names}", hint="give more of the id")
        return found[0]

    def _nothing_yet(self) -> NotFound:
        from penstock.core.errors import NotFound
        from penstock.ops.runs import ListRuns

        if self.backend.call(ListRuns(archived=True, limit=1)):
            return NotFound("every run here is archived", hint="see them with: penstock runs --archived")
        return NotFound("nothing has run here yet", hint="run a pipeline with: penstock run SCRIPT")

    def detail(self, text: str) -> RunDetail:
        """Return the run that a person means, with its steps."""
        from penstock.ops.runs import GetRun

        return self.backend.call(GetRun(id=self.find(text).id))

    def show_list(
        self, name: str, items: Sequence[Item], show: Callable[[Sequence[Item], float], None], none: str
    ) -> Exit:
        """Tell what was found: as JSON, as a table, or that there is nothing.

        Args:
            name: What it is called in JSON.
            show: Prints the items; its second argument is the time, in epoch seconds.
            none: What is said, on standard error, when there are no items.
        """
        if self.json:
            from penstock.cli.document import emit

            emit({name: items})
        elif items:
            show(items, time.time())
        else:
            click.echo(none, err=True)
        return Exit.OK

    def steer(self, done: str, steps: Sequence[str], op: Callable[[str], Op[StepState]]) -> Exit:
        """Have something done to some steps, and tell what became of each.

        Args:
            done: What was done to them, as their list is called in JSON.
            op: Makes the operation from a step's name.
        """
        states = [self.backend.call(op(step)) for step in dict.fromkeys(steps)]
        return self.show_list(done, states, _show_states, "")


OF_THE_RUN = "pipeline"
"""Stands where a step's name does, for what belongs to the run itself; no step can be called so."""


def tasks(detail: RunDetail, step: str | None) -> list[tuple[str, str]]:
    """Return the tasks of the steps' latest attempts, each behind its step's name; first that of the run itself.

    Args:
        detail: The run.
        step: Only this step; None for all.

    Raises:
        NotFound: There is no such step.
    """
    of_the_run = [(OF_THE_RUN, detail.run.id)]
    if step == OF_THE_RUN:
        return of_the_run
    steps = detail.steps if step is None else [step_named(detail, step)]
    return [*(of_the_run if step is None else []), *((one.name, one.task) for one in steps if one.task is not None)]


def step_named(detail: RunDetail, name: str) -> StepState:
    """Return the step of this name; raise NotFound with the nearest one when there is none."""
    from penstock.core.errors import NotFound
    from penstock.core.names import did_you_mean

    found = next((step for step in detail.steps if step.name == name), None)
    if found is None:
        hint = did_you_mean(name, [step.name for step in detail.steps], "it has no steps")
        raise NotFound(f"run {detail.run.task.name!r} has no step {name!r}", hint=hint)
    return found


def _show_states(states: Sequence[StepState], now: float) -> None:
    from penstock.sdk.wording import harmless

    _ = now
    for state in states:
        click.echo(harmless(f"{state.name}: {state.reason}"))


def _encodable(text: str) -> str:
    """Return an argument as a database takes it: bytes that are no UTF-8 come from the shell as lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _answer_in_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Invocation).json = True


json_option = click.option(
    "--json",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_answer_in_json,
    help="Print one JSON document instead, for programs.",
)
run_argument = click.argument("run", metavar="RUN")
last_run_argument = click.argument("run", metavar="[RUN]", default="last")
step_argument = click.argument("step", metavar="[STEP]", required=False)
pass_invocation = click.make_pass_decorator(Invocation, ensure=True)
