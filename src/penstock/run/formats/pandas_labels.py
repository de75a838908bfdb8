"""Labels of a pandas frame, which are an index each way: taken apart into facts that JSON keeps and columns.

A range is three numbers, a hierarchy one categorical column a level, every other index one column.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import pandas as pd

from penstock.run.formats import plain
from penstock.run.formats.stored import Unsuited

Labels: TypeAlias = "pd.Index[Any]"
Facts: TypeAlias = dict[str, Any]


def pack_labels(labels: Labels) -> tuple[Facts, pd.DataFrame]:
    """Return the facts about an index and the columns that go with them.

    Raises:
        Unsuited: It has a name that JSON does not keep.
    """
    facts: Facts = {"names": [pack_name(name) for name in labels.names]}
    if type(labels) is pd.RangeIndex:
        facts["range"] = [labels.start, labels.stop, labels.step]
        return facts, pd.DataFrame()
    if isinstance(labels, pd.MultiIndex):
        facts["frequencies"] = [_frequency(level) for level in labels.levels]
        parts = [
            pd.Series(pd.Categorical.from_codes(codes, categories=level.rename(None)))
            for level, codes in zip(labels.levels, labels.codes, strict=True)
        ]
        return facts, pd.DataFrame(dict(enumerate(parts)))
    facts["frequency"] = _frequency(labels)
    return facts, pd.DataFrame({0: pd.Series(labels, dtype=labels.dtype)})


def unpack_labels(facts: Facts, columns: pd.DataFrame) -> Labels:
    """Return the index that `pack_labels` took apart."""
    names = [unpack_name(name) for name in facts["names"]]
    if "range" in facts:
        start, stop, step = facts["range"]
        return cast("Labels", pd.RangeIndex(start, stop, step, name=names[0]))
    if "frequencies" in facts:
        parts: list[Any] = [columns.iloc[:, at].cat for at in range(columns.shape[1])]
        levels: list[Any] = [part.categories for part in parts]
        for level, frequency in zip(levels, facts["frequencies"], strict=True):
            _set_frequency(level, frequency)
        return pd.MultiIndex(levels, [part.codes for part in parts], names=names, verify_integrity=False)
    column = columns.iloc[:, 0]
    labels: Labels = pd.Index(column, dtype=column.dtype).rename(names[0])
    _set_frequency(labels, facts["frequency"])
    return labels


def same_labels(one: Labels, other: Labels) -> bool:
    """Return whether two indexes are the same in type, dtype, values, names and frequency."""
    if type(one) is not type(other) or one.dtype != other.dtype or not one.identical(other):
        return False
    if isinstance(one, pd.MultiIndex):
        return all(map(same_labels, one.levels, cast("pd.MultiIndex", other).levels))
    return _frequency(one) == _frequency(other)


def pack_name(name: object) -> Facts:
    """Return JSON for a name: a plain value, or a tuple of such."""
    is_tuple = type(name) is tuple
    parts = list(cast("tuple[object, ...]", name)) if is_tuple else [name]
    if not all(map(plain.is_plain, parts)):
        raise Unsuited(f"a name of type {type(name).__name__} is not one that JSON keeps")
    return {"tuple": parts} if is_tuple else {"value": name}


def unpack_name(packed: Facts) -> Any:
    """Return the name that `pack_name` packed."""
    return tuple(packed["tuple"]) if "tuple" in packed else packed["value"]


def _frequency(labels: Labels) -> str | None:
    frequency = getattr(labels, "freq", None) if isinstance(labels, pd.DatetimeIndex | pd.TimedeltaIndex) else None
    return None if frequency is None else str(frequency.freqstr)


def _set_frequency(labels: Labels, frequency: str | None) -> None:
    if frequency is not None:
        cast("Any", labels).freq = frequency
