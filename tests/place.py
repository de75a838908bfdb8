"""A home with agents, as real processes, and scripts that people run there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import closing, suppress
from pathlib import Path

from msgspec.structs import replace

from penstock.agent.journal import Journal
from penstock.backend import open_home
from penstock.core.errors import NotFound
from penstock.core.secret import Secret
from penstock.ops.agents import ListAgents
from penstock.ops.claims import ListHeld
from penstock.ops.runs import FindRun, GetRun
from penstock.ops.tasks import ListTasks
from penstock.run.liveness import here, is_alive
from penstock.settings import Settings

PATIENCE = 120.0  # seconds after which a test is lost; none comes near


def until(holds, what="it never came about"):
    """Wait until something holds; return what it is."""
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return found


def alive(pid):
    """Return whether a process lives."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Place:
    """Where everything is kept, the agents that serve it, and the scripts that use it.

    Args:
        folder: Homes, scripts and logs lie here.
        server: Whether a server keeps everything; agents and scripts then have homes of their own.
        database: The PostgreSQL database that the server uses.
        breaking: Code that the server runs before it begins, to see what becomes of things without a part of it.
        names: How else the server is called, as by those who reach it through something else.
    """

    def __init__(
        self,
        folder: Path,
        *,
        server: bool = False,
        database: str | None = None,
        breaking: str = "",
        names: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self._program = (
            ["-c", f"{breaking}\nfrom penstock.cli.main import main\nmain()"] if breaking else ["-m", "penstock"]
        )
        self.settings = Settings(home=folder / "home", workers=2)
        self._agents: list[subprocess.Popen[str]] = []
        self._given = [*(("--database", database) if database else ()), *(f"--name={name}" for name in names)]
        self.server: subprocess.Popen[str] | None = None
        if server:
            self.start_server()
            token = (folder / "kept" / "token").read_text().strip()
            self.settings = replace(self.settings, url=self.url, key=Secret(token))
        self.backend = open_home(self.settings)

    def start_server(self, port=0):
        """Start the server; return once it answers."""
        command = [sys.executable, *self._program, "server", "--json", "--port", str(port), *self._given]
        variables = self.environment | {"PENSTOCK_HOME": str(self.folder / "kept"), "PENSTOCK_URL": ""}
        with (self.folder / "server.log").open("a") as log:
            self.server = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=log, text=True)
        said = ""
        while not said.endswith("}\n"):
            line = self.server.stdout.readline()
            assert line, (self.folder / "server.log").read_text()
            said += line
        self.url = json.loads(said)["url"]

    def without_server(self):
        """Open the server's own home, to record in it what would be thousands of requests."""
        return closing(open_home(Settings(home=self.folder / "kept", workers=1)))

    def restart_server(self):
        """Kill the server, and start it at the same address."""
        self.kill_server()
        self.start_server(self.port)

    def kill_server(self):
        """Kill the server."""
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    @property
    def port(self):
        return int(self.url.rpartition(":")[2])

    @property
    def environment(self):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PENSTOCK_", "COVERAGE"))}
        mine = {"PENSTOCK_HOME": str(self.settings.home), "PENSTOCK_CONFIG": "/nowhere", "PENSTOCK_START_AGENT": "off"}
        there = {"PENSTOCK_URL": self.settings.url, "PENSTOCK_KEY": self.settings.key.text} if self.settings.url else {}
        return clean | mine | there | {"PYTHONPATH": str(self.folder)}

    def penstock(self, *arguments, code=0):
        """Carry a command out and return what it printed."""
        command = [sys.executable, "-m", "penstock", *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    def agent(self, *arguments, **variables):
        """Start an agent; return its process once it lives."""
        command = [sys.executable, "-m", "penstock", "agent", *arguments]
        log = (self.folder / f"agent{len(self._agents)}.log").open("w")
        if self.server is not None:
            variables = {"PENSTOCK_HOME": str(self.folder / f"agent{len(self._agents)}")} | variables
        process = subprocess.Popen(command, env=self.environment | variables, stderr=log, stdout=log, text=True)
        log.close()
        self._agents.append(process)
        until(lambda: any(one.process.pid == process.pid for one in self.agents()) or process.poll() is not None)
        return process

    def agents(self):
        return self.backend.call(ListAgents())

    def start(self, text, *arguments, **variables):
        """Start a script; return its process."""
        file = self.folder / "script.py"
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, str(file), *arguments],
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, text, *arguments, code=0, **variables):
        """Run a script to its end and return what it printed."""
        process = self.start(text, *arguments, **variables)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, out + err + self.logs()
        return out

    def found(self, text="last"):
        """Return a run with its steps; of drafts as well."""
        return self.backend.call(GetRun(id=self.backend.call(FindRun(text=text)).id))

    def state(self, text, step):
        """Return where a step stands, None while its run has not begun."""
        with suppress(NotFound):
            return next((one for one in self.found(text).steps if one.name == step), None)
        return None

    def ended(self, text):
        """Wait until a run has ended and nobody holds it any more; return its status, and those of its steps."""
        until(lambda: self.found(text).run.task.ended is not None, f"it never ended\n{self.logs()}")
        until(lambda: self.found(text).run.id not in {one.task.id for one in self.backend.call(ListHeld())})
        detail = self.found(text)
        return str(detail.run.task.status), {state.name: str(state.status) for state in detail.steps}

    def attempts(self, text, step):
        """Return the attempts of a step, the first one first."""
        return self.backend.call(ListTasks(run=self.backend.call(FindRun(text=text)).id, step=step))

    def logs(self):
        return "".join(one.read_text() for one in sorted(self.folder.glob("agent*.log")))

    def shims(self):
        """Return the processes that have a task: each writes a journal, and lives on without agent and server."""
        opened = [Journal.open(file) for file in self.folder.glob("*/journals/*.journal")]
        for one in opened:
            if one is not None:
                one.close(remove=False)
        return {one.opening.writer for one in opened if one is not None}

    def told(self, name):
        """Wait until a step has written what it has to tell, as JSON, into a file; return it."""
        file = self.folder / name
        until(file.exists, f"nobody wrote {name}\n{self.logs()}")
        return until(lambda: json.loads(file.read_text() or "null"))

    def close(self):
        for process in self._agents:
            process.kill()
            process.wait()
        workers = {one.worker for one in self.backend.call(ListTasks(statuses=None, limit=10_000)) if one.worker}
        for process in (self.shims() | workers) - {here()}:
            if is_alive(process):  # its pid may be another one's by now, of a browser as well
                with suppress(OSError):
                    os.kill(process.pid, signal.SIGKILL)
        self.backend.close()
        if self.server is not None:
            self.kill_server()
