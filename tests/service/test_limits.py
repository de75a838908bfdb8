"""Lists show somebody the projects that they may see, and no other; a limit counts what is shown."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.access import Identity, Scope, lies_in
from penstock.core.cachekey import KeyParts
from penstock.core.code import Code
from penstock.core.errors import Forbidden, NotFound
from penstock.core.run import ChangeKind
from penstock.core.task import Status, Task
from penstock.ops.changes import ListChanges
from penstock.ops.executions import Keyed, ListExecutions
from penstock.ops.models import AddModel, FindModels
from penstock.ops.runs import EndRun, FindRun, ListRuns
from penstock.ops.tasks import DescribeTask, GetTask, ListProjects, ListTasks
from penstock.store.sqlite import SqliteStore

PROJECTS = ("P", "P/x", "p/x", "P2", "Px", "Ä/ö", "%", "_", "P%")
PARTS = st.text("ab%_ÄP", min_size=1, max_size=2)
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


def of(*projects):
    return Identity(name="ada", scope=Scope.READ, projects=projects)


@pytest.fixture
def world(desk):
    """In every project a task, a run with an attempt under a cache key, and a model."""
    for project in PROJECTS:
        made = desk.task(project)
        desk.backend.call(DescribeTask(id=made.id, project=project))
        run = desk.run("a", name="flow", project=project)
        desk.launch(run, "a", keyed=Keyed(key=project, parts=KeyParts(code=Code("d", {}))))
        desk.backend.call(AddModel(model=desk.model(made, project, project=project)))
    return desk


def visible(*projects):
    return {one for one in PROJECTS if any(lies_in(one, above) for above in projects)}


@pytest.mark.parametrize("projects", [("P",), ("P/x",), ("%",), ("_",), ("Ä",), ("P2", "Px"), ("none",), ("P/",)])
def test_a_list_holds_what_lies_in_the_projects_and_nothing_else(world, projects):
    who, expected = of(*projects), visible(*projects)
    call = world.backend.call
    assert {one.name for one in call(ListTasks(alone=True), who)} == expected
    assert {one.name for one in call(ListTasks(alone=True, pattern="."), who)} == expected
    assert {one.project for one in call(ListRuns(), who)} == expected
    assert {one.name for one in call(FindModels(), who)} == expected
    assert {one.keyed.key for one in call(ListExecutions(), who)} == expected
    assert {one for one in call(ListProjects(), who) if one in PROJECTS} == expected
    assert all(any(lies_in(one, above) for above in projects) for one in call(ListProjects(hidden=True), who))
    tasks = {one.id for one in call(ListTasks(), who)}
    assert {one.task for one in call(ListChanges(), who)} <= tasks
    kinds = Counter(one.kind for one in call(ListChanges(), who))
    told = (*(ChangeKind.DESCRIBED,) * 3, ChangeKind.STATUS, ChangeKind.STATUS, ChangeKind.MODEL)
    assert kinds == Counter(told * len(expected))


def test_a_key_for_all_projects_sees_all(world):
    for who in (of(), None):
        assert len(world.backend.call(ListRuns(), who)) == len(PROJECTS)
        assert len(world.backend.call(ListChanges(), who)) == 6 * len(PROJECTS)


def test_a_limit_counts_what_is_shown_and_not_what_is_hidden(world):
    """The tasks of the first project are the oldest: a limit that counted hidden ones would show none."""
    assert [one.name for one in world.backend.call(ListTasks(alone=True, limit=1), of("P"))] == ["P/x"]
    assert [one.name for one in world.backend.call(FindModels(limit=1), of("P"))] == ["P/x"]
    assert [one.project for one in world.backend.call(ListRuns(limit=1), of("P"))] == ["P/x"]


@pytest.mark.parametrize("text", ["last", "flow", "flow #1"])
def test_a_run_is_found_by_name_among_those_that_may_be_seen(world, text):
    found = world.backend.call(FindRun(text=text), of("Px"))
    assert found.project == "Px"
    with pytest.raises(NotFound):
        world.backend.call(FindRun(text=text), of("none"))


def test_a_run_that_may_not_be_seen_is_not_found_by_its_id_either(world):
    (hidden,) = world.backend.call(ListRuns(project="P2"))
    for text in (hidden.id, hidden.id[:31]):  # ids count up here: among all of them this beginning is not the only one
        assert world.backend.call(FindRun(text=text), of("P2")).id == hidden.id
    with pytest.raises(NotFound, match=f"there is no run '{hidden.id}'"):
        world.backend.call(FindRun(text=hidden.id), of("P"))


def test_the_changes_of_a_run_that_may_not_be_seen_are_refused_before_anybody_waits(world):
    (hidden,) = world.backend.call(ListRuns(project="P2"))
    with pytest.raises(Forbidden):
        world.backend.call(ListChanges(run=hidden.id, after=10**9, wait=100_000.0), of("P"))


def test_what_archives_a_run_reaches_all_that_belongs_to_it(world):
    """The limit is for lists that are shown, not for what an operation does on the way."""
    run = world.run("b", name="wide", project="P")
    attempt = world.launch(run, "b")
    world.backend.call(DescribeTask(id=attempt.id, comment="elsewhere"))
    with SqliteStore(world.backend._service._store.path).transaction() as tx:
        tx.tasks._session.run("UPDATE tasks SET project = 'Q' WHERE id = ?", attempt.id)
    editor = Identity(name="ada", scope=Scope.WRITE, projects=("P",))
    world.backend.call(EndRun(id=run.id, status=Status.COMPLETED), editor)
    assert world.backend.call(GetTask(id=attempt.id)).status is Status.STOPPED


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = SqliteStore(tmp_path_factory.mktemp("home") / "penstock.db")
    yield opened
    opened.close()


@given(st.lists(PATHS, min_size=1, max_size=6, unique=True), st.lists(PATHS, min_size=1, max_size=3))
def test_the_database_and_the_policy_agree_on_what_lies_where(store, projects, limits):
    with suppress(InterruptedError), store.transaction(durable=False) as tx:
        for number, project in enumerate(projects):
            tx.projects.ensure(project, 0.0)
            tx.tasks.add(Task(id=str(number), name="n", project=project))
        tx.limit_to(tuple(limits))
        found = {one.project for one in tx.tasks.list(ListTasks())}
        assert found == {one for one in projects if any(lies_in(one, above) for above in limits)}
        raise InterruptedError
