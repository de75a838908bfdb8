"""What is measured, what it is compared with, and what it may cost. A new measurement is a new line here."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Figure = Literal["each", "cpu", "ratio"]


class Target(Struct, frozen=True, kw_only=True):
    """What a figure of a case may be at most.

    Args:
        figure: `each`, milliseconds a step; `cpu`, milliseconds of the whole process tree; `ratio` to the floor.
        most: The largest value that is well.
        beside: A case whose figure `most` is a multiple of.
    """

    figure: Figure
    most: float
    beside: str = ""


class Case(Struct, frozen=True, kw_only=True):
    """One line of the table.

    Args:
        key: Names it in the JSON file, whatever its size.
        title: What the table calls it.
        command: What follows `python`; `{result}` stands for the file that the process writes its figures to.
        same: The case whose figures are looked at once more, instead of a command.
        steps: Steps of the pipeline; 0 where there is none.
        one: The case with one step of this kind: what a step costs is what the others cost beyond it.
        floor: What it is compared with: keys of floors; a number says how often each counts. `commit` stands for as
            many commits as a step was seen to make.
        by: Whether wall or processor time is compared.
        less: The case that does all the rest of what this one does: only the difference counts.
        times: How often it is run in one round.
        warm: Whether its home has been used before.
        target: What it may cost.
    """

    key: str
    title: str
    command: tuple[str, ...] = ()
    same: str = ""
    steps: int = 0
    one: str = ""
    floor: tuple[str, ...] = ()
    by: Literal["wall", "cpu"] = "wall"
    less: str = ""
    times: int = 1
    warm: bool = False
    target: tuple[Target, ...] = ()


STEP = ("fork_zygote", "commit")


def cases(*, quick: bool) -> tuple[Case, ...]:
    """Return the cases, in the order of the table; smaller ones when it has to be quick.

    Each floor stands near what it is compared with, so that both are measured in the same weather.
    """
    return (*_starts(quick=quick), *_pipelines(quick=quick), *_arrays(quick=quick), *_reports(quick=quick))


def _floor(key: str, title: str, number: int, times: int = 1) -> Case:
    return Case(key=key, title=f"floor: {title}", command=("floor.py", "{result}", key, str(number)), times=times)


def _starts(*, quick: bool) -> tuple[Case, ...]:
    times = 1 if quick else 5
    bare = ("python",)
    controller = "from penstock import PipelineController"
    return (
        Case(key="python", title="floor: python -c pass", command=("-c", "pass"), times=times),
        Case(
            key="import",
            title="import penstock",
            command=("-c", "import penstock"),
            floor=bare,
            by="cpu",
            times=times,
            target=(Target(figure="cpu", most=80),),
        ),
        Case(
            key="import_controller",
            title="import PipelineController",
            command=("-c", controller),
            floor=bare,
            by="cpu",
            times=times,
        ),
        Case(
            key="cold",
            title="one-step script, new home",
            command=("one_step.py",),
            floor=bare,
            by="cpu",
            times=times,
            target=(Target(figure="cpu", most=500),),
        ),
        Case(
            key="warm",
            title="one-step script, used home",
            command=("one_step.py",),
            floor=bare,
            by="cpu",
            times=times,
            warm=True,
            target=(Target(figure="cpu", most=500),),
        ),
    )


def _pipelines(*, quick: bool) -> tuple[Case, ...]:
    lengths = (1, 2, 3, 4) if quick else (1, 20, 100, 1000)
    widths = (2, 4) if quick else (100, 1000)
    targets = {"chain_3": (Target(figure="each", most=10),)}
    chains = (
        Case(
            key=f"chain_{place}",
            title=f"chain of {length}",
            command=("workload.py", "{result}", "chain", str(length)),
            steps=length,
            one="chain_1",
            floor=STEP,
            target=targets.get(f"chain_{place}", ()),
        )
        for place, length in enumerate(lengths, 1)
    )
    widest = Target(figure="each", most=1.2, beside="fan_1")
    fans = (
        Case(
            key=f"fan_{place}",
            title=f"fan-out 1-{width}-1",
            command=("workload.py", "{result}", "fan", str(width)),
            steps=width + 2,
            one="chain_1",
            floor=STEP,
            target=(Target(figure="each", most=6), *((widest,) if place > 1 else ())),
        )
        for place, width in enumerate(widths, 1)
    )
    numbers = Case(
        key="numbers",
        title=f"chain of {lengths[2]}, a number handed on",
        command=("workload.py", "{result}", "numbers", str(lengths[2])),
        steps=lengths[2],
        one="chain_1",
        floor=STEP,
    )
    reused = Case(
        key="reused",
        title=f"chain of {lengths[2]}, all reused",
        command=("workload.py", "{result}", "reused", str(lengths[2])),
        steps=lengths[2],
        floor=("python",),
        by="cpu",
        warm=True,
        target=(Target(figure="cpu", most=500),),
    )
    explain = Case(
        key="explain",
        title=f"penstock explain, a run of {lengths[2]} steps",
        command=("explain.py", str(lengths[2])),
        floor=("python",),
        by="cpu",
        warm=True,
        target=(Target(figure="cpu", most=300),),
    )
    imported = Case(
        key="recorded_import",
        title="from penstock import Task",
        command=("recorded.py", "import"),
        floor=("python",),
        by="cpu",
        warm=True,
    )
    recorded = Case(
        key="recorded",
        title="Task.init in an empty script, and its end",
        command=("recorded.py",),
        floor=("python",),
        by="cpu",
        less="recorded_import",
        warm=True,
        target=(Target(figure="cpu", most=150),),
    )
    many = 5 if quick else 200
    floors = (
        _floor("fork", "fork + wait, bare Python", many),
        _floor("fork_zygote", "fork + wait, size of the zygote", many),
        _floor("commit", "SQLite commit, synced", many),
    )
    return (*floors, *chains, numbers, *fans, reused, explain, imported, recorded)


def _arrays(*, quick: bool) -> tuple[Case, ...]:
    size, times = (1, 1) if quick else (100, 3)
    return (
        _floor("disk", f"write + fsync + read {size} MB", size, times),
        _floor("page_cache", f"write + read {size} MB", size, times),
        Case(
            key="kept",
            title=f"2 steps, {size} MB array kept",
            command=("workload.py", "{result}", "kept", str(size)),
            times=times,
        ),
        Case(
            key="array",
            title=f"the same, {size} MB array handed on",
            command=("workload.py", "{result}", "array", str(size)),
            times=times,
            less="kept",
            floor=("disk",),
            target=(Target(figure="ratio", most=1.5),),
        ),
        Case(key="array_plain", title="the same, beside no fsync", same="array", less="kept", floor=("page_cache",)),
    )


def _reports(*, quick: bool) -> tuple[Case, ...]:
    lines, many, times = (1000, 1000, 1) if quick else (100_000, 1_000_000, 3)

    def case(key: str, title: str, number: int, floor: tuple[str, ...] = (), *targets: Target) -> Case:
        command = ("reports.py", "{result}", key, str(number))
        return Case(key=key, title=title, command=command, times=times, floor=floor, target=targets)

    return (
        case("print_plain", f"floor: {lines:,} lines printed to a file, CPU", lines),
        case("print_recorded", "the same loop, recorded", lines, ("print_plain",), Target(figure="ratio", most=1.2)),
        case("print_to_the_end", "the same, until all is recorded", lines, ("print_plain",)),
        case("scalars", f"{many:,} scalars reported", many, (), Target(figure="each", most=many / 100)),
        case("points", f"floor: the bytes of {many:,} points read", many),
        case("drawing", "the same, drawn", many, ("points",), Target(figure="each", most=100)),
    )
