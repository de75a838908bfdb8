"""Modules beside a script: found, checked, written again."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import Invalid
from penstock.core.task import SourceFile
from penstock.run import neighbours
from penstock.run.neighbours import are_untouched, check, find, write


@pytest.fixture
def project(tmp_path):
    """Make a folder with these files; returns what is found beside its `train.py`."""

    def make(files, path=()):
        folder = tmp_path.resolve() / "project"
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        found = find(files["train.py"], folder / "train.py", [*path, *sys.path])
        return {one.name: one.text for one in found}

    return make


def test_what_a_script_imports_from_its_own_folder_is_found_through_one_another(project):
    files = {
        "train.py": "import json, numpy, near\nfrom parts import one\ndef late():\n    import other",
        "near.py": "import far",
        "far.py": "F = 1",
        "other.py": "",
        "parts/__init__.py": "",
        "parts/one.py": "from . import two",
        "parts/two.py": "T = 2",
        "parts/unused.py": "",
        "unused.py": "",
        "data.txt": "",
    }
    expected = {"near.py", "far.py", "other.py", "parts/__init__.py", "parts/one.py", "parts/two.py"}
    found = project(files)
    assert found == {name: files[name] for name in expected}


def test_what_lies_elsewhere_is_not(project, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "away.py").write_text("")
    assert project({"train.py": "import away, near", "near.py": ""}, [str(tmp_path / "elsewhere")]) == {"near.py": ""}


def test_a_link_out_of_the_folder_is_not_followed(project, tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "secret.py").write_text("S = 1")
    (tmp_path / "project" / "near.py").symlink_to(tmp_path / "secret.py")
    assert project({"train.py": "import near"}) == {}


def test_a_script_that_imports_itself_is_not_beside_itself(project):
    assert project({"train.py": "import near", "near.py": "import train"}) == {"near.py": "import train"}


def test_too_many_or_too_large_ones_are_left_out_as_a_whole(project, monkeypatch):
    files = {"train.py": "import a, b", "a.py": "x = 1", "b.py": "y = 2"}
    monkeypatch.setattr(neighbours, "MOST", 1)
    assert project(files) == {}
    monkeypatch.setattr(neighbours, "MOST", 2)
    assert len(project(files)) == 2
    monkeypatch.setattr(neighbours, "LARGEST", 9)
    assert project(files) == {}


BAD = [
    *("", ".py/", "/x.py", "//x.py", "../x.py", "a/../x.py", "a/../../x.py", "./x.py", "a//x.py", "a/./x.py", "x"),
    *("x.so", "x.pyc", "x.py/", ".x.py", ".git/hooks/x.py", "a/.x/y.py", "x\0.py", "x\n.py", "a\\..\\x.py"),
    *("C:\\x.py", "~/.x.py", "x\u202e.py", "sitecustomize", "a.pth", "x.py\0", "x.py ", "x" * 600 + ".py"),
    *("\ud800.py", "train.py", "train.py/x.py"),
]


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(Invalid):
        check([SourceFile(name=name, text="")], "train.py")


def test_no_file_is_written_twice_or_into_another():
    for names in (("a.py", "a.py"), ("a.py", "a.py/b.py")):
        with pytest.raises(Invalid, match="twice"):
            check([SourceFile(name=name, text="") for name in names], "train.py")


def test_there_is_an_end_to_them():
    with pytest.raises(Invalid, match="more than"):
        check([SourceFile(name=f"m{number}.py", text="") for number in range(neighbours.MOST + 1)], "train.py")
    with pytest.raises(Invalid, match="more than"):
        check([SourceFile(name="m.py", text="x" * (neighbours.LARGEST + 1))], "train.py")


@given(st.lists(st.text(st.sampled_from("ab./\\~ -")).map(lambda text: f"{text}.py"), max_size=3))
def test_what_passes_stays_in_the_folder(tmp_path_factory, names):
    files = [SourceFile(name=name, text=name) for name in names]
    try:
        check(files, "train.py")
    except Invalid:
        return
    folder = tmp_path_factory.mktemp("written") / "inside"
    folder.mkdir()
    write(files, folder)
    assert [one.name for one in folder.parent.iterdir()] == ["inside"]
    assert {one.relative_to(folder).as_posix() for one in folder.rglob("*.py") if one.is_file()} == set(names)
    assert are_untouched(files, folder)


@pytest.mark.parametrize("change", ["another text", "one more", "one less", "a link", "a folder that is a link"])
def test_a_change_is_noticed_but_compiled_files_are_none(tmp_path, change):
    files = [SourceFile(name="a.py", text="A"), SourceFile(name="p/b.py", text="B")]
    write(files, tmp_path / "f")
    (tmp_path / "f" / "p" / "__pycache__").mkdir()
    (tmp_path / "f" / "p" / "__pycache__" / "b.pyc").touch()
    assert are_untouched(files, tmp_path / "f")
    match change:
        case "another text":
            (tmp_path / "f" / "a.py").write_text("X")
        case "one more":
            (tmp_path / "f" / "p" / "c").touch()
        case "one less":
            (tmp_path / "f" / "a.py").unlink()
        case "a link":
            (tmp_path / "f" / "a.py").unlink()
            (tmp_path / "a.py").write_text("A")
            (tmp_path / "f" / "a.py").symlink_to(tmp_path / "a.py")
        case _:
            (tmp_path / "f" / "q").symlink_to(tmp_path)
    assert not are_untouched(files, tmp_path / "f")
