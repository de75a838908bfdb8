"""Models as users meet them: weights that a task made."""

from __future__ import annotations

import uuid
from pathlib import Path

from penstock.core import outputs
from penstock.core.errors import Invalid
from penstock.core.outputs import Blob
from penstock.ops.outputs import AddModel
from penstock.run import formats
from penstock.sdk import session

FRAMEWORKS = {".pt": "PyTorch", ".pth": "PyTorch", ".joblib": "joblib", ".pkl": "pickle", ".onnx": "ONNX",
              ".h5": "Keras", ".keras": "Keras", ".cbm": "CatBoost", ".ubj": "XGBoost"}  # fmt: skip


class Model:
    """A recorded model.

    Attributes:
        id, name, task, project: What it is called and where it belongs.
        url: Where its bytes are, as a `file://` URL.
        hash, size: SHA-256 and length in bytes of what is stored: the file, or the archive of a folder.
        framework: The library that wrote it, as far as the file's name tells.
        tags: Its tags.
    """

    def __init__(self, record: outputs.Model) -> None:
        self._record = record
        self.id = record.id
        self.name = record.name
        self.task = record.task
        self.project = record.project
        self.url = record.url
        self.hash = record.hash
        self.size = record.size
        self.framework = record.framework
        self.tags = list(record.tags)

    def __repr__(self) -> str:
        return f"<Model {self.name!r}: {self.size} bytes>"

    def get_local_copy(self) -> str:
        """Return the path of a copy of the file or folder that was stored.

        Raises:
            Damaged: The bytes are gone or are not what was recorded.
        """
        chosen = session.settings()
        facts = self._record.metadata
        path = session.backend().blobs.verified_path(Blob(self.hash, self.size))
        folder = chosen.scratch / "copies"
        return str(formats.load(facts["format"], facts["type"], facts, path, trusted=True, workdir=folder))


def upload(task: str, name: str, path: str | Path) -> Model:
    """Store a file, or a folder as one archive, as an output model of a task and record it.

    Raises:
        Invalid: There is no such file.
        DiskFull: There is no space for it.
    """
    path = Path(path)
    if not path.exists():
        raise Invalid(f"model {name!r}: there is no file {str(path)!r}", hint="save the model before uploading it")
    backend = session.backend()
    stored, blob = formats.dump(path, backend.blobs)
    record = outputs.Model(
        id=uuid.uuid4().hex,
        task=task,
        project="",
        name=name,
        direction="output",
        url=backend.blobs.url(blob.hash),
        hash=blob.hash,
        size=blob.size,
        framework=FRAMEWORKS.get(path.suffix, ""),
        metadata={**stored.metadata, "format": stored.format, "type": stored.type},
    )
    return Model(backend.call(AddModel(model=record)))
