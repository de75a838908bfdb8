from __future__ import annotations

import pandas as pd
import pytest

from penstock import PipelineController
from penstock.sdk import registered


@pytest.fixture
def task(home):
    yield PipelineController("registers", "Tests").task
    registered._registered.clear()


def rows(task):
    return len(task.artifacts["table"].get())


def test_a_registered_table_is_stored_now_and_as_it_has_grown_at_every_flush(task):
    table = pd.DataFrame({"x": [1]})
    task.register_artifact("table", table, metadata={"kind": "small"})
    assert (rows(task), task.artifacts["table"].metadata["kind"]) == (1, "small")
    table.loc[1] = 2
    assert rows(task) == 1
    task.flush()
    assert rows(task) == 2
    assert task.get_registered_artifacts() == {"table": table}


def test_what_is_not_registered_any_more_stays_as_it_was_stored(task):
    table = pd.DataFrame({"x": [1]})
    task.register_artifact("table", table)
    task.unregister_artifact("table")
    table.loc[1] = 2
    task.flush()
    assert rows(task) == 1
    assert task.get_registered_artifacts() == {}


def test_at_the_end_of_the_process_all_is_stored_and_a_task_that_is_gone_hinders_nobody(task):
    table = pd.DataFrame({"x": [1]})
    task.register_artifact("table", table)
    registered._registered["gone"] = registered._registered[task.id]
    table.loc[1] = 2
    registered._store_all(registered.os.getpid())
    assert rows(task) == 2
