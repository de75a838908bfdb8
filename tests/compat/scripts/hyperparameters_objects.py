"""Hyper-parameters: objects, classes, sections of their own, and single parameters."""

from clearml import Task


class Training:
    epochs = 3
    rate = 0.5


class Data:
    def __init__(self):
        self.folder = "/data"
        self.shuffle = True


task = Task.init(project_name="Compat", task_name="objects")
task.connect(Training, name="training")
data = task.connect(Data(), "data")
task.set_parameter("extra/seed", 42)
task.update_parameters({"extra/workers": 2})
assert task.get_parameter("training/epochs", cast=True) == 3
assert task.get_parameters_as_dict(cast=True)["data"]["shuffle"] is True
print("folder", data.folder)
