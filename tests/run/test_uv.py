"""Finding uv and running it."""

from __future__ import annotations

import json
import os
import sys

import pytest

from penstock.core.errors import NotFound, PenstockError
from penstock.run.uv import LAST_LINES, find, uv


@pytest.fixture
def program(tmp_path):
    """Make a program that is called as uv is."""

    def make(text, interpreter=sys.executable):
        file = tmp_path / "bin" / "uv"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!{interpreter}\n{text}\n")
        file.chmod(0o755)
        return file

    return make


def test_the_one_on_the_path_comes_first(program):
    file = program("")
    assert find({"PATH": f"/no/such/folder:{file.parent}"}) == file


def test_without_one_there_the_one_beside_this_python_is_meant(program, monkeypatch):
    file = program("")
    monkeypatch.setattr(sys, "executable", str(file.with_name("python")))
    assert find({"PATH": ""}) == file


def test_without_that_the_one_of_the_package_is_meant(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    found = find({})
    assert found.name == "uv"
    assert found.parent != tmp_path
    assert uv(found, "--version").output.startswith("uv ")


def test_without_any_it_is_said_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setitem(sys.modules, "uv", None)
    with pytest.raises(NotFound, match="not installed") as caught:
        find({"PATH": str(tmp_path)})
    assert "pip install" in str(caught.value.hint)
    assert "--same-env" in str(caught.value.hint)


def test_it_runs_in_no_project_and_hears_nothing_of_other_pythons_or_of_penstocks_secrets(program, monkeypatch):
    file = program("import json, os; print(json.dumps([dict(os.environ), os.getcwd()]))")
    others = {"PENSTOCK_KEY", "VIRTUAL_ENV", "PYTHONPATH", "UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_PROJECT_ENVIRONMENT"}
    for name in others:
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("UV_INDEX_URL", "https://index.example.org/simple")
    variables, folder = json.loads(uv(file, "x").output)
    assert folder == "/"
    assert variables["UV_INDEX_URL"] == "https://index.example.org/simple"
    assert variables["UV_LINK_MODE"] == "hardlink"
    assert variables["GIT_TERMINAL_PROMPT"] == "0", "nobody is there to ask for a password"
    assert not others & set(variables)


def test_arguments_arrive_as_they_are(program):
    file = program("import json, sys; print(json.dumps(sys.argv[1:]))")
    given = ["pip", "a b", "$(id)", "'", '"', "\n", "*"]
    assert json.loads(uv(file, *given).output) == given


def test_of_what_it_said_the_end_is_kept_without_credentials(program):
    file = program(
        "import sys\nfor n in range(99): print(f'line {n} https://u:secret@h/x', file=sys.stderr)\nsys.exit(3)"
    )
    answer = uv(file, "x")
    assert answer.code == 3
    assert len(answer.last_lines.splitlines()) == LAST_LINES
    assert answer.last_lines.endswith("line 98 https://***@h/x")
    assert "secret" not in answer.message
    assert uv(program("raise SystemExit(7)"), "x").last_lines == "uv ended with exit code 7"


def test_what_takes_too_long_is_ended_with_all_that_it_started(program, tmp_path, is_gone):
    file = program(
        f"import os, subprocess, time\nchild = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\ntime.sleep(600)"
    )
    while not (tmp_path / "pids").exists():  # until it came far enough to be worth it
        with pytest.raises(PenstockError, match="took more than"):
            uv(file, "x", timeout=2)
    for pid in (tmp_path / "pids").read_text().split():
        assert is_gone(int(pid))


def test_a_descriptor_stays_open_in_all_that_it_starts(program):
    file = program(
        "import os, subprocess, sys; print(subprocess.check_output(['cat', f'/dev/fd/{sys.argv[1]}'], close_fds=False))"
    )
    readable, writable = os.pipe()
    os.write(writable, b"kept")
    os.close(writable)
    assert "kept" in uv(file, str(readable), keep=(readable,)).output
    os.close(readable)


def test_a_program_that_cannot_be_run_is_an_error(tmp_path):
    (tmp_path / "uv").touch()
    for file in (tmp_path / "uv", tmp_path / "none"):
        with pytest.raises(NotFound, match="cannot be run"):
            uv(file, "x")


def test_it_has_no_keyboard_to_ask_on(program):
    answer = uv(program("input()"), "x")
    assert "EOFError" in answer.message
