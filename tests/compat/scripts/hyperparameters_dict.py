"""Hyper-parameters: a dict that is connected to the task."""

from clearml import Task

task = Task.init(project_name="Compat", task_name="dict")
parameters = {"rate": 0.1, "layers": [8, 8], "name": "plain", "deep": {"on": True}}
parameters = task.connect(parameters)
parameters["added"] = 1
print("rate", parameters["rate"], "name", parameters["name"])
task.get_logger().report_single_value("rate", parameters["rate"])
