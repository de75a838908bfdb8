"""The cache of environments: made once, shared, whole or not there, and never without bound."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from penstock.core.errors import NotFound
from penstock.run import environments, slots
from penstock.run.building import facts_of
from penstock.run.environments import environment_for, kept, prune
from penstock.run.interpreters import here

LONG_AGO = 1_000_000.0

WANTS = """
import sys
import msgspec
from pathlib import Path
from penstock.run.environments import environment_for
from penstock.run.interpreters import here
from penstock.settings import Environments

how = msgspec.json.decode(sys.argv[2], type=Environments)
with environment_for((sys.argv[3],), here(), Path(sys.argv[1]), how) as environment:
    print(environment.folder, environment.is_new, flush=True)
    if sys.argv[4:]:
        sys.stdin.read()
"""


class Cache:
    """A cache of environments, and what is asked of it."""

    def __init__(self, folder, how):
        self.folder = folder
        self.how = how

    def get(self, *requirements, **options):
        return environment_for(requirements, here(), self.folder, replace(self.how, **options))

    def names(self):
        return sorted(one.name for one in (self.folder / "environments").iterdir() if not one.name.endswith(".lock"))

    def ask(self, line, *more, **variables):
        """Let another process ask."""
        command = [sys.executable, "-c", WANTS, self.folder, msgspec.json.encode(self.how).decode(), line, *more]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **variables}, text=True
        )


@pytest.fixture
def cache(wheels, tmp_path):
    return Cache(tmp_path / "cache", wheels.how)


@pytest.fixture
def slow_uv(tmp_path):
    """A folder with a uv that says when it has begun to install, waits for a word, and is the real one then."""
    real, program = Path(sys.executable).parent / "uv", tmp_path / "slow" / "uv"
    program.parent.mkdir()
    os.mkfifo(program.parent / "begun")
    os.mkfifo(program.parent / "go")
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = pip ]; then echo $$ > {program.parent}/begun; read word < {program.parent}/go; fi\n'
        f'exec {real} "$@"\n'
    )
    program.chmod(0o755)
    return program.parent


def test_it_is_made_once_and_used_again(cache):
    with cache.get("shade==1.0") as first, cache.get("shade==1.0") as second:
        assert (first.is_new, second.is_new) == (True, False)
        assert first.folder == second.folder
        assert "shade==1.0" in first.packages
    with cache.get("shade==1.0") as third:
        assert not third.is_new


def test_another_package_makes_another_and_so_does_what_decides_where_packages_are_from(cache):
    with cache.get("shade==1.0") as one, cache.get("shade==2.0") as other:
        assert one.folder != other.folder
    with cache.get("shade==1.0", find_links=(*cache.how.find_links, "/tmp")) as other:
        assert one.folder != other.folder


def test_its_path_holds_its_packages_the_standard_library_and_nothing_of_here(cache):
    with cache.get("shade==1.0") as environment:
        assert any(Path(one, "shade.py").exists() for one in environment.path)
        assert any(Path(one, "json").exists() for one in environment.path)
        assert not any(Path(one, "pytest").exists() for one in environment.path)
        assert all(Path(one).is_absolute() for one in environment.path)


def test_a_process_in_it_has_its_programs_first_and_no_path_from_elsewhere(cache):
    with cache.get() as environment:
        given = {"PATH": "/usr/bin", "PYTHONPATH": "/x", "PYTHONHOME": "/y", "MINE": "1", "VIRTUAL_ENV": "/old"}
        found = environment.variables(given)
        assert found == {
            "PATH": f"{environment.folder}/bin:/usr/bin",
            "VIRTUAL_ENV": str(environment.folder),
            "MINE": "1",
        }
        assert subprocess.check_output(["python", "-c", "import sys; print(sys.prefix)"], env=found, text=True) == (
            f"{environment.folder}\n"
        )


def test_what_cannot_be_built_leaves_nothing(cache):
    with pytest.raises(NotFound, match="nosuchpackage"):
        cache.get("nosuchpackage")
    assert cache.names() == []


def test_what_an_interrupt_ends_leaves_nothing(cache, monkeypatch, slow_uv):
    monkeypatch.setenv("PATH", f"{slow_uv}:{os.environ['PATH']}")
    child = os.fork()
    if not child:
        with (slow_uv / "begun").open() as begun:
            begun.read()
        time.sleep(0.2)  # for who started it to begin to wait for it
        os.kill(os.getppid(), signal.SIGINT)
        os._exit(0)
    with pytest.raises(KeyboardInterrupt):
        cache.get("shade==1.0")
    os.waitpid(child, 0)
    assert cache.names() == []


def test_of_processes_that_want_the_same_at_once_one_builds(cache):
    processes = [cache.ask("shade==2.0") for _ in range(3)]
    answers = [process.communicate()[0].split() for process in processes]
    assert len({folder for folder, _ in answers}) == 1
    assert sorted(is_new for _, is_new in answers) == ["False", "False", "True"]
    assert len(cache.names()) == 1


def test_a_builder_that_is_killed_leaves_nothing_that_is_used(cache, slow_uv):
    process = cache.ask("shade==2.0", PATH=f"{slow_uv}:{os.environ['PATH']}")
    with (slow_uv / "begun").open() as begun:
        installer = int(begun.read())
    process.kill()
    process.communicate()
    (half,) = cache.names()
    assert "." in half, "it has no final name yet"
    assert kept(cache.folder) == []
    lock = slots.lock_of(cache.folder / "environments" / half.partition(".")[0])
    with slots.locked(lock, wait=False) as is_mine:
        assert not is_mine, "what installs goes on, and nobody else begins before it has ended"
    second = cache.ask("shade==2.0")
    os.kill(installer, signal.SIGKILL)
    folder, is_new = second.communicate()[0].split()
    assert is_new == "True"
    assert cache.names() == [Path(folder).name], "what was half-built is gone"
    with cache.get("shade==2.0") as environment:
        code = "import shade, penstock.run.child; print(shade.VERSION)"
        assert subprocess.check_output([environment.interpreter, "-I", "-c", code], text=True) == "2.0\n"


def test_one_that_somebody_changed_is_not_used_again(cache):
    with cache.get("shade==1.0") as first:
        (next(first.folder.glob("lib/*/site-packages")) / "added.py").touch()
        with cache.get("shade==1.0") as second:
            assert second.folder != first.folder
            assert second.is_new
    with cache.get("shade==1.0") as third:
        assert third.folder == second.folder


def test_those_unused_for_long_go_and_those_in_use_stay(cache):
    with cache.get("shade==1.0") as used, cache.get("shade==2.0") as unused:
        unused.close()
        for one in (used, unused):
            os.utime(slots.lock_of(one.folder), (LONG_AGO, LONG_AGO))
        assert prune(cache.folder, cache.how) == 1
        assert cache.names() == [used.folder.name]
    assert prune(cache.folder, cache.how) == 0, "closing it was a use"


def test_while_all_take_too_much_the_oldest_go_first_but_none_in_use(cache):
    made = [cache.get(f"shade=={version}") for version in ("1.0", "2.0")]
    made.append(cache.get("iniconfig"))
    for environment in made[:2]:
        environment.close()
    for age, environment in enumerate(reversed(made)):
        os.utime(slots.lock_of(environment.folder), (time.time() - age * 60 - 60,) * 2)
    assert [one.folder for one in kept(cache.folder)] == [one.folder for one in made]
    size = sum(one.facts.size for one in kept(cache.folder))
    assert prune(cache.folder, replace(cache.how, gigabytes=(size - 1) / 1e9)) == 1
    assert [one.folder for one in kept(cache.folder)] == [one.folder for one in made[1:]]
    assert prune(cache.folder, replace(cache.how, gigabytes=0)) == 1
    assert [one.folder for one in kept(cache.folder)] == [made[2].folder]
    made[2].close()


def test_building_one_sees_to_the_bound(cache):
    cache.get("shade==1.0").close()
    with cache.get("shade==2.0", gigabytes=0.0) as environment:
        assert cache.names() == [environment.folder.name]


def test_one_in_use_by_another_process_stays(cache):
    process = cache.ask("shade==1.0", "stay")
    folder = Path(process.stdout.readline().split()[0])
    assert prune(cache.folder, replace(cache.how, gigabytes=0.0, days=0.0)) == 0
    assert folder.exists()
    process.kill()
    process.communicate()
    assert prune(cache.folder, replace(cache.how, gigabytes=0.0)) == 1
    assert not folder.exists()


def test_credentials_are_neither_said_nor_kept(cache, tmp_path):
    said = []
    secret = "shade @ https://me:hunter2@localhost:1/shade-1.0-py3-none-any.whl"
    with pytest.raises(NotFound) as caught:
        environment_for((secret,), here(), cache.folder, cache.how, said.append)
    assert "hunter2" not in f"{caught.value}{said}"
    assert "***@localhost" in said[0]
    assert subprocess.run(["grep", "-r", "hunter2", tmp_path], check=False).returncode == 1


def test_what_is_said_of_many_packages_is_short(cache):
    assert environments._in_words(tuple("abcde")) == "a, b, c and 2 more"
    assert environments._in_words(()) == "no packages"


def test_what_is_kept_says_what_it_was_made_of(cache):
    cache.get("shade==1.0").close()
    (one,) = kept(cache.folder)
    assert one.facts == facts_of(one.folder)
    assert one.facts.requirements == ("shade==1.0",)
    assert time.time() - one.used < 600
    assert json.loads((one.folder / "penstock.json").read_text())["python"] == here().version
