"""A function becomes a module of its own that does what the function did, anywhere, without the original file."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import json
import linecache
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import penstock.sdk.function
from penstock.core.errors import Invalid, NotStandalone
from penstock.sdk.function import Standalone, arguments, standalone

SOURCES = Path(penstock.sdk.function.__file__).parents[2]
NUMBERS = itertools.count(1)

# What the child process of a step does, too: it runs the source as `__main__` and calls the entry point.
ELSEWHERE = """
import json, sys, types
task = json.load(sys.stdin)
module = sys.modules["__main__"] = types.ModuleType("__main__")
exec(compile(task["source"], "task.py", "exec", dont_inherit=True), module.__dict__)
print("\\n" + repr(eval(task["name"] + task["call"], module.__dict__)))
"""


@pytest.fixture
def elsewhere(tmp_path) -> Callable[[Standalone, str], str]:
    """Runs a task in an empty folder by a fresh interpreter that sees no other file; returns the result's repr."""

    def run(task: Standalone, call: str = "()") -> str:
        folder = tmp_path / f"empty-{next(NUMBERS)}"
        folder.mkdir()
        given = json.dumps({"source": task.source, "name": task.name, "call": call})
        command = [sys.executable, "-I", "-c", ELSEWHERE]
        done = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{task.source}"
        return done.stdout.splitlines()[-1]

    return run


@pytest.fixture
def module(tmp_path) -> Iterator[Callable[..., ModuleType]]:
    """Writes a module and imports it."""
    made: list[str] = []

    def write(text: str, name: str = "") -> ModuleType:
        name = name or f"module_{next(NUMBERS)}"
        return load(tmp_path / f"{name}.py", text, name, made)

    yield write
    for name in made:
        sys.modules.pop(name, None)


def load(path: Path, text: str, name: str, made: list[str]) -> ModuleType:
    path.write_text(dedent(text), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    result = sys.modules[name] = importlib.util.module_from_spec(spec)
    made.append(name)
    spec.loader.exec_module(result)
    return result


@pytest.fixture
def script(tmp_path) -> Callable[..., Any]:
    """Runs a script as a process of its own; returns what its last printed line says, as JSON."""

    def run(text: str, how: str = "file", *arguments: str, seed: str = "0") -> Any:
        path = tmp_path / "script.py"
        path.write_text(dedent(text), encoding="utf-8")
        starts = {"file": [str(path)], "stdin": ["-"], "pipe": ["-"]}
        environment = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONHASHSEED": seed}
        with path.open() as file:
            given = {"stdin": file} if how == "stdin" else {"input": dedent(text)}
            command = [sys.executable, *starts[how], *arguments]
            done = subprocess.run(command, **given, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


class Notebook:
    """Runs cells as a notebook does: one module without a file, and a text for each cell."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.files: list[str] = []

    def run(self, text: str) -> None:
        filename = f"<ipython-input-{next(NUMBERS)}-0123>"
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        self.files.append(filename)
        exec(compile(text, filename, "exec", dont_inherit=True), self.names)


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    made = Notebook()
    yield made
    for filename in made.files:
        linecache.cache.pop(filename, None)


# What a function does is kept

KEPT = r"""
### imports: step(2.5)
import math, os.path as p
from json import dumps as to_text
def step(x):
    import re
    return math.floor(x), p.join('a', 'b'), to_text([x]), re.escape('.')

### constants: step()
A, (B, *C) = 1, (2, 3)
D: int = A + 1
E = 1
E += D
F = G = [A]
def step():
    return A, B, C, D, E, F is G

### helpers: step()
def last():
    return 1
def first():
    return last() + 1
def step():
    return first()

### mutual recursion: step(7)
def even(n):
    return n == 0 or odd(n - 1)
def odd(n):
    return n != 0 and even(n - 1)
def step(n):
    return even(n)

### classes: step()
import abc
class Base(abc.ABC):
    @abc.abstractmethod
    def name(self): ...
class Model(Base):
    def name(self):
        return f'{type(self).__name__} {SIZE}'
SIZE = 3
def step():
    return Model().name()

### dataclasses: step()
from dataclasses import dataclass, field
@dataclass(frozen=True)
class Config:
    rate: float = 0.1
    layers: list = field(default_factory=lambda: [SIZE])
SIZE = 2
def step(config=Config(rate=0.5)):
    return config, Config()

### enums as defaults: step()
import enum
class Color(enum.Enum):
    RED = 1
def step(*, color=Color.RED):
    return color.name, Color(1)

### nan as default: step()
nan = float('nan')
def step(x=nan, y=float('inf')):
    return x != x, y

### shadowed names: step(3)
import json
total = 1
values = [1]
def step(json, total=2):
    values = [json]
    return total, values

### comprehension scopes: step()
K = 10
i = 100
ROWS = [[j * K for j in range(i)] for i in range(3)]
def step():
    return ROWS, {i: K for i in range(2)}, {i for i in range(2)}, sum(i for i in range(3)), i

### global statement: step()
COUNT = 0
def step():
    global COUNT, LATER
    COUNT += 1
    LATER = COUNT
    return LATER

### imports under try and if: step()
import sys
try:
    import no_such_module as fast
except ImportError:
    fast = None
if sys.version_info > (3,):
    from json import loads
else:
    loads = None
def step():
    return fast, loads('[1]')

### with and for: step()
import io
TABLE = {}
for key in 'ab':
    TABLE[key] = ord(key)
with io.StringIO('text') as stream:
    WORDS = stream.read()
def step():
    return TABLE, WORDS

### changed constants: step()
OPTIONS = {'a': 1}
OPTIONS['b'] = 2
ITEMS = []
ITEMS.append(3)
class Limits:
    top = 1
Limits.top = 2
def step():
    return OPTIONS, ITEMS, Limits.top

### decorated with wraps: step(1)
import functools
def twice(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return FACTOR * function(*args, **kwargs)
    return wrapper
FACTOR = 2
@twice
@functools.lru_cache(maxsize=None)
def step(x):
    return x + 1

### decorated without wraps: step(1)
def times(n):
    def decorate(function):
        def inner(*args):
            return n * function(*args)
        return inner
    return decorate
@times(3)
def step(x):
    return x + 1

### decorated by a class: step(1)
class Counted:
    def __init__(self, function):
        self.function, self.calls = function, 0
    def __call__(self, *args):
        self.calls += 1
        return self.function(*args), self.calls
@Counted
def step(x):
    return x

### lru_cache: step(4)
import functools
@functools.lru_cache
def step(x):
    return x * 2

### single dispatch: step(1)
import functools
@functools.singledispatch
def step(x):
    return 'any'
@step.register
def _(x: int):
    return 'int'
@step.register(str)
def _(x):
    return 'str'

### made by a function: step(1)
def make(n):
    def inner(x):
        return x + n
    return inner
step = make(3)

### redefined: step()
def step():
    return 1
first = step()
def step():
    return first + 1

### lambdas: step(2)
double = lambda x: x * FACTOR
FACTOR = 2
def step(x):
    return list(map(double, [x]))

### star imports: step(2.5)
from math import *
from os import *
def step(x):
    return floor(x), environ.get('NO_SUCH_NAME')

### deferred annotations: step(1)
from __future__ import annotations
from typing import TYPE_CHECKING, NamedTuple
from decimal import Decimal
if TYPE_CHECKING:
    import no_such_module as nsm
class Pair(NamedTuple):
    one: Decimal
    two: nsm.Two
def step(x: nsm.Frame, y: Missing = 1) -> Pair:
    z: nsm.Series = x
    return Pair(z, y)

### annotations that are evaluated: step()
from typing import Optional
Number = Optional[int]
def step(x: Number = None):
    return step.__annotations__

### class bodies: step()
limit = 5
class A:
    limit = limit
    rows = [limit for _ in range(2)]
    __x = 1
    def f(self):
        return self.__x
def step():
    return A.limit, A.rows, A().f()

### one line: step()
A = 1; B = 2; C = '''x
  y'''; D = 4
def step(): return B, C

### other letters: step()
größe = 'ü'  # naïve
def step(): return größe + '\N{BULLET}'

### walrus and match: step([1, 2])
if (n := 3) > 2:
    SIZE = n
def step(x):
    match x:
        case [a, *rest]:
            return a, rest, SIZE

### the file and the docstring: step()
'''What it does.'''
from pathlib import Path
ROOT = Path(__file__).parent
def step():
    return ROOT, __doc__, __name__ != ''

### decorated by what returns a lambda: step(1)
def logged(
    label,
):
    return lambda function: lambda x: (label, function(x))
@logged(
    'train',  # the label
)
def step(x):
    return x + 1

### objects that answer to any name: step()
class Endless:
    def __getattr__(self, name): return Endless()
    def __call__(self): return 1
endless = Endless()
def step():
    return endless()

### defined in a block: step()
if True:
    def helper():
        return 1
    def step():
        return helper()
else:
    def step():
        return 2
"""
CASES = dict(re.findall(r"^### (.+?): step(.+\n(?:(?!###).*\n)*)", KEPT, re.MULTILINE))


@pytest.mark.parametrize("case", CASES)
def test_what_a_function_does_is_kept(case, module, elsewhere):
    """Promise 36: the task's script is the function, and runs without the original file."""
    call, _, text = CASES[case].partition("\n")
    original = module(text)
    task = standalone(original.step)
    assert elsewhere(task, call) == repr(eval(f"step{call}", {"step": original.step}))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is new in Python 3.12")
def test_type_parameters_are_understood(module, elsewhere):
    text = "type Pair[T] = tuple[T, Size]\nSize = int\nT = 1\ndef step[T: Size](x: T) -> Pair[T]:\n    return x, Pair\n"
    assert elsewhere(standalone(module(text).step), "(1)") == "(1, Pair)"


def test_the_text_is_what_the_user_wrote(module):
    text = "X = [ 1,2 ]  # two\n\n\ndef step( a,b = 1 ):  # odd\n    # why\n    return a+b , X\n"
    assert standalone(module("unused = 0\n" + text).step).source == text


def test_what_is_not_needed_is_left_out(module):
    needed = "import math\n\n\ndef step(x):\n    return math.sqrt(x)\n"
    others = "import sys\nSIZE = 3\ndef other(): return SIZE\nclass Thing: ...\nprint('loading')\n"
    assert standalone(module(others + needed).step).source == needed


def test_modules_are_listed_wherever_they_are_imported(module):
    text = (
        "import os.path\nfrom json import dumps\ndef step():\n    import csv as c, xml.dom\n    return os, dumps, c\n"
    )
    assert standalone(module(text).step).modules == ("csv", "json", "os.path", "xml.dom")


# Each form binds {name} to a number by means of another, {sooner}.
FORMS = [
    "{name} = {sooner} + 1",
    "{name}, spare_{name} = [{sooner} for i in range(2)]",
    "if {sooner} > 2:\n    {name} = {sooner}\nelse:\n    {name} = 2",
    "class C{name}:\n    value = {sooner}\n{name} = C{name}.value",
    "{name}: int = 1\n{name} += {sooner}",
    "try:\n    import no_such_module\nexcept ImportError:\n    {name} = {sooner} * 2",
    "def make_{name}(x={sooner}):\n    return x + {sooner}\n{name} = make_{name}()",
    "t{name} = {{}}\nt{name}['x'] = {sooner}\n{name} = t{name}['x']",
    "for i in range({sooner} % 3 + 1):\n    {name} = i",
    "import functools\n@functools.cache\ndef f{name}():\n    return {sooner}\n{name} = f{name}() + 1",
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    forms=st.lists(st.tuples(st.sampled_from(FORMS), st.integers(0, 6)), min_size=1, max_size=7),
    used=st.sets(st.integers(0, 7), min_size=1, max_size=3),
)
def test_any_function_does_the_same_from_its_own_source(forms, used, module):
    needs: dict[str, set[str]] = {"n0": {"n0"}}
    lines = ["n0 = 1"]
    for number, (form, choice) in enumerate(forms, start=1):
        name, sooner = f"n{number}", f"n{choice % number}"
        lines.append(form.format(name=name, sooner=sooner))
        needs[name] = {name} | needs[sooner]
    wanted = sorted({f"n{number % len(needs)}" for number in used})
    original = module("\n".join([*lines, f"def step(): return {', '.join(wanted)}"]) + "\n")
    again: dict[str, Any] = {"__name__": "again"}
    exec(compile(standalone(original.step).source, "task.py", "exec", dont_inherit=True), again)
    assert again["step"]() == original.step()
    assert {name for name in needs if name in again} == set[str]().union(*(needs[name] for name in wanted))


# Scripts

GUARDED = """
    import json, sys
    RATE, TABLE = 0, {}
    if __name__ == "__main__":
        import math
        from penstock.sdk.function import standalone

        RATE = float(sys.argv[1])
        TABLE["a"] = RATE * 2
        BOUNDS = {"low": float("nan"), "high": (-RATE, {3, 1, 2})}
        LABELS = {"b", "c", "a"}

        def helper():
            '''Two
            lines.'''
            return RATE, TABLE, BOUNDS, sorted(LABELS), helper.__doc__

        class Kind:
            name = "kind"

        def step(x):
            return math.floor(x), helper(), Kind.name

        made = standalone(step)
        print(json.dumps([made.name, made.source, made.modules, repr(step(2.5))]))
"""


def test_names_under_the_main_guard_are_taken(script, elsewhere):
    name, source, modules, expected = script(GUARDED, "file", "0.5")
    assert elsewhere(Standalone(name=name, source=source, modules=tuple(modules)), "(2.5)") == expected
    assert modules == ["math"]
    assert "sys.argv" not in source


def test_the_same_function_gives_the_same_text_in_every_process(script):
    assert script(GUARDED, "file", "1", seed="1") == script(GUARDED, "file", "1", seed="2")


def test_names_under_the_main_guard_are_taken_as_they_were_made(script):
    source = script("""
        import json
        from penstock.sdk.function import standalone

        class Settings:
            def find(self): ...

        settings = Settings()
        def step():
            return settings, LETTERS, find, later, unset
        def made():
            return json.dumps(standalone(step).source)

        if __name__ == "__main__":
            from string import ascii_letters as LETTERS
            settings.size = 3
            find = Settings.find
            print(made())
            def later(): ...
            unset = 1
    """)
    assert source == dedent("""\
        class Settings:
            def find(self): ...


        settings = Settings()


        def step():
            return settings, LETTERS, find, later, unset


        from string import ascii_letters as LETTERS
        settings.size = 3
        find = Settings.find


        def later(): ...
    """)


def test_a_module_that_was_imported_took_the_other_branch(module):
    made = module("if __name__ == '__main__':\n    A = 1\nelse:\n    A = 2\ndef step():\n    return A\n")
    assert standalone(made.step).source == "A = 2\n\n\ndef step():\n    return A\n"


def test_a_function_that_is_defined_again_later_is_the_one_that_was_given(script):
    sources = script("""
        import json
        from penstock.sdk.function import standalone
        def step():
            return 1
        first = standalone(step).source
        def step():
            return 2
        print(json.dumps([first, standalone(step).source]))
    """)
    assert ["return 2" in source for source in sources] == [False, True]


def test_a_script_may_come_from_standard_input_when_that_is_a_file(script, elsewhere):
    text = """
        import json
        from penstock.sdk.function import standalone
        SIZE = 3
        def step():
            return SIZE
        made = standalone(step)
        print(json.dumps([made.name, made.source]))
    """
    name, source = script(text, "stdin")
    assert elsewhere(Standalone(name=name, source=source, modules=())) == "3"


def test_a_function_without_a_text_says_where_to_put_it(script):
    text = """
        import json
        from penstock.core.errors import NotStandalone
        from penstock.sdk.function import standalone
        def step(): ...
        try:
            standalone(step)
        except NotStandalone as error:
            print(json.dumps(str(error)))
    """
    assert script(text, "pipe") == (
        "without its text, function 'step' cannot be a task of its own\n"
        "hint: put it in a file: Python keeps no text of pipes and exec"
    )


def test_a_value_made_under_the_main_guard_has_to_be_passed(script):
    text = """
        import json
        from penstock.core.errors import NotStandalone
        from penstock.sdk.function import standalone
        def helper():
            return model
        def step():
            return helper()
        if __name__ == "__main__":
            model = object()
            try:
                standalone(step)
            except NotStandalone as error:
                print(json.dumps(str(error)))
    """
    assert script(text) == (
        "function 'step' cannot be a task of its own: it uses 'model' (in 'helper'), "
        "of type object and made under `if __name__ == '__main__'`\n"
        "hint: pass it as an argument, or make it inside the function"
    )


# Notebooks


def test_a_notebook_function_takes_what_other_cells_define(notebook, elsewhere):
    notebook.run("import math\nimport xml.dom.minidom\nfrom json import dumps as to_text\nLIMIT = 1")
    notebook.run(
        "def decorate(function):\n    def inner(*args):\n        return function(*args), LIMIT\n    return inner"
    )
    notebook.run("class Model:\n    @decorate\n    def size(self):\n        return math.pi, LIMIT")
    notebook.run("@decorate\ndef helper():\n    return Model().size(), to_text(1), xml.dom.minidom.Document().nodeName")
    notebook.run("def step():\n    return helper(), LIMIT")
    notebook.run("LIMIT = 2")
    assert elsewhere(standalone(notebook.names["step"])) == repr(notebook.names["step"]())


def test_the_newest_cell_that_has_run_counts(notebook, elsewhere):
    notebook.run("SIZE = 1\ndef helper():\n    return 'old'\ndef step():\n    return helper(), SIZE, helper.__name__")
    notebook.run("def helper():\n    return 'new'\nSIZE = {'a': [SIZE]}")
    assert elsewhere(standalone(notebook.names["step"])) == "('new', {'a': [1]}, 'helper')"


def test_a_decorated_notebook_function_is_found_by_its_name(notebook, elsewhere):
    notebook.run("def twice(function):\n    def inner(x):\n        return 2 * function(x)\n    return inner")
    notebook.run("@twice\ndef step(x):\n    return x + 1")
    assert elsewhere(standalone(notebook.names["step"]), "(1)") == "4"


def test_an_import_in_a_cell_stays_an_import(notebook):
    notebook.run("from math import pi\ndef step():\n    return pi")
    assert standalone(notebook.names["step"]).source.startswith("from math import pi\n")


def test_a_cell_may_end_its_lines_as_windows_does(notebook):
    notebook.run("def step():\r\n    return 1\r\n")
    assert standalone(notebook.names["step"]).source == "def step():\n    return 1\n"


def test_relative_imports_start_from_the_name_of_the_module(notebook):
    notebook.names["__name__"] = "shop.parts"
    notebook.run("def step():\n    from .other import x\n    return x")
    assert "from shop.other import x" in standalone(notebook.names["step"]).source
    notebook.names["__path__"] = []
    assert "from shop.parts.other import x" in standalone(notebook.names["step"]).source


def test_what_only_a_notebook_can_run_is_refused(notebook):
    notebook.run("DATA = object()\ndef step():\n    return DATA")
    text = "DATA = await load()\ndef step():\n    return DATA"
    linecache.cache[notebook.files[-1]] = (len(text), None, text.splitlines(keepends=True), notebook.files[-1])
    with pytest.raises(NotStandalone, match="function 'step' cannot be a task of its own: 'await' outside function"):
        standalone(notebook.names["step"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (-1.5, "-1.5"),
        (math.inf, 'float("inf")'),
        ([-math.inf, (1,), ()], '[float("-inf"), (1,), ()]'),
        ({"a": {2, 1}, 3: set()}, "{'a': {1, 2}, 3: set()}"),
        (b"\0", r"b'\x00'"),
        (math, "import math as VALUE"),
        (math.floor, "from math import floor as VALUE"),
        (json.JSONDecoder, "from json.decoder import JSONDecoder as VALUE"),
    ],
)
def test_a_value_that_only_the_session_has_is_taken_as_it_is(value, text, notebook):
    notebook.names["VALUE"] = value
    notebook.run("def step():\n    return VALUE")
    expected = text if "VALUE" in text else f"VALUE = {text}"
    assert standalone(notebook.names["step"]).source.splitlines()[0] == expected


def test_a_very_long_number_is_taken(notebook):
    notebook.names["VALUE"] = 10**5000
    notebook.run("def step():\n    return VALUE")
    again: dict[str, Any] = {}
    exec(standalone(notebook.names["step"]).source, again)
    assert again["step"]() == 10**5000


@pytest.mark.parametrize("value", [object(), {"a": object()}, "x" * 100_001, [[0] * 50_000], os.environ])
def test_a_value_that_only_the_session_has_may_have_to_be_passed(value, notebook):
    notebook.names["VALUE"] = value
    notebook.run("def step():\n    return VALUE")
    with pytest.raises(
        NotStandalone, match=r"'step' .* it uses 'VALUE', of type \w+, which only this session has"
    ) as caught:
        standalone(notebook.names["step"])
    assert caught.value.hint == "pass it as an argument, or make it inside the function"


def test_a_list_that_holds_itself_has_to_be_passed(notebook):
    notebook.run("def step():\n    return VALUE")
    notebook.names["VALUE"] = value = [1]
    value.append(value)
    with pytest.raises(NotStandalone, match="VALUE"):
        standalone(notebook.names["step"])


def test_what_every_interpreter_has_is_left_alone(notebook):
    notebook.names["copyright"] = copyright
    notebook.run("def step():\n    copyright()")
    assert standalone(notebook.names["step"]).source == "def step():\n    copyright()\n"


def test_a_name_that_is_nowhere_is_left_alone(notebook):
    notebook.run("def step():\n    return bound_at_run_time, display(1)")
    assert standalone(notebook.names["step"]).source == "def step():\n    return bound_at_run_time, display(1)\n"


# Functions that cannot be tasks


class Trainer:
    def fit(self):
        return self

    @staticmethod
    def score(): ...

    def __call__(self): ...


def around():
    def inner(): ...

    return inner


def plain(x=1):
    return x


async def wait_for_it(): ...


async def wait_for_them():
    yield 1


trainer = Trainer()
partial = functools.partial(plain, 2)
unnamed = lambda: 1  # noqa: E731 - a lambda with a name is a lambda


@pytest.mark.parametrize(
    ("function", "message", "hint"),
    [
        (unnamed, "lambda '<lambda>'", "define it with def"),
        (around(), "nested function 'around.<locals>.inner'", "move it to the top level"),
        (trainer.fit, "method 'Trainer.fit'", "that calls it"),
        (Trainer.fit, "method 'Trainer.fit'", "that calls it"),
        (Trainer.score, "method 'Trainer.score'", "that calls it"),
        (Trainer, "class 'Trainer'", "that makes an object of it"),
        (trainer, "callable object of type 'Trainer'", "that calls it"),
        (partial, "partial of 'plain'", "its arguments as the step's"),
        (len, "built-in function 'len'", "that calls it"),
        ([].append, "built-in function 'list.append'", "that calls it"),
        (wait_for_it, "async function 'wait_for_it'", "asyncio.run"),
        (wait_for_them, "async generator 'wait_for_them'", "asyncio.run"),
        ("train", "value of type 'str'", "the function itself"),
    ],
)
def test_what_is_no_function_of_a_module_is_refused_at_once(function, message, hint):
    """Promise 42: a lambda, a nested function and their like get a clear error."""
    with pytest.raises(NotStandalone) as caught:
        standalone(function)
    assert caught.value.message == f"{message} cannot be a task of its own"
    assert hint in str(caught.value.hint)


def test_a_loop_variable_does_not_make_a_nested_function_a_task(module):
    made = module("def make():\n    def step(): ...\n    return step\nfor one in [make()]:\n    pass\n")
    with pytest.raises(NotStandalone, match=r"nested function 'make\.<locals>\.step'"):
        standalone(made.one)


def test_a_function_with_several_names_goes_by_its_own(module):
    made = module("first = _second = None\ndef step(): ...\n_second = first = step\n")
    assert standalone(made.first).name == "step"
    made.step = None
    assert standalone(made.first).name == "first"


COUNTED = "class Counted:\n    def __init__(self, f): self.f = f\n    def __call__(self): return self.f()\n"


def test_a_decorated_function_is_found_where_it_is_used(module):
    imports = f"from {module(COUNTED).__name__} import Counted\nfrom penstock.sdk.function import standalone\n"
    made = module(imports + "@Counted\ndef step():\n    return 1\ntask = standalone(step, helpers=[])\n").task
    assert made.source.endswith("@Counted\ndef step():\n    return 1\n")


def test_a_decorated_function_is_found_in_the_script(module, monkeypatch):
    made = module(f"from {module(COUNTED).__name__} import Counted\n@Counted\ndef step():\n    return 1\n")
    with pytest.raises(NotStandalone, match="callable object of type 'Counted'"):
        standalone(made.step)
    monkeypatch.setitem(sys.modules, "__main__", made)
    assert standalone(made.step).name == "step"


def test_a_file_that_was_changed_and_loaded_again_is_read_again(module):
    for text in ("def step():\n    return 1\n", "def step():\n    return 'another'\n"):
        made = module(text, "changing")
        assert standalone(made.step).source == text


def test_a_function_that_its_name_no_longer_means_is_refused(module):
    made = module("def step(): return 1\n")
    old, made.step = made.step, None
    with pytest.raises(NotStandalone, match="since no module's name leads to it, function 'step'"):
        standalone(old)


def test_a_function_whose_file_has_changed_is_refused(module):
    made = module("def step():\n    return 1\n")
    Path(str(made.__file__)).write_text("import json\n\n\ndef step():\n    return json\n", encoding="utf-8")
    with pytest.raises(NotStandalone, match="since its file has changed, function 'step'"):
        standalone(made.step)


def test_a_function_whose_file_is_gone_is_refused(module):
    made = module("def step():\n    return 1\n")
    Path(str(made.__file__)).unlink()
    with pytest.raises(NotStandalone, match="without its text, function 'step'"):
        standalone(made.step)


def test_a_step_cannot_use_the_pipeline_that_it_is_a_step_of(module):
    text = """
        class PipelineController: ...
        class Mine(PipelineController): ...
        pipe = Mine()
        def step(): pipe.upload(1)
    """
    with pytest.raises(NotStandalone, match=r"'step' .* it uses 'pipe', which is the pipeline itself") as caught:
        standalone(module(text).step)
    assert "PipelineController.upload_artifact" in str(caught.value.hint)


def test_a_pipeline_that_only_an_annotation_names_is_no_obstacle(module):
    text = "from __future__ import annotations\nclass PipelineController: ...\npipe = PipelineController()\n"
    assert "pipe = " not in standalone(module(text + "def step(x: pipe): ...\n").step).source


# Helpers


def test_helpers_are_included_with_what_they_need(module, elsewhere):
    """Promise 42: helper functions come along, also from other modules."""
    library = module("""
        import math
        SCALE = 2
        def area(r): return SCALE * square(r)
        def square(x): return math.pow(x, 2)
    """)
    main = module(f"""
        from {library.__name__} import area, area as surface
        LIMIT = 9
        def step(r): return area(r), surface(r), LIMIT
    """)
    task = standalone(main.step, helpers=[library.area, library.square])
    assert library.__name__ not in task.source
    assert elsewhere(task, "(3)") == repr(main.step(3))


def test_helpers_that_nothing_refers_to_are_included(module, elsewhere):
    library = module("def hidden():\n    return 'found'\n")
    main = module("def near():\n    return 1\ndef step():\n    return globals()['hidden'](), globals()['near']()\n")
    assert elsewhere(standalone(main.step, helpers=[main.near, library.hidden])) == "('found', 1)"


def test_helpers_of_helpers_come_first(module, elsewhere):
    deep = module("def decorate(function):\n    return lambda: function() + 1\n")
    library = module(f"from {deep.__name__} import decorate\n@decorate\ndef helper():\n    return 1\n")
    main = module(f"from {library.__name__} import helper\nVALUE = helper()\ndef step():\n    return VALUE\n")
    assert elsewhere(standalone(main.step, helpers=[library.helper, deep.decorate])) == "2"


def test_a_name_with_two_meanings_is_refused(module):
    one, two = (module(f"SIZE = {size}\ndef helper_{size}():\n    return SIZE\n") for size in (1, 2))
    with pytest.raises(NotStandalone, match=r"'SIZE' is one thing in .* and another in ") as caught:
        standalone(two.helper_2, helpers=[one.helper_1])
    assert str(one.__file__) in str(caught.value)
    assert str(two.__file__) in str(caught.value)


def test_values_that_are_equal_have_one_meaning(module, elsewhere):
    one = module("SIZES = [3]\ndef helper():\n    return SIZES\n")
    main = module("SIZES = [2 + 1]\ndef step():\n    return SIZES\n")
    assert elsewhere(standalone(main.step, helpers=[one.helper])) == "[3]"


def test_a_builtin_that_another_module_hides_is_refused(module):
    one = module("def sum(x):\n    return 0\ndef helper():\n    return sum([1])\n")
    main = module("def step():\n    return sum([1])\n")
    with pytest.raises(NotStandalone, match="'sum' is one thing in"):
        standalone(main.step, helpers=[one.helper])


def test_what_two_modules_write_alike_is_taken_once(module, elsewhere):
    common = "import json, os\nfrom json import dumps as to_text\nSIZE = 3\ndef size():\n    return SIZE\n"
    one = module(common + "def helper():\n    return size(), json, to_text(1)\n")
    main = module("import json\n" + common + "def step():\n    return size(), to_text(2), json.loads('1')\n")
    task = standalone(main.step, helpers=[one.helper])
    assert task.source.count("SIZE = 3") == task.source.count("def size") == task.source.count("import json, os") == 1
    assert elsewhere(task) == "(3, '2', 1)"


def test_a_function_that_a_decorator_hides_is_found_in_its_own_module(module, elsewhere):
    tools = module("def twice(function):\n    def inner(x):\n        return 2 * function(x)\n    return inner\n")
    steps = module(f"from {tools.__name__} import twice\nONE = 1\n@twice\ndef step(x):\n    return x + ONE\n")
    main = module(f"from {steps.__name__} import step\n")
    task = standalone(main.step, helpers=[tools.twice])
    assert "ONE = 1" in task.source
    assert elsewhere(task, "(1)") == "4"


# Imports


def test_relative_imports_become_absolute(tmp_path, monkeypatch):
    for name in ("shop", "shop/parts"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("SIZE = 1\n", encoding="utf-8")
    imports = "from . import SIZE as inner\nfrom .. import SIZE\n"
    text = imports + "def step():\n    from .other import x\n    return inner, SIZE\n"
    (tmp_path / "shop" / "parts" / "steps.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    source = standalone(importlib.import_module("shop.parts.steps").step).source
    assert "from shop.parts import SIZE as inner\nfrom shop import SIZE\n" in source
    assert "    from shop.parts.other import x\n" in source
    for name in ("shop", "shop.parts", "shop.parts.steps"):
        del sys.modules[name]


def test_global_imports_can_be_skipped(module):
    """Promise 42: imports inside the function remain when the module's are skipped."""
    text = """
        import json
        try:
            import csv
        except ImportError:
            import json as csv
        SIZE = 1
        def step():
            import re
            return json, csv, re, SIZE
    """
    task = standalone(module(text).step, skip_global_imports=True)
    assert task.source == "SIZE = 1\n\n\ndef step():\n    import re\n    return json, csv, re, SIZE\n"
    assert task.modules == ("re",)


def test_options_set_on_an_import_come_along_with_it(module):
    text = """
        import decimal
        import sys
        sys.my_option = 1
        decimal.DefaultContext.prec = 28
        def step():
            return decimal
    """
    made = module(text).step
    assert "decimal.DefaultContext.prec = 28" in standalone(made).source
    assert "my_option" not in standalone(made).source
    assert standalone(made, skip_global_imports=True).source == "def step():\n    return decimal\n"


# Arguments


def example(first, /, second, third=3, *rest, fourth, fifth=math.nan): ...


def test_defaults_are_merged_in_the_order_of_the_signature():
    """Promise 38: all arguments are given, also those that were not mentioned, also keyword-only ones."""
    given = {"fourth": 4, "second": 2, "first": 1}
    merged = arguments(example, given, "load")
    assert list(merged.items()) == [("first", 1), ("second", 2), ("third", 3), ("fourth", 4), ("fifth", math.nan)]
    assert given == {"fourth": 4, "second": 2, "first": 1}


def test_nothing_given_means_the_defaults():
    assert arguments(plain, None, "load") == {"x": 1}


def test_a_decorated_function_has_the_arguments_of_the_one_inside():
    @functools.wraps(example)
    def wrapper(*args, **kwargs): ...

    assert list(arguments(wrapper, {"first": 1, "second": 2, "fourth": 4}, "load")) == [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
    ]


def test_other_names_are_taken_by_a_function_that_takes_any():
    def any_of(x=1, **others): ...

    assert arguments(any_of, {"b": 2, "a": 3}, "load") == {"x": 1, "b": 2, "a": 3}


def test_an_unknown_argument_is_refused_with_the_nearest_name():
    with pytest.raises(Invalid) as caught:
        arguments(example, {"fist": 1}, "load")
    assert str(caught.value) == "step 'load': function 'example' has no argument 'fist'\nhint: did you mean 'first'?"


def test_an_argument_of_a_function_without_any_is_refused():
    with pytest.raises(Invalid, match=r"has no argument 'x'\nhint: it takes none"):
        arguments(around, {"x": 1}, "load")


def test_the_name_of_the_rest_is_no_argument():
    with pytest.raises(Invalid, match="has no argument 'rest'"):
        arguments(example, {"first": 1, "second": 2, "fourth": 4, "rest": ()}, "load")


def test_missing_arguments_are_named():
    with pytest.raises(Invalid) as caught:
        arguments(example, {"second": 2}, "load")
    assert str(caught.value) == (
        "step 'load': function 'example' needs a value for 'first', 'fourth'\n"
        "hint: give a value in function_kwargs, or a default in the function"
    )


def test_a_function_without_a_signature_takes_what_is_given():
    assert arguments(dict, {"a": 1}, "load") == {"a": 1}
