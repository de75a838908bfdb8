"""Every error that Penstock raises, in one tree.

    PenstockError                    catch this to catch them all
    ├── NotFound                     there is no such thing
    ├── Conflict                     the thing is not in a state that allows this
    │   ├── BadTransition            a task cannot go from its status to the one asked for
    │   └── LeaseLost                another worker holds the task now
    ├── Invalid (a ValueError)       the request makes no sense
    │   ├── BadReference             a ${...} reference cannot be read, or names nothing
    │   ├── BadPipeline              the steps do not form a runnable pipeline
    │   ├── BadVersion               a version string is not one
    │   ├── BadParameter             a parameter's value does not fit its type
    │   └── NotStandalone            a function cannot be made a task of its own
    ├── ArtifactError                something is wrong with the bytes of an artifact
    │   ├── NotSerializable          no format can store the value
    │   ├── Damaged                  stored bytes are gone or are not what was recorded
    │   ├── NotTrusted               a pickle that this store did not record is never loaded
    │   └── UnsafeArchive            an archive holds what is never unpacked
    ├── StoreError                   the state directory, or the database, cannot be used
    │   ├── StoreTooNew              the database was written by a newer version
    │   ├── StoreBusy                another process holds the database for too long
    │   │   └── TryAgain             another transaction came in between; nothing of this one was done
    │   └── DiskFull                 no space left, or the disk is read-only
    ├── RemoteError                  what lies behind a URL could not be read or written
    ├── Unreachable                  the server does not answer
    ├── Unauthenticated              the server does not know who asks
    ├── Forbidden                    who asks may not do this
    ├── TooManyAttempts              somebody tries passwords faster than people do
    └── StepFailed                   a pipeline step ended badly

Each class has a stable `code`, which is what travels over the wire; `BY_CODE` finds the class again. A message says
what happened and to what; `hint` says what to do about it.
"""

from __future__ import annotations

from typing import ClassVar


class PenstockError(Exception):
    """Something went wrong.

    Args:
        message: What happened, naming the thing. The class's docstring stands in when it is missing.
        hint: What the reader can do about it; shown on a line of its own.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        self.message = message or (self.__doc__ or type(self).__name__).partition("\n")[0]
        self.hint = hint
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[PenstockError], message: str, hint: str | None) -> PenstockError:
    return kind(message, hint=hint)


class NotFound(PenstockError):
    """There is no such thing."""

    code = "not_found"


class Conflict(PenstockError):
    """The thing is not in a state that allows this."""

    code = "conflict"


class BadTransition(Conflict):
    """A task cannot go from its present status to the one asked for."""

    code = "bad_transition"


class LeaseLost(Conflict):
    """Another worker holds this task now."""

    code = "lease_lost"


class Invalid(PenstockError, ValueError):
    """The request makes no sense."""

    code = "invalid"


class BadReference(Invalid):
    """A ${...} reference cannot be read, or names nothing."""

    code = "bad_reference"


class BadPipeline(Invalid):
    """The steps do not form a pipeline that can run."""

    code = "bad_pipeline"


class BadVersion(Invalid):
    """This is not a version."""

    code = "bad_version"


class BadParameter(Invalid):
    """The value does not fit the parameter's type."""

    code = "bad_parameter"


class NotStandalone(Invalid):
    """The function cannot be made a task of its own."""

    code = "not_standalone"


class ArtifactError(PenstockError):
    """Something is wrong with the bytes of an artifact."""

    code = "artifact"


class NotSerializable(ArtifactError):
    """No format can store this value."""

    code = "not_serializable"


class Damaged(ArtifactError):
    """The stored bytes are gone, or are not what was recorded."""

    code = "damaged"


class NotTrusted(ArtifactError):
    """A pickle that this store did not record is never loaded."""

    code = "not_trusted"


class UnsafeArchive(ArtifactError):
    """The archive holds what is never unpacked."""

    code = "unsafe_archive"


class StoreError(PenstockError):
    """The state directory, or the database, cannot be used."""

    code = "store"


class StoreTooNew(StoreError):
    """The database was written by a newer version of Penstock."""

    code = "store_too_new"


class StoreBusy(StoreError):
    """Another process has held the database for too long."""

    code = "store_busy"


class TryAgain(StoreBusy):
    """Another transaction came in between; nothing of this one was done."""

    code = "try_again"


class DiskFull(StoreError):
    """The disk is full or read-only."""

    code = "disk_full"


class RemoteError(PenstockError):
    """What lies behind a URL could not be read or written."""

    code = "remote"


class Unreachable(PenstockError):
    """The server does not answer."""

    code = "unreachable"


class Unauthenticated(PenstockError):
    """The server does not know who asks."""

    code = "unauthenticated"


class Forbidden(PenstockError):
    """Who asks may not do this."""

    code = "forbidden"


class TooManyAttempts(PenstockError):
    """Somebody tries passwords faster than people do."""

    code = "too_many_attempts"


class StepFailed(PenstockError):
    """A pipeline step ended badly."""

    code = "step_failed"


def _tree(kind: type[PenstockError]) -> dict[str, type[PenstockError]]:
    found = {kind.code: kind}
    for sub in kind.__subclasses__():
        found |= _tree(sub)
    return found


BY_CODE: dict[str, type[PenstockError]] = _tree(PenstockError)
