from __future__ import annotations

import io
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from penstock.core.errors import Invalid, NotFound, RemoteError
from penstock.run.remote.http import Http
from penstock.run.remote.urls import Url, parse

BODY = bytes(range(256)) * 10_000

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the function that the test gave for it; the last one stays."""

    protocol_version = "HTTP/1.1"
    answers: list[Answer]
    seen: list[tuple[str, str, dict[str, str], bytes]]

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        self.seen.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        self.close_connection = True
        (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])(self)

    do_GET = do_HEAD = do_PUT = answer  # noqa: N815 - the library calls them so

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server:
    def __init__(self) -> None:
        class Own(Handler):
            answers: list[Answer] = []  # noqa: RUF012 - one class a server
            seen: list[tuple[str, str, dict[str, str], bytes]] = []  # noqa: RUF012 - as above

        self.handler = Own
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def url(self, path: str = "/file", user: str = "") -> Url:
        return parse(f"http://{user}127.0.0.1:{self.server.server_address[1]}{path}")

    def will(self, *answers: Answer) -> None:
        self.handler.answers[:] = answers

    @property
    def asked(self) -> list[tuple[str, str]]:
        return [(command, headers.get("Range", "")) for command, _, headers, _ in self.handler.seen]


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    started = Server()
    yield started
    started.close()


def http() -> Http:
    return Http(timeout=10, tries=3, pause=0)


def status(code: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    return answer


def cut(headers: dict[str, str], sent: int = 1_000_000, code: int = 200) -> Answer:
    """Announce all of the body and send a part of it."""
    return status(code, {"Content-Length": str(len(BODY)), **headers}, BODY[:sent])


def rest(handler: Handler) -> None:
    """Send what was asked for."""
    start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    given = {"Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"}
    status(206, given, BODY[start:])(handler)


def fetched(server: Server, url: Url | None = None) -> bytes:
    sink = io.BytesIO()
    http().fetch(url or server.url(), sink)
    return sink.getvalue()


def test_a_file_is_downloaded_with_what_the_server_tells(server: Server) -> None:
    server.will(status(200, {"ETag": '"1"', "Last-Modified": "then"}, BODY))
    sink = io.BytesIO()
    facts = http().fetch(server.url("/a b?x=1"), sink)
    assert sink.getvalue() == BODY
    assert (facts.size, facts.etag, facts.modified) == (len(BODY), '"1"', "then")
    assert server.handler.seen[0][1] == "/a%20b?x=1"


def test_a_file_is_told_about_without_being_read(server: Server) -> None:
    server.will(status(200, {"ETag": '"1"'}, BODY))
    facts = http().stat(server.url())
    assert facts is not None
    assert (facts.size, facts.etag) == (len(BODY), '"1"')
    assert server.asked == [("HEAD", "")]


def test_a_server_without_head_is_asked_with_get(server: Server) -> None:
    server.will(status(405), status(200, {"ETag": '"1"'}, BODY))
    facts = http().stat(server.url())
    assert facts is not None
    assert facts.etag == '"1"'
    assert [command for command, _ in server.asked] == ["HEAD", "GET"]


def test_a_missing_file_is_not_found_and_is_named_without_its_secrets(server: Server) -> None:
    server.will(status(404))
    assert http().stat(server.url()) is None
    with pytest.raises(NotFound, match="there is no file http://127") as caught:
        fetched(server, server.url("/file?signature=hidden", "me:secret@"))
    assert "hidden" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(server.asked) == 2


def test_a_server_that_is_busy_is_asked_again(server: Server) -> None:
    server.will(status(503), status(500), status(200, body=BODY))
    assert fetched(server) == BODY


def test_a_server_that_stays_broken_is_given_up(server: Server) -> None:
    server.will(status(500))
    with pytest.raises(RemoteError, match=r"the server answered 500 \(tried 3 times\)"):
        fetched(server)
    assert len(server.asked) == 3


@pytest.mark.parametrize("code", [400, 401, 403, 418])
def test_a_refusal_is_not_tried_again(server: Server, code: int) -> None:
    server.will(status(code))
    with pytest.raises(RemoteError, match=f"the server answered {code}"):
        fetched(server)
    assert len(server.asked) == 1


@pytest.mark.parametrize("told", [{"ETag": '"1"'}, {"Last-Modified": "then"}])
def test_a_cut_download_goes_on_where_it_stopped(server: Server, told: dict[str, str]) -> None:
    server.will(cut(told), rest)
    assert fetched(server) == BODY
    assert server.asked == [("GET", ""), ("GET", "bytes=1000000-")]
    assert server.handler.seen[1][2]["If-Range"] in told.values()


@pytest.mark.parametrize("told", [{}, {"ETag": 'W/"1"'}])
def test_a_cut_download_begins_anew_where_nothing_vouches_for_the_rest(server: Server, told: dict[str, str]) -> None:
    server.will(cut(told), status(200, told, BODY))
    assert fetched(server) == BODY
    assert [asked for _, asked in server.asked] == ["", ""]


def test_a_file_that_changed_meanwhile_is_downloaded_whole(server: Server) -> None:
    server.will(cut({"ETag": '"1"'}), status(200, {"ETag": '"2"'}, b"new"))
    assert fetched(server) == b"new"


def test_another_part_than_was_asked_for_is_never_put_together(server: Server) -> None:
    missing = len(BODY) - 1_000_000  # as long as what was asked for
    other = status(206, {"Content-Range": f"bytes 5-{missing + 4}/{len(BODY)}"}, BODY[5 : missing + 5])
    server.will(cut({"ETag": '"1"'}), other, status(200, {"ETag": '"1"'}, BODY))
    assert fetched(server) == BODY


def test_a_part_that_nobody_asked_for_is_refused(server: Server) -> None:
    server.will(status(206, {"Content-Range": "bytes 0-2/3"}, b"abc"))
    with pytest.raises(RemoteError, match="another part"):
        fetched(server)


def test_a_range_that_does_not_fit_any_more_begins_anew(server: Server) -> None:
    server.will(cut({"ETag": '"1"'}), status(416), status(200, {}, b"short"))
    assert fetched(server) == b"short"


def test_a_length_that_is_never_reached_is_an_error(server: Server) -> None:
    server.will(cut({}))
    with pytest.raises(RemoteError, match=r"cut after 1,000,000 of 2,560,000 bytes"):
        fetched(server)


def test_bytes_beyond_the_length_are_not_taken(server: Server) -> None:
    server.will(status(200, {"Content-Length": "3"}, b"abcdef"))
    assert fetched(server) == b"abc"


def test_a_cut_chunked_answer_is_an_error(server: Server) -> None:
    def chunked(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"5\r\nhello\r\n100\r\nhalf")

    server.will(chunked)
    with pytest.raises(RemoteError, match="was cut"):
        fetched(server)


def test_nobody_at_the_other_end_is_an_error() -> None:
    with pytest.raises(RemoteError, match="refused"):
        http().fetch(parse("http://127.0.0.1:1/file"), io.BytesIO())


def test_a_redirect_to_the_web_is_followed(server: Server) -> None:
    server.will(status(302, {"Location": "/other"}), status(200, body=b"there"))
    assert fetched(server) == b"there"
    assert server.handler.seen[1][1] == "/other"


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "gopher://x", "FILE:///etc/passwd", "s3://b/k"]
)
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_anything_else_is_refused(server: Server, target: str, code: int) -> None:
    server.will(status(code, {"Location": target}))
    sink = io.BytesIO()
    with pytest.raises(RemoteError, match=r"what is not http\(s\)"):
        http().fetch(server.url(), sink)
    assert sink.getvalue() == b""
    assert len(server.asked) == 1


def test_a_circle_of_redirects_ends(server: Server) -> None:
    server.will(status(302, {"Location": "/file"}))
    with pytest.raises(RemoteError, match="circle"):
        fetched(server)


def test_a_password_goes_to_its_server_and_not_to_where_that_redirects(server: Server) -> None:
    server.will(status(302, {"Location": server.url("/other").text.replace("127.0.0.1", "localhost")}), status(200))
    fetched(server, server.url("/file", "me:secret@"))
    assert server.handler.seen[0][2]["Authorization"] == "Basic bWU6c2VjcmV0"
    assert "Authorization" not in server.handler.seen[1][2]


def test_a_file_is_uploaded_with_put_and_again_when_that_fails(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(BODY)
    server.will(status(503), status(201))
    http().send(tmp_path / "f", server.url())
    assert [(command, body == BODY) for command, _, _, body in server.handler.seen] == [("PUT", True)] * 2


def test_an_upload_that_is_refused_says_so(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    server.will(status(405))
    with pytest.raises(RemoteError, match="cannot be written: the server answered 405"):
        http().send(tmp_path / "f", server.url())


def test_a_web_server_is_not_listed(server: Server) -> None:
    with pytest.raises(Invalid, match="cannot be listed"):
        http().entries(server.url())
