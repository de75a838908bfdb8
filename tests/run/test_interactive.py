"""The source of code that has no file."""

from __future__ import annotations

import ast
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.run.interactive import cells, command, name_of, script_of


def notebook(*entered: object, **more: object) -> ModuleType:
    main = ModuleType("__main__")
    vars(main).update({"get_ipython": lambda: None, "In": ["", *entered], **more})
    return main


def test_what_was_entered_in_a_notebook_is_its_source():
    assert cells(notebook("import a", "", "  ", "b = 1\n")) == ["import a", "b = 1\n"]
    assert script_of(["import a", "b = 1\n"]) == "import a\n\nb = 1\n"


@pytest.mark.parametrize("main", [None, ModuleType("__main__"), notebook(), notebook(1, None), notebook(In="x")])
def test_elsewhere_nothing_was_entered(main):
    assert cells(main) == []


def test_a_script_that_calls_something_in_is_no_notebook():
    main = ModuleType("__main__")
    main.In = ["x"]
    assert cells(main) == []


@pytest.mark.parametrize(
    ("cell", "script"),
    [
        ("%matplotlib inline\nx = 1", "# %matplotlib inline\nx = 1"),
        ("!pip install a", "# !pip install a"),
        ("x?", "# x?"),
        ("for a in b:\n    %time c\n    d", "for a in b:\n#     %time c\n    d"),
        ("%%bash\nls", "# %%bash\n# ls"),
        ("def f(:", "# def f(:"),
        ("x = '''\n%kept\n'''", "x = '''\n%kept\n'''"),
        ("await f()", "await f()"),
    ],
)
def test_what_is_not_python_becomes_a_comment(cell, script):
    assert script_of([cell]) == f"{script}\n"


@given(st.lists(st.text("ab=(%!?:\n \t'\"#\0"), max_size=4))
def test_whatever_was_entered_the_script_can_be_read(entered):
    ast.parse(script_of(entered))


def test_a_notebook_is_named_by_its_file():
    assert name_of(notebook(__vsc_ipynb_file__="/home/a/train.ipynb"), {}) == "train.py"
    assert name_of(notebook(__session__="/home/a/test.ipynb"), {}) == "test.py"
    assert name_of(notebook(), {"JPY_SESSION_NAME": "/home/a b/my book.ipynb"}) == "my book.py"
    assert name_of(notebook(__session__=1), {}) == "notebook.py"
    assert name_of(None, {}) == "notebook.py"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["python", "-c", "x = 1", "-c", "y"], "x = 1"),
        (["python", "-Ic", "x"], "x"),
        (["python", "-W", "error", "-X", "dev", "-u", "-c", "x"], "x"),
        (["python", "-m", "a", "-c", "x"], ""),
        (["python", "script.py", "-c", "x"], ""),
        (["python", "-c"], ""),
        (["python"], ""),
        ([], ""),
    ],
)
def test_a_command_is_found_on_the_command_line(arguments, text):
    assert command(arguments) == text
