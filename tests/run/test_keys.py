"""From a step that is ready to be launched to the parts of its cache key; whole runs are in e2e/test_cache.py."""

from __future__ import annotations

import hashlib
import platform
import sys

import pytest
from msgspec.structs import replace

from penstock.backend import connect
from penstock.core.assignment import Resolved
from penstock.core.cachekey import Input
from penstock.core.errors import Invalid
from penstock.core.outputs import Artifact, Blob
from penstock.core.pipeline import Argument, Pipeline
from penstock.core.run import REUSED
from penstock.core.task import Container, Script, ScriptKind
from penstock.ops.tasks import CreateTask, NewTask
from penstock.run.keys import Keys
from penstock.run.launch import Prepared
from penstock.run.patch import NOTE
from penstock.settings import Settings

CODE = {
    "c": Script(source="import helper\n\ndef work(x): return helper.twice(x)", entry_point="work", working_dir="below"),
    "s": Script(source="def dump(x): return b''", entry_point="dump"),
}


def artifact(hash="1" * 64, **facts):
    given = {"format": "arrow", "type": "pandas.DataFrame", "size": 1, "url": f"file:///{hash}", **facts}
    return Artifact(task="t", name="x", hash=hash, **given)


@pytest.fixture
def backend(tmp_path):
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    yield opened
    opened.close()


@pytest.fixture
def make(backend, tmp_path):
    """Return the key of a step with these arguments, and what their references turned out to be."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "helper.py").write_text("def twice(x): return 2 * x\n")

    def make(arguments=None, references=None, inputs=None, container=None, **pipeline):
        definition = Pipeline(name="p", project="P", code=CODE, **pipeline)
        keys = Keys(backend, definition, [str(folder), *sys.path], inputs or {})
        new = NewTask(id="", name="a", project="P", container=container, script=CODE["c"])
        given = {name: one if isinstance(one, Argument) else Argument(value=one) for name, one in arguments.items()}
        return keys.make(Prepared(new=new, arguments=given, references=references or {}, returns=("y",))).parts

    return lambda *arguments, **options: make(*(arguments or ({},)), **options)


def test_the_code_reaches_into_modules_of_the_project(make):
    assert set(make().code.parts) == {"work", "helper.twice"}


def test_what_surrounds_a_step_is_part_of_its_key(make):
    parts = make(container=Container(image="i", arguments="-v", setup_script="x"), serializer="s")
    assert parts.returns == ("y",)
    assert parts.interpreter == ".".join(platform.python_version().split(".")[:2])
    assert parts.place == "below"
    assert parts.container.startswith("i -v ")
    assert parts.serializer
    assert (make().container, make().serializer) == ("", "")


def test_plain_arguments_are_texts(make):
    assert make({"n": 1, "s": "1", "l": [1.0, None]}).arguments == {"n": "1", "s": "'1'", "l": "[1.0, None]"}


def test_references_count_by_what_they_turned_out_to_be(make):
    references = {"${a.n}": Resolved(value=3, text="3"), "${a.x}": Resolved(artifact=artifact(), text="file:///1")}
    parts = make({"n": "${a.n}", "t": "is ${a.n} at ${a.x}", "x": "${a.x}"}, references=references)
    assert parts.arguments == {"n": "3", "t": "'is 3 at file:///1'"}
    assert parts.inputs == {"x": Input("1" * 64, "arrow", "pandas.DataFrame")}


def test_artifacts_inside_lists_count_by_place_and_cannot_be_taken_for_values(make):
    references = {
        "${a.x}": Resolved(artifact=artifact(), text="u"),
        "${b.x}": Resolved(artifact=artifact("2" * 64), text="v"),
    }
    one = make({"l": ["${a.x}", {"k": "${b.x}"}]}, references=references)
    other = make({"l": ["${b.x}", {"k": "${a.x}"}]}, references=references)
    assert {name: one.hash[0] for name, one in one.inputs.items()} == {"l (1)": "1", "l (2)": "2"}
    assert {name: one.hash[0] for name, one in other.inputs.items()} == {"l (1)": "2", "l (2)": "1"}
    assert one.arguments["l"] != make({"l": ["artifact 1", {"k": "artifact 2"}]}).arguments["l"]


def test_an_argument_that_is_stored_counts_by_content_and_by_the_references_in_it(make):
    stored = Argument(artifact="a.o", references=("${a.n}",))
    references = {"${a.n}": Resolved(value=3, text="3")}
    parts = make({"o": stored}, references=references, inputs={"a.o": artifact("3" * 64)})
    assert parts.inputs["o"].hash == "3" * 64
    assert parts.arguments == {"o": "[3]"}


@pytest.mark.parametrize(
    ("data", "facts", "kept"),
    [
        (b"[1,2]", {}, True),
        (b"[" + b"1," * 2046 + b"1]", {}, True),
        (b"[" + b"1," * 2048 + b"1]", {}, False),
        (b"[1,2]", {"format": "arrow"}, False),
        (b'["\xed\xa0\x80"]', {}, False),  # half a character, which no database takes
        (None, {}, False),  # the bytes are gone: the step itself tells of it
    ],
)
def test_of_small_json_the_content_is_kept_to_tell_differences(make, backend, data, facts, kept):
    blob = Blob("4" * 64, 5) if data is None else backend.blobs.put_bytes(data)
    stored = artifact(blob.hash, **{"format": "json", "type": "list", "size": blob.size, **facts})
    parts = make({"l": Argument(artifact="a.l")}, inputs={"a.l": stored})
    assert parts.inputs["l"].hash == blob.hash
    assert parts.contents == ({"l": data.decode()} if kept else {})


@pytest.mark.parametrize(("preview", "kept"), [("[1,2]", "[1,2]"), ("[1,...", "")])
def test_a_preview_that_shows_all_of_it_is_the_content_and_no_bytes_are_fetched(make, preview, kept):
    hash = hashlib.sha256(b"[1,2]").hexdigest()  # the store has no such bytes
    stored = artifact(hash, format="json", type="list", size=5, preview=preview)
    parts = make({"l": Argument(artifact="a.l")}, inputs={"a.l": stored})
    assert parts.contents == ({"l": kept} if kept else {})


def test_the_id_of_a_task_that_was_reused_counts_as_that_of_its_origin(make, backend):
    for id, runtime in (("a" * 32, {REUSED: "b" * 32}), ("c" * 32, {})):
        backend.call(CreateTask(task=NewTask(id=id, name="t", project="P", runtime=runtime)))
    found = [
        make({"i": "${a.id}", "t": "is ${a.id}"}, references={"${a.id}": Resolved(value=id, text=id)}).arguments
        for id in ("a" * 32, "c" * 32)
    ]
    assert found[0] == {"i": repr("b" * 32), "t": repr(f"is {'b' * 32}")}
    assert found[1] == {"i": repr("c" * 32), "t": repr(f"is {'c' * 32}")}


def test_a_value_that_no_key_can_hold_is_named(make):
    with pytest.raises(Invalid, match="cannot be part of a cache key"):
        make({"x": "${a.n}"}, references={"${a.n}": Resolved(value=object(), text="")})


def test_parameters_that_are_no_arguments_count_too(backend):
    """Promise 23: a callback set them, and the step may read them."""
    keys = Keys(backend, Pipeline(name="p", project="P", code=CODE), sys.path, {})
    new = NewTask(id="", name="a", project="P", script=CODE["c"])
    made = [
        keys.make(Prepared(new=new, arguments={}, references={}, settings={"General/rate": rate})) for rate in (1, 1.0)
    ]
    assert [one.parts.arguments for one in made] == [{"General/rate": "1"}, {"General/rate": "1.0"}]
    assert made[0].key != made[1].key


# Code


@pytest.fixture
def keys(backend, tmp_path):
    (tmp_path / "near.py").write_text("X = 1\n")
    return Keys(backend, Pipeline(name="p", project="P", code=CODE), [str(tmp_path), *sys.path], {})


def prepared(script, arguments=None, **settings):
    new = NewTask(id="", name="a", project="P", script=script)
    given = {path: Argument(value=value) for path, value in (arguments or {}).items()}
    return Prepared(new=new, arguments=given, references={}, settings=settings, by_path=True)


TEXT = Script(source="import near\nprint(near.X)", entry_point="train.py", kind=ScriptKind.SCRIPT)
REPOSITORY = Script(
    entry_point="train.py",
    kind=ScriptKind.SCRIPT,
    repository="https://host/x.git",
    branch="main",
    commit="c" * 40,
    diff="diff --git a/x b/x",
    working_dir="src",
    packages=("msgspec==0.1", "none-of-this-name>=2"),
)


def test_the_script_that_will_run_is_what_counts_also_where_a_callback_changed_it(keys):
    """Promise 46: otherwise an execution of other code would stand for the step."""
    made = keys.make(prepared(CODE["c"]))
    changed = keys.make(prepared(replace(CODE["c"], source="def work(x): return 0")))
    assert made.key != changed.key
    assert keys.make(prepared(CODE["c"])).key == made.key


def test_a_script_counts_by_its_text_and_by_the_project_s_modules_that_it_imports(keys, tmp_path, backend):
    first = keys.make(prepared(TEXT))
    assert set(first.parts.code.parts) == {"module __main__", "module near", "script.diff", "script.entry_point"}
    assert keys.make(prepared(replace(TEXT, source=f"{TEXT.source}\n"))).key != first.key
    (tmp_path / "near.py").write_text("X = 2\n")
    later = Keys(backend, Pipeline(name="p", project="P", code=CODE), [str(tmp_path), *sys.path], {})
    assert later.make(prepared(TEXT)).key != first.key


@pytest.mark.parametrize(
    "changes",
    [
        {"commit": "d" * 40},
        {"diff": ""},
        {"entry_point": "test.py"},
        {"working_dir": "."},
        {"repository": "https://host/y.git"},
        {"packages": ("msgspec",)},
        {"kind": ScriptKind.MODULE, "entry_point": "-m train"},
    ],
)
def test_a_script_of_a_repository_counts_by_its_commit_changes_entry_and_packages(keys, changes):
    made = keys.make(prepared(REPOSITORY))
    assert keys.make(prepared(replace(REPOSITORY, **changes))).key != made.key
    assert set(made.parts.packages) == {"msgspec", "none-of-this-name"}
    assert made.parts.packages["none-of-this-name"] == "not installed"
    assert made.parts.packages["msgspec"] != "0.1", "what is installed here is what it would run with"


def test_of_which_branch_a_commit_is_makes_no_difference(keys):
    assert keys.make(prepared(replace(REPOSITORY, branch="dev"))).key == keys.make(prepared(REPOSITORY)).key


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"commit": None}, "recorded with branch 'main', whose code may be another one each time"),
        ({"commit": None, "branch": None}, "recorded with no commit"),
        ({"diff": f"{NOTE}big.bin, which is too large\n"}, "not recorded as a whole: big.bin, which is too large"),
    ],
)
def test_code_that_nobody_knows_beforehand_has_no_key(keys, changes, why):
    """Promise 23: nothing stands for a step whose code may have changed."""
    with pytest.raises(Invalid, match=why):
        keys.make(prepared(replace(REPOSITORY, **changes)))


def test_parameters_and_settings_of_a_script_count(keys):
    made = [
        keys.make(prepared(TEXT, {"Args/n": n}, **{"Args/rate": rate, "configuration net": text})).key
        for n, rate, text in ((1, 0.5, "{}"), (2, 0.5, "{}"), (1, 0.6, "{}"), (1, 0.5, "{1}"))
    ]
    assert len(set(made)) == 4
