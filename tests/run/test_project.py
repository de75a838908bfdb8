"""What a source reaches: texts of the project, and versions of packages."""

from __future__ import annotations

import importlib.metadata
import json
import os
import py_compile
import site
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.core.codekey import fingerprint
from penstock.run import project
from penstock.run.imports import Finder, library_folders
from penstock.run.project import reach

PATH = [entry for entry in sys.path if entry]


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def modules(folder: Path, source: str) -> dict[str, str]:
    return reach(source, [str(folder), *PATH]).modules


def packages(folder: Path, source: str) -> dict[str, str]:
    return reach(source, [str(folder), *PATH]).packages


def version(name: str) -> dict[str, str]:
    return {name: importlib.metadata.version(name)}


def digest(folder: Path, source: str) -> str:
    """What the code of `step` is when it runs with the files of a folder."""
    return fingerprint(source, "step", modules(folder, source)).digest


def install(folder: Path, name: str, version: str, *files: str, checksum: str = "sha256=x") -> Path:
    info = folder / f"{name}-{version}.dist-info"
    write(info, {
        "METADATA": f"Name: {name}\nVersion: {version}\n",
        "RECORD": "".join(f"{file},{checksum},1\n" for file in files),
    })  # fmt: skip
    return info


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages beside that of the interpreter."""
    folder = tmp_path / "library"
    folder.mkdir()
    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    monkeypatch.setattr(site, "USER_SITE", str(folder))
    library_folders.cache_clear()
    yield folder
    library_folders.cache_clear()


# Modules of the project


def test_the_project_s_modules_are_reached_through_each_other(tmp_path):
    files = {
        "first.py": "import second",
        "second.py": "def later():\n    class Inner:\n        import third",
        "third.py": "import first",
        "unused.py": "",
    }
    write(tmp_path, files)
    assert modules(tmp_path, "def step():\n    import first") == {
        "first": files["first.py"],
        "second": files["second.py"],
        "third": files["third.py"],
    }
    assert "first" not in sys.modules


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import top.inner.deep", {"top", "top.inner", "top.inner.deep"}),
        ("from top.inner.deep import thing", {"top", "top.inner", "top.inner.deep"}),
        ("from top.inner import deep", {"top", "top.inner", "top.inner.deep"}),
        ("from top import inner", {"top", "top.inner", "top.inner.__init__"}),
        ("import top as other", {"top", "top.__init__"}),
        ("from top.out import *", {"top", "top.out", "top.inner", "top.inner.deep", "top.beside"}),
        ("importlib.import_module('top.beside')", {"top", "top.beside"}),
        ("from top import missing", {"top", "top.__init__"}),
        ("import top.missing.more", {"top", "top.__init__"}),
        ("from .top import inner", set()),
    ],
)
def test_a_module_is_reached_with_its_packages_and_what_is_taken_from_it(tmp_path, source, expected):
    rest = {"top.out": "\nfrom .inner import deep, missing\nfrom . import beside"}
    files = {
        "top/__init__.py": "# top",
        "top/inner/__init__.py": "# inner",
        "top/inner/deep.py": "# deep",
        "top/out.py": f"# out{rest['top.out']}",
        "top/beside.py": "# beside",
    }
    write(tmp_path, files)
    found = modules(tmp_path, source)
    assert set(found) == expected
    for name, text in found.items():
        assert text == ("" if name.endswith(".__init__") else f"# {name.rpartition('.')[2]}{rest.get(name, '')}")


def test_folders_need_no_files_of_their_own(tmp_path):
    write(tmp_path, {"top/inner/module.py": "from . import beside\nfrom ..other import x", "top/inner/beside.py": "1"})
    write(tmp_path, {"top/other.py": "2"})
    expected = {"top.inner.module", "top.inner.beside", "top.other"}
    assert set(modules(tmp_path, "import top.inner.module")) == expected
    assert set(modules(tmp_path, "from top.inner import module")) == expected


def test_a_star_import_reaches_the_modules_that_a_package_lists(tmp_path):
    write(tmp_path, {"top/__init__.py": "__all__ = ['a', 'b', '*']", "top/a.py": "", "top/b.py": "", "top/c.py": ""})
    assert set(modules(tmp_path, "from top import *")) == {"top", "top.a", "top.b"}


def test_what_only_type_checkers_import_is_not_reached(tmp_path):
    write(tmp_path, {"first.py": "if TYPE_CHECKING:\n    import second, numpy\nelse:\n    import third"})
    write(tmp_path, {"second.py": "", "third.py": ""})
    found = reach("import first\nif typing.TYPE_CHECKING:\n    import second, pandas", [str(tmp_path), *PATH])
    assert set(found.modules) == {"first", "third"}
    assert found.packages == {}


def test_a_file_that_has_two_names_is_a_module_under_each(tmp_path):
    write(tmp_path, {"top/__init__.py": "", "top/inner.py": "import top.inner, inner"})
    found = reach("import inner", [str(tmp_path / "top"), str(tmp_path)]).modules
    assert set(found) == {"inner", "top", "top.inner"}


def test_the_standard_library_penstock_and_what_is_not_there_are_not_reached(tmp_path):
    source = "import os, sys, json.decoder, _struct, zlib\nfrom penstock import Task\nimport missing, __main__"
    assert reach(source, [str(tmp_path), *PATH]) == project.Reach({}, {})


def test_a_module_of_the_project_hides_an_installed_one(tmp_path):
    write(tmp_path, {"pandas.py": "import wave, numpy", "wave.py": "1"})
    found = reach("import pandas", [str(tmp_path), *PATH])
    assert found.modules == {"pandas": "import wave, numpy", "wave": "1"}
    assert found.packages == version("numpy")
    assert reach("import pandas", [*PATH, str(tmp_path)]).modules == {}


# Texts


def test_a_text_that_is_no_python_is_a_text(tmp_path):
    write(tmp_path, {"broken.py": "import ("})
    assert modules(tmp_path, "import broken") == {"broken": "import ("}


def test_a_text_is_read_as_python_reads_it(tmp_path):
    (tmp_path / "latin.py").write_bytes(b"# coding: latin-1\r\nNAME = '\xe4'\r\nimport beside")
    (tmp_path / "marked.py").write_bytes(b"\xef\xbb\xbfNAME = '\xc3\xa4'")
    write(tmp_path, {"beside.py": ""})
    assert modules(tmp_path, "import latin, marked") == {
        "latin": "# coding: latin-1\nNAME = 'ä'\nimport beside",
        "marked": "NAME = 'ä'",
        "beside": "",
    }


OTHER = "def step():\n    import other\n    return 1\n"


def assert_counts_by_its_bytes(folder: Path, file: Path, first: bytes, second: bytes) -> None:
    digests = []
    for data in (first, second, first):
        file.write_bytes(data)
        os.utime(file, (1, 1))
        digests.append(digest(folder, OTHER))
    assert digests[0] != digests[1]
    assert digests[0] == digests[2]


def test_a_file_that_is_no_text_counts_by_its_bytes(tmp_path):
    assert_counts_by_its_bytes(tmp_path, tmp_path / "other.py", b"N = '\xe4'", b"N = '\xe5'")
    assert_counts_by_its_bytes(tmp_path, tmp_path / "other.py", b"# coding: none\n1", b"# coding: none\n2")


def test_a_compiled_module_counts_by_its_bytes(tmp_path):
    assert_counts_by_its_bytes(tmp_path, tmp_path / "other.abi3.so", b"N: 1", b"N: 2")


def test_a_module_without_its_source_counts_by_its_bytes(tmp_path):
    for text in ("1", "2"):
        write(tmp_path, {f"source{text}.py": f"N = {text}"})
        py_compile.compile(str(tmp_path / f"source{text}.py"), cfile=str(tmp_path / text), dfile="other.py")
    first, second = (tmp_path / "1").read_bytes(), (tmp_path / "2").read_bytes()
    assert_counts_by_its_bytes(tmp_path, tmp_path / "other.pyc", first, second)


def test_a_large_file_counts_by_its_bytes(tmp_path):
    rest = b"#" * project.LONGEST_TEXT
    assert_counts_by_its_bytes(tmp_path, tmp_path / "other.py", b"N = 1\n" + rest, b"N = 2\n" + rest)
    assert len(modules(tmp_path, OTHER)["other"]) < 100


def test_a_large_file_that_imports_something_is_never_the_same(tmp_path):
    """What it imports may have changed, and to find that it would have to be parsed."""
    write(tmp_path, {"other.py": "import more\n" + "#" * project.LONGEST_TEXT, "more.py": ""})
    assert digest(tmp_path, OTHER) != digest(tmp_path, OTHER)


def test_a_file_that_cannot_be_read_is_never_the_same(tmp_path):
    write(tmp_path, {"other.py": ""})
    spec = Finder([str(tmp_path)]).find("other")
    (tmp_path / "other.py").unlink()
    assert spec
    assert project._text(spec) != project._text(spec)


def test_what_counts_by_no_text_is_no_python(tmp_path):
    """Else a part of it might be left out, as annotations are."""
    for text in (project._digest(b""), project._unknown()):
        with pytest.raises(SyntaxError):
            compile(text, "", "exec")


def test_modules_beyond_the_limit_are_never_the_same(tmp_path):
    last = project.MODULES + 5
    write(tmp_path, {f"m{number}.py": f"N = {number}" for number in range(last)})
    source = f"import {', '.join(f'm{number}' for number in range(last))}"
    first, second = modules(tmp_path, source), modules(tmp_path, source)
    assert len(first) == len(second) == last
    same = {name for name in first if first[name] == second[name]}
    assert same == {f"m{number}" for number in range(project.MODULES)}


def test_modules_in_an_archive_are_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("top/__init__.py", "from . import inner")
        archive.writestr("top/inner.py", "N = 1")
    found = reach("import top", [str(tmp_path / "archive.zip")]).modules
    assert found == {"top": "from . import inner", "top.inner": "N = 1"}


def test_a_change_is_seen_at_once(tmp_path):
    write(tmp_path, {"other.py": "import one", "one.py": "", "two.py": ""})
    state = (tmp_path / "other.py").stat()
    assert set(modules(tmp_path, "import other")) == {"other", "one"}
    write(tmp_path, {"other.py": "import two"})
    os.utime(tmp_path / "other.py", ns=(state.st_atime_ns, state.st_mtime_ns))
    assert set(modules(tmp_path, "import other")) == {"other", "two"}


def test_what_a_package_without_modules_of_its_own_imports_counts(tmp_path):
    """The fingerprint has to know that it is a package to know where `..` leads."""
    source = "from top.inner import helper\ndef step():\n    return helper()\n"
    write(tmp_path, {"top/__init__.py": "", "top/inner/__init__.py": "from ..other import helper"})
    write(tmp_path, {"top/other.py": "def helper(): return 1"})
    before = digest(tmp_path, source)
    write(tmp_path, {"top/other.py": "def helper(): return 2"})
    assert digest(tmp_path, source) != before


# Packages


def test_packages_count_wherever_they_are_imported(tmp_path):
    write(tmp_path, {"first.py": "def later():\n    from PIL import Image", "unused.py": "import polars"})
    found = packages(tmp_path, "def step():\n    import first\n    from sklearn import linear_model\n    import os")
    assert found == version("pillow") | version("scikit-learn")


def test_an_editable_install_counts_by_its_texts_and_its_version(tmp_path, library):
    write(tmp_path / "work" / "src", {"edited/__init__.py": "from . import part", "edited/part.py": "import numpy"})
    info = install(library, "my_project", "0.3")
    origin = {"url": (tmp_path / "work").as_uri(), "dir_info": {"editable": True}}
    write(info, {"direct_url.json": json.dumps(origin)})
    found = reach("import edited", [str(tmp_path / "work" / "src"), str(library), *PATH])
    assert found.modules == {"edited": "from . import part", "edited.part": "import numpy"}
    assert found.packages == {"my_project": "0.3"} | version("numpy")


def test_an_installed_package_counts_by_its_version_alone(library):
    write(library, {"tool/__init__.py": "import more"})
    install(library, "tool", "1", "tool/__init__.py")
    assert reach("import tool.part", [str(library), *PATH]) == project.Reach({}, {"tool": "1"})


def test_a_package_that_lies_elsewhere_counts_by_its_texts_and_its_version(tmp_path):
    """As in a folder of the project, where somebody may have changed it."""
    write(tmp_path, {"tool.py": "N = 1"})
    install(tmp_path, "tool", "1", "tool.py")
    assert reach("import tool", [str(tmp_path)]) == project.Reach({"tool": "N = 1"}, {"tool": "1"})


def test_a_file_in_the_library_that_no_package_has_counts_by_its_text(library):
    write(library, {"loose.py": "import tool", "tool.py": ""})
    install(library, "tool", "1", "tool.py")
    assert reach("import loose", [str(library)]) == project.Reach({"loose": "import tool"}, {"tool": "1"})


@pytest.mark.parametrize("whole", [True, False])
def test_a_package_that_an_installer_linked_into_the_library_is_installed(tmp_path, library, whole):
    write(tmp_path / "store", {"tool/__init__.py": "import more"})
    install(library, "tool", "1", "tool/__init__.py")
    if whole:
        (library / "tool").symlink_to(tmp_path / "store" / "tool")
    else:
        (library / "tool").mkdir()
        (library / "tool" / "__init__.py").symlink_to(tmp_path / "store" / "tool" / "__init__.py")
    assert reach("import tool", [str(library)]) == project.Reach({}, {"tool": "1"})


@pytest.mark.parametrize(("name", "file"), [("tool", "tool/__init__.py"), ("tool.py", "tool.py")])
@pytest.mark.parametrize("is_listed", [True, False])
def test_sources_that_are_linked_into_the_library_are_of_the_project(tmp_path, library, name, file, is_listed):
    write(tmp_path / "work", {file: "N = 1"})
    (library / name).symlink_to(tmp_path / "work" / name)
    if is_listed:
        install(library, "tool", "1", name, checksum="")
    assert reach("import tool", [str(library)]).modules.get("tool") == "N = 1"


def test_a_namespace_may_be_of_the_project_and_of_packages_at_once(tmp_path, library):
    write(tmp_path / "work", {"cloud/mine.py": "from cloud.storage import client", "cloud/unused.py": ""})
    write(library, {"cloud/storage/__init__.py": "", "cloud/storage/client.py": "", "cloud/queue/__init__.py": ""})
    install(library, "cloud_storage", "1", "cloud/storage/__init__.py", "cloud/storage/client.py")
    install(library, "cloud_queue", "2", "cloud/queue/__init__.py")
    path = [str(tmp_path / "work"), str(library), *PATH]
    found = reach("def step():\n    from cloud import mine", path)
    assert found.modules == {"cloud.mine": "from cloud.storage import client"}
    assert found.packages == {"cloud_storage": "1"}
    assert reach("from cloud import queue", path[1:]) == project.Reach({}, {"cloud_queue": "2"})
    assert reach("from cloud import queue", path) == project.Reach({}, {"cloud_queue": "2"})


def test_nothing_is_imported(tmp_path):
    write(tmp_path, {"other.py": "import pandas, sklearn.linear_model\nraise SystemExit"})
    script = f"""
import sys
from penstock.run.project import reach
before = set(sys.modules)
found = reach("import other, matplotlib.pyplot", [{str(tmp_path)!r}, *sys.path])
new = {{name for name in set(sys.modules) - before if not name.startswith("_sysconfigdata")}}
print(list(found.modules), len(found.packages), new & {{"other", "pandas", "numpy", "sklearn", "matplotlib"}})
"""
    source = str(Path(project.__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": source}
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout == "['other'] 3 set()\n"
