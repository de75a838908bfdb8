from __future__ import annotations

import importlib.util
import sys
import sysconfig
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from penstock.run.imports import (
    Finder,
    Import,
    exports,
    imports,
    is_library,
    library_folders,
    package_of,
    project_files,
    read_source,
)

PATH = [entry for entry in sys.path if entry]


def found(source: str, package: str = "", *, everywhere: bool = True, calls: bool = False) -> tuple[str, ...]:
    """What a source imports: `a.b`, and `a.b:c` for a name that it takes from there."""
    wanted = list(imports(source, package, everywhere=everywhere, calls=calls))
    return tuple(text for one in wanted for text in [f"{one.module}:{name}" for name in one.names] or [one.module])


def test_every_import_is_found_in_the_order_of_its_lines():
    source = """
import json
import xml.dom.minidom as dom, csv
def step():
    from sklearn.linear_model import LinearRegression, Ridge
    class Inner:
        import wave
    try:
        import decimal
    except ImportError:
        import fractions
    else:
        import bisect
    finally:
        import heapq
    for each in json:
        pass
    else:
        import glob
    async def later():
        from collections import *
    match json:
        case _:
            while True:
                with json as opened:
                    import zlib
    return json
import pandas.api
"""
    assert found(source) == (
        "json",
        "xml.dom.minidom",
        "csv",
        "sklearn.linear_model:LinearRegression",
        "sklearn.linear_model:Ridge",
        "wave",
        "decimal",
        "fractions",
        "bisect",
        "heapq",
        "glob",
        "collections:*",
        "zlib",
        "pandas.api",
    )


def test_the_other_branch_of_a_check_for_type_checkers_counts():
    assert found("if TYPE_CHECKING:\n    import pandas\nelse:\n    import wave") == ("wave",)


def test_imports_in_functions_can_be_left_out():
    source = "import json\ndef step():\n    import wave\nclass Inner:\n    import csv"
    assert found(source, everywhere=False) == ("json", "csv")


@pytest.mark.parametrize("source", ["", "this is no Python", "null = '\0'", "from typing import", "x = 1\n  y = 2"])
def test_a_text_that_cannot_be_parsed_imports_nothing(source: str):
    assert found(source) == ()


@pytest.mark.parametrize(
    ("source", "package", "expected"),
    [
        ("from . import a, b", "top.inner", Import("top.inner", ("a", "b"))),
        ("from .a import b", "top.inner", Import("top.inner.a", ("b",))),
        ("from .. import a", "top.inner", Import("top", ("a",))),
        ("from ..a.b import c as d", "top.inner", Import("top.a.b", ("c",))),
        ("from ... import a", "top.inner", None),
        ("from . import a", "", None),
    ],
)
def test_relative_imports_start_from_the_package(source: str, package: str, expected: Import | None):
    assert list(imports(source, package, everywhere=True)) == ([expected] if expected else [])


def test_calls_that_import_a_module_by_its_name_may_count():
    source = """
def step(name):
    load = [importlib.import_module("a.b"), import_module(".c", __package__), __import__("d")]
    return [import_module("..e", "top"), import_module(name), import_module(), load("f")]
import json
"""
    assert found(source, "top.inner", calls=True) == ("json", "a.b", "top.inner.c", "d", "top.e")
    assert found(source, "top.inner") == ("json",)
    assert found("import_module('.a')", calls=True) == ()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("__all__ = ['a', 'b']", ("a", "b")),
        ("__all__ = ('a',) + other.__all__\n__all__ += ['b']\nname = 'c'", ("a", "b")),
        ("__all__: list[str] = ['a']\n__all__.extend(['b'])", ("a", "b")),
        ("names = ['a']", ()),
        ("__all__ = [", ()),
    ],
)
def test_what_a_module_lists_for_star_imports_is_read_from_its_text(source: str, expected: tuple[str, ...]):
    assert exports(source) == expected


def test_a_module_is_found_where_an_import_would_find_it(tmp_path: Path):
    (tmp_path / "pandas.py").write_text("")
    (tmp_path / "json").mkdir()
    finder = Finder([str(tmp_path), *PATH])
    for name in ("json", "zlib", "sys", "pandas"):
        spec = finder.find(name)
        assert spec
        assert is_library(spec, library_folders()) == (name != "pandas"), name
    assert finder.find("no_such_module_anywhere") is None
    assert Finder([str(tmp_path)]).find("os") is not None, "the interpreter has it already"
    assert finder.find("__main__") is finder.find("__future__") is None


def test_a_folder_is_of_the_library_when_all_of_its_places_are(tmp_path: Path):
    (tmp_path / "mpl_toolkits").mkdir()
    installed, spread = (Finder(path).find("mpl_toolkits") for path in (PATH, [str(tmp_path), *PATH]))
    assert installed
    assert spread
    assert is_library(installed, library_folders())
    assert not is_library(spread, library_folders())


def test_a_folder_beside_the_library_is_not_in_it():
    beside = ModuleSpec("beside", None, origin=f"{sysconfig.get_paths()['stdlib']}-more/beside.py")
    assert not is_library(beside, library_folders())


def test_editable_installs_are_found_by_the_finders_that_were_put_up_for_them(tmp_path: Path, monkeypatch):
    def finder(file: Path) -> type:
        class Finder:
            @staticmethod
            def find_spec(name: str, path: object, target: object) -> ModuleSpec | None:
                return importlib.util.spec_from_file_location(name, file) if name == file.stem else None

        Finder.__module__ = f"__editable___{file.stem}_finder"
        file.write_text("")
        return Finder

    first, second = tmp_path / "first_editable.py", tmp_path / "second_editable.py"
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, finder(first), finder(second)])
    for file in (first, second):
        spec = Finder(PATH).find(file.stem)
        assert spec
        assert spec.origin == str(file)
        assert not is_library(spec, library_folders())


def write(folder: Path, *files: str) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("raise RuntimeError('imported')")


def ran(folder: Path, module: str, *names: str) -> dict[str, str]:
    """The modules that an import runs, each with its package."""
    wanted = Import(module, names)
    return {name: package_of(name, module) for name, module in Finder([str(folder)]).modules(wanted)}


def test_an_import_runs_the_packages_around_the_module_and_the_modules_that_it_takes_from_it(tmp_path: Path):
    write(tmp_path, "a/__init__.py", "a/b/__init__.py", "a/b/c.py", "a/other.py")
    assert ran(tmp_path, "a.b.c", "function") == {"a": "a", "a.b": "a.b", "a.b.c": "a.b"}
    assert ran(tmp_path, "a.b", "c", "function") == {"a": "a", "a.b": "a.b", "a.b.c": "a.b"}
    assert ran(tmp_path, "a.other.none") == {"a": "a", "a.other": "a"}
    assert ran(tmp_path, "a.none.c") == {"a": "a"}
    assert ran(tmp_path, "none") == {}


def test_folders_in_folders_need_no_files_of_their_own(tmp_path: Path):
    write(tmp_path, "a/b/c/d.py")
    every = {"a": "a", "a.b": "a.b", "a.b.c": "a.b.c", "a.b.c.d": "a.b.c"}
    assert ran(tmp_path, "a.b.c.d") == ran(tmp_path, "a.b.c", "d") == every
    assert ran(tmp_path, "a", "b") == {"a": "a", "a.b": "a.b"}


def test_a_folder_may_be_spread_over_the_path(tmp_path: Path):
    write(tmp_path, "one/a/b/c.py", "two/a/b/d.py")
    finder = Finder([str(tmp_path / "one"), str(tmp_path / "two")])
    assert [name for name, _ in finder.modules(Import("a.b", ("c", "d")))] == ["a", "a.b", "a.b.c", "a.b.d"]


def test_what_a_text_is_warned_about_is_left_to_whoever_runs_it():
    assert found("import wave\nprint('\\d' is 1)") == ("wave",)


# Files of the project


def files(folder: Path, source: str) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in project_files(source, [str(folder), *PATH])}


def test_files_of_the_project_are_found_through_each_other(tmp_path):
    for name, text in {
        "first.py": "import json, numpy, penstock\ndef later():\n    import second",
        "second.py": "import importlib\nimportlib.import_module('third')",
        "third.py": "import first, missing",
        "package/__init__.py": "",
        "package/inner.py": "from . import beside",
        "package/beside.py": "from .deep.one import *",
        "package/deep/one.py": "__all__ = ['x']",
        "stars/__init__.py": "__all__ = ['star']",
        "stars/star.py": "",
        "unused.py": "",
        "package/unused.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert files(tmp_path, "import first") == {"first.py", "second.py", "third.py"}
    assert files(tmp_path, "from package import inner") == {
        "package/__init__.py", "package/inner.py", "package/beside.py", "package/deep/one.py"
    }  # fmt: skip
    assert files(tmp_path, "from stars import *") == {"stars/__init__.py", "stars/star.py"}
    assert files(tmp_path, "import json, numpy, sys, penstock.run") == set()


def test_a_file_that_is_no_python_source_is_no_end_of_the_search(tmp_path):
    (tmp_path / "broken.py").write_text("def (:")
    (tmp_path / "bytes.py").write_bytes(b"\xff\xff")
    (tmp_path / "compiled.so").write_bytes(b"")
    (tmp_path / "good.py").write_text("")
    assert files(tmp_path, "import broken, bytes, compiled, good") == {"broken.py", "bytes.py", "good.py"}


def test_a_source_is_read_in_the_encoding_that_it_declares(tmp_path):
    (tmp_path / "a.py").write_bytes("# coding: latin-1\n\u00e9".encode("latin-1"))
    assert read_source(tmp_path / "a.py") == "# coding: latin-1\n\u00e9"
    (tmp_path / "a.py").write_bytes(b"\xef\xbb\xbfx")
    assert read_source(tmp_path / "a.py") == "x"


def test_a_source_that_cannot_be_read_is_empty(tmp_path):
    (tmp_path / "a.py").write_bytes(b"# coding: nonsense\n")
    assert read_source(tmp_path / "a.py") == ""
    (tmp_path / "a.py").write_bytes(b"\xff")
    assert read_source(tmp_path / "a.py") == ""
    assert read_source(tmp_path / "missing.py") == read_source(tmp_path) == ""
