from __future__ import annotations

import functools
import http.server
import io
import logging
import os
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path
from zipfile import ZipFile

import pytest

from penstock import PipelineController
from penstock.core.errors import Invalid, NotFound, RemoteError, UnsafeArchive
from penstock.sdk.storage import StorageManager


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        Path(self.translate_path(self.path)).write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(201)
        self.end_headers()


@pytest.fixture
def web(tmp_path: Path, monkeypatch):
    """The address of a web server, and the folder that it shows."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "web"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def endpoint():
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch, home):
    """The URL of an empty bucket, and a plain client for it."""
    import boto3

    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3", endpoint_url=endpoint)
    name = f"bucket-{time.monotonic_ns()}"
    client.create_bucket(Bucket=name)
    yield f"s3://{name}", client
    client.close()


def below(folder: str | Path) -> dict[str, str]:
    top = Path(folder)
    return {path.relative_to(top).as_posix(): path.read_text() for path in top.rglob("*") if path.is_file()}


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


# Copies


def test_a_path_of_this_machine_is_its_own_copy(home, tmp_path: Path) -> None:
    write(tmp_path, "a b.txt")
    assert StorageManager.get_local_copy(str(tmp_path / "a b.txt")) == str(tmp_path / "a b.txt")
    assert StorageManager.get_local_copy((tmp_path / "a b.txt").as_uri()) == str(tmp_path / "a b.txt")
    assert StorageManager.get_local_copy(str(tmp_path)) == str(tmp_path)
    assert not home.exists()


def test_the_url_of_an_artifact_and_of_a_model_opens(home, tmp_path: Path) -> None:
    pipe = PipelineController("flow", "Tests")
    pipe.upload_artifact("text", "hello")
    pipe.upload_model("net", str(write(tmp_path, "net.pt") / "net.pt"))
    for url, content in ((pipe.task.artifacts["text"].url, "hello"), (pipe.task.models["output"][0].url, "net.pt")):
        assert url.startswith("file:///")
        assert Path(StorageManager.get_local_copy(url)).read_text() == content


def say():
    return "hello"


def read(url):
    from penstock.sdk.storage import StorageManager

    with open(StorageManager.get_local_copy(url)) as file:  # noqa: PTH123 - a step brings its own imports
        return file.read()


def test_a_step_opens_the_artifact_of_another_by_its_url(home) -> None:
    """Promise 28."""
    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("say", say, function_return=["word"])
    pipe.add_function_step("read", read, {"url": "${say.artifacts.word.url}"}, function_return=["text"])
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert pipe.get_pipeline_dag()["read"].job.task.artifacts["text"].get() == "hello"


def test_a_file_that_is_not_there_is_not_found(home, tmp_path: Path) -> None:
    for url in (str(tmp_path / "none"), (tmp_path / "none").as_uri()):
        with pytest.raises(NotFound, match="none"):
            StorageManager.get_local_copy(url)


def test_a_file_of_the_web_is_copied_once_and_lies_below_the_home(home, web) -> None:
    url, folder = web
    write(folder, "data.csv")
    first = StorageManager.get_local_copy(f"{url}/data.csv")
    made = Path(first).stat().st_ino
    assert Path(first).is_relative_to(home / "cache" / "global")
    assert Path(first).read_text() == "data.csv"
    assert StorageManager.get_local_copy(f"{url}/data.csv") == first
    assert Path(first).stat().st_ino == made
    assert StorageManager.get_local_copy(f"{url}/data.csv", force_download=True) == first
    assert Path(first).stat().st_ino != made


def test_a_copy_has_the_name_and_the_context_that_were_asked_for(home, web) -> None:
    url, folder = web
    write(folder, "data.csv")
    path = Path(StorageManager.get_local_copy(f"{url}/data.csv", cache_context="mine", name="../other.csv"))
    assert path.name == "other.csv"
    assert path.is_relative_to(home / "cache" / "mine")


def test_a_missing_file_of_the_web_is_not_found(home, web) -> None:
    with pytest.raises(NotFound, match="there is no file http"):
        StorageManager.get_local_copy(f"{web[0]}/none")


def archive_bytes(suffix: str, name: str = "sub/a") -> bytes:
    buffer = io.BytesIO()
    if suffix == ".zip":
        with ZipFile(buffer, "w") as archive:
            archive.writestr(name, "inside")
    else:
        with tarfile.open(fileobj=buffer, mode="w" if suffix == ".tar" else "w:gz") as tar:
            info = tarfile.TarInfo(name)
            info.size = 6
            tar.addfile(info, io.BytesIO(b"inside"))
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tgz"])
def test_an_archive_comes_back_as_a_folder_unless_it_is_wanted_itself(home, web, suffix: str) -> None:
    url, folder = web
    made = archive_bytes(suffix)  # made again a second later, it has other times in it
    (folder / f"data{suffix}").write_bytes(made)
    unpacked = StorageManager.get_local_copy(f"{url}/data{suffix}")
    assert below(unpacked) == {"sub/a": "inside"}
    assert StorageManager.get_local_copy(f"{url}/data{suffix}") == unpacked
    packed = StorageManager.get_local_copy(f"{url}/data{suffix}", extract_archive=False)
    assert Path(packed).read_bytes() == made
    local = str(folder / f"data{suffix}")
    assert below(StorageManager.get_local_copy(local)) == {"sub/a": "inside"}
    assert StorageManager.get_local_copy(local, extract_archive=False) == local


@pytest.mark.parametrize("suffix", [".zip", ".tgz"])
def test_an_evil_archive_is_refused_wherever_it_is_from(home, web, suffix: str) -> None:
    url, folder = web
    (folder / f"data{suffix}").write_bytes(archive_bytes(suffix, "../../../evil"))
    for place in (f"{url}/data{suffix}", str(folder / f"data{suffix}")):
        with pytest.raises(UnsafeArchive, match="evil"):
            StorageManager.get_local_copy(place)
    assert not list(home.parent.rglob("*evil*"))


def test_the_limit_of_copies_holds(home, web) -> None:
    url, folder = web
    write(folder, "a", "b", "c")
    assert StorageManager.set_cache_file_limit(2, "small") == 2
    paths = [Path(StorageManager.get_local_copy(f"{url}/{name}", "small")) for name in "abc"]
    assert sum(path.exists() for path in paths) == 2
    assert paths[2].exists()
    with pytest.raises(Invalid):
        StorageManager.set_cache_file_limit(0)


def test_a_signed_url_is_unpacked_when_the_copy_is_called_an_archive(home, web) -> None:
    (web[1] / "object").write_bytes(archive_bytes(".zip"))
    folder = StorageManager.get_local_copy(f"{web[0]}/object?signature=x", name="data.v1.zip")
    assert Path(folder).name == "data.v1"
    assert below(folder) == {"sub/a": "inside"}


def length(url):
    from pathlib import Path

    from penstock.sdk.storage import StorageManager

    return Path(StorageManager.get_local_copy(url)).stat().st_size


def test_a_step_reads_object_storage_also_when_its_script_did(home, bucket) -> None:
    url, client = bucket
    client.put_object(Bucket=url[5:], Key="f", Body=b"123")
    assert StorageManager.exists_file(f"{url}/f")  # the client has threads now, which no fork takes along
    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("one", length, {"url": f"{url}/f"}, function_return=["n"])
    pipe.add_function_step("two", length, {"url": f"{url}/f"}, function_return=["n"])
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert [pipe.get_pipeline_dag()[name].job.task.artifacts["n"].get() for name in ("one", "two")] == [3, 3]


# Up and down


def test_a_file_is_uploaded_to_each_kind_of_place(home, web, bucket, tmp_path: Path) -> None:
    write(tmp_path, "f")
    for url in (f"{web[0]}/up", f"{bucket[0]}/sub/up", (tmp_path / "new" / "up").as_uri(), str(tmp_path / "n2" / "up")):
        assert StorageManager.upload_file(str(tmp_path / "f"), url) == url
        assert StorageManager.exists_file(url)
        assert StorageManager.get_file_size_bytes(url) == 1
        assert Path(StorageManager.get_local_copy(url)).read_text() == "f"


def test_what_cannot_be_uploaded_is_refused(home, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        StorageManager.upload_file(str(tmp_path / "none"), str(tmp_path / "to"))
    with pytest.raises(Invalid, match="names a folder"):
        StorageManager.upload_file(str(write(tmp_path, "f") / "f"), f"{tmp_path}/to/")
    with pytest.raises(RemoteError):
        StorageManager.upload_file(str(tmp_path / "f"), "http://127.0.0.1:1/x", retries=0)


def test_an_upload_in_the_background_is_done_before_the_process_ends(home, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 50_000_000)
    code = "import sys; from penstock.sdk.storage import StorageManager as S; S.upload_file(*sys.argv[1:], False)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "f"), str(tmp_path / "g")], check=True)
    assert (tmp_path / "g").stat().st_size == 50_000_000
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "f"), "s3://bucket/a/../b"], check=True, capture_output=True
    )
    assert b"was not uploaded" in found.stderr


def test_a_folder_is_uploaded_and_downloaded_as_it_is(home, bucket, tmp_path: Path) -> None:
    url, _ = bucket
    source = write(tmp_path / "source", "a.json", "sub/b.json", "sub/c.txt", "sub/deep er/d")
    assert StorageManager.upload_folder(str(source), f"{url}/data") == f"{url}/data"
    StorageManager.upload_folder(str(source), f"{url}/data2")
    target = StorageManager.download_folder(f"{url}/data", str(tmp_path / "target"))
    assert target == str(tmp_path / "target")
    assert below(target) == {f"data/{name}": text for name, text in below(source).items()}
    assert below(StorageManager.download_folder(f"{url}/data/sub", match_wildcard="*.json")) == {
        "data/sub/b.json": "sub/b.json"
    }


def test_only_files_that_fit_are_uploaded(home, tmp_path: Path) -> None:
    source = write(tmp_path / "source", "a.json", "sub/b.json", "sub/c.txt")
    StorageManager.upload_folder(str(source), (tmp_path / "by name").as_uri(), "*.json")
    StorageManager.upload_folder(str(source), str(tmp_path / "by path"), "sub/*")
    assert set(below(tmp_path / "by name")) == {"a.json", "sub/b.json"}
    assert set(below(tmp_path / "by path")) == {"sub/b.json", "sub/c.txt"}
    with pytest.raises(NotFound, match="there is no folder"):
        StorageManager.upload_folder(str(tmp_path / "none"), str(tmp_path / "to"))


def test_files_that_are_there_are_kept_unless_they_are_to_be_replaced(home, tmp_path: Path) -> None:
    source, target = write(tmp_path / "source", "a", "b"), tmp_path / "target"
    target.mkdir()
    (target / "a").write_text("mine")
    StorageManager.download_folder(str(source), str(target))
    assert below(target) == {"a": "mine", "b": "b"}
    StorageManager.download_folder(str(source), str(target), overwrite=True)
    assert below(target) == {"a": "a", "b": "b"}


def test_a_folder_without_files_is_not_found(home, web, bucket, tmp_path: Path) -> None:
    for url in (f"{bucket[0]}/none", str(tmp_path / "none")):
        with pytest.raises(NotFound, match="no file below"):
            StorageManager.download_folder(url, str(tmp_path / "target"))
    with pytest.raises(Invalid, match="cannot be listed"):
        StorageManager.download_folder(web[0], str(tmp_path / "target"))


def test_a_file_is_downloaded_to_its_path_below_a_folder(home, web, bucket, tmp_path: Path) -> None:
    write(web[1], "sub/a b")
    bucket[1].put_object(Bucket=bucket[0][5:], Key="sub/x", Body=b"remote")
    target = str(tmp_path / "target")
    assert StorageManager.download_file(f"{web[0]}/sub/a%20b?x=1", target) == f"{target}/sub/a b"
    assert StorageManager.download_file(f"{bucket[0]}/sub/x", target) == f"{target}/sub/x"
    assert StorageManager.download_file(str(web[1] / "sub" / "a b"), target) == f"{target}/a b"
    assert below(target) == {"sub/a b": "sub/a b", "sub/x": "remote", "a b": "sub/a b"}
    Path(target, "sub/x").write_text("mine")
    assert Path(StorageManager.download_file(f"{bucket[0]}/sub/x", target)).read_text() == "mine"
    assert Path(StorageManager.download_file(f"{bucket[0]}/sub/x", target, overwrite=True)).read_text() == "remote"
    assert Path(StorageManager.download_file(f"{bucket[0]}/sub/x")).is_relative_to(home / "cache")


@pytest.mark.parametrize(
    "path", ["..%2f..%2fevil", "a/..%2fevil", "%2fetc%2fevil%2f", "a%5c..%5cevil", "evil%00", "C:%5cevil"]
)
def test_a_remote_name_that_leads_elsewhere_is_not_downloaded(home, tmp_path: Path, path: str) -> None:
    with pytest.raises(RemoteError, match="leads elsewhere"):
        StorageManager.download_file(f"http://127.0.0.1:1/{path}", str(tmp_path / "target"))
    assert not (tmp_path / "target").exists()


def test_a_key_with_backslashes_in_a_bucket_is_not_downloaded(home, bucket, tmp_path: Path) -> None:
    bucket[1].put_object(Bucket=bucket[0][5:], Key="data/..\\..\\evil", Body=b"x")
    with pytest.raises(RemoteError, match="leads elsewhere"):
        StorageManager.download_folder(f"{bucket[0]}/data", str(tmp_path / "target"))
    assert not (tmp_path / "target").exists()


# Questions


def test_what_is_there_is_listed(home, bucket, tmp_path: Path) -> None:
    url, client = bucket
    for key in ("data_a/x", "data_b/y", "other"):
        client.put_object(Bucket=url[5:], Key=key, Body=b"123")
    assert StorageManager.list(f"{url}/data_") == ["data_a/x", "data_b/y"]
    assert StorageManager.list(f"{url}/data_a/", return_full_path=True) == [f"{url}/data_a/x"]
    assert StorageManager.list(url, with_metadata=True)[2] == {"name": "other", "size": 3}
    folder = write(tmp_path / "folder", "a", "sub/b")
    assert StorageManager.list(str(folder)) == ["a", "sub/b"]
    assert StorageManager.list(folder.as_uri(), True) == [str(folder / "a"), str(folder / "sub" / "b")]
    assert StorageManager.list(str(tmp_path / "none")) == []
    with pytest.raises(Invalid):
        StorageManager.list("http://127.0.0.1:1/")


def test_a_file_is_told_about(home, bucket, tmp_path: Path) -> None:
    url, client = bucket
    client.put_object(Bucket=url[5:], Key="a/x", Body=b"123")
    write(tmp_path, "f")
    assert StorageManager.get_metadata(f"{url}/a/x") == {"name": "a/x", "size": 3}
    assert StorageManager.get_metadata(str(tmp_path / "f")) == {"name": str(tmp_path / "f"), "size": 1}
    assert [StorageManager.exists_file(one) for one in (f"{url}/a/x", f"{url}/a", f"{url}/b", str(tmp_path))] == [
        True,
        False,
        False,
        False,
    ]
    with pytest.raises(NotFound):
        StorageManager.get_file_size_bytes(f"{url}/none")


def test_importing_it_loads_neither_obstore_nor_urllib_request() -> None:
    code = "import sys, penstock.sdk.storage; print({'obstore', 'urllib.request', 'boto3'} & set(sys.modules))"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    found = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
