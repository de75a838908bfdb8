"""The screen of a run: graph, timeline, console, records, a step beside them, and what can be done with the run."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.place import Place
from tests.ui.conftest import PATIENCE, PHONE

from penstock.core.task import Status
from penstock.ops.queues import CreateQueue
from penstock.ops.runs import GetRun

expect.set_options(timeout=PATIENCE)

RUNS = """
    import sys
    import tempfile
    import time
    from pathlib import Path
    from penstock import PipelineController, Task

    def load(rows: int):
        print("\\x1b[32mgreen\\x1b[0m text")
        for number in range(300):
            print("row", number)
        return list(range(rows))

    def train(data, rate: float):
        task = Task.current_task()
        log = task.get_logger()
        for epoch in range(20):
            log.report_scalar("loss", "train", 1.0 / (epoch + 1) * rate, epoch)
        log.report_table("scores", "all", iteration=0, table_plot=[["name", "score"], ["a", 1]])
        log.report_confusion_matrix("confusion", "all", [[1, 2], [3, 4]], iteration=0)
        page = Path(tempfile.mkdtemp()) / "page.html"
        page.write_text("<h1>A page</h1><script>document.title = 'ran'</script>")
        task.upload_artifact("page.html", page)
        task.upload_artifact("notes", "a text")
        task.upload_artifact("odd", object)
        print("WARNING: slow")
        return {"weights": list(range(40)), "rate": rate}

    def evaluate(model):
        raise ValueError("AUC below threshold 0.61 < 0.80")

    def report(model):
        return "never"

    def gated(gate):
        while not Path(gate).exists():
            time.sleep(0.05)
        print("through", Path(gate).name)

    def after(name):
        print("after", name)

    def flow():
        pipe = PipelineController(name="flow", project="demo", version="1.3")
        pipe.add_parameter("rate", 0.5, "learning rate", float)
        pipe.add_function_step("load", load, dict(rows=10), function_return=["data"], stage="prepare",
                               cache_executed_step=True)
        pipe.add_function_step("train", train, dict(data="${load.data}", rate="${pipeline.rate}"),
                               function_return=["model"])
        pipe.add_function_step("evaluate", evaluate, dict(model="${train.model}"), retry_on_failure=1)
        pipe.add_function_step("report", report, dict(model=1),
                               parents=["evaluate"])
        return pipe

    def gates():
        pipe = PipelineController(name="gates", project="demo")
        pipe.add_function_step("gate", gated, dict(gate=str(Path(__file__).parent / sys.argv[2])))
        pipe.add_function_step("after", after, dict(name="it"), parents=["gate"])
        return pipe

    def queued():
        pipe = PipelineController(name="queued", project="demo")
        pipe.add_function_step("lonely", after, dict(name="it"), execution_queue="gpu")
        return pipe

    if __name__ == "__main__":
        kind = sys.argv[1] if len(sys.argv) > 1 else "flow"  # an agent that lets a run go on gives nothing
        if kind == "flow":
            flow().start_locally(run_pipeline_steps_locally=True)
        elif kind == "gates":
            gates().start_locally(run_pipeline_steps_locally=True)
        else:
            queued().start_locally()
"""


PLOTLY = "|Applying inline style"
"""Plotly sets styles as attributes, which the page does not let it; what it draws does not need them."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A server, with a pipeline that ran twice and failed."""
    found = Place(tmp_path_factory.mktemp("run"), server=True)
    for _ in range(2):
        found.run(RUNS, "flow")
    yield found
    found.close()


@pytest.fixture
def flow(place):
    """The newest run of the pipeline that failed by itself."""
    return place.found("flow #2").run


@pytest.fixture
def see(visit, place):
    """Open the screen of a run: `see(run, "?tab=logs")`."""

    def go(run, rest="", **options):
        one = visit(place=place, **options)
        one.forgiven += PLOTLY
        one.go(f"/runs/{run.id}{rest}")
        return one.page

    return go


def node(page, name):
    return page.locator(f'.graph-node[data-key="{name}"]')


def test_the_header_says_what_failed_and_why(see, flow):
    page = see(flow)
    expect(page.locator(".run-facts .status")).to_have_text(re.compile("Failed"))
    expect(page.locator(".run-failure")).to_contain_text(
        "evaluate failed after 2 attempts: ValueError: AUC below threshold"
    )
    expect(page).to_have_title(re.compile("✕ flow #2"))
    expect(page.get_by_role("link", name="New run")).to_have_attribute("href", re.compile(f"new\\?source={flow.id}"))
    page.locator(".run-failure").get_by_role("button", name="Logs").click()
    expect(page.get_by_role("complementary", name="Step evaluate")).to_contain_text("ValueError")
    assert "step=evaluate" in page.url
    assert "view=logs" in page.url


def test_the_graph_shows_each_step_with_its_status(see, flow):
    page = see(flow)
    for name, status in [("load", "cached"), ("train", "completed"), ("evaluate", "failed"), ("report", "skipped")]:
        expect(node(page, name)).to_have_attribute("data-status", status)
    page.get_by_placeholder("Find step").fill("rep")
    expect(node(page, "report")).to_have_class(re.compile("is-match"))
    expect(node(page, "load")).to_have_class(re.compile("is-dim"))
    page.get_by_placeholder("Find step").fill("")
    page.get_by_role("button", name="Hide done").click()
    expect(node(page, "train")).to_have_count(0)
    expect(node(page, "evaluate")).to_be_visible()


def test_keys_walk_along_the_lines_and_open_a_step(see, flow):
    page = see(flow)
    node(page, "load").focus()
    page.keyboard.press("ArrowDown")
    expect(node(page, "train")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Step evaluate")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary")).to_have_count(0)
    page.go_back()
    expect(page.get_by_role("complementary")).to_have_count(0)


def test_the_whole_graph_is_there_before_the_first_step_ends_and_goes_on_by_itself(see, place):
    process = place.start(RUNS, "gates", "open-1")
    run = _begun(place, "gates", "gate")
    page = see(run)
    expect(node(page, "gate")).to_have_attribute("data-status", "running")
    expect(node(page, "after")).to_have_attribute("data-status", "pending")
    page.goto(f"{page.url}?step=after")
    expect(page.locator(".step-why")).to_contain_text("waits for gate")
    (place.folder / "open-1").touch()
    expect(node(page, "after")).to_have_attribute("data-status", "completed")
    expect(page.locator(".run-facts .status")).to_have_text(re.compile("Completed"))
    process.communicate()


def test_a_run_is_aborted_after_it_was_said_what_that_does(see, place):
    process = place.start(RUNS, "gates", "never")
    run = _begun(place, "gates", "gate")
    page = see(run)
    page.get_by_role("button", name="Abort").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("list", name="Affected steps").get_by_role("listitem")).to_have_count(2)
    expect(dialog).to_contain_text("gate")
    dialog.get_by_role("button", name="Abort the run").click()
    expect(page.locator(".run-facts .status")).to_have_text(re.compile("Aborted"))
    expect(node(page, "gate")).to_have_attribute("data-status", "aborted")
    process.communicate()


def test_one_step_is_skipped_and_one_aborted_after_it_was_said_what_that_does(see, place):
    process = place.start(RUNS, "gates", "steered")
    run = _begun(place, "gates", "gate")
    page = see(run, "?step=after")
    drawer = page.get_by_role("complementary", name="Step after")
    expect(drawer.get_by_role("button", name="Abort step")).to_have_count(0)
    drawer.get_by_role("button", name="Skip step").click()
    dialog = page.get_by_role("dialog")
    rows = dialog.get_by_role("list", name="Affected steps").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text(re.compile("after.*is skipped"))
    expect(dialog).to_contain_text("1 step is skipped, 1 step stays")
    dialog.get_by_role("button", name="Skip the step").click()
    expect(node(page, "after")).to_have_attribute("data-status", "skipped")
    expect(drawer.locator(".step-why")).to_contain_text(re.compile("was skipped by "))
    expect(drawer.get_by_role("button", name="Skip step")).to_have_count(0)
    expect(node(page, "gate")).to_have_attribute("data-status", "running")

    page.goto(f"{page.url.partition('?')[0]}?step=gate")
    drawer = page.get_by_role("complementary", name="Step gate")
    drawer.get_by_role("button", name="Abort step").click()
    expect(dialog).to_contain_text("the run fails by that")
    dialog.get_by_role("button", name="Abort the step").click()
    expect(node(page, "gate")).to_have_attribute("data-status", "aborted")
    expect(drawer.locator(".step-why")).to_contain_text(re.compile("was aborted by "))
    expect(page.locator(".run-facts .status")).to_have_text(re.compile("Failed"))
    process.communicate()


def _attended(route):
    """Answer with the page as `penstock ui` hands it out, where an agent starts by itself before anybody can look."""
    response = route.fetch()
    meant = '<meta name="agents" content="start" />'
    route.fulfill(response=response, body=response.text().replace('<meta name="agents" content="" />', meant))


def test_a_step_whose_queue_nobody_serves_says_how_that_is_changed(see, place):
    place.backend.call(CreateQueue(name="gpu"))
    process = place.start(RUNS, "queued")
    run = _begun(place, "queued", "lonely", ("queued",))
    page = see(run, "?step=lonely")
    why = page.locator(".step-why")
    expect(why).to_contain_text(re.compile(r"queued .* in gpu: no agent serves queue 'gpu'"))
    why.get_by_role("button", name="Copy command").click()
    assert "penstock agent --queue gpu" in page.evaluate("navigator.clipboard.readText()")
    page.route(re.compile(r"/runs/[0-9a-f]+\?"), _attended)
    page.reload()
    expect(why).to_contain_text(re.compile(r"queued .* in gpu: an agent starts by itself soon"))
    expect(why.get_by_role("button", name="Copy command")).to_have_count(0)
    expect(page.locator(".run-header").get_by_text("penstock agent")).to_have_count(0)
    page.get_by_role("button", name="Abort", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Abort the run").click()
    expect(page.locator(".run-facts .status")).to_have_text(re.compile("Aborted"))
    process.communicate()


def test_a_step_says_why_it_stands_so_and_how_each_attempt_went(see, flow, place):
    page = see(flow, "?step=report")
    expect(page.locator(".step-why")).to_contain_text("skipped: evaluate failed")
    page.get_by_role("button", name="Previous step").click()
    attempts = page.get_by_label("Attempt", exact=True)
    expect(attempts).to_contain_text("Attempt 1 of 2: failed")
    attempts.select_option("1")
    expect(page.get_by_label("Message", exact=True)).to_contain_text("raise ValueError")
    assert "attempt=1" in page.url
    page.goto(f"{place.url}/runs/{flow.id}?step=load")
    expect(page.locator(".step-why")).to_contain_text("reused from flow")
    page.get_by_role("complementary").get_by_role("link", name="flow").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("flow")
    expect(page.get_by_role("complementary", name="Step load")).to_be_visible()


def test_values_stand_beside_the_references_that_they_came_from(see, flow):
    page = see(flow, "?step=train&view=values")
    rate = page.get_by_role("row", name=re.compile("^rate"))
    expect(rate).to_contain_text("0.5")
    expect(rate).to_contain_text("${pipeline.rate}")
    page.get_by_role("button", name="${load.data}").click()
    expect(page.get_by_role("complementary", name="Step load")).to_be_visible()


def test_code_and_environment_are_compared_with_the_run_before(see, flow):
    page = see(flow, "?step=train&view=code")
    expect(page.get_by_text("The same code as in flow.")).to_be_visible()
    expect(page.get_by_label("train", exact=True)).to_contain_text("def train")
    page.get_by_role("tab", name="Environment").click()
    expect(page.get_by_text("The same as in flow.")).to_be_visible()
    expect(page.locator(".step-code .facts")).to_contain_text("Python")


def test_the_timeline_has_a_bar_for_each_attempt(see, flow):
    page = see(flow, "?tab=timeline")
    row = page.locator(".timeline-row", has_text="evaluate")
    expect(row.locator(".timeline-bar[data-kind=running]")).to_have_count(2)
    expect(row).to_have_attribute("data-critical", "true")
    row.click()
    expect(page.get_by_role("complementary", name="Step evaluate")).to_be_visible()


def test_consoles_are_merged_searched_and_linked_to(see, flow):
    page = see(flow, "?tab=logs")
    lines = page.locator(".logs-lines")
    expect(lines).to_contain_text("ValueError: AUC below")
    expect(page.locator(".log-who", has_text="train").first).to_be_visible()
    page.get_by_placeholder("Search").fill("WARNING: slow")
    expect(page.get_by_text("1 of 1")).to_be_visible()
    marked = page.locator(".log-line", has=page.locator("mark"))
    expect(marked).to_have_attribute("data-level", "warning")
    marked.get_by_role("button").click()
    expect(marked).to_have_attribute("data-marked", "true")
    page.reload()
    expect(page.locator(".log-line[data-marked]")).to_contain_text("WARNING: slow")
    page.get_by_label("Level").select_option("error")
    expect(lines).not_to_contain_text("WARNING: slow")
    expect(lines).to_contain_text("ValueError")


def test_a_console_follows_what_is_printed_without_a_reload(see, place):
    process = place.start(RUNS, "gates", "open-2")
    run = _begun(place, "gates", "gate")
    page = see(run, "?step=gate&view=logs")
    expect(page.get_by_text("No output yet")).to_be_visible()
    (place.folder / "open-2").touch()
    expect(page.get_by_role("complementary").locator(".logs-lines")).to_contain_text("through open-2")
    process.communicate()


def test_colours_of_terminals_are_shown_and_their_codes_are_not(see, place):
    first = place.found("flow").run
    page = see(first, "?step=load&view=logs")
    page.get_by_placeholder("Search").fill("green text")
    expect(page.locator(".log-line", has_text="green text").locator(".ansi-green").first).to_have_text("green")


def test_metrics_and_plots_are_drawn(see, flow):
    page = see(flow, "?tab=metrics")
    expect(page.get_by_role("figure", name="loss").locator("canvas")).to_be_visible()
    expect(page.get_by_role("figure", name="loss")).to_contain_text("20 points")
    page.goto(f"{page.url.partition('?')[0]}?step=train&view=plots")
    expect(page.get_by_role("cell", name="a", exact=True)).to_be_visible()
    expect(page.get_by_role("figure", name="confusion").locator(".heatmaplayer image").first).to_be_attached()


def test_artifacts_have_previews_and_pages_of_users_run_nothing(see, flow, visit, place):
    one = visit(place=place)
    one.forgiven = "asked of another host: http://127.0.0.1:|status of 40|Blocked script execution"
    page = one.go(f"/runs/{flow.id}?step=train&view=artifacts")
    drawer = page.get_by_role("complementary")
    drawer.get_by_role("button", name=re.compile("^.*model")).click()
    drawer.get_by_role("button", name=re.compile("weights: .*40 items")).click()
    expect(drawer.get_by_text("39:", exact=False).first).to_be_visible()
    drawer.get_by_role("button", name=re.compile("odd")).click()
    expect(drawer).to_contain_text("is not opened here")
    drawer.get_by_role("button", name=re.compile(r"page\.html")).click()
    frame = drawer.locator("iframe")
    expect(frame).to_have_attribute("sandbox", "")
    expect(page.frame_locator("iframe").get_by_role("heading", name="A page")).to_be_visible()
    shown = next(one for one in page.frames if one != page.main_frame)
    assert shown.url.partition("/")[2].split("/")[1] != page.url.partition("/")[2].split("/")[1]
    assert shown.title() != "ran"


def test_the_other_tabs_tell_the_rest(see, flow):
    page = see(flow, "?tab=parameters")
    expect(page.get_by_role("row", name=re.compile("^rate"))).to_contain_text("learning rate")
    page.get_by_role("tab", name="Code").click()
    expect(page.get_by_label("script.py").first).to_contain_text("PipelineController")
    page.get_by_role("tab", name="Events").click()
    page.get_by_placeholder("Filter events").fill("retry")
    expect(page.locator(".event").first).to_contain_text("attempt 1 failed")
    page.get_by_role("tab", name="Steps").click()
    page.get_by_label("Order").select_option("worst")
    expect(page.locator(".step-row").first).to_contain_text("evaluate")
    page.get_by_role("tab", name="Models").click()
    expect(page.get_by_text("No models")).to_be_visible()


def test_a_failed_run_is_retried_and_rerun_by_an_agent_while_the_page_looks_on(see, place):
    place.run(RUNS, "flow")
    run = place.found("flow #3").run
    place.agent("--queue", "services", "--queue", "default")
    page = see(run)
    page.get_by_role("button", name="Retry failed").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 steps run, 2 steps stay")
    dialog.get_by_role("button", name="Let it go on").click()
    expect(page.locator(".run-facts .status")).to_have_text(re.compile("Queued|Running"))
    expect(page.locator(".run-facts .status")).to_have_text(re.compile("Failed"))
    page.goto(f"{place.url}/runs/{run.id}?step=train")
    page.get_by_role("button", name="Rerun only this").click()
    expect(dialog).to_contain_text("train")
    dialog.get_by_role("button", name="Start a new run").click()
    page.wait_for_url(lambda url: run.id not in url)
    expect(page.locator(".run-facts .status")).to_have_text(re.compile("Completed"))
    assert place.backend.call(GetRun(id=run.id)).run.task.status is Status.FAILED


def test_tags_archive_and_deletion_act_on_the_run(see, place):
    place.run(RUNS, "flow")
    run = place.found("last").run
    page = see(run)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Edit tags").click()
    page.get_by_label("Tags", exact=True).fill("best, nightly")
    page.get_by_role("button", name="Save tags").click()
    expect(page.locator(".run-facts .tag")).to_have_text(["best", "nightly"])
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Archive").click()
    page.get_by_role("button", name="Archive the run").click()
    page.get_by_role("button", name="More").click()
    expect(page.get_by_role("menuitem", name="Bring back from the archive")).to_be_visible()
    page.get_by_role("menuitem", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("list", name="Affected steps")).to_contain_text("evaluate")
    dialog.get_by_role("button", name="Delete the run").click()
    page.wait_for_url("**/runs")


def test_everybody_can_use_it(visit, place, flow):
    one = visit(place=place)
    one.forgiven += PLOTLY
    tabs = ["graph", "timeline", "steps", "logs", "metrics", "artifacts", "models", "parameters", "code", "events"]
    views = ["summary", "logs", "values", "metrics", "plots", "artifacts", "code", "environment"]
    step = "aside"  # the rest was looked at with the tab that lies behind
    shown = [*((f"step=train&view={one}", step) for one in views), ("step=evaluate", "html")]
    for rest, within in [*((f"tab={one}", "html") for one in tabs), *shown]:
        page = one.go(f"/runs/{flow.id}?{rest}")
        page.get_by_role("tabpanel").first.wait_for()
        expect(page.locator(".skeleton")).to_have_count(0)
        one.check_accessible(within)
    page.get_by_role("button", name="Rerun only this").click()
    expect(page.get_by_role("list", name="Affected steps")).to_be_visible()
    one.check_accessible()


def test_on_a_telephone_the_graph_is_a_list_and_a_step_is_a_page(see, flow):
    page = see(flow, viewport=PHONE)
    rows = page.get_by_role("list", name="4 steps").get_by_role("button")
    expect(rows).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    rows.filter(has_text=re.compile("evaluate.*ValueError")).first.click()
    drawer = page.get_by_role("complementary", name="Step evaluate")
    assert drawer.bounding_box()["width"] == PHONE["width"]
    for tab in ("Logs", "Values", "Code"):
        drawer.get_by_role("tab", name=tab).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    drawer.get_by_role("button", name="Close").click()
    page.get_by_role("tab", name="Timeline").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def _begun(place, pipeline, step, statuses=("running",)):
    """Wait until a step of the newest run of a pipeline stands so; return the run."""
    from tests.place import until

    def look():
        found = place.found("last")
        state = next((one for one in found.steps if one.name == step), None)
        is_it = found.run.pipeline == pipeline and found.run.task.status is Status.IN_PROGRESS
        return found.run if is_it and state and state.status in statuses else None

    return until(look)
