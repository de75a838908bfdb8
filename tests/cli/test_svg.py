"""Graphs as SVG pictures."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from penstock.cli.svg import svg

SVG = "{http://www.w3.org/2000/svg}"
DIAMOND = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c", "a")}


def texts(root):
    return [element.text for element in root.iter(f"{SVG}text")]


def test_every_node_is_a_box_with_its_name_and_its_status_in_words():
    root = ElementTree.fromstring(svg(DIAMOND, dict.fromkeys(DIAMOND, "completed"), {}, "iris"))
    assert len(list(root.iter(f"{SVG}g"))) == 4
    assert texts(root) == ["iris", *["a", "✓ completed", "b", "✓ completed", "c", "✓ completed", "d", "✓ completed"]]


def test_every_edge_ends_in_an_arrow():
    root = ElementTree.fromstring(svg(DIAMOND, dict.fromkeys(DIAMOND, "pending"), {}, "iris"))
    assert len([path for path in root.iter(f"{SVG}path") if path.get("marker-end")]) == 5


def test_boxes_lie_within_the_picture():
    root = ElementTree.fromstring(svg(DIAMOND, dict.fromkeys(DIAMOND, "failed"), {}, ""))
    width, height = float(root.get("width")), float(root.get("height"))
    for box in [one.find(f"{SVG}rect") for one in root.iter(f"{SVG}g")]:
        assert 0 <= float(box.get("x")) <= width - float(box.get("width"))
        assert 0 <= float(box.get("y")) <= height - float(box.get("height"))


def test_it_refers_to_nothing_outside():
    text = svg(DIAMOND, dict.fromkeys(DIAMOND, "cached"), {}, "iris")
    assert text.count("http") == 1  # the name of the format itself
    assert "href" not in text
    assert "<script" not in text


@given(st.text(min_size=1, max_size=50))
def test_a_name_is_text_whatever_it_says(name):
    text = svg({name: ()}, {name: "skipped"}, {name: name}, name)
    root = ElementTree.fromstring(text)
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "rect", "defs", "marker", "path", "text", "g", "title")
    }


def test_a_run_without_steps_is_a_picture_too():
    assert ElementTree.fromstring(svg({}, {}, {}, "nothing")) is not None
