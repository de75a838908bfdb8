"""Scripts as users write and start them: `python script.py`, in a process of its own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import textwrap

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock import PipelineController, Task

AFTERWARDS = """
nodes = pipe.get_pipeline_dag()
tasks = {name: Task.get_task(node.task_id) for name, node in nodes.items() if node.task_id}
values = {name: {key: one.get() for key, one in task.artifacts.items()} for name, task in tasks.items()}
printed = {name: "\\n".join(task.get_reported_console_output(100000)).splitlines() for name, task in tasks.items()}
"""


class Folder:
    """Where a user's script lies, and the home that it uses."""

    def __init__(self, root):
        self.root = root
        self.home = root / "home"

    def write(self, name, text):
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def run(self, name, text="", *arguments, cwd=None, **variables):
        """Run a script to its end; return what it showed last, as JSON, and all that it printed."""
        file = self.write(name, text) if text else self.root / name
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PENSTOCK_")}
        mine = {"PENSTOCK_HOME": str(self.home), "PENSTOCK_CONFIG": "/nowhere", "PENSTOCK_PROGRESS": "none"}
        done = subprocess.run(
            [sys.executable, str(file), *arguments],
            cwd=cwd or self.root,
            env=clean | mine | variables,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.out, self.err = done.stdout, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_functions_of_the_script_run_with_all_that_they_use(folder):
    """Promise 42: constants, classes, other functions, decorators, module-level imports, postponed annotations."""
    folder.write("beside.py", "FACTOR = 10\n\ndef scale(n):\n    return n * FACTOR\n")
    folder.write("parts/__init__.py", "from parts.inner import WORD\n")
    folder.write("parts/inner.py", "WORD = 'inner'\n")
    elsewhere = folder.root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "data.txt").write_text("found", encoding="utf-8")
    found = folder.run(
        "train.py",
        """
        from __future__ import annotations

        import functools
        import json as js
        import os
        from pathlib import Path
        from typing import TYPE_CHECKING

        from beside import scale
        from penstock import PipelineController, Task

        if TYPE_CHECKING:
            from nowhere_at_all import Nothing

        LIMIT = 3
        TABLE = {"a": [1, 2]}


        def logged(tag):
            def wrap(function):
                @functools.wraps(function)
                def inner(*args, **kwargs):
                    return [tag, function(*args, **kwargs)]
                return inner
            return wrap


        class Counter:
            def __init__(self, start: int) -> None:
                self.value = start

            def up(self) -> Counter:
                return Counter(self.value + 1)


        def helper(n: int) -> int:
            return n + LIMIT


        @logged("plain")
        @functools.lru_cache
        def decorated(n: int, unused: Nothing | None = None) -> int:
            return helper(n) + len(TABLE["a"])


        def uses_class(start):
            return Counter(start).up().value


        def uses_local_modules(n):
            from parts import WORD
            return [scale(n), WORD]


        def reads(name):
            return Path(name).read_text(), os.path.basename(os.getcwd())


        def recursive(n):
            return 1 if n <= 1 else n * recursive(n - 1)


        def dumps(value):
            return js.dumps(value, default=str)


        if __name__ == "__main__":
            pipe = PipelineController("main", "Tests")
            pipe.add_function_step("decorated", decorated, {"n": 1}, ["x"])
            pipe.add_function_step("uses_class", uses_class, {"start": 1}, ["x"])
            pipe.add_function_step("uses_local_modules", uses_local_modules, {"n": 2}, ["x"])
            pipe.add_function_step("reads", reads, {"name": "data.txt"}, ["text", "folder"])
            pipe.add_function_step("recursive", recursive, {"n": 5}, ["x"])
            pipe.add_function_step("dumps", dumps, {"value": ["${recursive.x}"]}, ["x"])
            pipe.start_locally(run_pipeline_steps_locally=True)
        """
        + textwrap.indent(AFTERWARDS + "print(json.dumps([pipe.task.status, values]))", " " * 12).replace(
            "json.dumps", "js.dumps"
        ),
        cwd=elsewhere,
    )
    assert found == [
        "completed",
        {
            "decorated": {"x": ["plain", 6]},
            "uses_class": {"x": 2},
            "uses_local_modules": {"x": [20, "inner"]},
            "reads": {"text": "found", "folder": "elsewhere"},
            "recursive": {"x": 120},
            "dumps": {"x": "[120]"},
        },
    ]


def test_a_script_without_the_main_guard_runs_once(folder):
    """Most first scripts have none; a step must not run the script again."""
    found = folder.run(
        "plain.py",
        """
        import json
        from pathlib import Path
        from penstock import PipelineController, Task

        with Path("started").open("a") as started:
            started.write("x")

        def double(n):
            return 2 * n

        pipe = PipelineController("plain", "Tests")
        pipe.add_function_step("double", double, {"n": 4}, ["x"])
        pipe.start_locally(run_pipeline_steps_locally=True)
        """
        + textwrap.indent(AFTERWARDS + "print(json.dumps([values, Path('started').read_text()]))", " " * 8),
    )
    assert found == [{"double": {"x": 8}}, "x"]


def test_objects_of_the_script_s_own_classes_pass_from_step_to_step(folder):
    """Promise 39: a dataclass, an enum, a named tuple are equal to themselves on the other side, and of their class."""
    found = folder.run(
        "classes.py",
        """
        import json
        from dataclasses import dataclass, field
        from enum import Enum
        from typing import NamedTuple
        from penstock import PipelineController, Task

        @dataclass
        class Point:
            x: int
            tags: list = field(default_factory=list)

            def moved(self):
                return Point(self.x + 1, self.tags)

        class Colour(Enum):
            RED = 1

        class Pair(NamedTuple):
            left: int
            right: str

        class Odd(Exception):
            pass

        def make():
            return Point(1, ["a"]), Colour.RED, Pair(1, "b"), {"deep": [Point(2)]}, Odd("why")

        def use(point, colour, pair, deep, odd):
            try:
                raise odd
            except Odd as error:
                caught = str(error)
            return {
                "equal": point == Point(1, ["a"]),
                "class": isinstance(point, Point),
                "method": point.moved() == Point(2, ["a"]),
                "enum": colour is Colour.RED,
                "tuple": [pair == Pair(1, "b"), isinstance(pair, Pair), pair.right],
                "deep": deep == {"deep": [Point(2)]},
                "caught": caught,
            }

        pipe = PipelineController("classes", "Tests")
        names = ["point", "colour", "pair", "deep", "odd"]
        pipe.add_function_step("make", make, function_return=names)
        pipe.add_function_step("use", use, {name: "${make.%s}" % name for name in names}, ["found"])
        pipe.add_function_step("given", use, dict(zip(names, make())), ["found"])
        pipe.start_locally(run_pipeline_steps_locally=True)
        print(json.dumps({
            name: [node.status, node.reason, Task.get_task(node.task_id).artifacts["found"].get()]
            for name, node in pipe.get_pipeline_dag().items() if name != "make" and node.status == "completed"
        }))
        """,
    )
    expected = {
        "equal": True,
        "class": True,
        "method": True,
        "enum": True,
        "tuple": [True, True, "b"],
        "deep": True,
        "caught": "why",
    }
    assert found == {"use": ["completed", "", expected], "given": ["completed", "", expected]}


def test_values_of_libraries_pass_from_step_to_step_as_they_are(folder):
    """Promise 39: dtypes, categories, time zones and index come back as they were; arrays are mapped, not copied."""
    (folder.root / "tree" / "inner").mkdir(parents=True)
    (folder.root / "tree" / "inner" / "a.txt").write_text("deep", encoding="utf-8")
    found = folder.run(
        "values.py",
        """
        import json
        from pathlib import Path

        import numpy as np
        import pandas as pd
        from PIL import Image
        from sklearn.linear_model import LogisticRegression

        from penstock import PipelineController, Task

        def pandas_frame():
            index = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["k", "n"])
            return pd.DataFrame({
                "category": pd.Categorical(["x", "y", "x"], categories=["z", "y", "x"], ordered=True),
                "zoned": pd.date_range("2026-03-28", periods=3, freq="D", tz="Europe/Berlin"),
                "nullable": pd.array([1, None, 3], dtype="Int64"),
                "small": np.array([1, 2, 3], dtype="int8"),
                "text": ["é", None, ""],
                "number": [0.1, float("nan"), float("inf")],
            }, index=index)

        def array():
            return np.arange(600_000, dtype="float32").reshape(3, -1).T

        def model():
            return LogisticRegression().fit([[0.0], [1.0]], [0, 1])

        def picture():
            return Image.fromarray(np.arange(48, dtype="uint8").reshape(4, 4, 3))

        def folder():
            return Path("tree")

        def check_pandas(frame):
            pd.testing.assert_frame_equal(frame, pandas_frame())
            return {name: str(kind) for name, kind in frame.dtypes.items()} | {"index": list(frame.index.names)}

        def check_array(values):
            mapped = isinstance(values, np.memmap) or isinstance(values.base, np.memmap)
            return [mapped, str(values.dtype), list(values.shape), bool((values == array()).all())]

        def check_model(classifier):
            return [type(classifier).__name__, classifier.predict([[0.1], [0.9]]).tolist()]

        def check_picture(image):
            return [image.mode, bool((np.asarray(image) == np.asarray(picture())).all())]

        def check_folder(path):
            return (Path(path) / "inner" / "a.txt").read_text()

        pipe = PipelineController("values", "Tests")
        for make, check, name in (
            (pandas_frame, check_pandas, "frame"), (array, check_array, "values"),
            (model, check_model, "classifier"), (picture, check_picture, "image"), (folder, check_folder, "path"),
        ):
            pipe.add_function_step(make.__name__, make, function_return=["made"])
            pipe.add_function_step(check.__name__, check, {name: "${%s.made}" % make.__name__}, ["x"])
        pipe.start_locally(run_pipeline_steps_locally=True)
        reasons = {name: node.reason for name, node in pipe.get_pipeline_dag().items() if node.status != "completed"}
        print(json.dumps([reasons, {
            name: Task.get_task(node.task_id).artifacts["x"].get()
            for name, node in pipe.get_pipeline_dag().items() if name.startswith("check") and not reasons
        }]))
        """,
    )
    reasons, checked = found
    assert reasons == {}
    dtypes = checked.pop("check_pandas")
    assert (dtypes["category"], dtypes["nullable"], dtypes["small"], dtypes["index"]) == (
        "category",
        "Int64",
        "int8",
        ["k", "n"],
    )
    assert "Europe/Berlin" in dtypes["zoned"]
    assert checked == {
        "check_array": [True, "float32", [200_000, 3], True],
        "check_model": ["LogisticRegression", [0, 1]],
        "check_picture": ["RGB", True],
        "check_folder": "deep",
    }


def test_polars_frames_pass_from_step_to_step_as_they_are(folder):
    """Promise 39: with their schema. Polars starts a thread when it is imported, so its steps are not forked."""
    found = folder.run(
        "frames.py",
        """
        import json
        import polars as pl
        from penstock import PipelineController, Task

        def make():
            return pl.DataFrame({"a": [1, None], "b": [["x"], []], "c": ["u", "v"]}).with_columns(
                pl.col("c").cast(pl.Categorical))

        def check(frame):
            return frame.equals(make()) and frame.schema == make().schema

        pipe = PipelineController("frames", "Tests")
        pipe.add_function_step("make", make, function_return=["frame"])
        pipe.add_function_step("check", check, {"frame": "${make.frame}"}, ["x"])
        pipe.start_locally(run_pipeline_steps_locally=True)
        print(json.dumps(Task.get_task(pipe.get_pipeline_dag()["check"].task_id).artifacts["x"].get()))
        """,
    )
    assert found is True


def test_steps_may_use_processes_of_their_own(folder):
    """Multiprocessing, forked and spawned, and joblib with two workers; functions of the script are found in them."""
    found = folder.run(
        "pools.py",
        """
        import json
        import multiprocessing
        from penstock import PipelineController, Task

        FACTOR = 3

        def times(n):
            return n * FACTOR

        def forked():
            with multiprocessing.get_context("fork").Pool(2) as pool:
                return pool.map(times, range(4))

        def spawned():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                return pool.map(times, range(4))

        def joined():
            from joblib import Parallel, delayed
            return Parallel(n_jobs=2)(delayed(times)(n) for n in range(4))

        def queued():
            queue = multiprocessing.Queue()
            process = multiprocessing.Process(target=queue.put, args=(times(1),))
            process.start()
            value = queue.get()
            process.join()
            return [value, process.exitcode]

        if __name__ == "__main__":
            pipe = PipelineController("pools", "Tests")
            for step in (forked, spawned, joined, queued):
                pipe.add_function_step(step.__name__, step, function_return=["x"])
            pipe.start_locally(run_pipeline_steps_locally=True)
        """
        + textwrap.indent(AFTERWARDS + "print(json.dumps([[one.reason for one in nodes.values()], values]))", " " * 12),
    )
    numbers = [0, 3, 6, 9]
    assert found == [
        [""] * 4,
        {"forked": {"x": numbers}, "spawned": {"x": numbers}, "joined": {"x": numbers}, "queued": {"x": [3, 0]}},
    ]


def test_everything_that_a_step_prints_is_recorded(folder):
    """20 MB, letters of every script, logging, half lines, bytes that are no text."""
    found = folder.run(
        "prints.py",
        """
        import hashlib, json, logging, os, sys
        from penstock import PipelineController, Task

        def much():
            for number in range(200_000):
                print(f"{number:07} " + "x" * 91)

        def letters():
            print("h\u00e9llo \u4f60\u597d \u05e9\u05dc\u05d5\u05dd \U0001f600")
            print("to the error stream \u00e9", file=sys.stderr)
            sys.stdout.write("no line end")

        def logs():
            logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
            logging.getLogger("train").info("loss %.2f", 0.5)
            logging.getLogger("train").debug("not this")

        def raw():
            os.write(1, b"\\xff\\xfe bytes\\n")
            os.system("printf 'by a child\\n'")

        pipe = PipelineController("prints", "Tests")
        for step in (much, letters, logs, raw):
            pipe.add_function_step(step.__name__, step)
        pipe.start_locally(run_pipeline_steps_locally=True)
        """
        + textwrap.indent(
            AFTERWARDS
            + "much = printed.pop('much')\n"
            + "whole = all(line == f'{number:07} ' + 'x' * 91 for number, line in enumerate(much))\n"
            + "print(json.dumps([pipe.task.status, len(much), whole, printed]))",
            " " * 8,
        ),
    )
    status, count, whole, printed = found
    assert (status, count, whole) == ("completed", 200_000, True)
    assert sorted(printed["letters"]) == [
        "h\u00e9llo \u4f60\u597d \u05e9\u05dc\u05d5\u05dd \U0001f600",
        "no line end",
        "to the error stream \u00e9",
    ]
    assert printed["logs"] == ["INFO train loss 0.50"]
    assert printed["raw"] == ["\ufffd\ufffd bytes", "by a child"]


def test_names_and_values_may_be_of_any_script(folder):
    found = folder.run(
        "\u00e9t\u00e9.py",
        """
        import json
        from penstock import PipelineController, Task

        def gr\u00fc\u00dfe(gr\u00f6\u00dfe, text="\u65e5\u672c \U0001f600"):
            return {"gr\u00f6\u00dfe": gr\u00f6\u00dfe, text: [text]}

        pipe = PipelineController("h\u00e9llo \u4e16\u754c", "Pr\u00f6jekt")
        pipe.add_parameter("\u00fcber", "\u00e9\\u2028x")
        given = {"gr\u00f6\u00dfe": "${pipeline.\u00fcber}"}
        pipe.add_function_step("gr\u00fc\u00dfe", gr\u00fc\u00dfe, given, ["\u00fc"])
        pipe.start_locally(run_pipeline_steps_locally=True)
        """
        + textwrap.indent(AFTERWARDS + "print(json.dumps([pipe.task.name, pipe.task.project, values]))", " " * 8),
        PENSTOCK_PROGRESS="plain",
        PYTHONIOENCODING="ascii",
    )
    assert found == [
        "h\u00e9llo \u4e16\u754c",
        "Pr\u00f6jekt/.pipelines/h\u00e9llo \u4e16\u754c",
        {
            "gr\u00fc\u00dfe": {
                "\u00fc": {"gr\u00f6\u00dfe": "\u00e9\u2028x", "\u65e5\u672c \U0001f600": ["\u65e5\u672c \U0001f600"]}
            }
        },
    ]


def test_random_numbers_differ_between_steps(folder):
    """A fork inherits the state of every generator; two steps that draw the same numbers are a silent mistake."""
    found = folder.run(
        "random_numbers.py",
        """
        import json, os, random, secrets, tempfile, uuid
        import numpy as np
        from penstock import PipelineController, Task

        def draw():
            import numpy.random  # it is loaded with the warm process, and so is its state
            return [
                random.random(), float(np.random.rand()), float(np.random.default_rng().random()), uuid.uuid4().hex,
                secrets.token_hex(), tempfile.mktemp(), hash("text") == hash("text"),
            ]

        pipe = PipelineController("draws", "Tests")
        for name in "abc":
            pipe.add_function_step(name, draw, function_return=["x"])
        pipe.start_locally(run_pipeline_steps_locally=True)
        """
        + textwrap.indent(AFTERWARDS + "print(json.dumps([values[name]['x'] for name in 'abc']))", " " * 8),
    )
    *draws, _ = zip(*found, strict=True)
    for drawn in draws:
        assert len(set(drawn)) == 3, drawn


def test_what_a_step_leaves_running_ends_with_it(folder):
    """T13: the run does not wait for a grandchild that holds the step's output open, and it is killed."""
    os.mkfifo(folder.root / "alive")
    reading = os.open(folder.root / "alive", os.O_RDONLY | os.O_NONBLOCK)
    found = folder.run(
        "leaves.py",
        """
        import json, os, subprocess, sys
        from penstock import PipelineController, Task

        def leave():
            # It holds the pipe open for as long as it lives, and this step's output too.
            subprocess.Popen(["sh", "-c", "exec 9> alive; echo begun; exec sleep 1000"])
            with open("alive", "w"):
                print("left")

        pipe = PipelineController("leaves", "Tests")
        pipe.add_function_step("leave", leave)
        pipe.start_locally(run_pipeline_steps_locally=True)
        print(json.dumps(pipe.task.status))
        """,
    )
    assert found == "completed"
    assert select.select([reading], [], [], 30)[0], "it still lives"
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_what_a_script_reports_at_its_very_end_is_recorded(folder):
    found = folder.run(
        "reports.py",
        """
        import json
        from penstock import PipelineController

        pipe = PipelineController("reports", "Tests")
        pipe.start_locally(run_pipeline_steps_locally=True)
        for number in range(100):
            pipe.get_logger().report_scalar("late", "s", number, number)
        print(json.dumps(pipe.id))
        """,
    )
    again = folder.run(
        "reads.py",
        "import json, sys\nfrom penstock import Task\n"
        "print(json.dumps(Task.get_task(sys.argv[1]).get_reported_scalars()['late']['s']['x']))",
        found,
    )
    assert again == list(range(100))


def test_copies_that_steps_worked_on_are_gone_when_the_run_has_ended(folder):
    """Each step that takes a folder gets a copy of its own: kept, they would fill the disk."""
    (folder.root / "tree").mkdir()
    (folder.root / "tree" / "large.bin").write_bytes(bytes(1_000_000))
    folder.run(
        "copies.py",
        """
        import json
        from pathlib import Path
        from penstock import PipelineController

        def give():
            return Path("tree")

        def take(path):
            return (Path(path) / "large.bin").stat().st_size

        pipe = PipelineController("copies", "Tests")
        pipe.add_function_step("give", give, function_return=["tree"])
        for name in "abc":
            pipe.add_function_step(name, take, {"path": "${give.tree}"}, ["size"])
        pipe.start_locally(run_pipeline_steps_locally=True)
        assert pipe.task.status == "completed", pipe.task.data.message
        print(json.dumps(None))
        """,
    )
    left = sum(file.stat().st_size for file in (folder.home / "scratch").rglob("*") if file.is_file())
    assert left < 500_000


# In this process


def pass_on(**given):
    return len(given)


@st.composite
def graphs(draw):
    """Up to twelve steps, each with parents among those before it."""
    count = draw(st.integers(8, 12))
    return [sorted(draw(st.sets(st.integers(0, number - 1), max_size=3))) if number else [] for number in range(count)]


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(graph=graphs(), by_name=st.booleans())
def test_no_step_begins_before_its_parents_have_ended(home, graph, by_name):
    """Promise 14: every start time >= all parents' end times, in any graph, for parents and for references."""
    pipe = PipelineController("graph", "Tests")
    for number, parents in enumerate(graph):
        given = {} if by_name else {f"p{parent}": f"${{s{parent}.n}}" for parent in parents}
        names = [f"s{parent}" for parent in parents] if by_name else None
        pipe.add_function_step(f"s{number}", pass_on, given, ["n"], parents=names)
    pipe.start_locally(run_pipeline_steps_locally=True)
    nodes = pipe.get_pipeline_dag()
    assert {node.status for node in nodes.values()} == {"completed"}
    for number, parents in enumerate(graph):
        for parent in parents:
            assert nodes[f"s{number}"].job_started >= nodes[f"s{parent}"].job_ended


GREETING = "hello"


class Greeter:
    """Says hello."""

    def __init__(self, name):
        self.name = name

    def greet(self):
        return f"{GREETING} {self.name}"


def shout(text):
    return text.upper()


def alone(name, *, mark="!"):
    return shout(Greeter(name).greet()) + mark + json.dumps([1])


def test_what_is_recorded_of_a_step_runs_anywhere(home, tmp_path):
    """Promise 36: the recorded source IS the function; a fresh interpreter in an empty folder runs it."""
    pipe = PipelineController("alone", "Tests")
    pipe.add_function_step("alone", alone, {"name": "you"}, ["x"])
    pipe.start_locally(run_pipeline_steps_locally=True)
    task = Task.get_task(pipe.get_pipeline_dag()["alone"].task_id)
    script = task.data.script
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "task.py").write_text(script.source, encoding="utf-8")
    code = "import sys, runpy; names = runpy.run_path('task.py'); print(names[sys.argv[1]]('you'))"
    command = [sys.executable, "-I", "-S", "-c", code, script.entry_point]
    done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == task.artifacts["x"].get() == "HELLO YOU![1]"
    assert task.get_parameters() == {"kwargs/name": "you", "kwargs/mark": "!", "return/x": "HELLO YOU![1]"}
