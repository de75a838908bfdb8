"""Columns of the table of runs: how wide they are, by mouse and by keyboard, and which stay at the left edge."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect
from tests.ui.conftest import PHONE

EDGE = 4  # pixels from the right end of a head, where its edge is


def wide(page, name):
    """Return how wide a column is, in its head and in every row alike."""
    cells = page.locator(f"[data-run] [data-column='{name}']")
    (found,) = {round(cells.nth(at).bounding_box()["width"]) for at in range(cells.count())}
    return found


def edge(page, label):
    return page.get_by_role("separator", name=f"Width of {label}", exact=True)


def asked(page, name):
    """Return what the address says under a name, once it says something."""
    page.wait_for_url(re.compile(rf"[?&]{name}="))
    return json.loads(parse_qs(urlsplit(page.url).query)[name][0])


def opened(visit, **options):
    one = visit(**options)
    page = one.go("/runs")
    page.locator("[data-run]").first.wait_for()
    return one, page


def test_a_column_is_dragged_wider_and_stays_so_in_the_address(visit):
    _, page = opened(visit)
    before = wide(page, "status")
    box = edge(page, "Status").bounding_box()
    page.mouse.move(box["x"] + EDGE, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + EDGE + 30, box["y"] + 10)
    page.mouse.move(box["x"] + EDGE + 60, box["y"] + 10)
    assert wide(page, "status") == before + 60
    page.mouse.up()
    assert asked(page, "widths") == {"status": before + 60}
    page.reload()
    page.locator("[data-run]").first.wait_for()
    assert wide(page, "status") == before + 60
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("button", name="Usual widths").click()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/runs$"))
    assert wide(page, "status") == before


def test_a_column_is_made_wider_and_narrower_by_keyboard(visit):
    _, page = opened(visit)
    before = wide(page, "version")
    grip = edge(page, "Version")
    grip.focus()
    expect(grip).to_have_attribute("aria-valuenow", str(before))
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("widths="))
    page.keyboard.press("Shift+ArrowRight")
    expect(page).to_have_url(re.compile(str(before + 48)))
    assert wide(page, "version") == before + 48
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(str(before + 40)))
    expect(grip).to_be_focused()
    page.keyboard.press("Home")
    expect(page).to_have_url(re.compile("48%7D"))
    assert wide(page, "version") == 48


def test_a_double_click_fits_a_column_to_what_is_in_it(visit):
    _, page = opened(visit)
    edge(page, "Run").dblclick()
    width = asked(page, "widths")["name"]
    assert wide(page, "name") == width
    longest = (
        "() => Math.max(...[...document.querySelectorAll('.middle')].map(one => one.scrollWidth - one.clientWidth))"
    )
    assert page.evaluate(longest) <= 0
    assert width < 250  # no wider than the longest name needs
    edge(page, "Version").dblclick()
    assert asked(page, "widths")["name"] == width


def test_a_column_that_is_kept_at_the_left_edge_is_seen_while_the_others_scroll(visit):
    one, page = opened(visit, viewport={"width": 800, "height": 700})
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("button", name="Keep Run at the left edge").click()
    expect(page.get_by_role("button", name="Let Run scroll")).to_be_visible()
    page.keyboard.press("Escape")
    assert asked(page, "pins") == ["name"]
    heads = page.get_by_role("columnheader")
    expect(heads.nth(1)).to_have_accessible_name("Run")
    name, user = (page.locator(f"[data-run] [data-column={which}]").first for which in ("name", "user"))
    left, far = name.bounding_box()["x"], user.bounding_box()["x"]
    page.locator(".grid").evaluate("grid => grid.scrollBy(300, 0)")
    moved = far - user.bounding_box()["x"]
    assert moved > 50
    assert name.bounding_box()["x"] == left
    assert heads.nth(1).bounding_box()["x"] == left
    on_top = "([x, y]) => document.elementFromPoint(x, y).closest('[data-column]').dataset.column"
    box = name.bounding_box()
    assert page.evaluate(on_top, [box["x"] + box["width"] - 4, box["y"] + box["height"] / 2]) == "name"
    ground = "cell => getComputedStyle(cell).backgroundColor"
    for pinned in (name, heads.nth(1), heads.nth(0)):  # what scrolls below it is not seen through it
        assert pinned.evaluate(ground) == "rgb(255, 255, 255)"
    page.reload()
    expect(page.get_by_role("columnheader").nth(1)).to_have_accessible_name("Run")
    page.get_by_role("button", name="Columns").click()
    one.check_accessible()
    page.get_by_role("button", name="Let Run scroll").click()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/runs$"))


def test_widths_and_what_is_kept_are_part_of_a_view(visit):
    _, page = opened(visit)
    address = f"{page.url}?pins=%5B%22status%22%5D&widths=%7B%22status%22%3A200%7D"
    page.goto(address)
    page.get_by_role("button", name="Views").click()
    page.get_by_role("menuitem", name="Save this view…").click()
    page.get_by_role("textbox", name="Name").fill("wide")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="wide").click()
    page.get_by_role("menuitem", name="All runs").click()
    page.wait_for_url(re.compile(r"/runs$"))
    page.get_by_role("button", name="Views").click()
    page.get_by_role("menuitem", name="wide", exact=True).click()
    assert asked(page, "widths") == {"status": 200}
    assert wide(page, "status") == 200


def test_it_can_be_used_by_everybody(visit):
    one, page = opened(visit)
    page.goto(f"{page.url}?pins=%5B%22status%22%2C%22name%22%5D&widths=%7B%22name%22%3A160%7D")
    page.locator("[data-run]").first.wait_for()
    page.get_by_role("checkbox", name="Select prepare").check()
    edge(page, "Run").focus()
    one.check_accessible()


def test_on_a_phone_nothing_stays_at_the_edge(visit):
    _, page = opened(visit, viewport=PHONE)
    page.goto(f"{page.url}?pins=%5B%22status%22%2C%22name%22%5D&widths=%7B%22name%22%3A900%7D")
    page.locator("[data-run]").first.wait_for()
    assert page.locator(".grid-pinned").count() == 0
    assert wide(page, "name") < PHONE["width"]
