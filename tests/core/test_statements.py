"""A module's text, statement by statement."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from penstock.core.statements import Touch, attribute_path, is_idle, last_name, local_names, read


def only(text):
    [statement] = read(dedent(text), main=False)
    return statement


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x = 1", "x"), ("x: int = 1", "x"), ("x += 1", "x"), ("a, (b, *c) = f()", "a b c"), ("del x", "x"),
        ("x[0] = 1", ""), ("x.y = 1", ""), ("def f(a=(b := 1)):\n    c = 2", "b f"), ("async def f(): pass", "f"),
        ("class A(B, m=(x := 1)):\n    c = 2", "A x"), ("import a.b, c as d", "a d"),
        ("from a import b as c, d", "c d"),
        ("from a import *", ""), ("for x in y:\n    z = 1\nelse:\n    q = 1", "q x z"),
        ("with a as (b, c): pass", "b c"),
        ("try:\n    import a\nexcept E as e:\n    a = 1", "a e"), ("if (x := 1): pass", "x"),
        ("x = lambda y, z=(q := 1): (p := 2)", "q x"), ("x = [y for y in z if (w := y)]", "w x"),
        ("match a:\n    case [b, *c]: pass\n    case {'k': d, **e}: pass\n    case A() as f: pass", "b c d e f"),
        ("while True:\n    x = 1", "x"),
    ],
)  # fmt: skip
def test_a_statement_binds_what_python_binds(text, names):
    assert " ".join(sorted(only(text).binds)) == names


@pytest.mark.parametrize(
    ("text", "touches"),
    [
        ("x = f()", []), ("def f(): print(x)", []), ("import a", []), ("assert f()", []),
        ("f()", [Touch()]), ("x.append(1)", [Touch(("x", "append"))]), ("a.b.c()", [Touch(("a", "b", "c"))]),
        ("f().x()", [Touch()]), ("x[0] = 1", [Touch(("x",))]), ("x.y = 1", [Touch(("x", "y"))]),
        ("x.y[0].z += 1", [Touch(("x", "y"))]), ("del x[0]", [Touch(("x",))]),
        ("for a in b:\n    print(a)", [Touch()]), ("if a:\n    b.c = 1", [Touch(("b", "c"))]),
        ("@a.b(1)\n@c\ndef f(): pass", [Touch(("a", "b"), decorator=True), Touch(("c",), decorator=True)]),
        ("@c\nclass A: pass", [Touch(("c",), decorator=True)]), ("class A:\n    print(1)", []),
    ],
)  # fmt: skip
def test_a_statement_touches_what_it_may_change(text, touches):
    assert only(text).touches == frozenset(touches)


def test_what_never_runs_or_does_nothing_is_left_out():
    text = """
        '''Docstring.'''
        from __future__ import annotations
        pass
        ...
        if TYPE_CHECKING:
            import a
        else:
            a = 1
        if typing.TYPE_CHECKING:
            import b
        @overload
        def f(x: int): ...
        if __name__ == "__main__":
            main()
        else:
            imported = 1
        if '__main__' == __name__:
            main()
        """
    assert [ast.unparse(one.node) for one in read(dedent(text), main=False)] == ["a = 1", "imported = 1"]
    assert [one.node.lineno for one in read(dedent(text), main=True)] == [9, 14, 18]


@pytest.mark.parametrize("text", ["def f(:", "x = '\0'", "(" * 10_000])
def test_a_text_that_is_no_python_has_no_statements(text):
    assert read(text, main=True) is None


def test_a_scope_knows_its_imports_and_what_is_not_its_own():
    body = (
        ast.parse("def f():\n    global a\n    nonlocal b\n    import c\n    a = b = d = 1\n    from e import *")
        .body[0]
        .body
    )
    local = local_names(body)
    assert local.names == {"d"}
    assert local.outer == {"a"}
    assert sorted(alias.name for one in local.imports for alias in one.names) == ["*", "c"]


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("a", "a", ("a",)),
        ("a.b", "b", ("a", "b")),
        ("a.b(1)", "b", ()),
        ("a[1].b", "b", ("a",)),
        ("f().b", "b", ()),
        ("1", "", ()),
    ],
)
def test_names_lead_to_objects(text, name, path):
    node = ast.parse(text, mode="eval").body
    assert last_name(node) == name
    assert attribute_path(node)[:2] == (path if text != "a[1].b" else ("a",))


@pytest.mark.parametrize(
    ("text", "idle"), [("pass", True), ("'text'", True), ("1", True), ("f()", False), ("x", False)]
)
def test_constants_alone_do_nothing(text, idle):
    assert is_idle(ast.parse(text).body[0]) is idle
