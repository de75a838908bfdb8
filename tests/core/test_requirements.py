"""Requirement lines from anybody, and headers of scripts."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from penstock.core.errors import Invalid
from penstock.core.requirements import (
    LONGEST_LINE,
    MOST_LINES,
    Header,
    allows_python,
    header,
    masked,
    normalised,
    parsed,
)

SHA = f"sha256:{'0a' * 32}"

GOOD = {
    "NumPy==1.26.4": "numpy==1.26.4",
    "  pandas >= 2 , <3 ": "pandas<3,>=2",
    "Ruamel.Yaml": "ruamel-yaml",
    "torch==2.4.0+cpu": "torch==2.4.0+cpu",
    "x[b,a]>1": "x[a,b]>1",
    "x; python_version < '3.13'": 'x; python_version < "3.13"',
    "x # why": "x",
    "x@https://h.org/x-1.0-py3-none-any.whl#sha256=ab": "x @ https://h.org/x-1.0-py3-none-any.whl#sha256=ab",
    "x @ git+https://h.org/o/x.git@v1.0": "x @ git+https://h.org/o/x.git@v1.0",
    "x @ git+https://u:p@h.org:8443/o/x.git": "x @ git+https://u:p@h.org:8443/o/x.git",
    f"x==1 --hash={SHA}  --hash={SHA}": f"x==1 --hash={SHA} --hash={SHA}",
}


@pytest.mark.parametrize(("line", "expected"), GOOD.items())
def test_a_requirement_has_one_form(line, expected):
    assert normalised([line]) == (expected,)
    assert normalised([expected]) == (expected,)
    assert (
        parsed(expected).name
        == expected.partition("[")[0].split("=")[0].split("<")[0].split(">")[0].split(";")[0].split(" ")[0]
    )


def test_order_comments_and_repetition_do_not_count():
    assert normalised(["b", "# a comment", "", "A==1", "a == 1 # twice"]) == ("a==1", "b")


def test_penstock_is_never_taken_from_a_record():
    assert normalised(["penstock==0.0.1", "Penstock @ https://h.org/p.whl", "penstock_x"]) == ("penstock-x",)


OPTIONS = [
    *("--index-url https://evil.org/simple", "--index-url=https://evil.org", "-i https://evil.org", "-ihttps://evil"),
    *("--extra-index-url https://evil.org", "--find-links /tmp", "-f .", "--no-index", "--trusted-host evil.org"),
    *("-r other.txt", "-r/etc/passwd", "--requirement other.txt", "-c x.txt", "--constraint x.txt", "-e .", "-e."),
    *("--editable .", "-e git+https://h.org/x.git", "--pre", "--no-binary :all:", "--only-binary=x", "--prefer-binary"),
    *("--require-hashes", "--use-feature=x", "--global-option=x", "-", "--", "-- x", "--python /bin/sh", "--target /"),
    *("--config-settings=x=y", "x --global-option=--y", "x --config-settings=a=b", "x --index-url https://evil.org"),
    *("x==1 -r other.txt", "x -e .", "x --hash=md5:ab", "x --hash=sha256:../../etc", "x --hash", "x==1 --hash=sha256:"),
    *("x --pre", "x>1 --find-links=/tmp", f"x --hash={SHA} --pre", "  -r  other.txt", "\t-r other.txt"),
]
PLACES = [
    *(".", "..", "./x", "../x", "/x", "/etc/passwd", "~/x", "x/", "./x.whl", "x.whl/", "C:\\x.whl", "\\\\host\\x"),
    *("file:///etc/passwd", "file:x", "x @ file:///tmp/x", "x @ file:/tmp/x", "x @ /tmp/x", "x @ ./x", "x @ ../x"),
    *("http://h.org/x.whl", "https://h.org/x.whl", "x @ http://h.org/x.whl", "x @ ftp://h.org/x", "git://h.org/x"),
    *("git+ssh://git@h.org/x.git", "git+ssh://git@h.org/x.git;", "x @ git+ssh://git@h.org/x", "git+https://h.org/x"),
    *("x @ git+file:///tmp/x", "x @ git+http://h.org/x", "x @ git+git://h.org/x", "x @ hg+https://h.org/x"),
    *("x @ svn+https://h.org/x", "x @ bzr+https://h.org/x", "x @ git@h.org:x", "x @ ssh://h.org/x", "x @ https://"),
    *("x @ https:///x", "x @ https://-oProxyCommand=touch/x", "x @ git+https://--upload-pack=x/y", "x @ https://h"),
    *("x @ https://h.org/../../etc", "x @ https://h.org/a b", "x @ https://a@b@h.org/x", "x @ data:text/plain,x"),
    *("x @ https://h.org/x\\y", "x @ https://h.org/`id`", "x @ https://h.org/x|y", "x @ https://h.org/'x'"),
]
SHELL = [
    *("x; rm -rf /", "x && id", "x || id", "x | id", "x > /tmp/x", "x `id`", "x$(id)", "$(id)", "`id`", "x & id", "x;"),
    *("${HOME}", "x==${HOME}", "x @ https://h.org/${TOKEN}/x", "x @ https://${USER}@h.org/x", "$X", "x\\", "x'", 'x"'),
    *(
        "x!1",
        "x*",
        "?",
        "*",
        "x y",
        "x,y",
        "x:y",
        "x=1",
        "x=>1",
        "(x)",
        "[x]",
        "x[",
        "x]",
        "x[a",
        "=x",
        "==1",
        "@",
        "x@",
    ),
    *("é", "x\u200b", "\u2179==1", "x==1\u2028-r y", "x\u0085-r y", "\u0445 @ https://h.org/x"),
]
BROKEN = [
    *("x\n-r y", "x\r-r y", "x\r\n--index-url https://evil.org", "x\x00", "x\x1b[2J", "x\x0b-r y", "x\x0c-r y"),
    *("x==1\n", "x \\\n -r y", "x" * (LONGEST_LINE + 1), "x==" + "1." * LONGEST_LINE, "\ud800"),
]
CORPUS = [line for line in [*OPTIONS, *PLACES, *SHELL, *BROKEN] if line != "x==1\n"]


def test_the_corpus_is_a_corpus():
    assert len(set(CORPUS)) >= 140


@pytest.mark.parametrize("line", CORPUS)
def test_what_is_no_requirement_of_a_kind_that_is_followed_is_refused(line):
    with pytest.raises(Invalid) as caught:
        normalised(["fine", line])
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400


def test_a_refused_option_is_named_and_the_machines_own_place_for_it_too():
    with pytest.raises(Invalid, match="the option --index-url is not taken from a task") as caught:
        normalised(["--index-url https://user:secret@evil.org"])
    assert "secret" not in str(caught.value)
    assert "[environments]" in str(caught.value.hint)


def test_a_break_at_the_end_of_a_line_is_none():
    assert normalised(["x==1\n", "y\r\n"]) == ("x==1", "y")


@pytest.mark.parametrize("line", [3, None, b"x", ["x"]])
def test_only_texts_are_lines(line):
    with pytest.raises(Invalid, match="is a text"):
        normalised([line])


def test_there_is_an_end_to_them():
    with pytest.raises(Invalid, match="more than"):
        normalised(f"p{number}" for number in range(MOST_LINES + 1))


@given(st.lists(st.text(st.characters() | st.sampled_from("-=@;:/ \n\\$`'\"#[]<>!~.xhg+")), max_size=4))
@example(["x @ https://h.org/x ; sys_platform == 'linux' --hash"])
def test_whatever_is_given_what_comes_out_is_a_requirement_that_no_installer_takes_for_something_else(lines):
    try:
        found = normalised(lines)
    except Invalid:
        return
    for line in found:
        assert line.isprintable()
        assert not line.startswith("-")
        assert "$" not in line
        wanted = Requirement(line.partition(" --hash=")[0])
        assert wanted.url is None or wanted.url.startswith(("https://", "git+https://"))
    assert normalised(found) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://u:p@h.org/x and git+https://t@h.org/y", "see https://***@h.org/x and git+https://***@h.org/y"),
        ("https://h.org/x?token=1&b=2#c", "https://h.org/x?***#c"),
        ("u@h.org is no URL?", "u@h.org is no URL?"),
    ],
)
def test_credentials_are_not_shown(text, expected):
    assert masked(text) == expected


HEADED = """#!/usr/bin/env python
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "requests<3",
#
#   "rich",
# ]
# [tool.x]
# y = 1
# ///
import requests
"""


def test_the_header_of_a_script_is_read():
    assert header(HEADED) == Header(("requests<3", "rich"), ">=3.11")
    assert header(HEADED.replace("\n", "\r\n")) == header(HEADED)


@pytest.mark.parametrize("source", ["", "import x", "# /// script\n# dependencies = []\n", "x = '# /// script'\n"])
def test_a_script_without_one_has_none(source):
    assert header(source) is None


def test_an_empty_header_asks_for_nothing():
    assert header("# /// script\n# ///\n") == Header(())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("# dependencies = [", "TOML"),
        ('# dependencies = "x"', "cannot be read"),
        ("# dependencies = [1]", "cannot be read"),
        ("# requires-python = 3", "cannot be read"),
        ("# ///\n\n# /// script\n# x = 1", "more than one"),
    ],
)
def test_a_header_that_cannot_be_read_is_said(content, why):
    with pytest.raises(Invalid, match=why):
        header(f"# /// script\n{content}\n# ///\n")


def test_a_condition_on_python_is_checked():
    assert allows_python(">=3.11,<4", "3.11.7")
    assert not allows_python(">=3.12", "3.11.7")
    with pytest.raises(Invalid, match="no condition"):
        allows_python("python 3", "3.11.7")
