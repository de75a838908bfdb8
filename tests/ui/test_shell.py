"""The page around its screens: logging in, what it costs, deep links, live, colours, keyboard, and a narrow screen."""

from __future__ import annotations

import re
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from tests.place import Place
from tests.ui.conftest import PHONE

MOST_BYTES = 250_000
MOST_REQUESTS = 12


def test_the_address_that_the_command_prints_leads_to_the_page(visit, world):
    page = visit(logged_in=False).page
    page.goto(world.penstock("ui").strip())
    page.wait_for_url(f"{world.url}/")
    expect(page.get_by_role("heading", name="Pipelines", level=1)).to_be_visible()
    expect(page).to_have_title("Pipelines · Penstock")


def test_who_is_not_logged_in_comes_back_to_where_they_wanted_to_go(visit, world):
    page = visit(logged_in=False).page
    page.goto(f"{world.url}/runs")
    expect(page).to_have_url(f"{world.url}/login")
    page.goto(world.penstock("ui").strip())  # into the same tab
    page.wait_for_url(f"{world.url}/runs")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_logging_in_leads_to_no_other_site(visit, world, elsewhere):
    page = visit(logged_in=False).page
    page.goto(f"{world.penstock('ui').strip()}&next={elsewhere}")
    page.wait_for_url(f"{world.url}/")


def test_the_first_page_is_small_and_asks_for_little(visit, world):
    visit()  # who logs in loads a page by that
    one = visit()
    assert one.requests == []
    one.go("/")
    page = one.page
    expect(page.get_by_text("train-pipeline").first).to_be_visible()
    came = [response for response in one.requests if "stream" not in response.url]
    sizes = {response.url: response.request.sizes() for response in came}
    total = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes.values())
    assert total <= MOST_BYTES, sizes
    assert len(came) <= MOST_REQUESTS, [response.url for response in came]


def test_what_the_table_of_runs_shows_first_is_asked_for_once_before_anything_is_drawn(visit, world):
    visit()  # logs in, if nobody has yet
    one = visit()
    asked = []  # in which order the answers come is the server's business
    one.context.on("request", lambda request: asked.append(urlsplit(request.url).path.rpartition("/")[2]))
    one.go("/runs")
    expect(one.page.locator("[data-run]").first).to_be_visible()
    assert asked.count("SearchRuns") == 1, asked
    assert asked.count("LastChange") == 1, asked
    assert asked.index("LastChange") < asked.index("SearchRuns") < asked.index("stream"), asked
    screen = next(response for response in one.requests if "RunsScreen" in response.url)
    told = one.page.locator("meta[name=screens]").get_attribute("content")
    assert urlsplit(screen.url).path.rpartition("/")[2] in told
    assert one.page.locator("link[rel=modulepreload][href*=RunsScreen]").count() == 1


def test_an_address_deep_in_the_page_can_be_loaded(visit, world):
    run = world.found("train-pipeline").run
    page = visit().go(f"/runs/{run.id}")
    expect(page.get_by_role("heading", level=1)).to_have_text(run.task.name)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(run.task.name)


def test_an_address_that_leads_nowhere_says_so(visit):
    page = visit().go("/nowhere/at/all")
    expect(page.get_by_role("heading", name="There is nothing at this address")).to_be_visible()
    page.get_by_role("link", name="Go to the pipelines").click()
    expect(page.get_by_role("heading", name="Pipelines", level=1)).to_be_visible()


def test_it_reconnects_by_itself_and_shows_what_it_missed(visit, tmp_path):
    place = Place(tmp_path, server=True)
    try:
        one = visit(place=place)
        one.forgiven = "ERR_|status of 40"
        page = one.go("/runs")
        place.kill_server()
        expect(page.locator(".live")).to_have_attribute("data-state", "reconnecting")
        place.start_server(place.port)
        place.run(HELLO)
        # sessions are this server's own: whoever was logged in by a link has to come by another one
        page.goto(place.penstock("ui").strip())
        page.wait_for_url(re.compile(f"{place.url}/(runs)?$"))  # where it was, if it had gone to log in by itself
        if not page.url.endswith("/runs"):
            page.goto(f"{place.url}/runs")
        expect(page.get_by_text("hello")).to_be_visible()
    finally:
        place.close()


HELLO = """
from penstock import PipelineController

def greet(name):
    print("Hello", name)

if __name__ == "__main__":
    pipe = PipelineController(name="hello", project="demo")
    pipe.add_function_step(name="greet", function=greet, function_kwargs={"name": "you"})
    pipe.start_locally(run_pipeline_steps_locally=True)
"""


def test_eight_tabs_share_one_connection_and_all_hear(visit, world):
    one = visit()
    pages = [one.go("/runs")]
    for _ in range(7):
        page = one.context.new_page()
        page.goto(f"{world.url}/runs")
        pages.append(page)
    for page in pages:
        expect(page.locator(".live")).to_have_attribute("data-state", "live")
    pages[0].close()  # perhaps the one that had the connection
    world.run(HELLO.replace('"hello"', '"to-eight-tabs"'))
    for page in pages[1:]:
        expect(page.get_by_text("to-eight-tabs").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_those_of_the_system_until_others_are_chosen(visit, scheme):
    page = visit(scheme=scheme).go("/")
    other = {"light": "Dark", "dark": "Light"}[scheme]
    expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    page.get_by_role("button", name="Colours").click()
    page.get_by_role("menuitemcheckbox", name=other).click()
    expect(page.locator("html")).to_have_attribute("data-theme", other.lower())
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", other.lower())


def test_two_keys_go_to_a_screen(visit):
    page = visit().go("/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/runs", "/nowhere"])
def test_nothing_is_wider_than_a_telephone(visit, path):
    page = visit(viewport=PHONE).go(path)
    page.get_by_role("heading", level=1).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs")).to_be_visible()


@pytest.mark.parametrize("path", ["/nowhere", "/"])
def test_the_shell_can_be_used_by_everybody(visit, path):
    one = visit()
    one.go(path)
    one.page.get_by_role("heading", level=1).wait_for()
    one.check_accessible()


def test_what_the_page_knows_of_the_operations_is_true():
    from client import MARK, SCHEMA, marks

    head, _, text = SCHEMA.read_text("utf-8").partition("\n")
    found = MARK.fullmatch(f"{head}\n")
    assert found, "make client"
    assert found.groups() == marks(text), "the server describes other operations than the page knows: make client"


def test_the_parts_of_the_page_pass_their_own_tests(browser):
    """Their types and style are of `make check`."""
    command = [sys.executable, "scripts/page.py", "test"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
