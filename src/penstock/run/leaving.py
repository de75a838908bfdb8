"""How the process of a plain script leaves: well, by an exception, by `sys.exit`, or because somebody stopped it.

Python tells nobody the code that it leaves with, so `sys.exit`, `exit` and `quit` are followed where they are called;
an exception that nothing catches comes through `sys.excepthook`. Whether an exit was caught, and the script went on to
its end, is told by the last instruction of its module. A bare `raise SystemExit(code)` is followed by nobody: its code
is taken for 0. A process that is killed, or that leaves by `os._exit`, says nothing: whoever looks finds it gone.

It must never know what is done with a farewell.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from opcode import opmap
from types import FrameType, TracebackType

from msgspec import Struct

from penstock.core.task import EndReason, Status, Task
from penstock.run.outcomes import exit_call, is_success, told

PATIENCE = 10.0  # seconds that a process which is stopped gets to say so
RETURNING = frozenset(opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in opmap)

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], object]


class Farewell(Struct, frozen=True):
    """How the process leaves.

    Args:
        message: Why, when it does not leave well: one line, then the traceback.
    """

    status: Status = Status.COMPLETED
    reason: EndReason | None = None
    message: str = ""


class Leaving:
    """Calls a function once, when this process leaves.

    Args:
        say: Takes how it leaves. It may take a moment; what it raises is lost.
    """

    def __init__(self, say: Callable[[Farewell], None]) -> None:
        self._say = say
        self._process = os.getpid()
        self._farewell = Farewell()
        self._hook: Hook = sys.excepthook
        self._exits: list[_Exit] = []
        self._main: FrameType | None = None
        self._watching = False
        self._noted = False

    def watch(self) -> None:
        """Begin."""
        self._watching = True
        self._main = _main_frame()
        self._hook = sys.excepthook
        sys.excepthook = self._raised
        self._exits = [_Exit(place, name, self._left) for place, name in _exits()]
        if _is_main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._terminated)
        atexit.register(self._end)

    def stop(self) -> None:
        """Put everything back, and call nothing any more."""
        if not self._watching:
            return
        self._watching = False
        atexit.unregister(self._end)
        if sys.excepthook == self._raised:
            sys.excepthook = self._hook
        for one in self._exits:
            one.remove()
        if _is_main_thread() and signal.getsignal(signal.SIGTERM) == self._terminated:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def note(self, error: BaseException | None, code: int = 0) -> None:
        """Take note of how a script ended that was run by our own command and not by Python.

        How that command itself leaves says nothing about the script any more.
        """
        self._noted = True
        self._farewell = _by_code(code) if error is None else farewell(error)

    def _raised(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if os.getpid() == self._process and not self._noted:
            self._farewell = farewell(error.with_traceback(trace))
        self._hook(kind, error, trace)

    def _left(self, code: object) -> None:
        """Take note of an exit; in another thread it ends that thread alone, in a notebook nothing at all."""
        is_ours = os.getpid() == self._process and not self._noted
        if is_ours and _is_main_thread() and self._main is not None:
            self._farewell = _by_code(code)

    def _terminated(self, number: int, frame: FrameType | None) -> None:
        """Say that somebody stopped the process, and let the signal do what it would have done.

        Both are done in another thread: the line that was interrupted here may hold a lock that saying it needs, such
        as that of standard output, and has to go on until it gives it back.
        """
        _ = frame
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != self._process:
            os.kill(os.getpid(), number)
            return
        self._farewell = Farewell(Status.STOPPED, EndReason.SIGNAL, "stopped by SIGTERM")
        threading.Thread(target=self._say_and_leave, args=(number,), name="penstock-stopping").start()

    def _say_and_leave(self, number: int) -> None:
        speaker = threading.Thread(target=self._end, name="penstock-farewell", daemon=True)
        speaker.start()
        speaker.join(PATIENCE)
        os.kill(os.getpid(), number)

    def _end(self) -> None:
        if not self._watching or os.getpid() != self._process:
            return
        self.stop()
        if self._main is not None and self._farewell.reason is EndReason.EXIT_CODE and _came_to_its_end(self._main):
            self._farewell = Farewell()  # the exit was caught, and ended nothing
        with suppress(Exception):
            self._say(self._farewell)


class _Exit:
    """A function that leaves by SystemExit, replaced by one that says so before."""

    def __init__(self, place: object, name: str, note: Callable[[object], None]) -> None:
        self._place, self._name = place, name
        self._original = getattr(place, name)
        original = self._original

        def leave(code: object = None, /) -> object:
            note(code)
            return original(code)

        self._ours = leave
        setattr(place, name, leave)

    def remove(self) -> None:
        """Put the original back, unless somebody has put something else there."""
        if getattr(self._place, self._name, None) is self._ours:
            setattr(self._place, self._name, self._original)


def _exits() -> list[tuple[object, str]]:
    """Return the functions that a script leaves by; at a prompt `exit` and `quit` say how to leave, and stay."""
    at_a_prompt = hasattr(sys, "ps1")
    found: list[tuple[object, str]] = [(sys, "exit")]
    main = sys.modules["__main__"]
    found += [(main, name) for name, one in list(vars(main).items()) if one is sys.exit]  # from sys import exit
    return found + [(builtins, name) for name in ("exit", "quit") if not at_a_prompt and hasattr(builtins, name)]


def leave(task: Task) -> None:
    """Have this process leave, because somebody aborted its task; call it in a thread that may end with the process.

    It is asked by SIGTERM first, which the script may handle, and killed when that does not come to anything.
    """
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"penstock: task {task.name!r} was {task.message}: its process leaves\n")
        sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE + 5.0)
    os.kill(os.getpid(), signal.SIGKILL)


def farewell(error: BaseException) -> Farewell:
    """Return how a process leaves that this exception ends."""
    if isinstance(error, KeyboardInterrupt):
        return Farewell(Status.STOPPED, EndReason.ABORTED, "interrupted from the keyboard")
    if isinstance(error, SystemExit):
        return _by_code(error.code)
    return Farewell(Status.FAILED, EndReason.EXCEPTION, told(error))


def _by_code(code: object) -> Farewell:
    return Farewell() if is_success(code) else Farewell(Status.FAILED, EndReason.EXIT_CODE, exit_call(code))


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _main_frame() -> FrameType | None:
    """Return the frame in which the script's module runs; None where there is none, as in a notebook."""
    names = vars(sys.modules["__main__"]) if "__main__" in sys.modules else None
    frame = _frame_of_main_thread()
    while frame is not None and not (frame.f_globals is names and frame.f_code.co_name == "<module>"):
        frame = frame.f_back
    return frame


def _frame_of_main_thread() -> FrameType | None:
    """Return what the main thread does just now.

    Of another thread's frames nobody may ask while garbage may be collected: before Python 3.11.9 one may then wait for
    the other, and that one for it (python/cpython#106883).
    """
    if _is_main_thread():
        return sys._getframe()  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - documented in spite of its name
    collects = gc.isenabled()
    gc.disable()
    try:
        frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - as above
        return frames.get(threading.main_thread().ident or 0)
    finally:
        if collects:
            gc.enable()


def _came_to_its_end(frame: FrameType) -> bool:
    """Return whether a frame that is over was left by a return, and not by an exception."""
    return frame.f_code.co_code[frame.f_lasti] in RETURNING
