"""Parameters that are secrets, from the script to the step and nowhere else: real processes, embedded and with agents.

The steps write what they were given into files beside the home; whatever else holds the value of a secret is a leak.
"""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import psycopg
import pytest

from penstock.core.secret import MASK, Secret, is_seal
from penstock.ops.audit import ListAudit
from penstock.ops.decisions import ListDecisions
from penstock.ops.launches import GetLaunchForm, LaunchRun
from penstock.ops.outputs import ReadConsole
from penstock.ops.runs import DeleteRun, GetRun
from penstock.ops.tasks import GetParameters, ListTasks

EVERYWHERE = pytest.mark.parametrize("place", ["home", "server", "postgres"], indirect=True)
FIRST, OTHER = "planted-4c1d8e-first", "planted-93b7aa-other"
SCRIPT = """
import json, os
from pathlib import Path
from penstock import PipelineController

def use(password, address, deep):
    "Say on the console what was given, and write it where the test finds it."
    import json, os
    from pathlib import Path
    print("connecting to", address, "with", password)
    Path(os.environ["PYTHONPATH"], "given").write_text(json.dumps([password, address, deep]))
    return len(password)

def fail(length, password):
    import os
    from pathlib import Path
    if not Path(os.environ["PYTHONPATH"], "fine").exists():
        raise ValueError(f"cannot log in with {password}")
    return length

pipe = PipelineController("secretive", "Tests")
pipe.set_default_execution_queue("default")
pipe.add_parameter("db_password", os.environ.get("DB_PASSWORD"), "of the database", param_type="secret")
pipe.add_parameter("user", "ada")
pipe.add_function_step("use", use, {
    "password": "${pipeline.db_password}",
    "address": "pg://${pipeline.user}:${pipeline.db_password}@host/db",
    "deep": {"all": ["${pipeline.db_password}"]},
}, ["length"], cache_executed_step=True)
pipe.add_function_step("fail", fail, {"length": "${use.length}", "password": "${pipeline.db_password}"}, ["x"])
assert "planted" not in str(pipe.get_parameters())
"""
FUNCTION = """
import os, sys
from penstock import PipelineDecorator

class SecretStr:
    "As pydantic has it."

@PipelineDecorator.component(return_values=["length"])
def use(password, address):
    import json, os
    from pathlib import Path
    Path(os.environ["PYTHONPATH"], "given").write_text(json.dumps([password, address]))
    return len(password)

@PipelineDecorator.pipeline(name="secretive", project="Tests")
def flow(db_password: SecretStr):
    assert "planted" not in db_password
    length = use(db_password, f"pg://ada:{db_password}@host")
    assert length == 20

if __name__ == "__main__":
    getattr(PipelineDecorator, sys.argv[1])()
    flow(os.environ["DB_PASSWORD"])
"""
HERE = f"{SCRIPT}\npipe.start_locally(run_pipeline_steps_locally=True)\n"
AGENTS = f"{SCRIPT}\npipe.start()\n"


def given(place):
    """Return what the step was given last, and forget it."""
    file = place.folder / "given"
    found = json.loads(file.read_text())
    file.unlink()
    return found


def as_given(secret):
    return [secret, f"pg://ada:{secret}@host/db", {"all": [secret]}]


def everything(place):
    """Return all that anybody can ask for of what is recorded, as one text."""
    runs = [one.id for one in place.backend.call(ListTasks(limit=500)) if one.run is None]
    found = []
    for run in runs:
        found += [place.backend.call(GetRun(id=run)), place.backend.call(GetLaunchForm(source=run))]
        found.append(place.backend.call(ListDecisions(run=run)))
        for task in [run, *(one.id for one in place.backend.call(ListTasks(run=run)))]:
            found += [place.backend.call(GetParameters(task=task)), place.backend.call(ReadConsole(task=task))]
    shown = [place.penstock(*command) for command in (["show", "last"], ["runs", "--json"], ["explain", "last"])]
    return "\n".join([*(msgspec.json.encode(one).decode() for one in found), *shown, place.logs()])


def files_with(place, text):
    """Return the names of the files, of all homes and logs, in which a text stands."""
    files = [one for one in place.folder.rglob("*") if one.is_file() and one.name not in {"given", "script.py"}]
    return sorted({one.name for one in files if text.encode() in one.read_bytes()})


def rows_with(place, text, url):
    """Return the tables of the database that hold a text."""
    if url:
        with psycopg.connect(url) as connection:
            names = [
                row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ]
            tables = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
    else:
        import sqlite3

        (file,) = [one for one in place.folder.rglob("penstock.db") if one.parent.name in {"kept", "home"}
                   and (one.parent.name == "kept") == (place.server is not None)]  # fmt: skip
        connection = sqlite3.connect(file)
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
        connection.close()
    return sorted(name for name, rows in tables.items() if text in repr(rows))


@pytest.fixture
def database(request, place):
    kind = request.node.callspec.params.get("place")
    return request.getfixturevalue("postgres_url") if kind == "postgres" else None


@EVERYWHERE
def test_a_secret_reaches_the_steps_and_is_recorded_nowhere_but_in_its_own_table(place, database):
    (place.folder / "fine").touch()
    place.agent("--queue", "services", "--queue", "default")
    place.run(AGENTS, DB_PASSWORD=FIRST)
    assert place.ended("secretive") == ("completed", {"use": "completed", "fail": "completed"})
    assert given(place) == as_given(FIRST)
    recorded = {one.path: one for one in place.backend.call(GetParameters(task=place.found().run.id))}
    assert is_seal(recorded["Args/db_password"].value)
    (task,) = place.attempts("last", "use")
    inside = {one.path: one.value for one in place.backend.call(GetParameters(task=task.id))}
    assert inside["kwargs/password"] == recorded["Args/db_password"].value
    assert inside["kwargs/address"] == f"pg://ada:{recorded['Args/db_password'].value}@host/db"
    (line,) = [one.text for chunk in place.backend.call(ReadConsole(task=task.id)) for one in chunk.lines]
    assert line == f"connecting to pg://ada:{MASK}@host/db with {MASK}"
    assert FIRST not in everything(place)
    assert rows_with(place, FIRST, database) == ["secrets"]
    assert set(files_with(place, FIRST)) <= {"penstock.db", "penstock.db-wal"}


@EVERYWHERE
def test_a_new_run_keeps_the_secret_or_gets_another_and_the_cache_tells_them_apart(place, database):
    (place.folder / "fine").touch()
    place.run(HERE, DB_PASSWORD=FIRST)
    source = place.found().run.id
    assert given(place) == as_given(FIRST)
    (field,) = [one for one in place.backend.call(GetLaunchForm(source=source)).fields if one.name == "db_password"]
    assert (field.type, field.secret, field.value, field.description) == ("secret", True, MASK, "of the database")
    place.agent("--queue", "services", "--queue", "default")
    kept = place.backend.call(LaunchRun(source=source, parameters={"db_password": MASK}))
    assert place.ended(kept.id) == ("completed", {"use": "cached", "fail": "completed"})
    other = place.backend.call(LaunchRun(source=source, secrets={"db_password": Secret(OTHER)}))
    assert place.ended(other.id) == ("completed", {"use": "completed", "fail": "completed"})
    assert given(place) == as_given(OTHER)
    reuses = place.backend.call(LaunchRun(source=other.id, reuse=True))
    assert place.ended(reuses.id)[1] == {"use": "cached", "fail": "cached"}
    assert FIRST not in (told := everything(place))
    assert OTHER not in told
    assert rows_with(place, FIRST, database) == rows_with(place, OTHER, database) == ["secrets"]
    for run in (reuses, other):
        place.backend.call(DeleteRun(id=run.id))
    assert rows_with(place, OTHER, database) == []


@EVERYWHERE
def test_what_failed_says_so_with_a_mask_and_a_resumed_run_still_has_its_secret(place, database):
    place.run(HERE, DB_PASSWORD=FIRST)
    detail = place.found()
    assert [str(one.status) for one in detail.steps] == ["completed", "failed"]
    assert detail.steps[1].reason == f"ValueError: cannot log in with {MASK}"
    (place.folder / "fine").touch()
    place.penstock("resume", "last")
    assert place.ended(detail.run.id)[0] == "completed"
    assert FIRST not in everything(place)
    assert rows_with(place, FIRST, database) == ["secrets"]


@pytest.mark.parametrize("way", ["run_locally", "debug_pipeline"])
def test_the_function_of_a_pipeline_passes_on_what_it_never_sees(place, way):
    place.run(FUNCTION, way, DB_PASSWORD=FIRST)
    assert place.ended("secretive") == ("completed", {"use": "completed"})
    assert given(place) == [FIRST, f"pg://ada:{FIRST}@host"]
    assert FIRST not in everything(place)
    assert rows_with(place, FIRST, None) == ["secrets"]


def test_a_script_that_lets_its_run_go_on_need_not_give_the_secret_again(place):
    place.run(HERE, DB_PASSWORD=FIRST)
    (place.folder / "fine").touch()
    script = str(place.folder / "script.py")
    place.penstock("run", script, "--resume", "last")
    assert place.ended("secretive")[0] == "completed"


def test_a_command_asks_for_a_secret_and_refuses_one_on_the_command_line(place):
    (place.folder / "fine").touch()
    file = place.folder / "script.py"
    file.write_text(HERE)

    def penstock(*arguments, said="", **variables):
        command = [sys.executable, "-m", "penstock", *arguments]
        own = place.environment | variables
        return subprocess.run(command, env=own, input=said, capture_output=True, text=True, check=False, timeout=120)

    refused = penstock("run", str(file), "-p", f"db_password={FIRST}")
    assert refused.returncode == 2
    assert "--secret db_password" in refused.stderr
    assert FIRST not in refused.stderr
    assert penstock("run", str(file), "--secret", "db_password", said=f"{FIRST}\n").returncode == 0
    assert given(place) == as_given(FIRST)
    assert penstock("rerun", "last", "--secret", "db_password=OWN", OWN=OTHER).returncode == 0
    assert given(place) == as_given(OTHER)
    assert penstock("rerun", "last", "-p", f"db_password={FIRST}").returncode == 2
    assert place.penstock("rerun", "last", "--dry-run").startswith("rerun of secretive #2: no step to run")


@pytest.mark.parametrize("place", ["server"], indirect=True)
def test_the_audit_log_tells_who_had_a_secret_opened(place):
    (place.folder / "fine").touch()
    place.agent("--queue", "services", "--queue", "default")
    place.run(AGENTS, DB_PASSWORD=FIRST)
    place.ended("secretive")
    rows = [one for one in place.backend.call(ListAudit(limit=500)) if one.operation == "OpenSecrets"]
    tasks = {place.found().run.id, *(place.attempts("last", step)[0].id for step in ("use", "fail"))}
    assert {one.object for one in rows} <= tasks
    assert {place.attempts("last", step)[0].id for step in ("use", "fail")} <= {one.object for one in rows}
