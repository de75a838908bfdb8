"""Configurations: dicts and files that a task is configured by."""

import json
import os
import tempfile

from clearml import Task

task = Task.init(project_name="Compat", task_name="configured")
settings = task.connect_configuration({"depth": 3, "nested": {"on": True}}, name="settings", description="a dict")
assert settings["nested"]["on"] is True
path = os.path.join(tempfile.mkdtemp(), "model.json")
with open(path, "w") as file:
    json.dump({"layers": 2}, file)
path = task.connect_configuration(path, name="model file")
with open(path) as file:
    print("layers", json.load(file)["layers"])
task.set_configuration_object("notes", config_text="free = text", config_type="hocon")
assert task.get_configuration_object_as_dict("settings")["depth"] == 3
