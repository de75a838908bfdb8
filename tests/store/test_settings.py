from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.core.errors import Invalid
from penstock.core.task import Configuration, Parameter
from penstock.store.sqlite import SqliteStore
from penstock.store.transaction import SqlTx


@pytest.fixture
def tx(store: SqliteStore) -> Iterator[SqlTx]:
    with store.transaction(durable=False) as tx:
        yield tx


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(value=VALUES)
def test_a_parameter_keeps_its_value_and_the_value_its_type(store: SqliteStore, value: object) -> None:
    with store.transaction(durable=False) as tx:
        tx.settings.set_parameters("a", [Parameter(section="General", name="x", value=value)])
        (found,) = tx.settings.parameters("a")
    assert repr(found.value) == repr(value)  # NaN is not equal to itself, and 1 is equal to 1.0 and True


def test_parameters_come_in_the_order_in_which_they_came_first(tx: SqlTx) -> None:
    tx.settings.set_parameters("a", [Parameter(section="Args", name=name, value=name) for name in "zyx"])
    tx.settings.set_parameters(
        "a",
        [
            Parameter(section="Args", name="new", value=0),
            Parameter(section="Args", name="y", value=2, type="int", description="why"),
        ],
    )
    found = tx.settings.parameters("a")
    assert [one.name for one in found] == ["z", "y", "x", "new"]
    assert found[1] == Parameter(section="Args", name="y", value=2, type="int", description="why")
    assert tx.settings.parameters("b") == []


def test_one_name_in_two_sections_is_two_parameters(tx: SqlTx) -> None:
    both = [Parameter(section=section, name="a/b", value=section) for section in ("Args", "General")]
    tx.settings.set_parameters("a", both)
    assert tx.settings.parameters("a") == both


def test_a_value_that_is_no_json_is_refused(tx: SqlTx) -> None:
    with pytest.raises(Invalid, match="JSON"):
        tx.settings.set_parameters("a", [Parameter(section="Args", name="x", value={1, 2})])


def test_a_configuration_is_replaced_by_name(tx: SqlTx) -> None:
    tx.settings.set_configuration("a", Configuration(name="model", text="old", format="json"))
    tx.settings.set_configuration("a", Configuration(name="model", text="new", description="d"))
    tx.settings.set_configuration("a", Configuration(name="data", text="x" * 100_000))
    assert [one.name for one in tx.settings.configurations("a")] == ["data", "model"]
    assert tx.settings.configurations("a")[1] == Configuration(name="model", text="new", description="d")


def test_a_project_brings_those_above_it_and_pipelines_are_hidden(tx: SqlTx) -> None:
    """Promise 4: the runs of a pipeline lie in the hidden project P/.pipelines/NAME, made where it is missing."""
    tx.projects.ensure("a/b/.pipelines/iris", 1.0)
    tx.projects.ensure("a/b/.pipelines/iris/deeper", 2.0)
    tx.projects.ensure(".pipelines/top", 2.0)
    tx.projects.ensure("a/b", 3.0)
    assert tx.projects.list(hidden=False) == ["a", "a/b"]
    assert tx.projects.list(hidden=True) == [
        ".pipelines",
        ".pipelines/top",
        "a",
        "a/b",
        "a/b/.pipelines",
        "a/b/.pipelines/iris",
        "a/b/.pipelines/iris/deeper",
    ]


def test_only_what_lies_just_below_pipelines_is_a_pipeline(store: SqliteStore, tx: SqlTx) -> None:
    tx.projects.ensure("a/.pipelines/iris/deeper", 1.0)
    rows = tx.projects._session.rows("SELECT name, system_tags FROM projects ORDER BY name")
    assert [(name, msgspec.json.decode(tags)) for name, tags in rows] == [
        ("a", []),
        ("a/.pipelines", ["hidden"]),
        ("a/.pipelines/iris", ["hidden", "pipeline"]),
        ("a/.pipelines/iris/deeper", ["hidden"]),
    ]


def test_a_project_whose_name_looks_like_a_tag_is_not_hidden(tx: SqlTx) -> None:
    tx.projects.ensure('my "hidden" project', 1.0)
    tx.projects.ensure("x.pipelines/y", 1.0)
    assert tx.projects.list(hidden=False) == ['my "hidden" project', "x.pipelines", "x.pipelines/y"]


def test_a_parameter_that_is_removed_leaves_its_namesake_in_another_section(tx: SqlTx) -> None:
    both = [Parameter(section=section, name="x", value=1) for section in ("Args", "General")]
    tx.settings.set_parameters("a", both)
    tx.settings.set_parameters("b", both)
    tx.settings.remove_parameters("a", both[:1])
    assert tx.settings.parameters("a") == both[1:]
    assert tx.settings.parameters("b") == both


def test_what_is_forgotten_is_that_of_one_task(tx: SqlTx) -> None:
    for task in "ab":
        tx.settings.set_parameters(task, [Parameter(section="Args", name="x", value=1)])
        tx.settings.set_configuration(task, Configuration(name="net", text="{}"))
    tx.settings.forget("a")
    assert tx.settings.parameters("a") == tx.settings.configurations("a") == []
    assert len(tx.settings.parameters("b")) == len(tx.settings.configurations("b")) == 1
