"""One section of a task's parameters."""

from __future__ import annotations

from penstock import Task
from penstock.core.task import Parameter
from penstock.sdk.sections import TaskSection


def test_a_section_holds_its_own_parameters_and_no_others(home):
    task = Task.create("P", "work", script=__file__, packages=[])
    task.set_parameters({"Args/x": 1, "General/x": 2})
    section = TaskSection(task.id, "Args", assigned=True)
    assert (section.name, section.assigned) == ("Args", True)
    assert {name: one.value for name, one in section.stored().items()} == {"x": 1}
    section.store([Parameter(section="Args", name="y/z", value=[3], type="list")])
    assert sorted(section.stored()) == ["x", "y/z"]
    assert task.get_parameters() == {"Args/x": 1, "General/x": 2, "Args/y/z": [3]}
