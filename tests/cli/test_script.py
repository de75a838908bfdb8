"""A script as Python itself would run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from penstock.cli.script import Interrupts, own_frames, place, run_script
from penstock.core.errors import Invalid


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch):
    """Put back what belongs to the process."""
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


FACTS = """
    import sys, neighbour
    print(__name__, __file__, __spec__, __package__, __doc__, sys.argv, sys.path[0], neighbour.__file__)
    print(sys.modules["__main__"].__dict__ is globals(), __builtins__ is __import__("builtins"))
"""


def test_a_script_finds_what_python_would_show_it(script, tmp_path, monkeypatch, capfd):
    script("", name="neighbour.py")
    script(FACTS)
    monkeypatch.chdir(tmp_path)
    assert run_script("pipeline.py", ["-x", "1"]).code == 0
    ours = capfd.readouterr().out
    subprocess.run([sys.executable, "pipeline.py", "-x", "1"], check=True)
    assert ours == capfd.readouterr().out
    assert ours.startswith("__main__ ")


def test_a_link_to_a_script_imports_from_the_folder_of_the_script(script, tmp_path, monkeypatch, capfd):
    (tmp_path / "real").mkdir()
    script("print('the neighbour')", name="real/neighbour2.py")
    (tmp_path / "link.py").symlink_to(script("import neighbour2", name="real/script.py"))
    assert run_script(str(tmp_path / "link.py"), []).error is None
    assert capfd.readouterr().out == "the neighbour\n"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", 0, ""),
        ("raise SystemExit", 0, ""),
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit(256 + 3)", 3, ""),
        ("import sys; sys.exit('too bad')", 1, "too bad\n"),
    ],
)
def test_the_exit_code_is_pythons(script, capfd, text, code, said):
    ending = run_script(script(text), [])
    assert (ending.code, ending.error, capfd.readouterr().err) == (code, None, said)


@pytest.mark.parametrize("text", ["1/0", "raise KeyboardInterrupt", "def f(:", "import no_such_module"])
def test_what_a_script_raises_is_returned(script, text):
    ending = run_script(script(text), [])
    assert ending.code == 1
    assert type(ending.error).__name__ in {
        *("ZeroDivisionError", "KeyboardInterrupt"),
        *("SyntaxError", "ModuleNotFoundError"),
    }


def test_a_traceback_begins_in_the_script(script):
    path = script("def f():\n    1 / 0\nf()\n")
    trace = own_frames(run_script(path, []).error)
    assert (trace.tb_frame.f_code.co_filename, trace.tb_lineno) == (path, 3)
    assert trace.tb_next.tb_lineno == 2


def test_the_place_of_an_error_is_the_users_own_line(script):
    path = script("\nfrom penstock.core.version import Version\n\nVersion.parse('no version')\n")
    error = run_script(path, []).error
    assert isinstance(error, Invalid)
    assert place(error) == f"{path}:4"


def test_the_encoding_that_a_script_names_counts(tmp_path, capfd):
    file = tmp_path / "latin.py"
    file.write_bytes("# -*- coding: latin-1 -*-\nprint('é' == chr(233))\n".encode("latin-1"))
    assert run_script(str(file), []).error is None
    assert capfd.readouterr().out == "True\n"


def test_interrupts_are_counted_and_raised():
    interrupts = Interrupts()
    with interrupts.watched(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert interrupts.count == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_interrupts_that_are_ignored_stay_so(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupts = Interrupts()
        with interrupts.watched():
            os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.count == 0
    finally:
        signal.signal(signal.SIGINT, before)
