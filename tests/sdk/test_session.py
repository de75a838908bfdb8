"""How a process reaches the system."""

from __future__ import annotations

import os

from penstock import PipelineController
from penstock.ops.runs import ListRuns
from penstock.run import current
from penstock.sdk import session


def test_a_home_is_opened_once_a_process(home):
    first = session.open_backend(session.settings())
    assert session.open_backend(session.settings()) is first
    assert session.backend() is first


def test_settings_are_those_of_the_moment(home, monkeypatch, tmp_path):
    assert session.settings().home == home
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "other"))
    assert session.settings().home == tmp_path / "other"
    assert session.backend() is session.open_backend(session.settings())
    assert (tmp_path / "other" / "penstock.db").exists()


def test_what_the_process_works_on_decides_over_the_settings(home, monkeypatch, tmp_path):
    pipe = PipelineController("flow", "Tests")
    mine = session.backend()
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "other"))
    assert session.backend() is mine
    assert [run.id for run in session.backend().call(ListRuns())] == [pipe.id]
    current.put(None)
    assert session.backend().call(ListRuns()) == []


def test_a_fork_of_the_process_opens_its_own(home):
    """What was open in the parent must not be used by the child."""
    PipelineController("flow", "Tests")
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            found = [run.pipeline for run in session.backend().call(ListRuns())]
            os.write(writable, ",".join(found).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writable)
    with os.fdopen(readable) as answer:
        assert answer.read() == "flow"
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(session.backend().call(ListRuns())) == 1
