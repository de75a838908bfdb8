from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from penstock.core.errors import NotFound
from penstock.core.outputs import Artifact, Model, Plot
from penstock.core.task import Task
from penstock.ops.models import FindModels
from penstock.store.migrate import migrations
from penstock.store.sqlite import SqliteStore
from penstock.store.transaction import SqlTx


@pytest.fixture
def tx(store: SqliteStore) -> Iterator[SqlTx]:
    with store.transaction(durable=False) as tx:
        yield tx


MODEL = Model(
    id="m1",
    task="t",
    project="p",
    name="model ' é",
    direction="output",
    url="file:///m",
    hash="m" * 64,
    size=2**40,
    framework="sklearn",
    comment="best",
    tags=("a", "b c"),
    labels={"кот": 1, "dog": -(2**40)},
    metadata={"k": "'; --"},
    metadata_types={"k": "str"},
    facts={"format": "file"},
    design="{}",
    published=3.5,
    archived=True,
    created=1.5,
    updated=2.5,
)
ALONE = {"direction": "", "maker": ""}


def test_a_model_comes_back_as_it_was(tx: SqlTx) -> None:
    tx.models.add(MODEL)
    assert tx.models.of_task("t") == [MODEL]
    assert tx.models.get("m1") == tx.models.find("m1") == replace(MODEL, **ALONE)
    assert (tx.models.of_task("other"), tx.models.find("m2")) == ([], None)
    with pytest.raises(NotFound, match="there is no model m2"):
        tx.models.get("m2")


def test_models_come_back_oldest_first_and_may_share_a_name(tx: SqlTx) -> None:
    second = replace(MODEL, id="m2", created=0.5)
    third = replace(MODEL, id="m3", task="other")
    for model in (MODEL, second, third):
        tx.models.add(model)
    assert tx.models.of_task("t") == [second, MODEL]


def test_input_models_come_as_they_were_linked_whenever_they_were_made(tx: SqlTx) -> None:
    for id, created in (("m1", 3.0), ("m2", 1.0), ("m3", 2.0)):
        tx.models.add(replace(MODEL, id=id, created=created))
        tx.models.link("u", id, "input", f"in {id}", "")
    assert [(one.name, one.direction, one.task) for one in tx.models.of_task("u")] == [
        (f"in m{number}", "input", "t") for number in (1, 2, 3)
    ]


def test_recording_a_model_again_replaces_it_everywhere(tx: SqlTx) -> None:
    tx.models.add(MODEL)
    tx.models.link("u", "m1", "input", "start", "v")
    tx.models.add(replace(MODEL, name="renamed", tags=()))
    assert tx.models.of_task("t") == [replace(MODEL, name="renamed", tags=())]
    tx.models.update(replace(MODEL, name="again"))
    assert tx.models.of_task("t") == [replace(MODEL, name="again")]
    assert tx.models.of_task("u") == [replace(MODEL, name="start", direction="input", maker="v")]


def test_who_stored_a_model_in_the_name_of_another_task_is_known(tx: SqlTx) -> None:
    for maker in ("step", "", "other"):
        model = replace(MODEL, maker=maker)
        tx.models.add(model)
        assert tx.models.of_task("t") == [model], "the last who stored it is its maker"


def test_a_model_of_no_task_is_in_no_list(tx: SqlTx) -> None:
    tx.models.add(replace(MODEL, task=""))
    assert (tx.models.of_task(""), tx.models.tasks("m1")) == ([], [])
    assert tx.models.get("m1").name == MODEL.name


def test_models_are_found_by_what_is_asked_newest_first(tx: SqlTx) -> None:
    plain = replace(MODEL, archived=False, published=None)
    for number, fields in enumerate(
        ({}, {"project": "q"}, {"name": "x"}, {"url": "s3://b"}, {"published": 1.0}, {"archived": True}), 1
    ):
        tx.models.add(replace(plain, id=f"m{number}", created=float(-number), **fields))

    def found(**wanted: object) -> list[str]:
        return [one.id for one in tx.models.search(FindModels(**wanted))]

    assert found() == ["m1", "m2", "m3", "m4", "m5"]
    assert found(archived=True) == ["m1", "m2", "m3", "m4", "m5", "m6"]
    assert found(project="q") == ["m2"]
    assert found(name="x") == ["m3"]
    assert found(url="s3://b") == ["m4"]
    assert found(published=True) == ["m5"]
    assert found(project="q", name="x") == []
    tx.models.add(replace(plain, id="same moment", created=-1.0))
    assert found()[:2] == ["same moment", "m1"]


def test_unlinking_takes_away_that_link_alone(tx: SqlTx) -> None:
    tx.models.add(replace(MODEL, published=None))
    for task, direction, name in (
        ("u", "output", "x"),
        ("u", "output", "y"),
        ("u", "input", "x"),
        ("v", "output", "x"),
    ):
        tx.models.link(task, "m1", direction, name, "")
    tx.models.unlink("u", "output", [("m1", "x"), ("never there", "x")])
    assert [(one.direction, one.name) for one in tx.models.of_task("u")] == [("input", "x"), ("output", "y")]
    assert tx.models.tasks("m1") == ["t", "u", "v"]


def test_a_model_goes_with_the_last_link_of_the_task_that_made_it(tx: SqlTx) -> None:
    plain = replace(MODEL, published=None)
    for one in (plain, replace(plain, id="m2"), replace(MODEL, id="m3"), replace(plain, id="m4", task="")):
        tx.models.add(one)
    for id in ("m2", "m4"):
        tx.models.link("u", id, "output", "x", "")
    tx.models.unlink("t", "output", [(id, MODEL.name) for id in ("m1", "m2", "m3")])
    tx.models.unlink("u", "output", [("m4", "x")])
    assert [id for id in ("m1", "m2", "m3", "m4") if tx.models.find(id)] == ["m2", "m3", "m4"]


def test_deleting_a_model_tells_whether_its_blob_is_needed(tx: SqlTx) -> None:
    for number in range(1, 6):
        tx.models.add(replace(MODEL, id=f"m{number}", hash=str(min(number, 4)) * 64 if number < 5 else ""))
    tx.models.add(replace(MODEL, id="twin", hash="2" * 64))
    tx.outputs.add_artifact(
        Artifact(task="u", name="x", format="file", type="pathlib.Path", hash="3" * 64, size=1, url="")
    )
    tx.outputs.add_plots("u", [Plot(title="t", series="s", kind="image", iteration=1, data="4" * 64)])
    unused = {id: tx.models.delete(id) for id in ("m1", "m2", "m3", "m4", "m5")}
    assert unused == {"m1": ["1" * 64], "m2": [], "m3": [], "m4": [], "m5": []}
    assert tx.models.delete("twin") == ["2" * 64]
    assert tx.models.of_task("t") == []
    with pytest.raises(NotFound):
        tx.models.delete("m1")


def test_a_task_that_is_deleted_leaves_the_models_that_others_have(tx: SqlTx) -> None:
    plain = replace(MODEL, published=None)
    for id in ("t", "u", "v"):
        tx.tasks.add(Task(id=id, name=id, project="p"))
    for one in (
        replace(plain, id="own", hash="1" * 64),
        replace(plain, id="shared", hash="2" * 64),
        replace(MODEL, id="published", hash="3" * 64),
        replace(plain, id="imported", task="", hash="4" * 64),
    ):
        tx.models.add(one)
    tx.models.link("u", "shared", "input", "start", "")
    tx.models.link("t", "imported", "input", "start", "")
    assert tx.tasks.delete(["t"]) == ["1" * 64]
    left = [one.id for one in tx.models.search(FindModels(archived=True))]
    assert sorted(left) == ["imported", "published", "shared"]
    assert [one.id for one in tx.models.of_task("u")] == ["shared"]
    assert tx.tasks.delete(["v"]) == []
    assert tx.tasks.delete(["u"]) == ["2" * 64]
    assert tx.models.find("shared") is None


def test_a_model_of_tasks_that_are_deleted_together_goes_however_many_they_are(tx: SqlTx) -> None:
    tx.models.add(replace(MODEL, published=None))
    ids = [f"{number:032x}" for number in range(1203)]
    for id in ids:
        tx.models.link(id, "m1", "input", "x", "")
    assert tx.tasks.delete([*ids[:700], "t", *ids[700:]]) == [MODEL.hash]
    assert tx.models.find("m1") is None
    assert tx.models._session.rows("SELECT 1 FROM model_links") == []


def old_database(path: Path) -> None:
    """What version 0.1 left: a step's models, and the copies that its run took over."""
    SqliteStore(path, known=migrations()[:2]).close()
    connection = sqlite3.connect(path)
    rows = (
        ("m1", "step", "net", "output", "h1", 2.0, '{"format": "file", "file_name": "w.pt"}', ""),
        ("m2", "step", "net", "output", "h2", 1.0, "{}", ""),
        ("m3", "step", "start", "input", "h3", 1.0, "{}", ""),
        ("m4", "run", "best", "output", "h1", 2.0, "{}", "step"),
    )
    connection.executemany(
        """INSERT INTO models (id, task, project, name, direction, hash, size, framework, created, url, tags, metadata,
            comment, maker) VALUES (?, ?, 'p', ?, ?, ?, 7, 'PyTorch', ?, 'file:///x', '["a"]', ?, 'é', ?)""",
        [(*row[:6], *row[6:]) for row in rows],
    )
    connection.commit()
    connection.close()


def test_the_models_of_an_older_database_are_all_there(path: Path) -> None:
    old_database(path)
    store = SqliteStore(path)
    with store.transaction() as tx:
        step, run = tx.models.of_task("step"), tx.models.of_task("run")
        assert [(one.id, one.name, one.direction, one.maker) for one in step] == [
            ("m3", "start", "input", ""),
            ("m2", "net", "output", ""),
            ("m1", "net", "output", ""),
        ]
        assert [(one.id, one.name, one.task, one.maker) for one in run] == [("m4", "best", "run", "step")]
        assert step[-1] == Model(
            id="m1",
            task="step",
            project="p",
            name="net",
            direction="output",
            url="file:///x",
            hash="h1",
            size=7,
            framework="PyTorch",
            comment="é",
            tags=("a",),
            facts={"format": "file", "file_name": "w.pt"},
            created=2.0,
            updated=2.0,
        )
        tx.models.add(replace(MODEL, id="new", created=2.0, archived=False))
        newest, *_ = tx.models.search(FindModels())
        assert newest.id == "new", "of those of one moment it came last"
        assert tx.tasks.delete(["step"]) == ["h2", "h3"]
        assert [one.id for one in tx.models.of_task("run")] == ["m4"]
    store.close()
    before = sqlite3.connect(path.with_name(f"{path.name}.before-0003"))
    assert before.execute("SELECT COUNT(*) FROM models").fetchone() == (4,)
    before.close()
