"""Artifacts: objects of all kinds, files, folders, and reading them again from another task."""

import os
import tempfile

import numpy as np
import pandas as pd
from clearml import Task

task = Task.init(project_name="Compat", task_name="artifacts")
frame = pd.DataFrame({"day": pd.to_datetime(["2026-01-01", "2026-01-02"]), "n": [1, 2]})
folder = tempfile.mkdtemp()
for name in ("a.txt", "b.txt"):
    with open(os.path.join(folder, name), "w") as file:
        file.write(name)
task.upload_artifact("frame", artifact_object=frame, metadata={"rows": 2})
task.upload_artifact("array", np.arange(6).reshape(2, 3))
task.upload_artifact("facts", {"a": 1, "b": [1, 2]})
task.upload_artifact("one file", artifact_object=os.path.join(folder, "a.txt"))
task.upload_artifact("folder", artifact_object=folder)
growing = pd.DataFrame({"x": [0]})
task.register_artifact("growing", growing, metadata={"kind": "table"})
growing.loc[1] = 1

again = Task.get_task(task_id=task.id)
assert again.artifacts["facts"].get() == {"a": 1, "b": [1, 2]}
assert again.artifacts["frame"].get()["day"].dtype == frame["day"].dtype
assert open(again.artifacts["one file"].get_local_copy()).read() == "a.txt"
assert sorted(os.listdir(again.artifacts["folder"].get_local_copy())) == ["a.txt", "b.txt"]
