"""Configuration: read once, from the environment and then from a file; a bad value is named with its place."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from penstock.core.containers import Allowed
from penstock.core.errors import Invalid
from penstock.core.secret import Secret
from penstock.settings import Environments, Settings, environment, environment_of_interest, load


def settings(tmp_path, text="", **variables):
    """What a process has with this file and these variables, and no others."""
    file = tmp_path / "config.toml"
    if text:
        file.write_text(text, encoding="utf-8")
    return load({"PENSTOCK_CONFIG": str(file), **variables})


def test_everything_has_a_default(tmp_path):
    found = settings(tmp_path)
    assert found.home.is_absolute()
    assert found.home.name == "penstock"
    assert found.workers >= 4
    assert found.progress == "auto"


def test_places_follow_from_the_home(tmp_path):
    found = settings(tmp_path, PENSTOCK_HOME="/data/p")
    assert (found.home, found.database, found.blobs, found.scratch) == (
        Path("/data/p"),
        Path("/data/p/penstock.db"),
        Path("/data/p/blobs"),
        Path("/data/p/scratch"),
    )


def test_a_variable_wins_over_the_file(tmp_path):
    text = 'home = "/file"\nworkers = 7\nprogress = "plain"\nuser = "grace"\n'
    found = settings(tmp_path, text)
    assert (found.home, found.workers, found.progress, found.user) == (Path("/file"), 7, "plain", "grace")
    found = settings(
        tmp_path, text, PENSTOCK_HOME="/variable", PENSTOCK_WORKERS="2", PENSTOCK_PROGRESS="none", PENSTOCK_USER="ada"
    )
    assert (found.home, found.workers, found.progress, found.user) == (Path("/variable"), 2, "none", "ada")


@pytest.mark.parametrize(("given", "expected"), [("~/p", "home/p"), ("p/q", "p/q"), ("./p", "p")])
def test_a_home_is_made_absolute(tmp_path, monkeypatch, given, expected):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert settings(tmp_path, PENSTOCK_HOME=given).home == tmp_path / expected


@pytest.mark.parametrize("value", ["", "0", "-1", "many", "1.5"])
@pytest.mark.parametrize("place", ["variable", "file"])
def test_a_number_of_workers_that_is_none_is_refused_with_its_place(tmp_path, value, place):
    text = f'workers = "{value}"' if place == "file" else ""
    variables = {"PENSTOCK_WORKERS": value} if place == "variable" else {}
    if not value:
        assert settings(tmp_path, text, **variables).workers >= 4
        return
    where = "workers in .*config.toml" if place == "file" else "PENSTOCK_WORKERS"
    with pytest.raises(Invalid, match=where):
        settings(tmp_path, text, **variables)


def test_a_progress_that_is_none_is_refused_with_the_choices(tmp_path):
    with pytest.raises(Invalid, match="PENSTOCK_PROGRESS is 'loud'") as caught:
        settings(tmp_path, PENSTOCK_PROGRESS="loud")
    assert caught.value.hint == "choose one of auto, live, plain, none"


def test_a_database_is_named_by_its_url_and_never_shown(tmp_path):
    url = "postgresql://ada:s3cret@db/lab"
    assert settings(tmp_path).database_url is None
    assert settings(tmp_path, PENSTOCK_DATABASE="").database_url is None
    for found in (settings(tmp_path, PENSTOCK_DATABASE=url), settings(tmp_path, f'database = "{url}"\n')):
        assert found.database_url == url
        assert "s3cret" not in f"{found}{found!r}"
        assert str(found.home) in repr(found)


@pytest.mark.parametrize("value", ["/data/penstock.db", "sqlite:///x.db", "mysql://ada:s3cret@db/lab"])
def test_a_database_that_is_no_postgresql_url_is_refused_without_showing_it(tmp_path, value):
    with pytest.raises(Invalid, match="PENSTOCK_DATABASE is no PostgreSQL URL") as caught:
        settings(tmp_path, PENSTOCK_DATABASE=value)
    assert value not in str(caught.value)


def test_a_file_that_is_no_toml_is_named(tmp_path):
    with pytest.raises(Invalid, match=r"config\.toml is not TOML"):
        settings(tmp_path, "home = /no quotes")
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Invalid, match=r"config\.toml is not TOML"):
        settings(tmp_path)


def test_a_file_that_is_not_there_or_a_folder_is_no_matter(tmp_path):
    assert load({"PENSTOCK_CONFIG": str(tmp_path / "nowhere" / "config.toml")}).progress == "auto"
    assert load({"PENSTOCK_CONFIG": str(tmp_path)}).progress == "auto"


def test_settings_are_frozen(tmp_path):
    with pytest.raises(AttributeError):
        Settings(home=tmp_path, workers=1).workers = 2
    assert msgspec.structs.replace(Settings(home=tmp_path, workers=1), workers=2).workers == 2


def test_a_user_without_a_name_has_none(tmp_path, monkeypatch):
    import getpass

    def nobody():
        raise OSError("no such user")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert settings(tmp_path).user == ""


def test_the_environment_is_a_copy():
    found = environment()
    assert found == dict(os.environ)
    found["PENSTOCK_TEST_ONLY"] = "x"
    assert "PENSTOCK_TEST_ONLY" not in os.environ


def test_variables_that_results_depend_on_are_of_interest_and_those_that_are_asked_for(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("MY_SEED", "2")
    monkeypatch.setenv("MY_TOKEN", "3")
    found = environment_of_interest()
    assert found["CUDA_VISIBLE_DEVICES"] == "1"
    assert not {"MY_SEED", "MY_TOKEN", "HOME"} & set(found)
    monkeypatch.setenv("PENSTOCK_LOG_ENVIRONMENT", "MY_*, HOME,")
    assert {"MY_SEED", "MY_TOKEN", "HOME"} <= set(environment_of_interest())


def test_the_password_of_the_database_is_recorded_by_no_wildcard(monkeypatch):
    monkeypatch.setenv("PENSTOCK_DATABASE", "postgresql://ada:s3cret@db/lab")
    monkeypatch.setenv("PENSTOCK_KEY", "penstock_aaaaaaaa_s3cret")
    monkeypatch.setenv("PENSTOCK_LOG_ENVIRONMENT", "*")
    assert not [text for text in environment_of_interest().values() if "s3cret" in text]


def test_a_server_is_an_address_and_a_key_that_nothing_shows(tmp_path):
    found = settings(tmp_path, PENSTOCK_URL="https://p.example/base/", PENSTOCK_KEY=" very secret ", PENSTOCK_HOME="/h")
    assert (found.url, found.key.text) == ("https://p.example/base", "very secret")
    assert "very secret" not in f"{found!r} {found.key} {found.key!r}"
    assert found.blobs == Path("/h/cache/blobs")
    assert (found.key == Secret("very secret"), bool(Secret(""))) == (True, False)
    assert settings(tmp_path, 'url = "http://a:1"\nkey = "k"').key.text == "k"
    assert settings(tmp_path / "none").url == ""


@pytest.mark.parametrize(
    "url", ["x", "ftp://x", "http://", "http://x:y", "http://x?a", "http://x#a", "//x", "http://[x"]
)
def test_an_address_that_is_none_is_named(tmp_path, url):
    with pytest.raises(Invalid, match="PENSTOCK_URL is"):
        settings(tmp_path, PENSTOCK_URL=url)


def test_a_password_in_an_address_is_refused_and_not_repeated(tmp_path):
    with pytest.raises(Invalid, match="holds a password") as error:
        settings(tmp_path, PENSTOCK_URL="https://me:hunter2@p.example")
    assert "hunter2" not in str(error.value)


def test_how_environments_are_built_is_a_table_of_the_file(tmp_path):
    text = '[environments]\nindex = "none"\nfind_links = ["/wheels"]\noffline = true\ngigabytes = 2\ndays = 0.5\n'
    expected = Environments(index="none", find_links=("/wheels",), offline=True, gigabytes=2.0, days=0.5)
    assert settings(tmp_path, text).environments == expected
    assert settings(tmp_path, "workers = 2").environments == Environments()


def test_which_containers_are_allowed_is_a_table_of_the_file(tmp_path):
    text = (
        '[agent.containers]\nimages = ["python:*"]\narguments = ["cpus"]\nalways = ["--gpus=all"]\nruntime = "podman"\n'
    )
    expected = Allowed(images=("python:*",), arguments=("cpus",), always=("--gpus=all",), runtime="podman")
    assert settings(tmp_path, text).containers == expected
    assert settings(tmp_path, '[agent]\nname = "a"\n').containers == Allowed()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("environments = 3", r"\[environments\] in .*object"),
        ("[environments]\noffline = 1", r"\[environments\] in .*offline"),
        ("[environments]\nofline = true", r"\[environments\] in .*ofline"),
        ("[agent]\ncontainers = 'python'", r"\[agent.containers\] in .*object"),
        ("agent = 3", r"\[agent.containers\] in .*object"),
        ("[agent.containers]\nruntime = 'lxc'", r"\[agent.containers\] in .*runtime"),
        ("[agent.containers]\nimages = 'python:*'", r"\[agent.containers\] in .*images"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_with_its_place(tmp_path, text, why):
    with pytest.raises(Invalid, match=why):
        settings(tmp_path, text)


def test_a_server_keeps_a_gigabyte_free_unless_the_file_says_otherwise(tmp_path):
    assert settings(tmp_path).hosting.keep_free == 1.0
    assert settings(tmp_path, "[server]\nkeep_free = 0.5\n").hosting.keep_free == 0.5
    for text in ("keep_free = -1", 'keep_free = "much"', "keep = 1"):
        with pytest.raises(Invalid, match=r"\[server\] in .*config\.toml"):
            settings(tmp_path, f"[server]\n{text}\n")


def test_the_authorities_are_a_file_wherever_the_process_goes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert settings(tmp_path).authorities == ""
    assert settings(tmp_path, PENSTOCK_CA="ca.pem").authorities == str(tmp_path / "ca.pem")
