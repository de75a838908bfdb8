"""StorageManager: files behind URLs."""

import os
import tempfile

from clearml import StorageManager, Task
from clearml.storage import StorageManager as Same

assert Same is StorageManager
task = Task.init("Compat", "storage", output_uri=tempfile.mkdtemp())
folder = tempfile.mkdtemp()
source = os.path.join(folder, "source.txt")
with open(source, "w") as file:
    file.write("content")
target = "file://" + os.path.join(folder, "there", "copy.txt")
StorageManager.upload_file(local_file=source, remote_url=target)
with open(StorageManager.get_local_copy(remote_url=target)) as file:
    task.upload_artifact("copied", file.read() + "!")
