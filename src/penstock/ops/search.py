"""Operations for lists that people look through: filtered, sorted, a page at a time, with the columns they ask for."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.core.run import Run
from penstock.core.search import Condition, Extra, Sort
from penstock.core.task import Json, Task
from penstock.ops.base import Op


class RunRow(Struct, frozen=True):
    """A run, with its values of the columns that were asked for; None where it has none."""

    run: Run
    values: tuple[Json, ...] = ()


class RunPage(Struct, frozen=True):
    """Rows of a list, and where it goes on; None at its end."""

    rows: tuple[RunRow, ...]
    next: str | None = None


class TaskRow(Struct, frozen=True):
    """A task, with its values of the columns that were asked for; None where it has none."""

    task: Task
    values: tuple[Json, ...] = ()


class TaskPage(Struct, frozen=True):
    """Rows of a list, and where it goes on; None at its end."""

    rows: tuple[TaskRow, ...]
    next: str | None = None


class SearchRuns(Op[RunPage], frozen=True, kw_only=True):
    """Return runs for which all conditions hold, a page at a time; newest first, unless it is said otherwise.

    What is added, changed or removed meanwhile moves no other row to another page. Parameters and metrics are those of
    the run itself; those of its steps lie in their tasks.

    Raises Invalid for what no column, condition or place in this list is.

    Args:
        where: Conditions; at most 20.
        columns: Parameters and metrics that come along with each run; at most 50.
        archived: Whether they are archived; None for all.
        limit: 1 to 500.
        after: `next` of the page before, with the same sort.
        brief: Whether their scripts are left out, which are most of what is recorded of them.
    """

    where: tuple[Condition, ...] = ()
    sort: Sort | None = None
    columns: tuple[Extra, ...] = ()
    archived: bool | None = None
    limit: int = 50
    after: str | None = None
    brief: bool = False
    reads: ClassVar[bool] = True


class SearchTasks(Op[TaskPage], frozen=True, kw_only=True):
    """Return tasks that belong to no run, in the way of `SearchRuns`.

    Raises Invalid for what no column, condition or place in this list is.

    Args:
        where: Conditions; at most 20.
        columns: Parameters and metrics that come along with each task; at most 50.
        archived: Whether they are archived; None for all.
        limit: 1 to 500.
        after: `next` of the page before, with the same sort.
        brief: Whether their scripts are left out, which are most of what is recorded of them.
    """

    where: tuple[Condition, ...] = ()
    sort: Sort | None = None
    columns: tuple[Extra, ...] = ()
    archived: bool | None = None
    limit: int = 50
    after: str | None = None
    brief: bool = False
    reads: ClassVar[bool] = True
