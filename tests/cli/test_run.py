"""Running scripts with pipelines."""

from __future__ import annotations

import json
import os
import re
import signal
import textwrap

import pytest

from penstock.core.task import Status
from penstock.ops.runs import FindRun, GetRun, ListRuns

DOUBLE = """
    import sys
    from penstock import PipelineController

    def double(n):
        print("doubling", n)
        return 2 * n

    pipe = PipelineController("double", "Tests")
    pipe.add_parameter("n", 4, "What is doubled")
    pipe.add_function_step("one", double, {"n": "${pipeline.n}"}, ["out"])
    pipe.start_locally(run_pipeline_steps_locally=True)
    print("argv", sys.argv[1:])
"""
FAILS = """
    import sys
    from penstock import PipelineController

    def fails():
        raise ValueError("no \\x1b[31mgood")

    pipe = PipelineController("fails", "Tests")
    pipe.add_function_step("bad one", fails)
    pipe.start_locally(run_pipeline_steps_locally=True)
    sys.exit(int(sys.argv[1]))
"""
CALLED = """
    from pathlib import Path
    from penstock import PipelineController

    def work(marker):
        from pathlib import Path
        if not Path(marker).exists():
            Path(marker).touch()
            raise ValueError("no luck")

    def broken(*given):
        raise LookupError("broken callback")

    pipe = PipelineController("called", "Tests")
    pipe.add_function_step("one", work, {{"marker": {marker!r}}}, {callback}=broken)
    pipe.start_locally(run_pipeline_steps_locally=True)
"""
WAITS = """
    from penstock import PipelineController

    def wait(gate):
        print("waits", flush=True)
        open(gate).read()

    pipe = PipelineController("waits", "Tests")
    pipe.add_function_step("wait", wait, {{"gate": {gate!r}}})
    pipe.start_locally(run_pipeline_steps_locally=True)
"""


def last(recorder):
    return recorder.call(FindRun(text="last"))


def test_a_script_runs_with_its_arguments_and_parameters(script, process, recorder):
    answer = process("run", script(DOUBLE), "-p", "n=21", "--", "--verbose", "x")
    assert answer.code == 0
    assert answer.out.splitlines() == ["one | doubling 21", "argv ['--verbose', 'x']"]
    assert answer.err.splitlines()[-1] == "next: penstock show double"
    assert last(recorder).task.status is Status.COMPLETED


@pytest.mark.parametrize(
    ("given", "error", "hint"),
    [
        ("m=1", "error: the pipeline has no parameter 'm'", "hint: known: 'n'"),
        ("n=x", "error: parameter 'n' must be an integer, not 'x'", "hint: give a value such as 3"),
        ("n", "error: Invalid value for --param: 'n' is not of the form NAME=VALUE", "hint: see penstock run --help"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused_before_anything_runs(script, process, recorder, given, error, hint):
    answer = process("run", script(DOUBLE), "--param", given)
    assert answer.code == 2
    assert answer.err.splitlines() == [error, hint]
    assert [run for run in recorder.call(ListRuns()) if run.number] == []


@pytest.mark.parametrize(("code", "expected"), [(0, 1), (5, 5)])
def test_a_run_that_failed_fails_the_command_whatever_the_script_says(script, process, code, expected):
    answer = process("run", script(FAILS), str(code))
    assert answer.code == expected
    assert (
        answer.err.splitlines()[-1]
        == "next: penstock show fails   penstock logs fails 'bad one'   penstock resume fails"
    )


@pytest.mark.parametrize(
    "case",
    [
        ("pre_execute_callback", False, 1, "pre_execute_callback raised LookupError: broken callback"),
        ("post_execute_callback", False, 1, "post_execute_callback raised LookupError: broken callback"),
        ("post_execute_callback", True, 1, "ValueError: no luck"),
        ("status_change_callback", False, 0, ""),
        ("status_change_callback", True, 1, "ValueError: no luck"),
        ("retry_on_failure", False, 0, ""),
        ("retry_on_failure", True, 1, "ValueError: no luck"),
    ],
)
def test_a_callback_that_raises_ends_the_command_as_its_run_ends(script, process, recorder, tmp_path, case):
    """It is told of in any case; a retry function is asked only where its step has failed."""
    callback, fails, code, reason = case
    marker = tmp_path / "marker"
    if not fails:
        marker.touch()
    answer = process("run", script(CALLED.format(marker=str(marker), callback=callback)))
    assert answer.code == code
    run = last(recorder)
    assert run.task.status is (Status.FAILED if code else Status.COMPLETED)
    (state,) = recorder.call(GetRun(id=run.id)).steps
    assert state.reason.partition("\n")[0] == reason
    told = f"{callback} raised LookupError: broken callback" in answer.err
    assert told is (fails or callback != "retry_on_failure")


def test_several_runs_of_a_script_all_count(script, process):
    twice = DOUBLE + "\n    ".join(
        ["", *[line.strip() for line in DOUBLE.splitlines() if line.strip().startswith("pipe")]]
    )
    answer = process("run", script(twice), "--json")
    assert [run["task"]["name"] for run in answer.document()["runs"]] == ["double", "double #2"]
    assert answer.err.splitlines()[-1] == "next: penstock runs   penstock show 'double #2'"


def test_with_json_the_document_is_all_that_is_printed(script, process):
    answer = process("run", script(DOUBLE), "--json", "-p", "n=3")
    assert answer.code == 0
    document = json.loads(answer.out)
    assert document["exit_code"] == 0
    assert document["runs"][0]["task"]["status"] == "completed"
    assert "doubling 3" in answer.err


def test_what_the_script_raises_is_shown_from_its_own_code_on(script, process):
    path = script("def f():\n    1 / 0\nf()\n")
    answer = process("run", path)
    assert answer.code == 1
    assert answer.err.startswith(f'Traceback (most recent call last):\n  File "{path}", line 3, in <module>\n')
    assert "penstock" not in answer.err.replace(path, "")


def test_our_own_errors_come_without_a_traceback_but_with_the_line(script, process):
    path = script("\nfrom penstock import PipelineController\nPipelineController('x', 'Tests', version='no version')\n")
    answer = process("run", path)
    assert answer.code == 1
    error, hint, at = answer.err.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert at == f"at: {path}:3"


def test_a_script_without_a_pipeline_is_told(script, process):
    answer = process("run", script("print('hello')"))
    assert (answer.code, answer.out) == (0, "hello\n")
    assert answer.err.startswith("pipeline.py started no pipeline; ")
    assert process("run", script("print('hello')"), "-p", "a=1").code == 2


def test_a_pipeline_that_was_not_started_is_told(script, process):
    answer = process("run", script(DOUBLE.replace("pipe.start_locally(run_pipeline_steps_locally=True)", "pass")))
    assert answer.code == 0
    assert "made a pipeline, but did not start it" in answer.err


def test_a_script_that_is_not_there_is_not_understood(process):
    answer = process("run", "nonsense.py")
    assert answer.code == 2
    assert "nonsense.py" in answer.err


def test_options_of_the_script_go_behind_two_dashes(script, process):
    answer = process("run", script(DOUBLE), "--verbose")
    assert answer.code == 2
    assert answer.err.splitlines()[1].endswith("penstock run SCRIPT -- --verbose")


@pytest.fixture
def waiting(script, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    return script(WAITS.format(gate=str(gate)))


def test_an_interrupt_stops_the_run(waiting, start, recorder):
    run = start("run", waiting)
    assert run.stdout.readline() == "wait | waits\n"
    run.send_signal(signal.SIGINT)
    assert run.wait() == 130
    assert "Traceback" not in run.stderr.read()
    assert last(recorder).task.status is Status.STOPPED


def test_an_interrupt_is_told_even_when_the_script_takes_care_of_it(script, start, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    text = textwrap.dedent(WAITS.format(gate=str(gate)))
    started = "pipe.start_locally(run_pipeline_steps_locally=True)\n"
    run = start("run", script(text.replace(started, f"try:\n    {started}except KeyboardInterrupt:\n    pass\n")))
    assert run.stdout.readline() == "wait | waits\n"
    run.send_signal(signal.SIGINT)
    assert run.wait() == 130


def screen(written):
    """The text of a terminal's last state, roughly: steering taken out, the frames of the table below each other."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)


def test_in_a_terminal_the_last_table_stays(script, terminal):
    out = screen(terminal(100, 30).call("run", script(DOUBLE)).out)
    assert re.search(r"double  v1\.0\.0  ✓ completed  [0-9.]+ m?s\n✓ one  completed  [0-9. ]+ m?s  doubling 4\n", out)
    assert out.endswith("argv []\nnext: penstock show double\n")


def test_in_a_terminal_plain_lines_can_be_had(script, terminal):
    out = terminal(100, 30).call("run", script(DOUBLE), "--plain").out
    assert "one | doubling 4\n" in out
    assert "\x1b" not in out


def test_a_failed_step_is_explained_below_the_table(script, terminal):
    answer = terminal(100, 30).call("run", script(FAILS), "0")
    out = screen(answer.out)
    assert answer.code == 1
    assert "\nbad one failed: ValueError: no good\n  Traceback (most recent call last):" in out
    assert "\nfails failed: step 'bad one' failed\n" in out
    assert "\x1b[31mgood" not in answer.out


def test_a_run_survives_its_terminal(waiting, terminal, recorder, tmp_path):
    window = terminal(100, 30)
    ours, theirs = window.open()
    with window.start(theirs, "run", waiting) as process:
        os.close(theirs)
        shown = b""
        while b"waits\x1b" not in shown and b"waits " not in shown:
            shown += os.read(ours, 65536)
        os.close(ours)
        (tmp_path / "gate").write_text("")
        process.wait()
    assert last(recorder).task.status is Status.COMPLETED
