"""One form for the same code, however it was written."""

from __future__ import annotations

import ast
import sys
from textwrap import dedent

import pytest

from penstock.core.bindings import Definition, Names
from penstock.core.canonical import MODULE, Writer
from penstock.core.code import MAIN

PROGRAM = "import numpy as np\nimport helpers\nfrom helpers import clean as scrub\nRATE = 1\n"
NAMES = Names(PROGRAM, {"helpers": "def clean(): pass\n"})


def written(text, asked=()):
    writer = Writer(NAMES, MAIN, frozenset(asked))
    writer.write([(one, MODULE) for one in ast.parse(dedent(text)).body])
    return writer


def form(text, asked=()):
    return "".join(str(piece) for piece in written(text, asked).pieces)


def used(text):
    return {piece for piece in written(text).pieces if isinstance(piece, Definition)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("np.zeros(3)", ["=numpy.zeros", "0x3"]), ("len", [":len"]), ("lambda x: x", ["%x"]),
        ("def f():\n    from numpy import zeros as z\n    return z", ["=numpy.zeros"]), ("'a' 'b'", []),
        ("f'{x!r:>3}'", [":x", "conversion:114", "'>3'"]),
    ],
)  # fmt: skip
def test_names_stand_as_what_they_mean(text, words):
    assert all(word in form(text) for word in words)


@pytest.mark.parametrize(
    ("text", "definitions"),
    [
        ("scrub()", {("helpers", "clean")}), ("helpers.clean()", {("helpers", "clean")}),
        ("helpers.x", {("helpers", "")}),
        ("f(helpers)", {("helpers", "")}), ("def f(RATE): return RATE", set()),
        ("def f(): return RATE", {(MAIN, "RATE")}),
        ("def f():\n    RATE = 2", set()), ("def f():\n    global RATE\n    RATE = 2", {(MAIN, "RATE")}),
        ("[RATE for RATE in x]", set()), ("[x for RATE in RATE]", {(MAIN, "RATE")}),
        ("[RATE for x in RATE]", {(MAIN, "RATE")}),
        ("[y for x in z for y in RATE]", {(MAIN, "RATE")}), ("{RATE: 1 for RATE in x}", set()),
        ("class A:\n    RATE = RATE", {(MAIN, "RATE")}),
        ("class A:\n    RATE = 1\n    def f(self): return RATE", {(MAIN, "RATE")}),
        ("def f():\n    RATE = 1\n    def g(): return RATE", set()),
        ("def f():\n    RATE = 1\n    class A:\n        x = RATE", set()),
        ("def f(x=RATE): pass", {(MAIN, "RATE")}), ("def f(x: RATE) -> RATE: pass", set()),
        ("def f():\n    x: RATE = 1", set()), ("class A:\n    x: RATE", {(MAIN, "RATE")}),
        ("RATE.x = 1", {(MAIN, "RATE")}),
        ("def f():\n    import helpers\n    return helpers.clean", {("helpers", "clean")}),
        ("def f():\n    import helpers\n    return helpers", {("helpers", "")}),
        ("def f():\n    try:\n        import helpers\n    except E:\n        helpers = None", {("helpers", "")}),
        ("try: RATE\nexcept E as RATE: pass", {(MAIN, "RATE")}), ("@scrub\ndef f(): pass", {("helpers", "clean")}),
        ("globals()", {(MAIN, "")}), ("def f(eval): return eval", set()), ("np.eval", set()),
    ],
)  # fmt: skip
def test_the_project_s_definitions_are_handed_out(text, definitions):
    assert used(text) == definitions


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f():\n    'd'\n    x = 1", "def f():\n    x = 1\n    pass"), ("x: int = 1", "x = 1"),
        ("def f():\n    x: int\n    return 1", "def f():\n    return 1"),
        ("def f():\n    if TYPE_CHECKING:\n        import a\n    return 1", "def f():\n    return 1"),
        ("def f():\n    if TYPE_CHECKING:\n        import a\n    else:\n        b = 1", "def f():\n    b = 1"),
        ("def f(a: int, *b: str, c: int = 1, **d: int) -> str: pass", "def f(a, *b, c=1, **d): ..."),
        ("x = u'a'", "x = 'a'"), ("x = (1)", "x = 1"), ("x = 0b11", "x = 3"), ("x = 1e3", "x = 1000.0"),
        ("def f():\n    global RATE\n    return RATE", "def f():\n    return RATE"),
    ],
)  # fmt: skip
def test_what_does_the_same_has_one_form(one, other):
    assert form(one) == form(other)


DIFFERENT = [
    "def f(a): pass", "def f(a, /): pass", "def f(*, a): pass", "def f(*a): pass", "def f(**a): pass",
    "def f(a=None): pass",
    "def f(*, a=None): pass", "lambda a: None", "async def f(a): pass", "def f(a): return", "def f(a): return None",
    "def f(a): yield", "x = 1", "x = 1.0", "x = True", "x = '1'", "x = b'1'", "x = None", "x = ...", "x = 1j",
    "x = -1", "x = ()",
    "x = []", "x = {}", "x = {1}", "x = {1: 1}", "x = {**a}", "x = {None: a}", "x = [*a]", "x = [a]", "x = (a,)",
    "x = a[1]",
    "x = a[1:]", "x = a[:1]", "x = a[::1]", "x = a.b", "x = a.b.c", "x = a(b)", "x = a(b=b)", "x = a(*b)",
    "x = a(**b)", "x += 1",
    "x = y = 1", "x, y = 1", "del x", "return_(x)", "x = f'{a}'", "x = f'{a!r}'", "x = f'{a:3}'", "x = 'a' if b else c",
    "x = [a for a in b]", "x = [a for a in b if c]", "x = {a for a in b}", "x = (a for a in b)",
    "x = {a: a for a in b}",
    "x = a < b", "x = a < b < c", "x = a < b and b < c", "x = not a", "x = a or b", "x = a and b", "x = a or (b or c)",
    "x = 10**50",
    "x = 'x = 1'", "x = ' %x'", "x = [1, 2]", "x = [[1], 2]", "x = [[1, 2]]", "x = '[1, 2]'", "with a: pass",
    "with a as b: pass",
    "if a: b = 1", "if a: b = 1\nelse: b = 2", "for a in b: c", "while a: c", "try: c()\nfinally: d()", "raise a",
    "raise a from b",
    "try: c()\nexcept A: d()", "try: c()\nexcept A as e: d()", "try: c()\nexcept: d()", "try: c()\nexcept* A: d()",
    "match a:\n    case 1: b()", "match a:\n    case x: b()", "match a:\n    case [x]: b()",
    "match a:\n    case {'k': x}: b()",
    "match a:\n    case {**x}: b()", "match a:\n    case K(x): b()", "match a:\n    case K(k=x): b()",
    "match a:\n    case _: b()",
    "match a:\n    case x if y: b()", "match a:\n    case 1 | 2: b()", "match a:\n    case None: b()",
    "match a:\n    case [*x]: b()",
    "class A: pass", "class A(B): pass", "class A(k=B): pass", "class A:\n    x: int", "class A:\n    x: int = 1",
    "class A:\n    x = 1",
    "@d\nclass A: pass", "@d()\nclass A: pass", "def f():\n    x = 1\n    def g(): x = 2",
    "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2", "def f():\n    import a",
    "def f():\n    import b",
    "def f():\n    from a import b", "import a", "import b", "from a import *", "x = (yield)", "x = (a := 1)",
    "assert a", "assert a, b",
]  # fmt: skip


def test_what_does_something_else_has_another_form():
    forms = {}
    for text in DIFFERENT:
        forms.setdefault(form(text), []).append(text)
    assert [texts for texts in forms.values() if len(texts) > 1] == []


def test_docstrings_and_annotations_stay_where_they_are_asked_for():
    assert form("def f(): 'd'", ["docstrings"]) != form("def f(): 'e'", ["docstrings"])
    assert form("class A: 'd'", ["docstrings"]) != form("class A: 'e'", ["docstrings"])
    assert form("def f(a: int): 1", ["annotations"]) != form("def f(a: str): 1", ["annotations"])
    assert form("def f() -> int: 1", ["annotations"]) != form("def f() -> str: 1", ["annotations"])


def test_modules_that_are_imported_inside_a_function_run():
    assert written("def f():\n    import helpers").runs == {"helpers"}


def test_depth_is_no_limit():
    node = ast.parse("x").body[0].value
    for _ in range(5000):
        node = ast.Attribute(ast.Call(node, [], []), "y", ast.Load())
    writer = Writer(NAMES, MAIN, frozenset())
    writer.write([(node, MODULE)])
    assert "".join(map(str, writer.pieces)).count(".y") == 5000


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax came with Python 3.12")
def test_type_parameters_are_names_of_their_definition():
    assert used("def f[RATE](x: RATE): return RATE") == set()
    assert used("class A[RATE](B[RATE]):\n    x: RATE") == set()
    assert form("class A[T]: pass") != form("class A: pass")
    assert form("def f[T](x: T): return x") == form("def f(x): return x")
