"""What an operation is: a frozen struct whose type argument is what the call returns.

class GetTask(Op[Task], frozen=True):
    id: str

task = backend.call(GetTask(id))        # a type checker knows that this is a Task
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar, get_args

from msgspec import Struct

R = TypeVar("R", covariant=True)  # noqa: PLC0105 - the field's usual letter for a result

REGISTRY: dict[str, type[Op[Any]]] = {}


class Once(Struct, frozen=True):
    """Says that a call is carried out once, however often it comes: a repeat is answered what the first was.

    Args:
        key: Tells the call from every other.
        digest: Of what is asked for: who comes with the same key and asks for something else is refused.
    """

    key: str
    digest: str


class Op(Struct, Generic[R], frozen=True, kw_only=True):
    """One operation. Subclasses are registered by name.

    Class attributes:
        returns: The type that the call returns.
        durable: Whether its effect must be on the disk when the call returns. Reports of metrics and console need not.
        reads: Whether it only reads.
        confidential: Whether it or its answer holds a secret: neither may be kept anywhere, not even as a digest.
        in_turn: Whether those who ask for it at once all want the same rows, as of a queue: they had better take turns.
    """

    returns: ClassVar[Any]
    durable: ClassVar[bool] = True
    reads: ClassVar[bool] = False
    confidential: ClassVar[bool] = False
    in_turn: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        (base, *_) = cls.__orig_bases__  # type: ignore[attr-defined]
        (cls.returns,) = get_args(base)
        REGISTRY[cls.__name__] = cls
