"""URLs that the configuration maps to folders of this machine."""

from __future__ import annotations

import pytest

from penstock import StorageManager
from penstock.core.errors import Invalid
from penstock.run.remote.mapping import mapped
from penstock.settings import load

FOLDERS = {"s3://data": "/mnt/data", "s3://data/big/": "/mnt/big", "https://host/files": "/srv"}


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("s3://data/a/b.csv", "/mnt/data/a/b.csv"),
        ("s3://data", "/mnt/data"),
        ("s3://data/", "/mnt/data"),
        ("s3://data/folder/", "/mnt/data/folder/"),
        ("s3://data/big/x", "/mnt/big/x"),
        ("s3://database/x", "s3://database/x"),
        ("gs://data/x", "gs://data/x"),
        ("/data/x", "/data/x"),
        ("https://host/files/a%20b?signature=1", "/srv/a b"),
    ],
)
def test_the_longest_beginning_that_fits_counts(url, path):
    assert mapped(url, FOLDERS) == path


@pytest.mark.parametrize("url", ["s3://data/../x", "s3://data//etc", "https://host/files/%2e%2e/x", "s3://data/a/./b"])
def test_what_does_not_lead_below_the_folder_is_refused(url):
    with pytest.raises(Invalid, match="does not lead below"):
        mapped(url, FOLDERS)


@pytest.fixture
def share(home, tmp_path, monkeypatch):
    folder = tmp_path / "share"
    folder.mkdir()
    config = tmp_path / "config.toml"
    config.write_text(f'[storage.local]\n"s3://bucket/shared" = "{folder}"\n')
    monkeypatch.setenv("PENSTOCK_CONFIG", str(config))
    return folder


def test_files_behind_a_mapped_url_are_those_of_the_folder(share, tmp_path):
    (tmp_path / "x").write_text("content")
    url = "s3://bucket/shared/deep/x"
    assert StorageManager.upload_file(str(tmp_path / "x"), url) == url
    assert (share / "deep" / "x").read_text() == "content"
    assert StorageManager.get_local_copy(url) == str(share / "deep" / "x")
    assert (StorageManager.exists_file(url), StorageManager.get_file_size_bytes(url)) == (True, 7)
    assert StorageManager.list("s3://bucket/shared/deep") == ["x"]


@pytest.mark.parametrize("line", ['"/data" = "/mnt"', '"s3://data" = "relative"'])
def test_a_mapping_goes_from_a_url_to_an_absolute_path(tmp_path, line):
    config = tmp_path / "config.toml"
    config.write_text(f"[storage.local]\n{line}\n")
    with pytest.raises(Invalid, match="beginning of a URL to an absolute path"):
        load({"PENSTOCK_CONFIG": str(config), "PENSTOCK_HOME": str(tmp_path)})
