"""Data sets: versions of a folder, used by a task."""

import os
import tempfile

from clearml import Dataset, Task

folder = tempfile.mkdtemp()
for name, text in (("a.csv", "1,2\n"), ("b.csv", "3,4\n")):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)

first = Dataset.create(dataset_name="numbers", dataset_project="Compat", dataset_tags=["raw"])
first.add_files(path=folder)
first.upload()
first.finalize()

with open(os.path.join(folder, "a.csv"), "w") as file:
    file.write("5,6\n")
second = Dataset.create(dataset_name="numbers", dataset_project="Compat", parent_datasets=[first.id])
second.sync_folder(local_path=folder)
second.remove_files(dataset_path="b.csv")
second.upload(show_progress=False)
second.finalize()

task = Task.init("Compat", "uses data")
dataset = Dataset.get(dataset_project="Compat", dataset_name="numbers", alias="training")
with open(os.path.join(dataset.get_local_copy(), "a.csv")) as file:
    task.upload_artifact("sum", sum(int(number) for number in file.read().split(",")))
mine = dataset.get_mutable_local_copy(target_folder=os.path.join(folder, "mine"))
print("files", sorted(os.listdir(mine)))
