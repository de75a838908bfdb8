"""The check of an installation."""

from __future__ import annotations

import os
import sys
import uuid

import pytest

from penstock.core.task import Status
from penstock.ops.lifecycle import BeginTask
from penstock.ops.tasks import CreateTask, GetTask, NewTask
from penstock.run.environments import environment_for, kept
from penstock.run.interpreters import here


def verdicts(answer):
    return {check["name"]: check["verdict"] for check in answer.document()["checks"]}


def found(answer, name):
    return next(check["found"] for check in answer.document()["checks"] if check["name"] == name)


def test_a_sound_installation_has_no_problem(recorder, penstock):
    recorder.complete({"a": []})
    recorder.draft()
    answer = penstock("doctor", "--json")
    assert answer.code == 0
    assert set(verdicts(answer).values()) == {"ok"}
    assert found(answer, "runs") == "1 run, 1 draft"
    assert found(answer, "lost runs") == "none"
    assert "forking" in found(answer, "steps")
    assert "msgspec" in found(answer, "libraries")


def test_it_is_written_for_people_too(recorder, penstock):
    answer = penstock("doctor")
    assert answer.code == 0
    assert all(line.startswith(("✓ ", "! ")) for line in answer.out.splitlines() if "hint:" not in line)


def test_a_home_that_is_not_there_yet_is_no_problem_and_is_not_made(home, penstock):
    answer = penstock("doctor", "--json")
    assert answer.code == 0
    assert "not there yet" in found(answer, "home")
    assert not home.exists()


@pytest.mark.parametrize(("name", "mode"), [("home", 0o755), ("database file", 0o644)])
def test_what_others_may_read_is_a_problem(recorder, home, penstock, name, mode):
    path = home if name == "home" else home / "penstock.db"
    path.chmod(mode)
    answer = penstock("doctor", "--json")
    assert verdicts(answer)[name] == "problem"
    assert answer.code == 1
    (hint,) = [check["hint"] for check in answer.document()["checks"] if check["hint"]]
    assert hint == f"chmod {mode & 0o700:o} {path}"


def test_a_database_that_is_none_is_a_problem(recorder, home, penstock):
    recorder.backend.close()
    (home / "penstock.db").write_bytes(b"not a database" * 1000)
    answer = penstock("doctor", "--json")
    assert answer.code == 1
    assert verdicts(answer)["database"] == "problem"


def test_a_run_whose_process_is_gone_is_found_and_ended(recorder, penstock, dead_worker):
    run = recorder.run({"a": []}, worker=dead_worker)
    answer = penstock("doctor", "--json")
    assert answer.code == 1
    assert verdicts(answer)["lost runs"] == "problem"
    assert recorder.status(run) is Status.IN_PROGRESS
    fixed = penstock("doctor", "--fix", "--json")
    assert fixed.code == 0
    assert run.id[:12] in found(fixed, "lost runs")
    assert recorder.status(run) is Status.STOPPED


def test_a_task_of_a_script_whose_process_is_gone_is_found_and_ended(recorder, penstock, dead_worker):
    new = NewTask(id=uuid.uuid4().hex, name="train", project="Examples")
    task = recorder.call(CreateTask(task=new))
    recorder.call(BeginTask(id=task.id, worker=dead_worker))
    answer = penstock("doctor", "--json")
    assert (answer.code, verdicts(answer)["lost tasks"], verdicts(answer)["lost runs"]) == (1, "problem", "ok")
    fixed = penstock("doctor", "--fix", "--json")
    assert fixed.code == 0
    assert found(fixed, "lost tasks") == f"ended 1 task whose process was gone: train ({task.id[:12]})"
    assert recorder.call(GetTask(id=task.id)).status is Status.STOPPED


def test_it_says_what_environments_take_and_removes_those_long_unused(recorder, home, penstock, wheels):
    for version in ("1.0", "2.0"):
        environment_for((f"shade=={version}",), here(), home / "cache", wheels.how).close()
    answer = penstock("doctor", "--json")
    assert found(answer, "environments").startswith("2 environments for tasks, ")
    old = min((home / "cache" / "environments").glob("*.lock"))
    os.utime(old, (0, 0))
    assert "removed" not in found(penstock("doctor", "--json"), "environments")
    assert "removed 1" in found(penstock("doctor", "--fix", "--json"), "environments")
    assert len(kept(home / "cache")) == 1


def test_a_machine_without_uv_is_warned(recorder, penstock, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("penstock.run.uv.sys.executable", str(tmp_path / "python"))
    monkeypatch.setitem(sys.modules, "uv", None)
    (check,) = [one for one in penstock("doctor", "--json").document()["checks"] if one["name"] == "environments"]
    assert check["verdict"] == "warning"
    assert "uv" in check["found"]
    assert "pip install" in check["hint"]
