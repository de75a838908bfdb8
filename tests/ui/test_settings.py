"""Settings in the page: colours, users, keys that are shown once, one's own password."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect
from tests.place import Place
from tests.ui.conftest import PHONE

from penstock.core.access import Scope
from penstock.core.secret import Secret
from penstock.ops.access import AddUser, ListKeys, ListUsers


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("settings"), server=True)
    place.backend.call(AddUser(name="root@here", scope=Scope.ADMIN))
    yield place
    place.close()


def user(place, name):
    return next((one for one in place.backend.call(ListUsers()) if one.name == name), None)


def comes_with(place, key, *arguments):
    """Carry a command out as somebody who comes with this key."""
    variables = os.environ | place.environment | {"PENSTOCK_KEY": key}
    command = [sys.executable, "-m", "penstock", *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def test_colours_are_chosen(visit, place):
    page = visit(place=place).go("/settings")
    page.get_by_role("radio", name="Dark").check()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_user_is_added_changed_refused_and_removed(visit, place):
    page = visit(place=place).go("/settings")
    page.get_by_role("button", name="New user").click()
    page.get_by_role("textbox", name="Name").fill("bo")
    page.get_by_label("They may").select_option("write")
    page.get_by_label("Projects").fill("demo, other")
    page.get_by_label("Password").fill("a long enough password")
    page.get_by_role("button", name="Add user").click()
    row = page.get_by_role("row", name="bo look")
    expect(row).to_contain_text("in demo, other")
    assert (user(place, "bo").scope, user(place, "bo").projects) == (Scope.WRITE, ("demo", "other"))
    page.get_by_role("button", name="More of bo").click()
    page.get_by_role("menuitem", name="Change what they may").click()
    page.get_by_label("They may").select_option("read")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="bo look at everything")).to_be_visible()
    page.get_by_role("button", name="More of bo").click()
    page.get_by_role("menuitem", name="Refuse").click()
    expect(page.get_by_role("row", name="bo refused")).to_be_visible()
    page.get_by_role("button", name="More of bo").click()
    page.get_by_role("menuitem", name="Remove").click()
    page.get_by_role("button", name="Remove user").click()
    expect(page.locator("tr", has_text="bo").filter(has_text="refused")).to_have_count(0)  # also behind the dialog
    assert user(place, "bo") is None


def test_a_key_is_shown_once_works_and_is_revoked(visit, place):
    page = visit(place=place).go("/settings")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("What it is for").fill("nightly")
    page.get_by_label("It may").select_option("read")
    page.get_by_role("button", name="Make key").click()
    key = page.get_by_role("figure", name="The key").locator("pre").inner_text().strip()
    assert comes_with(place, key, "runs").returncode == 0
    page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_role("row", name="nightly")).to_be_visible()
    assert key not in page.content()
    page.reload()
    page.get_by_role("button", name="Revoke nightly").click()
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_role("row", name="nightly")).to_contain_text("revoked")
    assert place.backend.call(ListKeys())[0].revoked
    assert comes_with(place, key, "runs").returncode != 0


def test_somebody_who_logged_in_changes_their_password_and_logs_out(visit, place):
    place.backend.call(AddUser(name="cy", scope=Scope.READ, password=Secret("the first password")))
    page = visit(place=place, logged_in=False).page
    page.goto(f"{place.url}/login")
    page.get_by_label("Name").fill("cy")
    page.get_by_label("Password").fill("the first password")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{place.url}/")
    page.goto(f"{place.url}/settings")
    expect(page.get_by_role("heading", name="Users")).to_have_count(0)
    page.get_by_role("button", name="Change password").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("cy")
    dialog.get_by_label("Password that holds now").fill("not the password")
    dialog.get_by_label("New password").fill("the second password")
    dialog.get_by_role("button", name="Change password").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("Password that holds now").fill("the first password")
    dialog.get_by_role("button", name="Change password").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE}])
def test_settings_can_be_used_by_everybody(visit, place, options):
    looker = visit(place=place, **options)
    page = looker.go("/settings")
    expect(page.get_by_role("button", name="More of root@here")).to_be_visible()
    looker.check_accessible()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
