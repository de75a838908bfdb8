"""A disk that is full or cannot be written: a clear error that names the folder, and nothing half-written.

Each test is a script that runs on a small disk of its own, which only it and what it starts can see.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

PRELUDE = """
import errno, json, os, sqlite3, subprocess, sys
from pathlib import Path
from penstock import PipelineController, Task
from penstock.core.errors import DiskFull, StoreError
from penstock.ops.runs import ListRuns
from penstock.sdk import session

disk = Path(sys.argv[1])
home = Path(os.environ["PENSTOCK_HOME"])
filler = disk / "filler"

def one():
    return [1]

def large(size):
    return os.urandom(size)

def print_much(lines):
    for _ in range(lines):
        print(os.urandom(100).hex())

def fill(path, keep=0):
    "Take what is left of the disk, but for some bytes."
    with open(path, "wb", buffering=0) as file:
        size = 1 << 16
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2
        if keep:
            file.truncate(max(0, file.tell() - keep))
    return path

def make(name="flow"):
    return PipelineController(name, "Tests")

def run(*steps, name="flow"):
    pipe = make(name)
    for number, (function, given, returns) in enumerate(steps):
        pipe.add_function_step(f"{function.__name__}-{number}", function, given, returns)
    pipe.start_locally(run_pipeline_steps_locally=True)
    return pipe

def attempt(*steps, **options):
    "Run; return the statuses and reasons of the steps, or the error."
    try:
        pipe = run(*steps, **options)
    except Exception as error:
        return {"error": type(error).__name__, "is_store_error": isinstance(error, StoreError), "text": str(error)}
    nodes = pipe.get_pipeline_dag().values()
    return {"run": pipe.task.status, "steps": [[node.status, node.reason] for node in nodes]}

def works():
    return attempt((one, {}, ["x"]), name="works") == {"run": "completed", "steps": [["completed", ""]]}

def open_runs():
    found = session.backend().call(ListRuns())
    return [run.task.name for run in found if run.task.status == "in_progress"]

def partial():
    staging = home / "blobs" / "staging"
    return [one.name for one in staging.iterdir()] if staging.exists() else []

def age():
    "Let what was left half-written be from long ago."
    for name in partial():
        os.utime(home / "blobs" / "staging" / name, (0, 0))

def is_intact():
    connection = sqlite3.connect(home / "penstock.db")
    found = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    return found == [("ok",)]

def show(**found):
    print(json.dumps(found))
"""


def private_disks():
    """The command that gives what it starts mounts of its own; None where that is not allowed."""
    for options in (["--mount"], ["--map-root-user", "--mount"]):
        if unshare := shutil.which("unshare"):
            command = [unshare, *options]
            probe = [*command, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"]
            if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
                return command
    return None


@pytest.fixture(scope="session")
def private():
    found = private_disks()
    if found is None:
        pytest.skip("neither root nor user namespaces: no disk of one's own can be mounted")
    return found


@pytest.fixture
def environment(tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    return clean | {"PENSTOCK_CONFIG": "/nowhere", "PENSTOCK_PROGRESS": "none", "PENSTOCK_WORKERS": "2"}


@pytest.fixture
def on_a_disk(tmp_path, private, environment):
    """Run a script on a disk of this size; return what it shows."""

    def on_a_disk(size, text, *before):
        disk = tmp_path / "disk"
        disk.mkdir()
        script = tmp_path / "script.py"
        script.write_text(PRELUDE + text)
        commands = [f"mount -t tmpfs -o size={size} tmpfs {disk}", *before, 'exec "$@"']
        shell = ["sh", "-c", " && ".join(commands), "sh", sys.executable, str(script), str(disk)]
        return shown(subprocess.run(
            [*private, *shell], env=environment | {"PENSTOCK_HOME": str(disk / "home")}, capture_output=True, text=True,
            check=False,
        ))  # fmt: skip

    return on_a_disk


def shown(finished):
    assert finished.returncode == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


def test_a_full_disk_is_told_of_before_anything_runs(on_a_disk, tmp_path):
    found = on_a_disk(
        "2m",
        """
fill(filler)
before = attempt((one, {}, ["x"]))
filler.unlink()
show(before=before, after=works(), partial=partial(), open=open_runs(), intact=is_intact())
""",
    )
    assert found["before"]["error"] == "DiskFull"
    assert str(tmp_path / "disk" / "home") in found["before"]["text"]
    assert "hint: " in found["before"]["text"]
    assert (found["after"], found["partial"], found["open"], found["intact"]) == (True, [], [], True)


@pytest.mark.parametrize("keep", [4096, 16384, 65536])
def test_a_disk_with_too_little_room_for_a_home_does_not_keep_a_broken_one(on_a_disk, tmp_path, keep):
    """Wherever it stops while the home is made: with room again, it is made to its end."""
    found = on_a_disk(
        "2m",
        f"""
fill(filler, keep={keep})
before = attempt((one, {{}}, ["x"]))
filler.unlink()
show(before=before, after=works(), intact=is_intact(), open=open_runs())
""",
    )
    assert found["before"]["is_store_error"]
    assert str(tmp_path / "disk" / "home") in found["before"]["text"]
    assert (found["after"], found["intact"], found["open"]) == (True, True, [])


def test_an_artifact_that_is_too_large_fails_its_step_and_leaves_nothing(on_a_disk, tmp_path):
    found = on_a_disk(
        "8m",
        """
large_one = attempt((large, {"size": 20_000_000}, ["x"]))
show(large=large_one, partial=partial(), after=works(), open=open_runs(), intact=is_intact())
""",
    )
    ((status, reason),) = found["large"]["steps"]
    assert (found["large"]["run"], status) == ("failed", "failed")
    assert str(tmp_path / "disk" / "home" / "blobs") in reason
    assert "full" in reason
    assert (found["partial"], found["after"], found["open"], found["intact"]) == ([], True, [], True)


def test_an_argument_that_is_too_large_is_refused_where_it_is_given(on_a_disk, tmp_path):
    found = on_a_disk(
        "8m",
        """
pipe = make()
try:
    pipe.add_function_step("large", one, {"more": 1})
except Exception as error:
    unknown = type(error).__name__
try:
    pipe.upload_artifact("large", os.urandom(20_000_000))
except DiskFull as error:
    refused = str(error)
show(refused=refused, artifacts=list(pipe.task.artifacts), partial=partial(), after=works())
""",
    )
    assert str(tmp_path / "disk" / "home" / "blobs") in found["refused"]
    assert (found["artifacts"], found["partial"], found["after"]) == ([], [], True)


def test_a_disk_that_fills_up_while_steps_run_leaves_no_run_in_progress(on_a_disk, tmp_path):
    """Whoever runs on in the same process must not hold a run that nobody carries out any more."""
    found = on_a_disk(
        "4m",
        """
filled = attempt((fill, {"path": str(filler)}, ["x"]), (one, {}, ["x"]))
filler.unlink()
after = works()
age()
show(filled=filled, after=after, later=works(), partial=partial(), open=open_runs(), intact=is_intact())
""",
    )
    assert found["filled"].get("error") in {None, "DiskFull"}
    if "error" in found["filled"]:
        assert str(tmp_path / "disk" / "home") in found["filled"]["text"]
    assert (found["after"], found["later"], found["intact"], found["open"]) == (True, True, True, [])
    assert found["partial"] == [], "what killed steps left half-written is swept by those who come later"


def test_output_that_no_longer_fits_ends_the_run_and_says_so(on_a_disk, tmp_path):
    found = on_a_disk(
        "4m",
        """
filler.write_bytes(bytes(1_000_000))
printed = attempt((print_much, {"lines": 60_000}, None))
filler.unlink()
after = works()
show(printed=printed, after=after, open=open_runs(), intact=is_intact(), partial=partial())
""",
    )
    assert found["printed"].get("error") in {None, "DiskFull"}
    assert str(tmp_path / "disk" / "home") in found["printed"].get("text", str(tmp_path / "disk" / "home"))
    assert (found["after"], found["open"], found["intact"], found["partial"]) == (True, [], True, [])


def test_a_home_on_a_disk_that_is_read_only_cannot_be_made(on_a_disk, tmp_path):
    found = on_a_disk("2m", "show(found=attempt((one, {}, ['x'])))", f"mount -o remount,ro {tmp_path / 'disk'}")
    assert found["found"]["error"] == "DiskFull"
    assert str(tmp_path / "disk" / "home") in found["found"]["text"]
    assert "hint: " in found["found"]["text"]


def test_a_home_that_became_read_only_is_told_of_before_anything_runs_and_works_again_later(on_a_disk, tmp_path):
    """It is another process that finds it so: open files would not notice."""
    found = on_a_disk(
        "4m",
        """
def elsewhere():
    "The same script, in a process of its own."
    done = subprocess.run([sys.executable, __file__, sys.argv[1], "again"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])

def remount(how):
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)

if sys.argv[2:]:
    show(**attempt((one, {}, ["x"])))
else:
    first = elsewhere()
    remount("ro")
    read_only = elsewhere()
    remount("rw")
    show(first=first, read_only=read_only, last=elsewhere(), intact=is_intact())
""",
    )
    assert found["first"]["run"] == found["last"]["run"] == "completed"
    assert found["read_only"]["is_store_error"]
    assert str(tmp_path / "disk" / "home") in found["read_only"]["text"]
    assert "read-only" in found["read_only"]["text"].lower()
    assert found["intact"]


def test_a_limit_on_the_size_of_files_is_told_of_like_a_full_disk(tmp_path, environment):
    """Where no disk can be mounted, `ulimit -f` is the nearest thing."""
    script = tmp_path / "script.py"
    script.write_text(
        PRELUDE
        + """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
large_one = attempt((large, {"size": 20_000_000}, ["x"]))
show(large=large_one, partial=partial(), after=works(), open=open_runs(), intact=is_intact())
"""
    )
    command = [sys.executable, str(script), str(tmp_path)]
    mine = environment | {"PENSTOCK_HOME": str(tmp_path / "home")}
    found = shown(subprocess.run(command, env=mine, capture_output=True, text=True, check=False))
    ((status, reason),) = found["large"]["steps"]
    assert status == "failed"
    assert str(tmp_path / "home" / "blobs") in reason
    assert "larger than allowed" in reason
    assert (found["partial"], found["after"], found["open"], found["intact"]) == ([], True, [], True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; a read-only disk is tried above")
def test_a_folder_that_may_not_be_written_is_named(tmp_path, environment):
    script = tmp_path / "script.py"
    script.write_text(PRELUDE + "show(found=attempt((one, {}, ['x'])))")
    (tmp_path / "closed").mkdir(mode=0o500)
    mine = environment | {"PENSTOCK_HOME": str(tmp_path / "closed" / "home")}
    command = [sys.executable, str(script), str(tmp_path)]
    found = shown(subprocess.run(command, env=mine, capture_output=True, text=True, check=False))
    assert found["found"]["is_store_error"]
    assert str(tmp_path / "closed" / "home") in found["found"]["text"]
