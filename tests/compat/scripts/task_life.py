"""Tasks: init, what a task says of itself, getting, querying and cloning tasks, user properties."""

from clearml import Task, TaskTypes

task = Task.init(
    project_name="Compat/Life",
    task_name="life",
    task_type=TaskTypes.data_processing,
    tags=["first"],
    reuse_last_task_id=False,
)
task.add_tags(["second"])
task.set_comment("a life")
task.set_user_properties(owner="ada", stars=5)
task.set_progress(40)
print("running locally:", task.running_locally())
assert Task.current_task().id == task.id
assert Task.get_task(project_name="Compat/Life", task_name="life").id == task.id
assert task.id in Task.query_tasks(project_name="Compat/Life", tags=["first"])

copy = Task.clone(source_task=task, name="a copy", comment="cloned")
copy.set_parameters({"General/rate": 0.5})
copy.move_to_project(new_project_name="Compat/Copies")
task.close()

other = Task.init("Compat/Life", "failing")
other.mark_failed(status_reason="it was told to")
