"""How a script's task begins: as a new one, as the last one used again, or as one that goes on."""

from __future__ import annotations

import sys
import time
from types import ModuleType

import pytest

from penstock import Task
from penstock.core.errors import Conflict, NotFound
from penstock.core.task import Script, TaskType
from penstock.ops.lifecycle import BeginTask
from penstock.run import liveness
from penstock.sdk import session
from penstock.sdk.task import beginning


def ended(begin, **options):
    task = begin(**options)
    task.close()
    return task


def test_the_last_task_is_used_again_and_what_it_recorded_is_forgotten(begin):
    first = begin(tags="old")
    first.set_parameter("General/x", 1)
    first.set_user_properties(seen="yes")
    first.set_configuration_object("net", config_text="deep")
    first.get_logger().report_scalar("loss", "train", 1.0, 0)
    first.set_progress(50)
    first.close()
    again = begin(tags="new")
    assert again.id == first.id
    assert (again.status, again.get_parameters()) == ("in_progress", {})
    assert list(again.get_configuration_objects()) == ["Environment"]
    assert (again.get_reported_scalars(), again.get_progress()) == ({}, 0)
    assert again.get_tags() == ["old", "new"]


def test_a_task_of_another_project_name_or_type_is_another(begin):
    first = ended(begin)
    for other in ({"name": "other"}, {"project": "Q"}, {"task_type": "testing"}):
        assert ended(begin, **other).id != first.id


def test_what_left_something_is_not_used_again(begin, tmp_path):
    first = begin()
    first.upload_artifact("x", 1)
    first.close()
    second = begin()
    assert second.id != first.id
    (tmp_path / "w").write_text("w")
    second.upload_model("net", str(tmp_path / "w"))
    second.close()
    assert ended(begin).id not in {first.id, second.id}


@pytest.mark.parametrize("put_away", ["archive", "publish"])
def test_what_was_put_away_is_not_used_again(begin, put_away):
    first = ended(begin)
    getattr(first, put_away)()
    assert begin().id != first.id


def test_what_ended_long_ago_is_not_used_again(begin, monkeypatch):
    first = ended(begin)
    later = time.time() + beginning.REUSED_WITHIN + 1
    monkeypatch.setattr(beginning.time, "time", lambda: later)
    assert begin().id != first.id


def test_a_task_is_used_again_only_where_that_is_wished(begin):
    first = ended(begin)
    second = ended(begin, reuse_last_task_id=False)
    assert second.id != first.id
    assert begin(reuse_last_task_id=first.id).id == first.id


def test_of_two_scripts_that_start_at_once_one_gets_another_task(begin, monkeypatch):
    """The other process takes the last task between the look at it and the reset."""
    first = ended(begin)
    judged = beginning._is_reusable

    def taken_meanwhile(last):
        found = judged(last)
        elsewhere = liveness.here()
        first.reset()
        session.backend().call(BeginTask(id=first.id, worker=type(elsewhere)(host="elsewhere", pid=1)))
        return found

    monkeypatch.setattr(beginning, "_is_reusable", taken_meanwhile)
    assert begin().id != first.id


def test_a_task_goes_on_with_all_that_it_recorded(begin):
    first = begin()
    first.get_logger().report_scalar("loss", "train", 3.0, 7)
    first.set_parameter("General/x", 1)
    first.upload_artifact("x", 1)
    first.close()
    again = begin(continue_last_task=True)
    assert (again.id, again.status, again.get_initial_iteration()) == (first.id, "in_progress", 8)
    again.get_logger().report_scalar("loss", "train", 2.0, 0)
    again.flush()
    assert again.get_reported_scalars()["loss"]["train"]["x"] == [7, 8]
    assert again.get_parameters() == {"General/x": 1}
    assert list(again.artifacts) == ["x"]


@pytest.mark.parametrize(("number", "offset"), [(0, 0), (100, 100)])
def test_a_number_says_what_is_added_to_iterations(begin, number, offset):
    first = begin()
    first.get_logger().report_scalar("loss", "train", 3.0, 7)
    first.close()
    again = begin(continue_last_task=number)
    assert (again.id, again.get_initial_iteration()) == (first.id, offset)


def test_a_certain_task_goes_on(begin):
    first = ended(begin)
    ended(begin, reuse_last_task_id=False)
    assert begin(name="whatever", continue_last_task=first.id).id == first.id
    assert Task.current_task().get_initial_iteration() == 0


def test_what_cannot_go_on_says_so(begin):
    with pytest.raises(NotFound):
        begin(continue_last_task="f" * 32)
    first = ended(begin)
    first.publish()
    with pytest.raises(Conflict, match="published"):
        begin(continue_last_task=first.id)
    assert Task.current_task() is None


def test_where_there_is_nothing_to_go_on_with_a_task_begins(begin):
    assert begin(continue_last_task=True).status == "in_progress"


def test_a_task_without_a_name_is_called_like_its_script(home, tmp_path, monkeypatch):
    main = ModuleType("__main__")
    main.__file__ = str(tmp_path / "train_it.py")
    (tmp_path / "train_it.py").write_text("1")
    monkeypatch.setitem(sys.modules, "__main__", main)
    found = beginning.wanted(None, None, TaskType.TRAINING, (), True)
    assert (found.name, found.project, found.output_uri) == ("train_it", "Untitled", None)


@pytest.mark.parametrize(
    ("address", "project"), [("https://host/team/tool.git", "tool"), ("/home/ada/tool/", "tool"), (None, "Untitled")]
)
def test_a_task_without_a_project_is_in_that_of_its_repository(address, project):
    assert beginning._project_of(Script(repository=address)) == project


def test_environment_variables_of_interest_are_recorded_and_secrets_are_not(home, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("MY_API_TOKEN", "hidden")
    monkeypatch.setenv("PENSTOCK_LOG_ENVIRONMENT", "MY_*")
    text = beginning._environment().text
    assert "OMP_NUM_THREADS='3'" in text.splitlines()
    assert "MY_API_TOKEN='********'" in text.splitlines()
    assert "hidden" not in text
