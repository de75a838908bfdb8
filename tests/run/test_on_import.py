from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest

from penstock.run.on_import import Watch


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Writes modules that can be imported, and forgets them after the test."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def watch():
    """Starts a watch that keeps the names of what arrived."""
    watches = []

    def start(*names):
        arrived = []
        watches.append(Watch(dict.fromkeys(names, arrived.append)))
        watches[-1].start()
        return watches[-1], arrived

    yield start
    for one in watches:
        one.stop()


def test_a_module_is_told_once_and_complete(modules, watch):
    modules(late_one="a = 1\nb = 2")
    _, arrived = watch("late_one")
    import late_one

    importlib.reload(late_one)
    assert arrived == [late_one]
    assert arrived[0].b == 2


def test_a_module_keeps_its_own_loader(modules, watch):
    modules(late_two="loader = type(__loader__).__name__, type(__spec__.loader).__name__")
    watch("late_two")
    import late_two

    assert late_two.loader == ("SourceFileLoader", "SourceFileLoader")
    assert type(late_two.__spec__.loader).__name__ == type(late_two.__loader__).__name__ == "SourceFileLoader"


def test_asking_whether_a_module_exists_imports_nothing_and_tells_nothing(modules, watch):
    modules(late_three="a = 1")
    _, arrived = watch("late_three", "late_nowhere")
    spec = importlib.util.find_spec("late_three")
    assert spec.loader.get_source("late_three") == "a = 1"
    assert importlib.util.find_spec("late_nowhere") is None
    assert arrived == []
    assert "late_three" not in sys.modules


def test_a_module_whose_import_failed_is_told_when_it_succeeds(modules, watch):
    modules(late_four="raise ImportError('not yet')")
    _, arrived = watch("late_four")
    with pytest.raises(ImportError, match="not yet"):
        importlib.import_module("late_four")
    assert arrived == []
    modules(late_four="a = 'now it can be had'")
    assert arrived == [] != [importlib.import_module("late_four")]
    assert [one.__name__ for one in arrived] == ["late_four"]


def test_what_a_module_puts_in_its_own_place_is_what_is_told(modules, watch):
    modules(late_five="import sys, types\nsys.modules[__name__] = types.SimpleNamespace(real=True)")
    _, arrived = watch("late_five")
    import late_five

    assert arrived == [late_five]
    assert late_five.real


def test_two_watches_for_one_module_are_both_told(modules, watch):
    modules(late_six="")
    _, first = watch("late_six")
    _, second = watch("late_six")
    import late_six

    assert first == second == [late_six]


def test_a_stopped_watch_is_gone_and_tells_nothing(modules, watch):
    modules(late_seven="")
    stopped, arrived = watch("late_seven")
    spec = importlib.util.find_spec("late_seven")  # an import that is on its way already
    stopped.stop()
    stopped.stop()
    assert stopped not in sys.meta_path
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert arrived == []
