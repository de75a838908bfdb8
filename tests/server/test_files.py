"""What tasks stored, shown to browsers: under another origin, in a sandbox, by signed addresses, and to nobody else."""

from __future__ import annotations

import http.client
import re
import uuid
from urllib.parse import urlsplit

import pytest
from tests.conftest import Reply

from penstock.core.access import Scope
from penstock.core.outputs import Artifact, Model
from penstock.ops.access import AddKey, AddUser, ListUsers
from penstock.ops.models import AddModel
from penstock.ops.outputs import AddArtifact
from penstock.ops.tasks import CreateTask, NewTask
from penstock.server.files import LIFE, Origin, Signatures, file_name
from penstock.server.serve import hosts

HTML = b"<script>fetch('/api/v1/ListRuns', {method: 'POST'})</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


@pytest.fixture
def store(served):
    """Return what stores bytes as an artifact of a new task; it returns what asks for the artifact."""

    def store(data, name="page", format="file", **metadata):
        task = uuid.uuid4().hex
        served.call(CreateTask(task=NewTask(id=task, name="t", project="P")))
        blob = served.blobs.put_bytes(data)
        facts = {"format": format, "type": "t", "url": "", "hash": blob.hash, "size": blob.size, "metadata": metadata}
        served.call(AddArtifact(artifact=Artifact(task=task, name=name, **facts)))
        return {"task": task, "artifact": name}

    return store


def fetch(url, method="GET", host=None, **headers):
    """Ask for a URL as a browser would; the path goes as it is."""
    there = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", there.port, timeout=30)
    try:
        connection.putrequest(method, url.removeprefix(f"http://{there.netloc}"), skip_host=True)
        connection.putheader("Host", there.netloc if host is None else host)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        return Reply(connection.getresponse())
    finally:
        connection.close()


@pytest.fixture
def link(site, store):
    """Return what stores bytes and returns where a browser finds them."""

    def link(data, **facts):
        reply = site.call("file-links", store(data, **facts))
        assert reply.status == 200, reply.body
        return reply.json["url"]

    return link


@pytest.mark.parametrize(
    ("data", "name", "media", "how"),
    [
        (HTML, "a.html", "text/html; charset=utf-8", "inline"),
        (SVG, "a.SVG", "image/svg+xml", "inline"),
        (HTML, "a.png", "image/png", "inline"),  # it is none, and nosniff keeps it from being a page
        (HTML, "a.txt", "text/plain; charset=utf-8", "inline"),
        (HTML, "a.js", "application/octet-stream", "attachment"),
        (HTML, "a.xhtml", "application/octet-stream", "attachment"),
        (HTML, "a.pdf", "application/octet-stream", "attachment"),
        (HTML, "html", "application/octet-stream", "attachment"),
        (HTML, "a.html.", "text/html; charset=utf-8", "inline"),
    ],
)
def test_users_bytes_are_shown_in_a_sandbox_without_scripts_or_saved_to_a_file(link, data, name, media, how):
    reply = fetch(link(data, file_name=name))
    policy = reply.headers["Content-Security-Policy"].split("; ")
    assert (reply.status, reply.body) == (200, data)
    assert {"sandbox", "default-src 'none'", "form-action 'none'"} <= set(policy)
    assert not [one for one in policy if "script" in one or "allow-" in one]
    assert reply.headers["Content-Type"] == media
    assert reply.headers["Content-Disposition"].partition(";")[0] == how
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in reply.headers["Cache-Control"]


def test_artifacts_that_were_no_files_and_models_are_shown_too(site, served, store):
    for format, media in (("json", "application/json"), ("text", "text/plain; charset=utf-8"), ("png", "image/png"),
                          ("pickle", "application/octet-stream"), ("folder", "application/octet-stream")):  # fmt: skip
        reply = fetch(site.call("file-links", store(b"1", format=format)).json["url"])
        assert reply.headers["Content-Type"] == media
    blob = served.blobs.put_bytes(b"weights")
    model = Model(id=uuid.uuid4().hex, task="", project="P", name="net", url="", hash=blob.hash, size=blob.size)
    served.call(AddModel(model=model))
    assert fetch(site.call("file-links", {"model": model.id}).json["url"]).body == b"weights"


def test_a_part_of_the_bytes_can_be_asked_for(link):
    reply = fetch(link(b"0123456789", file_name="a.txt"), Range="bytes=2-4")
    assert (reply.status, reply.body) == (206, b"234")


def test_the_first_origin_shows_no_users_bytes_and_the_second_nothing_else(site, link):
    url = link(HTML, file_name="a.html")
    origin, path = url[: url.index("/", 8)], url[url.index("/", 8) :]
    assert origin != site.url
    assert site.ask("GET", path).status == 404
    own = {"Authorization": f"Bearer {site.token}", "Origin": site.url}
    for there in ("/", "/healthz", "/login", "/reference", "/metrics", "/api/v1/openapi.json", "/pages/login.js", "//"):
        assert fetch(origin + there, **own).status == 403, there
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        reply = fetch(url, method, **own)
        assert reply.status == 405
        assert reply.headers["Content-Security-Policy"].startswith("sandbox"), "errors are in the sandbox as well"


def test_a_browser_that_is_logged_in_at_the_first_origin_is_nobody_at_the_second(site, link):
    code = site.call("login-codes").json["code"]
    word = site.ask("POST", "/login", {"code": code}, key=None, Origin=site.url).headers["Set-Cookie"].partition(";")[0]
    url = link(HTML, file_name="a.html")
    origin = url[: url.index("/", 8)]
    assert fetch(f"{origin}/reference", Cookie=word).status == 403
    reply = fetch(url, Cookie=word)
    assert (reply.status, reply.headers["Set-Cookie"]) == (200, None)
    sandboxed = {"Cookie": word, "Origin": "null", "Sec-Fetch-Site": "cross-site"}
    assert site.call("ListRuns", key=None, **sandboxed).status == 403
    other_port = {"Cookie": word, "Origin": origin, "Sec-Fetch-Site": "same-site"}
    assert site.call("ListRuns", key=None, **other_port).status == 403


def test_each_port_answers_to_its_own_name_alone(site, link):
    url = link(HTML, file_name="a.html")
    netloc = urlsplit(url).netloc
    for name in ("evil.example", netloc.replace("127.0.0.1", "evil.example"), "", f"{netloc}0", f"{netloc}, x"):
        assert fetch(url, host=name).status in {400, 421}, name
    assert fetch(url, host=netloc.replace("127.0.0.1", "localhost")).status == 200


def test_an_address_is_for_the_name_by_which_the_browser_came(site, store):
    asked = store(HTML)
    for name in ("127.0.0.1", "localhost", "[::1]"):
        reply = site.ask("POST", "/api/v1/file-links", asked, host=f"{name}:{site.port}")
        assert reply.json["url"].startswith(f"http://{name}:")


def test_an_address_that_was_altered_is_refused(link):
    url = link(HTML, file_name="a.html")
    start, path = url[: url.index("/", 8) + 1], url[url.index("/", 8) + 1 :]
    for place in range(len(path)):
        other = "A" if path[place] != "A" else "B"
        assert fetch(start + path[:place] + other + path[place + 1 :]).status == 403, place
    text, _, signature = path.partition(".")
    others = (f".{signature}", text, f"{text}.", f"{text}..{signature}", f"{text}.{signature}=", f"{text}=.{signature}")
    for altered in (*others, f"{path}/x", f"x/{path}", f"/{path}", f"{path}%00", f"{path};x", f"{path}%2f"):
        assert fetch(start + altered).status == 403, altered


UP = [
    *(
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%252f..%252fetc/passwd",
        "/etc/passwd",
    ),
    *(
        "..\\..\\etc\\passwd",
        "....//....//etc/passwd",
        "..;/..;/etc/passwd",
        "%c0%ae%c0%ae/etc/passwd",
        "file:///etc/passwd",
    ),
    *(
        "%00",
        "a%00.html",
        "\u2215etc".encode().hex(),
        "..%5c..%5cetc%5cpasswd",
        "token",
        "penstock.db",
        ".",
        "..",
        "%2e",
    ),
]


@pytest.mark.parametrize("path", UP)
def test_no_path_leads_to_other_files(link, path):
    url = link(HTML)
    origin = url[: url.index("/", 8)]
    for before in ("/", "/blobs/", "/api/v1/blobs/", f"{urlsplit(url).path}/", f"{urlsplit(url).path}/../"):
        reply = fetch(f"{origin}{before}{path}")
        assert reply.status in {400, 403}
        assert b"root:" not in reply.body


@pytest.mark.parametrize(
    "name", [*UP, "a\r\nSet-Cookie: x=1", 'a"; filename="b', "\ud800", "é\u202egnp.html", "x" * 5000]
)
def test_no_name_of_a_file_is_more_than_a_name(link, site, name):
    said = fetch(link(HTML, name="n", file_name=name) if "\ud800" not in name else link(HTML, name="n"))
    assert said.status == 200
    assert re.fullmatch(
        r"(inline|attachment); filename\*=UTF-8''[A-Za-z0-9_.~%-]+", said.headers["Content-Disposition"]
    )
    assert said.headers["Set-Cookie"] is None
    made = file_name(name)
    assert not set(made) & set('/\\"\r\n\0\u202e\ud800')
    assert 0 < len(made) <= 150
    assert made not in {".", ".."}


def test_who_may_not_read_a_thing_gets_no_address_of_it(site, served, store):
    asked = store(HTML)
    if not served.call(ListUsers()):
        served.call(AddUser(name="root", scope=Scope.ADMIN))
    user = f"u{uuid.uuid4().hex[:8]}"
    served.call(AddUser(name=user, scope=Scope.READ, projects=("Other",)))
    key = served.call(AddKey(owner=user, scope=Scope.READ)).secret.text
    assert site.call("file-links", asked, key=key).status == 403
    assert site.call("file-links", asked, key=None).status == 401
    served.call(AddUser(name=f"{user}2", scope=Scope.READ, projects=("P",)))
    key = served.call(AddKey(owner=f"{user}2", scope=Scope.READ)).secret.text
    assert site.call("file-links", asked, key=key).status == 200


def test_what_is_not_there_has_no_address(site, served, store):
    asked = store(HTML)
    assert site.call("file-links", asked | {"artifact": "other"}).status == 404
    assert site.call("file-links", {}).status == 422
    assert site.call("file-links", asked | {"model": "x"}).status == 422
    model = Model(id=uuid.uuid4().hex, task="", project="P", name="net", url="s3://b/k")
    served.call(AddModel(model=model))
    reply = site.call("file-links", {"model": model.id})
    assert (reply.status, reply.json["hint"]) == (404, "they are at s3://b/k")


class TestSignatures:
    def test_an_address_is_good_for_a_minute(self):
        now = [1000.0]
        made = Signatures(lambda: now[0])
        path, until = made.path_for("0" * 64, "a")
        assert until == 1000 + LIFE
        now[0] = until - 0.1
        assert made.read(path).hash == "0" * 64
        now[0] = until
        assert made.read(path) is None

    def test_an_address_of_another_server_is_none_here(self):
        path, _ = Signatures().path_for("0" * 64, "a")
        assert Signatures().read(path) is None


class TestOrigin:
    def test_with_a_name_of_its_own_it_is_there_whatever_the_browser_called(self):
        found = hosts("10.0.0.1", 443, ("p.example",), files_port=1, files_name="files.example", scheme="https").files
        assert found.seen_from("p.example") == found.seen_from("10.0.0.1:443") == "https://files.example"
        assert found.names == {"files.example", "files.example:443"}

    def test_who_came_by_a_name_without_a_port_is_told_that_there_is_no_way(self):
        found = hosts("127.0.0.1", 80, ("p.example",), files_port=81).files
        assert found.seen_from("p.example") is None
        assert found.seen_from("p.example:80") == "http://p.example:81"
        assert Origin().seen_from("127.0.0.1:80") is None

    def test_only_pages_of_the_first_may_show_it_in_a_frame(self):
        found = hosts("127.0.0.1", 80, files_port=81).files.headers["Content-Security-Policy"]
        assert found.endswith("frame-ancestors http://127.0.0.1:80 http://localhost:80")
        assert Origin().headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
