"""How the web page is handed out: which files, with which headers, and what stands there while it is not built."""

from __future__ import annotations

import asyncio
import gzip
import re

import pytest
from starlette.requests import Request

from penstock.server.answers import Refused
from penstock.server.files import Origin
from penstock.server.page import Page
from penstock.server.routes import NOBODY, Table

DOCUMENT = (
    '<head><base href="/" /><meta name="csp-nonce" content="" /><meta name="agents" content="" />'
    '<script src="./assets/index-a1.js"></script></head>'
)
HTML = {"accept": "text/html,*/*"}


@pytest.fixture
def built(tmp_path):
    """A folder as the build leaves it."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(DOCUMENT)
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / "stamp.txt").write_text("x")
    (tmp_path / "assets" / "index-a1.js").write_text("let a = 1;")
    (tmp_path / "assets" / "index-a1.js.gz").write_bytes(gzip.compress(b"let a = 1;"))
    return tmp_path


def get(folder, path, *, attended=False, **headers):
    page = Page(Origin(names=frozenset({"127.0.0.1:9"}), port=9), folder, attended=attended)
    sent = {"host": "127.0.0.1:8", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in sent.items()]
    request = Request({"type": "http", "method": "GET", "path": path, "headers": raw, "query_string": b""})
    methods, found = Table(page.routes(), page.fallback()).find(path, for_page="text/html" in sent.get("accept", ""))
    request.scope["path_params"] = found
    return asyncio.run(methods["GET"].endpoint(request, NOBODY)) if methods else None


@pytest.mark.parametrize("path", ["/", "/runs", "/runs/0123", "/pipelines/a%20b/new", "/nothing/at/all.html"])
def test_every_address_in_the_page_gets_its_document(built, path):
    answer = get(built, path, **HTML)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"
    assert b"index-a1.js" in answer.body


def test_programs_and_the_api_are_never_answered_with_the_page(built):
    assert get(built, "/nothing", accept="application/json") is None
    assert get(built, "/api/v1/Nothing", **HTML) is None


def test_files_whose_names_change_with_their_content_are_kept_for_ever(built):
    answer = get(built, "/assets/index-a1.js")
    assert (answer.body, answer.media_type) == (b"let a = 1;", "text/javascript")
    assert "immutable" in answer.headers["Cache-Control"]
    packed = get(built, "/assets/index-a1.js", accept_encoding="gzip, br")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == b"let a = 1;"
    assert "immutable" not in get(built, "/icon.svg").headers["Cache-Control"]


@pytest.mark.parametrize("name", ["nothing.js", "..", ".hidden", "stamp.txt", "a/b.js", "..%2Findex.html"])
def test_nothing_else_of_the_machine_is_handed_out(built, name):
    with pytest.raises((Refused, AssertionError)):
        assert get(built, f"/assets/{name}") is not None


def test_the_page_may_speak_with_this_server_alone(built):
    answer = get(built, "/", **HTML)
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-src"] == "http://127.0.0.1:9"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(policy)
    nonce = re.search(r"'nonce-([\w-]{20,})'", policy["style-src"])[1]
    assert f'content="{nonce}"' in answer.body.decode()
    assert nonce not in get(built, "/", **HTML).headers["Content-Security-Policy"]


def test_it_knows_whether_agents_start_by_themselves(built):
    assert b'<meta name="agents" content="" />' in get(built, "/", **HTML).body
    assert b'<meta name="agents" content="start" />' in get(built, "/", attended=True, **HTML).body


def test_a_proxy_may_show_it_under_a_prefix(built):
    assert b'<base href="/" />' in get(built, "/runs", **HTML).body
    assert b'<base href="/team/one/" />' in get(built, "/runs", **HTML, x_forwarded_prefix="/team/one/").body


@pytest.mark.parametrize(
    "prefix", ["//evil.example", "https://evil.example", '/"><script>', "/a//b", "/" + "a" * 5_000]
)
def test_a_prefix_that_is_none_does_not_count(built, prefix):
    assert b'<base href="/" />' in get(built, "/runs", **HTML, x_forwarded_prefix=prefix).body


def test_where_it_is_not_built_a_page_says_how(tmp_path):
    answer = get(tmp_path, "/runs", **HTML)
    assert answer.status_code == 503
    assert b"penstock ui build" in answer.body
    assert b"http" not in answer.body
