"""Wrappers around functions of libraries."""

from __future__ import annotations

import inspect
import sys

import pytest

from penstock.run.arguments.patches import Patches


@pytest.fixture
def library(tmp_path, monkeypatch):
    (tmp_path / "some_library.py").write_text("def work(a, b=1):\n    'Say it.'\n    return a + b\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield lambda: __import__("some_library")
    sys.modules.pop("some_library", None)


@pytest.fixture
def patches():
    heard = []

    def wrapper(wrapped, _instance, args, kwargs):
        heard.append(args)
        return wrapped(*args, **kwargs) * 10

    one = Patches({"some_library": lambda module: [(module, "work", wrapper), (module, "none", wrapper)]})
    one.heard = heard
    yield one
    one.take_off()


def test_a_library_is_wrapped_when_it_is_imported_and_not_imported_for_it(library, patches):
    patches.put_on()
    assert "some_library" not in sys.modules
    assert library().work(1) == 20
    assert patches.heard == [(1,)]


def test_a_library_that_is_there_already_is_wrapped_at_once(library, patches):
    module = library()
    patches.put_on()
    patches.put_on()
    assert module.work(1, b=2) == 30
    assert len(patches.heard) == 1


def test_a_wrapped_function_tells_the_same_of_itself(library, patches):
    patches.put_on()
    work = library().work
    assert work.__doc__ == "Say it."
    assert str(inspect.signature(work)) == "(a, b=1)"
    assert inspect.isfunction(work)


def test_taken_off_everything_is_as_it_was_and_can_be_put_on_again(library, patches):
    module = library()
    original = module.work
    patches.put_on()
    patches.take_off()
    assert module.work is original
    patches.put_on()
    assert module.work(1) == 20
    patches.take_off()
    assert module.work is original


def test_what_was_taken_off_before_the_import_stays_off(library, patches):
    patches.put_on()
    patches.take_off()
    assert library().work(1) == 2


def test_a_wrapper_that_somebody_holds_on_to_does_nothing_once_it_is_off(library, patches):
    module = library()
    patches.put_on()
    held = module.work
    module.work = print
    patches.take_off()
    assert module.work is print
    assert held(1) == 2
    assert patches.heard == []
