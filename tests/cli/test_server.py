"""`penstock server` in a process of its own, and the other commands against it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import urllib.request

import pytest
from tests.server.test_tls import make_certificate

SCRIPT = """
from penstock import PipelineController, Task

def count(n):
    print("counting to", n)
    return list(range(n))

def total(numbers):
    import penstock
    penstock.Task.current_task().upload_artifact("note", "é" * 100_000)
    return sum(numbers)

pipe = PipelineController("sums", "P", "1.0")
pipe.add_parameter("n", 4)
given = {"n": "${pipeline.n}"}
pipe.add_function_step("count", count, given, function_return=["numbers"], cache_executed_step=True)
pipe.add_function_step("total", total, function_kwargs={"numbers": "${count.numbers}"}, function_return=["sum"])
pipe.start_locally(run_pipeline_steps_locally=True)
"""


def environment(**variables):
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("COVERAGE", "PENSTOCK"))}
    return kept | {"PENSTOCK_CONFIG": os.devnull, "PENSTOCK_PROGRESS": "none"} | variables


def penstock(*arguments, code=0, cwd=None, **variables):
    done = subprocess.run(
        [sys.executable, "-m", "penstock", *arguments], env=environment(**variables), cwd=cwd,
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


class Served:
    """A server's process."""

    def __init__(self, home, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "penstock", "server", "--port", "0", *arguments],
            env=environment(PENSTOCK_HOME=str(home)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.said = self.process.stdout.readline()
        self.url = self.said.partition("URL=")[2].strip()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def start(tmp_path):
    started = []

    def start(home=tmp_path / "home", *arguments):
        started.append(Served(home, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


def test_it_says_in_one_line_where_it_is_and_how_to_use_it(start, tmp_path):
    server = start()
    assert f"export PENSTOCK_URL={server.url}" in server.said
    found = json.loads((tmp_path / "home" / "server.json").read_text("utf-8"))
    assert found == {"url": server.url, "pid": server.process.pid}
    with urllib.request.urlopen(f"{server.url}/healthz") as answer:
        assert json.load(answer)["well"]
    code, out, err = server.stop()
    assert (code, out, err) == (0, "", "")
    assert not (tmp_path / "home" / "server.json").exists()


def test_a_client_that_waits_does_not_keep_it_from_stopping(start, tmp_path):
    server = start()
    token = (tmp_path / "home" / "token").read_text("ascii").strip()
    port = int(server.url.rpartition(":")[2])
    body = b'{"wait": 30}'
    head = f"POST /api/v1/ListChanges HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
    with socket.create_connection(("127.0.0.1", port)) as waiting:
        waiting.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        urllib.request.urlopen(f"{server.url}/healthz").close()
        assert server.stop()[0] == 0
        assert b"200 OK" in waiting.recv(1000)


def test_it_refuses_to_be_reached_by_other_machines(tmp_path):
    said = penstock("server", "--host", "0.0.0.0", "--port", "0", code=2, PENSTOCK_HOME=str(tmp_path / "home"))
    assert "no users yet" in said
    assert "hint:" in said


@pytest.mark.parametrize("command", ["server", "ui"])
def test_without_what_a_server_needs_it_says_what_to_install(tmp_path, command):
    text = "import sys; sys.modules['starlette'] = None; from penstock.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", text, command], env=environment(PENSTOCK_HOME=str(tmp_path / "home")),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first.startswith("error: the server needs starlette")
    assert second == "hint: pip install 'penstock[server]'"


def test_a_port_that_is_taken_is_an_error(start, tmp_path):
    port = start().url.rpartition(":")[2]
    said = penstock("server", "--port", port, code=1, PENSTOCK_HOME=str(tmp_path / "home"))
    assert "Address already in use" in said
    assert "--port 0" in said


def test_it_serves_its_own_home_whatever_server_its_user_uses(start, tmp_path):
    said = penstock(
        "server", "--host", "10.255.255.1", code=2, PENSTOCK_HOME=str(tmp_path / "h"), PENSTOCK_URL="http://x"
    )
    assert "no users yet" in said


def test_two_servers_may_serve_one_home(start, tmp_path):
    first, second = start(), start()
    script = tmp_path / "sums.py"
    script.write_text(textwrap.dedent(SCRIPT), "utf-8")
    home = str(tmp_path / "home")
    penstock("run", str(script), PENSTOCK_HOME=home, PENSTOCK_URL=first.url)
    for url in (first.url, second.url):
        (run,) = json.loads(penstock("runs", "--json", PENSTOCK_HOME=home, PENSTOCK_URL=url))["runs"]
        assert run["task"]["status"] == "completed"


def test_programs_are_told_where_it_is_in_json(start, tmp_path):
    server = start(tmp_path / "home", "--json")
    said = server.said + "".join(iter(server.process.stdout.readline, "}\n")) + "}"
    assert json.loads(said)["pid"] == server.process.pid


def test_nobody_there_is_an_error_of_its_own(tmp_path):
    said = penstock("runs", code=4, PENSTOCK_HOME=str(tmp_path), PENSTOCK_URL="http://127.0.0.1:1")
    assert "error: the server at http://127.0.0.1:1 does not answer: connection refused" in said
    assert "hint: see whether it runs (penstock server)" in said


def test_a_script_and_the_commands_work_against_a_server_as_they_do_without(start, tmp_path):
    """On another machine, as far as files go: another home, another folder, a key."""
    server = start()
    token = (tmp_path / "home" / "token").read_text("ascii").strip()
    script = tmp_path / "sums.py"
    script.write_text(textwrap.dedent(SCRIPT), "utf-8")
    there = {"PENSTOCK_URL": server.url, "PENSTOCK_KEY": token}
    one, two = ({**there, "PENSTOCK_HOME": str(tmp_path / name)} for name in ("one", "two"))
    penstock("run", str(script), **one)
    assert "completed" in penstock("show", **one)
    assert "counting to 4" in penstock("logs", "last", "count", **two)
    saved = tmp_path / "saved"
    penstock("artifacts", "last", "total", "-o", str(saved), **two)
    assert (saved / "total" / "sum.json").read_text("utf-8") == "6"
    assert "é" in next(saved.rglob("note*")).read_text("utf-8")
    penstock("run", str(script), **two)
    said = penstock("explain", "last", "count", **two)
    assert "reused" in said
    assert not (tmp_path / "one" / "penstock.db").exists()
    for folder in ("one", "two"):
        texts = [path.read_bytes() for path in (tmp_path / folder).rglob("*") if path.is_file()]
        assert not [text for text in texts if token.encode() in text], "the key is nowhere in a client's home"
    penstock("rm", "sums #1", "--yes", **one)
    left = json.loads(penstock("runs", "--json", **two))["runs"]
    assert [run["task"]["name"] for run in left] == ["sums #2"]
    code, _, err = server.stop()
    assert (code, err) == (0, "")


def test_it_speaks_tls_to_those_who_know_its_authority(start, tmp_path):
    certificate, key = make_certificate(tmp_path / "tls")
    home = tmp_path / "home"
    server = start(home, "--tls-cert", str(certificate), "--tls-key", str(key))
    assert server.url.startswith("https://127.0.0.1:")
    there = {"PENSTOCK_HOME": str(home), "PENSTOCK_URL": server.url}
    assert json.loads(penstock("runs", "--json", PENSTOCK_CA=str(certificate), **there)) == {"runs": []}
    assert "PENSTOCK_CA" in penstock("runs", code=4, **there)
    link = json.loads(penstock("ui", "--json", PENSTOCK_CA=str(certificate), **there))["url"]
    assert link.startswith(f"{server.url}/login#c=")
    assert server.stop() == (0, "", "")


def test_a_certificate_and_its_key_go_together(tmp_path):
    certificate, _ = make_certificate(tmp_path / "tls")
    said = penstock("server", "--tls-cert", str(certificate), code=2, PENSTOCK_HOME=str(tmp_path / "home"))
    assert "go together" in said
