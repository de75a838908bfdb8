"""Environments that uv really builds, of packages from a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from msgspec.structs import replace
from packaging.requirements import Requirement

import penstock
from penstock.core.errors import NotFound, PenstockError
from penstock.run.building import build, facts_of, is_whole, own_requirements
from penstock.run.interpreters import Python, here


def run(folder, code, **options):
    done = subprocess.run(
        [folder / "bin" / "python", "-I", "-c", code], capture_output=True, text=True, check=False, **options
    )
    return done.stdout.strip() if not done.returncode else done.stderr


def test_it_has_what_was_wanted_and_penstock_as_it_is_here_and_nothing_else(wheels, tmp_path):
    folder = tmp_path / "e"
    build(("shade==1.0",), here(), wheels.how, folder)
    assert run(folder, "import shade; print(shade.VERSION)") == "1.0"
    code = "import penstock, os; print(os.path.realpath(penstock.__file__))"
    assert run(folder, code) == os.path.realpath(penstock.__file__)
    assert run(folder, "import penstock.run.child, penstock.sdk.assigned; print(1)") == "1"
    assert "No module named 'pytest'" in run(folder, "import pytest")
    assert is_whole(folder)


def test_its_programs_run_also_after_it_was_renamed(wheels, tmp_path):
    wheels.make(
        "teller",
        "1",
        {
            "teller.py": "def main(): print('told')\n",
            "teller-1.dist-info/entry_points.txt": "[console_scripts]\ntell=teller:main\n",
        },
    )
    build(("teller",), here(), wheels.how, tmp_path / "e")
    (tmp_path / "e").rename(tmp_path / "f")
    assert subprocess.check_output([tmp_path / "f" / "bin" / "tell"], text=True) == "told\n"
    assert run(tmp_path / "f", "import teller; print(teller.__file__)").startswith(str(tmp_path / "f"))


def test_it_says_what_it_was_made_of(wheels, tmp_path):
    folder = tmp_path / "e"
    build(("shade>=1",), here(), wheels.how, folder)
    facts = facts_of(folder)
    assert facts is not None
    assert (facts.requirements, facts.python) == (("shade>=1",), here().version)
    assert "shade==2.0" in facts.packages
    assert not any(one.startswith("penstock") for one in facts.packages)
    assert facts.site in facts.path
    assert facts.size > 100_000
    assert facts.seconds > 0


def test_penstocks_own_packages_are_those_of_here_where_that_goes(wheels, tmp_path):
    build((), here(), wheels.how, tmp_path / "e")
    facts = facts_of(tmp_path / "e")
    assert facts is not None
    for line in own_requirements():
        name = Requirement(line).name
        assert f"{name}=={metadata.version(name)}" in facts.packages


def test_a_task_may_want_another_version_of_what_penstock_needs(wheels, tmp_path):
    made = wheels.make("cloudpickle", "3.9.9", {"cloudpickle/__init__.py": "", "cloudpickle/cloudpickle.py": ""})
    build(("cloudpickle==3.9.9",), here(), wheels.how, tmp_path / "e")
    made.unlink()
    facts = facts_of(tmp_path / "e")
    assert facts is not None
    assert "cloudpickle==3.9.9" in facts.packages


@pytest.mark.parametrize(
    ("requirements", "named"),
    [
        (("nosuchpackage==1", "shade"), "package 'nosuchpackage==1' cannot be had"),
        (("shade==7",), "package 'shade==7' cannot be had"),
        (("needy",), "package 'missing-one' cannot be had"),
        (("shade @ https://user:secret@localhost:1/shade-1.0-py3-none-any.whl",), "cannot be had"),
        (("shade==1.0", "shade==2.0"), "shade"),
        (("broken",), "package 'broken' cannot be had"),
    ],
)
def test_what_cannot_be_had_is_named_with_uvs_own_words(wheels, tmp_path, requirements, named):
    wheels.make("needy", "1", needs=("missing-one",))
    (wheels.folder / "broken-1-py3-none-any.whl").write_bytes(b"no archive")
    with pytest.raises(NotFound) as caught:
        build(requirements, here(), wheels.how, tmp_path / "e")
    assert named in caught.value.message
    assert "uv said:\n" in caught.value.message
    assert "secret" not in str(caught.value)
    assert caught.value.hint


def test_a_package_of_which_the_hash_is_another_is_not_installed(wheels, tmp_path):
    with pytest.raises(NotFound, match="shade") as caught:
        build((f"shade==1.0 --hash=sha256:{'a' * 64}",), here(), wheels.how, tmp_path / "e")
    assert "hash" in caught.value.message.lower()


def test_what_hides_penstock_is_found_before_the_environment_is_used(wheels, tmp_path):
    made = wheels.make("msgspec", "9.9", {"msgspec/__init__.py": "raise ImportError('not the real one')\n"})
    with pytest.raises(PenstockError, match="not the real one"):
        build(("msgspec==9.9",), here(), wheels.how, tmp_path / "e")
    made.unlink()


def test_a_python_that_is_none_is_an_error_with_its_path(wheels, tmp_path):
    with pytest.raises(PenstockError, match="/no/such/python"):
        build((), Python("/no/such/python", "3.11.1"), wheels.how, tmp_path / "e")


@pytest.fixture
def noted(tmp_path, monkeypatch):
    """A uv on PATH that notes how it is called, and then is the real one; returns the calls so far."""
    real, notes = Path(sys.executable).parent / "uv", tmp_path / "notes"
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {notes}\nexec {real} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return lambda: [line for line in notes.read_text().splitlines() if line.startswith("pip")]


def test_no_index_is_asked_for_what_the_cache_has(wheels, tmp_path, noted):
    build(("shade==1.0",), here(), wheels.how, tmp_path / "e")
    (call,) = noted()
    assert "--offline" in call


def test_the_index_is_asked_when_the_cache_is_not_enough_and_not_where_that_is_forbidden(wheels, tmp_path, noted):
    with pytest.raises(NotFound):
        build(("nosuchpackage",), here(), wheels.how, tmp_path / "e")
    assert [("--offline" in call) for call in noted()] == [True, True, False, False]
    with pytest.raises(NotFound) as caught:
        build(("nosuchpackage",), here(), replace(wheels.how, offline=True), tmp_path / "f")
    assert all("--offline" in call for call in noted()[4:])
    assert "offline" in str(caught.value.hint)


def test_the_machines_own_sources_are_told_to_uv(wheels, tmp_path, noted):
    how = replace(wheels.how, index="https://localhost:1/simple", offline=True)
    build(("shade==1.0",), here(), how, tmp_path / "e")
    (call,) = noted()[-1:]
    assert "--default-index=https://localhost:1/simple" in call
    assert f"--find-links={wheels.folder}" in call


def test_a_file_of_requirements_with_credentials_does_not_stay(wheels, tmp_path):
    build(("shade==1.0",), here(), wheels.how, tmp_path / "e")
    assert not (tmp_path / "e" / "requirements.txt").exists()


def test_files_are_shared_with_uvs_cache_and_not_copied(wheels, tmp_path):
    for name in ("e", "f"):
        build(("shade==1.0",), here(), wheels.how, tmp_path / name)
    one, other = (next((tmp_path / name).glob("lib/*/site-packages/shade.py")) for name in ("e", "f"))
    assert one.samefile(other)


@pytest.mark.parametrize("change", ["a package more", "a package less", "no interpreter", "no facts"])
def test_an_environment_that_was_changed_is_not_whole(wheels, tmp_path, change):
    folder = tmp_path / "e"
    build(("shade==1.0",), here(), wheels.how, folder)
    (site,) = folder.glob("lib/*/site-packages")
    (site / "__pycache__").mkdir(exist_ok=True)
    assert is_whole(folder)
    match change:
        case "a package more":
            (site / "other").mkdir()
        case "a package less":
            (site / "shade.py").unlink()
        case "no interpreter":
            (folder / "bin" / "python").unlink()
        case _:
            (folder / "penstock.json").write_text("{")
    assert not is_whole(folder)
