"""What a step process is told when it starts, and what it says on its channel. Both sides read and write these."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw, Struct

from penstock.blobs.stamps import Stamp
from penstock.core.assignment import Resolved
from penstock.core.outputs import Artifact, Blob
from penstock.core.pipeline import Argument
from penstock.core.secret import Secret
from penstock.core.task import EndReason, Json, Parameter, Script, Status, Task

NOTHING = Raw(b"\xc0")  # the encoded None; an empty Raw would leave a hole in the frame


class CodeAt(Struct, frozen=True, kw_only=True):
    """Where the code of a recorded script was checked out for the process; see `checkout.Checkout`."""

    root: str
    folder: str
    entry: tuple[str, ...]
    left_out: tuple[str, ...] = ()


class AttemptSpec(Struct, frozen=True, kw_only=True):
    """Everything that a process needs to carry out one attempt of a step, or a task alone.

    Args:
        task: The attempt's task.
        file: Where the script lies; tracebacks name it, and processes that the step starts find its functions there.
        arguments: As the pipeline defines them, with their references.
        inputs: The artifacts that hold arguments, under the name that `arguments` gives them.
        references: What each reference in the arguments turned out to be, under its text.
        stamps: Of the inputs' blobs that this run has written, by hash.
        home, blobs, scratch: Folders of the home, of its blobs, and for copies of file artifacts.
        address: What the URLs of blobs begin with that are kept elsewhere; then `blobs` has copies.
        cache: Folder for the code of scripts that come from repositories.
        code: Where the script is checked out; None for the process to do it in `cache`.
        connect: What is recorded by itself, by the names of the arguments of `Task.init`; what is missing is as there.
        secrets: By their seals, those that its arguments, parameters and configurations hold. They are written nowhere.
    """

    task: Task
    file: str
    arguments: dict[str, Argument]
    inputs: dict[str, Artifact]
    references: dict[str, Resolved]
    returns: tuple[str, ...]
    home: str
    blobs: str
    scratch: str
    address: str = ""
    cache: str = ""
    code: CodeAt | None = None
    connect: dict[str, Json] = {}
    secrets: dict[str, Secret] = {}
    stamps: dict[str, Stamp] = {}
    serializer: Script | None = None
    deserializer: Script | None = None


class Outcome(Struct, frozen=True, kw_only=True, tag="outcome"):
    """How the attempt went, said by the process itself just before it leaves."""

    status: Status
    reason: EndReason | None = None
    message: str = ""
    artifacts: tuple[Artifact, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    stamps: dict[str, Stamp] = {}


class Request(Struct, frozen=True, kw_only=True, tag="request"):
    """An operation that the process asks its launcher to carry out."""

    number: int
    op: str
    body: Raw


Kind = Literal["keep", "fetch", "check", "stat"]


class Transfer(Struct, frozen=True, kw_only=True):
    """What a request asks for that is no operation: something about a blob that is kept elsewhere."""

    kind: Kind
    blob: Blob


TRANSFER = "Transfer"
"""What stands for the name of the operation in such a request."""


class Reply(Struct, frozen=True, kw_only=True):
    """The answer to a request: a result, or an error by its code."""

    number: int
    body: Raw = NOTHING
    code: str = ""
    message: str = ""
    hint: str | None = None


FromStep = Outcome | Request

LONGEST_MESSAGE = 100_000  # characters; of a longer one the beginning and the end are kept


def printable(message: str) -> str:
    """Return a message as it can be sent and stored: without what is no Unicode, and not endless."""
    if len(message) > LONGEST_MESSAGE:
        half = LONGEST_MESSAGE // 2
        message = f"{message[:half]}\n...\n{message[-half:]}"
    return message.encode("utf-8", "backslashreplace").decode()


encode = msgspec.msgpack.Encoder().encode
decode_from_step = msgspec.msgpack.Decoder(FromStep).decode
decode_outcome = msgspec.msgpack.Decoder(Outcome).decode
decode_reply = msgspec.msgpack.Decoder(Reply).decode
decode_spec = msgspec.msgpack.Decoder(AttemptSpec).decode
