"""Browsers log in, by a code or by name and password, and out again; nobody gets in by guessing."""

from __future__ import annotations

import uuid

import pytest

from penstock.core.access import Scope
from penstock.core.secret import Secret
from penstock.ops.access import AddKey, AddUser, ChangeUser, ListUsers
from penstock.ops.audit import ListAudit
from penstock.server.access import Guesses
from penstock.server.sessions import CODE_LIFE

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _nobody_guessed_before(monkeypatch):
    """The server and this address are those of other tests, which try many keys."""
    monkeypatch.setattr(Guesses, "wait", lambda *_: 0.0)


@pytest.fixture
def user(served):
    """The name of a user with this password."""
    if not served.call(ListUsers()):
        served.call(AddUser(name="root", scope=Scope.ADMIN))
    name = f"u{uuid.uuid4().hex[:10]}"
    served.call(AddUser(name=name, scope=Scope.READ, password=Secret(PASSWORD)))
    return name


def by_code(site):
    code = site.call("login-codes").json["code"]
    return site.ask("POST", "/login", {"code": code}, key=None, Origin=site.url)


def by_password(site, user, password=PASSWORD):
    return site.ask("POST", "/login", {"name": user, "password": {"text": password}}, key=None, Origin=site.url)


@pytest.fixture(params=["code", "password"])
def cookie(request, site):
    """The cookie of a browser that is logged in, one way or the other."""
    reply = by_code(site) if request.param == "code" else by_password(site, request.getfixturevalue("user"))
    assert reply.status == 200
    return reply.headers["Set-Cookie"]


def test_a_browser_logs_in_and_stays_so_by_a_cookie_until_it_logs_out(site, cookie):
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert site.token not in cookie
    word = cookie.partition(";")[0]
    assert word.partition("=")[0] == f"penstock_{site.port}", "browsers share cookies among the ports of a machine"
    assert site.ask("GET", "/reference", key=None, Cookie=word).status == 200
    own = {"Origin": site.url, "Cookie": word}
    assert site.call("ListRuns", key=None, **own).status == 200
    assert site.ask("POST", "/logout", {}, key=None, **own).status == 200
    assert site.call("ListRuns", key=None, **own).status == 401


def test_a_cookie_alone_changes_nothing(site, cookie):
    word = cookie.partition(";")[0]
    assert site.call("ListRuns", key=None, Cookie=word).status == 403
    for media in ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded", ""):
        reply = site.call("ListRuns", key=None, Cookie=word, Origin=site.url, Content_Type=media)
        assert reply.status == 415, media
    put = {"Cookie": word, "Origin": site.url, "Content_Type": "application/octet-stream"}
    assert site.ask("PUT", f"/api/v1/blobs/{'0' * 64}", b"x", key=None, **put).status == 415


def test_a_browser_that_is_not_logged_in_is_led_to_the_page_where_it_can(site):
    for cookie in ("", f"penstock_{site.port}=session_aaaaaaaa_{'x' * 43}"):
        for path in ("/reference", "/api/v1/openapi.json"):
            reply = site.ask("GET", path, key=None, Accept="text/html,*/*", Cookie=cookie)
            assert (reply.status, reply.headers["Location"]) == (303, "/login")
            reply = site.ask("GET", path, key=None, Accept="text/html", Cookie=cookie, X_Forwarded_Prefix="/team/one/")
            assert reply.headers["Location"] == "/team/one/login"
    assert site.call("ListRuns", key=None, Accept="text/html").status == 401


def test_a_code_is_good_once(site):
    code = site.call("login-codes").json["code"]
    statuses = [site.ask("POST", "/login", {"code": code}, key=None, Origin=site.url).status for _ in range(2)]
    assert statuses == [200, 401]
    assert CODE_LIFE == 60


def test_a_page_of_another_site_cannot_log_a_browser_in(site, user):
    code = site.call("login-codes").json["code"]
    for given in ({"code": code}, {"name": user, "password": {"text": PASSWORD}}):
        assert site.ask("POST", "/login", given, key=None, Origin="http://evil.example").status == 403
        plain = {"Origin": site.url, "Content_Type": "text/plain"}
        assert site.ask("POST", "/login", given, key=None, **plain).status == 415


def test_who_is_logged_in_by_a_password_may_what_the_user_may(site, user):
    word = by_password(site, user).headers["Set-Cookie"].partition(";")[0]
    own = {"Origin": site.url, "Cookie": word}
    assert site.call("ListRuns", key=None, **own).status == 200
    reply = site.call("DeleteTask", {"id": "x"}, key=None, **own)
    assert (reply.status, reply.json["code"]) == (403, "forbidden")


def test_a_user_who_is_disabled_is_logged_out(site, served, user):
    word = by_password(site, user).headers["Set-Cookie"].partition(";")[0]
    served.call(ChangeUser(name=user, disabled=True))
    assert site.call("ListRuns", key=None, Origin=site.url, Cookie=word).status == 401


def test_a_wrong_name_and_a_wrong_password_are_answered_the_same(site, user):
    wrong, unknown = by_password(site, user, "wrong horse battery"), by_password(site, "nobody-of-this-name")
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    assert wrong.status == 401
    assert wrong.headers["Set-Cookie"] is None


def test_who_guesses_has_to_wait(site, user):
    statuses = [by_password(site, user, "wrong horse battery").status for _ in range(6)]
    assert statuses == [*[401] * 5, 429]
    reply = by_password(site, user)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "60")


def test_the_audit_log_tells_who_logged_in_from_where_and_nothing_of_the_password(site, served, user):
    by_password(site, user, "wrong horse battery")
    word = by_password(site, user).headers["Set-Cookie"].partition(";")[0]
    site.ask("POST", "/logout", {}, key=None, Origin=site.url, Cookie=word)
    rows = [row for row in served.call(ListAudit(limit=50)) if row.object == user and row.operation == "LogIn"]
    assert {(row.result, row.address) for row in rows} == {("unauthenticated", "127.0.0.1"), ("done", "127.0.0.1")}
    assert "LogOut" in {row.operation for row in served.call(ListAudit(limit=50))}


def test_an_error_does_not_show_the_password(site):
    for given in ({"name": 1, "password": {"text": PASSWORD}}, {"name": "x", "password": PASSWORD}):
        reply = site.ask("POST", "/login", given, key=None, Origin=site.url)
        assert reply.status == 422
        assert PASSWORD.encode() not in reply.body


def test_a_key_is_no_session(site, served, user):
    """A cookie that holds a key would let every page of this machine's other ports read it."""
    key = served.call(AddKey(owner=user, scope=Scope.READ)).secret.text
    assert site.call("ListRuns", key=key).status == 200
    for word in (site.token, key):
        assert site.call("ListRuns", key=None, Origin=site.url, Cookie=f"penstock_{site.port}={word}").status == 401
