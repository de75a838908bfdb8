"""What systems of this kind got wrong, where no other test looks: most is in test_callbacks, _limits and _cache."""

from __future__ import annotations

import pytest

from penstock import PipelineController
from penstock.ops.changes import ListChanges
from penstock.ops.runs import DeleteRun
from penstock.sdk import session


def give(value=1):
    return value


def fail():
    raise ValueError("no luck")


def import_what_is_not_there():
    import no_such_module_anywhere  # noqa: F401 - that is the point

    return 1


def run(pipe):
    pipe.start_locally(run_pipeline_steps_locally=True)
    return {name: node.status for name, node in pipe.get_pipeline_dag().items()}


def test_a_run_that_fails_is_never_seen_as_completed(home):
    """Not even for a moment: who waits for completed runs would start on its results."""
    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("a", fail)
    run(pipe)
    feed = session.backend().call(ListChanges(run=pipe.id))
    assert [one.status for one in feed if one.task == pipe.id] == ["created", "in_progress", "failed"]


def test_a_module_that_cannot_be_imported_fails_the_step_by_name(home):
    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("a", import_what_is_not_there, function_return=["x"])
    pipe.add_function_step("b", give, {"value": "${a.x}"})
    assert run(pipe) == {"a": "failed", "b": "skipped"}
    assert pipe.get_pipeline_dag()["a"].reason == "ModuleNotFoundError: No module named 'no_such_module_anywhere'"


def test_numbers_of_deleted_runs_are_not_given_out_again(home):
    names = []
    for number in range(3):
        pipe = PipelineController("flow", "Tests")
        pipe.add_function_step("a", give)
        run(pipe)
        names.append(pipe.task.name)
        if number == 1:
            session.backend().call(DeleteRun(id=pipe.id))
    assert names == ["flow", "flow #2", "flow #3"]


@pytest.mark.parametrize("name", ["flow (x)", "a+b", "[x]", ".*"])
def test_a_name_is_no_pattern(home, name):
    for expected in ("flow.*", name):
        pipe = PipelineController(expected, "Tests")
        pipe.add_function_step("a", give)
        run(pipe)
        assert pipe.task.name == expected


def test_a_step_whose_name_has_dots_can_be_referred_to(home):
    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("v1.2", give, {"value": 3}, ["x"])
    pipe.add_function_step("b", give, {"value": r"${v1\.2.x}"}, ["x"])
    assert run(pipe) == {"v1.2": "completed", "b": "completed"}
    assert pipe.get_pipeline_dag()["b"].parents == ["v1.2"]
    assert pipe.get_pipeline_dag()["b"].job.task.artifacts["x"].get() == 3


def test_running_and_processed_nodes_are_lists(home):
    seen = []

    def after(pipeline, node):
        seen.append((pipeline.get_running_nodes(), [one.name for one in pipeline.get_processed_nodes()]))

    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("a", give, post_execute_callback=after)
    run(pipe)
    assert seen == [([], ["a"])]
