"""What all steps of a long run recorded, the last one too, of which only what is in view is drawn."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import expect
from tests.place import Place
from tests.ui.conftest import DESKTOP, PHONE

from penstock.core.outputs import Artifact, Model, ScalarPoint, TableHead
from penstock.core.pipeline import Pipeline, Step
from penstock.core.task import Script, Status, Worker
from penstock.ops.models import AddModel
from penstock.ops.outputs import AddArtifact, NewPoints, ReportScalars
from penstock.ops.runs import CreateRun, EndRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import NewTask

STEPS = 300
MOST_ELEMENTS = 1500
TO_THE_END = """last => {  // whose heights are known once they are drawn
    const tab = document.querySelector(".record-tab");
    tab.scrollTop = tab.scrollHeight;
    return tab.textContent.includes(last) && tab.scrollTop + tab.clientHeight >= tab.scrollHeight - 2;
}"""
TABLE = TableHead(
    columns=("flower", "flower", *(f"column {number}" for number in range(18))), types=("str", "int", *["float"] * 18),
    rows=tuple((f"row {row}", *(str(row * column) for column in range(19))) for row in range(200)),
)  # fmt: skip
WORKER = Worker(host="here", pid=1)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    found = Place(tmp_path_factory.mktemp("many-steps"), server=True)
    yield found
    found.close()


@pytest.fixture(scope="module")
def run(own):
    """A run of many steps, each of which recorded something."""
    id = uuid4().hex
    with own.without_server() as home:
        call = home.call
        steps = tuple(Step(name=f"step_{number:03}", code="c") for number in range(STEPS))
        definition = Pipeline(name="many", project="demo", steps=steps, code={"c": Script(source="", entry_point="f")})
        call(CreateRun(pipeline="many", project="demo", task=NewTask(id=id, name="many", project="demo")))
        call(StartRun(id=id, definition=definition, worker=WORKER))
        for number, step in enumerate(steps):
            task = NewTask(id=uuid4().hex, name=step.name, project="demo", parent=id)
            task = call(LaunchStep(run=id, step=step.name, attempt=1, task=task, worker=WORKER)).id
            points = tuple(ScalarPoint(at, 1.0 / (at + 1), 1.0) for at in range(3))
            series = NewPoints(title="loss", series="train", points=points)
            single = NewPoints(title="rank", series="rank", points=(ScalarPoint(None, float(number), 1.0),))
            call(ReportScalars(task=task, series=(series, single)))
            kept = Artifact(
                task=task, name="kept", format="arrow", type="DataFrame", hash="", size=1, url="",
                table=TABLE if number == 0 else None,
            )  # fmt: skip
            call(AddArtifact(artifact=kept))
            model = Model(id=uuid4().hex, name=f"net {number}", task=task, project="demo", direction="output", url="")
            call(AddModel(model=model))
        call(EndRun(id=id, status=Status.COMPLETED))
    return id


@pytest.mark.parametrize(("tab", "last"), [("artifacts", f"step_{STEPS - 1} / kept"), ("models", f"net {STEPS - 1}")])
def test_records_of_every_step_are_listed(visit, own, run, tab, last):
    page = visit(place=own).go(f"/runs/{run}?tab={tab}")
    expect(page.locator(".record").first).to_be_visible()
    assert page.evaluate("document.querySelectorAll('*').length") <= MOST_ELEMENTS
    page.wait_for_function(TO_THE_END, arg=last)
    expect(page.get_by_text(last).first).to_be_in_viewport()
    assert page.evaluate("document.querySelectorAll('*').length") <= MOST_ELEMENTS


def test_what_every_step_measured_is_found(visit, own, run):
    one = visit(place=own)
    page = one.go(f"/runs/{run}?tab=metrics")
    expect(page.get_by_text(f"{STEPS} steps measured something")).to_be_visible()
    expect(page.get_by_text(f"The first 20 of {STEPS} steps are drawn")).to_be_visible()
    page.get_by_role("searchbox", name="Filter steps").fill(f"step_{STEPS - 1}")
    expect(page.get_by_role("cell", name=f"step_{STEPS - 1} · rank")).to_be_visible()
    expect(page.get_by_role("figure", name="loss")).to_contain_text("3 points")
    expect(page.get_by_text("steps are drawn")).to_have_count(0)
    assert sum("ListRecords" in response.url for response in one.requests) <= STEPS // 100, "not one for each step"
    one.check_accessible()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_first_200_rows_of_a_table_are_gone_through(visit, own, run, viewport):
    one = visit(place=own, viewport=viewport)
    page = one.go(f"/runs/{run}?tab=artifacts&artifact=step_000%2Fkept")
    expect(page.get_by_text("The first 200 rows, as the step recorded them")).to_be_visible()
    expect(page.get_by_role("columnheader", name="flower int")).to_be_visible()
    assert page.evaluate("document.querySelectorAll('*').length") <= MOST_ELEMENTS
    table = page.get_by_role("region", name="First rows of kept")
    table.evaluate("one => one.scrollTo(0, one.scrollHeight)")
    expect(page.get_by_role("cell", name="row 199", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    one.check_accessible()
