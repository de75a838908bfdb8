"""Names, parameters, consoles, records and plots that would run something: in the screen of a run nothing does."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from tests.place import Place
from tests.ui.conftest import PATIENCE
from tests.ui.hostile import ALL, names

from penstock.core.outputs import Artifact, ConsoleLine, Plot, ScalarPoint, Stream, TableHead
from penstock.core.pipeline import Argument, Pipeline, Step
from penstock.core.task import Configuration, EndReason, Parameter, Script, Status, Worker
from penstock.ops.outputs import AddArtifact, AppendConsole, NewPoints, ReportPlots, ReportScalars
from penstock.ops.runs import CreateRun, EndRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import DescribeTask, EndTask, NewTask, SetConfiguration, SetParameters

expect.set_options(timeout=PATIENCE)

WORKER = Worker(host="<b>host</b>", pid=1)
TITLES = [text for text in ALL if text.isprintable()][::6]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    found = Place(tmp_path_factory.mktemp("hostile"), server=True)
    yield found
    found.close()


@pytest.fixture(scope="module")
def run(place):
    """A run that consists of hostile texts."""
    call = place.backend.call
    id = uuid4().hex
    steps = tuple(Step(name=name, code="c", stage=name[:80], arguments={"a": Argument(value=name)}) for name in names())
    script = Script(
        source="\n".join(ALL), entry_point=TITLES[0], repository=TITLES[1], branch=TITLES[2], diff=TITLES[3]
    )
    definition = Pipeline(name="hostile", project="demo", steps=steps, code={"c": script})
    call(
        CreateRun(
            pipeline="hostile", project="demo", task=NewTask(id=id, name="hostile", project="demo", script=script)
        )
    )
    call(StartRun(id=id, definition=definition, worker=WORKER))
    given = tuple(Parameter(section="Args", name=text, value=[text, {text: text}], description=text) for text in TITLES)
    call(SetParameters(task=id, parameters=given))
    call(SetConfiguration(task=id, configuration=Configuration(name=TITLES[0], text="\n".join(ALL))))
    call(DescribeTask(id=id, tags=tuple(TITLES[:20]), comment=TITLES[0]))
    task = NewTask(id=uuid4().hex, name=steps[0].name, project="demo", parent=id, script=script)
    attempt = call(LaunchStep(run=id, step=steps[0].name, attempt=1, task=task, worker=WORKER)).id
    lines = tuple(ConsoleLine(1.0, Stream.OUT, text.replace("\x00", "")) for text in ALL)
    links = tuple(ConsoleLine(1.0, Stream.ERR, f"\x1b]8;;{text}\x1b\\here\x1b]8;;\x1b\\") for text in TITLES)
    call(AppendConsole(task=attempt, lines=lines + links))
    _record(call, attempt)
    call(EndTask(id=attempt, status=Status.FAILED, reason=EndReason.EXCEPTION, message="\n".join(TITLES)))
    call(EndRun(id=id, status=Status.FAILED, message=f"step '{steps[0].name}' failed"))
    return id


def _record(call, task):
    points = (ScalarPoint(0, 1.0, 1.0), ScalarPoint(1, 2.0, 1.0))
    call(ReportScalars(task=task, series=tuple(NewPoints(title=t, series=t, points=points) for t in TITLES[:12])))
    figure = {"data": [{"type": "bar", "x": TITLES[:5], "y": [1, 2, 3, 4, 5], "name": TITLES[0]}]}
    figure["layout"] = {"title": {"text": TITLES[1]}, "xaxis": {"title": {"text": TITLES[2]}}}
    kinds = {"plotly": figure, "table": [TITLES[:4], TITLES[4:8]], "other": {}}
    media = [
        {"type": type, "name": TITLES[0], "data": "PHNjcmlwdD4="}
        for type in ("text/html", "text/plain", "image/svg+xml")
    ]
    plots = [
        Plot(title=f"{kind}{TITLES[0]}", series=TITLES[1], kind=kind, iteration=0, data=json.dumps(data))
        for kind, data in kinds.items()
    ]
    plots += [
        Plot(title=TITLES[n], series="m", kind="media", iteration=0, data=json.dumps(one))
        for n, one in enumerate(media)
    ]
    plots.append(Plot(title="image", series="i", kind="image", iteration=0, data="javascript:window.hit=1"))
    call(ReportPlots(task=task, plots=tuple(plots)))
    table = TableHead(tuple(TITLES[:3]), tuple(TITLES[3:6]), (tuple(TITLES[6:9]),))
    for number, text in enumerate(TITLES[:20]):
        call(
            AddArtifact(
                artifact=Artifact(
                    task=task, name=text, format=("json", "html", "pickle", "text")[number % 4], type=text, hash="",
                    size=10, url=text, preview=text, table=table if number % 5 == 0 else None,
                    metadata={text[:100]: text},
                )
            )
        )  # fmt: skip


def test_there_are_300_of_them():
    assert len(set(ALL)) == 300


def test_nothing_of_it_runs_in_any_tab(visit, place, run):
    page = visit(place=place).go(f"/runs/{run}")
    page.locator(".graph[data-ready]").wait_for()
    for name in ("Timeline", "Steps", "Logs", "Metrics", "Artifacts", "Parameters", "Code", "Events", "Graph"):
        page.get_by_role("tab", name=name).click()
        _check_calm(page)


def test_nothing_of_it_runs_beside_a_step(visit, place, run):
    one = visit(place=place)
    one.forgiven += "|Applying inline style"  # by Plotly, see test_run.py
    page = one.go(f"/runs/{run}?tab=steps")
    page.locator(".run-failure .link").click()
    for name in ("Logs", "Values", "Metrics", "Artifacts", "Code", "Environment", "Plots"):
        page.get_by_role("complementary").get_by_role("tab", name=name, exact=True).click()
        if name == "Plots":
            page.locator(".js-plotly-plot .barlayer").first.wait_for(state="attached")
        _check_calm(page)


UNFOLD = """() => {
    const folded = "main [aria-expanded=false]:not([aria-haspopup]), details:not([open]) > summary";
    for (const one of [...document.querySelectorAll(folded)].slice(0, 60)) one.click();
}"""
STRANGE = "main :is(script, iframe:not([sandbox]), object, embed, base, meta, marquee)"


def _check_calm(page):
    expect(page.locator(".skeleton")).to_have_count(0)
    page.evaluate(UNFOLD)
    page.wait_for_timeout(300)  # what runs, runs after its element is there: looked at too early, nothing could be seen
    assert page.evaluate("window.hit") is None
    assert page.evaluate("strange => document.querySelectorAll(strange).length", STRANGE) == 0
