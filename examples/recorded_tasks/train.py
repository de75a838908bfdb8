"""Third task: train a model. What joblib saves becomes a model of the task by itself."""

from __future__ import annotations

import argparse

import joblib
from sklearn.linear_model import LogisticRegression

from penstock import Logger, Task

task = Task.init(project_name="Examples/recorded tasks", task_name="train")
parser = argparse.ArgumentParser()
parser.add_argument("--process-task", default="", help="id of the task that split the data")
parser.add_argument("--regularization", type=float, default=1.0, help="smaller is stronger")
arguments = parser.parse_args()
task.execute_remotely()

parts = Task.get_task(arguments.process_task).artifacts
train, test = parts["train"].get(), parts["test"].get()
model = LogisticRegression(C=arguments.regularization, max_iter=1000)
model.fit(train.drop(columns="target"), train["target"])
accuracy = model.score(test.drop(columns="target"), test["target"])
Logger.current_logger().report_scalar("accuracy", "test", accuracy, 0)
joblib.dump(model, "model.joblib")
print(f"accuracy {accuracy:.3f}")
