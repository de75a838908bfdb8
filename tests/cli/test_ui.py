"""`penstock ui`: a browser gets in at the server that is there, or at one that is started."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import urllib.request

import pytest

from penstock.backend.local import open_local
from penstock.cli import ui
from penstock.cli.ui import _page
from penstock.server.serve import Serving
from penstock.server.thread import serving
from penstock.settings import load


def logs_in(link):
    """Return whether a browser gets in by a link, as the page does it."""
    url, _, code = link.strip().partition("/login#c=")
    headers = {"Content-Type": "application/json", "Origin": url}
    request = urllib.request.Request(f"{url}/login", json.dumps({"code": code}).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return "HttpOnly" in answer.headers["Set-Cookie"]


def test_the_server_of_this_home_is_used(penstock, home):
    own = open_local(load())
    with serving(own, Serving(home=home, port=0)) as address:
        answer = penstock("ui")
        assert answer.out.startswith(address.url)
        assert logs_in(answer.out)
        assert logs_in(penstock("ui", "--json").document()["url"])
    own.close()


def test_the_server_that_the_settings_name_is_used(penstock, site, monkeypatch):
    monkeypatch.setenv("PENSTOCK_URL", site.url)
    monkeypatch.setenv("PENSTOCK_KEY", site.token)
    assert logs_in(penstock("ui").out)


@pytest.mark.parametrize("left", [None, "{", '{"url": "http://127.0.0.1:1", "pid": 4194305}'])
def test_without_one_a_server_is_started_for_this_machine_alone(home, left):
    home.mkdir(exist_ok=True)
    if left is not None:
        (home / "server.json").write_text(left)
    command = [sys.executable, "-m", "penstock", "ui"]
    with subprocess.Popen(
        command, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        link = process.stdout.readline()
        assert link.startswith("http://127.0.0.1:")
        assert logs_in(link)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        assert link not in process.stderr.read()


def test_what_a_browser_is_started_with_holds_no_code(home):
    home.mkdir(exist_ok=True)
    for code in ("one", "two"):
        page = _page(home, f"http://127.0.0.1:1/login#c={code}")
        assert code not in page.as_uri()
        assert f"#c={code}" in page.read_text("utf-8")
        assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_the_page_is_built_from_the_sources_where_there_are_any(penstock, tmp_path, monkeypatch):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "ui").mkdir()
    (tmp_path / "scripts" / "page.py").write_text("open('built', 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ui, "SOURCES", tmp_path)
    assert penstock("ui", "build").code == 0
    assert (tmp_path / "built").exists()
    (tmp_path / "scripts" / "page.py").write_text("raise SystemExit('there is no npm')")
    assert penstock("ui", "build").code == 1
    monkeypatch.setattr(ui, "SOURCES", tmp_path / "nothing")
    answer = penstock("ui", "build")
    assert (answer.code, "a released package holds the page" in answer.err) == (3, True)
