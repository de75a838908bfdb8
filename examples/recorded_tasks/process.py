"""Second task: split the data set of another task, which is found by its URL."""

from __future__ import annotations

import pandas as pd
from sklearn.model_selection import train_test_split

from penstock import Task

task = Task.init(project_name="Examples/recorded tasks", task_name="process", task_type="data_processing")
options = task.connect({"dataset_task_id": "", "dataset_url": "", "test_size": 0.2, "random_state": 42})
task.execute_remotely()

data: pd.DataFrame = Task.get_task(options["dataset_task_id"]).artifacts["dataset"].get()
print(f"read {options['dataset_url']}")
train, test = train_test_split(data, test_size=options["test_size"], random_state=options["random_state"])
task.upload_artifact("train", train)
task.upload_artifact("test", test)
