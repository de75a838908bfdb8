"""The shape of the project, held by machine: sizes, names, what may be read or imported where, what must be written.

An exception is a line in one of the tables below, with its reason. A table entry that is no longer needed fails too.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.core.progress import StepStatus
from penstock.core.task import Status

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "penstock"
TESTS = ROOT / "tests"

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
LONGEST_CLASS = 300

# The paths are relative to src/penstock; a function or class is named behind two colons.
LONG_FILES: dict[str, str] = {
    "sdk/pipeline.py": "the documented class, see below",
}
LONG_FUNCTIONS: dict[str, str] = {
    "sdk/components.py::component": "the documented signature has 31 arguments, a line each",
    "sdk/decorators.py::PipelineDecorator.pipeline": "the documented signature has 30 arguments, a line each",
    "sdk/pipeline.py::PipelineController.__init__": "the documented signature has 24 arguments, a line each",
    "sdk/pipeline.py::PipelineController.add_function_step": "the documented signature has 34 arguments, a line each",
}
LONG_CLASSES: dict[str, str] = {
    "sdk/logger.py::Logger": "the documented API has all these methods, with all these arguments; each hands on",
    "sdk/pipeline.py::PipelineController": "the documented API has all these methods; each hands on to the real thing",
}

ENVIRONMENT_READERS: dict[str, str] = {
    "settings.py": "the one place where configuration is read",
    "run/inside.py": "gives each step its own environment, which is not configuration",
}

UNMIRRORED: dict[str, str] = {
    "agent/runs.py": "runs in a process of its own: tests/e2e/test_agents.py and tests/faults/test_agents.py",
    "cli/agent.py": "runs until it is told to leave: tests/e2e/test_agents.py and tests/faults/test_agents.py",
    "run/formats/pandas_columns.py": "a part of pandas_frames.py, tested through it",
    "run/formats/pandas_labels.py": "a part of pandas_frames.py, tested through it",
    "sdk/decorated.py": "what a call of a decorated function does, tested through decorators.py",
    "sdk/flow.py": "what calls of components do, tested through decorators.py",
    "store/conditions.py": "a part of search.py, tested through it",
    "store/order.py": "a part of search.py, tested through it",
    "store/transaction.py": "nine lines that put the repositories together; every test of the store uses them",
}

DOCUMENTED_NAMES: dict[str, str] = {
    "sdk/storage.py::StorageManager": "what the documented API calls it; users' scripts import it by this name",
}

WORDS_THAT_SAY_NOTHING = re.compile(r"(^|_)(utils?|helpers?|common|misc|base_\w+)$")
NAMES_THAT_SAY_NOTHING = re.compile(r"^Base[A-Z]|(Manager|Helper|Utils?|Handler)$")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def lines_of(path: Path) -> list[str]:
    return text_of(path).splitlines()


def parse(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def length(node: Function | ast.ClassDef) -> int:
    """Lines of a definition, without its decorators and its docstring."""
    own = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node, clean=False) is None:
        return own
    docstring = node.body[0]
    return own - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def definitions(path: Path) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """Every function and class of a module, under its qualified name."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function | ast.ClassDef]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function | ast.ClassDef):
                yield f"{prefix}{child.name}", child
                yield from walk(child, f"{prefix}{child.name}.")
            else:
                yield from walk(child, prefix)

    yield from walk(parse(path), "")


def too_long(kind: type | tuple[type, ...], limit: int) -> dict[str, int]:
    return {
        f"{name_of(path)}::{name}": length(node)
        for path in modules()
        for name, node in definitions(path)
        if isinstance(node, kind) and length(node) > limit
    }


def assert_only(found: dict[str, int], allowed: dict[str, str], limit: int) -> None:
    offenders = {name: size for name, size in found.items() if name not in allowed}
    assert not offenders, f"longer than {limit} lines: {offenders}"
    assert not set(allowed) - set(found), "these exceptions are no longer needed"


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    found = {name_of(path): len(lines_of(path)) for path in modules() if len(lines_of(path)) > LONGEST_FILE}
    assert_only(found, LONG_FILES, LONGEST_FILE)


def test_no_function_is_longer_than_a_screen() -> None:
    assert_only(too_long((ast.FunctionDef, ast.AsyncFunctionDef), LONGEST_FUNCTION), LONG_FUNCTIONS, LONGEST_FUNCTION)


def test_no_class_grows_into_a_god() -> None:
    assert_only(too_long(ast.ClassDef, LONGEST_CLASS), LONG_CLASSES, LONGEST_CLASS)


def test_names_of_modules_and_classes_say_something() -> None:
    empty = [name_of(path) for path in modules() if WORDS_THAT_SAY_NOTHING.search(path.stem)]
    empty += [
        f"{name_of(path)}::{name}"
        for path in modules()
        for name, node in definitions(path)
        if isinstance(node, ast.ClassDef) and NAMES_THAT_SAY_NOTHING.search(node.name.lstrip("_"))
    ]
    assert_only(dict.fromkeys(empty, 0), DOCUMENTED_NAMES, 0)


def reads_environment(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    )


def test_the_environment_is_read_in_one_place() -> None:
    readers = {name_of(path) for path in modules() if any(map(reads_environment, ast.walk(parse(path))))}
    assert not readers - set(ENVIRONMENT_READERS), "settings are read in settings.py and passed down"


def imported(path: Path) -> set[str]:
    """The modules that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_tests_use_no_mocks() -> None:
    mocking = [str(path) for path in TESTS.rglob("*.py") if imported(path) & {"mock", "unittest.mock", "pytest_mock"}]
    assert not mocking


def has_behaviour(path: Path) -> bool:
    """Whether a module holds code that can be wrong, which plain records and protocols do not."""
    bodies = (node.body for _, node in definitions(path) if isinstance(node, Function))
    return any(not is_stub(body) for body in bodies)


def is_stub(body: list[ast.stmt]) -> bool:
    """Whether a function's body is nothing but a docstring and dots."""
    return all(isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) for statement in body)


def mirrors(path: Path) -> list[Path]:
    """Where the tests of a module may lie.

    sdk/task.py is tested in sdk/test_task.py or in sdk/task/test_*.py; run/formats/plain.py, as a part of a folder that
    is small from outside, also in run/test_formats.py.
    """
    relative = path.relative_to(PACKAGE)
    beside = TESTS / relative.with_name(f"test_{relative.name}")
    inside = (TESTS / relative.with_suffix("")).glob("test_*.py")
    folder = relative.parent
    whole = [TESTS / folder.with_name(f"test_{folder.name}.py")] if len(relative.parts) > 2 else []
    return [beside, *inside, *whole]


def test_every_module_with_behaviour_has_its_own_tests() -> None:
    missing = {
        name_of(path)
        for path in modules()
        if path.name != "__init__.py" and has_behaviour(path) and not any(mirror.exists() for mirror in mirrors(path))
    }
    assert missing - set(UNMIRRORED) == set(), "no test file mirrors these modules"
    assert set(UNMIRRORED) - missing == set(), "these exceptions are no longer needed"


def test_every_silenced_rule_says_why() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("src", "tests", "scripts", "examples", "bench")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(lines_of(path), start=1)
        if re.search(r"#\s*(ruff: )?noqa", line) and not re.search(r"noqa: [A-Z]+\d+(, ?[A-Z]+\d+)* +-+ +\S", line)
    ]
    assert not silent


def test_every_rule_that_is_off_says_why() -> None:
    settings = text_of(ROOT / "pyproject.toml")
    start, end = settings.index("[tool.ruff.lint]"), settings.index("[tool.ruff.lint.flake8-builtins]")
    rules = [line for line in settings[start:end].splitlines() if re.match(r'\s+"[A-Z]+\d*"', line)]
    assert rules
    assert not [line for line in rules if not re.search(r'",\s+# \w', line)]


def run_python(code: str) -> str:
    """Output of a fresh interpreter in which nothing, not even coverage, has imported anything before."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    result = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_importing_the_package_loads_no_library_but_msgspec_and_no_database() -> None:
    code = (
        "import sys; before = set(sys.modules); import penstock; new = set(sys.modules) - before; "
        "print(*sorted({name.partition('.')[0] for name in new}))"
    )
    loaded = set(run_python(code).split())
    assert "penstock" in loaded
    assert "sqlite3" not in loaded
    assert {name for name in loaded if name not in sys.stdlib_module_names} <= {"penstock", "msgspec"}


def locked(level: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", text_of(ROOT / "requirements" / f"{level}.txt"), re.MULTILINE))


def bare_name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found.group()).lower()


@pytest.mark.parametrize(("level", "groups"), [("demo", ["examples"]), ("test", ["test"]), ("dev", ["test", "check"])])
def test_the_locks_hold_every_declared_dependency(level: str, groups: list[str]) -> None:
    declared = tomllib.loads(text_of(ROOT / "pyproject.toml"))
    needed = [*declared["project"]["dependencies"], *declared["dependency-groups"]["build"]]
    needed += [entry for group in groups for entry in declared["dependency-groups"][group] if isinstance(entry, str)]
    assert {bare_name(requirement) for requirement in needed} <= locked(level)


def test_the_locks_name_no_package_index() -> None:
    naming = [path.name for path in (ROOT / "requirements").iterdir() if re.search("://|index", text_of(path))]
    assert not naming


def test_every_decision_record_has_its_three_parts_and_fits_on_a_page() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for path in records:
        headings = [line for line in lines_of(path) if line.startswith("## ")]
        assert headings == ["## Context", "## Decision", "## Price"], path.name
        assert len(lines_of(path)) <= 60, path.name


@pytest.mark.parametrize("page", ["docs/adr/*.md", "docs/*.md", "*.md", "changelog.d/*.md"])
def test_links_between_pages_lead_somewhere(page: str) -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in ROOT.glob(page)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(path))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert not broken


def test_the_glossary_explains_every_status() -> None:
    glossary = text_of(ROOT / "docs" / "glossary.md")
    words = {str(status) for status in [*Status, *StepStatus]}
    assert not {word for word in words if f"`{word}`" not in glossary}
