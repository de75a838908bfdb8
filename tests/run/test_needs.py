"""What a task needs, and where it runs because of that."""

from __future__ import annotations

from importlib import metadata

import pytest

from penstock.core.errors import Invalid
from penstock.core.task import Script, ScriptKind
from penstock.run.interpreters import here
from penstock.run.needs import choose, differences, needs

MSGSPEC = metadata.version("msgspec")
HEADER = '# /// script\n# requires-python = "{python}"\n# dependencies = ["{line}"]\n# ///\nprint(1)\n'


def script(source="", packages=None, kind=ScriptKind.SCRIPT, **facts):
    facts.setdefault("interpreter", here().version)
    return Script(source=source, entry_point="train.py", kind=kind, packages=packages, **facts)


@pytest.fixture
def committed(work):
    """Record the script of a repository with these files."""

    def record(files, **facts):
        commit = work.commit({"train.py": "print(1)\n"} | files)
        return script(repository=str(work.root), commit=commit, working_dir=".", **facts)

    return record


def test_what_is_recorded_counts_before_all_else(tmp_path, committed):
    found = needs(script(HEADER.format(python=">=3", line="x"), packages=("a==1",)), tmp_path)
    assert (found.requirements, found.said_by) == (("a==1",), "its record")
    assert needs(committed({"requirements.txt": "b"}, packages=()), tmp_path).requirements == ()


def test_else_the_header_of_the_script(tmp_path, committed):
    found = needs(script(HEADER.format(python=">=3", line="x<2")), tmp_path)
    assert (found.requirements, found.python, found.said_by) == (("x<2",), here().version, "the script's header")
    files = {"train.py": HEADER.format(python=">=3", line="x<3"), "requirements.txt": "y"}
    assert needs(committed(files), tmp_path).requirements == ("x<3",)


def test_else_the_requirements_of_the_repository(tmp_path, committed):
    found = needs(committed({"requirements.txt": "# all\na==1 \\\n  --hash=x\nb\n"}), tmp_path)
    assert found.said_by == "requirements.txt of its repository"
    assert [line for line in found.requirements or () if not line.startswith("#")] == ["a==1    --hash=x", "b"]


def test_else_nothing_says(tmp_path, committed):
    for one in (
        script("import x"),
        script("def f(): ...", kind=ScriptKind.FUNCTION),
        committed({}),
        script(repository=str(tmp_path / "none"), commit="a" * 40),
    ):
        assert needs(one, tmp_path).requirements is None


def test_a_link_that_leads_out_of_the_repository_is_no_list_of_requirements(tmp_path, work, committed):
    (tmp_path / "secret").write_text("b\n")
    (work.root / "requirements.txt").symlink_to(tmp_path / "secret")
    assert needs(committed({}), tmp_path).requirements is None


def test_the_header_chooses_the_python_that_it_allows(tmp_path):
    source = HEADER.format(python=f"=={here().minor}.*", line="x")
    assert needs(script(source, interpreter="3.1.0"), tmp_path).python == here().version
    with pytest.raises(Invalid, match=r"wants Python >=3\.99; it was recorded with 3\.1"):
        needs(script(HEADER.format(python=">=3.99", line="x"), interpreter="3.1.0"), tmp_path)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"msgspec=={MSGSPEC}", None),
        ("msgspec", None),
        ("msgspec>=0.1,<99", None),
        ("nosuchpackage; python_version < '3'", None),
        ("msgspec==0.1", f"msgspec==0.1 is needed, and {MSGSPEC} is installed here"),
        ("nosuchpackage>1", "nosuchpackage>1 is needed, and nosuchpackage is not installed here"),
        ("msgspec @ https://u:secret@h.org/m.whl", "nobody can tell"),
    ],
)
def test_what_is_installed_here_is_compared_line_by_line(line, why):
    found = differences((line,), here().version)
    assert len(found) == (why is not None)
    assert why is None or why in found[0]
    assert "secret" not in str(found)


def test_the_version_of_python_counts_but_for_its_last_number():
    assert differences((), f"{here().minor}.999") == []
    assert differences((), "") == []
    assert differences((), "3.99.1") == [f"Python {here().version} is here, and 3.99.1 was recorded"]


def test_by_default_a_task_has_its_own_only_where_what_is_recorded_is_not_here(tmp_path):
    def chosen(**facts):
        return choose(script(**facts), tmp_path, same_env=None)

    assert chosen().recorded == "same: nothing says which packages it needs"
    assert chosen(packages=()).recorded == "same: it needs no packages"
    assert chosen(packages=(f"msgspec=={MSGSPEC}",)).recorded == "same: what its record names is installed here"
    found = chosen(packages=("MsgSpec==0.1", "b", "a"))
    assert found.recorded.startswith("own: a is needed, and a is not installed here; b is needed")
    assert (found.requirements, found.python) == (("a", "b", "msgspec==0.1"), here().version)
    assert chosen(packages=tuple("abcdef")).reason.endswith("; and 3 more")


def test_who_asks_for_one_or_the_other_has_it(tmp_path):
    wanted = script(packages=("nosuchpackage",))
    assert choose(wanted, tmp_path, same_env=True).recorded == "same: it was asked for"
    found = choose(script(packages=(f"msgspec=={MSGSPEC}",)), tmp_path, same_env=False)
    assert (found.recorded, found.requirements) == ("own: it was asked for", (f"msgspec=={MSGSPEC}",))


def test_an_own_one_of_which_nothing_is_said_has_what_its_code_imports_in_the_versions_of_here(tmp_path):
    found = choose(script("import msgspec, json, nosuchpackage", interpreter=""), tmp_path, same_env=False)
    assert (found.requirements, found.python) == ((f"msgspec=={MSGSPEC}",), here().version)


def test_a_record_that_cannot_be_followed_is_an_error_and_never_just_passed_over(tmp_path):
    for same_env in (None, False):
        with pytest.raises(Invalid, match="--index-url"):
            choose(script(packages=("--index-url https://h.org",)), tmp_path, same_env=same_env)


def test_a_list_of_the_repository_that_cannot_be_followed_leaves_the_task_here_and_says_so(tmp_path, committed):
    wanted = committed({"requirements.txt": "-r more.txt\n"})
    found = choose(wanted, tmp_path, same_env=None)
    assert found.recorded.startswith("same: requirements.txt of its repository cannot be followed: requirement '-r")
    with pytest.raises(Invalid, match="option -r"):
        choose(wanted, tmp_path, same_env=False)
