from __future__ import annotations

import os
import resource
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest
from tests.place import alive, until

from penstock.core.errors import Conflict, Invalid, PenstockError
from penstock.run import wire
from penstock.run.process import Exited, Message, Output, Spawned
from penstock.run.processes import Processes

FORKED_AND_FRESH = pytest.mark.parametrize("fresh", [False, True])
DONE = Exited("nothing", 0, None, "exit")


@pytest.mark.parametrize("size", [0, 1, 16_384, 16_385, 300_000, 20_000_000])
def test_payloads_messages_and_replies_of_any_size_arrive_whole(steps, size: int):
    payload, answer = os.urandom(size), os.urandom(size)
    steps.start("echo", payload)
    steps.processes.reply("echo", answer)
    heard = steps.follow()
    assert [event.data for event in heard if isinstance(event, Message)] == [payload, answer]
    assert heard[-1] == Exited("echo", 0, None, "exit")


@FORKED_AND_FRESH
def test_a_time_limit_takes_everything_with_it_that_the_step_started(steps, is_gone, fresh: bool):
    steps.start("start_others", b"stay", time_limit=1.5, fresh=fresh)
    pids = steps.message()
    assert steps.follow()[-1] == Exited("start_others", None, signal.SIGKILL, "time_limit")
    assert all(is_gone(pid) for pid in pids)


@FORKED_AND_FRESH
def test_aborting_takes_everything_with_it_that_the_step_started(steps, is_gone, fresh: bool):
    """The case T14, one step of it: a sibling that is told to stop leaves nothing behind."""
    steps.start("start_others", b"stay", fresh=fresh)
    pids = steps.message()
    steps.processes.kill("start_others", "aborted")
    assert steps.follow()[-1] == Exited("start_others", None, signal.SIGKILL, "aborted")
    assert all(is_gone(pid) for pid in pids)


@FORKED_AND_FRESH
def test_a_process_that_is_given_grace_is_asked_to_leave_and_may(steps, is_gone, fresh: bool):
    steps.start("leave_when_asked", fresh=fresh)
    pid = steps.message()
    steps.processes.kill("leave_when_asked", "aborted", grace=1_000.0)
    heard = steps.follow()
    assert heard[-1] == Exited("leave_when_asked", 3, None, "exit")
    assert heard.printed() == b"asked 15\n"
    assert is_gone(pid)


def test_a_process_is_asked_to_leave_once_and_nothing_interrupts_its_answer(steps):
    steps.start("leave_when_asked", b"stubborn")
    steps.message()
    for _ in range(3_000):  # two requests that come at once are one, mostly
        steps.processes.kill("leave_when_asked", "aborted", grace=1_000.0)
        assert steps.line() == b"asked 15\n"
    steps.processes.kill("leave_when_asked")
    assert steps.follow().printed() == b""


def test_a_process_that_does_not_leave_within_its_grace_is_killed(steps, is_gone):
    steps.start("leave_when_asked", b"stubborn")
    pid = steps.message()
    steps.processes.kill("leave_when_asked", "aborted", grace=0.3)
    heard = steps.follow()
    assert heard[-1] == Exited("leave_when_asked", None, signal.SIGKILL, "aborted")
    assert is_gone(pid)


def test_a_process_that_minds_no_signal_is_ended_by_the_first_one_with_all_that_it_started(steps, is_gone):
    steps.start("start_others", b"stay")
    pids = steps.message()
    steps.processes.kill("start_others", "aborted", grace=1_000.0)
    assert steps.follow()[-1] == Exited("start_others", None, signal.SIGTERM, "aborted")
    assert all(is_gone(pid) for pid in pids)


def test_what_a_step_leaves_running_ends_with_it_and_does_not_hold_up_its_end(steps, is_gone):
    """The case T13: the main process has ended, its children live and hold its pipes."""
    steps.start("wait")  # a child that left its group and session does not live on for as long as this one does
    heard = steps.run("start_others", b"leave")
    assert heard[-1] == Exited("start_others", 0, None, "exit")
    (pids,) = heard.messages
    assert all(is_gone(pid) for pid in pids)


def test_killing_a_step_that_never_started_is_enough_to_end_it(begin):
    steps = begin(fingerprint="one that no warm process has")
    steps.start("wait")
    steps.processes.kill("wait", "aborted")
    assert steps.follow() == [Exited("wait", None, None, "aborted")]
    assert steps.run("nothing")[-1] == DONE


def test_what_is_gone_can_be_killed_and_answered_without_effect(steps):
    steps.run("nothing")
    steps.processes.kill("nothing", "aborted")
    steps.processes.reply("nothing", b"too late")
    steps.processes.kill("never was", "aborted")
    assert steps.processes.poll(0) == []


def test_a_step_that_ended_by_itself_did_so_even_when_it_was_then_to_be_killed(steps, is_gone):
    steps.start("wait")
    (spawned,) = steps.processes.poll()
    os.kill(steps.warm_pid, signal.SIGSTOP)
    steps.processes.reply("wait", b"go on")
    assert is_gone(spawned.pid)
    steps.processes.kill("wait", "aborted")
    os.kill(steps.warm_pid, signal.SIGCONT)
    assert steps.follow() == [Exited("wait", 0, None, "exit")]


def test_a_key_cannot_be_used_twice_at_once(steps):
    steps.start("wait")
    with pytest.raises(Conflict, match="process 'wait' runs already"):
        steps.start("wait")
    steps.processes.kill("wait", "aborted")
    steps.follow()
    assert steps.run("code", b"0", key="wait")[-1] == Exited("wait", 0, None, "exit")


def test_a_step_may_close_its_pipes_and_its_channel_and_live_on(steps):
    steps.start("close_everything")
    steps.processes.reply("close_everything", b"?" * 1_000_000)
    assert steps.follow()[-1] == Exited("close_everything", 5, None, "exit")


def test_everything_that_a_step_printed_and_sent_comes_before_its_end(steps):
    keys = [f"step {number}" for number in range(6)]
    for key in keys:
        steps.start("count", b"2000", key=key)
    heard = steps.follow(len(keys))
    numbers = [str(number) for number in range(2000)]
    for key in keys:
        own = type(heard)(event for event in heard if event.key == key)
        assert isinstance(own[0], Spawned)
        assert own[-1] == Exited(key, 0, None, "exit")
        assert len(own.ends) == 1
        assert own.printed().decode().split() == own.printed("err").decode().split() == numbers
        assert own.messages == list(range(2000))


def test_a_step_that_prints_for_ever_does_not_starve_the_others(steps):
    steps.start("print_for_ever")
    steps.start("count", b"500")
    assert steps.follow().ends == [Exited("count", 0, None, "exit")]
    steps.processes.kill("print_for_ever", "aborted")
    assert steps.follow()[-1] == Exited("print_for_ever", None, signal.SIGKILL, "aborted")


def test_a_hundred_megabytes_of_output_pass_in_small_pieces(steps):
    steps.start("print_much", b"100")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size, largest, ended = 0, 0, False
    while not ended:
        events = steps.processes.poll()
        pieces = [len(event.data) for event in events if isinstance(event, Output)]
        size, largest = size + sum(pieces), max([largest, *pieces])
        ended = any(isinstance(event, Exited) for event in events)
    assert size == 100_000_000
    assert largest <= 65_536
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kilobytes


def test_two_hundred_steps_run_in_batches(steps):
    heard = []
    for batch in range(10):
        for number in range(20):
            steps.start("count", b"10", key=f"{batch}.{number}")
        heard += steps.follow(20)
    ends = [event for event in heard if isinstance(event, Exited)]
    assert all(event.code == 0 for event in ends)
    assert Counter(event.key for event in ends) == {f"{batch}.{one}": 1 for batch in range(10) for one in range(20)}
    assert len({event.pid for event in heard if isinstance(event, Spawned)}) == 200


def test_no_descriptor_is_left_open_by_fifty_steps(steps):
    def has_forked_ahead() -> bool:
        warm = Path(f"/proc/{steps.warm_pid}")
        below = (warm / "task" / str(steps.warm_pid) / "children").read_text().split()
        return len(below) == 1 and alive(below[0]) and (warm / "stat").read_text().rpartition(")")[2].split()[0] == "S"

    def count() -> list[int]:
        until(has_forked_ahead)  # that has a descriptor there
        return [len(os.listdir(f"/proc/{pid}/fd")) for pid in (os.getpid(), steps.warm_pid)]  # noqa: PTH208 - counted

    steps.run("nothing")
    before = count()
    for number in range(50):
        steps.run("nothing", key=str(number), fresh=number % 10 == 0)
    assert count() == before


def test_an_interpreter_that_is_not_there_is_reported_and_nothing_else_suffers(steps):
    (end,) = steps.run("nothing", interpreter="/no/such/python")
    assert end == Exited("nothing", None, None, "not_started", end.reason)
    assert "No such file or directory" in end.reason
    assert steps.run("nothing")[-1] == DONE


def test_too_many_open_files_refuse_a_launch_and_harm_no_other(steps):
    steps.run("nothing")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 20, hard))
    started: list[str] = []
    try:
        while len(started) < 30:
            steps.start("wait", key=f"step {len(started)}")
            started.append(f"step {len(started)}")
    except PenstockError as error:
        refused = str(error)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert refused.startswith(f"cannot start 'step {len(started)}': Too many open files\nhint: ")
    assert 0 < len(started) < 20
    for key in started:
        steps.processes.kill(key, "aborted")
    assert {end.cause for end in steps.follow(len(started)).ends} == {"aborted"}
    assert steps.run("nothing")[-1] == DONE


def test_too_many_open_files_in_the_warm_process_are_reported_for_the_launch(steps):
    steps.run("nothing")
    limits = resource.prlimit(steps.warm_pid, resource.RLIMIT_NOFILE)
    resource.prlimit(steps.warm_pid, resource.RLIMIT_NOFILE, (7, limits[1]))
    heard = steps.run("nothing")
    resource.prlimit(steps.warm_pid, resource.RLIMIT_NOFILE, limits)
    assert heard == [Exited("nothing", None, None, "not_started", "its pipes got lost: too many open files")]
    assert steps.run("nothing")[-1] == DONE


def test_waking_ends_a_wait_from_another_thread_and_from_a_signal_handler(steps):
    thread = threading.Thread(target=steps.processes.wake)
    thread.start()
    assert steps.processes.poll() == []
    thread.join()
    before = signal.signal(signal.SIGUSR1, lambda *_: steps.processes.wake())
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert steps.processes.poll() == []
    finally:
        signal.signal(signal.SIGUSR1, before)
    for _ in range(100_000):
        steps.processes.wake()
    assert steps.processes.poll() == []
    assert steps.run("nothing")[-1] == DONE


def test_a_wait_ends_when_its_time_is_over(steps):
    assert steps.processes.poll(0) == []
    assert steps.processes.poll(0.01) == []


@FORKED_AND_FRESH
def test_closing_ends_what_runs_and_may_be_done_twice(steps, is_gone, fresh: bool):
    steps.start("start_others", b"stay", fresh=fresh)
    pids = steps.message()
    steps.start("wait")
    steps.processes.close()
    steps.processes.close()
    steps.processes.wake()
    assert all(is_gone(pid) for pid in pids)


def test_closing_right_after_the_start_is_no_trouble():
    for _ in range(3):
        with Processes((), "closed at once"):
            pass


def test_a_payload_that_is_too_long_is_refused_and_leaves_nothing_open(steps, monkeypatch: pytest.MonkeyPatch):
    steps.run("nothing")
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - their numbers are compared
    monkeypatch.setattr(wire, "LIMIT", 100_000)
    with pytest.raises(Invalid, match="100001 bytes is too long"):
        steps.start("nothing", b"x" * 100_001)
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208 - as above
    assert steps.run("nothing")[-1] == DONE
