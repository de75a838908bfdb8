"""What queues and agents cost: `python bench/queues.py [CASE ...]`. Server, agents, scripts are processes of their own.

Cases, all of them unless some are named:

    gap        from the end of a step's function to the beginning of the next one's, through server and agent: of steps
               that do nothing, where all that goes on behind a step falls into it, and of steps that take half a second
    tasks      no-op steps through a queue and one agent with two workers, beside the same steps without a server
    waiting    from enqueuing to the claim while 200 agents wait
    crowd      the same while 1,000 wait, half of them in another queue, and 10,000 points come every second

Times are those of one machine: what they say depends on what else it does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import msgspec

from penstock.backend import connect
from penstock.backend.protocol import API, MSGPACK
from penstock.backend.token import read_token
from penstock.core.outputs import ScalarPoint
from penstock.ops.base import Op
from penstock.ops.claims import ClaimTask
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.outputs import NewPoints, ReportScalars
from penstock.ops.queues import CreateQueue
from penstock.ops.tasks import CreateTask, NewTask
from penstock.settings import Settings
from server import cpu_of, memory_of, start, stop

STEPS = {0.0: 200, 0.5: 60}
"""How many steps of so many seconds each."""
NO_OPS = 1000
CLAIMS = 300
QUEUE = "measured"

CHAIN = """
import json, sys, time
from penstock import PipelineController, Task

def step(before, seconds):
    began = time.monotonic()
    time.sleep(seconds)
    return [began, time.monotonic()]

queue, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
pipe = PipelineController("gap", "Bench")
if queue:
    pipe.set_default_execution_queue(queue)
before = []
for number in range(count):
    pipe.add_function_step(f"s{number}", step, {"before": before, "seconds": seconds}, ["times"])
    before = f"${{s{number}.times}}"
pipe.start_locally(run_pipeline_steps_locally=not queue)
tasks = [Task.get_task(task_id=step.executed) for step in pipe.get_pipeline_dag().values()]
print(json.dumps([task.artifacts["times"].get() for task in tasks]))
"""
FAN = """
import json, sys, time
from penstock import PipelineController, Task

def step(number):
    return None

queue, count = sys.argv[1], int(sys.argv[2])
pipe = PipelineController("fan", "Bench")
if queue:
    pipe.set_default_execution_queue(queue)
for number in range(count):
    pipe.add_function_step(f"s{number}", step, {"number": number})
began = time.perf_counter()
pipe.start_locally(run_pipeline_steps_locally=not queue)
print(json.dumps(time.perf_counter() - began))
"""


def row(name: str, value: float, unit: str) -> None:
    """Print one figure."""
    print(f"{name:78} {value:10.1f} {unit}", flush=True)


def spread(name: str, seconds: list[float]) -> None:
    """Print how a time is spread."""
    ordered = sorted(seconds)
    row(f"{name}: p50", statistics.median(ordered) * 1000, "ms")
    row(f"{name}: p99", ordered[int(len(ordered) * 0.99)] * 1000, "ms")


def run(text: str, home: Path, url: str, *arguments: str) -> object:
    """Run a script that prints its result as the last line; return that."""
    file = home / "script.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    environment = {**os.environ, "PENSTOCK_HOME": str(home), "PENSTOCK_URL": url, "PENSTOCK_PROGRESS": "plain"}
    said = subprocess.run(
        [sys.executable, str(file), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return json.loads(said.stdout.splitlines()[-1])


def agent(home: Path, url: str, workers: int) -> subprocess.Popen[bytes]:
    """Start an agent with a home of its own."""
    environment = {**os.environ, "PENSTOCK_HOME": str(home), "PENSTOCK_URL": url}
    command = [sys.executable, "-m", "penstock", "agent", "--queue", "default", "--workers", str(workers)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def gap(folder: Path, url: str, _server: int) -> None:
    """Measure a chain."""
    for queue, name in (("", "without a server"), ("default", "through server and agent")):
        run(CHAIN, folder / "script", url if queue else "", queue, "3", "0")  # warms up
        for seconds, count in STEPS.items():
            times = run(CHAIN, folder / "script", url if queue else "", queue, str(count), str(seconds))
            gaps = [after[0] - before[1] for before, after in itertools.pairwise(times)]
            spread(f"end of a step of {seconds:g} s to the next one's begin, {name}", gaps)


def tasks(folder: Path, url: str, server: int) -> None:
    """Measure many steps that do nothing."""
    rates = {}
    for queue, name in (("", "without a server"), ("default", "through server and agent")):
        before = cpu_of(server)
        seconds = run(FAN, folder / "script", url if queue else "", queue, str(NO_OPS))
        rates[queue] = NO_OPS / seconds
        row(f"no-op steps a second, {name}", rates[queue], "")
    row("ratio", rates[""] / rates["default"], "")
    row("processor time of the server for each", (cpu_of(server) - before) / NO_OPS * 1000, "ms")


class Line:
    """A connection to the server, without anything that a thread would be needed for."""

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, url: str) -> Line:
        """Connect."""
        host = url.removeprefix("http://")
        name, port = host.split(":")
        return cls(host, *await asyncio.open_connection(name, int(port)))

    async def ask(self, op: Op[Any]) -> Any:
        """Have an operation carried out; return what came back, as plain data."""
        body = msgspec.msgpack.encode(op)
        lines = (
            f"POST {API}/{type(op).__name__} HTTP/1.1",
            f"host: {self._host}",
            f"authorization: Bearer {os.environ['PENSTOCK_KEY']}",
            f"content-type: {MSGPACK}",
            f"content-length: {len(body)}",
        )
        self._writer.write("\r\n".join((*lines, "", "")).encode() + body)
        said = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower().splitlines()
        length = next(int(line.partition(":")[2]) for line in said if line.startswith("content-length:"))
        answer = await self._reader.readexactly(length)
        if " 200 " not in said[0]:
            raise SystemExit(f"{type(op).__name__}: {said[0]}: {answer.decode()}")
        return msgspec.msgpack.decode(answer)


async def waited(url: str, agents: int, others: int, between: float) -> list[float]:
    """Let agents wait, enqueue tasks one by one, and return the seconds from each enqueuing to its claim.

    Args:
        agents: How many wait for these tasks.
        others: How many wait in another queue.
        between: Seconds between two tasks.
    """
    enqueued: dict[str, float] = {}
    took: list[float] = []
    done = asyncio.Event()

    async def wait(name: str, queue: str) -> None:
        line = await Line.to(url)
        while True:
            op = ClaimTask(agent=name, queues=(queue,), request=uuid.uuid4().hex, workers=10**6, wait=30.0)
            claim = await line.ask(op)
            if claim is not None:
                took.append(time.perf_counter() - enqueued[claim["task"]["id"]])
                if len(took) == CLAIMS:
                    done.set()

    waiting = [asyncio.create_task(wait(f"agent-{n}", QUEUE)) for n in range(agents)]
    waiting += [asyncio.create_task(wait(f"other-{n}", "services")) for n in range(others)]
    await asyncio.sleep(3 + (agents + others) / 200)
    line = await Line.to(url)
    for _ in range(CLAIMS):
        id = uuid.uuid4().hex
        await line.ask(CreateTask(task=NewTask(id=id, name="t", project="Bench")))
        enqueued[id] = time.perf_counter()
        await line.ask(EnqueueTask(id=id, queue=QUEUE))
        await asyncio.sleep(between)
    async with asyncio.timeout(60):
        await done.wait()
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return took


async def reporting(url: str, each: int, reported: list[int]) -> None:
    """Report points for ever, ten batches a second, and count them."""
    line, id, step = await Line.to(url), uuid.uuid4().hex, 0
    await line.ask(CreateTask(task=NewTask(id=id, name="noisy", project="Bench")))
    while True:
        begun = time.perf_counter()
        now = time.time()
        steps = range(step, step + each)
        points = NewPoints(title="m", series="v", points=tuple(ScalarPoint(n, float(n), now) for n in steps))
        await line.ask(ReportScalars(task=id, series=(points,)))
        step += each
        reported.append(each)
        await asyncio.sleep(max(0.0, 0.1 - (time.perf_counter() - begun)))


async def beside_reports(url: str) -> list[float]:
    """Return what `waited` does for 1,000 agents while 10,000 points a second come."""
    reported: list[int] = []
    noise = [asyncio.create_task(reporting(url, 200, reported)) for _ in range(5)]
    began = time.perf_counter()
    took = await waited(url, 500, 500, 0.02)
    row("points a second that were taken meanwhile", sum(reported) / (time.perf_counter() - began), "")
    for one in noise:
        one.cancel()
    await asyncio.gather(*noise, return_exceptions=True)
    return took


def waiting(_folder: Path, url: str, server: int) -> None:
    """Measure claims while 200 agents wait."""
    before = cpu_of(server)
    spread("enqueue to claim, 200 agents wait", asyncio.run(waited(url, 200, 0, 0.02)))
    row("processor time of the server for each", (cpu_of(server) - before) / CLAIMS * 1000, "ms")
    row("memory of the server", memory_of(server), "MB")


def crowd(_folder: Path, url: str, server: int) -> None:
    """Measure claims while 1,000 agents wait and 10,000 points come every second."""
    spread("enqueue to claim, 1,000 agents wait, 10,000 points a second", asyncio.run(beside_reports(url)))
    row("memory of the server", memory_of(server), "MB")


CASES = {"gap": gap, "tasks": tasks, "waiting": waiting, "crowd": crowd}

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server, url, _ = start(folder / "home")
        (folder / "script").mkdir()
        os.environ["PENSTOCK_KEY"] = read_token(folder / "home")
        worker = agent(folder / "agent", url, 2)
        own = connect(Settings(home=folder / "home", workers=1, url=url))
        own.call(CreateQueue(name=QUEUE))
        own.close()
        try:
            for case in sys.argv[1:] or CASES:
                CASES[case](folder, url, server.pid)
        finally:
            worker.terminate()
            worker.wait()
            stop(server)
