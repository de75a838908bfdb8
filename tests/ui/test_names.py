"""Whatever people name their things: it is shown as text, and nothing in it is carried out."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.place import Place
from tests.ui.records import draft, queued

from penstock.core.outputs import Model
from penstock.ops.models import AddModel
from penstock.ops.tag_limits import SetTagLimit

pytestmark = pytest.mark.xdist_group("page")

HOSTILE = [
    "<script>window.hurt = 1</script>",
    "<img src=x onerror='window.hurt = 1'>",
    "<svg onload=window.hurt=1>",
    "\"><b onmouseover=window.hurt=1 style='position:fixed;inset:0'>",
    "javascript:window.hurt=1",
    "{{constructor.constructor('window.hurt=1')()}}",
    "${window.hurt=1}",
    "</textarea></title></style></script><iframe srcdoc='<script>parent.hurt=1</script>'>",
    "<a href='javascript:window.hurt=1'>here</a>",
    "\u202eetirw ot thgir <details open ontoggle=window.hurt=1>",
]
LONG = "<i>" * 60


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("names"), server=True)
    for number, text in enumerate([*HOSTILE, LONG]):
        name = text[:200]
        queued(place, name if name.isprintable() else "plain", name)
        model = Model(
            id=f"{number:032x}", task="", project=name, name=name, url=name, comment=text, tags=(name,),
            framework=name, metadata={name: text}, labels={name: 1}, design=text, facts={"file_name": name},
        )  # fmt: skip
        place.backend.call(AddModel(model=model))
        if name.isprintable():
            place.backend.call(SetTagLimit(tag=name, limit=1))
    draft(
        place, HOSTILE[0], project=HOSTILE[1], code=HOSTILE[2], parameters={HOSTILE[3]: HOSTILE[4]}, comment=HOSTILE[5]
    )
    yield place
    place.close()


@pytest.mark.parametrize("path", ["/queues", "/models", "/models/" + "0" * 31 + "7", "/tasks", "/agents", "/settings"])
def test_what_people_name_their_things_is_text(visit, place, path):
    page = visit(place=place).go(path)
    page.get_by_role("heading", level=1).wait_for()
    if path in {"/queues", "/models", "/tasks"}:
        expect(page.get_by_role("link", name=HOSTILE[1]).first).to_be_visible()
    for element in page.locator("main a, main button").all()[:40]:
        element.hover(force=True, trial=True)
    assert page.evaluate("window.hurt") is None
    assert (
        page.locator("main script, main iframe, main [onerror], main [onload], main a[href^='javascript']").count() == 0
    )


def test_what_is_beside_a_list_and_what_is_found_is_text(visit, place):
    page = visit(place=place).go("/queues")
    page.get_by_role("link", name=HOSTILE[1]).click()
    expect(page.get_by_role("button", name=f"1: move {HOSTILE[1]}")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("onerror")
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.evaluate("window.hurt") is None
    page.keyboard.press("Escape")
    page.goto(f"{place.url}/tasks")
    page.get_by_role("link", name=HOSTILE[0]).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE[0])
    page.get_by_role("tab", name="Code").click()
    assert page.evaluate("window.hurt") is None
