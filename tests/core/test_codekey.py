"""What counts as the same code: a table of changes to a program, each with what it must do to the digest."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.codekey import fingerprint

PROGRAM = dedent('''\
    import math
    import numpy as np
    from dataclasses import dataclass

    RATE = 0.1
    LIMITS = [1, 2]
    LIMITS.append(3)


    @dataclass
    class Config:
        """How to do it."""

        rate: float = 0.5

        def scaled(self, by=2):
            return self.rate * by


    def doubled(function):
        def inner(*args):
            return function(*args) * 2

        return inner


    def even(n):
        return n == 0 or odd(n - 1)


    def odd(n):
        return n != 0 and even(n - 1)


    def depth(tree):
        return 1 + max(map(depth, tree), default=0)


    def clip(value, low=0):
        return max(value, low) * RATE


    @doubled
    def clean(values):
        """Clean the values."""
        # those that are odd are noise
        return [clip(value) for value in values if even(value)]


    def train(values, epochs: int = 3, *, verbose=False) -> float:
        """Train it."""
        config = Config()
        total = math.floor(config.scaled()) + depth([])
        for epoch in range(epochs):
            total += sum(clean(values)) + LIMITS[0] + 1_000

        def best(x):
            return x + 1

        label = f"{total:.2f}"
        return np.asarray([best(total), (lambda x: x)(1)]), label, "a" + 'b'
    ''')

HELPERS = dedent('''\
    """Helpers."""

    RATE = 0.1


    def clip(value, low=0):
        return max(value, low) * RATE


    def unused():
        return 1
    ''')


def digest(source: str, **modules: str) -> str:
    return fingerprint(dedent(source), "train", {name: dedent(text) for name, text in modules.items()}).digest


def edited(*edits: tuple[str, str]) -> str:
    text = PROGRAM
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text


def cut(start: str, end: str) -> tuple[str, str]:
    """The part of the program from one text to before another, and the rest."""
    before, found, after = PROGRAM.partition(start)
    inside, found_end, rest = after.partition(end)
    assert found
    assert found_end
    return found + inside, before + found_end + rest


CLIP, WITHOUT_CLIP = cut("def clip(", "@doubled")
CONFIG, WITHOUT_CONFIG = cut("@dataclass\n", "def doubled")

SAME = {
    "comment": [("# those that are odd are noise", "# something else")],
    "comment removed": [("    # those that are odd are noise\n", "")],
    "comment at a line's end": [("RATE = 0.1\n", "RATE = 0.1  # per cent\n")],
    "blank lines": [("\n    config", "\n\n\n    config")],
    "docstring": [("Train it.", "Train it well.")],
    "docstring removed": [('    """Train it."""\n', "")],
    "docstring of a helper": [("Clean the values.", "Cleaned values.")],
    "docstring of a class": [("How to do it.", "The configuration.")],
    "docstring of the module": [("import math\n", '"""A module."""\n\nimport math\n')],
    "annotation": [("epochs: int = 3", "epochs: float = 3")],
    "annotation removed": [("epochs: int = 3, *, verbose=False) -> float", "epochs=3, *, verbose=False)")],
    "annotation of a constant": [("RATE = 0.1", "RATE: float = 0.1")],
    "annotation of a local variable": [("label = f", "label: str = f")],
    "annotation of a variable without a value": [("    label = f", "    label: str\n    label = f")],
    "from __future__ import annotations": [("import math\n", "from __future__ import annotations\n\nimport math\n")],
    "type checker's import": [
        ("import math\n", "import math\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas as pd\n")
    ],
    "helper renamed": [("clip(", "cut_off(")],
    "recursive helper renamed": [("depth", "height")],
    "mutually recursive helpers renamed": [("even", "is_even"), ("odd(n", "is_odd(n")],
    "decorator renamed": [("doubled", "twice")],
    "constant renamed": [("RATE", "SHARE")],
    "filled container renamed": [("LIMITS", "BOUNDS")],
    "entry renamed and called by another name": [("import math\n", "import math\nfit = 3\n")],
    "unused helper added": [("def even", "def never(a):\n    return a\n\n\ndef even")],
    "unused decorated helper added": [("def even", "@doubled\ndef never(a):\n    return a\n\n\ndef even")],
    "unused class added": [("def even", "class Never:\n    x = 1\n\n\ndef even")],
    "unused constant added": [("RATE = ", "NEVER = 3\nRATE = ")],
    "unused constant filled": [("RATE = ", "NEVER = []\nNEVER.append(3)\nRATE = ")],
    "unused import added": [("import math\n", "import math\nimport json\n")],
    "unused guarded import added": [
        ("import math\n", "import math\ntry:\n    import ujson\nexcept ImportError:\n    ujson = None\n")
    ],
    "imports in another order": [("import math\nimport numpy as np\n", "import numpy as np\nimport math\n")],
    "import's alias renamed": [("as np", "as numeric"), ("np.as", "numeric.as")],
    "import without its alias": [("numpy as np", "numpy"), ("np.as", "numpy.as")],
    "import of the name itself": [("import math\n", "from math import floor\n"), ("math.floor", "floor")],
    "quotes": [('"a"', "'a'")],
    "strings written as one": [("\"a\" + 'b'", "\"a\" + (\n        'b')")],
    "number without underscore": [("1_000", "1000")],
    "number in another base": [("1_000", "0x3e8")],
    "line continuation": [("sum(clean(values)) + L", "sum(clean(values)) \\\n            + L")],
    "brackets around an expression": [("return x + 1", "return (x + 1)")],
    "statements on one line": [("        return x + 1", "        pass; return x + 1")],
    "overloads": [
        ("import math\n", "import math\nfrom typing import overload\n"),
        ("def clip", "@overload\ndef clip(value: int) -> int: ...\ndef clip"),
    ],
}  # fmt: skip

OTHER = {
    "default of an argument": [("epochs: int = 3", "epochs: int = 4")],
    "default of a keyword argument": [("verbose=False", "verbose=True")],
    "default of a helper": [("low=0", "low=1")],
    "default's type": [("low=0", "low=0.0")],
    "argument added": [("verbose=False", "verbose=False, seed=1")],
    "argument renamed": [("low", "lowest")],
    "argument made keyword-only": [("epochs: int = 3, *, ", "*, epochs: int = 3, ")],
    "body": [("return x + 1", "return x + 2")],
    "order of statements": [("        return x + 1", "        x = 2\n        return x + 1")],
    "helper": [("* RATE", "* RATE + 1")],
    "helper of a helper": [("!= 0", "> 0")],
    "recursive helper": [("default=0", "default=1")],
    "call of another helper": [("if even(value)", "if odd(value)")],
    "constant": [("RATE = 0.1", "RATE = 0.2")],
    "constant's type": [("LIMITS = [1, 2]", "LIMITS = [1, 2.0]")],
    "constant's sign": [("RATE = 0.1", "RATE = -0.1")],
    "what is added to a container": [("append(3)", "append(4)")],
    "nothing is added to a container": [("LIMITS.append(3)\n", "")],
    "decorator": [("args) * 2", "args) * 3")],
    "decorator removed": [("@doubled\n", "")],
    "class decorator's arguments": [("@dataclass\n", "@dataclass(frozen=True)\n")],
    "method": [("self.rate * by", "self.rate + by")],
    "method's default": [("by=2", "by=3")],
    "dataclass field's default": [("rate: float = 0.5", "rate: float = 0.6")],
    "dataclass field's annotation": [("rate: float = 0.5", "rate: ClassVar[float] = 0.5")],
    "dataclass field added": [("rate: float = 0.5\n", "rate: float = 0.5\n    seed: int = 1\n")],
    "class renamed": [("Config", "Settings")],
    "imported name": [("math.floor", "math.trunc")],
    "import of another name under the same name": [
        ("import math\n", "import math\nfrom math import ceil as floor\n"), ("math.floor", "floor")
    ],
    "import of another module under the same name": [("import numpy as np", "import cupy as np")],
    "lambda": [("lambda x: x)", "lambda x: -x)")],
    "nested function": [("def best(x):", "def best(x, y=1):")],
    "comprehension": [("if even(value)", "if not even(value)")],
    "comprehension's kind": [("[clip(value) for value in values if even(value)]",
                              "{clip(value) for value in values if even(value)}")],
    "generator for a list": [("[clip(value) for value in values if even(value)]",
                              "(clip(value) for value in values if even(value))")],
    "number": [("1_000", "1_001")],
    "number's type": [("1_000", "1_000.0")],
    "bool for a number": [("default=0", "default=False")],
    "text": [("'b'", "'c'")],
    "bytes": [("'b'", "b'b'")],
    "format of an f-string": [(".2f", ".3f")],
    "conversion in an f-string": [("{total:.2f}", "{total!r:.2f}")],
    "global statement": [("def best(x):\n", "def best(x):\n        global RATE\n        RATE = x\n")],
    "nonlocal statement": [("        return x + 1", "        nonlocal total\n        total = 1\n        return x + 1")],
    "walrus": [("sum(clean(values))", "sum(cleaned := clean(values))")],
    "for in the place of while": [("for epoch in range(epochs):", "while epochs:")],
    "loop's else": [("\n    def best(x):", "    else:\n        total = 0\n\n    def best(x):")],
    "operator": [("total +=", "total -=")],
    "comparison": [("n == 0", "n >= 0")],
    "star in a call": [("function(*args)", "function(args)")],
    "return without a value": [("        return x + 1", "        return")],
    "async": [("    def best(x):", "    async def best(x):")],
    "assert": [("    config = Config()", "    assert values\n    config = Config()")],
    "what a name is bound to": [("RATE = 0.1", "RATE = max")],
    "a built-in name is bound": [("RATE = 0.1", "RATE = 0.1\ndef sum(values):\n    return 0\n")],
    "the seed of the module": [("RATE = 0.1", "RATE = 0.1\nnp.random.seed(3)")],
    "an option of a library": [("RATE = 0.1", "RATE = 0.1\nnp.options.mode = 'fast'")],
    "entry decorated": [("def train", "@doubled\ndef train")],
    "constant bound again": [("LIMITS = ", "RATE += 1\nLIMITS = ")],
    "constant deleted": [("LIMITS.append(3)\n", "LIMITS.append(3)\ndel RATE\n")],
    "constant made by a loop": [("LIMITS.append(3)\n", "for limit in (3, 4):\n    LIMITS.append(limit)\n")],
    "docstring that is read": [("return x + 1", "return x + len(train.__doc__)")],
}  # fmt: skip


@pytest.mark.parametrize("edits", SAME.values(), ids=SAME)
def test_the_same_code_written_otherwise_is_the_same(edits):
    """Promise 23: comments, layout and names do not make a step run again."""
    assert digest(edited(*edits)) == digest(PROGRAM)


@pytest.mark.parametrize("edits", OTHER.values(), ids=OTHER)
def test_other_code_is_another(edits):
    """Promise 23: change code, and the step runs again."""
    assert digest(edited(*edits)) != digest(PROGRAM)


def test_no_two_of_these_programs_are_taken_for_each_other():
    found = {name: digest(edited(*edits)) for name, edits in OTHER.items()}
    assert len(set(found.values())) == len(found)


def test_a_definition_may_stand_anywhere_in_the_file():
    assert digest(WITHOUT_CLIP + "\n\n" + CLIP) == digest(PROGRAM)
    assert digest(WITHOUT_CONFIG + "\n\n" + CONFIG) == digest(PROGRAM)


MOVED = WITHOUT_CLIP.replace("RATE = 0.1\n", "")
WITHIN = "from {}\n" + MOVED

MOVES = {
    "from the module": ("from helpers import clip\n" + MOVED, {"helpers": HELPERS}),
    "by another name": ("from helpers import clip as cut\n" + MOVED.replace("clip(", "cut("), {"helpers": HELPERS}),
    "the module": ("import helpers\n" + MOVED.replace("clip(", "helpers.clip("), {"helpers": HELPERS}),
    "the module by another name": ("import helpers as h\n" + MOVED.replace("clip(", "h.clip("), {"helpers": HELPERS}),
    "everything": ("from helpers import *\n" + MOVED, {"helpers": HELPERS}),
    "a module of a package": ("import a.b.c\n" + MOVED.replace("clip(", "a.b.c.clip("), {"a.b.c": HELPERS}),
    "a module from a package": ("from a.b import c\n" + MOVED.replace("clip(", "c.clip("), {"a.b.c": HELPERS}),
    "through a package": ("from a import clip\n" + MOVED, {"a": "from a.b import clip", "a.b": HELPERS}),
    "through a relative import": (
        "import a\n" + MOVED.replace("clip(", "a.clip("), {"a": "from .b import clip", "a.b": HELPERS}
    ),
    "through everything": ("from a import clip\n" + MOVED, {"a": "from .b import *", "a.b": HELPERS}),
    "its constant apart": (
        "from helpers import clip\n" + MOVED,
        {"helpers": HELPERS.replace("RATE = 0.1", "from options import RATE"), "options": "RATE = 0.1"},
    ),
    "its constant of a module": (
        "from helpers import clip\n" + MOVED,
        {
            "helpers": HELPERS.replace("RATE = 0.1", "import options").replace("RATE", "options.RATE"),
            "options": "RATE = 0.1",
        },
    ),
    "inside the function": (
        MOVED.replace("    # those that", "    from helpers import clip\n    # those that"), {"helpers": HELPERS}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in MOVES if name != "inside the function"])
def test_a_helper_may_move_to_another_module(name):
    source, modules = MOVES[name]
    assert digest(source, **modules) == digest(PROGRAM)


@pytest.mark.parametrize(("source", "modules"), MOVES.values(), ids=MOVES)
@pytest.mark.parametrize(("old", "new"), [("RATE\n", "RATE + 1\n"), ("0.1", "0.2"), ("low=0", "low=1")])
def test_a_helper_in_another_module_counts(source, modules, old, new):
    changed = {name: text.replace(old, new) if old in text else text for name, text in modules.items()}
    changed = {name: text + "\n" for name, text in changed.items()}
    if changed == {name: text + "\n" for name, text in modules.items()}:
        pytest.skip("this variant does not hold the text")
    assert digest(source, **changed) != digest(source, **modules)


@pytest.mark.parametrize(("source", "modules"), MOVES.values(), ids=MOVES)
def test_what_a_step_does_not_use_of_a_module_does_not_count(source, modules):
    changed = {name: text.replace("return 1", "return 2") + "\n\ndef new(): pass\n" for name, text in modules.items()}
    assert digest(source, **changed) == digest(source, **modules)


def test_a_helper_imported_inside_the_function_may_be_renamed():
    inside, modules = MOVES["inside the function"]
    renamed = {"helpers": HELPERS.replace("clip", "cut")}
    assert digest(inside.replace("clip", "cut"), **renamed) == digest(inside, **modules)


def test_a_class_counts_with_the_module_that_holds_it():
    # A pickle of an object says where its class is found.
    moved = "from settings import Config\n" + WITHOUT_CONFIG
    assert digest(moved, settings="from dataclasses import dataclass\n" + CONFIG) != digest(PROGRAM)


USES = {
    "getattr(helpers, name)()": "helpers",
    "vars(helpers)": "helpers",
    "list(map(eval, ['f']))": "__main__",
    "globals()['f']()": "__main__",
    "importlib.import_module(name).g()": "helpers",
    "sys.modules[name].g()": "helpers",
    "helpers.missing": "helpers",
}


@pytest.mark.parametrize(("use", "module"), USES.items())
def test_a_module_counts_whole_when_nobody_can_say_what_is_used_of_it(use, module):
    source = f"import helpers, importlib, sys\ndef f(): return 1\ndef train(name): return {use}\n"
    before = digest(source, helpers="def g(): return 1\n")
    if module == "helpers":
        assert digest(source, helpers="def g(): return 2\n") != before
    else:
        assert digest(source.replace("return 1", "return 2"), helpers="def g(): return 1\n") != before


def test_a_module_that_is_no_python_counts_by_its_text():
    source = "import helpers\ndef train(): return helpers.g()\n"
    assert digest(source, helpers="def g(: 1") == digest(source, helpers="def g(: 1")
    assert digest(source, helpers="def g(: 1") != digest(source, helpers="def g(: 2")
    assert list(fingerprint(source, "train", {"helpers": "def g(: 1"}).parts) == ["module helpers", "train"]


@pytest.mark.parametrize(
    "effect",
    [
        "import random\nrandom.seed(3)", "import os\nos.environ['A'] = '1'", "print('hello')",
        "for x in range(3):\n    print(x)", "if 1:\n    print('hello')", "import pandas\npandas.options.x = 3",
        "import seeds",
    ],
)  # fmt: skip
def test_what_an_imported_module_does_counts(effect):
    source = "import helpers\ndef train(): return helpers.g()\n"
    seeds = "import random\nrandom.seed(1)\n"
    plain = digest(source, helpers="def g(): return 1\n", seeds=seeds)
    assert digest(source, helpers=f"{effect}\ndef g(): return 1\n", seeds=seeds) != plain


@pytest.mark.parametrize("use", ["import a.b.c", "from a.b import c", "from a.b.c import g as c", "import a.b.c as c"])
@pytest.mark.parametrize("module", ["a", "a.b", "a.b.c"])
def test_what_an_import_inside_the_function_runs_counts(use, module):
    source = f"def train():\n    {use}\n    return 1\n"
    plain = {"a": "", "a.b": "", "a.b.c": "def g(): return 1\n"}
    assert digest(source, **plain | {module: plain[module] + "print(1)\n"}) != digest(source, **plain)


@pytest.mark.parametrize("module", ["a", "a.b", "a.b.c"])
def test_what_the_packages_of_a_used_module_run_counts(module):
    source = "import a\ndef train(): return a.b.c.g()\n"
    plain = {"a": "", "a.b": "", "a.b.c": "def g(): return 1\n"}
    assert digest(source, **plain | {module: plain[module] + "print(1)\n"}) != digest(source, **plain)


@pytest.mark.parametrize("use", ["import a", "from a import *", "def f():\n    import a", "import b"])
def test_what_the_import_of_a_module_that_is_no_python_does_counts(use):
    source = f"{use}\ndef train():\n    {'f()' if 'def' in use else 'g()'}\n"
    assert digest(source, a="? 1", b="import a") != digest(source, a="? 2", b="import a")


def test_a_package_without_modules_of_its_own_may_be_told_from_a_module():
    source, relative = "from a.b import g\ndef train(): return g()\n", {"a": "", "a.b": "from ..c import g"}
    plain = digest(source, **relative | {"a.b.__init__": "", "a.c": "def g(): return 1\n"})
    assert digest(source, **relative | {"a.b.__init__": "", "a.c": "def g(): return 2\n"}) != plain


def test_what_runs_only_when_a_module_is_the_script_does_not_count():
    source = "import helpers\ndef train(): return helpers.g()\n"
    plain = digest(source, helpers="def g(): return 1\n")
    assert digest(source, helpers="def g(): return 1\nif __name__ == '__main__':\n    print(g())\n") == plain


REGISTRY = """
    TABLE = {}
    def register(function):
        keep(function)
        return function
    def keep(function):
        TABLE[function.__name__] = function
    @register
    def first(): return 1
"""


def test_what_a_registry_holds_counts_without_being_named():
    source = "import helpers\ndef train(name): return helpers.TABLE[name]()\n"
    assert digest(source, helpers=REGISTRY.replace("return 1", "return 2")) != digest(source, helpers=REGISTRY)


def test_a_registry_that_is_an_object_counts_with_what_it_registers():
    registry = "import typer\napp = typer.Typer()\n@app.command()\ndef first(): return 1\n"
    source = "import helpers\ndef train(): return helpers.app()\n"
    other = "import helpers\ndef train(): return 1\n"
    changed = registry.replace("return 1", "return 2")
    assert digest(source, helpers=changed) != digest(source, helpers=registry)
    assert digest(other, helpers=changed) == digest(other, helpers=registry)


@pytest.mark.parametrize(
    "base", ["class Base:\n    def __init_subclass__(cls): pass\n", "class Base(metaclass=Kept): pass\n"]
)
def test_subclasses_count_when_their_base_may_keep_them(base):
    source = "import helpers\ndef train(): return helpers.Base\n"
    assert digest(source, helpers=f"{base}class A(Base): x = 1\n") != digest(
        source, helpers=f"{base}class A(Base): x = 2\n"
    )


def test_subclasses_count_when_they_are_asked_for():
    source = "import helpers\ndef train(): return helpers.Base.__subclasses__()\n"
    text = "class Base: pass\nclass A(Base): x = 1\n"
    assert digest(source, helpers=text) != digest(source, helpers=text.replace("x = 1", "x = 2"))


@pytest.mark.parametrize(
    "decorator",
    ["@pydantic.validate_call", "@helper.register", "@asks"],
)
def test_annotations_count_where_a_decorator_may_ask_for_them(decorator):
    source = f"""
        import functools, inspect, pydantic
        def asks(function):
            print(inspect.signature(function))
            return function
        @functools.singledispatch
        def helper(x): return x
        {decorator}
        def special(x: int): return 1
        def train(): return special(helper(1))
        """
    assert digest(source) != digest(source.replace("x: int", "x: str"))


@pytest.mark.parametrize("decorator", ["functools.cache", "functools.lru_cache(maxsize=3)", "timed", "staticmethod"])
def test_annotations_do_not_count_where_decorators_do_not_ask(decorator):
    source = f"""
        import functools, time
        def timed(function):
            @functools.wraps(function)
            def inner(*args): return function(*args), time.time()
            return inner
        @{decorator}
        def special(x: int): return 1
        def train(): return special(1)
        """
    assert digest(source) == digest(source.replace("x: int", "x: str"))


def test_a_name_of_the_body_is_not_the_module_s_of_the_same_name():
    source = "def clean(x): return x\ndef train(clean): return clean(1)\n"
    assert digest(source) == digest(source.replace("def clean(x): return x", "def clean(x): return 2"))


def test_the_first_source_of_a_comprehension_is_looked_up_outside():
    source = "values = [1]\ndef train(): return [values for values in values]\n"
    assert digest(source) != digest(source.replace("[1]", "[2]"))


def test_a_class_reads_the_module_s_name_until_it_has_bound_it():
    source = "rate = 1\ndef train():\n    class A:\n        rate = rate\n    return A.rate\n"
    assert digest(source) != digest(source.replace("rate = 1", "rate = 2"))


def test_the_name_of_a_class_is_not_seen_by_its_methods():
    source = (
        "rate = 1\ndef train():\n    class A:\n        rate = 5\n        def f(self): return rate\n    return A().f()\n"
    )
    assert digest(source) != digest(source.replace("rate = 1", "rate = 2"))


def test_what_only_an_annotation_names_does_not_count():
    source = "class A: x = 1\ndef train(a: A) -> A: return a\n"
    assert digest(source) == digest(source.replace("x = 1", "x = 2"))


def test_circles_of_three_count_each_of_their_members():
    circle = "def a(n): return n and b(n - 1)\ndef b(n): return n and c(n - 2)\ndef c(n): return n and a(n - 3)\n"
    source = circle + "def train(): return a(9)\n"
    found = {digest(source.replace(f"n - {number}", "n - 7")) for number in (1, 2, 3)} | {digest(source)}
    assert len(found) == 4
    turned = source.replace("a(", "x(").replace("b(", "a(").replace("c(", "b(").replace("x(", "c(")
    assert digest(turned) == digest(source)


def test_imports_in_a_circle_end():
    source = "from a import f\ndef train(): return f()\n"
    assert digest(source, a="from b import f", b="from a import f")
    assert digest(source, a="from b import *", b="from a import *\ndef f(): return 1\n") != digest(
        source, a="from b import *", b="from a import *\ndef f(): return 2\n"
    )


def test_a_library_may_have_any_name_inside_a_function():
    source = "def train():\n    import numpy as np\n    return np.zeros(3)\n"
    assert digest(source) == digest(source.replace("np", "numeric"))
    assert digest(source) != digest(source.replace("import numpy", "import cupy"))


def test_a_helper_that_another_name_stands_for_counts():
    source = "import helpers\nclean = helpers.clean\ndef train(): return clean()\n"
    assert digest(source, helpers="def clean(): return 1\n") != digest(source, helpers="def clean(): return 2\n")


def test_the_docstring_of_a_module_counts_where_it_is_read():
    source = "import helpers\ndef train(): return helpers.usage()\n"
    text = "'One.'\ndef usage(): return __doc__\n"
    assert digest(source, helpers=text) != digest(source, helpers=text.replace("One", "Two"))


def test_where_a_module_is_counts_where_it_is_read():
    text = "from pathlib import Path\ndef folder(): return Path(__file__)\n"
    one = digest("from one import folder\ndef train(): return folder()\n", one=text)
    assert one != digest("from two import folder\ndef train(): return folder()\n", two=text)


def test_a_constant_of_a_package_may_be_reached_in_several_ways():
    source = "import a\ndef train(): return a.f()\n"
    package = {"pack.b": "RATE = 1"}
    one = digest(source, a="import pack.b as b\ndef f(): return b.RATE\n", **package)
    assert one == digest(source, a="from pack.b import RATE\ndef f(): return RATE\n", **package)
    assert one == digest(source, a="import pack.b\ndef f(): return pack.b.RATE\n", **package)


@pytest.mark.parametrize("source", ["def train(: 1", "", "from elsewhere import train"])
def test_a_program_without_its_entry_counts_by_what_there_is(source):
    assert digest(source) == digest(source)
    assert digest(source) != digest(source + "\nother = 1\n")


def test_annotations_count_in_code_that_asks_for_them_anywhere():
    asks = "def train(): return check.__annotations__\ndef check(x: int): return x\n"
    assert digest(asks) != digest(asks.replace("int", "str"))
    plain = asks.replace(".__annotations__", "")
    assert digest(plain) == digest(plain.replace("int", "str"))


def test_code_may_be_nested_deeply():
    total = " + ".join(["x"] * 3000)
    assert digest(f"def train(x): return {total}\n") != digest(f"def train(x): return {total} + 1\n")


def test_every_definition_that_is_used_is_a_part():
    parts = fingerprint(PROGRAM, "train", {}).parts
    assert list(parts) == ["Config", "LIMITS", "RATE", "clean", "clip", "depth", "doubled", "even", "odd", "train"]
    assert parts["RATE"] == "constant:=0.1"
    assert parts["Config"].startswith("class:")
    assert parts["clean"].startswith("function:")


@pytest.mark.parametrize(
    ("edits", "changed"),
    [
        ([("* RATE", "* RATE + 1")], {"clip"}), ([("RATE = 0.1", "RATE = 0.2")], {"RATE"}),
        ([("append(3)", "append(4)")], {"LIMITS"}), ([("self.rate * by", "1")], {"Config"}),
        ([("default=0", "default=1")], {"depth"}), ([("return x + 1", "return x")], {"train"}),
        ([("clean", "scrub")], {"train"}),
    ],
)  # fmt: skip
def test_a_change_shows_in_the_part_that_was_changed_and_in_no_other(edits, changed):
    before, after = fingerprint(PROGRAM, "train", {}).parts, fingerprint(edited(*edits), "train", {}).parts
    assert {name for name in before.keys() & after.keys() if before[name] != after[name]} == changed


def test_a_moved_part_is_the_same_under_another_name():
    source, modules = MOVES["from the module"]
    before, after = fingerprint(PROGRAM, "train", {}).parts, fingerprint(source, "train", modules).parts
    assert before["clip"] == after["helpers.clip"]
    assert before.keys() - after.keys() == {"clip", "RATE"}


NAMES = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=8, unique=True)


@given(NAMES, st.data())
def test_any_graph_of_functions_is_the_same_under_other_names_and_in_another_order(names, data):
    calls = {one: data.draw(st.lists(st.sampled_from(names), max_size=3)) for one in names}
    other = dict(zip(names, data.draw(st.permutations(names)), strict=True))

    def program(order, rename):
        texts = {one: f"return n, {number}, {called(one)}" for number, one in enumerate(names)}
        lines = [f"def {rename(one)}(n): {rename_all(texts[one], rename)}" for one in order]
        return "\n".join([*lines, f"def train(): return {rename(names[0])}(1)", ""])

    def called(one):
        return "".join(f"<{name}>, " for name in calls[one]) or "0"

    def rename_all(text, rename):
        return re.sub("<(.)>", lambda found: rename(found[1]), text)

    plain = program(names, str)
    assert digest(program(data.draw(st.permutations(names)), other.__getitem__)) == digest(plain)
    number = data.draw(st.integers(0, len(names) - 1))
    reached, todo = set(), [names[0]]
    while todo:
        if (here := todo.pop()) not in reached:
            reached.add(here)
            todo += calls[here]
    changed = plain.replace(f"return n, {number},", "return n, 99,")
    assert (digest(changed) != digest(plain)) == (names[number] in reached)
