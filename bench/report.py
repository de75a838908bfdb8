"""From what was measured to the rows of the table, and to its text. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cases import Case, Target
from measure import Sample
from msgspec import Struct
from msgspec.structs import replace

MS = 1000.0  # milliseconds in a second
MB = 1_000_000

HEAD = ("", "wall s", "each ms", "CPU s", "each ms", "own ms", "MB", "commits", "floor ms", "ratio", "target")


class Verdict(Struct, frozen=True, kw_only=True):
    """A target beside what was measured."""

    text: str
    value: float
    well: bool


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table.

    Args:
        wall: Seconds of wall time of the whole process.
        each: Milliseconds of wall time a step; without steps, of the thing itself.
        cpu: Seconds of processor time of the process and its descendants.
        each_cpu: Milliseconds of processor time of one more step; None where there are no steps.
        own_cpu: The part of it that the controller's process spends.
        memory: Bytes of all processes at their peak; where nobody looked, of the largest of them.
        commits: Durable commits of one more step.
        floor: Milliseconds of what the case is compared with.
        ratio: Of the case to its floor.
    """

    key: str
    title: str
    wall: float
    each: float
    cpu: float
    each_cpu: float | None = None
    own_cpu: float | None = None
    memory: int
    commits: float | None = None
    floor: float | None = None
    ratio: float | None = None
    verdicts: tuple[Verdict, ...] = ()


def rows(cases: Sequence[Case], samples: Mapping[str, Sample]) -> list[Row]:
    """Return a row for each case.

    Args:
        cases: In their order; a case comes after those that it is compared with.
        samples: By the key of the case.
    """
    found: dict[str, Row] = {}
    for case in cases:
        found[case.key] = _row(case, samples, found)
    return list(found.values())


def _row(case: Case, samples: Mapping[str, Sample], earlier: Mapping[str, Row]) -> Row:
    sample = samples[case.same or case.key]
    seconds = sample.said.seconds or sample.wall
    cpu = sample.cpu
    each_cpu = own_cpu = commits = None
    if case.less:
        seconds -= samples[case.less].said.seconds
        cpu -= samples[case.less].cpu
    if case.one and case.steps > 1:
        one, more = samples[case.one], case.steps - 1
        each_cpu = (sample.cpu - one.cpu) / more * MS
        own_cpu = (sample.said.cpu - one.said.cpu) / more * MS
        commits = (sample.said.commits - one.said.commits) / more
    each = seconds / max(case.steps, 1) * MS
    floor = sum(_floor(key, case, commits, samples) for key in case.floor) * MS or None
    row = Row(
        key=case.key,
        title=case.title,
        wall=sample.wall,
        each=each,
        cpu=cpu,
        each_cpu=each_cpu,
        own_cpu=own_cpu,
        memory=sample.tree or sample.largest,
        commits=commits,
        floor=floor,
        ratio=(cpu * MS if case.by == "cpu" else each) / floor if floor else None,
    )
    return _judged(row, case.target, earlier)


def _floor(key: str, case: Case, commits: float | None, samples: Mapping[str, Sample]) -> float:
    sample = samples[key]
    if case.by == "cpu":
        return sample.cpu
    return sample.said.seconds * ((2 if commits is None else commits) if key == "commit" else 1)


def _judged(row: Row, targets: Sequence[Target], earlier: Mapping[str, Row]) -> Row:
    verdicts: list[Verdict] = []
    for target in targets:
        value = _figure(row, target)
        text = f"{_SHOWN[target.figure]} <= {target.most:g}"
        if target.beside:
            value /= _figure(earlier[target.beside], target)
            text += f" x that of {earlier[target.beside].title}"
        verdicts.append(Verdict(text=text, value=value, well=value <= target.most))
    return replace(row, verdicts=tuple(verdicts))


_SHOWN = {"each": "each", "cpu": "CPU ms", "ratio": "ratio"}


def _figure(row: Row, target: Target) -> float:
    match target.figure:
        case "each":
            return row.each
        case "cpu":
            return row.cpu * MS
        case "ratio":
            return row.ratio or 0.0


def table(rows: Sequence[Row], *, judge: bool) -> str:
    """Return the rows as text.

    Args:
        judge: Whether to say which targets are met.
    """
    lines = [HEAD, *(_cells(row, judge=judge) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place in {0, len(HEAD) - 1} else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(row: Row, *, judge: bool) -> tuple[str, ...]:
    verdicts = (f"{one.text}: {'ok' if one.well else 'MISSES'} ({one.value:.3g})" for one in row.verdicts)
    return (
        row.title,
        f"{row.wall:.3f}",
        f"{row.each:.2f}",
        f"{row.cpu:.3f}",
        _number(row.each_cpu),
        _number(row.own_cpu),
        f"{row.memory / MB:.0f}",
        _number(row.commits),
        _number(row.floor),
        _number(row.ratio),
        "; ".join(verdicts) if judge else "",
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
