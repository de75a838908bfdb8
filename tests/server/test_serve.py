"""Where a server listens, what it is called, and how others find it."""

from __future__ import annotations

import json
import socket
import stat

import pytest
from msgspec.structs import replace

from penstock.backend.local import open_local
from penstock.core.access import Scope
from penstock.core.errors import Invalid, StoreError
from penstock.ops.access import AddUser
from penstock.server.serve import Serving, Tls, hosts, is_loopback, make_server
from penstock.server.thread import serving
from penstock.settings import Settings


@pytest.fixture
def own(tmp_path):
    backend = open_local(Settings(home=tmp_path / "home", workers=1))
    yield backend
    backend.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_this_machine_alone(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "", "127.0.0.1.example.org", "localhost."]
)
def test_more_than_this_machine_needs_users(own, tmp_path, host):
    assert not is_loopback(host)
    with pytest.raises(Invalid, match="no users yet"):
        make_server(own, Serving(home=tmp_path / "home", host=host, port=0), print)


@pytest.mark.parametrize("tls", [Tls(proxied=True), Tls(may_lack=True)])
def test_with_users_it_may_listen_to_everybody_when_somebody_says_how_that_is_safe(own, tmp_path, tls):
    own.call(AddUser(name="root", scope=Scope.ADMIN))
    everybody = Serving(home=tmp_path / "home", host="0.0.0.0", port=0)
    with pytest.raises(Invalid, match="without TLS everybody on the way reads") as caught:
        make_server(own, everybody, print)
    assert "--insecure-http" in caught.value.hint
    with make_server(own, replace(everybody, tls=tls), print):
        pass


def test_a_port_that_is_taken_is_an_error_that_says_so(own, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use") as error:
            make_server(own, Serving(home=tmp_path / "home", port=port), print)
    assert "--port" in error.value.hint


def test_it_is_called_by_exact_names_only():
    assert hosts("127.0.0.1", 80).names == {"127.0.0.1:80", "localhost:80", "[::1]:80"}
    assert hosts("127.0.0.1", 80, ("p.example",)).names >= {"p.example:80", "p.example"}
    assert hosts("127.0.0.1", 80).cookie != hosts("127.0.0.1", 81).cookie


@pytest.mark.parametrize("origin", ["http://localhost:80", "https://localhost:80", "http://[::1]:80"])
def test_its_own_pages_are_its_own(origin):
    assert hosts("127.0.0.1", 80).is_own(origin)


@pytest.mark.parametrize(
    "origin", ["", "null", "localhost:80", "http://localhost", "ftp://localhost:80", "http://x:80"]
)
def test_other_pages_are_not(origin):
    assert not hosts("127.0.0.1", 80).is_own(origin)


def test_others_find_it_while_it_is_there(own, tmp_path):
    file = tmp_path / "home" / "server.json"
    with serving(own, Serving(home=tmp_path / "home", port=0)) as address:
        assert json.loads(file.read_text("utf-8"))["url"] == address.url
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.exists()


def test_a_server_that_ends_leaves_the_file_of_another_alone(own, tmp_path):
    file = tmp_path / "home" / "server.json"
    with serving(own, Serving(home=tmp_path / "home", port=0)):
        with serving(own, Serving(home=tmp_path / "home", port=0)) as second:
            kept = file.read_text("utf-8")
            assert second.url in kept
            break_off = make_server(own, Serving(home=tmp_path / "home", port=0), print)
        assert not file.exists()
        with break_off:
            file.write_text(kept, "utf-8")
        assert file.read_text("utf-8") == kept


def test_an_answer_is_not_held_back_until_the_client_says_that_it_got_the_beginning(own, tmp_path):
    """Headers and body are two writes: with Nagle's algorithm the second waits 40 ms for the client's word."""
    made = make_server(own, Serving(home=tmp_path / "home", port=0), print)
    with made, socket.create_connection(made._listening[0].getsockname()):
        here, _ = made._listening[0].accept()
        with here:
            assert here.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert here.proto == socket.IPPROTO_TCP, "asyncio looks at this"
