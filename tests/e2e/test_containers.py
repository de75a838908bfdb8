"""Tasks in containers, carried out by agents: by a program of the tests, and by a real one where an image is named.

PENSTOCK_TEST_CONTAINER="podman localhost/python:3" has these tests use that program with that image besides.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from podman import IMAGE, install, living
from tests.place import alive, until

from penstock.ops.claims import ListHeld
from penstock.ops.outputs import ReadConsole
from penstock.ops.tasks import GetTask
from penstock.run.needs import ENVIRONMENT

REAL = os.environ.get("PENSTOCK_TEST_CONTAINER", "")


class Runtime:
    """What runs containers: its name, an image, and where agents find it."""

    def __init__(self, kind, folder):
        self.is_real = kind == "real"
        self.name, self.image = REAL.split() if self.is_real else ("podman", IMAGE)
        self.folder = folder
        self.variables = {}
        if not self.is_real:
            install(folder)
            self.variables = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

    def names(self):
        """The containers that there are."""
        if not self.is_real:
            return living(self.folder)
        command = [self.name, "ps", "--all", "--format", "{{.Names}}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    def asked(self):
        """All that was asked of the program."""
        return [json.loads(line) for line in (self.folder / "asked").read_text().splitlines()]


@pytest.fixture(
    params=[
        "own",
        pytest.param("real", marks=pytest.mark.skipif(not REAL, reason="PENSTOCK_TEST_CONTAINER names none")),
    ]
)
def runtime(request, tmp_path):
    return Runtime(request.param, tmp_path / "programs")


@pytest.fixture
def own(tmp_path):
    return Runtime("own", tmp_path / "programs")


@pytest.fixture
def start_agent(place, wheels):
    """Start an agent that allows an image to tasks, with what else a line of its configuration says."""

    def start_agent(runtime, *arguments, says="", images=None):
        file = place.folder / "config.toml"
        allowed = json.dumps([runtime.image] if images is None else images)
        file.write_text(
            f'[agent.containers]\nimages = {allowed}\nalways = ["--network=none", "--env=IN=a container"]\n{says}\n'
            f'runtime = "{runtime.name}"\n'
            f'[environments]\nindex = "none"\nfind_links = ["{wheels.folder}"]\n'
        )
        return place.agent(*arguments, PENSTOCK_CONFIG=str(file), **runtime.variables)

    return start_agent


@pytest.fixture
def console(place):
    def console(task):
        return [line.text for chunk in place.backend.call(ReadConsole(task=task)) for line in chunk.lines]

    return console


TWO = """
from penstock import PipelineController

def first(x):
    "Say what there is."
    import os, sys
    print("out")
    print("err", file=sys.stderr)
    open("kept", "w").write("in a folder of its own")
    return x + 1, os.environ.get("SET"), os.environ.get("A"), os.environ.get("IN"), " ".join(sorted(os.environ))

def second(x, place):
    "Go on."
    return f"{x} {place}"

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
names = ["x", "set", "a", "place", "names"]
pipe.add_function_step("one", first, {"x": 41}, names, docker="IMAGE", docker_args="-e A=given",
                       docker_bash_setup_script="echo setting up\\nexport SET=up")
pipe.add_function_step("two", second, {"x": "${one.x}", "place": "${one.place}"}, ["text"], docker="IMAGE")
pipe.start_locally()
print(pipe.get_pipeline_dag()["two"].task_id)
"""


def returned(place, step, text="flow"):
    (attempt,) = place.attempts(text, step)
    from penstock.ops.tasks import GetParameters

    found = place.backend.call(GetParameters(task=attempt.id))
    return {one.name: one.value for one in found if one.section == "return"}


@pytest.mark.parametrize("place", ["home", "server"], indirect=True)
def test_a_step_in_a_container_does_what_it_does_outside(place, runtime, start_agent, console):
    start_agent(runtime, says='arguments = ["env"]')
    place.run(TWO.replace("IMAGE", runtime.image))
    assert place.ended("flow") == ("completed", {"one": "completed", "two": "completed"}), place.logs()
    found = returned(place, "one")
    assert (found["x"], found["set"], found["a"], found["place"]) == (42, "up", "given", "a container")
    assert "PENSTOCK_CONFIG" not in found["names"].split()  # what the agent has is not the container's
    assert returned(place, "two")["text"] == "42 a container"
    (one,) = place.attempts("flow", "one")
    assert one.runtime["container"] == f"{runtime.image} in {runtime.name}"
    assert one.runtime[ENVIRONMENT].startswith("image")
    printed = console(one.id)
    assert printed[0] == "setting up"
    assert printed[-2:] == ["out", "err"]
    assert f"{runtime.image} in {runtime.name}" in place.penstock("task", one.id)
    until(lambda: not runtime.names())


@pytest.mark.parametrize("place", ["server"], indirect=True)
def test_no_secret_is_on_the_command_line_and_nothing_that_the_task_names_is_mounted(place, own, start_agent):
    start_agent(own, says='arguments = ["env"]')
    place.run(TWO.replace("IMAGE", own.image))
    runs = [words for words in own.asked() if words[0] == "run"]
    assert len(runs) == 2
    assert all("--network=none" in words for words in runs)
    assert "PENSTOCK_KEY" in returned(place, "one")["names"].split()
    assert not [word for words in runs for word in words if "penstock_" in word or "KEY" in word]
    homes = (f"source={place.folder}/agent0/", "source=" + str(Path(__file__).parents[2] / "src/penstock") + ",")
    mounts = [word for words in runs for word in words if word.startswith("--mount")]
    assert all(any(home in mount for home in homes) for mount in mounts), mounts


ONE = """
from penstock import PipelineController

def step():
    "Say where."
    import os
    print(os.environ.get("IN"))

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
pipe.add_function_step("one", step, docker="IMAGE", docker_bash_setup_script="SETUP", docker_args="ARGUMENTS")
pipe.start_locally()
"""


def one_step(image, setup="", arguments=""):
    return ONE.replace("IMAGE", image).replace("SETUP", setup).replace("ARGUMENTS", arguments)


@pytest.mark.parametrize(
    ("allowed", "arguments", "words"),
    [
        (["python:3.*"], "", ("'localhost/tests:1' is not allowed", "allowed: python:3.*", "[agent.containers]")),
        ([], "", ("allowed: none", "add 'localhost/tests:1' to `images` under [agent.containers]")),
        ([IMAGE], "--privileged", ("'--privileged' is refused", "as `always`")),
        ([IMAGE], "--cpus 2", ("--cpus is not allowed", "add 'cpus' to `arguments` under [agent.containers]")),
    ],
)
def test_what_is_not_allowed_is_the_tasks_end_and_it_is_said_where_to_allow_it(
    place, own, start_agent, allowed, arguments, words
):
    start_agent(own, images=allowed)
    place.run(one_step(IMAGE, arguments=arguments))
    assert place.ended("flow") == ("failed", {"one": "failed"})
    (one,) = place.attempts("flow", "one")
    assert one.reason == "launch"
    for text in (place.penstock("logs", "flow"), place.penstock("explain", "flow"), place.penstock("show", "flow")):
        assert words[0] in text, text
    assert all(word in one.message for word in words), one.message
    assert not own.asked()


def test_where_nothing_runs_containers_the_task_says_so(place, own, start_agent):
    own.variables = {"PATH": "/nowhere"}
    start_agent(own)
    place.run(one_step(IMAGE))
    (one,) = place.attempts("flow", "one")
    assert "no program that runs containers is installed" in one.message
    assert "install podman or docker" in one.message


def test_an_agent_can_be_told_to_run_tasks_without_their_containers(place, own, start_agent, console):
    own.variables = {"PATH": "/nowhere"}
    start_agent(own, "--no-containers", images=[])
    place.run(one_step(IMAGE))
    (one,) = place.attempts("flow", "one")
    assert console(one.id) == ["None"]
    assert one.runtime["container"].startswith("none: ")


@pytest.mark.parametrize(
    ("image", "setup", "words"),
    [
        (IMAGE, "echo trouble; exit 3", "trouble"),
        ("localhost/absent:1", "", "no registry is known"),
        (IMAGE, "PATH=/nowhere", "the image has no Python"),
    ],
)
def test_a_container_that_does_not_come_to_run_the_task_says_why(place, own, start_agent, image, setup, words):
    start_agent(own, images=[image])
    place.run(one_step(image, setup))
    (one,) = place.attempts("flow", "one")
    assert (one.status, one.reason) == ("failed", "launch")
    assert f"the container of image {image!r} did not come to run the task" in one.message
    assert words in one.message
    assert not own.names()


LONG = """
from penstock import PipelineController

def step():
    "Run for long, and have something else run for long."
    import os, subprocess, sys, time
    code = "import time; time.sleep(1000)"
    other = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    print("runs", flush=True)
    time.sleep(1000)

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
pipe.add_function_step("one", step, docker="IMAGE", time_limit=LIMIT)
pipe.start_locally()
"""


def long_step(image, limit="None"):
    return LONG.replace("IMAGE", image).replace("LIMIT", limit)


@pytest.fixture
def runs(place, console):
    """Wait until the step's container prints; return its attempt."""

    def runs(number=0):
        def is_printing():
            attempts = place.attempts("flow", "one") if place.state("flow", "one") else []
            return len(attempts) > number and "runs" in console(attempts[number].id)

        until(is_printing, f"it never ran\n{place.logs()}")
        return place.attempts("flow", "one")[number]

    return runs


def tickets(place):
    folder = place.settings.home / "containers"
    return list(folder.iterdir()) if folder.exists() else []


def test_a_step_that_is_aborted_leaves_no_container(place, runtime, start_agent, runs):
    start_agent(runtime)
    script = place.start(long_step(runtime.image))
    task = runs()
    assert runtime.names() == [f"penstock-{task.id}-1"]
    place.penstock("abort", "flow")
    assert place.ended("flow") == ("stopped", {"one": "aborted"})
    script.communicate()
    until(lambda: not runtime.names() and not tickets(place))


def test_a_step_that_runs_for_too_long_leaves_no_container(place, runtime, start_agent):
    start_agent(runtime)
    place.run(long_step(runtime.image, "5"))
    (one,) = place.attempts("flow", "one")
    assert one.reason == "time limit"
    until(lambda: not runtime.names() and not tickets(place))


@pytest.mark.parametrize("victim", ["shim", "bridge"])
def test_nothing_of_a_container_is_left_when_a_process_outside_is_killed(place, runtime, start_agent, runs, victim):
    start_agent(runtime)
    script = place.start(long_step(runtime.image))
    task = runs()
    (name,) = runtime.names()
    shim = until(lambda: place.backend.call(GetTask(id=task.id)).worker).pid
    os.kill(shim if victim == "shim" else bridge_of(shim), signal.SIGKILL)
    until(lambda: name not in runtime.names(), place.logs())
    with suppress(AssertionError):  # it may have failed for good
        place.penstock("abort", "flow")
    script.communicate()
    until(lambda: not runtime.names() and not tickets(place), place.logs())


def bridge_of(shim):
    """Return the process that stands for the container, below the warm process of a shim."""
    (warm,) = children(shim)
    return children(warm)[0]  # behind it, at most, a fork that was made ahead


def children(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_an_agent_that_dies_leaves_its_container_to_its_shim_and_one_that_comes_clears_up(
    place, runtime, start_agent, runs
):
    agent = start_agent(runtime)
    script = place.start(long_step(runtime.image))
    task = runs()
    shim = until(lambda: place.backend.call(GetTask(id=task.id)).worker).pid
    agent.kill()
    agent.wait()
    assert alive(shim)
    assert runtime.names()
    os.kill(shim, signal.SIGKILL)
    start_agent(runtime, "--queue", "services")
    until(lambda: not runtime.names() and not tickets(place), place.logs())
    place.penstock("abort", "flow")
    script.communicate()


RUN = """
from penstock import PipelineController

def step():
    "Say where."
    import os
    return os.environ.get("IN")

pipe = PipelineController("flow", "Tests", docker="IMAGE")
pipe.set_default_execution_queue("default")
pipe.add_function_step("one", step, None, ["place"])
pipe.start(exit_process=False)
import os
print("in", os.environ.get("IN"))
"""


def test_a_run_that_asks_for_a_container_is_carried_out_in_one(place, runtime, start_agent, console):
    start_agent(runtime, "--workers", "2")
    place.run(RUN.replace("IMAGE", runtime.image))
    assert place.ended("flow") == ("completed", {"one": "completed"}), place.logs()
    run = place.found("flow").run.task
    assert "in a container" in console(run.id)
    assert run.runtime["container"] == f"{runtime.image} in {runtime.name}"
    assert returned(place, "one")["place"] is None  # a step has a container only if it asks for one
    until(lambda: not runtime.names() and not tickets(place))


def test_a_run_whose_container_is_not_allowed_ends_with_the_reason(place, own, start_agent):
    start_agent(own, images=[])
    place.run(RUN.replace("IMAGE", own.image))
    assert place.ended("flow")[0] == "failed"
    assert "is not allowed on this machine" in place.found("flow").run.task.message


def test_a_run_whose_container_does_not_start_ends_with_the_reason(place, own, start_agent):
    start_agent(own, images=["localhost/absent:1"])
    place.run(RUN.replace("IMAGE", "localhost/absent:1"))
    assert place.ended("flow")[0] == "failed"
    assert "no registry is known" in place.found("flow").run.task.message


SCRIPT = """
import os, sys
from penstock import Task

task = Task.init("Tests", "script")
print("in", os.environ.get("IN"), sys.argv)
"""


def test_a_recorded_script_runs_in_its_container(place, runtime, start_agent, console):
    start_agent(runtime)
    file = place.folder / "alone.py"
    file.write_text(SCRIPT)
    made = place.run(
        f"""
        from penstock import Task
        task = Task.create("Tests", "script", script={str(file)!r}, packages=[], docker={runtime.image!r},
                           force_single_script_file=True)
        Task.enqueue(task, queue_name="default")
        print(task.id)
        """
    ).split()[-1]
    task = until(lambda: (found := place.backend.call(GetTask(id=made))).ended is not None and found)
    assert task.status == "completed", (task.message, console(made))
    assert [line for line in console(made) if line.startswith("in a container")]
    until(lambda: made not in {one.task.id for one in place.backend.call(ListHeld())})
    until(lambda: not runtime.names() and not tickets(place))
