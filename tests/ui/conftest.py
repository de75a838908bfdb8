"""The page in a real browser, on a real server with real runs."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.place import Place

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-dev-shm-usage"),
]
PATIENCE = 30_000  # milliseconds after which a test is lost; none comes near
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

RUNS = """
import sys
from penstock import PipelineController, Task

def load(rows: int):
    print(f"{rows} rows")
    return list(range(rows))

def train(data, rate: float):
    task = Task.current_task()
    for epoch in range(3):
        task.get_logger().report_scalar("loss", "train", 1.0 / (epoch + 1) * rate, epoch)
        print("epoch", epoch)
    return len(data) * rate

def evaluate(model, threshold: float):
    if model < threshold:
        raise ValueError(f"AUC below threshold {model:.2f} < {threshold:.2f}")
    return model

def run(name, threshold, rate):
    pipe = PipelineController(name=name, project="demo", version="1.3")
    pipe.add_parameter("rate", rate, "learning rate", float)
    pipe.add_parameter("threshold", threshold, "what a model has to reach")
    pipe.add_parameter("rows", 10, "how many rows are read", "int")
    pipe.add_parameter("shuffle", True, "whether they are shuffled")
    pipe.add_function_step(name="load", function=load, function_kwargs={"rows": "${pipeline.rows}"},
                           function_return=["data"])
    pipe.add_function_step(name="train", function=train, function_return=["model"],
                           function_kwargs={"data": "${load.data}", "rate": "${pipeline.rate}"})
    pipe.add_function_step(name="evaluate", function=evaluate,
                           function_kwargs={"model": "${train.model}", "threshold": "${pipeline.threshold}"})
    pipe.add_tags(["nightly"])
    try:
        pipe.start_locally(run_pipeline_steps_locally=True)
    except BaseException as error:
        print("ended:", error)

if __name__ == "__main__":
    run("train-pipeline", 0.1, 0.5)
    run("train-pipeline", 80.0, 0.01)
    run("prepare", 0.0, 1.0)
"""


@pytest.fixture(scope="module", autouse=True)
def in_one_worker(request, tmp_path_factory):
    """Fail when the tests of a file are spread over workers: each makes the servers, runs and browser of it anew."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        begun = tmp_path_factory.getbasetemp().parent / f"{request.module.__name__}.begun"
        assert not begun.exists(), "another worker has tests of this file: see tests/support/together.py"
        begun.touch()


@pytest.fixture(scope="module")
def browser():
    """Chromium, as this machine has it. Not for longer: while it is there, no other test can use asyncio."""
    from browser import BY_HAND, find_browser
    from page import BUILT, is_built

    program = find_browser()
    if program is None:
        pytest.skip(f"there is no browser here: {BY_HAND}")
    if not is_built():
        pytest.skip(f"the page is not built in {BUILT}, or of other sources: make page")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A server, and what a person did there: one pipeline that ran twice, once badly, and another one."""
    place = Place(tmp_path_factory.mktemp("ui"), server=True)
    place.run(RUNS)
    yield place
    place.close()


_COOKIES: dict[str, list[object]] = {}  # of who logged in at a server: doing so takes longer than most tests


class Visit:
    """A browser of its own, and what it asked for and complained about.

    Attributes:
        requests: The responses that came, in order.
        complaints: What the browser's console said, what was thrown, what was asked of another host.
        host: The only one that may be asked for anything.
        forgiven: What a complaint may be, as a pattern, where a test brings it about.
    """

    def __init__(self, browser, place, *, viewport=DESKTOP, scheme="light", logged_in=True):
        self.place = place
        self.host = urlsplit(place.url).netloc
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
        self.context.set_default_timeout(PATIENCE)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.requests = []
        self.complaints = []
        self.forgiven = r"status of 40[0-9]"
        self.context.on("response", self._came)
        self.context.on("console", self._said)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page = self.context.new_page()
        if logged_in and place.url not in _COOKIES:
            self.page.goto(place.penstock("ui").strip())
            self.page.wait_for_url(f"{place.url}/")
            _COOKIES[place.url] = self.context.cookies()
        elif logged_in:
            self.context.add_cookies(_COOKIES[place.url])

    def go(self, path="/"):
        """Open an address of the page; return the page once it knows whether it is live."""
        self.page.goto(self.place.url + path)
        self.page.locator(".live[data-state=live]").wait_for()
        return self.page

    def check_accessible(self, within="html"):
        """Fail unless axe finds nothing against WCAG 2.2 AA, in dark and in light.

        Args:
            within: A selector for the part that is looked at.
        """
        self.page.evaluate(AXE.read_text())
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme=scheme)
            self.page.locator(f"html[data-theme={scheme}]").wait_for()
            self.page.evaluate("() => new Promise(requestAnimationFrame)")
            assert self._broken(within) == [], scheme

    def _broken(self, within):
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        found = self.page.evaluate("([within, tags]) => axe.run(within, {runOnly: tags})", [within, tags])
        return [
            f"{one['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    def _came(self, response):
        self.requests.append(response)
        host = urlsplit(response.url).netloc
        if host and host != self.host:
            self.complaints.append(f"asked of another host: {response.url}")

    def _said(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@pytest.fixture
def visit(browser, request):
    """Make visits: `visit(viewport=PHONE, scheme="dark")`. At the end nothing may have been complained about."""
    made = []

    def make(*, place=None, **options):
        made.append(Visit(browser, place or request.getfixturevalue("world"), **options))
        return made[-1]

    yield make
    complaints = [one for visit in made for one in visit.complaints if not re.search(visit.forgiven, one)]
    for one in made:
        one.context.close()
    assert complaints == []
