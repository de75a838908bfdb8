"""A server that speaks TLS: clients that know who vouches for it get in, all others do not."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from penstock.backend.local import open_local
from penstock.backend.remote import open_remote
from penstock.backend.token import read_token
from penstock.core.errors import Invalid, Unreachable
from penstock.core.secret import Secret
from penstock.ops.runs import ListRuns
from penstock.server.serve import Serving, Tls, hosts
from penstock.server.thread import serving
from penstock.server.tls import context_of
from penstock.settings import Settings


def make_certificate(folder, password=None):
    """Write a certificate of this machine that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    today = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").touch(0o600)
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, lock))
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def files(tmp_path):
    return make_certificate(tmp_path / "tls")


@pytest.fixture
def address(files, tmp_path):
    """A server that speaks TLS."""
    own = open_local(Settings(home=tmp_path / "home", workers=1))
    certificate, key = files
    tls = Tls(certificate=certificate, key=key)
    with serving(own, Serving(home=tmp_path / "home", port=0, names=("localhost",), tls=tls)) as address:
        yield address
    own.close()


def remote(address, tmp_path, authorities):
    key = Secret(read_token(tmp_path / "home"))
    return open_remote(Settings(home=tmp_path / "client", workers=1, url=address.url, key=key, authorities=authorities))


def test_a_client_that_knows_who_vouches_for_it_gets_in(address, files, tmp_path):
    assert address.url.startswith("https://localhost:")
    backend = remote(address, tmp_path, str(files[0]))
    assert backend.call(ListRuns()) == []
    stored = backend.blobs.put_bytes(b"x" * 3_000_000)
    assert backend.blobs.stat(stored.hash) == stored
    backend.close()


def test_a_client_that_does_not_is_told_so_at_once_and_sends_no_key(address, tmp_path):
    other, _ = make_certificate(tmp_path / "other")
    for authorities in ("", str(other)):
        backend = remote(address, tmp_path, authorities)
        with pytest.raises(Unreachable, match="cannot show that it is the one") as caught:
            backend.call(ListRuns())
        assert "PENSTOCK_CA" in caught.value.hint
        backend.close()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read_are_an_error_that_names_them(address, tmp_path, content):
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    backend = remote(address, tmp_path, str(file))
    with pytest.raises(Invalid, match=r"PENSTOCK_CA is .*authorities\.pem"):
        backend.call(ListRuns())
    backend.close()


def test_who_speaks_no_tls_or_an_old_one_gets_no_answer(address):
    port = int(address.url.rpartition(":")[2])
    plain = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    plain.request("GET", "/healthz")
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        plain.getresponse()
    plain.close()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=old)
    with pytest.raises(ssl.SSLError):
        connection.request("GET", "/healthz")
    connection.close()


def test_its_cookies_and_its_answers_keep_browsers_to_tls(address, files, tmp_path):
    context = ssl.create_default_context(cafile=files[0])
    port = int(address.url.rpartition(":")[2])

    def ask(method, path, body=None, **headers):
        connection = http.client.HTTPSConnection("localhost", port, timeout=30, context=context)
        connection.request(method, path, body, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return response.headers, response.read(), connection.close()

    key = {"Authorization": f"Bearer {read_token(tmp_path / 'home')}"}
    _, body, _ = ask("POST", "/api/v1/login-codes", "{}", **key)
    headers, _, _ = ask("POST", "/login", body, Origin=address.url)
    cookie = headers["Set-Cookie"]
    assert cookie.startswith(f"__Host-penstock_{port}=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert headers["Strict-Transport-Security"] is None, "localhost is the name of other servers, too"


def test_browsers_are_told_to_come_by_tls_alone_under_the_names_of_this_server():
    found = hosts("0.0.0.0", 443, ("p.example",), files_name="f.example", scheme="https")
    assert found.strict == {"p.example", "p.example:443", "0.0.0.0:443"}
    assert "Strict-Transport-Security" in found.files.headers
    assert hosts("0.0.0.0", 80, ("p.example",)).strict == set()


def test_a_key_that_everybody_can_read_is_refused(files):
    files[1].chmod(0o644)
    with pytest.raises(Invalid, match="everybody on this machine can use the key"):
        context_of(*files)


def test_what_cannot_be_used_is_named(files, tmp_path):
    other = make_certificate(tmp_path / "other")
    with pytest.raises(Invalid, match="key values mismatch"):
        context_of(files[0], other[1])
    with pytest.raises(Invalid, match=r"nothing\.pem"):
        context_of(files[0], tmp_path / "nothing.pem")
    with pytest.raises(Invalid, match="cannot be used"):
        context_of(files[1], files[1])
    with pytest.raises(Invalid, match="has a password"):
        context_of(*make_certificate(tmp_path / "locked", b"secret"))
