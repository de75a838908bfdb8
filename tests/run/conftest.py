"""Real processes and repositories for the tests of this folder. What runs in processes stands in `entries.py`."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from penstock.run import warm
from penstock.run.process import Event, Exited, Launch, Message, Output
from penstock.run.processes import Processes

PATIENCE = 60.0  # seconds after which a test is lost; none comes near
SRC = str(Path(warm.__file__).parents[2])
HERE = str(Path(__file__).parent)


class Heard(list[Event]):
    """What came from processes, in its order."""

    @property
    def messages(self) -> list[object]:
        return [json.loads(event.data) for event in self if isinstance(event, Message)]

    @property
    def ends(self) -> list[Exited]:
        return [event for event in self if isinstance(event, Exited)]

    def printed(self, stream: str = "out") -> bytes:
        return b"".join(event.data for event in self if isinstance(event, Output) and event.stream == stream)


class Steps:
    """Starts entries as processes and follows them."""

    src = SRC
    path = (SRC, *sys.path, HERE)

    def __init__(self, processes: Processes) -> None:
        self.processes = processes

    @property
    def warm(self) -> warm.Warm:
        assert self.processes._warm
        return self.processes._warm

    @property
    def warm_pid(self) -> int:
        return self.warm._process.pid

    def start(self, name: str, payload: bytes = b"", **options: object) -> None:
        """Launch an entry, under its own name if the options do not say another key."""
        given = {
            "cwd": HERE,
            "entry": f"entries:{name}",
            "environment": {"PATH": os.environ["PATH"], "MARK": "a mark"},
            "key": name,
            "path": self.path,
            "payload": payload,
        }
        self.processes.launch(Launch(**given | options))

    def follow(self, ends: int = 1) -> Heard:
        """Return all events until so many processes have exited."""
        return self._hear(lambda heard: len(heard.ends) >= ends)

    def run(self, name: str, payload: bytes = b"", **options: object) -> Heard:
        """Launch an entry and return its events."""
        self.start(name, payload, **options)
        return self.follow()

    def message(self) -> object:
        """Return the next message."""
        return self._hear(lambda heard: bool(heard.messages)).messages[0]

    def line(self) -> bytes:
        """Return what is printed next, until a line is whole."""
        return self._hear(lambda heard: heard.printed().endswith(b"\n")).printed()

    def _hear(self, enough: Callable[[Heard], bool]) -> Heard:
        heard = Heard()
        until = time.monotonic() + PATIENCE
        while not enough(heard):
            assert time.monotonic() < until, heard[-20:]
            heard += self.processes.poll(PATIENCE)
        return heard


@pytest.fixture
def begin() -> Iterator[Callable[..., Steps]]:
    """Begin a run with a warm process of its own kind."""
    with ExitStack() as stack:
        yield lambda *modules, **options: Steps(stack.enter_context(Processes(modules, **options)))


@pytest.fixture
def steps(begin: Callable[..., Steps]) -> Steps:
    """A run that preloads nothing."""
    return begin()


@pytest.fixture
def is_gone() -> Callable[[object], bool]:
    """Wait until a process is gone."""

    def wait(pid: object) -> bool:
        assert isinstance(pid, int)
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([descriptor], [], [], PATIENCE)[0])
        finally:
            os.close(descriptor)

    return wait


@pytest.fixture(scope="module", autouse=True)
def no_warm_process_left() -> Iterator[None]:
    yield
    warm.dismiss_idle()


class Work:
    """A git repository with a commit or more, as a user has it."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", *options)
        self.git("config", "user.name", "A")
        self.git("config", "user.email", "a@example.org")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return os.fsdecode(done.stdout).strip()

    def write(self, files: dict[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, files: dict[str, str | bytes]) -> str:
        self.write(files)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message=m")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def plain_git(tmp_path_factory, monkeypatch) -> Path:
    """An empty configuration of the user's, which counts for git in this test; returns its file."""
    file = tmp_path_factory.mktemp("config") / "gitconfig"
    file.touch()
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return file


@pytest.fixture
def work(plain_git, tmp_path) -> Work:
    """An empty repository."""
    return Work(tmp_path / "work")
