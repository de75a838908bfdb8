"""Which points of a long series are drawn: few enough for a screen, and no peak, end or gap is lost.

Pure arithmetic on values in the order of their report. It must never know what the points are, or where they lie.
"""

from __future__ import annotations

from array import array
from math import isnan
from typing import Final

FEWEST: Final = 2
"""A line has two ends."""

BLOCK: Final = 64
"""So many points have one line of an outline."""

_OF_A_BUCKET: Final = 2  # its least and its greatest value
_WITH_GAP: Final = 3  # and a value that is no number


def choose(values: array[float], most: int) -> list[int]:
    """Return the positions of the points to draw, in their order: the ends, and the extremes of equal buckets between.

    Args:
        values: In the order of their report. NaN stands for a gap: a bucket that has one keeps the first of them.
        most: How many positions are returned at most, 2 or more; all of them where there are no more.
    """
    if len(values) <= most:
        return list(range(len(values)))
    found = _extremes(values, (most - FEWEST) // _OF_A_BUCKET, gaps=False)
    if found is None:
        found = _extremes(values, (most - FEWEST) // _WITH_GAP, gaps=True) or []
    return [0, *found, len(values) - 1]


def outline(values: array[float]) -> list[int]:
    """Return the positions of the ends, and of the extremes and the first gap of every few points.

    A drawing with far fewer points needs no others: it is chosen from these as well as from all.
    """
    if len(values) <= FEWEST:
        return list(range(len(values)))
    buckets = -(-(len(values) - FEWEST) // BLOCK)
    return [0, *(_extremes(values, buckets, gaps=True) or []), len(values) - 1]


def _extremes(values: array[float], buckets: int, *, gaps: bool) -> list[int] | None:
    """Return the positions of the extremes of each bucket, or None when there is a gap and it is not allowed for."""
    found: list[int] = []
    inner = len(values) - FEWEST
    for number in range(buckets):
        first, after = 1 + inner * number // buckets, 1 + inner * (number + 1) // buckets
        bucket = values[first:after].tolist()  # a list: an array would make each number anew every time it is read
        if not isnan(sum(bucket)) or not any(map(isnan, bucket)):  # the sum of opposite infinities is no number either
            least, greatest = bucket.index(min(bucket)), bucket.index(max(bucket))
            found += [first + place for place in sorted({least, greatest})]
        elif not gaps:
            return None
        else:
            found += [first + place for place in _with_gap(bucket)]
    return found


def _with_gap(bucket: list[float]) -> list[int]:
    """Return the positions of the extremes and of the first NaN."""
    numbers = [place for place, value in enumerate(bucket) if not isnan(value)]
    chosen = {next(place for place, value in enumerate(bucket) if isnan(value))}
    if numbers:
        chosen |= {min(numbers, key=bucket.__getitem__), max(numbers, key=bucket.__getitem__)}
    return sorted(chosen)
