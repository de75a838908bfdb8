"""From a task that asks for a container to the order for its process: what it sees, and what it is given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace
from podman import IMAGE, install

from penstock.core.assignment import Assignment
from penstock.core.containers import Allowed
from penstock.core.errors import Forbidden, NotFound
from penstock.core.lease import Held
from penstock.core.task import Container, Script, Task
from penstock.run.contained import bridge, ticket
from penstock.run.contained.place import place_for, start_run, start_task
from penstock.run.launch import Surroundings
from penstock.run.process import Launch

TASK = Task(id="t1", name="t", project="P", script=Script(source="def f(): pass", entry_point="f", working_dir="data"))
ALLOWED = Allowed(images=(IMAGE,), always=("--network=none",))
SECRETS = {"PENSTOCK_KEY": "key", "PENSTOCK_CONFIG": "/etc/c", "PENSTOCK_DATABASE": "postgresql://", "AWS_KEY": "aws"}


@pytest.fixture
def container(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{install(tmp_path / 'programs')}{os.pathsep}{os.environ['PATH']}")
    return place_for(Container(image=IMAGE), ALLOWED, Held("t1", 4), tmp_path / "home")


@pytest.fixture
def place(tmp_path):
    home = tmp_path / "home"
    return Surroundings(
        home=home,
        blobs=home / "blobs",
        scratch=home / "scratch",
        working="/of/the/agent",
        path=("/lib",),
        environment={"PATH": "/bin", **SECRETS},
        same_env=None,
    )


def order_of(launch):
    return bridge._decode(launch.payload)


def seen(order):
    return {one.folder: one.writable for one in order.mounts}


def test_a_task_sees_penstock_its_packages_its_script_and_what_it_makes(place, container):
    launch = start_task(TASK, Assignment(), place, container)
    given, own = order_of(launch), place.scratch_of("t1")
    (script,) = (Path(folder) for folder in seen(given) if "/scratch/code/" in folder)
    assert seen(given) == {
        str(Path(bridge.__file__).parents[2]): False,
        str(place.home / "cache" / "environments"): False,
        str(script): False,
        str(own): True,
        str(place.blobs): True,
    }
    assert (script / "f.py").read_text() == "def f(): pass"
    assert all(Path(folder).is_dir() for folder in seen(given))
    assert (given.folder, given.working) == (str(own), str(own / "data"))


def test_a_task_is_given_its_token_and_nothing_else_that_the_agent_has(place, container):
    given = order_of(start_task(TASK, Assignment(), place, container))
    assert set(given.environment) == {"PENSTOCK_KEY", "PENSTOCK_HOME", "PENSTOCK_TASK_ID"}
    assert given.environment["PENSTOCK_HOME"].startswith(given.folder)


def test_a_run_sees_the_home_and_has_the_settings_of_the_agent(place, container):
    inner = Launch(key="t1", payload=b"t1", cwd="/", environment=place.environment, path=(), entry="m:f")
    given = order_of(start_run(inner, place, container))
    assert seen(given)[str(place.home)] is True
    assert set(given.environment) == {"PENSTOCK_KEY", "PENSTOCK_DATABASE"}
    assert (given.is_attempt, given.entry, given.payload) == (False, "m:f", b"t1")


def test_the_container_has_a_name_of_its_lease_and_a_mark_until_it_is_left(place, container):
    with container:
        given = order_of(start_task(TASK, Assignment(), place, container))
        assert given.name == "penstock-t1-4"
        assert Path(given.ticket) == ticket.folder_of(place.home) / given.name
        assert Path(given.ticket).exists()
    assert not Path(given.ticket).exists()


def test_its_process_lives_in_the_agents_environment_and_programs_may_clear_up_behind_it(place, container):
    launch = start_task(TASK, Assignment(time_limit=9.0), place, container)
    assert (launch.entry, launch.environment, launch.tidies) == (bridge.ENTRY, place.environment, True)
    assert (launch.key, launch.time_limit) == ("t1", 9.0)


def test_what_the_owner_gives_to_all_is_given(place, container):
    given = order_of(start_task(TASK, Assignment(), replace(place, same_env=True), container))
    assert (given.always, given.same_env, given.runtime) == (("--network=none",), True, "podman")


def test_what_is_not_allowed_is_refused_before_anything_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Forbidden):
        place_for(Container(image="evil"), ALLOWED, Held("t", 1), tmp_path)
    with pytest.raises(NotFound):
        place_for(Container(image=IMAGE), ALLOWED, Held("t", 1), tmp_path)
