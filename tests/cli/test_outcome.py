"""What is reported of runs that a command has carried out."""

from __future__ import annotations

import os

import pytest

from penstock.cli.invocation import Exit, Invocation
from penstock.cli.outcome import details, stdout_for, verdict, what_next
from penstock.core.task import Status


def ended(recorder, status, steps=("a",), name="iris"):
    run = recorder.run(dict.fromkeys(steps, ()), name)
    for step in steps:
        recorder.end(recorder.attempt(run, step), status)
    return recorder.finish(run, status)


@pytest.mark.parametrize(
    ("status", "code"), [(Status.COMPLETED, Exit.OK), (Status.FAILED, Exit.FAILED), (Status.STOPPED, Exit.FAILED)]
)
def test_one_run_that_did_not_complete_is_a_failure(recorder, status, code):
    good = ended(recorder, Status.COMPLETED)
    assert verdict([good, ended(recorder, status)]) == code
    assert verdict([]) == Exit.OK


def test_what_can_be_typed_next_follows_from_how_the_last_run_ended(recorder):
    good, bad = ended(recorder, Status.COMPLETED), ended(recorder, Status.FAILED, ("a b", "c"), "two words")
    stopped = ended(recorder, Status.STOPPED, name="third")
    assert what_next([]) == []
    assert what_next(details([good.id])) == ["next: penstock show iris"]
    (line,) = what_next(details([good.id, bad.id]))
    assert line.startswith("next: penstock runs   penstock show 'two words'   penstock logs 'two words' 'a b'   ")
    assert line.endswith("   penstock resume 'two words'")
    assert what_next(details([stopped.id])) == ["next: penstock show third   penstock resume third"]


def test_with_json_all_that_is_printed_goes_to_standard_error(capfd):
    asked = Invocation()
    asked.json = True
    with stdout_for(asked):
        os.write(1, b"from the script\n")  # as its steps' processes do
    os.write(1, b"the document\n")
    said = capfd.readouterr()
    assert (said.out, said.err) == ("the document\n", "from the script\n")
