from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.access import (
    KEY,
    SESSION,
    Identity,
    Kind,
    Scope,
    User,
    digest_of,
    is_same,
    lies_in,
    narrowed,
    nobody,
    read_text,
    text_of,
)

PATHS = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=3).map("/".join)
SOME = st.lists(PATHS, max_size=3).map(tuple)


@pytest.mark.parametrize("held", list(Scope))
def test_a_key_allows_its_scope_and_what_is_less_and_nothing_more(held):
    who = Identity(name="ada", scope=held)
    allowed = [scope for scope in Scope if who.may(scope)]
    assert allowed == list(Scope)[: list(Scope).index(held) + 1]


def test_a_key_only_reads_unless_it_says_more():
    assert not Identity(name="ada").may(Scope.RUN)


def test_a_key_for_a_project_sees_it_and_those_below_it_and_none_that_only_begins_alike():
    who = Identity(name="ada", projects=("Examples/iris", "Other"))
    seen = ["Examples/iris", "Examples/iris/.pipelines/train", "Other", "Other/x"]
    unseen = ["", "Examples", "Examples/iris2", "Examples/irises/x", "other", "Other2", "x/Other"]
    assert [one for one in seen + unseen if who.sees(one)] == seen


def test_a_key_without_projects_is_for_all_and_an_attempt_without_them_for_none():
    assert Identity(name="ada").sees("any")
    assert not Identity(name="t", kind=Kind.ATTEMPT, task="t").sees("any")
    assert Identity(name="t", kind=Kind.ATTEMPT, task="t", projects=("",)).sees("any")


def test_somebody_who_has_not_said_who_they_are_has_an_address():
    assert (nobody("10.0.0.1").kind, nobody("10.0.0.1").address) == (Kind.NOBODY, "10.0.0.1")


@given(SOME, SOME, PATHS)
def test_what_is_left_of_two_lists_of_projects_is_what_lies_in_both(these, those, project):
    left = narrowed(these, those)

    def holds(projects):
        return not projects or any(lies_in(project, one) for one in projects)

    in_left = left is not None and holds(left)
    assert in_left == (holds(these) and holds(those))


def test_two_lists_that_have_nothing_in_common_leave_nothing_and_not_everything():
    assert narrowed(("a",), ("b",)) is None
    assert narrowed((), ()) == ()


SECRET = "Ab_-" * 10 + "xyz"


@pytest.mark.parametrize("sort", [KEY, SESSION])
def test_the_text_of_a_key_and_of_a_session_is_read_back(sort):
    assert read_text(text_of(sort, "abcdefg2", SECRET)) == (sort, "abcdefg2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        SECRET,
        f"penstock_abcdefg2_{SECRET[:-1]}",
        f"penstock_abcdefg2_{SECRET}x",
        f"penstock_ABCDEFG2_{SECRET}",
        f"penstock_abcdefg1_{SECRET}",
        f"other_abcdefg2_{SECRET}",
        f" penstock_abcdefg2_{SECRET}",
        f"penstock_abcdefg2_{SECRET}\n",
        f"penstock_abcdefg2_{SECRET[:-1]}é",
        "\ud800",
    ],
)
def test_what_looks_otherwise_is_no_key(text):
    assert read_text(text) is None


def test_what_is_kept_of_a_key_is_its_sha_256():
    text = text_of(KEY, "abcdefg2", SECRET)
    assert digest_of(text) == hashlib.sha256(text.encode()).hexdigest()
    assert is_same(digest_of(text), digest_of(text))
    assert not is_same(digest_of(text), digest_of(text + "x"))
    assert not is_same("", digest_of(text))


def test_an_admin_of_all_projects_governs_unless_disabled():
    ada = User(name="ada", scope=Scope.ADMIN)
    assert ada.governs
    assert not User(name="ada", scope=Scope.ADMIN, projects=("a",)).governs
    assert not User(name="ada", scope=Scope.ADMIN, disabled=1.0).governs
    assert not User(name="ada", scope=Scope.WRITE).governs
