"""The chain: whatever is changed, taken out, put in or moved, following it finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from penstock.core.audit import Entry, Mark, chained, follow

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TIMES = st.floats(0, 2e9)
FACTS = ("who", "kind", "key", "address", "operation", "object", "result", "digest")


def chain(rows):
    made, before = [], ""
    for seq, (at, *words) in enumerate(rows, 1):
        entry = Entry(seq=seq, at=at, **dict(zip(FACTS, words, strict=True)))
        entry = replace(entry, hash=chained(before, entry))
        before = entry.hash
        made.append(entry)
    return made


CHAINS = st.lists(st.tuples(TIMES, *[WORDS] * len(FACTS)), min_size=1, max_size=6).map(chain)


@given(CHAINS)
def test_a_chain_as_it_was_written_is_whole(entries):
    assert follow(Mark(), entries) == (Mark(len(entries), entries[-1].hash), "")


@given(CHAINS, st.data())
def test_any_change_of_any_field_of_any_row_is_found(entries, data):
    place = data.draw(st.integers(0, len(entries) - 1))
    name = data.draw(st.sampled_from(Entry.__struct_fields__))
    old = getattr(entries[place], name)
    values = {int: st.integers(-5, 2**60), float: st.floats(allow_nan=False), str: WORDS}[type(old)]
    new = data.draw(values.filter(lambda one: one != old))
    entries[place] = replace(entries[place], **{name: new})
    mark, problem = follow(Mark(), entries)
    assert problem
    assert mark.seq == place


@given(CHAINS.filter(lambda one: len(one) > 1), st.data())
def test_a_row_that_is_taken_out_moved_or_doubled_is_found(entries, data):
    place = data.draw(st.integers(0, len(entries) - 2))
    changed = data.draw(
        st.sampled_from(
            [
                entries[:place] + entries[place + 1 :],
                [*entries[:place], entries[place + 1], entries[place], *entries[place + 2 :]],
                [*entries[: place + 1], entries[place], *entries[place + 1 :]],
            ]
        )
    )
    assert follow(Mark(), changed)[1]


@given(CHAINS, WORDS, st.data())
def test_a_row_that_is_written_anew_with_a_fitting_hash_breaks_the_next(entries, word, data):
    place = data.draw(st.integers(0, len(entries) - 1))
    before = entries[place - 1].hash if place else ""
    forged = replace(entries[place], who=entries[place].who + "x" + word)
    entries[place] = replace(forged, hash=chained(before, forged))
    mark, problem = follow(Mark(), entries)
    if place < len(entries) - 1:
        assert problem
    else:
        assert not problem
        assert mark.hash != chained(before, replace(forged, who="other"))


def test_what_is_wrong_is_said_by_the_number_of_the_row():
    entries = chain([(1.0, *"abcdefgh"), (2.0, *"abcdefgh"), (3.0, *"abcdefgh")])
    assert follow(Mark(), [entries[0], entries[2]])[1] == "row 2 is missing: row 3 follows on row 1"
    assert "row 2 is not what was written" in follow(Mark(), [entries[0], replace(entries[1], who="eve")])[1]


@pytest.mark.parametrize("name", FACTS)
def test_moving_text_from_one_field_to_the_next_changes_the_hash(name):
    facts = dict.fromkeys(FACTS, "ab")
    other = FACTS[(FACTS.index(name) + 1) % len(FACTS)]
    one = Entry(seq=1, at=0.0, **facts)
    two = Entry(seq=1, at=0.0, **{**facts, name: "a", other: "bab"})
    assert chained("", one) != chained("", two)
