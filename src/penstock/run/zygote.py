"""The warm process: imports once what the steps will need, and forks for each step that it is told to start.

It is a process of its own, with one thread and one socket. Its life is tied to that socket: when the other end is
closed, even by `kill -9`, it kills every process that it started, with all their children, and leaves; only what was
forked to be detached lives on. Where forking is not possible it spawns; both go through `inside`.

What a fork does counts: each page of memory that it is the first to touch costs it about two microseconds. So whatever
can be done once, before, is done here.

It must never run the user's own code (only third-party modules are imported here), start a thread, or keep a payload.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from penstock.run import inside, wire
from penstock.run.spare import Spare, place

AHEAD = 0.05  # seconds after a start before another fork is made ahead, unless a step ends before: it goes first
IDLE = 0.01  # seconds that the last fork which was made ahead has waited, for the next one to rehearse meanwhile
FAREWELL = 5.0  # seconds that killed processes get to disappear before the warm process leaves without having seen it

_SIGCHLD = int(signal.SIGCHLD)
_set_handler = sys.modules["_signal"].signal  # what `signal.signal` wraps in enumerations


def main(arguments: Sequence[str], kept: Iterable[int] = ()) -> NoReturn:
    """Be the warm process; the argument is the number of its socket.

    Args:
        kept: Descriptors that modules hold which were imported before, and may rely on.
    """
    (number,) = arguments
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.dup2(int(number), wire.CHANNEL, inheritable=False)  # a place that no descriptor of a step can take
    if int(number) != wire.CHANNEL:
        os.close(int(number))
    zygote = Zygote(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, wire.CHANNEL), kept)
    try:
        zygote.serve()
    except Exception as error:  # noqa: BLE001 - nobody sees the traceback of this process
        zygote.report(wire.Broken(f"{type(error).__name__}: {error}"))
    finally:
        zygote.end_everything()
        os._exit(0)


class Zygote:
    """The warm process's side of its socket, and the processes that it started.

    Args:
        control: The socket to the controller; nothing else in this process may use it.
        kept: Descriptors that modules hold which were imported before.
    """

    def __init__(self, control: socket.socket, kept: Iterable[int] = ()) -> None:
        self._control = wire.Connection(control, descriptors=True)
        self._pids: dict[str, int] = {}
        self._keys: dict[int, str] = {}
        self._detached: set[int] = set()  # processes that live on without this one
        self._tidied = False  # programs that clear up behind a process may have come to be ours
        self._inherited: frozenset[int] = frozenset()  # processes that an import started; they are not ours to kill
        self._why_not_fork = ""
        self._variables: frozenset[bytes] = frozenset()
        self._kept = sorted(kept)  # descriptors that an import opened; it may rely on them
        self._leave_at: float | None = None
        self._rehearse: Callable[[], object] | None = None
        self._has_time = True  # whether a fork that is made ahead has time to rehearse
        self._spare: Spare | None = None
        self._spare_due: float | None = None
        self._poller = select.poll()
        self._children_changed, signal_end = _signal_socket()
        self._highest = max(self._children_changed.fileno(), signal_end)
        inside.adopt_orphans()

    def serve(self) -> None:
        """Carry out orders until the other end is closed or nobody needed us for long enough."""
        self._poller.register(self._children_changed, select.POLLIN)
        while not self._control.ended:
            self._poller.register(self._control.endpoint, select.POLLIN | (select.POLLOUT * self._control.pending))
            ready = {descriptor for descriptor, _ in self._poller.poll(self._patience())}
            if not ready and self._spare_due is not None:
                self._make_spare()
            elif not ready and self._patience() == 0:
                return
            if self._children_changed.fileno() in ready:
                self._children_changed.recv(wire.CHUNK)
                self._reap()
            if self._control.endpoint.fileno() in ready:
                self._control.flush()
                for frame in self._control.receive():
                    self._obey(wire.decode_order(frame))

    def report(self, report: wire.Report) -> None:
        """Tell the controller."""
        self._control.send(wire.encode(report))

    def end_everything(self) -> None:
        """Kill every process that was started here, with what it started, and see them gone."""
        until = time.monotonic() + FAREWELL
        while time.monotonic() < until:
            self._reap()
            left = {*self._keys, *_children()} - self._inherited - self._detached
            if not left:
                return
            for pid in left:
                _kill_group(pid)
            self._poller.poll(20)

    def _patience(self) -> float | None:
        """Return milliseconds until it is time to do something unasked: to fork ahead, or to leave."""
        due = self._spare_due
        if due is None and not self._pids:
            due = self._leave_at
        return None if due is None else max(0.0, due - time.monotonic()) * 1000

    def _obey(self, order: wire.Order) -> None:
        match order:
            case wire.Start():
                self._start(order)
            case wire.Kill(key, gently):
                if key in self._pids:
                    _kill_group(self._pids[key], signal.SIGTERM if gently else signal.SIGKILL)
            case wire.Prepare(serial, modules, path):
                self._why_not_fork = self._prepare(modules, [os.fsdecode(folder) for folder in path])
                self._report_ready(serial)
            case wire.Park(idle):
                self._leave_at = time.monotonic() + idle
            case wire.Hold(serial):
                self._leave_at = None
                self._report_ready(serial)

    def _report_ready(self, serial: int) -> None:
        self.report(wire.Ready(serial, not self._why_not_fork, self._why_not_fork))

    def _prepare(self, modules: Sequence[str], path: Sequence[str]) -> str:
        """Import what the steps will need; return why this process must not be forked, or nothing."""
        from penstock.run import preload  # noqa: PLC0415 - a spawned process goes without it

        present = preload.open_descriptors()
        self._variables = inside.variables()  # so that what a module sets stays set, as if the step had imported it
        inside.open_streams()
        reason = preload.carry_out(modules, path)
        self._rehearse = preload.rehearsal(modules)
        if not inside.streams_are_intact():
            inside.open_streams()
        inside.flush_c(None)
        self._kept = sorted({*self._kept, *(preload.open_descriptors() - present)})
        self._inherited = frozenset(_children())
        _reseed()
        gc.collect()
        gc.freeze()  # so that a collection in a step does not touch, and thereby copy, what all steps share
        gc.disable()
        return reason

    def _start(self, order: wire.Start) -> None:
        key, spawn = order.key, order.spawn
        descriptors = self._control.arrived.popleft() if self._control.arrived else ()
        if not descriptors:
            self.report(wire.NotStarted(key, "its pipes got lost: too many open files"))
            return
        waiting = [one for more in self._control.arrived for one in more]
        self._highest = max([self._highest, *descriptors, *waiting])
        try:
            pid = self._fork(descriptors, order) if spawn is None else _spawn(spawn, descriptors)
        except (OSError, ValueError) as error:
            self.report(wire.NotStarted(key, str(error)))
            return
        finally:
            wire.close_all(descriptors)
        self._pids[key] = pid
        self._keys[pid] = key
        if order.detached:
            self._detached.add(pid)
        self._tidied = self._tidied or order.tidies
        self.report(wire.Spawned(key, pid))
        self._spare_due = time.monotonic() + AHEAD if spawn is None and not order.detached else None

    def _fork(self, descriptors: tuple[int, ...], order: wire.Start) -> int:
        """Return the process that has these descriptors: the one that was forked ahead, else a new one."""
        spare, self._spare = (None, self._spare) if order.detached else (self._spare, None)
        if spare is not None:
            self._has_time = spare.age > IDLE
            if spare.give(descriptors):
                return spare.pid
        parent = None if order.detached else os.getpid()
        return self._forked(parent, lambda: place(descriptors), lambda: None)

    def _make_spare(self) -> None:
        """Fork the next process ahead. One that may outlive this one is never among them."""
        self._spare_due = None
        try:
            spare = Spare()
            self._highest = max(self._highest, spare.highest, *(one for more in self._control.arrived for one in more))
            self._spare = spare.born(self._forked(os.getpid(), spare.settle, lambda: self._wait(spare)))
        except OSError:
            return  # there is no room for it: the next one is forked when it is asked for

    def _wait(self, spare: Spare) -> None:
        """Wait, in a fork that was made ahead, until it is wanted; it rehearses meanwhile where it has the time."""
        if self._rehearse is not None and self._has_time and not spare.is_wanted():
            with suppress(Exception):  # an attempt that cannot be carried out says so itself
                self._rehearse()
        spare.wait()

    def _forked(self, parent: int | None, settle: Callable[[], None], wait: Callable[[], None]) -> int:
        """Fork; in the fork, see to its descriptors and close all others, wait, and be a process; return its id."""
        with warnings.catch_warnings():  # of threads that were found to be fork-safe
            warnings.simplefilter("ignore")
            pid = os.fork()
        if pid:
            _reseed()
            return pid
        try:
            self._control.endpoint.detach()
            self._children_changed.detach()
            settle()
            self._close_ours()
            _restore_signals()
            inside.stand_alone(parent)
            wait()
            inside.live(self._variables)
        finally:
            os._exit(1)

    def _close_ours(self) -> None:
        """Close, in a fork, every descriptor of the warm process and of other steps."""
        lowest = wire.CHANNEL + 1
        for kept in self._kept:
            os.closerange(lowest, kept)
            lowest = kept + 1
        os.closerange(lowest, self._highest + 1)

    def _reap(self) -> None:
        codes = dict(_ended_children())
        ended = {self._keys.pop(pid): pid for pid in codes if pid in self._keys}
        for key in ended:
            del self._pids[key]
        self._detached.difference_update(codes)
        if self._spare is not None and self._spare.pid in codes:
            self._spare.close()
            self._spare = None
        if codes and not self._tidied:
            self._kill_strays()
        for key, pid in ended.items():
            code = codes[pid]
            self.report(wire.Ended(key, code if code >= 0 else None, -code if code < 0 else None))
        if ended and self._spare_due is not None:
            self._spare_due = 0.0  # most that follows takes longer than a fork

    def _kill_strays(self) -> None:
        """Kill what outlived its step, in whatever group or session: when a step ends, its orphans become ours."""
        spare = {self._spare.pid} if self._spare else set[int]()
        for pid in _children() - self._keys.keys() - self._inherited - spare:
            _kill_group(pid)


def _reseed() -> None:
    """Give NumPy another random state, for the next fork: here it costs that one nothing."""
    if numpy := sys.modules.get("numpy.random"):
        numpy.seed()


def _signal_socket() -> tuple[socket.socket, int]:
    """Return a socket that becomes readable when a child has ended, and the number of its other end."""
    readable, writable = socket.socketpair()
    readable.setblocking(False)
    writable.setblocking(False)
    number = writable.detach()
    signal.set_wakeup_fd(number, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return readable, number


def _restore_signals() -> None:
    signal.set_wakeup_fd(-1)
    _set_handler(_SIGCHLD, 0)  # SIG_DFL


def _spawn(spawn: wire.Spawn, descriptors: Sequence[int]) -> int:
    interpreter = os.fsdecode(spawn.interpreter) or sys.executable
    return os.posix_spawnp(
        interpreter,
        wire.command(interpreter, "inside", os.getpid()),
        dict(one.split(b"=", 1) for one in spawn.environment),
        file_actions=[(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(descriptors, 1)],
    )


def _ended_children() -> Iterator[tuple[int, int]]:
    """Yield the children that have ended, each with its exit code or minus its signal, and kill what they leave behind.

    Where the system allows it, that is done while the number of the child, and of its group, cannot be given to others.
    """
    with suppress(ChildProcessError):
        while True:
            if hasattr(os, "waitid"):
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                pid = found.si_pid if found else 0
                _kill_group(pid)
                status = os.waitpid(pid, 0)[1] if pid else 0
            else:
                pid, status = os.waitpid(-1, os.WNOHANG)
                _kill_group(pid)
            if not pid:
                return
            yield pid, os.waitstatus_to_exitcode(status)


def _children() -> set[int]:
    """Return the processes whose parent we are, as far as the system tells."""
    with suppress(OSError):
        return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}
    return set()


def _kill_group(pid: int, number: int = signal.SIGKILL) -> None:
    if not pid:
        return
    for kill in (os.killpg, os.kill):  # there is no group yet when the process has only just been started
        with suppress(OSError):
            kill(pid, number)
            return  # it leads its group, and whoever asks it to leave asks once: its answer may take a while
