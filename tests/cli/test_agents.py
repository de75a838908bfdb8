"""The agents in the terminal."""

from __future__ import annotations

from penstock.core.task import Worker
from penstock.ops.agents import Agent, ReportAgent
from penstock.run.liveness import here


def test_agents_are_listed_with_what_they_serve_and_drained_by_name(penstock, recorder):
    recorder.call(ReportAgent(agent=Agent(name="big", process=here(), queues=("gpu", "cpu"), workers=4)))
    answer = penstock("agents")
    assert answer.code == 0
    header, line = answer.out.splitlines()
    assert header.split() == ["AGENT", "QUEUES", "BUSY", "WORKERS", "STARTED", "STATE"]
    assert line.split()[:5] == ["big", "gpu,", "cpu", "0", "4"]
    drained = penstock("agents", "--drain", "big", "--reason", "new disk").out.splitlines()[1]
    assert drained.endswith("leaving: new disk")
    (told,) = penstock("agents", "--json").document()["agents"]
    assert (told["draining"], told["why"]) == (True, "new disk")


def test_who_drains_an_agent_without_a_reason_is_named(penstock, recorder, monkeypatch):
    monkeypatch.setenv("PENSTOCK_USER", "ada")
    recorder.call(ReportAgent(agent=Agent(name="big", process=here())))
    assert "leaving: ada asked for it" in penstock("agents", "--drain", "big").out


def test_an_agent_whose_process_is_gone_is_not_listed(penstock, recorder):
    gone = Worker(host=here().host, pid=2**22 - 1, started="1", boot=here().boot)
    recorder.call(ReportAgent(agent=Agent(name="gone", process=gone)))
    answer = penstock("agents")
    assert (answer.out, answer.err) == ("", "no agent lives; start one with: penstock agent\n")


def test_who_drains_an_agent_that_is_not_there_is_told(penstock):
    answer = penstock("agents", "--drain", "nobody")
    assert (answer.code, "no agent 'nobody'" in answer.err) == (3, True)


def test_what_their_machines_use_is_shown_where_an_agent_says_it(penstock, recorder):
    usage = {"cpu": 12.4, "memory": 50.0, "disk": 99.6}
    recorder.call(ReportAgent(agent=Agent(name="big", process=here(), usage=usage | {"gpu": 3.0, "gpu_memory": 80.0})))
    recorder.call(ReportAgent(agent=Agent(name="old", process=here())))
    recorder.call(ReportAgent(agent=Agent(name="small", process=here(), usage=usage)))
    header, big, old, small = penstock("agents").out.splitlines()
    assert header.split()[2:-2] == ["BUSY", "WORKERS", "CPU", "MEMORY", "DISK", "GPU", "GPU", "MEM"]
    assert big.split()[2:9] == ["0", "1", "12%", "50%", "100%", "3%", "80%"]
    assert small.split()[2:7] == ["0", "1", "12%", "50%", "100%"]
    assert "%" not in old
