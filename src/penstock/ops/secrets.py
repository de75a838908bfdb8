"""The operation that gives out the values of parameters that are secrets. All others know their seals alone."""

from __future__ import annotations

from typing import ClassVar

from penstock.core.secret import Secret
from penstock.ops.base import Op


class OpenSecrets(Op[dict[str, Secret]], frozen=True, kw_only=True):
    """Return the secrets that a task needs which is in progress, by their seals, for whoever carries it out.

    Of an attempt these are the secrets of its run whose seals are in its parameters or its assignment; of a run, all
    that are recorded with it. It counts as a change: the audit log tells who asked.

    Raises Conflict when the task is not in progress: nobody needs them then.
    """

    task: str
    confidential: ClassVar[bool] = True
