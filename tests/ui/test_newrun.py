"""NEW RUN: a form of the parameters, prefilled from a run, from a click to a completed row."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, expect
from tests.place import Place
from tests.ui.conftest import PHONE, RUNS
from tests.ui.test_shell import HELLO

from penstock.core.secret import is_seal
from penstock.ops.tasks import GetParameters

TYPES = """
import datetime
from typing import Literal
from penstock import PipelineController

def use(kind, layers):
    print(kind, layers)

if __name__ == "__main__":
    pipe = PipelineController(name="typed", project="demo")
    pipe.add_parameter("kind", "forest", "which model", Literal["forest", "linear"])
    pipe.add_parameter("day", datetime.date(2026, 1, 31), "until when", datetime.date)
    pipe.add_parameter("layers", [1, 2], "how wide", list)
    pipe.add_parameter("api_key", "s3cr3t", "of the other service")
    pipe.add_parameter("data", "data/train.csv", "", "path")
    pipe.add_parameter("tol", 1e-4, "when to stop", float)
    pipe.add_function_step(name="use", function=use,
                           function_kwargs={"kind": "${pipeline.kind}", "layers": "${pipeline.layers}"})
    pipe.start_locally(run_pipeline_steps_locally=True)
"""

SECRET = """
import os
from penstock import PipelineController

def use(password):
    import os
    with open(os.path.join(os.environ["PYTHONPATH"], "given"), "a") as file:
        file.write(f"{password} ")

if __name__ == "__main__":
    pipe = PipelineController(name="secretive", project="demo")
    pipe.add_parameter("db_password", os.environ.get("DB_PASSWORD"), "of the database", "secret")
    pipe.add_function_step(name="use", function=use, function_kwargs={"password": "${pipeline.db_password}"})
    pipe.start_locally(run_pipeline_steps_locally=True)
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server with runs, and an agent that carries out what is launched."""
    place = Place(tmp_path_factory.mktemp("newrun"), server=True)
    place.run(RUNS)
    place.run(TYPES)
    place.agent("--queue", "services", "--queue", "default")
    yield place
    place.close()


def form(visit, own, name="train-pipeline", **options):
    one = visit(place=own, **options)
    page = one.go(f"/new?source={own.found(name).run.id}")
    page.get_by_role("heading", name="Parameters").wait_for()
    return page


def values(own, run):
    return {one.name: one.value for one in own.backend.call(GetParameters(task=run)) if one.section == "Args"}


def test_an_edited_parameter_goes_from_a_click_to_a_completed_row(visit, own):
    before = own.found("train-pipeline")
    page = form(visit, own)
    rate = page.get_by_role("textbox", name="rate")
    expect(rate).to_have_value("0.5")
    rate.fill("2.5e-1")
    expect(page.get_by_text("1 differs from train-pipeline")).to_be_visible()
    page.get_by_role("button", name="Run Ctrl ⏎").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{32}"))
    run = page.url.rpartition("/")[2].partition("?")[0]
    page.evaluate("window.stayed = true")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs").click()
    row = page.locator(f"[data-run='{run}']")
    expect(row.locator(".status")).to_have_attribute("data-status", "completed", timeout=120_000)
    assert page.evaluate("window.stayed") is True
    assert values(own, run) == {"rate": 0.25, "threshold": 0.1, "rows": 10, "shuffle": True}
    assert own.found("train-pipeline") == before


def test_single_steps_get_another_queue_and_are_reused_or_not(visit, own):
    one = visit(place=own)
    page = one.go(f"/new?source={own.found('train-pipeline').run.id}")
    disclosure = page.get_by_text("Per-step overrides")
    disclosure.click()
    page.get_by_label("Queue of train").select_option("default")
    page.get_by_label("Caching of train").select_option("on")
    page.get_by_label("Caching of load").select_option("on")
    page.get_by_label("Caching of load").select_option("")
    expect(page.get_by_text("of 1 step")).to_be_visible()
    one.check_accessible()
    for name, written in (
        ("Command line", "--step-queue train=default --step-cache train=on"),
        ("Python", 'steps={"train": {"queue": "default", "cache": True}}'),
        ("curl", '"steps":{"train":{"queue":"default","cache":true}}'),
    ):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("figure", name=name)).to_contain_text(written)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{32}"))
    run = page.url.rpartition("/")[2].partition("?")[0]
    page.goto(f"{own.url}/runs/{run}?tab=parameters")
    row = page.get_by_role("table", name="Per-step overrides").get_by_role("row", name="train")
    expect(row).to_contain_text("default")
    expect(row).to_contain_text("on")
    page.goto(f"{own.url}/new?source={run}")  # what is asked for once is what the next one starts from
    page.get_by_text("Per-step overrides").click()
    expect(page.get_by_label("Queue of train").locator("option").first).to_have_text("as it is: default")
    expect(page.get_by_label("Caching of train").locator("option").first).to_have_text("as it is: cache on")


def test_each_type_has_a_control_of_its_own(visit, own):
    page = form(visit, own, "typed")
    expect(page.get_by_label("kind", exact=True)).to_have_js_property("tagName", "SELECT")
    expect(page.get_by_label("day", exact=True)).to_have_attribute("type", "date")
    expect(page.get_by_label("day", exact=True)).to_have_value("2026-01-31")
    expect(page.get_by_label("layers", exact=True)).to_have_js_property("tagName", "TEXTAREA")
    expect(page.get_by_label("api_key", exact=True)).to_have_attribute("type", "password")
    expect(page.get_by_label("tol", exact=True)).to_have_value("0.0001")
    data = page.get_by_label("data", exact=True)
    expect(data).to_have_value("data/train.csv")
    data.fill("https://")
    expect(page.get_by_text("This is no URL")).to_be_visible()
    data.fill("https://example.org/train.csv")
    expect(page.get_by_text("which model")).to_be_visible()
    page.get_by_label("kind", exact=True).select_option("linear")
    page.get_by_label("day", exact=True).fill("2026-02-28")
    page.get_by_label("layers", exact=True).fill("[3]")
    page.get_by_label("tol", exact=True).fill("1e-9")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{32}"))
    found = values(own, page.url.rpartition("/")[2].partition("?")[0])
    assert (found["kind"], found["day"], found["layers"], found["tol"]) == ("linear", "2026-02-28", [3], 1e-9)
    assert found["data"] == "https://example.org/train.csv"
    assert found["api_key"] == "s3cr3t"


def test_a_secret_is_shown_nowhere_and_another_one_is_sent(visit, own):
    one = visit(place=own)
    page = one.go(f"/new?source={own.found('typed').run.id}")
    secret = page.get_by_label("api_key", exact=True)
    expect(secret).to_have_value("")
    expect(secret).to_have_attribute("placeholder", "kept from typed, not shown")
    answers = [answer.text() for answer in one.requests if "GetLaunchForm" in answer.url]
    assert answers
    assert not any("s3cr3t" in text for text in answers)
    secret.fill("hunter2")
    for name, written in (
        ("Command line", '-p api_key="$API_KEY"'), ("Python", 'os.environ["API_KEY"]'), ("curl", "'\"$API_KEY\"'")
    ):  # fmt: skip
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("figure", name=name)).to_contain_text(written)
    assert "hunter2" not in page.locator("body").inner_text()
    assert "hunter2" not in page.url
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{32}"))
    assert values(own, page.url.rpartition("/")[2].partition("?")[0])["api_key"] == "hunter2"


def test_a_secret_parameter_is_kept_untouched_or_replaced_and_never_comes_back(visit, own):
    own.run(SECRET, DB_PASSWORD="planted-first")
    one = visit(place=own)
    page = one.go(f"/new?source={own.found('secretive').run.id}")
    secret = page.get_by_label("db_password", exact=True)
    expect(secret).to_have_attribute("type", "password")
    expect(secret).to_have_attribute("autocomplete", "new-password")
    expect(secret).to_have_attribute("placeholder", "kept from secretive, not shown")
    expect(page.get_by_text("of the database")).to_be_visible()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{32}"))
    kept = page.url.rpartition("/")[2].partition("?")[0]
    assert own.ended(kept)[0] == "completed"
    page = one.go(f"/new?source={kept}")
    secret.fill("planted-other")
    expect(page.get_by_text("1 differs from secretive #2")).to_be_visible()
    for name, written in (
        ("Command line", "--secret db_password=DB_PASSWORD"),
        ("Python", 'os.environ["DB_PASSWORD"]'),
        ("curl", '"secrets":{"db_password":{"text":"\'"$DB_PASSWORD"\'"}}'),
    ):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("figure", name=name)).to_contain_text(written)
    assert "planted" not in page.locator("body").inner_text()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(rf"/runs/(?!{kept})[0-9a-f]{{32}}"))
    other = page.url.rpartition("/")[2].partition("?")[0]
    assert own.ended(other)[0] == "completed"
    page.get_by_role("tab", name="Parameters").click()
    expect(page.get_by_text("db_password").first).to_be_visible()
    assert [(own.folder / "given").read_text()] == ["planted-first planted-first planted-other "]
    assert is_seal(values(own, other)["db_password"])
    assert values(own, kept)["db_password"] != values(own, other)["db_password"]
    told: list[str] = []
    for answer in [one for one in one.requests if "/api/v1/" in one.url and one.request.method == "POST"]:
        with suppress(Error):  # the browser keeps no answers of documents that it has left
            told.append(answer.text())
    assert told
    assert not any("planted" in text for text in told)


def test_where_an_agent_starts_by_itself_the_queue_says_so(visit, tmp_path):
    """As under `penstock ui`, which serves the home of one person."""
    place = Place(tmp_path)
    place.run(HELLO)
    variables = place.environment | {"PENSTOCK_START_AGENT": "auto"}
    with subprocess.Popen(
        [sys.executable, "-m", "penstock", "ui"], env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    ) as process:  # fmt: skip
        try:
            link = process.stdout.readline().strip()
            place.url = f"http://{urlsplit(link).netloc}"
            page = visit(place=place, logged_in=False).page
            page.goto(link)
            page.wait_for_url(f"{place.url}/")
            page.goto(f"{place.url}/new?source={place.found('hello').run.id}")
            expect(page.get_by_text("No agent runs now: one starts by itself on this machine")).to_be_visible()
            page.goto(f"{place.url}/queues")
            expect(page.get_by_text("An agent starts by itself when something waits").first).to_be_visible()
        finally:
            process.terminate()
    place.close()


def test_what_cannot_be_read_is_said_at_once_and_nothing_is_started(visit, own):
    page = form(visit, own)
    rows = page.get_by_role("textbox", name="rows")
    rows.fill("3.5")
    expect(page.get_by_text("3.5 is no whole number")).to_be_visible()
    page.get_by_role("button", name="Run Ctrl ⏎").click()
    expect(rows).to_be_focused()
    assert "/new" in page.url


def test_what_differs_is_marked_and_taken_back(visit, own):
    page = form(visit, own)
    field = page.locator("[data-parameter=shuffle]")
    page.get_by_role("switch", name="shuffle").click()
    expect(field.get_by_text("changed")).to_be_visible()
    page.get_by_role("button", name="Reset shuffle to true").click()
    expect(field.get_by_text("changed")).to_have_count(0)


def test_values_may_come_from_any_earlier_run(visit, own):
    page = form(visit, own)
    page.get_by_label("Start from").select_option(own.found("train-pipeline #2").run.id)
    expect(page.get_by_role("textbox", name="threshold")).to_have_value(re.compile(r"80(\.0)?"))
    expect(page.get_by_text("as in train-pipeline #2")).to_be_visible()


def test_queue_cache_tags_and_name_are_chosen(visit, own):
    page = form(visit, own)
    expect(page.get_by_label("Queue")).to_contain_text("services (1 agent, 0 waiting")
    page.get_by_label("Name").fill("by hand")
    page.get_by_label("Tags").fill("nightly chosen")
    page.get_by_role("switch", name="Use the cache").click()
    page.get_by_role("button", name="Run Ctrl ⏎").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{32}"))
    run = own.found(page.url.rpartition("/")[2].partition("?")[0]).run
    assert (run.task.name, set(run.task.tags)) == ("by hand", {"nightly", "chosen"})


def test_the_same_launch_is_there_as_command_python_and_request(visit, own):
    page = form(visit, own)
    page.get_by_role("textbox", name="rate").fill("25e-2")
    section = page.get_by_role("region", name="The same launch elsewhere")
    source = own.found("train-pipeline").run.id
    expect(section.get_by_role("figure")).to_contain_text(f"penstock launch {source} -p rate=25e-2 --queue services")
    section.get_by_role("button", name="Copy").click()
    command = page.evaluate("navigator.clipboard.readText()")
    run = own.penstock(*command.split()[1:], "--wait", "--json")
    assert '"completed"' in run
    section.get_by_role("tab", name="Python").click()
    expect(section.get_by_role("figure")).to_contain_text("PipelineController.launch(")
    section.get_by_role("tab", name="curl").click()
    expect(section.get_by_role("figure")).to_contain_text("$PENSTOCK_KEY")


def test_a_queue_that_nobody_serves_says_what_helps(visit, own):
    own.penstock("queue", "create", "gpu")
    page = form(visit, own)
    page.get_by_label("Queue").select_option("gpu")
    expect(page.get_by_text("penstock agent --queue gpu")).to_be_visible()


def test_it_is_opened_for_a_pipeline_as_well(visit, own):
    page = visit(place=own).go("/new?pipeline=typed&project=demo")
    expect(page.get_by_role("heading", name="New run of typed")).to_be_visible()


def test_it_fits_a_telephone(visit, own):
    page = form(visit, own, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    expect(page.get_by_role("button", name="Run Ctrl ⏎")).to_be_in_viewport()


def test_it_can_be_used_by_everybody(visit, own):
    one = visit(place=own)
    page = one.go(f"/new?source={own.found('typed').run.id}")
    page.get_by_role("heading", name="Parameters").wait_for()
    page.get_by_label("layers", exact=True).fill("{")
    one.check_accessible()
