"""First task: store the iris data set, as it would come from somewhere else."""

from __future__ import annotations

from sklearn.datasets import load_iris

from penstock import Task

task = Task.init(project_name="Examples/recorded tasks", task_name="dataset", task_type="data_processing")
options = task.connect({"rows": 150})
task.execute_remotely()  # a person who runs this script records a draft of it; a pipeline goes on from here

data = load_iris(as_frame=True).frame.sample(options["rows"], random_state=1)
task.upload_artifact("dataset", data)
print(f"stored {len(data)} rows")
