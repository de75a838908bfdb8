"""Takes pictures of the web page's screens, with real records, into docs/images.

    python scripts/screenshots.py

It runs the examples in a home of its own, serves it as `penstock ui` does, and opens each screen in a real browser:
light and dark, on a desk and on a phone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from browser import BY_HAND, find_browser
from playwright.sync_api import Browser, BrowserContext, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
SIZES = {"desk": (1440, 900), "phone": (390, 844)}
SETTLED = 1500  # milliseconds after which a screen stands still

# A run that fails, so that there is something to look after.
TRAINING = """
from penstock import PipelineController, Task

def load(rows):
    return list(range(rows))

def fit(data, rate):
    logger = Task.current_task().get_logger()
    for epoch in range(40):
        logger.report_scalar("loss", "train", 1 / (1 + epoch * rate), epoch)
        logger.report_scalar("loss", "test", 1.2 / (1 + epoch * rate), epoch)
        print(f"epoch {epoch}: loss {1 / (1 + epoch * rate):.4f}")
    return 0.61

def check(auc, least):
    if auc < least:
        raise ValueError(f"AUC below threshold: {auc} < {least}")

pipe = PipelineController(name="churn", project="Examples", version="1.2.0")
pipe.add_parameter("rate", 0.05, "Learning rate", "float")
pipe.add_parameter("least", LEAST, "What a model has to reach", "float")
pipe.add_function_step("load", load, {"rows": 1000}, function_return=["data"])
pipe.add_function_step("fit", fit, {"data": "${load.data}", "rate": "${pipeline.rate}"}, function_return=["auc"])
pipe.add_function_step("check", check, {"auc": "${fit.auc}", "least": "${pipeline.least}"})
pipe.add_function_step("publish", load, {"rows": 1}, parents=["check"])
pipe.start_locally(run_pipeline_steps_locally=True)
"""


def main() -> None:
    """Take all pictures."""
    program = find_browser()
    if program is None:
        sys.exit(f"error: there is no browser here\nhint: {BY_HAND}")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = {**os.environ, "PENSTOCK_HOME": str(home / "home"), "PENSTOCK_PROGRESS": "none"}
        _record(home, environment)
        command = [sys.executable, "-m", "penstock", "ui", "--json"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
            try:
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
                    _take(browser, _link(server), _screens(environment))
                    browser.close()
            finally:
                server.terminate()


def _record(folder: Path, environment: dict[str, str]) -> None:
    """Run what the pictures show."""
    training = folder / "churn.py"
    scripts = [(str(ROOT / "examples" / "iris.py"), ""), (str(training), "0.5"), (str(training), "0.8")]
    for script, least in scripts:
        if least:
            training.write_text(TRAINING.replace("LEAST", least))
        subprocess.run([sys.executable, script], env=environment, check=False, stdout=subprocess.DEVNULL)


def _link(server: subprocess.Popen[str]) -> str:
    """Return the address by which a browser gets in."""
    if server.stdout is None:
        raise AssertionError
    said = ""
    while not said.endswith("}\n"):
        said += server.stdout.readline()
    link: str = json.loads(said)["url"]
    return link


def _screens(environment: dict[str, str]) -> dict[str, str]:
    """Return the screens: their names, and where they are."""
    command = [sys.executable, "-m", "penstock", "runs", "--json"]
    found = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    ids = [run["task"]["id"] for run in found["runs"] if run["pipeline"] == "churn"]
    return {
        "pipelines": "/",
        "runs": "/runs",
        "run": f"/runs/{ids[0]}",
        "step": f"/runs/{ids[0]}?step=check",
        "new-run": f"/new?source={ids[0]}",
        "compare": f"/compare?runs={','.join(ids)}",
        "grid": "/grid?project=Examples&pipeline=churn",
        "tasks": "/tasks",
        "models": "/models",
        "queues": "/queues",
        "agents": "/agents",
        "settings": "/settings",
    }


def _take(browser: Browser, link: str, screens: dict[str, str]) -> None:
    base = link.partition("/login")[0]
    first = browser.new_context()
    page = first.new_page()
    page.goto(link)
    page.wait_for_url(f"{base}/")
    state = first.storage_state()
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="light" if scheme == "light" else "dark",
                reduced_motion="reduce",
                storage_state=state,
            )
            _visit(context, base, screens, f"{size}-{scheme}")
            context.close()


def _visit(context: BrowserContext, base: str, screens: dict[str, str], what: str) -> None:
    page = context.new_page()
    for name, path in screens.items():
        page.goto(base + path)
        page.locator(".live[data-state=live]").wait_for()
        page.wait_for_timeout(SETTLED)
        page.screenshot(path=IMAGES / f"{name}-{what}.png")


if __name__ == "__main__":
    main()
