"""Operations on models: which tasks have them, who may change them, and when they go."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.errors import Conflict, Invalid, NotFound
from penstock.core.monitor import monitors
from penstock.core.outputs import Blob, Model
from penstock.ops.models import (
    AddModel,
    ArchiveModel,
    ChangeModel,
    DeleteModel,
    FindModels,
    GetModel,
    LinkModel,
    ListModels,
    PublishModel,
    Weights,
)
from penstock.ops.runs import DeleteRun
from penstock.ops.steps import TakeOver
from penstock.ops.tasks import ListProjects

NOBODY = "b" * 32
HASH = "0" * 64


@pytest.fixture
def made(desk):
    """A task and its model."""
    task = desk.task()
    return task, desk.backend.call(AddModel(model=desk.model(task, url="file:///w")))


def imported(desk, **fields):
    facts = {"project": "", "name": "base", "url": "s3://b/base.pt", **fields}
    return desk.backend.call(AddModel(model=Model(id=desk.id(), task="", **facts)))


@pytest.mark.parametrize(
    "op",
    [
        AddModel(model=Model(id=NOBODY, task=NOBODY, project="", name="n", direction="output", url="")),
        ListModels(task=NOBODY),
        GetModel(id=NOBODY),
        ChangeModel(id=NOBODY, task=NOBODY),
        PublishModel(id=NOBODY, task=NOBODY),
        ArchiveModel(id=NOBODY, task=NOBODY),
        LinkModel(task=NOBODY, model=NOBODY, direction="input"),
        DeleteModel(id=NOBODY),
    ],
    ids=lambda op: type(op).__name__,
)
def test_what_is_not_there_is_refused(backend, op):
    with pytest.raises(NotFound, match=f"no (task|model) {NOBODY}"):
        backend.call(op)


def test_models_come_oldest_first_and_belong_to_the_project_of_their_task(desk):
    task = desk.task(project="Vision")
    first = desk.backend.call(AddModel(model=desk.model(task, "net", framework="PyTorch")))
    second = desk.backend.call(AddModel(model=desk.model(task, "net", b"more", project="Shared")))
    assert (first.project, second.project) == ("Vision", "Shared")
    assert desk.backend.call(ListModels(task=task.id)) == [first, second]
    assert "Shared" in desk.backend.call(ListProjects())


def test_one_model_is_the_output_of_one_task_and_the_input_of_others(desk, made):
    task, model = made
    for name in ("", "start"):
        other = desk.task("other")
        linked = desk.backend.call(LinkModel(task=other.id, model=model.id, direction="input", name=name))
        assert linked == replace(model, direction="input", name=name or "net")
        assert desk.backend.call(ListModels(task=other.id)) == [linked]
    assert desk.backend.call(ListModels(task=task.id)) == [model]
    assert len(desk.backend.call(FindModels())) == 1


def test_an_input_model_gives_way_to_the_next_of_its_name_and_outputs_do_not(desk, made):
    _, model = made
    other, base = desk.task("other"), imported(desk)
    for direction in ("input", "output"):
        for one in (model, base, model, base):
            desk.backend.call(LinkModel(task=other.id, model=one.id, direction=direction, name="net"))
    found = desk.backend.call(ListModels(task=other.id))
    assert [(one.id, one.direction) for one in found if one.direction == "input"] == [(base.id, "input")]
    assert sorted(one.id for one in found if one.direction == "output") == sorted((model.id, base.id))


@pytest.mark.parametrize("direction", ["", "outputs"])
def test_a_model_is_an_input_or_an_output(desk, made, direction):
    task, model = made
    with pytest.raises(Invalid, match=f"a model is no '{direction}' of a task"):
        desk.backend.call(LinkModel(task=task.id, model=model.id, direction=direction))
    with pytest.raises(Invalid):
        desk.backend.call(AddModel(model=desk.model(task, direction=direction)))


def test_a_model_is_changed_by_who_names_the_task_that_made_it(desk, made):
    task, model = made
    with pytest.raises(Conflict, match=f"is not of task {NOBODY}"):
        desk.backend.call(ChangeModel(id=model.id, task=NOBODY, name="x"))
    for op in (PublishModel(id=model.id, task=""), ArchiveModel(id=model.id, task="")):
        with pytest.raises(Conflict, match=r"is not of task \(none\)"):
            desk.backend.call(op)
    with pytest.raises(Conflict, match="is not of task"):
        desk.backend.call(AddModel(model=replace(model, task=desk.task("other").id)))
    assert desk.backend.call(ListModels(task=task.id)) == [model]
    weights = Weights(url="s3://b/x", facts={"a": "b"})
    changed = desk.backend.call(ChangeModel(id=model.id, task=task.id, comment="c", weights=weights))
    assert (changed.comment, changed.url, changed.hash, changed.facts) == ("c", "s3://b/x", "", {"a": "b"})
    assert changed.updated > model.updated
    assert desk.backend.call(GetModel(id=model.id)) == changed


def test_recording_a_model_again_replaces_it_and_keeps_its_age(desk, made):
    task, model = made
    again = desk.backend.call(AddModel(model=replace(model, name="other", created=0.0)))
    assert (again.name, again.created) == ("other", model.created)
    assert desk.backend.call(ListModels(task=task.id)) == [again]


def test_a_published_model_stays_as_it_is_but_for_comment_tags_and_archive(desk, made):
    task, model = made
    for _ in range(2):
        published = desk.backend.call(PublishModel(id=model.id, task=task.id))
    assert published.published is not None
    for change in (
        {"name": "x"},
        {"design": "x"},
        {"labels": {"a": 1}},
        {"metadata": {"a": "1"}},
        {"framework": "x"},
        {"weights": Weights(url="file:///other")},
        {"comment": "x", "name": "x"},
    ):
        with pytest.raises(Conflict, match=rf"model {model.id} \('net'\) is published and stays as it is"):
            desk.backend.call(ChangeModel(id=model.id, task=task.id, **change))
    for op in (AddModel(model=model), DeleteModel(id=model.id, force=True)):
        with pytest.raises(Conflict, match="is published"):
            desk.backend.call(op)
    changed = desk.backend.call(ChangeModel(id=model.id, task=task.id, comment="good", tags=("prod",), name="net"))
    assert (changed.comment, changed.tags, changed.published) == ("good", ("prod",), published.published)
    assert desk.backend.call(ArchiveModel(id=model.id, task=task.id)).archived


def test_a_model_without_weights_is_not_published(desk):
    task = desk.task()
    model = desk.backend.call(AddModel(model=desk.model(task, url="")))
    with pytest.raises(Conflict, match="has no weights to publish"):
        desk.backend.call(PublishModel(id=model.id, task=task.id))


def test_a_model_may_be_published_as_it_is_recorded(desk):
    model = Model(id=desk.id(), task="", project="P", name="base", url="s3://b")
    found = desk.backend.call(AddModel(model=model, publish=True))
    assert found.published == desk.backend.call(GetModel(id=model.id)).published == found.created


def test_models_are_found_by_all_that_is_asked_newest_first(desk):
    task = desk.task()
    facts = ({"tags": ("a",)}, {"tags": ("a", "b"), "metadata": {"k": "1", "l": "2"}}, {"name": "x", "tags": ("b",)})
    ids = [
        desk.backend.call(AddModel(model=replace(desk.model(task, **one), created=float(number)))).id
        for number, one in enumerate(facts, 1)
    ]
    first, second, third = ids

    def found(**wanted):
        return [one.id for one in desk.backend.call(FindModels(**wanted))]

    assert found() == [third, second, first]
    assert found(limit=2) == [third, second]
    assert found(limit=0) == []
    assert found(tags=("a",), limit=1) == [second], "the limit counts what the tags let through"
    assert found(tags=("a", "-b")) == [first]
    assert found(tags=("__$all", "a", "b")) == [second]
    assert found(metadata={"k": "1"}) == [second]
    assert found(metadata={"k": "2"}) == []
    assert found(name="x", project="P") == [third]
    desk.backend.call(ArchiveModel(id=third, task=task.id))
    assert found() == [second, first]
    assert found(archived=True) == [third, second, first]
    desk.backend.call(ArchiveModel(id=third, task=task.id, archived=False))
    assert len(found()) == 3
    with pytest.raises(Invalid, match="limit is -1"):
        found(limit=-1)


def test_a_model_that_others_have_is_deleted_by_force_alone(desk, made):
    task, model = made
    others = [desk.task("other") for _ in range(2)]
    desk.backend.call(LinkModel(task=others[0].id, model=model.id, direction="input"))
    with pytest.raises(Conflict, match="cannot be deleted: another task has it"):
        desk.backend.call(DeleteModel(id=model.id))
    desk.backend.call(LinkModel(task=others[1].id, model=model.id, direction="input"))
    with pytest.raises(Conflict, match="2 other tasks have it"):
        desk.backend.call(DeleteModel(id=model.id))
    assert desk.backend.call(DeleteModel(id=model.id, force=True)) == [model.hash]
    for one in (task, *others):
        assert desk.backend.call(ListModels(task=one.id)) == []


def test_a_run_has_what_it_took_over_as_the_same_model(desk):
    run = desk.run("a")
    step = desk.launch(run, "a")
    model = desk.backend.call(AddModel(model=desk.model(step)))
    desk.end(step)
    desk.backend.call(TakeOver(task=step.id, wanted=monitors(models=["net", ["net", "best"]])))
    found = desk.backend.call(ListModels(task=run.id))
    assert [(one.id, one.name, one.task, one.maker) for one in found] == [
        (model.id, "net", step.id, step.id),
        (model.id, "best", step.id, step.id),
    ]
    assert len(desk.backend.call(FindModels())) == 1


def test_deleting_a_run_leaves_its_published_models_and_those_that_others_took_in(desk):
    run = desk.run("a")
    step = desk.launch(run, "a")
    ids = [desk.backend.call(AddModel(model=desk.model(step, blob=f"{number}".encode()))).id for number in range(3)]
    desk.backend.call(PublishModel(id=ids[1], task=step.id))
    other = desk.task("other")
    desk.backend.call(LinkModel(task=other.id, model=ids[2], direction="input"))
    hashes = [desk.backend.call(GetModel(id=id)).hash for id in ids]
    desk.end(step)
    desk.end_run(run)
    assert desk.backend.call(DeleteRun(id=run.id)) == [hashes[0]]
    assert {one.id for one in desk.backend.call(FindModels())} == {ids[1], ids[2]}
    assert desk.backend.blobs.read(Blob(hashes[2], 1)) == b"2"
    assert desk.backend.blobs.stat(hashes[0]) is None
