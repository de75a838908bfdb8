"""Tasks: a script that leaves its task to be carried out elsewhere, as a draft."""

from clearml import Task

task = Task.init(project_name="Compat", task_name="remote")
parameters = task.connect({"n": 3})
task.execute_remotely(queue_name=None, exit_process=True)
task.upload_artifact("square", parameters["n"] ** 2)
