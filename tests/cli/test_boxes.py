"""Graphs as boxes and lines."""

from __future__ import annotations

from collections import deque
from textwrap import dedent

from hypothesis import given
from hypothesis import strategies as st

from penstock.cli.boxes import Net, draw, tracks


def drawn(parents, width=200):
    drawing = draw(parents, {name: name for name in parents}, width)
    return None if drawing is None else "\n".join(line.rstrip() for line in drawing.lines)


def picture(text):
    return dedent(text).strip("\n")


def test_a_chain_is_a_column_of_boxes():
    assert drawn({"load": [], "train": ["load"]}) == picture(
        """
        ╭──────╮
        │ load │
        ╰───┬──╯
            │
        ╭───┴───╮
        │ train │
        ╰───────╯
        """
    )


def test_branches_part_and_meet():
    assert drawn({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}) == picture(
        """
             ╭───╮
             │ a │
             ╰─┬─╯
           ╭───┴───╮
         ╭─┴─╮   ╭─┴─╮
         │ b │   │ c │
         ╰─┬─╯   ╰─┬─╯
           ╰───┬───╯
             ╭─┴─╮
             │ d │
             ╰───╯
        """
    )


def test_a_line_over_several_layers_passes_beside_the_boxes():
    assert drawn({"a": [], "b": ["a"], "c": ["a", "b"]}) == picture(
        """
          ╭───╮
          │ a │
          ╰─┬─╯
          ╭─┴───╮
        ╭─┴─╮   │
        │ b │   │
        ╰─┬─╯   │
          ╰───┬─╯
            ╭─┴─╮
            │ c │
            ╰───╯
        """
    )


def test_a_graph_that_is_too_wide_is_not_drawn():
    fan = {"a": [], **{f"b{index}": ["a"] for index in range(20)}}
    assert drawn(fan, width=100) is None
    assert drawn(fan, width=200) is not None


def test_no_line_is_wider_than_it_may_be():
    lines = drawn({"a": [], "b": ["a"], "c": ["a"]}, width=13).splitlines()
    assert max(map(len, lines)) <= 13


def test_labels_are_found_where_they_say():
    parents = {"数据": [], "a": ["数据"], "b": ["数据"]}
    drawing = draw(parents, {name: name for name in parents}, 80)
    assert set(drawing.labels) == set(parents)
    for name, (row, start) in drawing.labels.items():
        assert drawing.lines[row][start : start + len(name)] == name


def test_wide_characters_do_not_shift_the_borders():
    drawing = draw({"数据": []}, {"数据": "数据"}, 80)
    assert drawing.lines == ["╭──────╮", "│ 数据 │", "╰──────╯"]


def test_nothing_is_drawn_of_nothing():
    assert draw({}, {}, 80).lines == []


def test_nets_that_overlap_run_in_rows_of_their_own():
    rows = tracks([Net((0,), (10,)), Net((20,), (4,))])
    assert rows is not None
    assert rows[0] != rows[1]


def test_nets_apart_share_a_row():
    assert tracks([Net((0,), (4,)), Net((10,), (14,))]) == [0, 0]


def test_a_net_turns_away_above_the_place_where_another_arrives():
    first, second = tracks([Net((10,), (20,)), Net((0,), (10,))])
    assert first < second


def test_two_nets_that_change_places_have_no_rows():
    assert tracks([Net((0,), (10,)), Net((10,), (0,))]) is None


# What is drawn is read back: a line is followed from box to box, and must lead where the graph says.

REACH = {
    "│": "UD", "─": "LR", "╭": "DR", "╮": "DL", "╰": "UR", "╯": "UL",
    "├": "UDR", "┤": "UDL", "┬": "DLR", "┴": "ULR", "┼": "UDLR",
}  # fmt: skip
STEP = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}
OPPOSITE = {"U": "D", "D": "U", "L": "R", "R": "L"}


def borders(drawing):
    """The box to which each place of its upper and lower border belongs."""
    found = {}
    for name, (row, column) in drawing.labels.items():
        left = drawing.lines[row].rindex("│", 0, column)
        right = drawing.lines[row].index("│", column + len(name))
        for place in range(left, right + 1):
            found[row - 1, place] = found[row + 1, place] = name
    return found


def ways(sign, heading):
    """Where a line goes on. A level one that meets an upright one crosses it; nothing goes up again."""
    if sign == "│" and heading in "LR":
        return [heading]
    return [way for way in REACH[sign] if way != OPPOSITE[heading] and way != "U"]


def links(drawing):
    """The children that lines lead to from the lower border of each box."""
    grid = {(row, column): sign for row, line in enumerate(drawing.lines) for column, sign in enumerate(line)}
    border = borders(drawing)
    found = {name: set() for name in drawing.labels}
    for name, (row, _) in drawing.labels.items():
        starts = [
            place for place, owner in border.items() if owner == name and place[0] == row + 1 and grid[place] == "┬"
        ]
        waiting = deque(((place[0] + 1, place[1]), "D") for place in starts)
        seen = set()
        while waiting:
            place, heading = waiting.popleft()
            if place in border:
                found[name].add(border[place])
            elif (place, heading) not in seen:
                seen.add((place, heading))
                for way in ways(grid[place], heading):
                    waiting.append(((place[0] + STEP[way][0], place[1] + STEP[way][1]), way))
    return found


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 8))
    names = [chr(ord("a") + index) for index in range(count)]
    return {
        name: draw(st.lists(st.sampled_from(names[:index]), unique=True, max_size=3)) if index else []
        for index, name in enumerate(names)
    }


@given(graphs())
def test_the_lines_lead_from_every_parent_to_its_children_and_nowhere_else(parents):
    drawing = draw(parents, {name: name for name in parents}, 1000)
    children = {name: {child for child in parents if name in parents[child]} for name in parents}
    assert links(drawing) == children
