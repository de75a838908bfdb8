"""What the page costs a browser with large runs: `python bench/ui`, once the page is built.

It prints, for graphs of 1,000 and 5,000 steps, a table of 10,000 runs, a console of 200,000 lines and a million points:
seconds of processor time of the page's own thread until it is ready, elements, megabytes of heap, and how long frames
take while a mouse drags or scrolls. The same figures were taken of other products; they hardly depend on how busy the
machine is, except for the frames.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(Path(__file__).parent)]

import seeding  # noqa: E402 - found by the line above
from browser import find_browser  # noqa: E402 - as above
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright  # noqa: E402 - as above
from tests.place import Place  # noqa: E402 - as above

from penstock.backend import open_home  # noqa: E402 - as above
from penstock.settings import Settings  # noqa: E402 - as above

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-dev-shm-usage", "--js-flags=--expose-gc"]
TICKS = os.sysconf("SC_CLK_TCK")
VIEW = {"width": 1440, "height": 900}
FRAMES = """() => {
    window.frames_ = []; let last = performance.now(); window.counts_ = true;
    const next = now => {
        window.frames_.push(now - last); last = now;
        if (window.counts_) requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
}"""
STOP = "() => { window.counts_ = false; return window.frames_.slice(2); }"


class Visit:
    """A page of its own in the browser, and what it has cost so far."""

    def __init__(self, browser: Browser, place: Place) -> None:
        self.context = browser.new_context(viewport=VIEW)
        self.page: Page = self.context.new_page()
        self.cdp: CDPSession = self.context.new_cdp_session(self.page)
        self.cdp.send("Performance.enable")
        self.system: CDPSession = browser.new_browser_cdp_session()
        self._spent: dict[int, float] = {}
        self.url = place.url
        self.page.goto(place.penstock("ui").strip())
        self.page.wait_for_url(f"{place.url}/")

    def cpu(self) -> float:
        """Return the processor time of the main threads of all pages, in seconds; there is one page at a time."""
        found = self.system.send("SystemInfo.getProcessInfo")["processInfo"]
        for one in found:
            if one["type"] == "renderer":
                fields = Path(f"/proc/{one['id']}/task/{one['id']}/stat").read_text("ascii").rpartition(")")[2].split()
                self._spent[one["id"]] = (int(fields[11]) + int(fields[12])) / TICKS
        return sum(self._spent.values())

    def metrics(self) -> dict[str, float]:
        """Return what the browser counted."""
        return {one["name"]: one["value"] for one in self.cdp.send("Performance.getMetrics")["metrics"]}

    def open(self, path: str, ready: str) -> dict[str, float]:
        """Open an address; return what it cost until something is there and nothing is drawn any more."""
        self.page.goto("about:blank")
        before = self.cpu()
        begun = time.monotonic()
        self.page.goto(self.url + path)
        self.page.locator(ready).first.wait_for()
        first = time.monotonic() - begun
        self.page.wait_for_timeout(1_500)
        spent = self.cpu() - before
        self.cdp.send("HeapProfiler.collectGarbage")
        heap = self.metrics()["JSHeapUsedSize"] / 1e6
        elements = self.page.evaluate("document.querySelectorAll('*').length")
        return {"ready s": first, "CPU s": spent, "DOM": elements, "heap MB": heap}

    def frames(self, act: Callable[[], object]) -> dict[str, float]:
        """Return the lengths of frames, and the processor time of each, while something is done."""
        before = self.cpu()
        self.page.evaluate(FRAMES)
        act()
        found = sorted(self.page.evaluate(STOP))
        spent = self.cpu() - before
        p95 = found[int(len(found) * 0.95)]
        return {"p50 ms": statistics.median(found), "p95 ms": p95, "CPU ms": 1e3 * spent / len(found)}

    def drag(self, moves: int = 120) -> None:
        """Drag the graph with the mouse, there and back."""
        box = self.page.locator(".graph").bounding_box() or {"x": 0, "y": 0, "width": 800, "height": 600}
        x, y = box["x"] + box["width"] / 2, box["y"] + 30
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for move in range(moves):
            at = move if move < moves / 2 else moves - move
            self.page.mouse.move(x - 5 * at, y + 3 * at)
        self.page.mouse.up()

    def scroll(self, where: str, turns: int = 80) -> None:
        """Turn the wheel over something."""
        self.page.locator(where).hover()
        for turn in range(turns):
            self.page.mouse.wheel(0, -400 if turn < turns / 2 else 400)
            self.page.wait_for_timeout(10)


def shown(name: str, figures: dict[str, float]) -> None:
    """Print one line."""
    values = "  ".join(
        f"{what} {value:,.0f}" if what == "DOM" else f"{what} {value:.2f}" for what, value in figures.items()
    )
    print(f"{name:<34} {values}", flush=True)


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Browser, Place]]:
    """Start a server and a browser."""
    program = find_browser()
    if program is None:
        sys.exit("there is no browser here")
    place = Place(folder, server=True)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
            yield browser, place
            browser.close()
    finally:
        place.close()


def graphs(browser: Browser, place: Place, backend: Any, sizes: list[int]) -> None:
    """Measure graphs: fitted, and near enough to be read."""
    for size in sizes:
        run = seeding.graph(backend, size)
        visit = Visit(browser, place)
        ready = ".graph[data-ready]"
        shown(f"graph of {size:,} steps", visit.open(f"/runs/{run}", ready))
        visit.page.screenshot(path=place.folder.parent / f"graph-{size}.png")
        shown("  dragged, all of it in view", visit.frames(visit.drag))
        box = visit.page.locator(".graph").bounding_box() or {}
        visit.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for _ in range(40):
            visit.page.mouse.wheel(0, -200)
            visit.page.wait_for_timeout(20)
            if visit.page.locator(".graph-layer:not(.is-map)").count():
                break
        shown("  dragged, near", visit.frames(visit.drag))
        shown("  elements then", {"DOM": visit.page.evaluate("document.querySelectorAll('*').length")})
        visit.page.screenshot(path=place.folder.parent / f"graph-{size}-near.png")
        visit.context.close()


def tables(browser: Browser, place: Place, backend: Any, count: int) -> None:
    """Measure the table of so many runs: its first row, and further down."""
    seeding.runs(backend, count)
    visit = Visit(browser, place)
    visit.open("/runs", "[data-run]")  # what the browser keeps of the page's files is there from now on
    shown(f"table of {count:,} runs", visit.open("/runs", "[data-run]"))
    shown("  scrolled", visit.frames(lambda: visit.scroll(".grid")))
    visit.context.close()


def consoles(browser: Browser, place: Place, backend: Any, lines: int) -> None:
    """Measure a console: its end, and all of it."""
    run = seeding.console(backend, lines)
    visit = Visit(browser, place)
    shown(f"console of {lines:,} lines", visit.open(f"/runs/{run}?tab=logs", ".log-line"))
    for _ in range(400):
        if visit.page.evaluate("!document.querySelector('.logs-count').textContent.includes('older')"):
            break
        visit.page.locator(".logs-lines").evaluate("one => { one.scrollTop = 0; }")
        visit.page.wait_for_timeout(50)
    visit.cdp.send("HeapProfiler.collectGarbage")
    held = visit.page.locator(".logs-count").text_content() or ""
    elements = visit.page.evaluate("document.querySelectorAll('*').length")
    shown(f"  all of it read: {held.strip()}", {"DOM": elements, "heap MB": visit.metrics()["JSHeapUsedSize"] / 1e6})
    visit.page.locator(".logs-lines").evaluate("one => { one.scrollTop = one.scrollHeight / 2; }")
    shown("  scrolled", visit.frames(lambda: visit.scroll(".logs-lines")))
    begun = time.monotonic()
    visit.page.get_by_placeholder("Search").fill("199999")
    visit.page.get_by_text("1 of 1").wait_for()
    shown("  a line found", {"s": time.monotonic() - begun})
    visit.context.close()


def points(browser: Browser, place: Place, backend: Any, count: int) -> None:
    """Measure a chart of so many points in ten series."""
    run = seeding.scalars(backend, count)
    visit = Visit(browser, place)
    shown(f"chart of {count:,} points", visit.open(f"/runs/{run}?tab=metrics", ".chart canvas"))
    chart = visit.page.locator(".chart .u-over")
    box = chart.bounding_box() or {}

    def sweep() -> None:
        for move in range(120):
            visit.page.mouse.move(box["x"] + 10 + move * 4, box["y"] + 80)

    shown("  mouse moved over it", visit.frames(sweep))
    visit.page.screenshot(path=place.folder.parent / "chart.png")
    visit.context.close()


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python bench/ui", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, nargs="*", default=[1_000, 5_000], help="sizes of graphs")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where pictures are left; by default nowhere")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = (given.folder or Path(folder)) / "home"
        kept.mkdir(parents=True, exist_ok=True)
        with opened(kept) as (browser, place):
            backend = open_home(Settings(home=kept / "kept", workers=1))
            graphs(browser, place, backend, given.steps)
            if given.runs:
                tables(browser, place, backend, given.runs)
            if given.lines:
                consoles(browser, place, backend, given.lines)
            if given.points:
                points(browser, place, backend, given.points)


if __name__ == "__main__":
    main()
