"""Versions: what is one, which is later, what comes next, and which one a run gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import BadVersion
from penstock.core.version import LONGEST, Version, bump, choose, key

# Reading


@pytest.mark.parametrize(
    "text",
    [
        *("1.2.3", "23", "1.2", "v1.2.3", "V2", "0"),
        *("1.0.0b0", "1.0a", "1.0.0-rc.1", "1.0.post2", "1.0-3", "1.0.dev4", "1.0a1.post2.dev3", "1!2.0"),
        *("2021.10.4+x", "2021.10.04", "1.0+local.7"),
    ],
)
def test_versions_are_read_and_written_back_as_they_were(text: str) -> None:
    """Promise 5: `1.2.3`, `23`, `1.2` are accepted."""
    assert str(Version.parse(text)) == text


def test_space_around_a_version_does_not_count() -> None:
    assert str(Version.parse(" 1.2\n")) == "1.2"
    assert choose("1.2\n", "code", [], None) == "1.2"


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "",
        "v",
        "1.",
        ".1",
        "1..2",
        "1.2.x",
        "1.0+",
        "1 0",
        "1.0-beta-gamma",
        "final",
        "\u0663.\u0661",
        "1." * 99 + "0",
    ],
)
def test_what_is_not_a_version_is_refused_by_name(text: str) -> None:
    """Promise 5: `abc` raises ValueError."""
    with pytest.raises(ValueError, match="is not a version") as caught:
        Version.parse(text)
    assert isinstance(caught.value, BadVersion)
    assert repr(text[:LONGEST]) in str(caught.value)
    with pytest.raises(BadVersion):
        bump(text)
    with pytest.raises(BadVersion):
        key(text)
    with pytest.raises(BadVersion):
        choose(text, "code", [], None)


def test_a_number_of_any_length_is_refused_rather_than_counted() -> None:
    with pytest.raises(BadVersion) as caught:
        Version.parse("9" * 100_000)
    assert len(str(caught.value)) < 300


# Ordering

IN_ORDER = [
    *("0", "0.1.dev1", "0.1", "1.0.dev0", "1.0a", "1.0a1.dev2", "1.0a1", "1.0a1.post1", "1.0b0", "1.0b2", "1.0rc1"),
    *("1.0", "1.0+abc", "1.0+abc.5", "1.0+5", "1.0+10", "1.0.post1.dev1", "1.0.post1", "1.0.1", "1.2", "1.10"),
    *("2", "10", "2021.10.4", "1!0.1"),
]


def test_versions_are_ordered_by_their_parts_and_not_by_their_letters() -> None:
    assert sorted(IN_ORDER[1::2] + IN_ORDER[::2], key=key) == IN_ORDER
    assert len({key(text) for text in IN_ORDER}) == len(IN_ORDER)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.0", "v1.0.0"),
        ("1.0a1", "1.0-ALPHA_1"),
        ("1.0rc0", "1.0preview"),
        ("1.0.post3", "1.0-3"),
        ("1.0.post0", "1.0r"),
        ("01.2", "1.02"),
        ("1.0.dev0", "1.0dev"),
        ("0!1", "1"),
    ],
)
def test_two_spellings_of_one_version_are_equal(one: str, other: str) -> None:
    assert key(one) == key(other)


# Counting up


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("1.0.0", "1.0.1"),
        ("1.2", "1.3"),
        ("10", "11"),
        ("1.9", "1.10"),
        ("1.0.0b0", "1.0.0b1"),
        ("v1.2.3", "v1.2.4"),
        ("2021.10.4+x", "2021.10.5"),
        ("2021.10.09", "2021.10.10"),
        ("2021.10.04", "2021.10.05"),
        ("1.0a", "1.0a1"),
        ("1.0.dev", "1.0.dev1"),
        ("1.0-1", "1.0-2"),
        ("1.0a1.post2.dev3", "1.0a1.post2.dev4"),
    ],
)
def test_the_last_number_is_counted_up(text: str, following: str) -> None:
    """Promise 6: 1.0.0 -> 1.0.1, 1.2 -> 1.3, 10 -> 11."""
    assert bump(text) == following


numbers = st.integers(0, 30)
part_numbers = numbers.map(str) | st.just("")


@st.composite
def versions(draw: st.DrawFn) -> str:
    """Any version."""
    phase = draw(st.sampled_from(["", "a", "b", "rc", ".alpha", "-beta-", "_pre_"]))
    post = draw(st.sampled_from(["", ".post", "-rev", "r"]))
    dev = draw(st.sampled_from(["", ".dev", "dev"]))
    release = ".".join(str(number) for number in draw(st.lists(numbers, min_size=1, max_size=4)))
    tail = "".join(part + draw(part_numbers) for part in (phase, post, dev) if part)
    return draw(st.sampled_from(["", "v"])) + release + tail + draw(st.sampled_from(["", "+x", "+1.b"]))


@given(versions())
def test_the_version_that_follows_is_always_later(text: str) -> None:
    assert key(bump(text)) > key(text)


@given(versions())
def test_a_leading_v_stays_and_a_local_part_goes(text: str) -> None:
    assert bump(text).startswith("v") == text.startswith("v")
    assert "+" not in bump(text)


# Choosing


def test_a_version_that_was_asked_for_is_given_as_it_is() -> None:
    """Promise 5: the version is what the user wrote."""
    earlier = [("1.0.0", "old"), ("1.0.0", "older")]
    assert choose("1.0.0", "new", earlier, None) == "1.0.0"
    assert choose("1.0.0", "new", earlier, auto_bump=False) == "1.0.0"
    assert choose("v0.1", "new", earlier, None) == "v0.1"


def test_the_same_version_with_the_same_code_stays() -> None:
    """Promise 6: run v1.0.0 twice unchanged -> both 1.0.0."""
    assert choose("1.0.0", "code", [("1.0.0", "code")], auto_bump=True) == "1.0.0"
    assert choose("1.0.0", "code", [("1.0.0", "code"), ("1.0.1", "later")], auto_bump=True) == "1.0.0"


@pytest.mark.parametrize(("asked", "given"), [("1.0.0", "1.0.1"), ("1.2", "1.3"), ("10", "11"), ("v1.0b0", "v1.0b1")])
def test_the_same_version_with_other_code_is_counted_up(asked: str, given: str) -> None:
    """Promise 6: change a step's code or graph, run again with auto_version_bump -> 1.0.1."""
    assert choose(asked, "new", [(asked, "old")], auto_bump=True) == given


def test_a_version_that_is_free_is_given_whatever_the_code() -> None:
    assert choose("2.0", "new", [("1.0.0", "old"), ("3.0", "old")], auto_bump=True) == "2.0"


def test_counting_goes_on_to_a_free_version_or_to_one_with_this_code() -> None:
    earlier = [("1.0.0", "a"), ("1.0.1", "b"), ("1.0.2", "c")]
    assert choose("1.0.0", "d", earlier, auto_bump=True) == "1.0.3"
    assert choose("1.0.0", "b", earlier, auto_bump=True) == "1.0.1"


def test_spelling_does_not_make_a_version_free() -> None:
    assert choose("v1.0.0", "new", [("1.0", "old")], auto_bump=True) == "v1.0.1"


def test_the_first_version_is_one() -> None:
    """Promise 6: without version, first = 1.0.0."""
    assert choose(None, "code", [], None) == "1.0.0"
    assert choose(None, "code", [], auto_bump=True) == "1.0.0"


def test_without_a_version_changed_code_gets_the_one_after_the_highest() -> None:
    """Promise 6: without version -> next of latest."""
    earlier = [("1.9.0", "a"), ("1.10.0", "b"), ("1.2", "c")]
    assert choose(None, "d", earlier, None) == "1.10.1"
    assert choose(None, "a", earlier, auto_bump=True) == "1.10.1"


def test_without_a_version_unchanged_code_keeps_the_newest_one() -> None:
    """Promise 6: a version follows the code; running it again changes nothing."""
    earlier = [("2.0", "a"), ("1.5", "code")]
    assert choose(None, "code", earlier, None) == "1.5"
    assert choose(None, "code", earlier, auto_bump=True) == "1.5"


def test_auto_bump_off_gives_every_run_a_version_of_its_own() -> None:
    assert choose(None, "code", [("1.0.0", "code")], auto_bump=False) == "1.0.1"


@given(
    st.lists(st.tuples(versions(), st.sampled_from("abc")), max_size=8), st.none() | versions(), st.sampled_from("abc")
)
def test_with_auto_bump_a_version_always_tells_which_code_it_is(
    earlier: list[tuple[str, str]], asked: str | None, code: str
) -> None:
    chosen = choose(asked, code, earlier, auto_bump=True)
    codes = {used for version, used in earlier if key(version) == key(chosen)}
    assert not codes or code in codes
    assert choose(asked, code, [*earlier, (chosen, code)], auto_bump=True) == chosen
