"""Where a task stands, and what its owner says about that."""

from __future__ import annotations

import threading

import pytest

from penstock import PipelineController, Task
from penstock.core.errors import Conflict, NotFound, StepFailed
from penstock.sdk import session


@pytest.fixture
def task(home):
    return Task.create("P", "work", script=__file__, packages=[], force_single_script_file=True)


@pytest.fixture
def pipe(home):
    return PipelineController("flow", "Tests")


def test_its_owner_says_how_it_went(task):
    task.mark_started()
    assert task.status == "in_progress"
    task.mark_failed(status_message="the data were bad")
    assert (task.status, task.get_status(), task.get_status_message()) == ("failed", "failed", "the data were bad")
    task.mark_completed()
    assert (task.status, task.get_status_message()) == ("completed", "")
    task.mark_stopped(status_message="enough")
    assert (task.get_status(), task.get_status_message()) == ("stopped", "enough")


def test_the_short_words_say_the_same(task):
    task.started()
    task.stopped()
    assert task.status == "stopped"
    task.completed()
    assert task.status == "completed"


def test_a_draft_has_no_end(task):
    for mark in (task.mark_completed, task.mark_failed, task.mark_stopped, task.publish):
        with pytest.raises(Conflict):
            mark()
    assert task.get_status() == "created"


def test_what_is_published_stays(task):
    task.mark_started()
    task.mark_completed()
    task.publish()
    for change in (task.mark_failed, task.reset, task.mark_started):
        with pytest.raises(Conflict):
            change()
    assert task.get_status() == "published"


def test_a_reset_forgets_what_it_recorded_and_keeps_what_it_was_asked(task):
    task.set_parameter("General/x", 1)
    task.mark_started()
    task.upload_artifact("x", 1)
    task.set_progress(40)
    task.mark_failed()
    task.reset()
    assert (task.status, task.artifacts, task.get_progress()) == ("created", {}, 0)
    assert task.get_parameters() == {"General/x": 1}
    task.reset(set_started_on_success=True)
    assert task.status == "in_progress"


def test_progress_is_kept_between_0_and_100(task):
    assert task.get_progress() == 0
    for said, kept in ((40, 40), (-5, 0), (250, 100), (33.9, 33)):
        task.set_progress(said)
        assert task.get_progress() == kept
    task.set_progress(None)
    assert task.get_progress() == 0
    task.mark_started()
    task.mark_completed()
    assert task.get_progress() == 100


def test_the_progress_of_a_run_is_the_part_of_its_steps_that_have_ended(pipe):
    assert pipe.task.get_progress() == 0
    pipe.add_function_step("a", one)
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert pipe.task.get_progress() == 100


def one():
    return 1


def test_waiting_returns_as_soon_as_it_stands_as_wished(task):
    """Several threads wait at once; each hears it."""
    returned = []
    task.mark_started()

    def wait():
        mine = Task.get_task(task.id)
        mine.wait_for_status(check_interval_sec=10_000)
        returned.append(mine.status)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    task.mark_completed()
    for thread in threads:
        thread.join(timeout=60)
    assert returned == ["completed"] * 3


def test_waiting_raises_where_it_stands_as_feared(task):
    task.mark_started()
    task.mark_failed(status_message="it broke")
    with pytest.raises(StepFailed, match="it broke"):
        task.wait_for_status()
    task.wait_for_status(status="failed", raise_on_status=None)


def test_waiting_ends_when_the_task_is_deleted(task):
    failures = []

    def wait():
        try:
            Task.get_task(task.id).wait_for_status()
        except NotFound as error:
            failures.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert task.delete()
    thread.join(timeout=60)
    assert len(failures) == 1


def test_what_has_not_begun_is_not_asked_to_stop(task, pipe):
    with pytest.raises(Conflict, match="is a draft"):
        task.mark_stop_request()
    with pytest.raises(Conflict):
        pipe.task.mark_stop_request()


@pytest.mark.parametrize("of_run", [False, True])
def test_what_is_archived_comes_back(task, pipe, of_run):
    found = pipe.task if of_run else task
    found.archive()
    assert (found.get_archived(), Task.get_task(found.id).get_archived()) == (True, True)
    assert found.get_system_tags() == (["pipeline", "archived"] if of_run else ["archived"])
    found.unarchive()
    assert (found.get_archived(), Task.get_task(found.id).get_archived()) == (False, False)


def test_a_task_is_deleted_with_its_bytes(task):
    task.upload_artifact("x", "some bytes of its own")
    file = session.backend().blobs.path(task.artifacts["x"].hash)
    assert file.exists()
    assert task.delete() is True
    with pytest.raises(NotFound):
        Task.get_task(task.id)
    assert not file.exists()


def test_a_run_is_deleted_with_its_steps(pipe):
    pipe.add_function_step("a", one)
    pipe.start_locally(run_pipeline_steps_locally=True)
    step = pipe.get_pipeline_dag()["a"].task_id
    assert Task.get_task(step).delete() is False
    with pytest.raises(Conflict, match="attempt of step 'a'"):
        Task.get_task(step).delete(raise_on_error=True)
    assert pipe.task.delete() is True
    for id in (pipe.id, step):
        with pytest.raises(NotFound):
            Task.get_task(id)


def test_what_is_published_is_deleted_by_force_alone(task):
    task.mark_started()
    task.mark_completed()
    task.publish()
    assert task.delete() is False
    assert task.delete(force=True) is True
