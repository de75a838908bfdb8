from __future__ import annotations

import os
import sys
import threading
from io import BytesIO

import pytest

from penstock.run.frameworks import notes as module
from penstock.run.frameworks.choice import Choice
from penstock.run.frameworks.notes import Notes, followed_by, is_quiet, unrecorded


@pytest.fixture
def notes(kept):
    return Notes(kept, Choice(wanted=True))


def raise_it(error):
    raise error


def test_a_file_is_told_with_its_absolute_path(notes, kept, tmp_path, monkeypatch):
    (tmp_path / "m.pt").touch()
    monkeypatch.chdir(tmp_path)
    notes.saved("./m.pt", "PyTorch", "pytorch")
    notes.loaded(tmp_path / "m.pt", "PyTorch", "pytorch")
    whole = str(tmp_path / "m.pt")
    assert kept.events == [("model_saved", whole, "PyTorch"), ("model_loaded", whole, "PyTorch")]


@pytest.mark.parametrize("target", [BytesIO(), None, 3, b"m.pt", "s3://bucket/m.pt", "no-such-file"])
def test_what_is_not_the_path_of_an_existing_file_is_passed_over(notes, kept, target):
    notes.saved(target, "PyTorch", "pytorch")
    assert kept.events == []


def test_a_file_is_told_only_when_every_key_wants_it(kept, tmp_path):
    for name in ("a.pkl", "b.pkl"):
        (tmp_path / name).touch()
    notes = Notes(kept, Choice({"joblib": "a*", "scikit": "*.pkl"}))
    for name in ("a.pkl", "b.pkl"):
        notes.saved(tmp_path / name, "ScikitLearn", "joblib", "scikit")
    assert kept.models() == [("model_saved", "a.pkl", "ScikitLearn")]


def test_what_goes_wrong_is_said_once_a_kind_with_what_switches_it_off(notes, capsys):
    for error in (OSError("disk\nfull"), OSError("again"), ValueError("odd")):
        notes.attempt("joblib", raise_it, error)
    notes.attempt("xgboost", raise_it, OSError("there"))
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(" (")[0] for line in said] == [
        "penstock: what joblib did could not be recorded: OSError: disk full",
        "penstock: what joblib did could not be recorded: ValueError: odd",
        "penstock: what xgboost did could not be recorded: OSError: there",
    ]
    assert "auto_connect_frameworks={'joblib': False}" in said[0]


def test_a_closed_standard_error_and_an_error_without_text_do_no_harm(notes, monkeypatch):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    notes.attempt("joblib", raise_it, Mute())
    monkeypatch.setattr(sys, "stderr", None)
    notes.attempt("joblib", raise_it, ValueError("unheard"))


def test_an_interrupt_while_recording_reaches_the_user(notes):
    with pytest.raises(KeyboardInterrupt):
        notes.attempt("joblib", raise_it, KeyboardInterrupt())
    assert not is_quiet()


def test_the_recorder_hears_of_a_call_after_it_succeeded_and_never_of_one_that_raised(notes):
    heard = []
    spot = followed_by(
        lambda _notes, result, *args, **kwargs: heard.append((result, args, kwargs)), None, "f", "joblib"
    )
    assert spot.around(notes, lambda a, b: a + b, (1,), {"b": 2}) == 3
    with pytest.raises(ZeroDivisionError):
        spot.around(notes, lambda a: a / 0, (1,), {})
    assert heard == [(3, (1,), {"b": 2})]
    assert not is_quiet()


def test_parameters_that_a_library_does_not_have_any_more_are_only_complained_of(notes, capsys):
    spot = followed_by(lambda _notes, _result, path: None, None, "f", "joblib")
    assert spot.around(notes, lambda **_: "done", (), {"filename": 1}) == "done"
    assert "TypeError" in capsys.readouterr().err


def test_quiet_is_nested_and_belongs_to_one_thread():
    seen = {}
    with unrecorded():
        with unrecorded():
            pass
        assert is_quiet()
        thread = threading.Thread(target=lambda: seen.update(other=is_quiet()))
        thread.start()
        thread.join()
    assert not is_quiet()
    assert seen == {"other": False}


def test_a_process_that_was_forked_in_the_midst_of_a_call_records_again():
    reading, writing = os.pipe()
    with unrecorded():
        pid = os.fork()
        if not pid:
            os.write(writing, b"quiet" if is_quiet() else b"records")
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"records"


def test_the_caller_is_the_module_outside_of_what_follows():
    assert module.caller() == __name__
    assert Notes(None, Choice(wanted=True)).attempt("joblib", module.caller) == __name__
