from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from penstock.core.outputs import Artifact, Plot, TableHead
from penstock.store.sqlite import SqliteStore
from penstock.store.transaction import SqlTx


@pytest.fixture
def tx(store: SqliteStore) -> Iterator[SqlTx]:
    with store.transaction(durable=False) as tx:
        yield tx


ARTIFACT = Artifact(
    task="t",
    name="data.frame ' é",
    format="arrow",
    type="pandas.DataFrame",
    hash="h" * 64,
    size=2**40,
    url="file:///x",
    preview="a | b\n1 | 2",
    metadata={"rows": "3", "ключ": "'; --"},
    created=5.5,
)
PLOT = Plot(title="loss", series="train", kind="plotly", iteration=3, data='{"x": [1]}', at=2.5)


def test_an_artifact_comes_back_as_it_was(tx: SqlTx) -> None:
    tx.outputs.add_artifact(ARTIFACT)
    assert tx.outputs.artifacts("t") == [ARTIFACT]
    assert tx.outputs.artifacts("other") == []


def test_the_first_rows_of_a_table_come_back(tx: SqlTx) -> None:
    table = replace(ARTIFACT, table=TableHead(("a", "é"), ("int64", "str"), (("1", ""), ("2", "x"))))
    tx.outputs.add_artifact(table)
    assert tx.outputs.artifacts("t") == [table]


def test_an_artifact_of_the_same_name_is_replaced_and_those_of_other_tasks_stay(tx: SqlTx) -> None:
    other = replace(ARTIFACT, task="u")
    newer = replace(ARTIFACT, hash="n" * 64, created=6.0, metadata={})
    for artifact in (ARTIFACT, other, newer):
        tx.outputs.add_artifact(artifact)
    assert tx.outputs.artifacts("t") == [newer]
    assert tx.outputs.artifacts("u") == [other]


def test_artifacts_come_oldest_first_and_those_of_one_moment_as_they_were_added(tx: SqlTx) -> None:
    for name, created in (("z", 2.0), ("y", 2.0), ("late", 3.0), ("early", 1.0), ("x", 2.0)):
        tx.outputs.add_artifact(replace(ARTIFACT, name=name, created=created))
    assert [one.name for one in tx.outputs.artifacts("t")] == ["early", "z", "y", "x", "late"]


def test_who_stored_something_in_the_name_of_another_task_is_known(tx: SqlTx) -> None:
    artifact = replace(ARTIFACT, maker="step")
    tx.outputs.add_artifact(artifact)
    assert tx.outputs.artifacts("t") == [artifact]
    for one in (ARTIFACT, replace(ARTIFACT, maker="other")):
        tx.outputs.add_artifact(one)
        assert tx.outputs.artifacts("t") == [one], "the last who stored it is its maker"


def test_what_is_removed_is_gone_and_nothing_else(tx: SqlTx) -> None:
    artifacts = [replace(ARTIFACT, name=name) for name in ("x", "y", "z")]
    for one in (*artifacts, replace(ARTIFACT, name="x", task="u")):
        tx.outputs.add_artifact(one)
    tx.outputs.remove_artifacts("t", ["x", "z", "never there"])
    assert tx.outputs.artifacts("t") == [artifacts[1]]
    assert [one.name for one in tx.outputs.artifacts("u")] == ["x"]


def test_a_plot_is_replaced_by_one_of_its_title_series_and_iteration(tx: SqlTx) -> None:
    others = [replace(PLOT, title="x"), replace(PLOT, series="x"), replace(PLOT, iteration=4)]
    newer = replace(PLOT, kind="image", data="f" * 64, at=9.0)
    tx.outputs.add_plots("t", [PLOT, *others])
    tx.outputs.add_plots("t", [newer])
    tx.outputs.add_plots("u", [PLOT])
    assert tx.outputs.plots("t") == [*others, newer]
    assert tx.outputs.plots("u") == [PLOT]


def test_an_image_that_a_figure_replaced_is_not_referred_to_any_more(tx: SqlTx) -> None:
    image = replace(PLOT, kind="image", data="f" * 64)
    tx.outputs.add_plots("t", [image])
    tx.outputs.add_plots("t", [PLOT])
    tx.outputs.add_plots("u", [image])
    assert tx.tasks.delete(["u"]) == ["f" * 64]
