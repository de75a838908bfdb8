"""Taking a module's text apart: statements, the names they bind, change and need, and putting some together again."""

from __future__ import annotations

import pytest

from penstock.sdk.source import Source, Statement, imported_modules, join, needs, read


def source(text: str, package: str = "") -> Source:
    return read(text, "module.py", package)


def only(text: str, package: str = "") -> Statement:
    (statement,) = source(text, package).statements
    return statement


def required(text: str, *, deferred: bool = False) -> set[str]:
    return set(needs(text, deferred)[0])


def optional(text: str, *, deferred: bool = False) -> set[str]:
    return set(needs(text, deferred)[1])


# Statements


def test_a_statement_keeps_its_decorators_and_comments():
    text = "@one\n@two(  3 )  # twice\ndef step(a,b = 1):  # odd spacing\n    # why\n    return a  # what\n"
    assert only(text).text == text.rstrip()


def test_statements_on_one_line_are_taken_apart():
    texts = [one.text for one in source("a = 1; b = [\n  2,\n]; c = 3  # three\nd = 4;\n").statements]
    assert texts == ["a = 1", "b = [\n  2,\n]", "c = 3", "d = 4;"]


def test_columns_are_counted_in_bytes():
    texts = [one.text for one in source("größe = 'ä'; länge = 'ö'\n").statements]
    assert texts == ["größe = 'ä'", "länge = 'ö'"]


def test_statements_under_the_main_guard_stand_by_themselves():
    text = 'a = 0\nif __name__ == "__main__":\n    b = 1\n    def f():\n        return b\nelse:\n    c = 2\n'
    assert [(one.text, one.place) for one in source(text).statements] == [
        ("a = 0", "module"),
        ("b = 1", "main"),
        ("def f():\n    return b", "main"),
        ("c = 2", "else"),
    ]


@pytest.mark.parametrize(
    "test", ['__name__ == "__main__"', "'__main__' == __name__", "__name__ == '__main__' and not DEBUG"]
)
def test_the_main_guard_has_several_forms(test):
    assert only(f"if {test}: a = 1\n").place == "main"


def test_an_elif_after_the_main_guard_becomes_an_if():
    text = "if __name__ == '__main__':\n    a = 1\nelif DEBUG:\n    a = 2\n"
    assert source(text).statements[-1].text == "if DEBUG:\n    a = 2"


def test_a_string_that_spans_lines_keeps_its_indentation():
    text = "if __name__ == '__main__':\n    QUERY = '''select\n      1'''\n"
    names: dict[str, object] = {}
    exec(only(text).text, names)
    assert names["QUERY"] == "select\n      1"


def test_what_never_runs_is_left_out():
    assert source("if TYPE_CHECKING:\n    import a\nif typing.TYPE_CHECKING:\n    import b\n").statements == ()


def test_what_runs_when_nothing_checks_types_is_kept():
    assert only("if TYPE_CHECKING:\n    import a\nelse:\n    a = None\n").binds == {"a"}


def test_future_imports_are_told_apart():
    read_source = source('"""Text."""\nfrom __future__ import annotations, division\nimport a\n')
    assert read_source.future == {"annotations", "division"}
    assert [one.binds for one in read_source.statements] == [set(), {"a"}]


def test_functions_are_known_by_the_line_of_their_first_decorator():
    text = "\n@a\n@b\ndef outer():\n    async def inner(): ...\n"
    assert source(text).functions == {("outer", 2), ("inner", 5)}


# Names that a statement binds


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import a.b, c as d", {"a", "d"}),
        ("from a import b, c as d", {"b", "d"}),
        ("from a import *", {"*"}),
        ("a, (b, *c) = d", {"a", "b", "c"}),
        ("a: int = 1", {"a"}),
        ("a: int", set()),
        ("a += 1", {"a"}),
        ("del a", {"a"}),
        ("a.b = c[0] = 1", set()),
        ("class A:\n    b = 1", {"A"}),
        ("for a, b in c:\n    d = 1", {"a", "b", "d"}),
        ("with a as b:\n    import c", {"b", "c"}),
        ("try:\n    a = 1\nexcept E as e:\n    b = 1", {"a", "e", "b"}),
        ("squares = [i * i for i in range(3)]", {"squares"}),
        ("table = {i: j for i, j in pairs}", {"table"}),
        ("print(a := 1)", {"a"}),
        ("match a:\n    case [b, *c]:\n        pass\n    case {'d': d, **e}:\n        pass", {"b", "c", "d", "e"}),
        ("def f():\n    global a\n    a = 1", {"f"}),
    ],
)
def test_a_statement_binds(text, names):
    assert only(text).binds == names


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("import a", "import"),
        ("from a import *", "import"),
        ("try:\n    import a\nexcept ImportError:\n    import b as a", "import"),
        ("try:\n    import a\nexcept ImportError:\n    a = None", "block"),
        ("def f(): ...", "definition"),
        ("if a:\n    def f(): ...\nelse:\n    f = None", "definition"),
        ("for a in b: ...", "block"),
        ("a = lambda: 1", "line"),
    ],
)
def test_a_statement_is_of_a_kind(text, kind):
    assert only(text).kind == kind


# Objects that a statement changes


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A['x'] = 1", {"A"}),
        ("A.x.y = 1", {"A"}),
        ("A[0] += 1", {"A"}),
        ("del A[0]", {"A"}),
        ("for i in A:\n    B[i] = 1", {"B"}),
        ("f().x = 1", {""}),
        ("def f():\n    A[0] = 1", set()),
        ("@A.register\ndef _(a: int): ...", {"A"}),
        ("@A.register(int)\nclass B: ...", {"A"}),
        ("@A\ndef f(): ...", set()),
        ("A.run()", set()),
    ],
)
def test_a_statement_changes(text, names):
    assert only(text).changes == names


def test_calls_of_methods_change_plain_containers():
    for made in ("[]", "{}", "set()", "defaultdict(list)", "[i for i in b]", "collections.Counter()"):
        *_, call = source(f"A = {made}\nA.update(b)\n").statements
        assert call.changes == {"A"}
    *_, call = source("A = Application()\nA.run()\n").statements
    assert call.changes == set()


def test_options_of_imported_modules_count_when_they_are_set_to_literals():
    text = "import os\nos.environ['A'] = '1'\nos.environ['B'] = ask()\n@os.hook\ndef f(): ...\n"
    assert [one.changes for one in source(text).statements] == [set(), {"os"}, set(), set()]


# Names that a statement needs


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def f(a, b=B, *, c=C): return a + b + c + d", {"B", "C", "d"}),
        ("@a.b(c)\ndef f(): ...", {"a", "c"}),
        ("def f():\n    x = y\n    def g(z):\n        return x + z + w\n    return g", {"y", "w"}),
        ("def f():\n    global a\n    a = 1", {"a"}),
        ("def f():\n    a = 1\n    def g():\n        nonlocal a\n        a = b", {"b"}),
        ("def f(): return [i + a for i in b if c]", {"a", "b", "c"}),
        ("def f(): return {k: v + a for k, v in b}", {"a", "b"}),
        ("def f(): return {(k): (v) for k, v in b}, {i for i in c}, (j for j in d)", {"b", "c", "d"}),
        ("def f(): return {k  # a: b\n    : v for k, v in c}", {"c"}),
        ("A = [i * B for i in C]", {"B", "C"}),
        ("A = [[j for j in i] for i in B]", {"B"}),
        ("class A(B, metaclass=C):\n    d = E\n    def f(self): return g", {"B", "C", "E", "g"}),
        ("class A:\n    x = 1\n    y = [x for _ in range(3)]", {"x", "range"}),
        ("class A:\n    def f(self): return __b", {"_A__b"}),
        ("a += b", {"b"}),
        ("f = lambda x, y=z: x + w", {"z", "w"}),
        ("def f(): return f'{a!r:{b}} {[i for i in c]}'", {"a", "b", "c"}),
        ("for i in range(3):\n    A[i] = i", {"range", "A"}),
        ("with a as b:\n    c = b.read()", {"a"}),
        ("try:\n    import a\n    b = a.c\nexcept E as e:\n    b = e", {"E"}),
        ("if a:\n    b = b + 1", {"a", "b"}),
        ("def f(x: A) -> B: ...", {"A", "B"}),
        ("def f():\n    x: A = 1\n    self.y: B = 2", {"self"}),
        ("class C:\n    x: A = 1", {"A"}),
        ("def f():\n    class C:\n        x: A = 1", {"A"}),
    ],
)
def test_a_statement_needs(text, names):
    assert required(text) == names


def test_deferred_annotations_are_optional():
    text = "@d\ndef f(x: A = 1, *y: B, z: 'C.D | None' = E, **k: F) -> 'list[G]':\n    v: H = 1"
    assert required(text, deferred=True) == {"d", "E"}
    assert optional(text, deferred=True) == {"A", "B", "C", "F", "list", "G", "H"}


def test_names_in_quoted_annotations_are_optional():
    text = "def f(x: 'A', y: Literal['B'], z: 'not a type'): ..."
    assert required(text) == {"Literal"}
    assert optional(text) == {"A"}


def test_a_name_that_a_class_reads_before_it_binds_it_is_optional():
    text = "class A:\n    limit = limit"
    assert (required(text), optional(text)) == (set(), {"limit"})


# Relative imports


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from . import a", "from shop.parts import a"),
        ("from .a import b", "from shop.parts.a import b"),
        ("from .. import a", "from shop import a"),
        ("from ..a.b import (\n    c,  # see\n)", "from shop.a.b import (\n    c,  # see\n)"),
        ("from .important import a", "from shop.parts.important import a"),
        ("from . \\\n    import a", "from shop.parts \\\nimport a"),
        ("def f():\n    x = 'ö'; from . import a", "def f():\n    x = 'ö'; from shop.parts import a"),
        ("from ....a import b", "from ....a import b"),
        ("import a", "import a"),
    ],
)
def test_relative_imports_become_absolute(text, expected):
    assert only(text, "shop.parts").text == expected


def test_relative_imports_stay_where_there_is_no_package():
    assert only("from . import a").text == "from . import a"


# Putting together


def test_statements_are_joined_as_close_as_they_were():
    text = "import a\n\nimport b\nA = 1\nB = 2\n\n\nC = 3\ndef f(): ...\nD = 4\n"
    assert join(source(text).statements, {"annotations"}) == (
        "from __future__ import annotations\n\nimport a\nimport b\nA = 1\nB = 2\n\nC = 3\n\n\ndef f(): ...\n\n\nD = 4\n"
    )


def test_nothing_joins_to_nothing():
    assert join([], ()) == ""


def test_modules_are_found_wherever_they_are_imported():
    text = (
        "from __future__ import annotations\nimport b.c, a as x\ndef f():\n    from d.e import g\n    from . import h\n"
    )
    assert imported_modules(text) == ("a", "b.c", "d.e")
