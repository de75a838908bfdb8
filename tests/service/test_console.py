"""Looking for text in what tasks printed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.backend import connect
from penstock.core.errors import Invalid, NotFound
from penstock.core.outputs import ConsoleLine, Stream
from penstock.ops.console import ConsolePlace, SearchConsole
from penstock.ops.outputs import AppendConsole, ReadConsole
from penstock.service.console import AT_MOST
from penstock.settings import Settings

NOBODY = "b" * 32


def prints(desk, task, *texts):
    lines = tuple(ConsoleLine(1.0, Stream.OUT, text) for text in texts)
    desk.backend.call(AppendConsole(task=task.id, lines=lines))


def search(desk, task, text, **options):
    return desk.backend.call(SearchConsole(task=task.id, text=text, **options))


def texts(found):
    return [one.line.text for one in found.matches]


def test_lines_that_hold_the_text_are_found_whatever_their_case(desk):
    task = desk.task()
    prints(desk, task, "An Error", "fine", "")
    prints(desk, task, "error: 7", "ERRO")
    found = search(desk, task, "error")
    assert (texts(found), found.is_over) == (["An Error", "error: 7"], True)
    assert texts(search(desk, task, "Error", match_case=True)) == ["An Error"]


def test_colours_are_no_part_of_what_is_searched(desk):
    task = desk.task()
    prints(desk, task, "an \x1b[31mErr\x1b[1mor\x1b[0m", "31m")
    assert texts(search(desk, task, "an error")) == ["an \x1b[31mErr\x1b[1mor\x1b[0m"]
    assert texts(search(desk, task, "31m")) == ["31m"]


def test_a_match_says_where_it_stands_and_who_printed_it(desk):
    run = desk.run("a", "b")
    a, b = desk.launch(run, "a"), desk.launch(run, "b")
    for task in (a, b):
        prints(desk, task, "first", f"it is {task.step}")
    found = search(desk, run, "it is", whole_run=True)
    assert [(one.task, one.line.text, one.place.line) for one in found.matches] == [
        (a.id, "it is a", 1),
        (b.id, "it is b", 1),
    ]
    chunks = {one.id: one for one in desk.backend.call(ReadConsole(task=run.id, whole_run=True))}
    assert all(chunks[one.place.chunk].lines[one.place.line] == one.line for one in found.matches)
    assert texts(search(desk, a, "it is")) == ["it is a"]
    assert texts(search(desk, run, "it is")) == [], "the run itself printed nothing"


@pytest.mark.parametrize("text", ["a.c", "%", "_", "[x]", "it's", "\\", "?", "模型", "${a.b}"])
def test_the_text_is_no_pattern(desk, text):
    task = desk.task()
    prints(desk, task, f"before {text} after", "abc anything", "x")
    assert texts(search(desk, task, text)) == [f"before {text} after"]


def test_a_search_goes_on_where_it_stopped_also_when_more_was_printed(desk):
    task = desk.task()
    prints(desk, task, *(f"hit {n}" for n in range(5)))
    first = search(desk, task, "hit", limit=2)
    assert (texts(first), first.is_over) == (["hit 0", "hit 1"], False)
    rest = search(desk, task, "hit", after=first.place)
    assert (texts(rest), rest.is_over) == (["hit 2", "hit 3", "hit 4"], True)
    prints(desk, task, "hit 5")
    later = search(desk, task, "hit", after=rest.place)
    assert (texts(later), later.is_over) == (["hit 5"], True)
    assert search(desk, task, "hit", after=later.place).place == later.place


def test_one_call_looks_at_so_many_lines_and_no_more(desk):
    task = desk.task()
    prints(desk, task, *("dull",) * 10, "hit")
    found = search(desk, task, "hit", lines=10)
    assert (texts(found), found.is_over) == ([], False)
    assert texts(search(desk, task, "hit", lines=10, after=found.place)) == ["hit"]


def test_more_chunks_than_are_read_at_once_are_all_looked_at(desk):
    task = desk.task()
    for number in range(AT_MOST + 3):
        prints(desk, task, f"line {number}")
    found = search(desk, task, f"line {AT_MOST}")
    assert (texts(found), found.is_over) == ([f"line {AT_MOST}"], True)
    assert len(search(desk, task, "line", limit=1000).matches) == AT_MOST + 3


def test_a_console_without_a_line_is_over_at_once(desk):
    found = search(desk, desk.task(), "x")
    assert (found.matches, found.place, found.is_over) == ((), None, True)


@pytest.mark.parametrize("options", [{"text": ""}, {"text": "x", "limit": 0}, {"text": "x", "lines": 0}])
def test_a_search_that_makes_no_sense_is_refused(desk, options):
    with pytest.raises(Invalid):
        desk.backend.call(SearchConsole(task=desk.task().id, **options))


def test_a_task_that_is_not_there_has_no_console(desk):
    with pytest.raises(NotFound):
        desk.backend.call(SearchConsole(task=NOBODY, text="x"))


chunks = st.lists(st.lists(st.text("aAß x\n", max_size=4), min_size=1, max_size=4), max_size=6)


asked = st.fixed_dictionaries(
    {
        "text": st.text("aASs ", min_size=1, max_size=2),
        "limit": st.integers(1, 4),
        "lines": st.integers(1, 5),
        "match_case": st.booleans(),
    }
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(printed=chunks, asked=asked)
def test_call_after_call_every_match_is_found_once_in_its_order(tmp_path_factory, desk_of, printed, asked):
    backend = connect(Settings(home=tmp_path_factory.mktemp("home"), workers=1))
    desk = desk_of(backend)
    task = desk.task()
    for one in printed:
        prints(desk, task, *one)
    places: list[ConsolePlace] = []
    found, after, is_over = [], None, False
    while not is_over:
        answer = search(desk, task, after=after, **asked)
        assert len(answer.matches) <= asked["limit"]
        found += texts(answer)
        places += [one.place for one in answer.matches]
        after, is_over = answer.place, answer.is_over
    every = [line for one in printed for entry in one for line in entry.split("\n")]
    text, same = asked["text"], str if asked["match_case"] else str.casefold
    assert found == [line for line in every if same(text) in same(line)]
    assert places == sorted(set(places))
    backend.close()
