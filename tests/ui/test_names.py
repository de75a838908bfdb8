"""Whatever people name their things: it is shown as text, and nothing in it is carried out: 300 texts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect
from tests.place import Place
from tests.ui.hostile import ALL, RUN
from tests.ui.records import CODE

from penstock.core.access import Scope
from penstock.core.outputs import Model
from penstock.core.parameters import Declared
from penstock.core.pipeline import Pipeline, Step
from penstock.core.task import Configuration, Container, EndReason, Parameter, Script, Status, Worker
from penstock.ops.access import AddKey, AddUser
from penstock.ops.agents import Agent, ReportAgent
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.models import AddModel, LinkModel
from penstock.ops.queues import CreateQueue
from penstock.ops.runs import CreateRun, EndRun, StartRun
from penstock.ops.tag_limits import SetTagLimit
from penstock.ops.tasks import CreateTask, NewTask, SetConfiguration, SetParameters

TEXTS = [text.replace("\0", "") for text in ALL]
LINES = [text for text in TEXTS if text.isprintable()]
WORKER = Worker(host=LINES[0], pid=1)
HERE = "x"  # the project of what is opened by itself
SHOWN = {"/": 50}  # which lists pipelines by pages
SCREENS = ["/", "/runs", "/tasks", "/models", "/queues", "/agents", "/settings"]


def _one_of_each(call, number, text):
    """Let one text be the name of a run that failed, of its pipeline and project, of a task, a model, an agent, ..."""
    run, task = f"{number:031x}a", f"{number:031x}b"
    script = Script(source=text, entry_point=text)
    new = NewTask(id=run, name=text, project=text, tags=(text,), comment=text, user=text, script=script)
    call(CreateRun(pipeline=text, project=text, task=new))
    definition = Pipeline(name=text, project=text, steps=(Step(name="s", code="c"),), code={"c": script})
    call(StartRun(id=run, definition=definition, worker=WORKER))
    call(EndRun(id=run, status=Status.FAILED, reason=EndReason.EXCEPTION, message=text))
    plain = NewTask(id=task, name=text, project=text, tags=(text,), comment=text, user=text, script=Script(source=CODE))
    call(CreateTask(task=plain))
    model = Model(
        id=f"{number:032x}", task="", project=text, name=text, url=text, comment=text, tags=(text,), framework=text,
        metadata={text: text}, labels={text: 1}, design=text, facts={"file_name": text},
    )  # fmt: skip
    call(AddModel(model=model))
    call(ReportAgent(agent=Agent(name=text, process=WORKER, queues=(text,)), seconds=100_000.0))


def _of_a_line(call, number, text):
    """Let a text of one line be the name of a queue in which something waits, of a limit, and of a key."""
    call(CreateQueue(name=text))
    call(EnqueueTask(id=f"{TEXTS.index(text):031x}b", queue=text))
    call(SetTagLimit(tag=text, limit=number + 1))
    call(AddKey(owner="ada", name=text, scope=Scope.READ))


def _all_in_one(call):
    """Record a run, a task and a model in which every field that can hold them holds all of the texts."""
    run, task, model = (letter * 32 for letter in "def")
    whole = "\n".join(TEXTS)
    script = Script(source=whole, entry_point=LINES[0], repository=LINES[1], branch=LINES[2], diff=whole)
    values = tuple(Parameter(section="Args", name=text, value=text, type="str", description=text) for text in TEXTS)
    tags = tuple(TEXTS)
    said = {text: Declared(default=text, choices=(text, "other")) for text in TEXTS[::2]}
    definition = Pipeline(
        name="p", project=HERE, parameters=values, declared=said, steps=(Step(name="s", code="c"),), code={"c": script}
    )
    call(
        CreateRun(pipeline="p", project=HERE, task=NewTask(id=run, name="all", project=HERE, tags=tags, script=script))
    )
    call(SetParameters(task=run, parameters=values))
    call(StartRun(id=run, definition=definition, worker=WORKER))
    call(EndRun(id=run, status=Status.FAILED, reason=EndReason.EXCEPTION, message=whole))
    container = Container(image=LINES[0])
    call(CreateTask(task=NewTask(id=task, name="all", project=HERE, tags=tags, comment=whole, script=script,
                                 container=container, parameters=values)))  # fmt: skip
    for text in TEXTS:
        call(SetConfiguration(task=task, configuration=Configuration(name=text, text=text)))
    call(AddModel(model=Model(id=model, task="", project=HERE, name="all", url=whole, comment=whole, tags=tags,
                              metadata={text: text for text in TEXTS}, labels=dict.fromkeys(TEXTS, 1), design=whole,
                              facts={"file_name": TEXTS[0]})))  # fmt: skip
    call(LinkModel(task=task, model=model, direction="input", name=TEXTS[0]))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("names"), server=True)
    call = place.backend.call
    call(AddUser(name="root", scope=Scope.ADMIN))
    call(AddUser(name="ada", scope=Scope.READ))
    with place.without_server() as home:
        for number, text in enumerate(TEXTS):
            _one_of_each(home.call, number, text)
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda one: _of_a_line(call, *one), enumerate(LINES)):
            pass
    _all_in_one(call)
    yield place
    place.close()


WALK = """async texts => {
    const moves = one => /auto|scroll/.test(getComputedStyle(one).overflowY);
    const scrolls = one => one.scrollHeight > one.clientHeight + 4 && moves(one);
    const frame = () => new Promise(next => requestAnimationFrame(() => setTimeout(next, 20)));
    const found = new Set();
    const look = () => {
        const seen = document.querySelector("main").textContent.replaceAll(/\\s/g, "");
        for (const text of texts) if (!found.has(text) && seen.includes(text)) found.add(text);
    };
    look();
    for (const one of [...document.querySelectorAll("main, main *")].filter(scrolls)) {
        if (one.parentElement.closest("[data-walked]")) continue;
        one.dataset.walked = "";
        for (let turn = 0; turn < 120 && one.scrollTop + one.clientHeight < one.scrollHeight - 1; turn++) {
            one.scrollTop += one.clientHeight;
            await frame();
            look();
        }
    }
    return found.size;
}"""
"""Go through all that scrolls, so that each row of each list was an element once; return how many texts were there."""
STRANGE = (
    "main :is(script, iframe, object, embed, base, meta, marquee, details[ontoggle], [onerror], [onload], [onfocus]),"
    " main :is(a, form, iframe)[href^='javascript' i], main [action^='javascript' i], main [src^='javascript' i]"
)


def check(page):
    """Fail if anything ran, or became an element. Return how many of the texts were written on the screen."""
    expect(page.locator(".skeleton")).to_have_count(0)
    found = page.evaluate(WALK, ["".join(text.split()) for text in LINES])
    assert page.evaluate("window.hit") is None
    assert page.evaluate("strange => document.querySelectorAll(strange).length", STRANGE) == 0
    return found


@pytest.mark.parametrize("path", SCREENS)
def test_what_people_name_their_things_is_text(visit, place, path):
    page = visit(place=place).go(path)
    page.get_by_role("heading", level=1).wait_for()
    if path != "/settings":
        page.locator("main").get_by_text(RUN).locator("visible=true").first.wait_for()
    assert check(page) >= SHOWN.get(path, len(LINES)), "each of them was shown once"


@pytest.mark.parametrize(
    "path",
    [
        f"/runs/{'d' * 32}?tab=parameters",
        f"/runs/{'d' * 32}?tab=code",
        f"/new?source={'d' * 32}",
        f"/compare?runs={'d' * 32},{0:031x}a",
        f"/grid?project={HERE}&pipeline=p",
        f"/tasks/{'e' * 32}",
        f"/tasks/{'e' * 32}?tab=code",
        f"/tasks/{'e' * 32}?tab=models",
        f"/models/{'f' * 32}",
    ],
)
def test_what_one_thing_holds_is_text(visit, place, path):
    page = visit(place=place).go(path)
    page.get_by_role("heading", level=1).wait_for()
    check(page)


def test_what_is_beside_a_list_and_what_is_found_is_text(visit, place):
    text = "<img src=x onerror=window.hit=1>"
    page = visit(place=place).go("/queues")
    page.get_by_role("link", name=text, exact=True).click()
    expect(page.get_by_role("button", name=f"1: move {text}")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("onerror")
    expect(page.get_by_role("option").first).to_be_visible()
    check(page)
