"""The pages, and what tells whether the server is well."""

from __future__ import annotations

import re

import pytest

from penstock.server import loops


@pytest.mark.parametrize("path", ["/login", "/reference"])
def test_the_pages_ask_nobody_else_for_anything(site, path):
    page = site.ask("GET", path).body.decode()
    assert re.findall(r'(?:src|href)="(?:[a-z]+:|/)[^"]*"', page) == []
    assert "<script>" not in page
    assert "style=" not in page
    for name in re.findall(r'(?:src|href)="([^"#]+)"', page):
        assert site.ask("GET", f"/{name}").status == 200, name


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
