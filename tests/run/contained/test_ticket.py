"""Tickets of containers that may be there, and what becomes of those whose owner died."""

from __future__ import annotations

import os
import subprocess

import msgspec
import pytest
from podman import install

from penstock.core.errors import PenstockError
from penstock.core.task import Worker
from penstock.run.contained import ticket
from penstock.run.liveness import here


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """The podman of the tests, on PATH."""
    folder = install(tmp_path / "programs")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.fixture
def container(programs):
    """Start a container of a name; return the process of who started it."""
    started = []

    def container(name):
        command = ["podman", "run", "--rm", f"--name={name}", "--entrypoint=/bin/sh", "localhost/tests:1", "-c"]
        process = subprocess.Popen([*command, "echo up; sleep 1000"], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"up\n"
        started.append(process)
        return process

    yield container
    for one in started:
        one.stdout.close()
        one.wait()


@pytest.fixture
def dead():
    """What told a process from others that is gone."""
    process = subprocess.Popen(["true"])
    process.wait()
    return Worker(host=here().host, pid=process.pid, started="1", boot=here().boot)


def by(home, owner):
    """Have another process own the ticket."""
    file = ticket.leave(home, "podman", "c")
    file.write_bytes(msgspec.json.encode(ticket.Ticket(runtime="podman", name="c", owner=owner)))
    return file


def test_a_mark_goes_with_its_container(tmp_path, container):
    process = container("c")
    file = ticket.leave(tmp_path, "podman", "c")
    assert ticket.first_process("podman", "c") != process.pid
    ticket.clear(file)
    assert process.wait() == 128 + 9
    assert not file.exists()
    assert ticket.first_process("podman", "c") is None
    ticket.clear(file)  # as often as one likes


def test_a_container_that_is_gone_already_needs_no_removing(tmp_path, programs):
    file = ticket.leave(tmp_path, "podman", "c")
    ticket.clear(file)
    assert not file.exists()


def test_while_the_runtime_cannot_remove_it_the_mark_stays(tmp_path, programs):
    file = ticket.leave(tmp_path, "podman", "c")
    (programs / "podman").write_text("#!/bin/sh\necho 'the disk is on fire' >&2; exit 1\n")
    with pytest.raises(PenstockError, match="the disk is on fire"):
        ticket.clear(file)
    assert file.exists()


def test_what_belongs_to_a_process_that_lives_is_left_alone(tmp_path, container, programs):
    process = container("c")
    file = by(tmp_path, here())
    ticket.recover(tmp_path, pytest.fail)
    assert process.poll() is None
    ticket.clear(file)


def test_what_belongs_to_another_machine_is_left_alone(tmp_path, container, dead):
    container("c")
    file = by(tmp_path, Worker(host="elsewhere", pid=1))
    ticket.recover(tmp_path, pytest.fail)
    ticket.clear(file)


def test_the_container_of_a_dead_process_is_removed_at_once_and_looked_for_again_before_the_mark_goes(
    tmp_path, container, dead, monkeypatch
):
    process = container("c")
    file = by(tmp_path, dead)
    said = []
    ticket.recover(tmp_path, said.append)
    assert process.wait() == 128 + 9
    assert ["container c" in one for one in said] == [True]
    late = container("c")  # its runtime was slow to make it
    ticket.recover(tmp_path, said.append)
    assert file.exists()
    assert late.poll() is None  # not looked at more often than it has to be
    monkeypatch.setattr(ticket, "LATE", 0.0)
    ticket.recover(tmp_path, said.append)
    assert late.wait() == 128 + 9
    assert not file.exists()
    assert len(said) == 1


def test_what_is_no_mark_is_left_where_it_is(tmp_path):
    folder = ticket.folder_of(tmp_path)
    folder.mkdir()
    (folder / "notes").write_text("mine")
    ticket.recover(tmp_path, pytest.fail)
    assert (folder / "notes").exists()
