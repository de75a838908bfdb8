"""The rows of the audit log, and that those who add at the same time make one chain."""

from __future__ import annotations

from penstock.core.audit import Entry, Mark, follow
from penstock.ops.audit import ListAudit
from penstock.store.sqlite import SqliteStore

FACTS = {"kind": "user", "key": "k", "address": "", "operation": "EndRun", "object": "o", "digest": "d"}


def entry(who="ada", at=1.5, result="done", **facts):
    return Entry(seq=0, at=at, who=who, result=result, **{**FACTS, **facts})


def test_rows_come_back_as_they_were_numbered_and_chained(store):
    with store.transaction() as tx:
        assert tx.audit.end() == Mark(0, "")
        for who in ("ada", "bob", "ä"):
            tx.audit.append(entry(who))
        found = tx.audit.after(0, 10)
        assert [(one.seq, one.who, one.at) for one in found] == [(1, "ada", 1.5), (2, "bob", 1.5), (3, "ä", 1.5)]
        assert follow(Mark(), found) == (tx.audit.end(), "")
        assert [one.seq for one in tx.audit.after(1, 1)] == [2]


def test_what_was_undone_leaves_no_gap(store, undone):
    with store.transaction() as tx:
        tx.audit.append(entry())
    with undone() as tx:
        tx.audit.append(entry())
    with store.transaction() as tx:
        tx.audit.append(entry())
        assert [one.seq for one in tx.audit.after(0, 9)] == [1, 2]


def test_every_filter_lets_through_what_it_names(store):
    with store.transaction() as tx:
        tx.audit.append(entry("ada"))
        tx.audit.append(entry("bob", result="forbidden"))
        tx.audit.append(entry("bob", operation="DeleteRun", object="x", key="y"))

        def seqs(**filters):
            return [one.seq for one in tx.audit.list(ListAudit(**filters))]

        assert seqs() == [3, 2, 1]
        assert seqs(who="bob") == [3, 2]
        assert seqs(refused=True) == [2]
        assert seqs(refused=False) == [3, 1]
        assert seqs(operation="DeleteRun") == seqs(object="x") == seqs(key="y") == [3]
        assert seqs(before=3, limit=1) == [2]
        assert seqs(who="'; DROP TABLE audit --") == []


def test_processes_that_add_at_the_same_time_make_one_chain(store, path, child, gate):
    opened = gate()

    def work():
        opened.wait()
        mine = SqliteStore(path)
        for number in range(25):
            with mine.transaction(durable=False) as tx:
                tx.audit.append(entry(str(number)))
        mine.close()

    children = [child(work) for _ in range(4)]
    opened.open()
    for one in children:
        one.join()
    with store.transaction(writes=False) as tx:
        assert follow(Mark(), tx.audit.after(0, 1000)) == (tx.audit.end(), "")
        assert tx.audit.end().seq == 100
