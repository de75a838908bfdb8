"""What steps printed."""

from __future__ import annotations

import os

import pytest

from penstock.core.task import Status
from penstock.ops.runs import FindRun


@pytest.fixture
def printed(recorder):
    run = recorder.run({"load": [], "train": ["load"]})
    load, train = recorder.attempt(run, "load"), recorder.attempt(run, "train", 1)
    recorder.prints(load.id, "reading", "read")
    recorder.prints(train.id, "first try")
    recorder.prints(load.id, "late")
    recorder.end(load)
    recorder.end(train, Status.FAILED, "no")
    again = recorder.attempt(run, "train", 2)
    recorder.prints(again.id, "second try")
    recorder.end(again)
    recorder.prints(run.id, "from the run itself")
    return recorder.finish(run)


def test_lines_come_in_order_with_their_step(printed, penstock):
    assert penstock("logs", "last").out.splitlines() == [
        "load  │ reading",
        "load  │ read",
        "train │ first try",
        "load  │ late",
        "train │ second try",
        "pipeline │ from the run itself",
    ]


def test_one_step_is_printed_as_it_was_with_its_attempts_apart(printed, penstock):
    assert penstock("logs", "last", "train").out == "first try\n--- attempt 2 ---\nsecond try\n"
    assert penstock("logs", "iris", "load").out == "reading\nread\nlate\n"
    assert penstock("logs", "iris", "pipeline").out == "from the run itself\n"


def test_a_step_that_is_not_there_is_not_found(printed, penstock):
    answer = penstock("logs", "last", "trian")
    assert answer.code == 3
    assert "hint: did you mean 'train'?" in answer.err


def test_the_document_holds_every_line(printed, penstock):
    document = penstock("logs", "last", "train", "--json").document()
    assert [(one["step"], one["attempt"], one["text"]) for one in document["lines"]] == [
        ("train", 1, "first try"),
        ("train", 2, "second try"),
    ]
    assert document["lines"][0]["stream"] == "out"


def test_a_run_that_printed_nothing_prints_nothing(recorder, penstock):
    recorder.complete({"a": []})
    assert penstock("logs", "last").out == ""
    assert penstock("logs", "last", "a", "--follow").out == ""


def test_more_lines_than_are_read_at_once_all_come(recorder, penstock):
    run = recorder.run({"a": []})
    task = recorder.attempt(run, "a")
    for number in range(600):
        recorder.prints(task.id, f"line {number}")
    assert penstock("logs", "last", "a").out.splitlines() == [f"line {number}" for number in range(600)]


def test_a_file_gets_colours_as_they_were_and_a_terminal_gets_none_that_steer_it(recorder, penstock, terminal):
    run = recorder.run({"a": []})
    recorder.prints(recorder.attempt(run, "a").id, "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2Jcleared")
    assert penstock("logs", "last").out == "a │ \x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2Jcleared\n"
    assert terminal(80, 24).call("logs", "last").out == "a │ red  cleared\n"


def test_following_ends_with_the_run(recorder, penstock, printed):
    assert len(penstock("logs", "last", "--follow").out.splitlines()) == 6


def test_following_a_run_whose_process_is_gone_ends(recorder, penstock, dead_worker):
    run = recorder.run({"a": []}, worker=dead_worker)
    recorder.prints(run.id, "last words")
    assert penstock("logs", "last", "-f").out == "pipeline │ last words\n"
    assert recorder.status(run) is Status.STOPPED


SCRIPT = """
    from penstock import PipelineController

    def wait(gate):
        print("before", flush=True)
        print("opened", open(gate).read(), flush=True)

    pipe = PipelineController("gate", "Tests")
    pipe.add_function_step("wait", wait, {{"gate": {gate!r}}})
    pipe.start_locally(run_pipeline_steps_locally=True)
"""


def test_lines_are_followed_while_they_come(script, start, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    run = start("run", script(SCRIPT.format(gate=str(gate))), "--plain")
    assert run.stdout.readline() == "wait | before\n"
    following = start("logs", "last", "-f")
    assert following.stdout.readline() == "wait │ before\n"
    gate.write_text("the gate")
    assert following.stdout.read() == "wait │ opened the gate\n"
    assert following.wait() == 0
    assert run.wait() == 0


def test_following_ends_when_the_process_of_the_run_is_killed(script, start, tmp_path, recorder):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    run = start("run", script(SCRIPT.format(gate=str(gate))), "--plain")
    assert run.stdout.readline() == "wait | before\n"
    following = start("logs", "last", "-f")
    assert following.stdout.readline() == "wait │ before\n"
    run.kill()
    run.wait()
    assert following.wait() == 0
    assert recorder.call(FindRun(text="last")).task.reason == "controller lost"
