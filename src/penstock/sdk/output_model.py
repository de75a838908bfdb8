"""`OutputModel`: a model that a task makes, and whose weights it may replace while it goes on."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from penstock.core import outputs
from penstock.core.errors import Conflict, Invalid
from penstock.ops.models import AddModel, ChangeModel, GetModel, LinkModel, Weights
from penstock.ops.tasks import GetTask
from penstock.run import current
from penstock.sdk import model_files, session
from penstock.sdk.model_facts import checked_labels, design_text, framework_of, words
from penstock.sdk.models import Model


class Identified(Protocol):
    """A task, as far as a model has to know it."""

    @property
    def id(self) -> str: ...


class OutputModel(Model):
    """A model that a task makes. However often its weights are updated, it is one model with one id.

    It is recorded when it first gets weights or anything else, or when its id is asked for.

    Args:
        task: The task that makes it; by default that which this process works on.
        config_text: Its configuration as a text.
        config_dict: Its configuration as a dict.
        label_enumeration: The number that it gives to each class.
        name: Its name; by default that of the task.
        tags: Its tags.
        comment: Its comment.
        framework: The library that writes it; by default what the name of the file tells.
        base_model_id: Id of a model whose configuration, labels and framework it takes over where none are given.

    Raises:
        Invalid: This process works on no task and none is given, or an argument makes no sense.
        NotFound: There is no such task or base model.
    """

    def __init__(
        self,
        task: Identified | None = None,
        config_text: str | None = None,
        config_dict: Mapping[str, object] | None = None,
        label_enumeration: Mapping[str, int] | None = None,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        comment: str | None = None,
        framework: str | None = None,
        base_model_id: str | None = None,
    ) -> None:
        backend = session.backend()
        maker = backend.call(GetTask(id=task.id if task is not None else _present_task()))
        base = None if base_model_id is None else backend.call(GetModel(id=base_model_id))
        labels, design = checked_labels(label_enumeration), design_text(config_text, config_dict)
        self._is_recorded = False
        self._upload_uri = maker.output_uri
        self._record = outputs.Model(
            id=uuid.uuid4().hex,
            task=maker.id,
            project=maker.project,
            name=name or maker.name,
            direction="output",
            url="",
            framework=framework or (base.framework if base else ""),
            comment=comment or "",
            tags=words(tags),
            labels=labels if labels is not None else (base.labels if base else {}),
            design=design if design is not None else (base.design if base else ""),
        )

    @property
    def id(self) -> str:
        """Its id, 32 hexadecimal digits."""
        self._record_now()
        return self._record.id

    @property
    def upload_storage_uri(self) -> str | None:
        """Where its weights are sent: the task's `output_uri`, or what `set_default_upload_uri` said; None: nowhere."""
        return self._upload_uri

    def update_weights(
        self,
        weights_filename: str | None = None,
        upload_uri: str | bool | None = None,
        target_filename: str | None = None,
        auto_delete_file: bool = True,
        register_uri: str | None = None,
        iteration: int | None = None,
        update_comment: bool = True,
        is_package: bool = False,
        async_enable: bool = True,
    ) -> str:
        """Store a file, or a folder as one archive, as its weights; return their URL. The former ones give way.

        Args:
            weights_filename: Path of the file or folder.
            upload_uri: Where a copy is sent, for example `s3://bucket/models`; its URL is then the model's.
            target_filename: The name that copies get; by default that of the file.
            auto_delete_file: Whether a file in the system's folder for temporary files is removed once it is stored;
                other files stay.
            register_uri: URL or path of weights that are somewhere already: they stay there and are not read.
            iteration: Noted as the entry `iteration` of its metadata.
            update_comment: Whether the name of the file becomes its comment, where it has none.
            is_package: Whether the file is an archive that comes back unpacked.
            async_enable: Accepted for compatibility; the weights are stored when this returns.

        Raises:
            Invalid: There is no such file, or not exactly one of `weights_filename` and `register_uri` is given.
            Conflict: The model is published.
            DiskFull: There is no space for it.
        """
        _ = async_enable
        if bool(weights_filename) == bool(register_uri):
            raise Invalid("update_weights needs weights_filename or register_uri, and not both")
        self._check_unpublished()
        if register_uri:
            return self._set(
                Weights(url=model_files.address(register_uri)), register_uri, iteration, update_comment=False
            )
        path = Path(str(weights_filename)).expanduser()
        weights = model_files.store(self.name, path, file_name=target_filename, is_archive=is_package)
        return self._put(weights, path, upload_uri, auto_delete_file, iteration, update_comment)

    def update_weights_package(
        self,
        weights_filenames: Sequence[str] | None = None,
        weights_path: str | None = None,
        upload_uri: str | bool | None = None,
        target_filename: str | None = None,
        auto_delete_file: bool = True,
        iteration: int | None = None,
        async_enable: bool = True,
    ) -> str:
        """Store several files, or a folder, as one package that comes back as a folder; return its URL.

        Args:
            weights_filenames: Paths of the files; in the package they lie as they do below the folder that they have
                in common.
            weights_path: Path of the folder.
            upload_uri, target_filename, auto_delete_file, iteration, async_enable: See `update_weights`.

        Raises:
            Invalid: A file is not there, or not exactly one of `weights_filenames` and `weights_path` is given.
            Conflict: The model is published.
            DiskFull: There is no space for it.
        """
        _ = async_enable
        if bool(weights_filenames) == bool(weights_path):
            raise Invalid("update_weights_package needs weights_filenames or weights_path, and not both")
        self._check_unpublished()
        if weights_path:
            paths = [Path(weights_path).expanduser()]
            if not paths[0].is_dir():
                raise Invalid(f"there is no folder {weights_path!r}", hint="give single files as weights_filenames")
            weights = model_files.store(self.name, paths[0], file_name=target_filename)
        else:
            paths = [Path(one).expanduser() for one in weights_filenames or ()]
            weights = model_files.store_files(self.name, paths, file_name=target_filename)
        url = self._put(weights, paths[0], upload_uri, False, iteration, True)
        for path in paths if auto_delete_file else ():
            _remove_temporary(path)
        return url

    def update_design(self, config_text: str | None = None, config_dict: Mapping[str, object] | None = None) -> bool:
        """Set its configuration, as a text or as a dict; return True.

        Raises:
            Invalid: Both or none are given.
            Conflict: The model is published.
        """
        design = design_text(config_text, config_dict)
        if design is None:
            raise Invalid("update_design needs config_text or config_dict")
        self._change(design=design)
        return True

    def update_labels(self, labels: Mapping[str, int]) -> None:
        """Set the number that it gives to each class.

        Raises:
            Invalid: They are not whole numbers by name.
            Conflict: The model is published.
        """
        self._change(labels=checked_labels(labels))

    def set_default_upload_uri(self, uri: str | None) -> None:
        """Say where copies of its weights are sent from now on; None: nowhere, they stay in the blob store."""
        self._upload_uri = uri

    def set_upload_destination(self, uri: str | None) -> None:
        """The same as `set_default_upload_uri`."""
        self.set_default_upload_uri(uri)

    def connect(self, task: Identified, name: str | None = None, ignore_remote_overrides: bool = False) -> None:
        """Make it an output model of another task too, under its name or another.

        Args:
            name: The name that it has there.
            ignore_remote_overrides: Accepted for compatibility; what a task makes is never replaced from outside.

        Raises:
            NotFound: There is no such task.
        """
        _ = ignore_remote_overrides
        if task.id != self._record.task or (name or self.name) != self.name or not self._is_recorded:
            session.backend().call(LinkModel(task=task.id, model=self.id, direction="output", name=name or ""))

    def publish(self) -> None:
        """Fix it for others to build on; see `Model.publish`."""
        self._record_now()
        super().publish()

    def wait_for_uploads(self, timeout: float | None = None, max_num_uploads: int | None = None) -> bool:
        """Return True: weights are stored when `update_weights` returns."""
        _ = timeout, max_num_uploads
        return True

    @classmethod
    def wait_for_all_uploads(cls, timeout: float | None = None, max_num_uploads: int | None = None) -> bool:
        """Return True; see `wait_for_uploads`."""
        _ = timeout, max_num_uploads
        return True

    def _put(
        self,
        weights: Weights,
        path: Path,
        upload_uri: str | bool | None,
        auto_delete_file: bool,
        iteration: int | None,
        update_comment: bool,
    ) -> str:
        to = upload_uri if isinstance(upload_uri, str) and upload_uri else self._upload_uri
        if to and upload_uri is not False:
            weights = model_files.send(weights, to, self._record.project, self._record.task)
        url = self._set(weights, str(path), iteration, update_comment)
        if auto_delete_file:
            _remove_temporary(path)
        return url

    def _set(self, weights: Weights, origin: str, iteration: int | None, update_comment: bool) -> str:
        changes: dict[str, Any] = {"weights": weights}
        if not self._record.framework and (framework := framework_of(origin)):
            changes["framework"] = framework
        if update_comment and not self._record.comment:
            changes["comment"] = origin
        if iteration is not None:
            changes |= {"metadata": {"iteration": str(iteration)}, "metadata_types": {"iteration": "int"}}
        self._change(**changes)
        return self._record.url

    def _change(self, **changes: Any) -> None:
        if self._is_recorded:
            super()._change(**changes)
            return
        op = ChangeModel(id=self._record.id, task=self._record.task, **changes)
        self._record = session.backend().call(AddModel(model=op.applied(self._record)))
        self._is_recorded = True

    def _record_now(self) -> None:
        if not self._is_recorded:
            self._change()

    def _check_unpublished(self) -> None:
        """Raise before bytes are stored for nothing; who publishes it at this moment is heard when it is recorded."""
        if self._record.published is not None:
            raise Conflict(
                f"model {self._record.id} ({self.name!r}) is published and stays as it is",
                hint="make another OutputModel, with base_model_id=",
            )


class TaskId:
    """What has to be known of a task, where only its id is known."""

    def __init__(self, id: str) -> None:
        self.id = id


def upload(task: str, name: str, path: str | Path, upload_uri: str | None = None) -> OutputModel:
    """Store a file, or a folder as one archive, as an output model of a task and record it.

    Raises:
        Invalid: There is no such file.
        DiskFull: There is no space for it.
    """
    model = OutputModel(TaskId(task), name=name)
    model.update_weights(str(path), upload_uri=upload_uri, auto_delete_file=False, update_comment=False)
    return model


def _remove_temporary(path: Path) -> None:
    """Remove a file that lies in the system's folder for temporary files."""
    if path.is_file() and path.resolve().is_relative_to(Path(tempfile.gettempdir()).resolve()):
        path.unlink()


def _present_task() -> str:
    working = current.get()
    if working is None:
        raise Invalid(
            "there is no task that this model could belong to: this process works on none",
            hint="call Task.init() or make the pipeline before, or give a task: OutputModel(task=...)",
        )
    return working.task
