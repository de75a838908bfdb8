"""What a run shows: whatever becomes of the screen, the run goes on."""

from __future__ import annotations

import io

import pytest

from penstock.core.progress import StepStatus
from penstock.core.run import Run
from penstock.core.task import Status, Task
from penstock.sdk.display import PlainLines, Silent, observer
from penstock.settings import Settings

RUN = Run(task=Task(id="a" * 32, name="flow #2", project="P"), pipeline="flow", project="P", number=2, version="1.0")


def tell(shown, text="made 3"):
    """A short run."""
    shown.begun(RUN, ["load", "train"])
    shown.step("load", StepStatus.RUNNING, 1, "")
    shown.printed("load", [text])
    shown.step("load", StepStatus.FAILED, 1, "no luck")
    shown.step("load", StepStatus.RUNNING, 2, "")
    shown.step("train", StepStatus.QUEUED, 0, "waits")
    shown.step("train", StepStatus.SKIPPED, 0, "parent 'load' failed")
    shown.ended(Run(task=Task(id="a" * 32, name="flow #2", project="P", status=Status.FAILED, message="why"),
                    pipeline="flow", project="P"))  # fmt: skip


def test_plain_lines_tell_the_run_and_what_steps_print(capsys):
    tell(PlainLines())
    printed = capsys.readouterr()
    assert printed.out == "load | made 3\n"
    assert [line.partition("] ")[2] for line in printed.err.splitlines()] == [
        "flow #2 v1.0 (aaaaaaaaaaaa): 2 steps",
        "load: running",
        "load: failed: no luck",
        "load: running (try 2)",
        "train: skipped: parent 'load' failed",
        "flow #2: failed: why",
    ]


def test_silence_shows_nothing(capsys):
    tell(Silent())
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("wanted", "kind"), [("none", Silent), ("plain", PlainLines), ("auto", PlainLines)])
def test_without_a_terminal_there_are_plain_lines(tmp_path, capsys, wanted, kind):
    assert type(observer(Settings(home=tmp_path, workers=1, progress=wanted))) is kind


class Closed(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text):
        raise BrokenPipeError


@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize("stream", [Closed(), None])
def test_a_screen_that_is_gone_does_not_stop_the_run(monkeypatch, capsys, name, stream):
    monkeypatch.setattr(f"sys.{name}", stream)
    tell(PlainLines())
    printed = capsys.readouterr()
    assert "flow #2: failed" in printed.err if name == "stdout" else printed.out == "load | made 3\n"


def test_a_screen_without_a_character_shows_the_rest(monkeypatch):
    """Not the whole output ends at the first letter that an old terminal does not have."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    shown = PlainLines()
    tell(shown, "caf\u00e9")
    shown.printed("load", ["more"])
    lines = written.getvalue().decode("ascii").splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("load | caf")
    assert lines[1] == "load | more"
