"""Operations on runs: their start, their steps, their end; and that the records of them always agree."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from msgspec.structs import replace

from penstock.core.errors import BadPipeline, BadReference, BadTransition, BadVersion, Conflict, Invalid, NotFound
from penstock.core.pipeline import Argument
from penstock.core.run import ARCHIVED, ChangeKind, attempt_id
from penstock.core.task import EndReason, Status, TaskType, Worker
from penstock.ops.changes import ListChanges
from penstock.ops.claims import ClaimTask
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.outputs import AddArtifact, AppendConsole, ListArtifacts
from penstock.ops.runs import ArchiveRun, CreateRun, DeleteRun, EndRun, FindRun, GetRun, ListRuns, ResumeRun, StopRun
from penstock.ops.tasks import GetTask, ListTasks, NewTask
from penstock.store.sqlite import SqliteStore

NOBODY = "b" * 32
START_RUNS = """
import sys, uuid
from pathlib import Path
from penstock.backend import connect
from penstock.core.pipeline import Pipeline
from penstock.core.task import Worker
from penstock.ops.runs import ArchiveRun, CreateRun, StartRun
from penstock.ops.tasks import NewTask
from penstock.settings import Settings

backend = connect(Settings(home=Path(sys.argv[1]), workers=1))
definition = Pipeline(name="flow", project="P")
for _ in range(int(sys.argv[2])):
    new = NewTask(id=uuid.uuid4().hex, name="flow", project="")
    run = backend.call(CreateRun(pipeline="flow", project="P", task=new))
    started = backend.call(StartRun(id=run.id, definition=definition, worker=Worker(host="h", pid=1)))
    print(started.number, started.task.name, sep=":")
"""


# Drafts


def test_a_draft_is_one_task_of_type_controller_in_the_hidden_project(desk):
    """Promises 2 and 4: one task with system tag `pipeline`, in `P/.pipelines/NAME`."""
    run = desk.draft("flow", "P", system_tags=("mine",))
    assert (run.task.type, run.task.status, run.task.project) == (TaskType.CONTROLLER, "created", "P/.pipelines/flow")
    assert run.task.system_tags == ("mine", "pipeline")
    assert (run.number, run.version, run.counts, run.stop_asked) == (0, "", {}, None)
    detail = desk.backend.call(GetRun(id=run.id))
    assert (detail.run, detail.definition.name, detail.steps) == (run, "flow", ())
    assert desk.backend.call(ListTasks()) == [run.task]


def test_a_draft_under_an_id_that_is_taken_is_refused(desk):
    run, task = desk.draft(), desk.task()
    for taken in (run.id, task.id):
        with pytest.raises(Conflict, match=taken):
            desk.backend.call(CreateRun(pipeline="flow", project="P", task=replace(desk.new(), id=taken)))
    assert desk.backend.call(GetTask(id=task.id)) == task
    assert desk.backend.call(ListRuns()) == [run]


# Starting


def test_starting_fixes_the_definition_and_records_the_steps(desk):
    definition = desk.pipeline("load", ("train", ["load"]), ("score", ["train", "load"]))
    run = desk.start(desk.draft(), definition)
    assert (run.task.status, run.number, run.version) == (Status.IN_PROGRESS, 1, "1.0.0")
    assert run.counts == {"pending": 3}
    assert run.task.worker is not None
    assert run.task.started is not None
    detail = desk.backend.call(GetRun(id=run.id))
    assert detail.definition == definition
    assert [(state.name, state.status, state.attempt) for state in detail.steps] == [
        ("load", "pending", 0),
        ("train", "pending", 0),
        ("score", "pending", 0),
    ]
    assert desk.changes(run=run) == [("described", None, "created"), ("status", None, "in_progress")]


@pytest.mark.parametrize("steps", [(), ("a", "b")])
def test_a_run_starts_once(desk, steps):
    run = desk.run(*steps)
    seen = desk.last()
    with pytest.raises(BadTransition, match=f"{run.id} is in_progress; it cannot become in_progress"):
        desk.start(run, desk.pipeline(*steps), version="7")
    desk.end_run(run)
    with pytest.raises(BadTransition, match="it has ended"):
        desk.start(run, desk.pipeline(*steps), version="7")
    after = desk.backend.call(GetRun(id=run.id)).run
    assert (after.version, after.number, after.task.name) == ("1.0.0", 1, "flow")
    assert desk.run().number == 2, "a start that was refused gives out no number"
    assert len(desk.changes(after=seen)) == len(steps) + 3


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        (("a", ("b", ["c"])), BadPipeline, "unknown parent 'c'"),
        ((("a", ["b"]), ("b", ["a"])), BadPipeline, "cycle: "),
        (("a", "a"), BadPipeline, "'a' already exists"),
        (("pipeline",), BadPipeline, "cannot be called 'pipeline'"),
    ],
)
def test_what_cannot_run_is_refused_and_stays_a_draft(desk, steps, error, message):
    """Promises 15 and 17: nothing of it is recorded."""
    run = desk.draft()
    with pytest.raises(error, match=message):
        desk.start(run, desk.pipeline(*steps))
    assert desk.backend.call(GetRun(id=run.id)).steps == ()
    assert desk.backend.call(GetTask(id=run.id)) == run.task
    assert desk.changes() == [("described", None, "created")]


def test_a_reference_to_nothing_is_refused_by_name(desk):
    """Promise 16: the message names step, argument and the nearest step."""
    run, definition = desk.draft(), desk.pipeline("load", "train")
    train = replace(definition.steps[1], arguments={"data": Argument(value=["${laod.id}"])})
    with pytest.raises(BadReference, match=r"step 'train', argument 'data': \$\{laod\.id\}") as caught:
        desk.start(run, replace(definition, steps=(definition.steps[0], train)))
    assert caught.value.hint == "did you mean 'load'?"
    assert desk.changes() == [("described", None, "created")]


def test_parents_that_references_imply_are_recorded(desk):
    """Promise 41: the edge is in the definition."""
    definition = desk.pipeline("load", "train")
    train = replace(definition.steps[1], arguments={"data": Argument(value={"deep": ["id ${load.id}!"]})})
    run = desk.start(desk.draft(), replace(definition, steps=(definition.steps[0], train)))
    assert desk.backend.call(GetRun(id=run.id)).definition.step("train").parents == ("load",)


def test_where_a_run_was_started_is_kept_with_what_was_known_of_it(desk):
    run = desk.draft(runtime={"host": "h", "folder": "old"})
    started = desk.start(run, runtime={"folder": "/new"})
    assert started.task.runtime == {"host": "h", "folder": "/new"}
    assert desk.backend.call(GetTask(id=run.id)) == started.task
    assert desk.run().task.runtime == {}


# Numbers and names


def test_runs_of_a_pipeline_are_numbered(desk):
    """Promise 3: `name`, `name #2`, `name #3`; `add_run_number=False` keeps the name; other pipelines count apart."""
    runs = [desk.run(add_run_number=keep) for keep in (True, True, False, True)]
    assert [run.task.name for run in runs] == ["flow", "flow #2", "flow", "flow #4"]
    assert [run.number for run in runs] == [1, 2, 3, 4]
    assert desk.run(name="other").task.name == "other"
    assert desk.run(project="Q").task.name == "flow"


def test_a_number_is_never_given_out_again(desk):
    first, second = desk.run(), desk.run()
    desk.end_run(second)
    desk.backend.call(DeleteRun(id=second.id))
    assert desk.run().task.name == "flow #3"
    assert first.number == 1


def test_processes_that_start_runs_at_once_get_different_numbers(desk, settings):
    """Promise 3: also when they race."""
    count, each = 5, 6
    command = [sys.executable, "-c", START_RUNS, str(settings.home), str(each)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    given = [line.split(":") for process in started for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in started] == [0] * count
    numbers = sorted(int(number) for number, _ in given)
    assert numbers == list(range(1, count * each + 1))
    assert all(name == ("flow" if number == "1" else f"flow #{number}") for number, name in given)


# Versions


def test_a_run_without_a_version_keeps_that_of_the_same_code_and_raises_that_of_other_code(desk):
    """Promise 6: 1.0.0 at first, the same for the same code, the next one for a changed step or graph."""

    def version(*steps, **options):
        run = desk.draft()
        return desk.start(run, desk.pipeline(*steps, **options)).version

    assert version("a", "b") == "1.0.0"
    assert version("a", "b") == "1.0.0"
    assert version("a", "b", source="def work(): return 1") == "1.0.1"
    assert version("a", ("b", ["a"]), source="def work(): return 1") == "1.0.2"
    assert version("a", ("b", ["a"]), source="def work(): return 1", parameters=["rate"]) == "1.0.3"
    assert version("a", "b") == "1.0.4"


@pytest.mark.parametrize(("asked", "raised"), [("1.0.0", "1.0.1"), ("1.2", "1.3"), ("10", "11")])
def test_a_version_is_raised_when_other_code_had_it_and_that_was_asked_for(desk, asked, raised):
    """Promise 6: twice unchanged keeps it; changed code raises it, with `auto_version_bump` alone."""

    def version(*steps, bump):
        return desk.run(*steps, version=asked, auto_version_bump=bump).version

    assert [version("a", bump=True), version("a", bump=True)] == [asked, asked]
    assert version("a", "b", bump=None) == asked
    assert version("a", "b", "c", bump=False) == asked
    assert version("a", "b", "c", "d", bump=True) == raised
    assert version("a", "b", "c", "d", bump=True) == raised


def test_versions_of_other_pipelines_do_not_count(desk):
    """Promise 6: neither those of other names, nor of other projects, nor of drafts."""
    desk.run("a", version="5.0")
    assert desk.run("b", name="other").version == "1.0.0"
    assert desk.run("b", project="Q").version == "1.0.0"
    desk.draft("fresh")
    assert desk.run("b", name="fresh").version == "1.0.0"


def test_what_is_no_version_is_refused_before_anything_is_recorded(desk):
    """Promise 5: `abc` raises ValueError."""
    run = desk.draft()
    with pytest.raises(BadVersion, match="'abc'"):
        desk.start(run, version="abc")
    assert desk.changes() == [("described", None, "created")]
    assert desk.run().number == 1


# Ends


@pytest.mark.parametrize(
    ("reason", "of_steps"),
    [(EndReason.ABORTED, EndReason.ABORTED), (EndReason.CONTROLLER_LOST, EndReason.CONTROLLER_LOST)],
)
def test_ending_a_run_closes_whatever_is_open_in_one_transaction(desk, reason, of_steps):
    """T11: no child is open under a run that has ended."""
    run = desk.run("done", "running", "queued", "pending", "failed", "skipped")
    done, running = desk.end(desk.launch(run, "done")), desk.launch(run, "running")
    failed = desk.fail(desk.launch(run, "failed"))
    desk.decide(run, "queued", "queued")
    desk.decide(run, "skipped", "skipped", "as it was")
    seen = desk.last()
    ended = desk.end_run(run, Status.STOPPED, reason, "the machine went down")
    assert (ended.task.status, ended.task.reason, ended.task.message) == ("stopped", reason, "the machine went down")
    assert ended.counts == {"completed": 1, "failed": 1, "aborted": 1, "skipped": 3}
    assert desk.statuses(run) == {
        "done": "completed", "running": "aborted", "queued": "skipped", "pending": "skipped", "failed": "failed",
        "skipped": "skipped",
    }  # fmt: skip
    assert desk.states(run)["pending"].reason == "the machine went down"
    assert desk.states(run)["skipped"].reason == "as it was"
    stopped = desk.backend.call(GetTask(id=running.id))
    assert (stopped.status, stopped.reason) == (Status.STOPPED, of_steps)
    assert [desk.backend.call(GetTask(id=one.id)) for one in (done, failed)] == [done, failed]
    assert desk.changes(after=seen, run=run) == [
        ("status", "running", "stopped"),
        ("step", "queued", "skipped"),
        ("step", "pending", "skipped"),
        ("status", None, "stopped"),
    ]


def test_ending_a_run_again_changes_nothing(desk):
    run = desk.run("a")
    ended = desk.end_run(run, Status.FAILED, EndReason.STEP_FAILED, "first")
    seen = desk.last()
    assert desk.end_run(run, Status.FAILED, EndReason.ABORTED, "second") == ended
    for other in (Status.COMPLETED, Status.STOPPED):
        with pytest.raises(BadTransition, match=f"{run.id} is failed; it cannot become {other}"):
            desk.end_run(run, other)
    assert (desk.backend.call(GetRun(id=run.id)).run, desk.last()) == (ended, seen)


def test_an_end_that_is_refused_closes_nothing(desk):
    run = desk.run("a")
    task = desk.launch(run, "a")
    with pytest.raises(BadTransition):
        desk.end_run(run, Status.PUBLISHED)
    assert desk.backend.call(GetTask(id=task.id)) == task
    assert desk.statuses(run) == {"a": "running"}


@pytest.mark.parametrize("status", [Status.CREATED, Status.QUEUED, Status.IN_PROGRESS])
def test_only_an_ending_ends_a_run(desk, status):
    draft, run = desk.draft(), desk.run("a")
    for one in (draft, run):
        with pytest.raises((Invalid, BadTransition)):
            desk.end_run(one, status)
    assert desk.backend.call(GetTask(id=draft.id)).status is Status.CREATED
    assert desk.statuses(run) == {"a": "pending"}


def test_a_late_word_of_an_attempt_cannot_revive_a_run(desk):
    """T51: what comes after the end is refused, and the step stays as it ended."""
    run = desk.run("a")
    task = desk.launch(run, "a")
    desk.end_run(run, Status.STOPPED)
    with pytest.raises(BadTransition, match=f"{task.id} is stopped; it cannot become completed"):
        desk.end(task, artifacts=(desk.artifact(task),))
    assert desk.backend.call(ListArtifacts(task=task.id)) == []
    assert desk.statuses(run) == {"a": "aborted"}


def test_a_run_that_ended_before_it_began_does_not_go_on(desk):
    """Its script left at once, or it was lost with its agents too often: it has no steps yet."""
    draft = desk.draft()
    desk.backend.call(EnqueueTask(id=draft.id, queue="services"))
    desk.backend.call(ClaimTask(agent="one", queues=(), request="r"))
    ended = desk.end_run(draft, Status.FAILED)
    with pytest.raises(Conflict, match="'flow' ended before it began") as caught:
        desk.backend.call(ResumeRun(id=draft.id, worker=Worker(host="h", pid=1), seen=ended.task.worker))
    assert "clone it" in caught.value.hint
    assert desk.backend.call(GetTask(id=draft.id)).status is Status.FAILED


# Stopping


def test_asking_a_run_to_stop_leaves_a_note_and_ends_nothing(desk):
    run = desk.run("a")
    desk.launch(run, "a")
    seen = desk.last()
    asked = desk.backend.call(StopRun(id=run.id, why="enough"))
    assert (asked.stop_asked, asked.task.status) == ("enough", Status.IN_PROGRESS)
    (change,) = desk.backend.call(ListChanges(after=seen, run=run.id))
    assert (change.kind, change.message) == (ChangeKind.STOP_ASKED, "enough")
    assert desk.statuses(run) == {"a": "running"}


def test_a_run_that_waits_in_a_queue_ends_when_it_is_asked_to_stop(desk):
    """T51: nobody carries it out who could hear of it."""
    draft = desk.draft()
    desk.backend.call(EnqueueTask(id=draft.id, queue="services"))
    stopped = desk.backend.call(StopRun(id=draft.id, why="enough")).task
    assert (stopped.status, stopped.reason, stopped.message) == (Status.STOPPED, EndReason.ABORTED, "enough")
    assert desk.backend.call(ClaimTask(agent="one", queues=(), request="r")) is None


def test_a_draft_and_a_run_that_has_ended_cannot_be_stopped(desk):
    """T53: the answer says why nothing will happen."""
    draft, run = desk.draft(), desk.run()
    desk.end_run(run)
    for one, status in ((draft, "created"), (run, "completed")):
        with pytest.raises(Conflict, match=f"'flow' is {status}; only a run in progress can be stopped"):
            desk.backend.call(StopRun(id=one.id))
        assert desk.backend.call(GetRun(id=one.id)).run.stop_asked is None


# Deleting


def filled(desk, name="flow", blob=b"only here"):
    """A run that has ended and left something of every kind."""
    run = desk.run("a", name=name)
    task = desk.launch(run, "a")
    desk.backend.call(AddArtifact(artifact=desk.artifact(run, "input", blob)))
    desk.backend.call(AddArtifact(artifact=desk.artifact(task, "output", b"shared by all")))
    desk.backend.call(AppendConsole(task=task.id, lines=()))
    desk.end(task)
    return desk.end_run(run)


def test_a_run_is_deleted_with_everything_below_it(desk):
    kept, gone = filled(desk, "kept", b"only there"), filled(desk)
    hashes = desk.backend.call(DeleteRun(id=gone.id))
    assert desk.backend.call(ListRuns()) == [kept]
    assert [task.id for task in desk.backend.call(ListTasks(run=gone.id))] == []
    for id in (gone.id, attempt_id(gone.id, "a", 1)):
        with pytest.raises(NotFound, match=id):
            desk.backend.call(GetTask(id=id))
    with pytest.raises(NotFound, match=gone.id):
        desk.backend.call(GetRun(id=gone.id))
    assert len(hashes) == 1, "what another run holds too stays"
    assert desk.backend.blobs.stat(hashes[0]) is None
    (artifact,) = desk.backend.call(ListArtifacts(task=attempt_id(kept.id, "a", 1)))
    assert desk.backend.blobs.stat(artifact.hash) is not None


def test_a_run_that_is_going_or_published_is_not_deleted(desk, settings):
    run = desk.run("a")
    with pytest.raises(Conflict, match="'flow' is in_progress") as caught:
        desk.backend.call(DeleteRun(id=run.id))
    assert "penstock abort" in caught.value.hint
    desk.end_run(run)
    store = SqliteStore(settings.database)
    with store.transaction() as tx:
        tx.tasks.move(run.id, Status.PUBLISHED, now=1.0)
    store.close()
    with pytest.raises(Conflict, match="'flow' is published and stays"):
        desk.backend.call(DeleteRun(id=run.id))
    assert [one.id for one in desk.backend.call(ListRuns())] == [run.id]


def test_a_draft_can_be_deleted(desk):
    draft = desk.draft()
    assert desk.backend.call(DeleteRun(id=draft.id)) == []
    assert desk.backend.call(ListRuns()) == []


def test_deleting_spares_bytes_that_somebody_has_just_stored_anew(desk):
    """Bytes are stored before they are recorded: in between, nothing in the database refers to them."""
    old = filled(desk, blob=b"the same")
    run = desk.run("a", name="new")
    task = desk.launch(run, "a")
    artifact = desk.artifact(task, "x", b"the same")
    desk.backend.call(DeleteRun(id=old.id))
    desk.end(task, artifacts=(artifact,))
    assert desk.backend.blobs.stat(artifact.hash) is not None


# Archiving


def archive(desk, run, archived=True):
    return desk.backend.call(ArchiveRun(id=run.id, archived=archived))


def test_a_run_is_put_out_of_sight_with_its_attempts_and_brought_back(desk):
    run, other = desk.run("a", "b"), desk.run("a")
    task = desk.end(desk.launch(run, "a", system_tags=("mine",)))
    retried = [desk.fail(desk.launch(run, "b")), desk.fail(desk.launch(run, "b", 2))]
    seen_elsewhere = desk.launch(other, "a")
    desk.end_run(run, Status.FAILED)
    before = desk.backend.call(ListTasks())

    archived = archive(desk, run)
    assert archived.task.system_tags == ("pipeline", ARCHIVED)
    assert archive(desk, run) == archived, "once is enough"
    tags = {one.id: one.system_tags for one in desk.backend.call(ListTasks())}
    assert tags[task.id] == ("mine", ARCHIVED)
    assert [tags[one.id] for one in retried] == [(ARCHIVED,)] * 2
    assert [ARCHIVED in tags[one.id] for one in (other, seen_elsewhere)] == [False, False]

    assert ARCHIVED not in archive(desk, run, archived=False).task.system_tags
    assert desk.backend.call(ListTasks()) == before
    assert archive(desk, run, archived=False) == desk.backend.call(GetRun(id=run.id)).run


def test_what_is_archived_is_listed_when_asked_for(desk):
    runs = [desk.end_run(desk.run()) for _ in range(3)]
    archived = archive(desk, runs[1])
    assert desk.backend.call(ListRuns()) == [runs[2], archived, runs[0]]
    assert desk.backend.call(ListRuns(archived=False)) == [runs[2], runs[0]]
    assert desk.backend.call(ListRuns(archived=True)) == [archived]
    assert desk.backend.call(GetRun(id=archived.id)).run == archived
    assert desk.backend.call(FindRun(text="flow #2")) == archived


def test_a_run_that_is_going_is_not_archived(desk):
    run = desk.run("a")
    for archived in (True, False):
        with pytest.raises(Conflict, match="'flow' is in_progress; only one that has ended can be archived") as caught:
            archive(desk, run, archived)
        assert "penstock abort" in caught.value.hint
    assert desk.backend.call(GetRun(id=run.id)).run == run


def test_an_archived_run_can_be_deleted(desk):
    run = desk.end_run(desk.run("a"))
    archive(desk, run)
    desk.backend.call(DeleteRun(id=run.id))
    assert desk.backend.call(ListRuns(archived=True)) == []


# Finding


def test_a_run_is_found_by_what_people_say(desk):
    first, second, other = desk.run(), desk.run(), desk.run(name="iris")
    draft = desk.draft("later")
    for text, run in {
        "last": other,
        " last\n": other,
        first.id: first,
        first.id.upper(): first,
        "flow": first,
        "flow #2": second,
        "flow#2": second,
        "flow #1": first,
        "iris": other,
        "later": draft,
    }.items():
        assert desk.backend.call(FindRun(text=text)).id == run.id, text


def test_the_beginning_of_an_id_is_enough_while_it_fits_one(backend, desk):
    for id in ("abcdef" + "0" * 26, "abc123" + "0" * 26):
        backend.call(CreateRun(pipeline="flow", project="P", task=NewTask(id=id, name="flow", project="")))
    assert backend.call(FindRun(text="ABC1")).id.startswith("abc123")
    assert backend.call(FindRun(text="abcd")).id.startswith("abcdef")
    with pytest.raises(NotFound, match="'abc'"):
        backend.call(FindRun(text="abc"))


def test_a_text_that_may_mean_several_runs_names_them(backend, desk):
    for tail in "123":
        id = f"abcd{tail}" + "0" * 27
        backend.call(CreateRun(pipeline="flow", project="P", task=NewTask(id=id, name=f"flow{tail}", project="")))
    with pytest.raises(Invalid, match="'abcd' may mean several runs: ") as caught:
        backend.call(FindRun(text="abcd"))
    for tail in "123":
        assert f"abcd{tail}0000000 (flow{tail})" in caught.value.message
    assert caught.value.hint == "give more of the id"


@pytest.mark.parametrize("text", ["nothing", "flow #3", "", "last", "f" * 32, "flow'; DROP TABLE runs", "%", "flow #"])
def test_a_text_that_means_no_run_is_repeated(desk, text):
    if text != "last":
        desk.run()
    with pytest.raises(NotFound, match=f"^there is no run {re.escape(repr(text))}"):
        desk.backend.call(FindRun(text=text))


def test_a_draft_is_never_the_last_run(desk):
    run = desk.run()
    desk.draft()
    assert desk.backend.call(FindRun(text="last")).id == run.id


def test_runs_are_listed_newest_first_through_every_filter(desk):
    runs = [desk.run("a"), desk.run("a"), desk.run("a", project="Q"), desk.run(name="other"), desk.draft()]
    desk.end_run(runs[0])

    def ids(**filters):
        return [run.id for run in desk.backend.call(ListRuns(**filters))]

    def expected(*numbers):
        return [runs[number].id for number in numbers]

    assert ids() == expected(4, 3, 2, 1, 0)
    assert ids(pipeline="flow") == expected(4, 2, 1, 0)
    assert ids(pipeline="flow", project="P") == expected(4, 1, 0)
    assert ids(statuses=(Status.COMPLETED, Status.CREATED)) == expected(4, 0)
    assert ids(statuses=()) == []
    assert ids(limit=2) == expected(4, 3)
    assert desk.backend.call(ListRuns(statuses=(Status.COMPLETED,)))[0].counts == {"skipped": 1}


@pytest.mark.parametrize(
    "op",
    [
        GetRun(id=NOBODY),
        EndRun(id=NOBODY, status=Status.FAILED),
        StopRun(id=NOBODY),
        DeleteRun(id=NOBODY),
        ArchiveRun(id=NOBODY),
    ],
)
def test_a_run_that_is_not_there_is_named(backend, op):
    with pytest.raises(NotFound, match=f"no run {NOBODY}"):
        backend.call(op)


def test_a_task_that_is_no_run_is_no_run(desk):
    task = desk.task()
    for op in (GetRun(id=task.id), EndRun(id=task.id, status=Status.FAILED), StopRun(id=task.id)):
        with pytest.raises(NotFound, match=f"no run {task.id}"):
            desk.backend.call(op)


def test_a_definition_comes_back_as_it_was(desk):
    """Values of every kind that JSON knows, and some that it does not."""
    values = ["${a.id}", 1, 0.1, 1e300, True, None, "é\n\u2028", {"": [[]]}, 2**63 - 1, "\ud800"]
    definition = desk.pipeline("a", "b")
    b = replace(definition.steps[1], arguments={str(n): Argument(value=one) for n, one in enumerate(values)})
    run = desk.start(desk.draft(), replace(definition, steps=(definition.steps[0], b)))
    found = desk.backend.call(GetRun(id=run.id)).definition.step("b").arguments
    assert [found[str(number)].value for number in range(len(values))] == values
    assert json.dumps([one.value for one in found.values()])
