"""Figures in Plotly's form, built from plain numbers: what a browser draws. Plotly itself is not needed.

A wrong argument is refused here, by its name. It must never know who reports a figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from penstock.core.errors import Invalid

Figure = dict[str, Any]
LINES = ("lines", "markers", "lines+markers")


def number(value: object, argument: str) -> float:
    """Return a value as a number; refuse what is none, naming the argument."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Invalid(f"{argument} must hold numbers, not {value!r}") from None


def listed(values: object, argument: str) -> list[object]:
    """Return the items of a list, an array or a column; refuse what has none, naming the argument."""
    to_list: object = getattr(values, "tolist", None)
    found: object = to_list() if callable(to_list) else values
    if isinstance(found, Mapping | str | bytes) or not hasattr(found, "__iter__"):
        raise Invalid(
            f"{argument} must be a list or an array, not a {type(values).__name__}: expected a list of numbers"
        )
    return list(cast("Sequence[object]", found))


def rows(values: object, argument: str, width: int | None = None) -> list[list[float]]:
    """Return a table of numbers whose rows have one length, which is `width` where that is given."""
    found = [[number(one, argument) for one in listed(row, argument)] for row in listed(values, argument)]
    wanted = width if width is not None else len(found[0]) if found else 0
    for place, row in enumerate(found):
        if len(row) != wanted:
            raise Invalid(f"{argument}[{place}] has {len(row)} numbers, not {wanted}")
    return found


def labels_for(labels: Sequence[str] | None, count: int, argument: str) -> list[str] | None:
    """Return labels as texts; refuse them where there is not one for each."""
    if labels is None:
        return None
    texts = [str(one) for one in labels]
    if len(texts) != count:
        raise Invalid(f"{argument} must have one label for each: there are {count} values but {len(texts)} labels")
    return texts


def layout(
    title: str, axes: Mapping[str, str | None], extra: Mapping[str, Any] | None, comment: str | None = None
) -> Figure:
    """Return a layout: titles, the given axes, a comment below the title, and what is handed to Plotly as it is."""
    text = title if comment is None else f"{title}\n{comment}"
    found: Figure = {"title": {"text": text}}
    for name, label in axes.items():
        found[name] = {} if label is None else {"title": {"text": str(label)}}
    return merged(found, extra)


def merged(figure: Figure, extra: Mapping[str, Any] | None) -> Figure:
    """Return a figure with what is given on top of it, at any depth."""
    found = dict(figure)
    for name, value in (extra or {}).items():
        inner = found.get(name)
        if isinstance(inner, dict) and isinstance(value, Mapping):
            found[name] = merged(cast("Figure", inner), cast("Figure", value))
        else:
            found[name] = value
    return found


def bars(
    name: str,
    values: object,
    labels: Sequence[str] | None,
    xlabels: Sequence[str] | None,
    data: Mapping[str, Any] | None,
) -> list[Figure]:
    """Return bars: one group of heights, or a row of heights for each group."""
    found = listed(values, "values")
    nested = bool(found) and hasattr(found[0], "__iter__") and not isinstance(found[0], str)
    groups = rows(values, "values") if nested else [[number(one, "values") for one in found]]
    names = labels_for(labels, len(groups), "labels")
    texts = labels_for(xlabels, len(groups[0]), "xlabels")
    ticks: Sequence[str | int] = list(range(len(groups[0]))) if texts is None else texts
    return [
        {"type": "bar", "name": names[place] if names else name, "x": ticks, "y": heights, **(data or {})}
        for place, heights in enumerate(groups)
    ]


def line(name: str, points: object, argument: str, mode: str, labels: Sequence[str] | None) -> Figure:
    """Return a line or a cloud through pairs (x, y)."""
    _check_mode(mode)
    pairs = rows(points, argument, 2)
    found: Figure = {"type": "scatter", "name": name, "mode": mode}
    found |= {"x": [pair[0] for pair in pairs], "y": [pair[1] for pair in pairs]}
    texts = labels_for(labels, len(pairs), "labels")
    return found | ({} if texts is None else {"text": texts})


def cloud(name: str, points: object, mode: str, labels: Sequence[str] | None, *, fill: bool) -> Figure:
    """Return points (x, y, z) in space."""
    _check_mode(mode)
    triples = rows(points, "scatter", 3)
    found: Figure = {"type": "scatter3d", "name": name, "mode": mode}
    found |= {axis: [triple[place] for triple in triples] for place, axis in enumerate("xyz")}
    texts = labels_for(labels, len(triples), "labels")
    return found | ({} if texts is None else {"text": texts}) | ({"surfaceaxis": 1} if fill else {})


def field(kind: str, name: str, matrix: object, xlabels: Sequence[str] | None, ylabels: Sequence[str] | None) -> Figure:
    """Return a matrix as a heat map or a surface."""
    table = rows(matrix, "matrix")
    found: Figure = {"type": kind, "name": name, "z": table}
    across = labels_for(xlabels, len(table[0]) if table else 0, "xlabels")
    down = labels_for(ylabels, len(table), "ylabels")
    return found | ({} if across is None else {"x": across}) | ({} if down is None else {"y": down})


def _check_mode(mode: str) -> None:
    if mode not in LINES:
        raise Invalid(f"mode must be one of {', '.join(LINES)}, not {mode!r}")
