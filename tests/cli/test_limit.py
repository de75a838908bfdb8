"""Limits of tags in the terminal."""

from __future__ import annotations

from penstock.ops.lifecycle import EnqueueTask


def test_limits_are_set_listed_and_removed(recorder, penstock):
    assert "penstock limit set TAG N" in penstock("limit").err
    task = recorder.task("fit", tags=("gpu",))
    recorder.call(EnqueueTask(id=task.id, queue="default"))
    answer = penstock("limit", "set", "gpu", "2")
    assert [line.split() for line in answer.out.splitlines()] == [
        ["TAG", "LIMIT", "RUNNING", "WAITING"],
        ["gpu", "2", "0", "1"],
    ]
    assert penstock("limit", "set", "licence", "1").code == 0
    assert [one["tag"] for one in penstock("limit", "--json").document()["limits"]] == ["gpu", "licence"]
    assert penstock("limit", "remove", "gpu").out.splitlines()[1].split() == ["licence", "1", "0", "0"]
    assert "no tag has a limit" in penstock("limit", "remove", "licence").err


def test_what_is_no_limit_is_an_error(penstock):
    assert penstock("limit", "set", "gpu", "0").code == 2
    assert "no limit for tag 'gpu'" in penstock("limit", "remove", "gpu").err
