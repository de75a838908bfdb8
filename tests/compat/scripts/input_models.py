"""Models: models of others, found by their name, used as inputs of a task."""

import json

from clearml import InputModel, Model, Task

task = Task.init("Compat", "uses models")
found = Model.query_models(project_name="Compat", model_name="classifier", only_published=True)
given = InputModel(model_id=found[0].id)
task.connect(given, name="starting point")
with open(given.get_local_copy()) as file:
    weights = json.load(file)
task.get_logger().report_single_value("sum", sum(weights["w"]))
print("labels", given.labels)
