"""Operations on limits of tags: how many tasks with a tag run at once, whatever queues they come from."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.ops.base import Op


class TagLimit(Struct, frozen=True, kw_only=True):
    """A limit, and what it holds back now.

    Args:
        limit: How many tasks with the tag may be held by agents at once.
        running, waiting: How many are, and how many wait in queues.
        created: Epoch seconds.
    """

    tag: str
    limit: int
    running: int = 0
    waiting: int = 0
    created: float = 0.0


class ListTagLimits(Op[list[TagLimit]], frozen=True, kw_only=True):
    """Return the limits by tag."""

    reads: ClassVar[bool] = True


class SetTagLimit(Op[TagLimit], frozen=True, kw_only=True):
    """Let no more than so many tasks with a tag be claimed at once; what runs already goes on.

    Steps and plain tasks count and wait; runs of pipelines do neither, since they wait for their steps.

    Raises Invalid when the limit is below 1, or when the tag is empty or longer than 200 characters.
    """

    tag: str
    limit: int


class RemoveTagLimit(Op[None], frozen=True, kw_only=True):
    """Let any number of tasks with a tag be claimed; raise NotFound when it has no limit."""

    tag: str
