"""What somebody does elsewhere is seen in an open page without a reload: names, tags, the archive, models, users."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import expect
from tests.place import Place
from tests.ui.records import draft

from penstock.core.access import Scope
from penstock.core.outputs import Model
from penstock.core.task import Parameter
from penstock.ops.access import AddKey, AddUser, RemoveUser, RevokeKey
from penstock.ops.lifecycle import ArchiveTask, CloneTask, Copied
from penstock.ops.models import AddModel, ArchiveModel, ChangeModel
from penstock.ops.runs import ArchiveRun, CloneRun, CreateRun
from penstock.ops.tasks import DescribeTask, NewTask, SetParameters


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    found = Place(tmp_path_factory.mktemp("live"), server=True)
    yield found
    found.close()


def test_tags_names_and_the_archive_of_runs_and_tasks(visit, own):
    call = own.backend.call
    run, task = uuid4().hex, draft(own, "plain")
    call(CreateRun(pipeline="flow", project="demo", task=NewTask(id=run, name="flow", project="demo")))
    runs, tasks, one = (visit(place=own).go(path) for path in ("/runs", "/tasks?project=demo%2Firis", f"/tasks/{task}"))
    for page, name in ((runs, "flow"), (tasks, "plain"), (one, "plain")):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    call(DescribeTask(id=run, add_tags=("brand-new",)))
    expect(runs.get_by_text("brand-new")).to_be_visible()
    call(DescribeTask(id=task, name="renamed"))
    expect(tasks.get_by_text("renamed").first).to_be_visible()
    expect(one.get_by_text("renamed").first).to_be_visible()
    call(SetParameters(task=task, parameters=(Parameter(section="Args", name="told-late", value=1),)))
    expect(one.get_by_text("told-late").first).to_be_visible()
    call(ArchiveRun(id=run))
    expect(runs.get_by_text("brand-new")).to_have_count(0)
    call(ArchiveTask(id=task))
    expect(tasks.get_by_text("renamed")).to_have_count(0)


def test_new_drafts_in_both_tabs_of_a_browser(visit, own):
    call = own.backend.call
    task = draft(own, "copied")
    one = visit(place=own)
    runs = one.go("/runs")
    tasks = one.context.new_page()
    tasks.goto(f"{own.url}/tasks?project=demo%2Firis")
    tasks.locator(".live[data-state=live]").wait_for()
    expect(tasks.get_by_text("copied", exact=True).first).to_be_visible()
    run, clone = uuid4().hex, uuid4().hex
    call(CreateRun(pipeline="brand", project="demo", task=NewTask(id=run, name="a-new-draft", project="demo")))
    expect(runs.get_by_text("a-new-draft").first).to_be_visible()
    call(CloneTask(source=task, clone=Copied(id=clone, name="a-new-clone")))
    expect(tasks.get_by_text("a-new-clone").first).to_be_visible()
    call(CloneRun(source=run, clone=Copied(id=uuid4().hex)))
    expect(runs.locator("[data-run]").filter(has_text="Draft")).to_have_count(2)


def test_models(visit, own):
    call = own.backend.call
    task, id = draft(own, "maker"), uuid4().hex
    page = visit(place=own).go("/models")
    expect(page.get_by_role("heading", name="Models", level=1)).to_be_visible()
    call(AddModel(model=Model(id=id, name="net", task=task, project="demo", direction="output", url="")))
    expect(page.get_by_text("net", exact=True).first).to_be_visible()
    call(ChangeModel(id=id, task=task, tags=("best-of-all",)))
    expect(page.get_by_text("best-of-all").first).to_be_visible()
    call(ArchiveModel(id=id, task=task))
    expect(page.get_by_text("best-of-all")).to_have_count(0)


def test_a_page_that_nobody_touches_asks_now_and_then_whether_the_server_is_there(visit, own):
    one = visit(place=own)
    one.forgiven += "|ERR_FAILED|Failed to load"
    one.page.clock.install()
    page = one.go("/queues")
    with page.expect_request("**/api/v1/LastChange"):
        page.clock.run_for(11_000)
    one.context.route("**/api/v1/**", lambda route: route.abort())  # a network that is cut leaves the stream as it was
    page.clock.run_for(25_000)
    expect(page.locator(".live[data-state=reconnecting]")).to_be_visible()
    one.context.unroute("**/api/v1/**")
    page.clock.run_for(20_000)
    expect(page.locator(".live[data-state=live]")).to_be_visible()


def test_users_and_keys(visit, own):
    call = own.backend.call
    page = visit(place=own).go("/settings")
    expect(page.get_by_role("heading", name="Settings", level=1)).to_be_visible()
    call(AddUser(name="root", scope=Scope.ADMIN))
    call(AddUser(name="ada", scope=Scope.RUN))
    users = page.get_by_role("table", name="Users")
    expect(users.get_by_text("ada", exact=True)).to_be_visible()
    key = call(AddKey(owner="ada", name="of-her-laptop", scope=Scope.RUN)).key
    expect(page.get_by_text("of-her-laptop").first).to_be_visible()
    call(RevokeKey(id=key.id))
    expect(page.get_by_role("row", name="of-her-laptop").get_by_text("revoked")).to_be_visible()
    call(RemoveUser(name="ada"))
    expect(users.get_by_text("ada", exact=True)).to_have_count(0)
