"""The page behind a proxy that shows the server under a prefix."""

from __future__ import annotations

import http.client
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect
from tests.place import Place
from tests.ui.conftest import RUNS

PREFIX = "/team/penstock"


class Prefixed(BaseHTTPRequestHandler):
    """Takes the prefix off, says it in the header, and passes answers on as they come."""

    to = 0

    def _pass_on(self):
        if not self.path.startswith(f"{PREFIX}/"):
            self.send_error(404, "not of this server")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        there = http.client.HTTPConnection("127.0.0.1", self.to)
        sent = {**self.headers, "X-Forwarded-Prefix": PREFIX, "Connection": "close"}
        there.request(self.command, self.path.removeprefix(PREFIX), body, sent)
        answer = there.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            while piece := answer.read1(65536):
                self.wfile.write(piece)
                self.wfile.flush()
        except OSError:
            pass  # the browser has left
        there.close()

    do_GET = do_POST = _pass_on  # noqa: N815 - the names that http.server calls

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def prefixed(tmp_path):
    """A server, and the address under which a proxy shows it."""
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Prefixed)
    proxy.daemon_threads = True
    place = Place(tmp_path, server=True, names=(f"127.0.0.1:{proxy.server_port}",))
    Prefixed.to = place.port
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield place, f"http://127.0.0.1:{proxy.server_port}{PREFIX}"
    proxy.shutdown()
    proxy.server_close()
    place.close()


def test_everything_works_under_a_prefix(visit, prefixed):
    place, address = prefixed
    place.run(RUNS)
    one = visit(place=place, logged_in=False)
    one.host = address.split("/")[2]
    page = one.page
    page.goto(f"{address}/runs")
    page.wait_for_url(f"{address}/login")
    page.goto(f"{address}/login#c={place.penstock('ui').strip().partition('#c=')[2]}")
    page.wait_for_url(f"{address}/runs")
    expect(page.locator(".live")).to_have_attribute("data-state", "live")
    page.get_by_role("link", name="train-pipeline #2", exact=True).click()
    page.wait_for_url(re.compile(f"{address}/runs/[0-9a-f]{{32}}"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("train-pipeline #2")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("train-pipeline #2")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Pipelines").click()
    expect(page.locator("[data-pipeline=prepare]")).to_be_visible()
