"""The bytes of models: what goes in comes out, elsewhere too, and no name or URL becomes a path by accident."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from penstock.core.errors import Damaged, Invalid, NotFound, StoreError
from penstock.core.outputs import Model
from penstock.ops.models import Weights
from penstock.sdk import model_files, session
from penstock.sdk.model_files import local_copy, send, store, store_files


class Elsewhere:
    """Stands for `StorageManager`: `s3://bucket/x` lies in a folder, and an archive is unpacked beside itself."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.asked = []
        monkeypatch.setitem(sys.modules, "penstock.sdk.storage", SimpleNamespace(StorageManager=self))

    def place(self, url):
        parts = urlsplit(url)
        return Path(parts.path) if not parts.scheme else self.folder / parts.netloc / parts.path.lstrip("/")

    def upload_file(self, local_file, remote_url):
        target = self.place(remote_url)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(local_file, target)
        return remote_url

    def get_local_copy(self, remote_url, extract_archive=True, force_download=False):
        self.asked.append((remote_url, extract_archive, force_download))
        found = self.place(remote_url)
        if not found.exists():
            raise NotFound(f"nothing at {remote_url}")
        if extract_archive and zipfile.is_zipfile(found):
            target = Path(f"{found}.unpacked")
            zipfile.ZipFile(found).extractall(target)
            return str(target)
        return str(found)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    return Elsewhere(tmp_path / "elsewhere", monkeypatch)


@pytest.fixture
def weights(home, tmp_path):
    """A stored file, the size of which is known."""
    (tmp_path / "net.pt").write_bytes(b"weights")
    return store("net", tmp_path / "net.pt")


def model(weights):
    fields = {name: getattr(weights, name) for name in Weights.__struct_fields__}
    return Model(id="1" * 32, task="", project="", name="net", **fields)


def copy(weights, extract=None, force=False):
    return Path(local_copy(model(weights), extract=extract, force=force))


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_file_comes_back_under_its_name(weights):
    found = copy(weights)
    assert (found.name, found.read_bytes()) == ("net.pt", b"weights")
    assert (weights.size, weights.url) == (7, session.backend().blobs.url(weights.hash))


@pytest.mark.parametrize(("given", "name"), [("best.pt", "best.pt"), ("../../etc/x", "x"), ("/a/b/..", "net.pt")])
def test_a_copy_has_the_name_that_was_asked_for_and_lies_where_copies_lie(home, tmp_path, given, name):
    (tmp_path / "net.pt").write_bytes(b"weights")
    found = copy(store("net", tmp_path / "net.pt", file_name=given))
    assert found.name in {name, "file"}
    assert found.is_relative_to(home / "scratch" / "copies")


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "a/b", "..", "", "x\0y", "n" * 300])
def test_a_recorded_name_that_is_a_path_is_not_followed(weights, home, name):
    """Whoever could write the record must not reach outside of the folder for copies."""
    found = copy(replace(weights, facts={"format": "file", "file_name": name}))
    assert (found.name, found.read_bytes()) == ("file", b"weights")
    assert found.resolve().is_relative_to(home / "scratch" / "copies")


@pytest.mark.parametrize("format", ["pickle", "json", "custom", "nothing"])
def test_a_recorded_format_other_than_file_and_folder_is_never_loaded(weights, format):
    found = copy(replace(weights, facts={"format": format, "file_name": "net.pt"}))
    assert found.read_bytes() == b"weights"


def test_a_recorded_hash_that_is_a_path_is_refused(weights):
    with pytest.raises(Invalid, match="not the hash of a blob"):
        copy(replace(weights, hash="../../../etc/passwd"))


def test_the_address_of_a_stored_blob_is_its_hash_whatever_the_url_says(weights, tmp_path, elsewhere):
    """A URL that was changed in the record does not give out another file under the recorded hash."""
    (tmp_path / "secret").write_text("secret")
    assert copy(replace(weights, url=(tmp_path / "secret").as_uri())).read_bytes() == b"weights"


def test_a_folder_comes_back_as_a_folder_or_as_its_archive(home, tmp_path):
    for name in ("a/b", "c"):
        (tmp_path / "net" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "net" / name).write_text(name)
    weights = store("net", tmp_path / "net")
    assert (copy(weights).name, files(copy(weights))) == ("net", {"a/b": "a/b", "c": "c"})
    archive = copy(weights, extract=False)
    assert archive.name == "net.zip"
    assert zipfile.ZipFile(archive).namelist() == ["a/", "c", "a/b"]


def test_a_zip_that_was_not_packed_here_is_not_unpacked_as_a_folder(home, tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../evil", "x")
    weights = store("net", tmp_path / "evil.zip")
    with pytest.raises(Damaged, match="not the archive of a folder that was stored here"):
        copy(replace(weights, facts={"format": "folder", "file_name": "net"}))
    assert not list(tmp_path.rglob("evil"))


def test_a_package_of_the_users_is_unpacked_by_who_unpacks_what_is_foreign(home, tmp_path, elsewhere):
    with zipfile.ZipFile(tmp_path / "net.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", "1")
    weights = store("net", tmp_path / "net.zip", is_archive=True)
    assert files(copy(weights)) == {"a": "1"}
    assert copy(weights, extract=False).name == "net.zip"
    assert [asked[1] for asked in elsewhere.asked] == [True]
    plain = store("net", tmp_path / "net.zip")
    assert (copy(plain).name, files(copy(plain, extract=True))) == ("net.zip", {"a": "1"})


def test_a_package_has_the_name_of_one(home, tmp_path):
    (tmp_path / "net.bin").write_text("x")
    with pytest.raises(Invalid, match=r"model 'net': 'net\.bin' is no package by its name"):
        store("net", tmp_path / "net.bin", is_archive=True)


def test_files_are_packed_as_they_lie_below_their_common_folder(home, tmp_path):
    for name in ("x/a", "x/y/a", "other"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    weights = store_files("net", [tmp_path / "x" / "a", tmp_path / "x" / "y" / "a"], file_name="pack")
    assert (copy(weights).name, files(copy(weights))) == ("pack", {"a": "x/a", "y/a": "x/y/a"})
    assert files(copy(store_files("net", [tmp_path / "other"]))) == {"other": "other"}
    assert not list((home / "scratch" / "copies").glob("package-*"))


def test_what_is_not_there_is_named(home, tmp_path):
    for wrong in (lambda: store("net", tmp_path / "no"), lambda: store_files("net", [tmp_path / "no"])):
        with pytest.raises(Invalid, match=r"model 'net': there is no file '.*/no'"):
            wrong()
    with pytest.raises(Invalid, match="there are no files"):
        store_files("net", [])


def test_a_model_without_weights_says_so(home):
    with pytest.raises(NotFound, match="model 'net' has no weights yet"):
        copy(Weights(url=""))


def test_a_path_is_registered_as_the_url_of_a_file_that_exists(home, tmp_path, monkeypatch):
    (tmp_path / "wé ights.pt").write_text("w")
    monkeypatch.chdir(tmp_path)
    url = model_files.address("wé ights.pt")
    assert url == (tmp_path / "wé ights.pt").as_uri()
    assert copy(Weights(url=url)) == tmp_path / "wé ights.pt"
    assert model_files.address("s3://b/x") == "s3://b/x"
    for wrong in ("nothing", ""):
        with pytest.raises(Invalid):
            model_files.address(wrong)


def test_a_registered_file_that_is_gone_is_named(home, tmp_path):
    with pytest.raises(NotFound, match=r"nothing at file:///.*/gone"):
        copy(Weights(url=(tmp_path / "gone").as_uri()))


def test_what_is_registered_elsewhere_is_fetched(home, tmp_path, elsewhere):
    elsewhere.upload_file(__file__, "s3://bucket/a/net.pt")
    assert copy(Weights(url="s3://bucket/a/net.pt"), force=True).read_text() == Path(__file__).read_text()
    assert elsewhere.asked == [("s3://bucket/a/net.pt", False, True)]
    copy(Weights(url="s3://bucket/a/net.pt", facts={"package": "true"}))
    assert elsewhere.asked[-1] == ("s3://bucket/a/net.pt", True, False)
    with pytest.raises(NotFound):
        copy(Weights(url="s3://bucket/nothing"))


@pytest.mark.parametrize("url", ["file://other.host/etc/passwd", "http://x/y", "FILE://h/x", "data:text/plain,x"])
def test_a_url_that_is_no_file_of_this_machine_is_never_opened_here(home, elsewhere, url):
    with pytest.raises(NotFound):
        copy(Weights(url=url))
    assert [asked[0] for asked in elsewhere.asked] == [url]


def test_what_was_sent_elsewhere_comes_from_here_while_it_is_here(weights, elsewhere, tmp_path):
    sent = send(weights, "s3://bucket/models/", "P/.pipelines/a b", "t" * 32)
    assert sent.url == f"s3://bucket/models/P/pipelines/a_b/{'t' * 32}/models/net.pt"
    assert (sent.hash, sent.facts) == (weights.hash, weights.facts)
    assert copy(sent).read_bytes() == b"weights"
    assert elsewhere.asked == []
    session.backend().blobs.delete(weights.hash)
    assert (copy(sent).name, copy(sent).read_bytes()) == ("net.pt", b"weights")
    assert len(elsewhere.asked) == 1, "the second copy comes from here again"
    copy(sent, force=True)
    assert elsewhere.asked[-1] == (sent.url, False, True)


def test_what_somebody_has_changed_elsewhere_is_not_given_out(weights, elsewhere, tmp_path):
    sent = send(weights, "s3://bucket", "P", "t")
    session.backend().blobs.delete(weights.hash)
    elsewhere.place(sent.url).write_text("WEIGHTS")
    with pytest.raises(Damaged, match=f"{weights.hash} was recorded"):
        copy(sent)
    assert session.backend().blobs.stat(weights.hash) is None


def test_a_stored_blob_that_was_changed_is_not_given_out(weights):
    file = session.backend().blobs.path(weights.hash)
    file.chmod(0o600)
    file.write_text("WEIGHTS")
    with pytest.raises(Damaged, match=weights.hash):
        copy(weights)


def test_a_stored_blob_is_looked_for_nowhere_else(weights, elsewhere):
    assert copy(weights, force=True).read_bytes() == b"weights"
    session.backend().blobs.delete(weights.hash)
    with pytest.raises(Damaged, match="is missing"):
        copy(weights)
    assert elsewhere.asked == []


@given(st.text(max_size=30), st.text(max_size=200))
def test_no_name_leaves_the_place_that_weights_are_sent_to(project, name):
    segments = [model_files._segment(part) for part in (*project.split("/"), name)]
    assert all(part not in ("", ".", "..") and not set(part) & set("/\\?#%:\0") for part in segments)


def test_an_installation_that_cannot_reach_other_places_says_so(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "penstock.sdk.storage", None)
    with pytest.raises(StoreError, match="cannot reach other places"):
        copy(Weights(url="s3://bucket/x"))
