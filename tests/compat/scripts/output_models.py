"""Models: weights that a task makes, their labels, design and metadata, and publishing."""

import json
import os
import tempfile

from clearml import OutputModel, Task

task = Task.init("Compat", "makes models")
model = OutputModel(task=task, name="classifier", framework="custom", label_enumeration={"cat": 0, "dog": 1})
model.update_design(config_dict={"layers": [8, 4]})
folder = tempfile.mkdtemp()
weights = os.path.join(folder, "weights.json")
with open(weights, "w") as file:
    json.dump({"w": [1, 2, 3]}, file)
model.update_weights(weights_filename=weights, iteration=7, auto_delete_file=False)
model.set_metadata("epochs", 7)
model.tags = ["good"]
model.publish()
print("stored", model.id, task.models["output"][-1].name)
