"""The installed packages behind imports, and their versions."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from penstock.run.imports import Finder
from penstock.run.packages import installed, is_provided, linked, versions


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """An empty folder that modules are imported from."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def install(site: Path, name: str, version: str, *files: str, folder: str = "", top_level: str = "") -> Path:
    """Lay a package out as an installer does."""
    for file in files:
        path = site / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("raise RuntimeError('imported')\n")
    info = site / f"{folder or name.replace('-', '_').lower()}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n\nVersion: 0 of its text\n"
    )
    (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in (*files, f"{info.name}/METADATA")))
    if top_level:
        (info / "top_level.txt").write_text(top_level)
    return info


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("sklearn.datasets", "scikit-learn"), ("PIL.Image", "pillow"), ("dateutil", "python-dateutil"),
        ("numpy", "numpy"), ("pandas.core.frame", "pandas"), ("mpl_toolkits.mplot3d", "matplotlib"),
        ("matplotlib.pyplot", "matplotlib"), ("msgspec", "msgspec"), ("py", "pytest"), ("_pytest", "pytest"),
    ],
)  # fmt: skip
def test_a_module_is_named_by_the_package_that_it_came_with(module, package):
    assert versions([module]) == {package: importlib.metadata.version(package)}


@pytest.mark.parametrize(
    ("name", "folder", "files", "module"),
    [
        ("PyYAML", "pyyaml", ["yaml/__init__.py"], "yaml"),
        ("PyYAML", "PyYAML", ["yaml/__init__.py"], "yaml.nodes"),
        ("lone-module", "lone_module", ["lone_module.py"], "lone_module"),
        ("Dotted.Name", "dotted_name", ["dotted_name/__init__.py"], "dotted_name"),
        ("another-name", "", ["quite/__init__.py"], "quite"),
    ],
)
def test_names_are_matched_whatever_their_case_and_signs(site, name, folder, files, module):
    install(site, name, "1.2.3", *files, folder=folder)
    assert versions([module]) == {name: "1.2.3"}


def test_nothing_is_imported(site):
    install(site, "boom", "1", "boom/__init__.py", "boom/inner.py")
    assert versions(["boom.inner"]) == {"boom": "1"}
    assert "boom" not in sys.modules


def test_the_standard_library_the_project_and_what_is_not_there_are_left_out(site, tmp_path, monkeypatch):
    project = tmp_path / "project"
    (project / "mine").mkdir(parents=True)
    (project / "mine" / "__init__.py").write_text("")
    (project / "also_mine.py").write_text("")
    monkeypatch.syspath_prepend(project)
    assert versions(["os.path", "json", "sys", "__main__", "penstock.sdk", "mine.inner", "also_mine", "missing"]) == {}


def test_a_module_of_the_project_hides_a_package(site, tmp_path, monkeypatch):
    install(site, "tool", "1", "tool.py")
    (tmp_path / "tool.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert versions(["tool"]) == {}


def test_a_package_that_only_has_the_name_is_not_taken(site):
    # As the empty package `sklearn` beside scikit-learn.
    install(site, "things", "0.0.0")
    install(site, "scikit-things", "1.7", "things/__init__.py")
    assert versions(["things"]) == {"scikit-things": "1.7"}


def test_a_list_of_top_level_modules_is_believed(site):
    install(site, "old-style", "2", "older/__init__.py", top_level="older\n_older\n")
    assert versions(["older"]) == {"old-style": "2"}


def test_of_packages_that_share_a_module_all_count(site):
    install(site, "vision", "1", "cv/__init__.py")
    install(site, "vision-headless", "2", "cv/__init__.py")
    assert versions(["cv"]) == {"vision": "1", "vision-headless": "2"}


def test_of_a_shared_namespace_those_count_that_hold_the_module(site):
    install(site, "cloud-storage", "1", "cloud/storage/__init__.py")
    install(site, "cloud-queue", "2", "cloud/queue/__init__.py")
    install(site, "cloud", "3", "cloud/core.py")
    assert versions(["cloud.storage.client", "cloud.storage"]) == {"cloud-storage": "1"}
    assert versions(["cloud.core"]) == {"cloud": "3"}
    assert versions(["cloud"]) == {"cloud": "3", "cloud-queue": "2", "cloud-storage": "1"}


def test_modules_are_looked_for_along_the_path_that_is_given(tmp_path):
    for folder, number in (("first", "1"), ("second", "2")):
        install(tmp_path / folder, "tool", number, "tool.py")
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    assert versions(["tool"], [first, second]) == {"tool": "1"}
    assert versions(["tool"], [second]) == {"tool": "2"}
    assert versions(["tool"], []) == versions(["tool"]) == {}


def test_an_editable_install_is_looked_for_along_the_path_that_is_given(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "edited.py").write_text("")
    info = install(tmp_path / "site", "my-project", "0.3")
    origin = {"url": (tmp_path / "source").as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(origin))
    assert versions(["edited"], [str(tmp_path / "source"), str(tmp_path / "site")]) == {"my-project": "0.3"}


def test_a_module_is_provided_when_a_package_beside_it_lists_it(tmp_path):
    install(tmp_path, "tool", "1", "tool.py")
    install(tmp_path, "linked-tool", "1", "linked_tool.py")
    (tmp_path / "linked_tool-1.dist-info" / "RECORD").write_text("linked_tool.py,,\n")
    install(tmp_path, "nameless", "1", "nameless.py")
    (tmp_path / "nameless-1.dist-info" / "METADATA").write_text("")
    (tmp_path / "loose.py").write_text("")
    finder = Finder([str(tmp_path)])
    specs = {name: finder.find(name) for name in ("tool", "linked_tool", "nameless", "loose")}
    assert [name for name, spec in specs.items() if spec and is_provided(name, spec)] == ["tool", "linked_tool"]
    assert [name for name, spec in specs.items() if spec and is_provided(name, spec, with_checksum=True)] == ["tool"]


@pytest.mark.parametrize("folder", ["work", "work/src", "my work"])
def test_an_editable_install_gives_its_version(site, tmp_path, monkeypatch, folder):
    source = tmp_path / folder
    (source / "edited").mkdir(parents=True)
    (source / "edited" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(source)
    info = install(site, "my-project", "0.3")
    origin = {"url": (tmp_path / folder.partition("/")[0]).as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(origin))
    assert versions(["edited"]) == {"my-project": "0.3"}


@pytest.mark.parametrize(
    "origin", ["", "{", "[]", '{"url": "x"}', '{"url": "file:///", "dir_info": {}}', '{"dir_info": 3}']
)
def test_other_origins_of_a_package_make_nothing_its_own(site, tmp_path, monkeypatch, origin):
    (tmp_path / "plain.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    (install(site, "my-project", "0.3") / "direct_url.json").write_text(origin)
    assert versions(["plain"]) == {}


def test_an_update_is_seen_by_the_same_process(site):
    before = install(site, "tool", "1", "tool.py")
    assert versions(["tool"]) == {"tool": "1"}
    install(site, "tool", "2", "tool.py")
    for file in before.iterdir():
        file.unlink()
    before.rmdir()
    os.utime(site, (4e9, 4e9))  # the clock of a file system may stand still for some milliseconds
    assert versions(["tool"]) == {"tool": "2"}


def test_metadata_of_older_installers_are_read(site):
    (site / "older.py").write_text("")
    folder = site / "Older_Project-1.5-py3.11.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Name: Older-Project\nVersion: 1.5\n")
    (folder / "top_level.txt").write_text("older\n")
    assert versions(["older"]) == {"Older-Project": "1.5"}


def test_what_an_installer_left_over_does_not_count(site):
    install(site, "my-tool", "2", "tool.py")
    install(site, "my-tool", "3", "tool.py", folder="~y_tool")
    assert versions(["tool"]) == {"my-tool": "2"}


def test_packages_come_sorted_and_once(site):
    install(site, "b-tool", "1", "b_tool.py", "b_more.py")
    install(site, "a-tool", "1", "a_tool.py")
    assert list(versions(["b_tool", "a_tool", "b_more"]).items()) == [("a-tool", "1"), ("b-tool", "1")]


def test_the_packages_themselves_are_not_loaded():
    code = (
        "import sys; from penstock.run.packages import versions; found = versions(['pandas', 'sklearn', 'PIL']); "
        "assert len(found) == 3, found; assert not {'pandas', 'sklearn', 'PIL', 'numpy'} & set(sys.modules)"
    )
    source = str(Path(__file__).resolve().parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": source}, capture_output=True, text=True, check=False
    )
    assert not done.stderr


def test_links_are_listed_with_the_folders_that_they_lead_to(site, tmp_path):
    install(site, "plain", "1", "plain/__init__.py")
    for name, editable in (("Linked", "true"), ("copied", "false")):
        info = install(site, name, "1")
        url = (tmp_path / "a project").as_uri()
        (info / "direct_url.json").write_text(f'{{"url": "{url}", "dir_info": {{"editable": {editable}}}}}')
    assert linked([str(site), str(tmp_path / "missing")]) == {"Linked": tmp_path / "a project"}


# Requirement lines


def test_what_is_installed_of_the_packages_that_lines_name():
    here = version("msgspec")
    assert installed(["msgspec==0.0.1", "none.of_THIS-name>=2"]) == {
        "msgspec": here,
        "none-of-this-name": "not installed",
    }


@pytest.mark.parametrize(
    "line",
    [
        *("msgspec", "MsgSpec>=0.1,<99", "msgspec[toml]~=0.18", "msgspec ; python_version > '3'", " msgspec # needed"),
        *("msgspec @ https://host/msgspec.whl", "msgspec@https://host/msgspec.whl", "msgspec (>=0.1)"),
    ],
)
def test_a_line_names_its_package_in_every_form(line):
    assert installed([line]) == {"msgspec": version("msgspec")}


@pytest.mark.parametrize("line", ["-r other.txt", "--index-url=x", "https://host/x.whl", "./local", "git+ssh://a/b"])
def test_a_line_without_a_name_stands_for_itself(line):
    assert installed([line]) == {line: "as it is written"}


def test_comments_and_empty_lines_stand_for_nothing():
    assert installed(["", "  ", "# all of it", "\t# more"]) == {}
