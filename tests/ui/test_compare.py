"""Runs beside each other, and the grid of runs and steps."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.ui.conftest import PHONE

from penstock.ops.runs import ListRuns


@pytest.fixture(scope="module")
def runs(world):
    found = world.backend.call(ListRuns(pipeline="train-pipeline", project="demo"))
    return sorted(found, key=lambda one: one.number)


def address(runs, more=""):
    return f"/compare?runs={','.join(run.id for run in runs)}{more}"


def test_only_that_in_which_runs_differ_is_shown(visit, runs):
    page = visit().go(address(runs))
    table = page.get_by_role("table", name="Differences")
    expect(table.get_by_role("row", name="Args/rate")).to_contain_text("0.5")
    expect(table.get_by_role("row", name="Args/rate")).to_contain_text("0.01")
    expect(table.get_by_role("rowheader", name="Args/shuffle")).to_have_count(0)
    page.get_by_role("button", name="Parameters").click()
    expect(table.get_by_role("row", name="train: loss/train")).to_have_count(0)
    expect(table.get_by_role("row", name="Args/threshold")).to_be_visible()


def test_steps_are_compared_by_how_long_they_took_and_how_they_ended(visit, runs):
    page = visit().go(address(runs))
    page.get_by_role("tab", name="Step times").click()
    row = page.get_by_role("row", name="evaluate")
    expect(row.locator("[data-status=completed]")).to_have_count(1)
    expect(row.locator("[data-status=failed]")).to_have_count(1)


def test_curves_of_all_runs_are_drawn_into_one_chart(visit, runs):
    page = visit().go(address(runs, "&tab=metrics"))
    chart = page.get_by_role("figure", name="loss")
    expect(chart).to_be_visible()
    for run in runs:
        expect(chart).to_contain_text(f"{run.task.name} · train")


def test_runs_are_chosen_here_and_taken_out_again(visit, runs):
    page = visit().go("/compare")
    page.get_by_role("button", name="Choose runs").click()
    for run in runs:
        page.get_by_role("checkbox", name=run.task.name, exact=False).last.check()
    page.get_by_role("dialog").get_by_role("button", name="Compare").click()
    expect(page.get_by_role("table", name="Differences")).to_be_visible()
    page.get_by_role("button", name=f"Take {runs[1].task.name} out").click()
    expect(page.get_by_role("heading", name="One more run is needed")).to_be_visible()


def test_the_grid_shows_each_step_of_each_run_and_leads_to_it(visit, runs):
    page = visit().go("/grid?project=demo&pipeline=train-pipeline")
    row = page.get_by_role("row", name="evaluate")
    expect(row.locator("[data-status]")).to_have_count(2)
    row.locator("[data-status=failed]").click()
    page.wait_for_url(f"**/runs/{runs[1].id}?step=evaluate")


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE}])
@pytest.mark.parametrize("what", ["differences", "times", "metrics", "grid"])
def test_comparing_can_be_used_by_everybody(visit, runs, options, what):
    looker = visit(**options)
    path = "/grid?project=demo&pipeline=train-pipeline" if what == "grid" else address(runs, f"&tab={what}")
    page = looker.go(path)
    page.locator("main [data-status]").first.wait_for()
    if what == "metrics":
        page.get_by_role("figure", name="loss").wait_for()
    looker.check_accessible()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
