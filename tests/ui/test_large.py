"""What the page holds of what is large: elements and heap stay within budgets, however much there is.

Times are measured by `bench/ui`.
"""

from __future__ import annotations

import sys

import pytest
from tests.place import Place
from tests.ui.conftest import ROOT

sys.path.insert(0, str(ROOT / "bench" / "ui"))

MOST_ELEMENTS = 2_500
MOST_HEAP = 30e6  # bytes
NEAR = ".graph-layer:not(.is-map)"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A server of this module's own."""
    found = Place(tmp_path_factory.mktemp("large"), server=True)
    yield found
    found.close()


@pytest.fixture
def look(visit, place):
    """Open a run; return the page, and what says how many elements and bytes it holds."""

    def go(run, rest, ready):
        one = visit(place=place)
        page = one.go(f"/runs/{run}{rest}")
        page.locator(ready).first.wait_for()
        tools = one.context.new_cdp_session(page)
        tools.send("Performance.enable")

        def held():
            tools.send("HeapProfiler.collectGarbage")
            counted = {one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]}
            return page.evaluate("document.querySelectorAll('*').length"), counted["JSHeapUsedSize"]

        return page, held

    return go


def is_within_budget(held):
    elements, heap = held()
    return elements <= MOST_ELEMENTS and heap <= MOST_HEAP


def test_a_graph_of_thousands_of_steps_is_held_lightly_from_afar_and_near(look, place):
    import seeding

    page, held = look(seeding.graph(place.backend, 5_000), "", ".graph[data-ready]")
    assert is_within_budget(held), held()
    box = page.locator(".graph").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(60):
        if page.locator(NEAR).count():
            break
        page.mouse.wheel(0, -200)
        page.wait_for_timeout(20)
    assert page.locator(".graph-node").count() > 0
    assert is_within_budget(held), held()


def test_a_console_of_many_lines_is_held_lightly(look, place):
    import seeding

    page, held = look(seeding.console(place.backend, 20_000), "?tab=logs", ".log-line")
    assert is_within_budget(held), held()
    page.get_by_placeholder("Search").fill("19999")
    page.get_by_text("1 of 1").wait_for()
    assert is_within_budget(held), held()
