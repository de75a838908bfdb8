"""Blobs to a server and back: in one piece when nothing goes wrong, from where it stopped when something does.

It must never know what the bytes are. What arrives is found to be what was asked for by whoever reads it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import BinaryIO, Final

from penstock.backend.client import BROKEN, Answer, Client, number_in
from penstock.backend.protocol import BLOBS, UPLOAD_OFFSET
from penstock.blobs.files import BlobWriter, FileBlobs
from penstock.core.errors import Conflict, Damaged, Forbidden, NotFound, PenstockError, StoreBusy, Unauthenticated
from penstock.core.outputs import Blob

SMALL: Final = 1 << 16  # bytes that are sent without asking first whether they are there already
PIECE: Final = 1 << 20  # bytes that are read at once
TRIES: Final = 3  # times that a blob is sent from its beginning which arrives as another one

_MADE_AGAIN: Final = "run the step that made it again: storing the same bytes once more repairs it"


class Transfers:
    """Keeps, fetches and checks blobs of a server.

    Args:
        client: Makes the requests.
        near: Where the copies are.
    """

    def __init__(self, client: Client, near: FileBlobs) -> None:
        self._client = client
        self._near = near

    def keep_blob(self, blob: Blob, seconds: float | None = None) -> None:
        """Send a blob that is stored here, as far as it is not there.

        Args:
            seconds: How long the server is tried that does not answer; None for as long as it deserves.
        """
        patience = self._client.patience(seconds)
        offset: int | None = 0 if blob.size <= SMALL else None
        refused = 0
        while True:
            try:
                answer = self._ask_for_offset(blob) if offset is None else self._send(blob, offset)
                if answer.status != HTTPStatus.ACCEPTED:
                    return
                arrived = number_in(answer.headers, UPLOAD_OFFSET)
                if offset is not None and arrived > offset:
                    patience.renew()
                offset = arrived
            except Damaged:  # the server has thrown away what had arrived
                offset, refused = 0, refused + 1
                if refused >= TRIES:
                    raise
            except (*BROKEN, Conflict, StoreBusy) as error:
                offset = None
                if not patience.pause():
                    raise self._client.unreachable(error) from None

    def fetch_blob(self, blob: Blob) -> None:
        """Fetch a blob, and store it here.

        Raises:
            Damaged: It is not there, or what is there is another one.
        """
        patience = self._client.patience()
        with self._near.writer() as writer:
            while True:
                before = writer.tell()
                try:
                    self._receive(blob, writer)
                    break
                except NotFound:
                    raise _missing(blob) from None
                except (*BROKEN, StoreBusy) as error:
                    if writer.tell() > before:
                        patience.renew()
                    if not patience.pause():
                        raise self._client.unreachable(error) from None
            found = writer.commit()
        if found != blob:
            raise Damaged(
                f"blob {blob.hash} is damaged on the server: {blob.size:,} bytes were recorded, {found.size:,} came, "
                f"which hash to {found.hash}",
                hint=_MADE_AGAIN,
            )

    def check_blob(self, blob: Blob) -> None:
        """Have the server read a blob, and say whether it is whole.

        Raises:
            Damaged: It is not, or it is not there.
        """
        size = self._stat(f"{_path(blob.hash)}?verify=1", blob)
        if size is None:
            raise _missing(blob)
        if size != blob.size:
            message = (
                f"blob {blob.hash} is damaged on the server: {blob.size:,} bytes were recorded, {size:,} are there"
            )
            raise Damaged(message, hint=_MADE_AGAIN)

    def stat_blob(self, hash: str) -> Blob | None:
        """Return the blob if the server has it."""
        size = self._stat(_path(hash), Blob(hash, 0))
        return None if size is None else Blob(hash, size)

    def _stat(self, path: str, blob: Blob) -> int | None:
        """Return the length of a blob on the server; None when it is not there."""
        patience = self._client.patience()
        while True:
            try:
                with self._client.exchange("HEAD", path) as response:
                    response.read()
                answer = Answer(status=response.status, headers=response.headers)
                if answer.status == HTTPStatus.NOT_FOUND:
                    return None
                if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                    raise Damaged(f"blob {blob.hash} is damaged on the server", hint=_MADE_AGAIN)
                return number_in(_said(answer).headers, "Content-Length")
            except (*BROKEN, StoreBusy) as error:
                if not patience.pause():
                    raise self._client.unreachable(error) from None

    def _receive(self, blob: Blob, writer: BlobWriter) -> None:
        """Fetch what is missing, once."""
        before = writer.tell()
        headers = {"Range": f"bytes={before}-"} if before else {}
        with self._client.exchange("GET", _path(blob.hash), headers=headers) as response:
            if response.status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
                self._client.checked(Answer(status=response.status, headers=response.headers, body=response.read()))
            if before and response.status != HTTPStatus.PARTIAL_CONTENT:
                raise Damaged(f"the server does not send a part of blob {blob.hash}")
            left = number_in(response.headers, "Content-Length")
            while piece := response.read(PIECE):
                left -= writer.write(piece)
        if left:
            raise ConnectionError("the answer ended too early")

    def _ask_for_offset(self, blob: Blob) -> Answer:
        headers = {"Content-Range": f"bytes */{blob.size}"}
        with self._client.exchange("PUT", _path(blob.hash), headers=headers) as response:
            answer = Answer(status=response.status, headers=response.headers, body=response.read())
        return self._client.checked(answer)

    def _send(self, blob: Blob, offset: int) -> Answer:
        """Send what is missing from there on, once."""
        headers = {"Content-Length": str(blob.size - offset)}
        if blob.size:
            headers["Content-Range"] = f"bytes {offset}-{blob.size - 1}/{blob.size}"
        with _opened(self._near, blob) as file:
            file.seek(offset)
            with self._client.exchange("PUT", _path(blob.hash), file, headers) as response:
                answer = Answer(status=response.status, headers=response.headers, body=response.read())
        return self._client.checked(answer)


def _opened(near: FileBlobs, blob: Blob) -> BinaryIO:
    """Open a copy: that this fails is no failure of the connection."""
    try:
        return near.path(blob.hash).open("rb")
    except OSError as error:
        raise Damaged(f"the copy of blob {blob.hash} cannot be read: {error.strerror}", hint=_MADE_AGAIN) from None


def _path(hash: str) -> str:
    return f"{BLOBS}/{hash}"


def _said(answer: Answer) -> Answer:
    """Return an answer to a HEAD, which tells of errors by its status alone, when it is no error."""
    match answer.status:
        case HTTPStatus.OK:
            return answer
        case HTTPStatus.UNAUTHORIZED:
            raise Unauthenticated("the server does not know who asks", hint="set PENSTOCK_KEY to a key of this server")
        case HTTPStatus.FORBIDDEN:
            raise Forbidden("this key may not read blobs")
        case HTTPStatus.BAD_GATEWAY | HTTPStatus.SERVICE_UNAVAILABLE | HTTPStatus.GATEWAY_TIMEOUT:
            raise ConnectionError(f"it answers {answer.status}")
        case _:
            raise PenstockError(f"the server answers {answer.status}")


def _missing(blob: Blob) -> Damaged:
    return Damaged(f"blob {blob.hash} ({blob.size:,} bytes) is missing on the server", hint=_MADE_AGAIN)
