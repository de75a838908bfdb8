from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from penstock.agent.order import Order, Standby, clock, decode, decode_standby, encode
from penstock.core.assignment import Assignment
from penstock.core.lease import Held
from penstock.core.task import Task, Worker
from penstock.ops.claims import Claim
from penstock.settings import Settings


def test_an_order_arrives_as_it_was_given():
    claim = Claim(task=Task(id="a", name="é", project="P"), held=Held("a", 3), queue="default", assignment=Assignment())
    order = Order(
        claim=claim,
        token="t",
        working="/w",
        environment={"A": "é=1"},
        path=("/x",),
        lease=5.0,
        agent=Worker(host="h", pid=7, started="s", boot="b"),
        safe_until=12.5,
    )
    assert decode(encode(order)) == order


def test_what_a_shim_knows_before_it_has_a_task_arrives_as_it_was_given():
    settings = Settings(home=Path("/é/home"), workers=3, held=Held("b", 1))
    given = Standby(settings=settings, modules=("json",), fingerprint="f")
    assert decode_standby(encode(given)) == given


def test_all_processes_of_a_machine_read_the_same_clock():
    before = clock()
    command = [sys.executable, "-c", "from penstock.agent.order import clock; print(clock())"]
    there = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert before < there < clock()
