from __future__ import annotations

import copy
import inspect
import pickle
import sys
import types

import cloudpickle
import pytest

from penstock.run.frameworks.choice import Choice
from penstock.run.frameworks.notes import Notes, followed_by, put
from penstock.run.frameworks.wrapping import put_in, take_out

CODE = '''
def save(value, path, protocol=2):
    """Save it."""
    return [value, path, protocol]

class Parent:
    def __init__(self, size=1):
        self.size = size
    def store(self, path, *, fast=False):
        return self.size, path, fast

class Child(Parent):
    pass
'''


@pytest.fixture
def library(monkeypatch):
    module = types.ModuleType("library_of_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(CODE, "library_of_test.py", "exec"), module.__dict__)
    return module


@pytest.fixture
def heard(library):
    """Follows the library; returns the arguments that were told."""
    told = []

    def tell(_notes, _result, *args, **kwargs):
        told.append((args, kwargs))

    put(Notes(None, Choice(wanted=True)))
    changes = put_in(
        [
            followed_by(tell, library, "save", "joblib"),
            followed_by(tell, library.Child, "store", "joblib"),
        ]
    )
    yield told
    take_out(changes)
    put(None)


def test_a_call_is_told_and_its_value_is_the_librarys_own(library, heard):
    assert library.save("v", path="p") == ["v", "p", 2]
    assert heard == [(("v",), {"path": "p"})]


def test_a_method_is_told_without_its_instance_however_it_is_called(library, heard):
    assert library.Child(3).store("p", fast=True) == (3, "p", True)
    assert library.Child.store(library.Child(4), "q") == (4, "q", False)
    assert library.Parent(5).store("r") == (5, "r", False)
    assert heard == [(("p",), {"fast": True}), (("q",), {}), (("r",), {})]


def test_a_missing_instance_is_still_the_users_mistake(library, heard):
    with pytest.raises(TypeError, match="store"):
        library.Child.store()
    assert heard == []


def test_what_is_followed_looks_as_before(library, heard):
    assert str(inspect.signature(library.save)) == "(value, path, protocol=2)"
    assert inspect.getfullargspec(library.save).args == ["value", "path", "protocol"]
    assert inspect.isfunction(library.save)
    assert (library.save.__name__, library.save.__module__, library.save.__doc__) == (
        "save",
        "library_of_test",
        "Save it.",
    )
    assert library.save.__defaults__ == (2,)
    assert library.save.__code__.co_filename == "library_of_test.py"
    assert str(inspect.signature(library.Child.store)) == "(self, path, *, fast=False)"
    assert str(inspect.signature(library.Child().store)) == "(path, *, fast=False)"
    assert inspect.ismethod(library.Child().store)
    assert library.Child.store is library.Child.store


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_is_followed_is_pickled_by_its_name(library, heard, protocol):
    for function in (library.save, library.Child.store):
        assert pickle.loads(pickle.dumps(function, protocol)) is function
        assert b"wrapping" not in pickle.dumps(function, protocol)


def test_cloudpickle_takes_it_by_its_name_as_well(library, heard):
    for function in (library.save, library.Child.store):
        assert pickle.loads(cloudpickle.dumps(function)) is function


def test_a_pickle_can_be_loaded_where_nothing_is_followed(library, heard):
    data = pickle.dumps([library.save, library.Child(7).store])
    put(None)
    save, store = pickle.loads(data)
    assert save("v", "p") == ["v", "p", 2]
    assert store("p") == (7, "p", False)


def test_copies_are_what_copies_of_functions_are(library, heard):
    assert copy.copy(library.save) is copy.deepcopy(library.save) is library.save
    child = library.Child(1)
    bound, deep = copy.copy(child.store), copy.deepcopy(child.store)
    child.size = 2
    assert bound("p") == (2, "p", False)
    assert deep("p") == (1, "p", False)


def test_names_that_a_script_imported_before_are_followed_and_put_back(library, monkeypatch):
    script = types.ModuleType("script_of_test")
    monkeypatch.setitem(sys.modules, script.__name__, script)
    original = script.keep = library.save
    heard = []
    put(Notes(None, Choice(wanted=True)))
    changes = put_in([followed_by(lambda *_: heard.append(1), library, "save", "joblib")])
    script.keep("v", "p")
    assert script.keep is library.save is not original
    take_out(changes)
    put(None)
    assert script.keep is library.save is original
    assert heard == [1]


def test_a_wrapper_that_somebody_kept_serves_whoever_follows_next(library):
    first, second = [], []
    put(Notes(None, Choice(wanted=True)))
    changes = put_in([followed_by(lambda notes, *_: first.append(notes), library, "save", "joblib")])
    kept = [library.save]
    take_out(changes)
    put(None)
    kept[0]("v", "p")
    assert first == []
    notes = Notes(None, Choice(wanted=True))
    put(notes)
    changes = put_in([followed_by(lambda notes, *_: second.append(notes), library, "save", "joblib")])
    kept[0]("v", "p")
    library.save("v", "p")
    put(None)
    take_out(changes)
    assert (first, second) == ([notes], [notes])


def test_what_somebody_else_put_there_since_stays(library):
    original = library.Parent.store
    changes = put_in([followed_by(lambda *_: None, library.Parent, "store", "joblib")])
    theirs = library.Parent.store = lambda self, path: "theirs"
    take_out(changes)
    assert library.Parent.store is theirs is not original


def test_a_function_is_replaced_once_however_often_it_is_named(library):
    library.alias = types.SimpleNamespace
    other = types.ModuleType("other_of_test")
    other.write = library.save
    spots = [followed_by(lambda *_: None, *place, "joblib") for place in ((library, "save"), (other, "write"))]
    changes = put_in(spots)
    assert len(changes) == 1
    assert put_in(spots[:1]) == []
    take_out(changes)


def test_what_a_library_does_not_have_or_cannot_change_is_passed_over(library):
    missing = [followed_by(lambda *_: None, owner, "nothing", "joblib") for owner in (None, library, library.Child)]

    class Guard(type):
        def __setattr__(cls, name, value):
            raise RuntimeError(name)

    class Guarded(metaclass=Guard):
        def save(self):
            pass

    written_in_c = followed_by(lambda *_: None, list, "append", "joblib")
    guarded = followed_by(lambda *_: None, Guarded, "save", "joblib")
    assert put_in([*missing, written_in_c, guarded]) == []


def test_nothing_is_told_of_a_framework_that_is_switched_off(library, heard):
    put(Notes(None, Choice({"joblib": False})))
    library.save("v", "p")
    assert heard == []


def test_a_module_that_loads_when_it_is_used_is_not_loaded(library, monkeypatch):
    class Lazy(types.ModuleType):
        def __getattribute__(self, name):
            raise AssertionError(name)

    monkeypatch.setitem(sys.modules, "lazy_of_test", Lazy("lazy_of_test"))
    take_out(put_in([followed_by(lambda *_: None, library, "save", "joblib")]))


def test_what_only_passes_for_a_module_is_passed_over(library, monkeypatch):
    """As the libraries that cffi loads do."""

    class Odd:
        __slots__ = ()
        __class__ = property(lambda _: types.ModuleType)

    assert isinstance(Odd(), types.ModuleType)
    monkeypatch.setitem(sys.modules, "odd_of_test", Odd())
    take_out(put_in([followed_by(lambda *_: None, library, "save", "joblib")]))
