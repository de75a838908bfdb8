"""A recorded script, runnable again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from penstock.core.errors import Conflict, Invalid, NotFound, StoreError
from penstock.core.task import Script, ScriptKind
from penstock.run.checkout import Checkout, checkout, prune
from penstock.run.patch import NOTE

OLD = 1_000_000.0


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache"


def script(work, commit: str | None, entry: str = "run.py", folder: str = ".", **more) -> Script:
    return Script(
        repository=str(work.root), commit=commit, entry_point=entry, working_dir=folder,
        kind=more.pop("kind", ScriptKind.SCRIPT), **more,
    )  # fmt: skip


def printed(code: Checkout) -> str:
    done = subprocess.run([sys.executable, *code.entry], cwd=code.folder, capture_output=True, check=True, text=True)
    return done.stdout


def grow_old(cache: Path) -> None:
    for file in cache.rglob("*.lock"):
        os.utime(file, (OLD, OLD))


# From a repository


def test_a_script_runs_at_its_commit(work, cache):
    first = work.commit({"run.py": "print(1)", "sub/own.py": "import os; print(os.path.basename(os.getcwd()))"})
    work.commit({"run.py": "print(2)"})
    with checkout(script(work, first), cache) as code:
        assert printed(code) == "1\n"
        assert (code.commit, code.left_out) == (first, ())
    with checkout(script(work, first, "own.py", "sub"), cache) as code:
        assert printed(code) == "sub\n"
        assert code.folder == code.root / "sub"
    with checkout(script(work, first, "../run.py", "sub"), cache) as code:
        assert printed(code) == "1\n"


def test_a_script_runs_with_its_changes(work, cache):
    commit = work.commit({"run.py": "print(1)\n"})
    diff = "diff --git a/run.py b/run.py\n--- a/run.py\n+++ b/run.py\n@@ -1 +1 @@\n-print(1)\n+print(3)\n"
    with checkout(script(work, commit, diff=f"{NOTE}data.bin (9 bytes)\n{diff}"), cache) as code:
        assert printed(code) == "3\n"
        assert code.left_out == ("data.bin (9 bytes)",)


def test_a_module_runs_from_its_folder(work, cache):
    commit = work.commit({"src/package/__init__.py": "", "src/package/run.py": "print(__name__, __package__)"})
    with checkout(script(work, commit, "-m package.run", "src", kind=ScriptKind.MODULE), cache) as code:
        assert code.entry == ("-m", "package.run")
        assert printed(code) == "__main__ package\n"


def test_the_project_s_own_modules_are_found_in_its_root_and_under_src(work, cache):
    commit = work.commit({"run.py": ""})
    with checkout(script(work, commit), cache) as code:
        assert code.path == (code.root,)
    commit = work.commit({"src/package/__init__.py": ""})
    with checkout(script(work, commit), cache) as code:
        assert code.path == (code.root, code.root / "src")


def test_a_function_gets_the_repository_and_no_entry(work, cache):
    commit = work.commit({"sub/a.py": "1"})
    with checkout(script(work, commit, "step", "sub", kind=ScriptKind.FUNCTION), cache) as code:
        assert (code.folder, code.entry) == (code.root / "sub", ())


def test_without_a_commit_the_branch_counts_and_without_that_what_is_checked_out(work, cache):
    first = work.commit({"run.py": "print(1)"})
    work.git("branch", "side")
    second = work.commit({"run.py": "print(2)"})
    with checkout(script(work, None, branch="side"), cache) as code:
        assert code.commit == first
    with checkout(script(work, None), cache) as code:
        assert code.commit == second


def test_a_working_folder_that_git_does_not_keep_is_made(work, cache):
    commit = work.commit({"run.py": "print(1)"})
    for _ in range(2):
        with checkout(script(work, commit, "../../run.py", "out/one"), cache) as code:
            assert printed(code) == "1\n"
            assert code.root.name.endswith("-0")


def test_submodules_are_said_to_be_left_out(work, cache):
    commit = work.commit({"run.py": "", ".gitmodules": ""})
    with checkout(script(work, commit), cache) as code:
        assert code.left_out == ("the submodules of the repository",)


def test_one_folder_is_used_again_until_it_is_changed(work, cache):
    commit = work.commit({"run.py": "import other", "other.py": "open('output', 'w')"})
    with checkout(script(work, commit), cache) as first:
        pass
    with checkout(script(work, commit), cache) as second:
        assert second.root == first.root
        printed(second)
    with checkout(script(work, commit), cache) as third:
        assert third.root != first.root
        assert not (third.root / "output").exists()


def test_compiled_files_are_no_change(work, cache, monkeypatch):
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    commit = work.commit({"run.py": "import other", "other.py": "1"})
    for _ in range(2):
        with checkout(script(work, commit), cache) as code:
            printed(code)
            assert (code.root / "__pycache__").exists()
            assert code.root.name.endswith("-0")


def test_many_at_once_have_the_same_code_in_folders_of_their_own(work, cache):
    commit = work.commit({"run.py": "print(1)"})
    found: list[Checkout] = []
    threads = [Thread(target=lambda: found.append(checkout(script(work, commit), cache))) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({one.root for one in found}) == 6
    assert {printed(one) for one in found} == {"1\n"}
    for one in found:
        one.close()


def test_processes_at_once_do_not_disturb_each_other(work, cache):
    commit = work.commit({"run.py": "print(1)"})
    record = msgspec.json.encode(script(work, commit)).decode()
    code = (
        "import sys, msgspec; from pathlib import Path; from penstock.core.task import Script;"
        "from penstock.run.checkout import checkout;"
        "code = checkout(msgspec.json.decode(sys.argv[1], type=Script), Path(sys.argv[2]));"
        "print((code.root / 'run.py').read_text())"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, record, str(cache)], stdout=subprocess.PIPE) for _ in range(4)
    ]
    assert [one.communicate()[0] for one in children] == [b"print(1)\n"] * 4


@pytest.mark.parametrize(
    ("kind", "entry", "folder"),
    [
        ("script", "../run.py", "."), ("script", "/etc/passwd", "."), ("script", "run.py", ".."),
        ("script", "run.py", "/tmp"), ("script", "run.py", "sub/../.."), ("script", ".git/config", "."),
        ("script", "run.py\0", "."), ("script", "../../run.py", "sub"), ("function", "f", ".."),
        ("module", "-m a", ".."), ("module", "-m a;b", "."), ("module", "-c x", "."), ("module", "-m -c", "."),
        ("module", "a", "."), ("module", "", "."), ("module", "-m a b", "."),
    ],
)  # fmt: skip
def test_what_leads_outside_is_refused_before_anything_is_fetched(work, cache, kind, entry, folder):
    commit = work.commit({"run.py": "", "sub/a": ""})
    with pytest.raises(Invalid):
        checkout(script(work, commit, entry, folder, kind=ScriptKind(kind)), cache)
    assert not cache.exists()


@pytest.mark.parametrize(("entry", "folder"), [("link/secret.py", "."), ("secret.py", "link"), ("direct.py", ".")])
def test_links_that_lead_outside_are_refused(work, cache, tmp_path, entry, folder):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.py").touch()
    (work.root / "link").symlink_to(tmp_path / "outside")
    (work.root / "direct.py").symlink_to(tmp_path / "outside" / "secret.py")
    commit = work.commit({"run.py": ""})
    with pytest.raises(Invalid, match="leads outside of the code"):
        checkout(script(work, commit, entry, folder), cache)
    grow_old(cache)
    assert prune(cache, 0) == 1  # refused, it is not in use


def test_an_option_is_no_file(work, cache):
    commit = work.commit({"-c": "print(1)"})
    with checkout(script(work, commit, "-c"), cache) as code:
        assert printed(code) == "1\n"


@pytest.mark.parametrize("entry", ["missing.py", "", ".", "sub/missing.py"])
def test_an_entry_point_that_is_not_there_is_named(work, cache, entry):
    commit = work.commit({"run.py": ""})
    with pytest.raises(NotFound, match=f"there is no '{entry}' in '.' of commit {commit}"):
        checkout(script(work, commit, entry), cache)


def test_each_thing_that_is_wrong_with_a_repository_has_its_error(work, cache, tmp_path):
    commit = work.commit({"run.py": ""})
    good = script(work, commit)
    wrong = "diff --git a/run.py b/run.py\n--- a/run.py\n+++ b/run.py\n@@ -1 +1 @@\n-x\n+y\n"
    for changes, error, words in [
        ({"repository": str(tmp_path / "none")}, NotFound, "cannot be reached"),
        ({"repository": "ext::sh -c x"}, Invalid, "not an address"),
        ({"commit": "1" * 40}, NotFound, "is not in the repository"),
        ({"commit": "--x"}, Invalid, "not a branch"),
        ({"diff": wrong}, Conflict, "do not apply"),
    ]:
        with pytest.raises(error, match=words):
            checkout(msgspec.structs.replace(good, **changes), cache)
    assert not list(cache.glob("code/*-0"))


def test_a_cache_that_cannot_be_written_to_is_named(work, tmp_path):
    (tmp_path / "file").touch()
    commit = work.commit({"run.py": ""})
    with pytest.raises(StoreError, match=f"cannot write below {tmp_path}/file"):
        checkout(script(work, commit), tmp_path / "file" / "cache")


# From a text


def plain(source: str = "print(1)\n", entry: str = "run.py") -> Script:
    return Script(source=source, entry_point=entry, working_dir=".", kind=ScriptKind.SCRIPT)


def test_a_script_without_a_repository_runs_from_its_text(cache):
    with checkout(plain(), cache) as code:
        assert printed(code) == "1\n"
        assert (code.commit, code.left_out) == ("", ())
        assert code.folder == code.root
        assert [one.name for one in code.root.iterdir()] == ["run.py"]


def test_the_text_is_written_as_it_was(cache):
    with checkout(plain("# \u2603\r\nx = 1\r\n"), cache) as code:
        assert (code.root / "run.py").read_bytes() == "# \u2603\r\nx = 1\r\n".encode()


@pytest.mark.parametrize("what", ["edit", "add", "delete", "link"])
def test_a_folder_with_a_text_is_used_again_until_it_is_changed(cache, tmp_path, what):
    with checkout(plain(), cache) as first:
        (first.root / "__pycache__").mkdir()
    with checkout(plain(), cache) as second:
        assert second.root == first.root
        file = second.root / "run.py"
        if what == "add":
            (second.root / "output").touch()
        if what in {"delete", "link"}:
            file.unlink()
        if what == "link":
            (tmp_path / "same").write_text("print(1)\n")
            file.symlink_to(tmp_path / "same")
        if what == "edit":
            file.write_text("print(2)\n")
    with checkout(plain(), cache) as third:
        assert third.root != first.root
        assert printed(third) == "1\n"


def test_other_texts_and_names_have_other_folders(cache):
    with (
        checkout(plain(), cache) as one,
        checkout(plain("2"), cache) as two,
        checkout(plain(entry="a.py"), cache) as three,
    ):
        assert len({one.root.name[:-2], two.root.name[:-2], three.root.name[:-2]}) == 3


@pytest.mark.parametrize("entry", ["", ".", "..", "a/b.py", "/a.py", "../a.py", "a\0", ".git", "a/"])
def test_what_is_no_file_name_is_refused(cache, entry):
    with pytest.raises(Invalid):
        checkout(plain(entry=entry), cache)
    assert not cache.exists()


@pytest.mark.parametrize("kind", [ScriptKind.FUNCTION, ScriptKind.MODULE])
def test_only_a_script_runs_from_its_text(cache, kind):
    with pytest.raises(Invalid):
        checkout(msgspec.structs.replace(plain(), kind=kind, entry_point="-m run"), cache)


# Pruning


def test_code_that_was_not_used_for_long_is_removed_with_its_repository(work, cache):
    commit = work.commit({"run.py": ""})
    checkout(script(work, commit), cache).close()
    checkout(plain(), cache).close()
    assert prune(cache, 100) == 0
    grow_old(cache)
    assert prune(cache, 100) == 2
    assert list((cache / "code").iterdir()) == list((cache / "mirrors").iterdir()) == []


def test_code_in_use_is_never_removed_nor_is_its_repository(work, cache):
    commit = work.commit({"run.py": "print(1)"})
    with checkout(script(work, commit), cache) as code:
        grow_old(cache)
        assert prune(cache, 0) == 0
        assert printed(code) == "1\n"
        assert subprocess.run(["git", "status"], cwd=code.root, check=False, capture_output=True).returncode == 0
    time.sleep(0.01)
    assert prune(cache, 0) == 1


def test_pruning_an_empty_cache_is_no_error(cache):
    assert prune(cache, 0) == 0
