"""Records that people would have made, for tests of the page: tasks that wait, agents, models."""

from __future__ import annotations

from uuid import uuid4

from penstock.core.task import Parameter, Script, ScriptKind
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.queues import CreateQueue
from penstock.ops.tasks import CreateTask, NewTask

CODE = "import time\nprint('begins')\ntime.sleep(600)\n"


def draft(place, name, *, project="demo/iris", code=CODE, parameters=None, **more):
    """Record a draft of a task that runs a script; return its id."""
    script = Script(source=code, entry_point="work.py", kind=ScriptKind.SCRIPT, packages=())
    values = tuple(Parameter(section="Args", name=name, value=value) for name, value in (parameters or {}).items())
    new = NewTask(id=uuid4().hex, name=name, project=project, script=script, parameters=values, **more)
    return place.backend.call(CreateTask(task=new)).id


def queued(place, queue, *names, priority=0):
    """Let tasks of these names wait in a queue, which is made where it is not there; return their ids."""
    place.backend.call(CreateQueue(name=queue))
    ids = [draft(place, name) for name in names]
    for id in ids:
        place.backend.call(EnqueueTask(id=id, queue=queue, priority=priority))
    return ids


MODELS = """
from pathlib import Path

from penstock import OutputModel, Task

task = Task.init(project_name="demo/iris", task_name="train classifiers", reuse_last_task_id=False)
task.connect({"rate": 0.01, "epochs": 3, "optimizer": "adam"})
task.set_configuration_object("augmentation", "flip: true\\nscale: 0.2")
for epoch in range(30):
    task.get_logger().report_scalar("loss", "train", 1.0 / (epoch + 1), epoch)
    print("epoch", epoch)
task.upload_artifact("summary", {"flowers": 150, "classes": ["setosa", "virginica"]})
labels = {"setosa": 0, "virginica": 1}
for name, tags in (("iris classifier", ["best", "v2"]), ("iris baseline", []), ("embedding", ["text"])):
    model = OutputModel(task, name=name, tags=tags, comment="trained on 150 flowers", label_enumeration=labels)
    weights = Path(__file__).with_name("model.pt")
    weights.write_bytes(b"weights" * 1000)  # which is taken along
    model.update_weights(str(weights))
    model.set_metadata("accuracy", "0.93", "float")
task.close()
"""
