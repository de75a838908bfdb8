"""Copies of what a task leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.core.errors import Invalid, PenstockError
from penstock.core.task import Task
from penstock.run.remote.outputs import destination


def task(**facts):
    return Task(id="a" * 32, name="train", project="Research/Vision", **facts)


def test_a_task_that_names_no_place_sends_nothing():
    assert destination(task()) is None
    assert destination(task(output_uri="")) is None


@pytest.mark.parametrize("as_url", [True, False])
def test_a_copy_lies_under_project_name_and_id(tmp_path, as_url):
    (tmp_path / "file").write_bytes(b"bytes")
    root = tmp_path / "out"
    place = destination(task(output_uri=root.as_uri() if as_url else str(root)))
    url = place.send(tmp_path / "file", "artifacts", "numbers", "numbers.json")
    copy = root / "Research" / "Vision" / f"train.{'a' * 32}" / "artifacts" / "numbers" / "numbers.json"
    assert copy.read_bytes() == b"bytes"
    assert url == copy.as_uri()


def test_names_of_anybody_never_lead_out_of_the_place(tmp_path):
    (tmp_path / "file").write_bytes(b"bytes")
    root = tmp_path / "out"
    place = destination(Task(id="a" * 32, name="../../x", project="../..", output_uri=str(root)))
    place.send(tmp_path / "file", "artifacts", "../../../evil", "/etc/passwd")
    found = [path for path in tmp_path.rglob("*") if path.is_file() and path != tmp_path / "file"]
    assert len(found) == 1
    assert Path(root) in found[0].parents


def test_a_place_that_cannot_be_written_or_is_none_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"bytes")
    with pytest.raises(PenstockError, match="cannot write"):
        destination(task(output_uri=str(tmp_path / "file"))).send(tmp_path / "file", "x")
    with pytest.raises(Invalid):
        destination(task(output_uri="gopher://x"))
