"""Who is let in: by the name they call us, where they come from, who they are. Everything else is refused."""

from __future__ import annotations

import itertools
import socket

import pytest

from penstock.core.rights import RULES
from penstock.ops.base import REGISTRY
from penstock.server.routes import OPEN

HASH = "0" * 64
WITHOUT_A_KEY = {
    ("GET", "/"),
    ("GET", "/assets/{file}"),
    ("GET", "/icon.svg"),
    ("GET", "/healthz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/pages/login.js"),
    ("GET", "/pages/style.css"),
}


@pytest.fixture
def routes(_running):
    """Every route of the server."""
    from penstock.server.app import App
    from penstock.server.serve import hosts

    return App(_running[2], hosts("127.0.0.1", 1), lambda key: pytest.fail("nobody is asked")).table.routes


def test_every_operation_has_a_route_and_every_route_a_policy(routes):
    closed = {name for name, rule in RULES.items() if rule.scope is None}  # they have doors of their own
    assert set(REGISTRY) - closed == {route.name for route in routes} & set(REGISTRY)
    assert all(route.policy is OPEN or route.policy.scope is not None for route in routes)
    assert {(one.method, one.path) for one in routes if one.policy is OPEN} == WITHOUT_A_KEY


def test_nobody_gets_anything_without_a_key(site, routes):
    paths = {route.path.replace("{hash}", HASH) for route in routes}
    paths |= {"/nothing", "/api/v1/Nothing", "/api/v1/blobs/x", "/healthz/", "/login/..", "/;/healthz", "//login"}
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT")
    for path, method in itertools.product(sorted(paths), methods):
        if (method, path) in WITHOUT_A_KEY:
            continue
        for key in (None, "wrong", site.token[:-1]):
            status = site.ask(method, path, key=key).status
            assert status in {401, 429}, (method, path, key)


@pytest.mark.parametrize("said", ["Basic eDp5", "Bearer", "Bearer ", "bearer x", "Digest x", "Bearer \xff", "x" * 500])
def test_a_key_that_is_none_is_refused(site, said):
    assert site.ask("GET", "/metrics", key=None, Authorization=said).status in {401, 429}


OWN_NAMES = ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}"]
OTHER_NAMES = [
    *("", "127.0.0.1", "localhost", "127.0.0.1:1", "127.0.0.1:{port}0", "127.0.0.1.:{port}", "127.1:{port}"),
    *("evil.example:{port}", "localhost.evil.example:{port}", "evil.example", "127.0.0.1:{port}@evil.example"),
    *("0.0.0.0:{port}", "[::]:{port}", "2130706433:{port}", "127.0.0.1:{port}, evil.example", "LOCALHOST:{port}"),
    *(
        "localhost:{port}/",
        "http://localhost:{port}",
        "*",
        "127.0.0.1:{port}.evil.example",
        "[::ffff:127.0.0.1]:{port}",
    ),
]
OTHER_ORIGINS = [
    *("null", "http://evil.example", "http://localhost", "http://127.0.0.1", "http://127.0.0.1:1", "", "file://"),
    *("http://127.0.0.1:{port}.evil.example", "http://evil.example:{port}", "ftp://127.0.0.1:{port}", "*"),
    *("http://127.0.0.1:{port}/", "127.0.0.1:{port}", "http://user@127.0.0.1:{port}", "chrome-extension://x"),
]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_only_our_own_names_are_answered(site, method):
    for name in OTHER_NAMES:
        for path in ("/healthz", "/login", "/api/v1/ListRuns", f"/api/v1/blobs/{HASH}"):
            reply = site.ask(method, path, host=name.format(port=site.port))
            assert reply.status in {400, 421}, (name, path)
    for name in OWN_NAMES:
        assert site.ask("GET", "/healthz", host=name.format(port=site.port)).status == 200


def test_a_request_that_calls_us_twice_is_refused(site):
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: {site.host}\r\nHost: evil.example\r\n\r\n".encode())
        assert b" 200 " not in connection.recv(1000).partition(b"\r\n")[0]


def test_no_page_of_another_site_changes_anything(site):
    ways = {"POST": "/api/v1/ListRuns", "PUT": f"/api/v1/blobs/{HASH}", "DELETE": "/api/v1/ListRuns"}
    for origin, (method, path) in itertools.product(OTHER_ORIGINS, ways.items()):
        assert site.ask(method, path, {}, Origin=origin.format(port=site.port)).status == 403, origin
    for said in ("cross-site", "same-site", "nonsense"):
        assert site.call("ListRuns", Sec_Fetch_Site=said).status == 403, said
    for name, said in itertools.product(OWN_NAMES, ("same-origin", "none")):
        own = f"http://{name.format(port=site.port)}"
        assert site.call("ListRuns", Origin=own, Sec_Fetch_Site=said).status == 200


def test_no_other_site_is_ever_allowed_anything(site):
    for path in ("/", "/api/v1/ListRuns", "/healthz", "/nothing"):
        asked = {"Origin": "http://evil.example", "Access_Control_Request_Method": "POST"}
        reply = site.ask("OPTIONS", path, **asked)
        assert reply.status == 403
        assert not [name for name in reply.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/login"), ("GET", "/nothing"), ("GET", "/reference"), ("POST", "/api/v1/ListRuns"), ("OPTIONS", "/")],
)
def test_every_answer_tells_the_browser_what_it_must_not_do(site, method, path):
    headers = site.ask(method, path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Server" not in headers


def test_what_is_too_large_is_refused(site):
    assert site.ask("GET", "/healthz", **{f"X-{number}": "x" for number in range(120)}).status == 431
    assert site.ask("GET", "/healthz", X="x" * 100_000).status in {400, 431}
    assert site.call("ListRuns", Content_Length=str(10**12)).status == 413


def test_an_error_that_nobody_expected_is_told_by_a_number(site, served, monkeypatch, caplog):
    def fail(op, once=None):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(served, "call", fail)
    reply = site.call("ListRuns")
    assert reply.status == 500
    assert b"secret" not in reply.body
    assert b"Traceback" not in reply.body


def test_who_guesses_keys_has_to_wait_and_who_has_one_has_not(site):
    statuses = [site.ask("GET", "/metrics", key=f"guess {number}").status for number in range(30)]
    assert statuses[-1] == 429
    assert "Retry-After" in site.ask("GET", "/metrics", key="guess").headers
    assert site.ask("GET", "/metrics").status == 200
