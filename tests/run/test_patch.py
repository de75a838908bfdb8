"""Patches: git takes what is made here."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.run.git import git
from penstock.run.patch import NOTE, is_empty, is_text, joined, new_file, notes, sections

ONE = (
    b"diff --git a/one b/one\nnew file mode 100644\nindex 0000000..1111111\n"
    b"--- /dev/null\n+++ b/one\n@@ -0,0 +1,1 @@\n+1\n"
)
TWO = ONE.replace(b"one", b"two")

# What a name of a file may be made of, on any file system that this runs on.
NAME = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda name: name not in {".", ".."} and ".git" not in name.lower() and "git~" not in name.lower()
)


@given(
    name=st.lists(NAME, min_size=1, max_size=3).map("/".join),
    content=st.binary(max_size=400) | st.text("ab\r\n\té\N{SNOWMAN}\x0c", max_size=40).map(str.encode),
    mode=st.sampled_from(["100644", "100755"]),
)
def test_git_makes_the_file_that_the_patch_was_made_for(name, content, mode):
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        part = new_file(os.fsencode(name), content, mode, like="0" * 40)
        assert is_text(part)
        git(folder, "init", "--quiet")
        applied = git(folder, "apply", "--index", "--whitespace=nowarn", "-", stdin=part)
        assert applied.code == 0, applied.message
        file = folder / name
        assert file.read_bytes() == content
        assert os.access(file, os.X_OK) == (mode == "100755")
        assert git(folder, "ls-files", "-z").output == os.fsencode(name) + b"\0"


def test_the_hash_in_a_patch_is_that_which_git_gives(work):
    part = new_file(b"a", b"1", "100644", like="0" * 40)
    assert git(work.root, "hash-object", "--stdin", stdin=b"1").output.strip() in part


def test_in_a_repository_with_longer_hashes_a_patch_has_those(plain_git, tmp_path):
    git(tmp_path, "init", "--quiet", "--object-format=sha256")
    hashed = git(tmp_path, "hash-object", "--stdin", stdin=b"1").output.strip()
    assert b".." + hashed in new_file(b"a", b"1", "100644", like="0" * 64)


def test_a_patch_is_taken_apart_by_file_and_put_together_again():
    assert sections(ONE + TWO) == [ONE, TWO]
    assert sections(b"") == []
    assert joined([ONE, TWO], []) == (ONE + TWO).decode()


def test_a_line_that_looks_like_the_beginning_of_a_file_is_content():
    part = new_file(b"a", b"diff --git a/x b/x\n", "100644", like="0" * 40)
    assert sections(part + ONE) == [part, ONE]


def test_what_git_says_of_conflicts_is_no_part():
    assert sections(b"* Unmerged path a\n" + ONE + b"* Unmerged path b\n" + TWO) == [ONE, TWO]


def test_beyond_the_limit_the_largest_parts_are_left_out_by_name():
    large = new_file(b"large", b"x" * 1000, "100644", like="0" * 40)
    patch = joined([large, ONE], ["data.bin (7 bytes)"], limit=500)
    assert patch.endswith(ONE.decode())
    assert notes(patch) == (
        "data.bin (7 bytes)",
        f"a/large b/large ({len(large):,} bytes of changes; all may have 500)",
    )


def test_what_is_no_text_is_left_out_by_name():
    assert notes(joined([ONE + b"\xff\n"], [])) == ("a/one b/one (neither text nor written as binary)",)


def test_git_passes_over_notes(tmp_path):
    applied = git(tmp_path, "apply", "-", stdin=joined([ONE], ["a file\nwith a line break"]).encode())
    assert applied.code == 0, applied.message
    assert (tmp_path / "one").read_text() == "1\n"


def test_a_note_has_one_line_whatever_the_name_of_the_file():
    assert notes(joined([], ["a\ndiff --git b"])) == ("a?diff --git b",)


@pytest.mark.parametrize("patch", ["", "\n", f"{NOTE}x\n"])
def test_a_patch_without_files_is_empty(patch):
    assert is_empty(patch)
    assert not is_empty(patch + ONE.decode())


def test_lines_of_content_are_no_notes():
    part = new_file(b"a", f"x\n{NOTE}y\n".encode(), "100644", like="0" * 40)
    assert notes(part.decode()) == ()
    assert notes("") == ()


@pytest.mark.parametrize(("data", "text"), [(b"", True), ("é".encode(), True), (b"\xe9", False), (b"a\0", False)])
def test_text_is_what_a_record_can_hold(data, text):
    assert is_text(data) is text
