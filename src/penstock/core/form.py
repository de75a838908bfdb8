"""The parameters of a pipeline as a form: each with its type, its value, and what its code says of it.

It must never know where values are kept, or what a form looks like.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from penstock.core.parameters import EXAMPLES
from penstock.core.pipeline import Pipeline
from penstock.core.secret import MASK, SECRET
from penstock.core.secret_names import is_secret
from penstock.core.task import Json, Parameter


class Field(Struct, frozen=True, kw_only=True):
    """A parameter to fill in.

    Args:
        type: Name of the type that values must have: `str`, `int`, `float`, `bool`, `list`, `dict`, `date`,
            `datetime`, `path`, `secret`; empty when free.
        value: The value that stands there.
        default: The value that the pipeline's code gives it; None where that was not recorded.
        has_default: Whether it was.
        description: What it is for.
        choices: The only values that it may have; empty for any of its type.
        example: How such a value is written as a text.
        secret: Whether it is one, by its type or by its name: then a mask stands for its values.
    """

    name: str
    type: str
    value: Json
    default: Json = None
    has_default: bool = False
    description: str = ""
    choices: tuple[Json, ...] = ()
    example: str = ""
    secret: bool = False


def fields(pipeline: Pipeline) -> tuple[Field, ...]:
    """Return the form of a pipeline, with the values that its parameters have."""
    return tuple(_field(pipeline, one) for one in pipeline.parameters)


def with_values(pipeline: Pipeline, recorded: Iterable[Parameter]) -> Pipeline:
    """Return a pipeline with the values that are recorded with a run of it.

    Of a draft whose script has not run, what is recorded is all that is known of its parameters.
    """
    values = {one.name: one for one in recorded if one.section == "Args"}
    known = {one.name: one for one in pipeline.parameters}
    parameters = [replace(one, value=values[name].value) if name in values else one for name, one in known.items()]
    return replace(pipeline, parameters=(*parameters, *(one for name, one in values.items() if name not in known)))


def _field(pipeline: Pipeline, one: Parameter) -> Field:
    declared = pipeline.declared.get(one.name)
    default = declared.default if declared else None
    named = isinstance(one.value, str | None) and is_secret((one.name,), one.value or "text")
    secret = named or one.type == SECRET
    return Field(
        name=one.name,
        type=one.type,
        value=MASK if secret and one.value else one.value,
        default=MASK if secret and default else default,
        has_default=declared is not None,
        description=one.description,
        choices=declared.choices if declared and not secret else (),
        example="" if secret else EXAMPLES.get(one.type, "").strip("'"),
        secret=secret,
    )
