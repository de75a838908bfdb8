"""What is recorded of the script that a process runs: mostly real processes, which describe themselves."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from penstock.core.task import Script, ScriptKind
from penstock.run.checkout import checkout
from penstock.run.script import describe_packages, describe_script

SRC = str(Path(describe_script.__code__.co_filename).parents[2])
SHOW = f"""
import sys; sys.path.append({SRC!r})
from penstock.run.script import describe_packages, describe_script
msgspec = sys.modules["msgspec"]
main = sys.modules["__main__"]
print("RECORD", msgspec.json.encode((describe_script(main, sys.argv), describe_packages(main, sys.argv))).decode())
"""


class Record(msgspec.Struct, array_like=True):
    script: Script
    packages: tuple[str, ...]


def run(folder: Path, *arguments: str, stdin: str = "", **environment: str) -> Record:
    """What a Python process with these arguments records of itself."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, input=stdin, capture_output=True, check=False, text=True,
        env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("RECORD "))
    return msgspec.json.decode(line.removeprefix("RECORD "), type=Record)


def version(name: str) -> str:
    return f"{name}=={importlib.metadata.version(name)}"


# In a repository


def test_a_script_is_recorded_by_its_commit_and_path(work):
    commit = work.commit({"run.py": SHOW})
    assert run(work.root, "run.py").script == Script(
        kind=ScriptKind.SCRIPT,
        repository=str(work.root),
        branch="main",
        commit=commit,
        working_dir=".",
        entry_point="run.py",
        interpreter=platform.python_version(),
    )


@pytest.mark.parametrize(
    ("where", "argument", "folder", "entry"),
    [
        (".", "sub/run.py", ".", "sub/run.py"),
        ("sub", "run.py", "sub", "run.py"),
        ("other", "../sub/run.py", "other", "../sub/run.py"),
        ("..", "work/sub/run.py", "sub", "run.py"),
        (".", "link.py", ".", "sub/run.py"),
    ],
)
def test_the_entry_point_is_seen_from_the_folder_that_it_was_run_in(work, where, argument, folder, entry):
    (work.root / "link.py").symlink_to("sub/run.py")
    work.commit({"sub/run.py": SHOW, "other/a": ""})
    script = run(work.root / where, argument).script
    assert (script.working_dir, script.entry_point) == (folder, entry)


@pytest.mark.parametrize(
    ("where", "module", "folder", "path"),
    [
        ("src", "package.run", "src", ""),
        ("src", "package", "src", ""),
        ("src", "alone", "src", ""),
        (".", "src.package.run", ".", ""),
        ("..", "package.run", "src", "work/src"),
        ("..", "package", "src", "work/src"),
        (".", "package.run", ".", "src"),
    ],
)
def test_a_module_is_recorded_by_its_name(work, where, module, folder, path):
    files = {"src/package/__init__.py": "", "src/package/run.py": SHOW, "src/package/__main__.py": SHOW}
    work.commit({**files, "src/alone.py": SHOW})
    script = run(work.root / where, "-m", module, PYTHONPATH=path).script
    assert (script.kind, script.working_dir, script.entry_point) == (ScriptKind.MODULE, folder, f"-m {module}")


def test_a_module_of_an_installed_package_runs_in_the_repository_of_the_folder(work):
    commit = work.commit({"a/test_it.py": f"def test_it():\n    exec({SHOW!r}, {{}})\n"})
    script = run(work.root / "a", "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider").script
    assert (script.kind, script.entry_point, script.working_dir) == (ScriptKind.MODULE, "-m pytest", "a")
    assert script.commit == commit


def test_what_is_unknown_to_the_repository_is_recorded_as_far_as_the_script_uses_it(work):
    commit = work.commit({"known.py": "1\n"})
    work.write({
        "run.py": f"import first\nimport known\nimport importlib; importlib.import_module('by' + '_name')\n{SHOW}",
        "first.py": "def f():\n    from package import inner\n", "by_name.py": "",
        "package/__init__.py": "", "package/inner.py": "from . import beside", "package/beside.py": "",
        "package/unused.py": "", "unused.py": "", "known.py": "2\n",
    })  # fmt: skip
    script = run(work.root, "run.py").script
    files = {line.split(" b/")[1] for line in script.diff.splitlines() if line.startswith("diff --git ")}
    assert files == {
        "run.py", "first.py", "by_name.py", "package/__init__.py", "package/inner.py", "package/beside.py", "known.py"
    }  # fmt: skip
    assert (script.commit, script.source) == (commit, "")


def test_what_is_recorded_runs_elsewhere_and_records_the_same_there(work, tmp_path):
    work.commit({"sub/known.py": "X = 1\n"})
    work.write(
        {"sub/known.py": "X = 2\n", "sub/run.py": f"import known, unknown\n{SHOW}", "sub/unknown.py": "import numpy"}
    )
    record = run(work.root / "sub", "run.py")
    with checkout(record.script, tmp_path / "cache") as code:
        again = run(code.folder, *code.entry)
    assert msgspec.structs.replace(again.script, branch="main", diff="") == msgspec.structs.replace(
        record.script, diff=""
    )
    assert sorted(again.script.diff.split("diff --git")) == sorted(record.script.diff.split("diff --git"))
    assert again.packages == record.packages == (version("numpy"),)


# Elsewhere


def plain(source: str, entry: str = "run.py") -> Script:
    return Script(
        kind=ScriptKind.SCRIPT, source=source, entry_point=entry, working_dir=".", interpreter=platform.python_version()
    )


def test_a_script_in_no_repository_is_recorded_by_its_text(plain_git, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "run.py").write_text(f"# \u00e9\n{SHOW}")
    assert run(tmp_path, "sub/run.py").script == plain(f"# \u00e9\n{SHOW}")


def test_a_text_is_read_in_the_encoding_that_it_declares(plain_git, tmp_path):
    (tmp_path / "run.py").write_bytes(f"# coding: latin-1\n# \u00e9\n{SHOW}".encode("latin-1"))
    assert "\u00e9" in run(tmp_path, "run.py").script.source


def test_a_script_in_a_repository_that_cannot_be_read_is_recorded_by_its_text(work, tmp_path):
    work.write({"run.py": SHOW})
    assert run(work.root, "run.py").script == plain(SHOW)  # there is no commit
    work.commit({})
    assert run(work.root, "run.py", PATH=str(tmp_path / "none")).script == plain(SHOW)


def test_a_program_of_an_installed_package_is_recorded_by_its_text(work, monkeypatch):
    work.commit({"bin/tool": SHOW})
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(work.root / "bin") if name == "scripts" else "/none")
    main = ModuleType("__main__")
    main.__file__ = str(work.root / "bin" / "tool")
    assert describe_script(main, [""]) == plain(SHOW, "tool")


def test_a_command_is_recorded_by_its_text(plain_git, tmp_path):
    assert run(tmp_path, "-c", SHOW).script == plain(SHOW, "script.py")


def test_what_comes_from_standard_input_has_no_text(plain_git, tmp_path):
    script = run(tmp_path, "-", stdin=SHOW).script
    assert (script.kind, script.source, script.working_dir) == (ScriptKind.SCRIPT, "", ".")


def test_an_archive_is_recorded_by_the_text_in_it(plain_git, tmp_path):
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", SHOW)
    assert run(tmp_path, "app.zip").script == plain(SHOW, "__main__.py")


def test_a_folder_is_recorded_by_the_file_in_it(work):
    work.commit({"app/__main__.py": SHOW})
    script = run(work.root, "app").script
    assert (script.kind, script.entry_point) == (ScriptKind.SCRIPT, "app/__main__.py")


def test_a_notebook_is_recorded_by_its_cells(work, monkeypatch):
    work.commit({"a": ""})
    monkeypatch.chdir(work.root)
    main = ModuleType("__main__")
    vars(main).update(get_ipython=None, In=["", "import numpy", "!ls"], __session__="/x/book.ipynb")
    assert describe_script(main, [""]) == plain("import numpy\n\n# !ls\n", "book.py")
    assert describe_packages(main, [""]) == (version("numpy"),)


class Odd:
    """Says nothing but errors."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)


@pytest.mark.parametrize("spec", [None, 1, "odd"])
@pytest.mark.parametrize("file", ["", "/none/at/all.py", "\0", 1, None, "/", "odd"])
def test_nothing_that_a_main_module_may_be_raises_an_error(file, spec):
    main = ModuleType("__main__")
    vars(main).update(__file__=Odd() if file == "odd" else file, __spec__=Odd() if spec == "odd" else spec)
    script = describe_script(main, [])
    assert (script.kind, script.working_dir) == (ScriptKind.SCRIPT, ".")
    assert isinstance(describe_packages(main, []), tuple)
    assert describe_script(None, []).kind is ScriptKind.SCRIPT


def test_a_folder_that_is_gone_raises_no_error(work, tmp_path):
    commit = work.commit({"run.py": f"import os\nos.rmdir(os.getcwd())\nimport numpy\n{SHOW}"})
    (tmp_path / "gone").mkdir()
    record = run(tmp_path / "gone", str(work.root / "run.py"))
    assert (record.script.commit, record.script.working_dir) == (commit, ".")
    assert record.packages == (version("numpy"),)


def test_odd_modules_that_are_loaded_raise_no_error(work, monkeypatch):
    work.commit({"run.py": ""})
    work.write({"unknown.py": ""})
    monkeypatch.setitem(sys.modules, "odd", Odd())
    main = ModuleType("__main__")
    main.__file__ = str(work.root / "run.py")
    assert describe_script(main, [""]).repository == str(work.root)
    assert describe_packages(main, [""]) == ()


# Packages


def test_packages_are_those_that_the_project_imports_with_their_versions(work):
    work.commit(
        {"run.py": f"import first\n{SHOW}", "first.py": "def f():\n    import second", "second.py": "import PIL"}
    )
    work.write({"unused.py": "import pandas"})
    assert run(work.root, "run.py").packages == (version("pillow"),)


def test_packages_of_a_module_are_found_through_its_relative_imports(work):
    files = {"p/__init__.py": "import click", "p/run.py": f"from . import a\n{SHOW}", "p/a.py": "import numpy"}
    work.commit({**files, "p/__main__.py": f"from .a import *\nimport PIL\n{SHOW}"})
    assert run(work.root, "-m", "p.run").packages == (version("click"), version("numpy"))
    assert run(work.root, "-m", "p").packages == (version("click"), version("numpy"), version("pillow"))


def test_packages_are_found_where_the_program_has_looked_for_them(work):
    files = {"run.py": f"import sys\nsys.path.insert(0, 'lib')\nimport hidden\nsys.path.remove('lib')\n{SHOW}"}
    work.commit({**files, "lib/hidden.py": "import numpy"})
    assert run(work.root, "run.py").packages == (version("numpy"),)


@pytest.mark.parametrize("inside", [True, False])
def test_a_package_that_is_a_link_to_the_same_repository_is_left_out(work, tmp_path, inside):
    folder = work.root / "src" if inside else tmp_path / "elsewhere"
    (folder / "mine").mkdir(parents=True)
    (folder / "mine" / "__init__.py").write_text("import numpy")
    site = tmp_path / "site"
    info = site / "mine-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "mine.pth").write_text(f"{folder}\n")
    (info / "METADATA").write_text("Name: mine\nVersion: 1.0\n")
    (info / "RECORD").write_text("mine.pth,,\n")
    (info / "direct_url.json").write_text(f'{{"url": "{folder.as_uri()}", "dir_info": {{"editable": true}}}}')
    work.commit({"run.py": f"import mine\n{SHOW}"})
    found = run(work.root, "run.py", PYTHONPATH=f"{folder}:{site}").packages
    assert found == ((version("numpy"),) if inside else ("mine==1.0", version("numpy")))


def test_few_questions_are_put_to_git(work, tmp_path, monkeypatch):
    """Each costs some milliseconds, whatever the size of the repository."""
    work.commit({"run.py": "", **{f"m{number}.py": "x = 1\n" for number in range(50)}})
    log, real = tmp_path / "log", shutil.which("git")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {real} "$@"\n')
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    main = ModuleType("__main__")
    main.__file__ = str(work.root / "run.py")
    assert describe_script(main, [""]).diff == ""
    assert len(log.read_text().splitlines()) == 4
    work.write({"m1.py": "x = 2\n", "m99.py": ""})
    assert "+x = 2" in describe_script(main, [""]).diff
    assert len(log.read_text().splitlines()) == 4 + 5


def test_a_module_that_is_loaded_when_it_is_asked_is_not_asked(work, monkeypatch):
    spec = importlib.util.find_spec("wave")
    spec.loader = importlib.util.LazyLoader(spec.loader)
    lazy = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "wave", lazy)
    spec.loader.exec_module(lazy)
    main = ModuleType("__main__")
    main.__file__ = str(work.root / "run.py")
    work.commit({"run.py": "import numpy"})
    work.write({"unknown.py": ""})
    describe_script(main, [""])
    assert describe_packages(main, [""]) == (version("numpy"),)
    assert "Wave_read" not in object.__getattribute__(lazy, "__dict__")


def test_outside_of_a_repository_the_modules_beside_a_script_are_recorded_with_it(tmp_path):
    (tmp_path / "near.py").write_text("import parts.one\nimport json\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "one.py").write_text("ONE = 1\n")
    file = tmp_path / "train.py"
    file.write_text("import near\n")
    main = ModuleType("__main__")
    main.__file__ = str(file)
    script = describe_script(main, [str(file)])
    assert script.source == "import near\n"
    assert {one.name: one.text for one in script.files} == {
        "near.py": "import parts.one\nimport json\n",
        "parts/one.py": "ONE = 1\n",
    }
