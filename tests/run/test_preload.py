from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from penstock.run import preload
from penstock.run.preload import Preload, libraries, plan

PATH = [entry for entry in sys.path if entry]


def modules(*sources: str, path: list[str] | None = None) -> tuple[str, ...]:
    return plan(sources, PATH if path is None else path).modules


def write(folder: Path, **files: str) -> None:
    for name, source in files.items():
        file = folder / f"{name.replace('__in__', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)


def test_what_a_source_takes_from_a_module_is_imported_with_it():
    source = "from sklearn.linear_model import LinearRegression, Ridge\nfrom xml.dom import *"
    assert modules(source) == ("sklearn.linear_model:LinearRegression", "sklearn.linear_model:Ridge", "xml.dom")


def test_several_steps_share_one_plan():
    assert modules("import wave, json", "import csv, json") == ("wave", "json", "csv")


@pytest.mark.parametrize(
    "source",
    [
        "",
        "import no_such_module_anywhere",
        "from . import sibling",
        "from .. import parent",
        "from __future__ import annotations",
        "import __main__",
        "this is no Python",
        "null = '\0'",
        "from typing import",
        "if TYPE_CHECKING:\n    import pandas",
        "if typing.TYPE_CHECKING:\n    import pandas",
    ],
)
def test_what_cannot_be_imported_or_read_is_passed_over(source: str):
    assert modules(source) == ()


def test_files_of_the_project_are_followed_but_never_imported(tmp_path: Path):
    write(
        tmp_path,
        of_project="import wave\nfrom package.part import thing\ndef later():\n    import decimal\nraise SystemExit",
        package__in____init__="import csv",
        package__in__part="from . import sibling\nfrom .deep.inner import x\nfrom ..out import y\nclass C: import json",
        package__in__sibling="import fractions, package.part",
        package__in__deep__in____init__="",
        package__in__deep__in__inner="import zlib",
        package__in__unused="import sqlite3",
    )
    found = modules("def step():\n    import of_project", path=[str(tmp_path), *PATH])
    assert set(found) == {"wave", "csv", "json", "fractions", "zlib"}
    assert "of_project" not in sys.modules


def test_a_project_file_that_hides_an_installed_module_wins(tmp_path: Path):
    write(tmp_path, wave="import csv", pandas="import zlib")
    assert set(modules("import wave, pandas", path=[str(tmp_path), *PATH])) == {"csv", "zlib"}


def test_a_file_of_the_project_that_cannot_be_read_is_passed_over(tmp_path: Path):
    write(tmp_path, broken="import (", fine="import wave")
    (tmp_path / "latin.py").write_bytes(b"import csv # \xe4")
    (tmp_path / "huge.py").write_bytes(b"import csv\n" + b"#" * (1 << 20))
    assert modules("import broken, latin, huge, fine", path=[str(tmp_path), *PATH]) == ("wave",)


def test_only_so_many_files_of_a_project_are_read(tmp_path: Path):
    for number in range(150):
        write(tmp_path, **{f"m{number}": f"import m{number + 1}, xml.m{number}"})
    assert len(modules("import m0", path=[str(tmp_path), *PATH])) == 100


def test_a_package_without_a_file_of_its_own_is_of_the_project_too(tmp_path: Path):
    write(tmp_path, spread__in__inner="import wave")
    assert modules("import spread.inner", path=[str(tmp_path), *PATH]) == ("wave",)
    assert modules("from spread import inner", path=[str(tmp_path), *PATH]) == ("wave",)


def test_packages_without_files_may_lie_in_each_other(tmp_path: Path):
    write(tmp_path, spread__in__wider__in__inner="import wave")
    assert modules("import spread.wider.inner", path=[str(tmp_path), *PATH]) == ("wave",)


def test_an_editable_install_is_followed_as_the_project_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, installed_editable="import wave")

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object, target: object) -> ModuleSpec | None:
            file = tmp_path / f"{name}.py"
            return importlib.util.spec_from_file_location(name, file) if file.exists() else None

    Finder.__module__ = "__editable___some_project_finder"
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert modules("import installed_editable") == ("wave",)


def test_penstock_itself_counts_as_installed_wherever_it_is():
    assert modules("from penstock.run import wire") == ("penstock.run:wire",)


def test_planning_imports_nothing():
    script = """
import sys
from penstock.run.preload import plan
before = set(sys.modules)
found = plan(["import pandas, sklearn.linear_model, polars, wave, matplotlib.pyplot"], sys.path)
print(len(found.modules), {name for name in set(sys.modules) - before if not name.startswith("_sysconfigdata")})
"""
    src = str(Path(preload.__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": src}
    result = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    assert result.stdout == "5 set()\n"


def test_the_fingerprint_depends_on_the_packages_alone():
    assert plan(["import wave"], PATH) == plan(["import wave # differently"], PATH)
    assert plan(["import wave"], PATH).fingerprint != plan(["import csv"], PATH).fingerprint
    assert plan(["import pandas"], PATH).fingerprint == plan(["import pandas.api"], PATH).fingerprint
    assert plan([], PATH) == Preload((), plan([], PATH).fingerprint)


def test_the_fingerprint_changes_with_the_file_of_a_package(tmp_path: Path):
    write(tmp_path, package="one = 1")
    spec = importlib.util.spec_from_file_location("package", tmp_path / "package.py")
    assert spec
    first = preload._fingerprint([spec])
    os.utime(tmp_path / "package.py", ns=(1, 1))
    second = preload._fingerprint([spec])
    write(tmp_path, package="one = 2  # longer")
    os.utime(tmp_path / "package.py", ns=(1, 1))
    third = preload._fingerprint([spec])
    assert len({first, second, third}) == 3


def test_library_folders_are_the_standard_library_and_what_is_installed(tmp_path: Path):
    paths = sysconfig.get_paths()
    found = libraries(["", str(tmp_path), paths["stdlib"], paths["purelib"], f"{paths['stdlib']}/lib-dynload"])
    assert found == (paths["stdlib"], paths["purelib"], f"{paths['stdlib']}/lib-dynload")


def test_of_another_python_what_is_installed_there_is_chosen(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "theirs.py").touch()
    (tmp_path / "own.py").write_text("import theirs")
    path = [str(tmp_path), str(tmp_path / "site")]
    assert plan(["import own"], path, [str(tmp_path / "site")]).modules == ("theirs",)
    assert plan(["import own"], path).modules == ()
