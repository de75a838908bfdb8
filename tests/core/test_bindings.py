"""What a name means, through imports, packages and stars."""

from __future__ import annotations

import pytest

from penstock.core.bindings import WHOLE, Definition, Names, Outside, packages
from penstock.core.code import MAIN

MODULES = {
    "one": "x = 1\n_hidden = 2\n",
    "pack": "from .inner import y\nfrom . import inner as renamed\nfrom .inner import *\n",
    "pack.inner": "from ..one import x\nfrom ...far import z\ny = 1\n",
    "chosen": "__all__ = ['a']\na = b = 1\n",
    "broken": "def (",
    "space.part": "v = 1\n",
    "left": "from right import *\nfrom right import round\nl = 1\n",
    "right": "from left import *\nfrom left import round\nr = 1\n",
}
ONE, INNER = Definition("one", "x"), Definition("pack.inner", "y")


@pytest.mark.parametrize(
    ("main", "name", "meaning"),
    [
        ("x = 1", "x", Definition(MAIN, "x")), ("", "x", None), ("x: int", "x", Definition(MAIN, "x")),
        ("import one", "one", Definition("one", WHOLE)), ("import one as o", "o", Definition("one", WHOLE)),
        ("from one import x", "x", ONE), ("from one import x as y", "y", ONE), ("from one import *", "x", ONE),
        ("from one import *", "_hidden", None), ("from one import _hidden", "_hidden", Definition("one", "_hidden")),
        ("from one import missing", "missing", Definition("one", WHOLE)), ("from pack import y", "y", INNER),
        ("import pack.inner", "pack", Definition("pack", WHOLE)), ("from pack import *", "y", INNER),
        ("import pack.inner as i", "i", Definition("pack.inner", WHOLE)),
        ("from pack import inner", "inner", Definition("pack.inner", WHOLE)),
        ("from pack import renamed", "renamed", Definition("pack.inner", WHOLE)),
        ("from chosen import *", "a", Definition("chosen", "a")), ("from chosen import *", "b", None),
        ("from broken import x", "x", Definition("broken", WHOLE)),
        ("from space import part", "part", Definition("space.part", WHOLE)),
        ("from space.part import v", "v", Definition("space.part", "v")),
        ("import space.part", "space", Definition("space", WHOLE)),
        ("import numpy as np", "np", Outside("numpy")), ("from math import floor", "floor", Outside("math.floor")),
        ("import xml.dom\nimport xml.sax", "xml", Outside("xml", frozenset({"xml.dom", "xml.sax"}))),
        ("from . import here", "here", Outside("..here")), ("from one import x\nx = 2", "x", Definition(MAIN, "x")),
        ("import one as o\nimport numpy as o", "o", Outside("numpy")), ("from numpy import *", "zeros", None),
        ("try:\n    import a\nexcept E:\n    a = None", "a", Definition(MAIN, "a")),
        ("from left import *", "r", Definition("right", "r")), ("from left import r", "r", Definition("right", "r")),
    ],
)  # fmt: skip
def test_a_name_means_what_it_would_be_at_run_time(main, name, meaning):
    assert Names(main, MODULES).lookup(MAIN, name) == meaning


def test_relative_imports_start_from_the_package():
    names = Names("", MODULES)
    assert names.lookup("pack.inner", "x") == Outside("..one.x")  # above the top-level package there is nothing
    assert Names("", {"a.b": "from . import c\nfrom .c import d", "a.c": "d = 1"}).lookup("a.b", "d") == ("a.c", "d")


def test_names_that_modules_import_from_each_other_end_somewhere():
    names = Names("", MODULES)
    assert isinstance(names.lookup("left", "round"), Definition)
    assert isinstance(names.lookup("right", "round"), Definition)


@pytest.mark.parametrize(
    ("path", "target", "rest"),
    [
        (("pack", "inner", "y"), INNER, []), (("pack", "y", "real"), INNER, ["real"]),
        (("pack", "inner", "missing"), Definition("pack.inner", WHOLE), ["missing"]),
        (("pack", "renamed", "y"), INNER, []), (("space", "part", "v"), Definition("space.part", "v"), []),
    ],
)  # fmt: skip
def test_attributes_of_modules_are_followed(path, target, rest):
    names = Names("", MODULES)
    found, left = names.follow(Definition(path[0], WHOLE), list(path[1:]))
    assert (found, list(left)) == (target, rest)


def test_importing_a_module_runs_its_packages_as_well():
    names = Names("import pack.inner\nfrom pack import inner\nimport numpy\n", MODULES)
    [first, second, third] = names.statements(MAIN)
    assert names.runs(first.imports, MAIN) == names.runs(second.imports, MAIN) == {"pack", "pack.inner"}
    assert names.runs(third.imports, MAIN) == set()
    assert packages("a.b.c") == ["a", "a.b", "a.b.c"]


def test_only_stars_from_outside_may_give_any_name():
    names = Names("from numpy import *\nfrom one import *\nfrom torch.nn import *\n", MODULES)
    assert names.outside_stars(MAIN) == ["numpy", "torch.nn"]


TOPS = """
from one import x
import one, numpy as np
table = []
table.append(1)
np.random.seed(3)
x.append(3)
one.x = 3
def register(f):
    table.append(f)
    return f
def timed(f):
    return f
@register
def a(): pass
@timed
def b(): pass
@table.add
def c(): pass
@np.vectorize
def d(): pass
@lambda f: f
def e(): pass
@one.x.register
def f(): pass
@one.x
def g(): pass
@timed.register
def h(): pass
print(1)
"""


def test_a_statement_changes_an_object_of_the_module_or_something_else():
    top = Names(TOPS, MODULES).top(MAIN)
    changes = {name: [one.node.lineno for one in each] for name, each in top.changes.items()}
    assert changes == {"table": [5, 19], "timed": [29]}
    assert [getattr(one.node, "name", one.node.lineno) for one in top.others] == [6, 7, 8, "a", "f", "g", 30]


def test_the_docstring_of_a_module_is_there_to_be_asked_for():
    assert Names("", {"m": "'''What it is.'''\n"}).docstring("m") == "What it is."
