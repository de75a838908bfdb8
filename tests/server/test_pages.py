"""Logging in with a browser, the pages, and what tells whether the server is well."""

from __future__ import annotations

import re

import pytest

from penstock.server import loops
from penstock.server.sessions import CODE_LIFE


@pytest.fixture
def cookie(site):
    """The cookie of a browser that is logged in."""
    code = site.call("login-codes").json["code"]
    reply = site.ask("POST", "/login", {"code": code}, key=None, Origin=site.url)
    assert reply.status == 200
    return reply.headers["Set-Cookie"]


def test_a_browser_logs_in_by_a_code_and_stays_so_by_a_cookie(site, cookie):
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert site.token not in cookie
    word = cookie.partition(";")[0]
    assert word.partition("=")[0] == f"penstock_{site.port}", "browsers share cookies among the ports of a machine"
    assert site.ask("GET", "/reference", key=None, Cookie=word).status == 200
    own = {"Origin": site.url, "Cookie": word}
    assert site.call("ListRuns", key=None, **own).status == 200
    assert site.ask("POST", "/logout", {}, key=None, **own).status == 200
    assert site.ask("GET", "/reference", key=None, Cookie=word).status == 401


def test_a_cookie_alone_changes_nothing(site, cookie):
    word = cookie.partition(";")[0]
    assert site.call("ListRuns", key=None, Cookie=word).status == 403
    for media in ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded", ""):
        reply = site.call("ListRuns", key=None, Cookie=word, Origin=site.url, Content_Type=media)
        assert reply.status == 415, media
    put = {"Cookie": word, "Origin": site.url, "Content_Type": "application/octet-stream"}
    assert site.ask("PUT", f"/api/v1/blobs/{'0' * 64}", b"x", key=None, **put).status == 415


def test_a_code_is_good_once(site):
    code = site.call("login-codes").json["code"]
    statuses = [site.ask("POST", "/login", {"code": code}, key=None, Origin=site.url).status for _ in range(2)]
    assert statuses == [200, 401]
    assert CODE_LIFE == 60


def test_a_page_of_another_site_cannot_log_a_browser_in(site):
    code = site.call("login-codes").json["code"]
    assert site.ask("POST", "/login", {"code": code}, key=None, Origin="http://evil.example").status == 403


@pytest.mark.parametrize("path", ["/login", "/reference"])
def test_the_pages_ask_nobody_else_for_anything(site, path):
    page = site.ask("GET", path).body.decode()
    assert re.findall(r'(?:src|href)="(?!/|#)[^"]*"', page) == []
    assert "<script>" not in page
    assert "style=" not in page
    for name in re.findall(r'(?:src|href)="(/[^"]*)"', page):
        assert site.ask("GET", name).status == 200, name


def test_the_reference_names_every_operation_and_what_it_takes(site):
    page = site.ask("GET", "/reference").body.decode()
    assert "POST /api/v1/GetTask" in page
    assert "<code>list[penstock" not in page
    assert "Return the task; raise NotFound when there is none of this id." in page


def test_the_server_is_well_when_its_loops_do_their_work(site, monkeypatch):
    reply = site.ask("GET", "/healthz", key=None)
    assert reply.status == 200
    assert reply.json["well"] is True
    assert set(reply.json["loops"]) == {"changes", "leases", "tidying"}
    monkeypatch.setattr(loops.Loop, "is_late", property(lambda self: self.name == "changes"))
    reply = site.ask("GET", "/healthz", key=None)
    assert (reply.status, reply.json["well"]) == (503, False)


def test_the_metrics_tell_of_requests_loops_and_the_feed(site):
    site.call("ListRuns")
    text = site.ask("GET", "/metrics").body.decode()
    for wanted in ('penstock_requests_total{operation="ListRuns",status="200"}', "penstock_waiting_clients 0.0",
                   'penstock_loop_age_seconds{loop="changes"}', "penstock_change_seq"):  # fmt: skip
        assert wanted in text, wanted
