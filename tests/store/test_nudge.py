from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from penstock.store.nudge import Nudge
from penstock.store.sqlite import SqliteStore

LONG = 60.0  # seconds; a test that needs them has failed
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of writes")


def test_everybody_who_listens_hears_a_notice_once(tmp_path) -> None:
    nudge = Nudge(tmp_path)
    with nudge.listening() as one, nudge.listening() as other:
        nudge.notify()
        nudge.notify()
        assert (one.wait(LONG), other.wait(LONG)) == (True, True)
        assert (one.wait(0.0), other.wait(0.0)) == (False, False)


def test_a_notice_from_before_is_not_heard(tmp_path) -> None:
    nudge = Nudge(tmp_path)
    nudge.notify()
    with nudge.listening() as ear:
        assert ear.wait(0.01) is False


def test_who_waits_is_woken(tmp_path) -> None:
    nudge = Nudge(tmp_path)
    with nudge.listening() as ear:
        threading.Timer(0.05, nudge.notify).start()
        assert ear.wait(LONG) is True


def test_more_notices_than_anybody_hears_are_no_error(tmp_path) -> None:
    nudge = Nudge(tmp_path)
    with nudge.listening():
        for _ in range(100_000):
            nudge.notify()


@LINUX
def test_a_write_of_another_process_is_heard(tmp_path) -> None:
    nudge = Nudge(tmp_path)
    assert not nudge.hears_others
    until = time.monotonic() + LONG
    with ExitStack() as listening:
        ear = listening.enter_context(nudge.listening())
        while not nudge.hears_others and time.monotonic() < until:  # all that this user may have are in use just now
            time.sleep(0.1)
            nudge = Nudge(tmp_path)
            ear = listening.enter_context(nudge.listening())
        assert nudge.hears_others
        subprocess.run([sys.executable, "-c", f"open({str(tmp_path / 'log')!r}, 'w').write('x')"], check=True)
        assert ear.wait(LONG) is True


@LINUX
def test_what_the_system_lends_goes_back_once_it_is_closed_and_nobody_listens(tmp_path) -> None:
    def lent() -> int:
        places = list(Path("/proc/self/fd").iterdir())  # the one that lists them is gone again
        return sum(place.is_symlink() and str(place.readlink()) == "anon_inode:inotify" for place in places)

    before = lent()
    nudge = Nudge(tmp_path)
    with nudge.listening():
        nudge.close()
        assert lent() == before + 1
    assert lent() == before
    with nudge.listening():
        assert lent() == before
    store = SqliteStore(tmp_path / "penstock.db")
    assert store.waiter.wait(store.waiter.mark(), 0.0) is False
    assert lent() == before + 1
    store.close()
    assert lent() == before


@pytest.mark.parametrize("end", ["close", "platform"])
def test_without_the_system_s_help_only_this_process_is_heard(tmp_path, monkeypatch, end) -> None:
    if end == "platform":
        monkeypatch.setattr(sys, "platform", "darwin")
    nudge = Nudge(tmp_path)
    if end == "close":
        nudge.close()
    with nudge.listening() as ear:
        assert not nudge.hears_others
        (tmp_path / "log").write_text("x")
        assert ear.wait(0.01) is False
        nudge.notify()
        assert ear.wait(LONG) is True
