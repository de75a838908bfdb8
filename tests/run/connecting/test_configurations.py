"""Connected configurations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.core.errors import BadParameter, NotFound
from penstock.core.task import Configuration
from penstock.run.connecting.configurations import connect_configuration, read_configuration


@pytest.fixture
def connect(tmp_path):
    def connect(configuration, text=None):
        told = []
        held = None if text is None else Configuration(name="net", text=text)
        result = connect_configuration(
            configuration, "net", stored=held, store=told.append, folder=tmp_path / "made", description="a net"
        )
        return result, told

    return connect


def test_a_dict_is_recorded_as_json_and_returned(connect):
    given = {"layers": [1, 2], "name": "é"}
    result, (told,) = connect(given)
    assert result is given
    assert json.loads(told.text) == given
    assert (told.name, told.format, told.description) == ("net", "json", "a net")
    assert "é" in told.text


@pytest.mark.parametrize("text", ['{"a": {"b": 1}}', "a:\n  b: 1\n", "[a]\nb = 1\n"])
def test_the_tasks_text_takes_the_place_of_a_dict_whatever_it_is_written_in(connect, text):
    given = {"a": {"b": 0}, "old": 1}
    result, told = connect(given, text)
    assert result is given
    assert given == {"a": {"b": 1}}
    assert not told


def test_a_list_is_updated_in_place(connect):
    given = [1, 2]
    assert connect(given, "[3]")[0] is given
    assert given == [3]


@pytest.mark.parametrize(("given", "text"), [({}, "[1]"), ([], '{"a": 1}')])
def test_a_text_of_another_kind_is_refused(connect, given, text):
    with pytest.raises(BadParameter, match="'net' holds a"):
        connect(given, text)


def test_a_text_that_nothing_reads_is_refused_and_no_code_in_it_runs(connect):
    for text in ("just words", "{", "!!python/object/apply:os.getcwd []"):
        with pytest.raises(BadParameter, match="cannot be read as JSON, TOML or YAML"):
            connect({}, text)


@pytest.mark.parametrize("kind", [str, Path])
def test_of_a_file_the_text_is_recorded(connect, tmp_path, kind):
    file = tmp_path / "net.YAML"
    file.write_text("a: 1 # é\n", "utf-8")
    result, (told,) = connect(kind(file))
    assert result == kind(file)
    assert (told.text, told.format) == ("a: 1 # é\n", "yaml")


@pytest.mark.parametrize("kind", [str, Path])
def test_the_tasks_text_becomes_a_file_of_the_same_ending_that_only_its_owner_reads(connect, kind, tmp_path):
    result, told = connect(kind("missing/net.yaml"), "a: 2\n")
    assert type(result) is type(kind("x"))
    file = Path(result)
    assert file.read_text("utf-8") == "a: 2\n"
    assert file.suffix == ".yaml"
    assert file.stat().st_mode & 0o077 == 0
    assert not told
    assert file.parent == tmp_path / "made"


def test_a_file_that_is_missing_or_no_text_is_refused(connect, tmp_path):
    with pytest.raises(NotFound, match="there is no file"):
        connect(tmp_path / "none.json")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadParameter, match="cannot be read"):
        connect(tmp_path / "binary")


@pytest.mark.parametrize("bad", [{"a": object()}, 5, None])
def test_what_is_no_configuration_is_refused_by_name(connect, bad):
    with pytest.raises(BadParameter, match="configuration 'net'"):
        connect(bad)


def test_secrets_in_a_dict_are_masked_and_stay_the_scripts_own(connect):
    _, (told,) = connect({"db": {"password": "hunter2", "port": 1}})
    assert "hunter2" not in told.text
    given = {"db": {"password": "mine", "port": 0}}
    connect(given, told.text)
    assert given == {"db": {"password": "mine", "port": 1}}


def test_reading_a_configuration_prefers_json():
    assert read_configuration("{}") == {}
