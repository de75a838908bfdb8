"""Transactions on PostgreSQL: whole or not at all, as if each writer were alone, whatever dies in the middle."""

from __future__ import annotations

import os
import signal
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from postgresql import Cluster
from records import EVERYTHING, TASK, add_two, count

from penstock.core.errors import StoreError, TryAgain
from penstock.core.outputs import Artifact
from penstock.core.search import Compare, Condition, Fact, Sort
from penstock.core.task import Task, TaskType
from penstock.ops.search import SearchRuns
from penstock.ops.tasks import ListTasks
from penstock.store import search
from penstock.store.postgres import store as module
from penstock.store.postgres.connections import cut_off
from penstock.store.postgres.store import PostgresStore
from penstock.store.transaction import SqlTx

PARTS = 3  # artifacts that a writer adds besides its task and its change


def write(store: PostgresStore, work: Callable[[SqlTx], object], *, in_turn: bool = False) -> object:
    """Carry out work in one transaction, as the service does."""

    def unit() -> object:
        with store.transaction() as tx:
            return work(tx)

    return store.repeated(unit, in_turn=in_turn)


def at_once(number: int, work: Callable[[int], object]) -> None:
    """Carry out work in so many threads at once; fail when one of them does."""
    failures: list[BaseException] = []
    start = threading.Barrier(number)

    def guarded(mine: int) -> None:
        try:
            start.wait()
            work(mine)
        except BaseException as error:  # noqa: BLE001 - a thread's failure is shown by the test
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(mine,)) for mine in range(number)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []


@pytest.mark.parametrize("durable", [True, False])
def test_what_is_written_is_there_when_the_store_is_opened_again(postgres_url: str, durable: bool) -> None:
    store = PostgresStore(postgres_url)
    with store.transaction(durable=durable) as tx:
        add_two(tx, "a")
    store.close()
    store = PostgresStore(postgres_url)
    assert count(store) == (1, 1)
    store.close()


def test_a_failure_that_somebody_passed_over_is_no_success(store: PostgresStore) -> None:
    def careless() -> None:
        with store.transaction() as tx:
            tx.tasks.add(TASK)
            with suppress(Exception):
                tx.tasks._session.run("SELECT 1 / 0")

    with pytest.raises(RuntimeError, match="nothing was recorded"):
        careless()
    assert count(store)[0] == 0


def test_a_reading_transaction_sees_one_moment_and_cannot_write(store: PostgresStore) -> None:
    with store.transaction(writes=False) as tx:
        assert tx.tasks.list(ListTasks()) == []
        at_once(1, lambda _: write(store, lambda other: other.tasks.add(TASK)))
        assert tx.tasks.list(ListTasks()) == []
    assert count(store)[0] == 1
    with pytest.raises(RuntimeError, match="only reads"), store.transaction(writes=False) as tx:
        tx.tasks.add(Task(id="u", name="x", project="p"))
    assert count(store)[0] == 1


def test_only_what_may_be_lost_is_not_synced(store: PostgresStore) -> None:
    for durable in (True, False, True):
        with store.transaction(durable=durable) as tx:
            assert tx.tasks._session.rows("SHOW synchronous_commit") == [("on" if durable else "off",)]


def test_rows_are_walked_in_the_order_of_a_search_unless_a_condition_finds_them(store: PostgresStore) -> None:
    """Where many rows pass, its statistics, which know one column at a time, would have all of them sorted."""
    with store.transaction() as tx:
        tx.tasks.add(Task(id="r", name="flow", project="p", type=TaskType.CONTROLLER, tags=("best",)))
        tx.runs.add("r", "p", "flow")
    tagged = Condition(column=Fact("tags"), test=Compare.EQUAL, values=("best",))
    asked = (SearchRuns(), SearchRuns(sort=Sort(Fact("name"))), SearchRuns(where=(tagged,)))
    for wanted, setting in zip(asked, ("off", "off", "on"), strict=True):
        with store.transaction(writes=False) as tx:
            assert [row.run.id for row in tx.search.runs(wanted).rows] == ["r"]
            assert tx.tasks._session.rows("SHOW enable_sort") == [(setting,)]
    with store.transaction(writes=False) as tx:
        assert tx.tasks._session.rows("SHOW enable_sort") == [("on",)]


def test_what_walking_leaves_wanting_is_looked_up_as_the_database_likes(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEW", 0)  # so that nothing leads, and nothing is found by walking
    with store.transaction() as tx:
        tx.tasks.add(Task(id="r", name="flow", project="p", type=TaskType.CONTROLLER, tags=("best",)))
        tx.runs.add("r", "p", "flow")
    tagged = Condition(column=Fact("tags"), test=Compare.EQUAL, values=("best",))
    named = Condition(column=Fact("pipeline"), test=Compare.EQUAL, values=("flow",))
    with store.transaction(writes=False) as tx:
        assert [row.run.id for row in tx.search.runs(SearchRuns(where=(tagged, named))).rows] == ["r"]
        assert tx.tasks._session.rows("SHOW enable_sort") == [("on",)]
        assert tx.tasks._session.rows("SHOW join_collapse_limit") != [("1",)]


def test_a_mistake_in_our_sql_is_not_taken_for_a_fault_of_the_database(store: PostgresStore) -> None:
    with pytest.raises(Exception, match="nowhere") as caught, store.transaction() as tx:
        tx.tasks._session.run("SELECT * FROM nowhere")
    assert not isinstance(caught.value, StoreError)


def test_what_was_read_before_it_was_written_is_still_so(store: PostgresStore) -> None:
    """Two who each add what the other has not seen yet: one of them sees it when it is carried out again."""
    meet, runs = threading.Barrier(2), {0: 0, 1: 0}

    def add_the_next(mine: int) -> None:
        def work(tx: SqlTx) -> None:
            runs[mine] += 1
            names = tx.projects.list(hidden=True)
            if runs[mine] == 1:
                meet.wait()
            tx.projects.ensure(str(len(names)), 1.0)

        write(store, work)

    at_once(2, add_the_next)
    assert sum(runs.values()) == 3, "one of them was carried out again"
    with store.transaction(writes=False) as tx:
        assert tx.projects.list(hidden=True) == ["0", "1"]


def test_a_deadlock_is_dissolved_and_both_get_through(store: PostgresStore) -> None:
    write(store, lambda tx: [tx.tasks.add(Task(id=id, name="x", project="p")) for id in "ab"])
    meet, first = threading.Barrier(2), {0: True, 1: True}

    def cross(mine: int) -> None:
        def work(tx: SqlTx) -> None:
            tx.tasks.rename("ab"[mine], str(mine))
            if first[mine]:
                first[mine] = False
                meet.wait()
            tx.tasks.rename("ba"[mine], str(mine))

        write(store, work)

    at_once(2, cross)
    with store.transaction(writes=False) as tx:
        assert tx.tasks.get("a").name == tx.tasks.get("b").name


@pytest.mark.parametrize("in_turn", [False, True])
def test_threads_that_want_the_same_row_all_get_through_and_none_gets_what_another_has(
    store: PostgresStore, in_turn: bool
) -> None:
    numbers: list[object] = []

    def work(_: int) -> None:
        mine = (write(store, lambda tx: tx.runs.next_number("p", "shared"), in_turn=in_turn) for _ in range(10))
        numbers.extend(mine)

    at_once(8, work)
    assert sorted(numbers) == list(range(1, 81))


def test_those_in_turn_never_have_to_be_carried_out_again(store: PostgresStore) -> None:
    write(store, lambda tx: tx.runs.next_number("p", "shared"))
    tries: list[int] = []

    def work(mine: int) -> None:
        def once(tx: SqlTx) -> None:
            tries.append(mine)
            tx.runs.next_number("p", "shared")

        for _ in range(5):
            write(store, once, in_turn=True)

    at_once(6, work)
    assert len(tries) == 30


def test_a_turn_that_cannot_be_given_back_does_not_undo_what_was_done(store: PostgresStore, monkeypatch) -> None:
    import psycopg

    execute = psycopg.Connection.execute

    def execute_and_lose(self: psycopg.Connection, query, *rest, **more):
        if query == module._GIVE_TURN:
            cut_off(self)
        return execute(self, query, *rest, **more)

    monkeypatch.setattr(psycopg.Connection, "execute", execute_and_lose)
    numbers = [write(store, lambda tx: tx.runs.next_number("p", "shared"), in_turn=True) for _ in range(3)]
    assert numbers == [1, 2, 3]


def test_who_never_gets_through_gives_up_and_says_why(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, patience=0.05)
    tries: list[None] = []

    def unit() -> None:
        tries.append(None)
        raise TryAgain("another one came in between")

    with pytest.raises(TryAgain, match="in between"):
        store.repeated(unit)
    assert len(tries) > 2
    store.close()


def test_changes_are_seen_in_the_order_of_their_numbers(store: PostgresStore) -> None:
    """A reader that goes on after the last number it saw must miss nothing, however many write at once."""
    done = threading.Event()
    seen: list[int] = []

    def follow() -> None:
        while not done.is_set() or not caught_up():
            with store.transaction(writes=False) as tx:
                seen.extend(one.seq for one in tx.changes.after(seen[-1] if seen else 0, None, 1000))

    def caught_up() -> bool:
        with store.transaction(writes=False) as tx:
            return bool(seen) and tx.changes.last() == seen[-1]

    def work(mine: int) -> None:
        for number in range(30):
            write(store, lambda tx, number=number: add_two(tx, f"{mine} {number}"))

    reader = threading.Thread(target=follow)
    reader.start()
    at_once(6, work)
    done.set()
    reader.join()
    assert len(seen) == len(set(seen)) == 180


def test_a_change_waits_until_the_one_before_it_can_be_seen(store: PostgresStore) -> None:
    """The one before has its number, and hangs before its commit; nobody may get the next one and be seen first."""
    numbered, go_on = threading.Event(), threading.Event()

    def slow(tx: SqlTx) -> None:
        add_two(tx, "slow")
        tx.changes.last()  # the change is written now, and has its number
        numbered.set()
        go_on.wait()

    first = threading.Thread(target=write, args=(store, slow))
    first.start()
    numbered.wait()
    second = threading.Thread(target=write, args=(store, lambda tx: add_two(tx, "quick")))
    second.start()
    second.join(0.3)
    assert second.is_alive()
    assert count(store) == (0, 0)
    go_on.set()
    first.join()
    second.join()
    with store.transaction(writes=False) as tx:
        assert [one.task for one in tx.changes.after(0, None, 10)] == ["slow", "quick"]


def test_many_processes_write_and_read_at_once(postgres_url: str, child, gate) -> None:
    writers, each = 6, 15
    start = gate()

    def add(writer: int) -> None:
        start.wait()
        store = PostgresStore(postgres_url)
        for number in range(each):

            def work(tx: SqlTx, id: str = f"{writer} {number}") -> None:
                add_two(tx, id)
                tx.runs.next_number("p", "shared")

            write(store, work)
        store.close()

    def read() -> None:
        start.wait()
        store = PostgresStore(postgres_url)
        while True:
            mark = store.waiter.mark()
            tasks, changes = count(store)
            assert tasks == changes
            if tasks == writers * each:
                break
            store.waiter.wait(mark, 10.0)
        store.close()

    children = [child(lambda number=number: add(number)) for number in range(writers)]
    children += [child(read) for _ in range(2)]
    start.open()
    for one in children:
        one.join()
    store = PostgresStore(postgres_url)
    assert write(store, lambda tx: tx.runs.next_number("p", "shared")) == writers * each + 1
    store.close()


def write_for_ever(url: str, number: int, acknowledge: int) -> None:
    store = PostgresStore(url)
    while True:

        def work(tx: SqlTx, id: str = str(number)) -> None:
            add_two(tx, id)
            for part in range(PARTS):
                tx.outputs.add_artifact(
                    Artifact(task=id, name=str(part), format="f", type="t", hash="h" * 64, size=1, url="u")
                )

        write(store, work)
        os.write(acknowledge, struct.pack("I", number))
        number += 1


@pytest.mark.uncovered
def test_killing_writers_loses_nothing_that_was_acknowledged_and_leaves_nothing_by_half(postgres_url: str) -> None:
    acknowledged: set[int] = set()
    store = PostgresStore(postgres_url)
    for turn in range(8):
        output, acknowledge = os.pipe()
        pid = os.fork()
        if pid == 0:
            with suppress(BaseException):
                write_for_ever(postgres_url, turn * 100_000, acknowledge)
            os._exit(1)
        os.close(acknowledge)
        some = os.read(output, 4 * (1 + turn))  # it is at work
        os.kill(pid, signal.SIGKILL)
        with os.fdopen(output, "rb") as rest:
            said = some + rest.read()
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        acknowledged |= {number for (number,) in struct.iter_unpack("I", said)}
        write(store, lambda tx: tx.runs.next_number("p", "shared"))  # nobody is held up by what died
    with store.transaction(writes=False) as tx:
        there = {task.id for task in tx.tasks.list(ListTasks(limit=EVERYTHING))}
        assert {change.task for change in tx.changes.after(0, None, EVERYTHING)} == there
        rows = tx.tasks._session.rows("SELECT task, COUNT(*) FROM artifacts GROUP BY task")
        assert dict(rows) == dict.fromkeys(there, PARTS)
    assert {str(number) for number in acknowledged} <= there
    assert len(acknowledged) >= 8
    store.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_a_server_that_is_started_anew_in_the_middle_costs_only_time(
    postgres_server: Cluster, store: PostgresStore, how: int
) -> None:
    """Four writers go on through two restarts: each of their units is carried out once, and none is lost.

    Of a commit that was under way when the server crashed nobody can tell; who asked for it is told so.
    """
    written: set[str] = set()
    unknown: set[str] = set()
    enough = threading.Event()

    def work(mine: int) -> None:
        number = 0
        while not enough.is_set():
            id = f"{mine} {number}"

            def unit(tx: SqlTx, id: str = id) -> None:
                assert tx.tasks.find(id) is None, "it was carried out before"
                add_two(tx, id)

            try:
                write(store, unit)
                written.add(id)
            except StoreError as error:
                if "whether it was is not known" not in error.message:
                    raise
                unknown.add(id)
            number += 1

    def wait_for_more() -> None:
        goal = len(written) + 20
        while len(written) < goal and writers.is_alive():
            time.sleep(0.005)

    writers = threading.Thread(target=at_once, args=(4, work))
    writers.start()
    for _ in range(2):
        wait_for_more()
        postgres_server.stop(how)
        postgres_server.start()
    wait_for_more()
    enough.set()
    writers.join()
    with store.transaction(writes=False) as tx:
        there = {task.id for task in tx.tasks.list(ListTasks(limit=EVERYTHING))}
    assert written <= there <= written | unknown
    assert not unknown or how is signal.SIGQUIT
    assert count(store) == (len(there), len(there))


@pytest.mark.parametrize("committed", [True, False])
def test_a_connection_that_is_lost_during_the_commit_leaves_no_doubt(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    """The answer to COMMIT never comes: what became of it is asked on another connection."""
    import psycopg

    execute = psycopg.Connection.execute
    lost: list[str] = []

    def execute_and_lose(self: psycopg.Connection, query, *rest, **more):
        if query == b"COMMIT" and not lost:
            lost.append(query)
            if committed:
                execute(self, query)
            cut_off(self)
        return execute(self, query, *rest, **more)

    monkeypatch.setattr(psycopg.Connection, "execute", execute_and_lose)
    tries: list[None] = []

    def work(tx: SqlTx) -> None:
        tries.append(None)
        add_two(tx, "a")

    write(store, work)
    assert lost
    assert len(tries) == (1 if committed else 2)
    assert count(store) == (1, 1)


def test_a_commit_of_which_nobody_can_tell_is_an_error_that_says_so(
    postgres_url: str, terminate, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PostgresStore(postgres_url, patience=0.1)
    monkeypatch.setattr(PostgresStore, "_status", lambda self, number, life: None)
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.01)

    def work(tx: SqlTx) -> None:
        tx.tasks.add(TASK)
        tx.tasks._session.run("SELECT 'mark'")
        assert terminate("SELECT ''mark''") == 1

    with pytest.raises(StoreError, match="whether it was is not known"):
        write(store, work)
    store.close()


def test_a_number_from_before_a_crash_tells_nothing_after_it(postgres_server: Cluster, store: PostgresStore) -> None:
    """The server may give it again, to a transaction that has nothing to do with the one that was lost."""

    def number_and_life() -> tuple[str, str]:
        with store._connections.connect() as connection:
            row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
            assert row
            return row[0], store._connections.life(connection)

    number, life = number_and_life()
    assert store._status(number, life) == "committed"
    postgres_server.stop(signal.SIGINT)
    postgres_server.start()
    assert store._status(number, life) == "committed"
    postgres_server.stop(signal.SIGQUIT)
    postgres_server.start()
    assert store._status(number, life) == "forgotten"


def test_a_connection_that_is_lost_before_the_commit_means_again(store: PostgresStore, terminate) -> None:
    tries: list[None] = []

    def work(tx: SqlTx) -> None:
        tries.append(None)
        add_two(tx, "a")
        if len(tries) == 1:
            tx.tasks._session.run("SELECT 'mark'")
            assert terminate("SELECT ''mark''") == 1
            tx.tasks.find("a")

    write(store, work)
    assert len(tries) == 2
    assert count(store) == (1, 1)


def test_a_closed_store_says_so(store: PostgresStore) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="was closed"), store.transaction():
        pass


def test_the_queries_that_are_asked_all_the_time_are_answered_from_an_index(store: PostgresStore) -> None:
    queries = [
        "SELECT * FROM tasks WHERE id = 'a'",
        "SELECT * FROM tasks WHERE run = 'a' ORDER BY position",
        "SELECT * FROM tasks WHERE project = 'a' ORDER BY position DESC LIMIT 5",
        "SELECT * FROM tasks ORDER BY position DESC LIMIT 5",
        "SELECT * FROM tasks WHERE id >= 'a' AND id < 'b'",
        "SELECT * FROM steps WHERE run = 'a' AND name = 'b'",
        "SELECT * FROM changes WHERE run = 'a' AND seq > 5 ORDER BY seq LIMIT 5",
        "SELECT * FROM changes WHERE seq > 5 ORDER BY seq LIMIT 5",
        "SELECT * FROM console WHERE run = 'a' AND id > 5 ORDER BY id LIMIT 5",
        "SELECT COALESCE(MAX(seq), 0) FROM changes",
        "SELECT * FROM artifacts WHERE task = 'a'",
        "SELECT * FROM scalar_chunks WHERE series = 5 ORDER BY id",
        "SELECT * FROM runs WHERE pipeline = 'a' AND project = 'b' AND number > 0 ORDER BY number",
    ]
    with store.transaction() as tx:
        tx.tasks._session.run("SET LOCAL enable_seqscan = off")
        for query in queries:
            plan = " ".join(row[0] for row in tx.tasks._session.rows(f"EXPLAIN {query}"))
            assert "Index" in plan, query
            assert "Seq Scan" not in plan, query


def test_rows_behind_one_that_failed_can_be_written_later(postgres_url: str) -> None:
    """They are another statement where they hold values of other types, and were never prepared in its pipeline."""
    store = PostgresStore(postgres_url)
    add = "INSERT INTO queues (name, paused, most, created) VALUES (?, 0, ?, 0)"
    with suppress(RuntimeError), store.transaction():
        raise RuntimeError  # what is undone first has the driver forget all that is prepared: here that is nothing
    with store.transaction() as tx:
        tx.queues._session.run(add, "a", None)
    with pytest.raises(StoreError, match="duplicate key"), store.transaction() as tx:
        tx.queues._session.run_many(add, [("a", 1), ("b", None)])
    with store.transaction() as tx:
        tx.queues._session.run_many(add, [("b", None), ("c", None)])
        found = tx.queues._session.rows("SELECT name FROM queues WHERE LENGTH(name) = 1 ORDER BY name")
        assert [name for (name,) in found] == ["a", "b", "c"]
    store.close()
