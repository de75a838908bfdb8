"""The group of all commands: help, exit codes, errors, pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import click
import pytest

from penstock.cli.invocation import Exit
from penstock.cli.main import MODULES, SUMMARIES, Commands, exit_code
from penstock.cli.main import penstock as group
from penstock.core.errors import BY_CODE, Conflict, DiskFull, Invalid, NotFound


def commands():
    context = click.Context(group)
    return {name: group.get_command(context, name) for name in SUMMARIES}


def test_without_a_command_five_to_start_with_are_shown(penstock):
    answer = penstock()
    assert answer.code == Exit.OK
    shown = [line.split()[1] for line in answer.out.splitlines() if line.startswith("  penstock ")]
    assert shown == ["run", "runs", "show", "logs", "graph"]


def test_help_lists_every_command_and_every_exit_code(penstock):
    answer = penstock("--help")
    assert answer.code == Exit.OK
    for name, summary in SUMMARIES.items():
        assert f"  {name} " in answer.out
        assert summary in answer.out
    for code in Exit:
        assert f"  {code.value} " in answer.out


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_has_an_example_and_answers_in_json(penstock, name):
    answer = penstock(name, "--help")
    assert answer.code == Exit.OK
    assert f"  penstock {name} " in answer.out.partition("Example")[2]
    assert "--json" in answer.out


def test_commands_are_found_under_their_names():
    assert all(command is not None and command.name == name for name, command in commands().items())
    assert set(MODULES) < set(SUMMARIES)
    assert isinstance(group, Commands)
    assert group.get_command(click.Context(group), "nonsense") is None


def test_the_version_is_shown(penstock):
    assert penstock("--version").out.startswith("penstock ")


def test_a_misspelt_command_names_the_nearest(penstock):
    answer = penstock("shwo")
    assert answer.code == Exit.USAGE
    assert "error: there is no command 'shwo'; did you mean 'show'?" in answer.err


@pytest.mark.parametrize(
    "arguments", [["show", "--nonsense"], ["runs", "--limit", "0"], ["runs", "--status", "x"], ["rm"]]
)
def test_what_is_not_understood_says_where_help_is(penstock, arguments):
    answer = penstock(*arguments)
    assert answer.code == Exit.USAGE
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert f"hint: see penstock {arguments[0]} --help" in answer.err


def test_what_is_not_there_has_an_exit_code_of_its_own(penstock):
    answer = penstock("show", "nonsense")
    assert answer.code == Exit.NOT_FOUND
    assert answer.err.splitlines()[0] == "error: there is no run 'nonsense'"
    assert answer.err.splitlines()[1].startswith("hint: ")


def test_an_error_is_a_json_document_too(penstock):
    answer = penstock("show", "nonsense", "--json")
    assert answer.code == Exit.NOT_FOUND
    assert answer.document()["error"]["code"] == "not_found"
    assert "there is no run" in answer.err


def test_a_name_in_an_error_steers_no_terminal(penstock):
    answer = penstock("show", "x\x1b[31m\x07")
    assert "\x1b" not in answer.err
    assert "\x07" not in answer.err


def test_bytes_that_are_no_text_are_just_not_found(penstock):
    assert penstock("show", "\udcff").code == Exit.NOT_FOUND


@pytest.mark.parametrize(
    ("error", "code"),
    [(NotFound(), Exit.NOT_FOUND), (Invalid(), Exit.USAGE), (Conflict(), Exit.FAILED), (DiskFull(), Exit.FAILED)],
)
def test_errors_have_exit_codes(error, code):
    assert exit_code(error) is code


@pytest.mark.parametrize("kind", BY_CODE.values())
def test_no_error_leaves_with_zero(kind):
    assert exit_code(kind()) != Exit.OK


def test_a_home_that_cannot_be_used_is_an_error_without_a_traceback(penstock, home):
    home.write_text("a file, not a folder")
    answer = penstock("runs")
    assert answer.code == Exit.FAILED
    assert answer.err.startswith("error: ")
    assert "Traceback" not in answer.err


def test_a_reader_that_leaves_is_no_error_to_tell_of(recorder):
    run = recorder.complete({"load": []})
    recorder.prints(run.id, *(["x" * 100] * 5000))
    for arguments in (["logs", "last"], ["show", "--json"], ["runs"]):
        command = [sys.executable, "-m", "penstock.cli.main", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.close()
            assert process.stderr.read() == b"", arguments
        assert process.returncode == Exit.FAILED


def test_output_that_the_terminal_cannot_write_is_written_with_what_it_has(recorder, monkeypatch, process):
    recorder.complete({"load": []})
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    answer = process("show")
    assert answer.code == Exit.OK
    assert "? completed" in answer.out


def test_nothing_is_coloured_where_no_colour_is_wanted(recorder, monkeypatch, terminal):
    recorder.complete({"load": []})
    assert "\x1b[" in terminal(100, 30).call("show").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in terminal(100, 30).call("show").out


def test_completion_is_there(home):
    environment = {**os.environ, "_PENSTOCK_COMPLETE": "bash_complete", "COMP_WORDS": "penstock ar", "COMP_CWORD": "1"}
    code = "import sys; sys.argv[0] = 'penstock'; from penstock.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["plain,artifacts", "plain,archive"]


@pytest.mark.uncovered
def test_rich_and_the_database_are_loaded_only_where_they_are_needed(home):
    code = (
        "import sys; from penstock.cli.main import execute; execute(['--help']); "
        "print([name for name in ('rich', 'sqlite3', 'platformdirs') if name in sys.modules], file=sys.stderr)"
    )
    assert run_python(code).splitlines()[-1] == "[]"
    code = (
        "import sys; from penstock.cli.main import execute; "
        "execute(['runs', '--json']); assert 'rich' not in sys.modules"
    )
    assert json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) == {
        "runs": []
    }


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
