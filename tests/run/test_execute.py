"""The code around the user's code: whatever happens in there ends in an outcome that says so."""

from __future__ import annotations

import sys
import textwrap

import pytest

from penstock.backend import connect
from penstock.core.assignment import Resolved
from penstock.core.pipeline import Argument
from penstock.core.task import EndReason, Script, Status, Task
from penstock.run.attempt import AttemptSpec
from penstock.run.execute import execute
from penstock.run.storage import Values
from penstock.settings import Settings

DECORATED = """
from functools import wraps

def twice(function):
    @wraps(function)
    def inner(*args, **kwargs):
        return [function(*args, **kwargs)] * 2
    return inner

@twice
def f(x):
    return x
"""

FULL = """
import io, sys

class Full(io.StringIO):
    def write(self, text):
        raise OSError(28, "no space left")
"""


@pytest.fixture
def backend(tmp_path):
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    yield opened
    opened.close()


@pytest.fixture
def call(backend, tmp_path, monkeypatch):
    """Run a script's function `f` as a step does."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "argv", sys.argv)

    def call(source, arguments=None, returns=(), **fields):
        script = Script(source=textwrap.dedent(source), entry_point="f")
        file = tmp_path / "f.py"
        file.write_text(script.source, "utf-8", errors="surrogatepass")
        given = arguments or {}
        spec = AttemptSpec(
            task=Task(id="t" * 32, name="s", project="P", script=script),
            file=str(file),
            arguments={name: one if isinstance(one, Argument) else Argument(value=one) for name, one in given.items()},
            returns=returns,
            home=str(tmp_path),
            blobs=str(tmp_path / "home" / "blobs"),
            scratch=str(tmp_path / "scratch"),
            **{"inputs": {}, "references": {}} | fields,
        )
        return execute(spec, backend)

    return call


def load(backend, outcome, tmp_path="/tmp"):
    values = Values(backend.blobs, str(tmp_path))
    return {artifact.name: values.load(artifact) for artifact in outcome.artifacts}


def test_a_function_is_called_and_what_it_returns_is_stored(call, backend):
    """Promise 39: artifacts under their names; plain values as parameters `return/` too."""
    outcome = call("def f(a, b=2): return a + b, [a]", {"a": 1, "b": 2}, ("sum", "list"))
    assert (outcome.status, outcome.reason, outcome.message) == (Status.COMPLETED, None, "")
    assert load(backend, outcome) == {"sum": 3, "list": [1]}
    assert [(one.path, one.value, one.type) for one in outcome.parameters] == [("return/sum", 3, "int")]


@pytest.mark.parametrize(
    ("source", "arguments", "expected"),
    [
        ("def f(a, /, b, *, c): return [a, b, c]", {"a": 1, "b": 2, "c": 3}, [1, 2, 3]),
        ("def f(**more): return more", {"x": 1}, {"x": 1}),
        ("def f(a, *rest, b=0, **more): return [a, rest, b, more]", {"a": 1, "b": 2, "z": 3}, [1, (), 2, {"z": 3}]),
        ("f = int", {}, 0),
        ("class F:\n    def __call__(self, x): return x\nf = F()", {"x": 1}, 1),
        (DECORATED, {"x": 1}, [1, 1]),
    ],
)  # fmt: skip
def test_arguments_go_where_the_signature_wants_them(call, backend, source, arguments, expected):
    """Promise 38: keyword-only, positional-only and gathered arguments."""
    assert load(backend, call(source, arguments, ("x",))) == {"x": expected}


def test_references_arrive_as_what_they_stand_for(call, backend, tmp_path):
    """Promises 40 and 41: loaded values, also deep inside others; in a text their address."""
    stored = Values(backend.blobs, str(tmp_path)).store("t", "data", {"rows": [1, 2]})
    found = {
        "${a.data}": Resolved(artifact=stored, text=stored.url),
        "${a.n}": Resolved(value=3, text="3"),
    }
    given = {
        "whole": "${a.data}",
        "deep": [{"data": "${a.data}", "n": "${a.n}"}, "as it is"],
        "text": "${a.n} in ${a.data}, not $${a.n}",
    }
    source = "def f(whole, deep, text): return whole, deep, text"
    outcome = call(source, given, ("whole", "deep", "text"), references=found)
    assert load(backend, outcome) == {
        "whole": {"rows": [1, 2]},
        "deep": [{"data": {"rows": [1, 2]}, "n": 3}, "as it is"],
        "text": f"3 in {stored.url}, not ${{a.n}}",
    }


def test_an_argument_that_is_stored_is_loaded_and_its_references_too(call, backend, tmp_path):
    stored = Values(backend.blobs, str(tmp_path)).store("t", "s.data", ({"n": "${a.n}"}, {1, 2}))
    argument = Argument(artifact="s.data", references=("${a.n}",))
    outcome = call(
        "def f(data): return data",
        {"data": argument},
        ("x",),
        inputs={"s.data": stored},
        references={"${a.n}": Resolved(value=3, text="3")},
    )
    assert load(backend, outcome) == {"x": ({"n": 3}, {1, 2})}


def test_the_function_lives_in_a_main_module_of_its_own(call, backend):
    source = "import __main__, sys\nclass C: pass\ndef f(): return [__name__, __main__.C is C, __file__ == sys.argv[0]]"
    assert load(backend, call(source, returns=("x",))) == {"x": ["__main__", True, True]}


def test_a_script_is_compiled_as_it_stands(call, backend):
    """No `from __future__` of our own files gets into it."""
    source = "def f(x: 1 + 1): return f.__annotations__['x']"
    assert load(backend, call(source, {"x": None}, ("x",))) == {"x": 2}


@pytest.mark.parametrize(
    ("source", "summary", "also"),
    [
        ("def f(): raise RuntimeError('no luck')", "RuntimeError: no luck", "in f"),
        ("def f():\n    try: 1/0\n    except Exception as e: raise KeyError('x') from e", "KeyError: 'x'", "ZeroDiv"),
        ("def f(): raise ValueError('two\\nlines')", "ValueError: two", "\nlines"),
        ("def f(): raise BaseException('at all')", "BaseException: at all", "in f"),
        ("def f(): raise KeyboardInterrupt", "KeyboardInterrupt", "in f"),
        ("def f(): raise ExceptionGroup('g', [ValueError('a')])", "ExceptionGroup: g", "ValueError: a"),
        ("def f(): raise ValueError('half \\udcff')", "ValueError: half \\udcff", "in f"),
        ("import nothing_of_this_name\ndef f(): pass", "ModuleNotFoundError: No module named 'nothing_of", "<module>"),
        ("1/0\ndef f(): pass", "ZeroDivisionError: division by zero", "line 1"),
        ("def f(: pass", "SyntaxError", "def f("),
        ("def g(): pass", "KeyError", "'f'"),
        ("def f(a): pass", "TypeError: f() missing 1 required positional argument: 'a'", ""),
        ("class E(Exception):\n    def __str__(self): raise ValueError('no text')\ndef f(): raise E", "E", "in f"),
    ],
)  # fmt: skip
def test_an_exception_is_an_outcome_with_the_traceback_of_the_user_s_code_alone(call, capsys, source, summary, also):
    outcome = call(source, returns=("x",))
    assert (outcome.status, outcome.reason, outcome.artifacts) == (Status.FAILED, EndReason.EXCEPTION, ())
    assert summary in outcome.message.partition("\n")[0]
    assert also in outcome.message
    assert "penstock/run/execute.py" not in outcome.message
    assert summary in capsys.readouterr().err


@pytest.mark.parametrize("stream", ["None", "Full()", "io.StringIO()", "io.TextIOWrapper(io.BytesIO(), 'ascii')"])
@pytest.mark.parametrize("failure", ["raise ValueError('caf\u00e9')", "return 1", "sys.exit('caf\u00e9')"])
def test_a_function_that_took_the_streams_away_still_has_an_outcome(call, monkeypatch, stream, failure):
    """Nothing can be printed any more; how it went is said all the same."""
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    outcome = call(f"{FULL}\ndef f():\n    sys.stderr = sys.stdout = {stream}\n    {failure}", returns=("a", "b"))
    sys.stderr = sys.stdout = None
    assert outcome.status is Status.FAILED
    assert "caf\u00e9" in outcome.message or "f returned a int" in outcome.message


@pytest.mark.parametrize(
    ("code", "returns", "status", "message"),
    [
        ("", (), Status.COMPLETED, ""),
        ("0", (), Status.COMPLETED, ""),
        ("3", (), Status.FAILED, "sys.exit(3)"),
        ("'sorry'", (), Status.FAILED, "sys.exit('sorry')"),
        ("[1]", (), Status.FAILED, "sys.exit([1])"),
        ("0", ("x",), Status.FAILED, "sys.exit(0) before it returned x"),
    ],
)
def test_leaving_is_an_outcome(call, code, returns, status, message):
    outcome = call(f"import sys\ndef f(): sys.exit({code})", returns=returns)
    assert (outcome.status, outcome.message) == (status, message)


@pytest.mark.parametrize(
    ("returned", "returns", "message"),
    [
        ("1", ("a", "b"), "f returned a int, but its step declares 2 values (a, b)"),
        ("(1, 2, 3)", ("a", "b"), "f returned 3 values, but its step declares 2 values (a, b)"),
        ("()", ("a", "b"), "f returned 0 values"),
        ("'ab'", ("a", "b"), "f returned a str"),
        ("{1: 2, 3: 4}", ("a", "b"), "f returned a dict"),
        ("(x for x in 'ab')", ("a",), "artifact 'a' cannot be stored"),
        ("[1, __import__('threading').Lock()]", ("a",), "artifact 'a' cannot be stored"),
    ],
)
def test_results_that_do_not_fit_or_cannot_be_stored_are_an_outcome(call, returned, returns, message):
    """Promise 39: a count mismatch is a clear error, and so is a value that no format can store."""
    outcome = call(f"def f(): return {returned}", returns=returns)
    assert (outcome.status, outcome.reason, outcome.artifacts) == (Status.FAILED, EndReason.OUTPUT, ())
    assert message in outcome.message


@pytest.mark.parametrize(("returned", "returns"), [("1, 2", ("a", "b")), ("[1, 2]", ("a", "b"))])
def test_several_names_take_one_item_each(call, backend, returned, returns):
    """Promise 39: unpacked by position."""
    assert load(backend, call(f"def f(): return {returned}", returns=returns)) == {"a": 1, "b": 2}


def test_without_names_what_is_returned_is_dropped(call):
    outcome = call("import threading\ndef f(): return threading.Lock()")
    assert (outcome.status, outcome.artifacts) == (Status.COMPLETED, ())


@pytest.mark.parametrize(
    "body",
    [
        "def __repr__(self): raise ValueError('no repr')",
        "def __len__(self): raise ValueError('no len')",
        "def __getattr__(self, name): raise ValueError(name)",
        "def __eq__(self, other): raise ValueError('no eq')",
        "def __bool__(self): raise ValueError('no bool')",
        "def __iter__(self): raise ValueError('no iter')",
    ],
)
def test_an_awkward_object_is_stored_or_refused_but_never_breaks_the_step(call, body):
    """Objects of other people's classes may raise wherever they are looked at."""
    outcome = call(f"class C:\n    {body}\ndef f(): return C()", returns=("x",))
    assert outcome.status is Status.COMPLETED or outcome.reason is EndReason.OUTPUT
    assert outcome.artifacts or "artifact 'x'" in outcome.message


@pytest.mark.parametrize("body", ["def __reduce__(self): raise ValueError('not me')", "def __reduce__(self): return 1"])
def test_an_object_that_refuses_to_be_stored_is_named(call, body):
    outcome = call(f"class C:\n    {body}\ndef f(): return C()", returns=("x",))
    assert (outcome.status, outcome.reason) == (Status.FAILED, EndReason.OUTPUT)
    assert "artifact 'x'" in outcome.message


def test_a_long_text_is_stored_as_bytes_and_not_also_in_the_database(call, backend):
    outcome = call("def f(): return 'x' * 10_000_000", returns=("x",))
    assert outcome.status is Status.COMPLETED
    assert sum(len(str(one.value)) for one in outcome.parameters) < 1_000_000
    assert load(backend, outcome) == {"x": "x" * 10_000_000}


@pytest.mark.parametrize("value", ["'half \\udcff'", "['half \\udcff']", "float('nan')", "2**80", "-0.0"])
def test_odd_values_come_back_as_they_were(call, backend, value):
    outcome = call(f"def f(): return {value}", returns=("x",))
    assert repr(load(backend, outcome)["x"]) == repr(eval(value))


def test_functions_of_the_pipeline_store_and_load(call, backend):
    """Promise 7: custom functions, whose imports are inside."""
    dump = Script(source="def dump(x):\n    import json\n    return json.dumps(x).encode()\n", entry_point="dump")
    outcome = call("def f(): return [1]", returns=("x",), serializer=dump)
    (artifact,) = outcome.artifacts
    assert artifact.format == "custom"
    assert backend.blobs.path(artifact.hash).read_bytes() == b"[1]"
    fetch = Script(source="def load(b):\n    import json\n    return json.loads(b)\n", entry_point="load")
    again = call(
        "def f(a): return a + [2]",
        {"a": "${s.x}"},
        ("y",),
        references={"${s.x}": Resolved(artifact=artifact, text="")},
        deserializer=fetch,
    )
    assert load(backend, again) == {"y": [1, 2]}


def test_an_input_that_was_damaged_fails_the_step_before_it_is_called(call, backend, tmp_path):
    stored = Values(backend.blobs, str(tmp_path)).store("t", "data", [1, 2, 3])
    backend.blobs.path(stored.hash).unlink()
    outcome = call(
        "def f(a): raise SystemError", {"a": "${s.x}"}, references={"${s.x}": Resolved(artifact=stored, text="")}
    )
    assert (outcome.status, outcome.reason) == (Status.FAILED, EndReason.INPUT)
    assert stored.hash in outcome.message
