"""Lists that people look through, beside the same lists in plain Python."""

from __future__ import annotations

import itertools
import json
import math
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import older
import pytest
from msgspec.structs import replace

from penstock.core.errors import Invalid
from penstock.core.outputs import ScalarPoint
from penstock.core.run import ARCHIVED
from penstock.core.search import (
    OF_RUNS,
    Column,
    Compare,
    Condition,
    Fact,
    MetricColumn,
    ParameterColumn,
    Side,
    Sort,
    check_search,
)
from penstock.core.task import Parameter, Status, Task, TaskType
from penstock.ops.outputs import NewPoints
from penstock.ops.search import SearchRuns, SearchTasks
from penstock.store import conditions as filters
from penstock.store import search
from penstock.store.sqlite import SqliteStore
from penstock.store.transaction import SqlTx

RATE, LOSS = ParameterColumn("Args", "rate"), MetricColumn("loss", "train")
VALUES = [0.1, 1, 10, -3.5, 2**53, "0.1", "adam", "Ädam", 'a"b', "a%b", "a_b", True, None, [1, 2], math.inf, "x" * 300,
          "x" * 300 + "Zed"]  # fmt: skip
NAMES = ("iris", "Iris #2", "flow", "100%", "a_b")
TAGS = ("best", "nightly", "b%d", "é", "long" * 60)
LOSSES = (0.5, 0.25, -1.0, math.nan, math.inf)


class Known:
    """A run as plain Python has it."""

    def __init__(self, task: Task, pipeline: str, rate: Any, points: list[float]) -> None:
        self.task = task
        self.pipeline = pipeline
        self.rate = rate
        self.points = points
        numbers = [point for point in points if not math.isnan(point)]
        self.sides = {
            Side.LAST: points[-1] if points and not math.isnan(points[-1]) else None,
            Side.MIN: min(numbers, default=None),
            Side.MAX: max(numbers, default=None),
        }

    def value(self, column: Column) -> Any:
        match column:
            case ParameterColumn(_, name):
                return self.rate if name == "rate" else MISSING
            case MetricColumn(_, series, side):
                found = self.sides[side] if series == "train" else None
                return MISSING if found is None else found
        task = self.task
        facts = {
            "name": task.name, "status": str(task.status), "id": task.id, "created": task.created,
            "pipeline": self.pipeline, "project": "demo", "user": task.user, "comment": task.comment,
            "started": task.started, "tags": task.tags, "number": 0,
            "duration": None if task.ended is None or task.started is None else task.ended - task.started,
        }  # fmt: skip
        found = facts[column.name]
        return MISSING if found is None else found


MISSING = object()


@pytest.fixture
def tx(store: SqliteStore) -> Iterator[SqlTx]:
    with store.transaction(durable=False) as tx:
        yield tx


def add(tx: SqlTx, number: int, dice: random.Random) -> Known:
    started = dice.choice([None, float(dice.randrange(5))])
    task = Task(
        id=f"{dice.getrandbits(128):032x}",
        name=dice.choice(NAMES),
        project="demo/.pipelines/flow",
        type=TaskType.CONTROLLER,
        status=dice.choice(list(Status)),
        created=float(number // 3),
        started=started,
        ended=dice.choice([None, started + dice.randrange(3)]) if started is not None else None,
        user=dice.choice(("ada", "bob")),
        tags=tuple(dice.sample(TAGS, dice.randrange(3))),
        system_tags=(ARCHIVED,) if dice.random() < 0.2 else (),
        comment=dice.choice(("", "100% SURE", "a_b")),
    )
    pipeline = dice.choice(("flow", "other"))
    tx.tasks.add(task)
    tx.runs.add(task.id, "demo", pipeline)
    rate: Any = dice.choice([*VALUES, MISSING])
    if rate is not MISSING:
        tx.settings.set_parameters(task.id, [Parameter(section="Args", name="rate", value=rate)])
    points = dice.choices(LOSSES, k=dice.randrange(4))
    if points:
        given = tuple(ScalarPoint(at, value, 0.0) for at, value in enumerate(points))
        tx.reports.append_scalars(task.id, [NewPoints(title="loss", series="train", points=given)])
    return Known(task, pipeline, rate, points)


@pytest.fixture
def world(tx: SqlTx) -> list[Known]:
    """Runs of every kind, and beside them tasks that are none, with the same parameters."""
    dice = random.Random(7)
    for number in range(5):
        alone = Task(id=f"{number:032x}", name="iris", project="demo", created=float(number), tags=("best",))
        tx.tasks.add(alone)
        tx.settings.set_parameters(alone.id, [Parameter(section="Args", name="rate", value=0.1)])
    return [add(tx, number, dice) for number in range(90)]


def lowered(text: str) -> str:
    return text.encode().lower().decode()


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def compared(found: Any, test: Compare, value: Any, *, any_kind: bool) -> bool:
    """Whether a value passes, by the words of `Condition`."""
    if found is MISSING:
        return False
    if test is Compare.HAS:
        text = found if isinstance(found, str) else json.dumps(found)
        return lowered(value) in lowered(text)
    if any_kind and not is_number(value):
        if test is Compare.EQUAL:
            return type(found) is type(value) and bool(found == value)
        if not isinstance(found, str):
            return False
        found, value = json.dumps(found)[:200], json.dumps(value)[:200]
    elif any_kind and not is_number(found):
        return False
    ways = {Compare.EQUAL: found == value, Compare.LESS: found < value, Compare.AT_MOST: found <= value,
            Compare.MORE: found > value, Compare.AT_LEAST: found >= value}  # fmt: skip
    return bool(ways[test])


def passes(known: Known, condition: Condition) -> bool:
    if condition.test is Compare.OTHER:
        return not passes(known, replace_test(condition, Compare.EQUAL))
    column = condition.column
    if column == Fact("tags"):
        tags = known.task.tags
        if condition.test is Compare.HAS:
            return any(lowered(value) in lowered(tag[:200]) for tag in tags for value in map(str, condition.values))
        return any(str(value)[:200] == tag[:200] for tag in tags for value in condition.values)
    if column == Fact("text"):
        texts = (known.task.name, known.task.comment, known.pipeline, "demo", json.dumps(known.task.tags))
        return any(lowered(str(value)) in lowered(text) for text in texts for value in condition.values)
    found = known.value(column)
    any_kind = isinstance(column, ParameterColumn)
    return any(compared(found, condition.test, value, any_kind=any_kind) for value in condition.values)


def replace_test(condition: Condition, test: Compare) -> Condition:
    return Condition(condition.column, test, condition.values)


def key(known: Known, sort: Sort) -> tuple[int, Any]:
    """The part of the order in which a run lies, and what it is sorted by there."""
    found = known.value(sort.column)
    if found is MISSING:
        return 2, known.task.created
    if isinstance(sort.column, ParameterColumn) and not is_number(found):
        return 1, json.dumps(found)[:200].encode()
    return 0, found.encode() if isinstance(found, str) else found


def ordered(some: list[Known], sort: Sort) -> list[str]:
    parts: list[list[Known]] = [[], [], []]
    for one in some:
        parts[key(one, sort)[0]].append(one)
    found: list[str] = []
    for number, part in enumerate(parts):
        backwards = sort.descending or number == 2  # what has no value comes newest first
        found += [
            one.task.id for one in sorted(part, key=lambda one: (key(one, sort)[1], one.task.id), reverse=backwards)
        ]
    return found


def pages(tx: SqlTx, wanted: SearchRuns) -> list[str]:
    """Return the ids of all pages."""
    ids: list[str] = []
    while True:
        page = tx.search.runs(wanted)
        ids += [row.run.id for row in page.rows]
        if page.next is None:
            return ids
        assert len(page.rows) == wanted.limit
        assert len(ids) < 1_000, "pages repeat each other"
        wanted = replace(wanted, after=page.next)


def conditions() -> list[Condition]:
    """Every test on every column, with values that are there and values that are not."""
    made = [Condition(RATE, test, (value,)) for test in set(Compare) - {Compare.HAS}
            for value in (0.1, 1, -7.5, "adam", "Ädam", "zz", "x" * 300)]  # fmt: skip
    made += [Condition(RATE, test, (value,)) for test in (Compare.EQUAL, Compare.OTHER) for value in (True, None)]
    made += [Condition(RATE, Compare.HAS, (value,)) for value in ("A", "a%", "_", 'a"', "Äd", "äd", "zed", "x" * 250)]
    made += [
        Condition(RATE, Compare.EQUAL, (0.1, "0.1", None)),
        Condition(RATE, Compare.HAS, ("zed", "dam", "0.1")),
        Condition(ParameterColumn("Args", "x"), Compare.OTHER, (1,)),
    ]
    made += [Condition(MetricColumn("loss", "train", side), test, (0.25,)) for side in Side
             for test in set(Compare) - {Compare.HAS}]  # fmt: skip
    made += [Condition(Fact("tags"), test, (tag,)) for test in (Compare.EQUAL, Compare.OTHER, Compare.HAS)
             for tag in (*TAGS, "BEST", "b%", "no")]  # fmt: skip
    made.append(Condition(Fact("tags"), Compare.EQUAL, ("best", "nightly")))
    made += [Condition(Fact("text"), Compare.HAS, (text,)) for text in ("IRIS", "%", "_b", "sure", "no such")]
    some = (("created", 4.0), ("started", 2.0), ("duration", 1), ("name", "flow"), ("number", 0))
    for name, value in some:
        made += [Condition(Fact(name), test, (value,)) for test in set(Compare) - {Compare.HAS}]
    made.append(Condition(Fact("status"), Compare.EQUAL, ("failed", "stopped")))
    made.append(Condition(Fact("pipeline"), Compare.HAS, ("LOW",)))
    return made


@pytest.mark.parametrize("texts", [1, 3, filters.TEXTS])
def test_a_list_holds_what_its_conditions_hold_for_and_nothing_else(
    tx: SqlTx, world: list[Known], texts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many different texts of a parameter are taken from the index."""
    monkeypatch.setattr(filters, "TEXTS", texts)
    found_some = 0
    for one in conditions():
        check_search(OF_RUNS, (one,), None, (), 9)
        expected = sorted(known.task.id for known in world if passes(known, one))
        assert sorted(pages(tx, SearchRuns(where=(one,), limit=500))) == expected, one
        found_some += 0 < len(expected) < len(world)
    assert found_some > len(conditions()) / 2, "conditions that all or none pass prove little"


@pytest.mark.parametrize("few", [0, 12, search.FEW])
def test_all_conditions_have_to_hold(tx: SqlTx, world: list[Known], few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether one of them leads, the order does, or what is found for all when the order led to too little."""
    monkeypatch.setattr(search, "FEW", few)
    dice, some = random.Random(3), conditions()
    for _ in range(60):
        where = tuple(dice.sample(some, dice.choice((2, 2, 3))))
        sort = Sort(dice.choice(COLUMNS), descending=dice.random() < 0.5)
        expected = ordered([known for known in world if all(passes(known, one) for one in where)], sort)
        assert pages(tx, SearchRuns(where=where, sort=sort, limit=7)) == expected, (where, sort)


FACTS = ("created", "started", "duration", "name", "status", "id", "user", "number")
COLUMNS = [
    *(RATE, MetricColumn("no", "such")),
    *(MetricColumn("loss", "train", side) for side in Side),
    *(Fact(name) for name in FACTS),
]


@pytest.mark.parametrize("few", [0, search.FEW])
def test_pages_follow_each_other_in_the_order_that_is_asked_for(
    tx: SqlTx, world: list[Known], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a condition leads, or the order does."""
    monkeypatch.setattr(search, "FEW", few)
    ways = ((), (Condition(Fact("tags"), Compare.EQUAL, ("best",)),), (Condition(RATE, Compare.MORE, (0,)),))
    for column, descending, where in itertools.product(COLUMNS, (False, True), ways):
        sort = Sort(column, descending=descending)
        expected = ordered([known for known in world if all(passes(known, one) for one in where)], sort)
        assert pages(tx, SearchRuns(where=where, sort=sort, limit=7)) == expected, (sort, where)


def test_archived_runs_are_apart(tx: SqlTx, world: list[Known]) -> None:
    for archived in (True, False):
        expected = {known.task.id for known in world if (ARCHIVED in known.task.system_tags) == archived}
        assert set(pages(tx, SearchRuns(archived=archived))) == expected


def test_what_is_added_meanwhile_moves_nothing_to_another_page(tx: SqlTx, world: list[Known]) -> None:
    dice = random.Random(11)
    for sort in (None, Sort(RATE), Sort(LOSS, descending=True)):
        before = pages(tx, SearchRuns(sort=sort))
        first = tx.search.runs(SearchRuns(sort=sort, limit=40))
        for number in range(20):
            add(tx, number * 2, dice)
        tx.tasks.delete([first.rows[-1].run.id])  # not even the row behind which the page begins is needed
        after = pages(tx, SearchRuns(sort=sort, limit=40, after=first.next))
        known = set(before)
        assert [id for id in after if id in known] == before[40:]


def test_columns_come_along(tx: SqlTx, world: list[Known]) -> None:
    columns = (RATE, MetricColumn("loss", "train", Side.MIN), ParameterColumn("Args", "no"))
    by_id = {known.task.id: known for known in world}
    for row in tx.search.runs(SearchRuns(columns=columns, limit=500)).rows:
        known = by_id[row.run.id]
        rate = None if known.rate is MISSING else known.rate
        assert row.values == (rate, known.sides[Side.MIN], None)
        assert row.run == tx.runs.get(row.run.id)


def test_a_value_that_is_changed_is_found_as_it_is_now(tx: SqlTx) -> None:
    known = add(tx, 1, random.Random(1))
    wanted = {number: SearchRuns(where=(Condition(RATE, Compare.EQUAL, (number,)),)) for number in (5, 6)}
    tx.settings.set_parameters(known.task.id, [Parameter(section="Args", name="rate", value=5)])
    assert pages(tx, wanted[5]) == [known.task.id]
    tx.settings.set_parameters(known.task.id, [Parameter(section="Args", name="rate", value=6.0)])
    assert (pages(tx, wanted[5]), pages(tx, wanted[6])) == ([], [known.task.id])
    tx.tasks.describe(replace(known.task, tags=("new", "new")))
    tagged = [SearchRuns(where=(Condition(Fact("tags"), Compare.EQUAL, (tag,)),)) for tag in ("new", *known.task.tags)]
    assert [pages(tx, one) for one in tagged] == [[known.task.id], *[[] for _ in known.task.tags]]


def test_tasks_that_belong_to_no_run_have_a_list_of_their_own(tx: SqlTx, world: list[Known]) -> None:
    tx.tasks.add(Task(id="a" * 32, name="attempt", project="demo", run=world[0].task.id, step="s"))
    tx.tasks.add(Task(id="b" * 32, name="controller", project="demo", type=TaskType.CONTROLLER, created=9.0))
    page = tx.search.tasks(SearchTasks(columns=(RATE,), limit=4))
    assert [(row.task.name, row.values) for row in page.rows] == [("controller", (None,)), *[("iris", (0.1,))] * 3]
    rest = tx.search.tasks(SearchTasks(columns=(RATE,), limit=4, after=page.next))
    assert ([row.task.id for row in rest.rows], rest.next) == (["1".zfill(32), "0" * 32], None)
    by_rate = tx.search.tasks(SearchTasks(sort=Sort(RATE), where=(Condition(Fact("tags"), Compare.EQUAL, ("best",)),)))
    assert [row.task.id for row in by_rate.rows] == [f"{number:032x}" for number in range(5)]
    assert tx.search.tasks(SearchTasks(where=(Condition(Fact("type"), Compare.EQUAL, ("controller",)),))).rows


@pytest.mark.parametrize("after", ["", "x", "é", "AAAA", "lKgtY3JlYXRlZADLQdrCAfspnxfZ", "x" * 9_999])
def test_a_place_that_is_none_is_refused(tx: SqlTx, after: str) -> None:
    with pytest.raises(Invalid, match="is no place in this list"):
        tx.search.runs(SearchRuns(after=after))


def test_a_place_in_another_order_is_refused(tx: SqlTx, world: list[Known]) -> None:
    place = tx.search.runs(SearchRuns(limit=1)).next
    for sort in (Sort(RATE), Sort(Fact("created")), Sort(Fact("name"), descending=True)):
        with pytest.raises(Invalid, match="is no place in this list"):
            tx.search.runs(SearchRuns(sort=sort, after=place))


def test_what_an_older_database_has_is_found_as_well(path: Path) -> None:
    SqliteStore(path, known=older.BEFORE).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in older.FILLED:
            connection.execute(statement)
    store = SqliteStore(path)
    with store.transaction(writes=False) as tx:
        for query, expected in older.AFTER.items():
            assert [value for (value,) in tx.tasks._session.rows(query)] == expected
    store.close()
