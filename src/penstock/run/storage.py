"""Values and artifacts: how a value becomes a recorded artifact, and how it comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.blobs.files import FileBlobs
from penstock.blobs.stamps import WORTH_IT, Stamp, stamp
from penstock.core.errors import NotSerializable, PenstockError
from penstock.core.outputs import Artifact, Blob
from penstock.run import formats

if TYPE_CHECKING:
    from penstock.run.remote.outputs import Destination

Serializer = Callable[..., object]


class Values:
    """Stores values as artifacts and loads them again.

    Args:
        blobs: Where the bytes are.
        scratch: Folder for copies of file and folder artifacts.
        serializer: The user's own function from a value to bytes; None lets the value's type decide.
        deserializer: The user's own function from bytes to the value.
        stamps: Of blobs that the same run has written, by hash; such a blob is not hashed again while it is untouched.
        destination: Where a copy of what is stored is sent, besides.

    Attributes:
        written: The stamps of what was stored.
    """

    def __init__(
        self,
        blobs: FileBlobs,
        scratch: str,
        serializer: Serializer | None = None,
        deserializer: Serializer | None = None,
        stamps: Mapping[str, Stamp] | None = None,
        destination: Destination | None = None,
    ) -> None:
        self.written: dict[str, Stamp] = {}
        self._stamps = stamps or {}
        self._destination = destination
        self._blobs = blobs
        self._scratch = Path(scratch)
        self._serializer = serializer
        self._deserializer = deserializer

    def store(self, task: str, name: str, value: object, metadata: dict[str, str] | None = None) -> Artifact:
        """Write the value to the blob store and return the artifact that describes it; it is not recorded yet.

        Raises:
            NotSerializable: No format can store the value; the message names the artifact.
            DiskFull: There is no space for it.
            RemoteError: Its copy cannot be written to the destination.
        """
        try:
            if self._serializer is None:
                stored, blob = formats.dump(value, self._blobs)
            else:
                stored, blob = formats.dump_custom(value, self._serializer, self._blobs)
        except NotSerializable as error:
            raise NotSerializable(f"artifact {name!r} cannot be stored: {error.message}", hint=error.hint) from error
        if blob.size >= WORTH_IT and (taken := stamp(self._blobs.path(blob.hash))) is not None:
            self.written[blob.hash] = taken
        return Artifact(
            task=task,
            name=name,
            format=stored.format,
            type=stored.type,
            hash=blob.hash,
            size=blob.size,
            url=self._address(name, stored.format, blob),
            preview=stored.preview,
            table=stored.table,
            metadata={**stored.metadata, **(metadata or {})},
        )

    def _address(self, name: str, form: str, blob: Blob) -> str:
        """Return the URL of what was stored: that of its copy, where one is sent."""
        if self._destination is None:
            return self._blobs.url(blob.hash)
        return self._destination.send(self._blobs.path(blob.hash), "artifacts", name, f"{name}.{form}")

    def load(self, artifact: Artifact) -> object:
        """Return the value of an artifact that this store recorded.

        Raises:
            Damaged: Its bytes are gone or are not what was recorded.
        """
        path = self._verified_path(artifact)
        if artifact.format == "custom":
            if self._deserializer is None:
                raise PenstockError(
                    f"artifact {artifact.name!r} was written by a function of the pipeline's own",
                    hint="give the pipeline its artifact_deserialization_function",
                )
            return self._deserializer(path.read_bytes())
        return formats.load(
            artifact.format, artifact.type, artifact.metadata, path, trusted=True, workdir=self._scratch
        )

    def _verified_path(self, artifact: Artifact) -> Path:
        """Return the path of an artifact's bytes, which are what was recorded."""
        vouched = self._stamps.get(artifact.hash)
        if vouched is not None:
            path = self._blobs.path(artifact.hash)
            if stamp(path) == vouched:
                return path
        return self._blobs.verified_path(Blob(artifact.hash, artifact.size))
