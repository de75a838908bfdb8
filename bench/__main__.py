"""`python bench`: measures what Penstock costs, beside what the machine itself takes, and prints one table.

See README.md for how to read it.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from cases import Case, cases
from measure import HERE, Sample, measure, middle
from msgspec import Struct
from report import Row, rows, table

ROUNDS = 3
STAT = Path("/proc/stat")
DISTURBED = 0.2  # cores that others kept busy
BUSY = "Other programs disturbed this: compare processor times; wall times say little.\n"


class Machine(Struct, frozen=True, kw_only=True):
    """Where and when it was measured.

    Args:
        load: Of the last minute, before and after.
        others: How many cores other programs kept busy meanwhile, on average; None where the system does not tell.
    """

    date: str
    platform: str
    python: str
    cores: int
    folder: str
    rounds: int
    load: tuple[float, float]
    others: float | None


class Measured(Struct, frozen=True, kw_only=True):
    """What `--json` writes."""

    machine: Machine
    quick: bool
    rows: list[Row]


def main() -> None:
    """Measure, print the table and write the JSON file."""
    options = _options()
    chosen = [case for case in cases(quick=options.quick) if not options.only or _is_wanted(case, options.only)]
    folder = Path(tempfile.mkdtemp(prefix="penstock-bench-", dir=options.folder))
    rounds = 1 if options.quick else options.rounds
    load, busy, began = os.getloadavg()[0], _busy_elsewhere(), time.monotonic()
    try:
        samples = _measure(chosen, folder, rounds=rounds, quick=options.quick)
    finally:
        shutil.rmtree(folder)
    machine = Machine(
        date=time.strftime("%Y-%m-%d %H:%M"),
        platform=platform.platform(),
        python=platform.python_version(),
        cores=os.cpu_count() or 0,
        folder=str(options.folder),
        rounds=rounds,
        load=(load, os.getloadavg()[0]),
        others=None if busy is None else ((_busy_elsewhere() or 0.0) - busy) / (time.monotonic() - began),
    )
    found = Measured(machine=machine, quick=options.quick, rows=rows(chosen, samples))
    print(_heading(machine))
    print(table(found.rows, judge=not options.quick))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2))


def _measure(chosen: list[Case], folder: Path, *, rounds: int, quick: bool) -> dict[str, Sample]:
    """Measure all cases in turn, several times over, so that a floor and what stands on it meet the same weather.

    After that each is run once more, only to look at its memory.
    """
    samples: dict[str, list[Sample]] = {case.key: [] for case in chosen if not case.same}
    measure(("-c", "import penstock; penstock.PipelineController"), folder)  # compiles what is not compiled yet
    for turn in range(rounds):
        for case in chosen:
            if not case.same:
                _tell(f"round {turn + 1} of {rounds}: {case.title}")
                samples[case.key].append(measure(case.command, folder, times=case.times, warm=case.warm, look=quick))
    found = {key: middle(some) for key, some in samples.items()}
    for case in chosen:
        if not quick and case.key in found:
            _tell(f"memory: {case.title}")
            seen = measure(case.command, folder, warm=case.warm, look=True)
            found[case.key] = msgspec.structs.replace(found[case.key], tree=seen.tree)
    _tell("")
    return found


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{what}")
        sys.stderr.flush()


def _busy_elsewhere() -> float | None:
    """Return the seconds for which the cores have worked for anybody but this process and its children."""
    if not STAT.exists():
        return None
    user, nice, system, _, _, irq, softirq, *_ = map(int, STAT.read_text().splitlines()[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


def _heading(machine: Machine) -> str:
    others = "" if machine.others is None else f"other programs kept {machine.others:.2f} cores busy; "
    return (
        f"{machine.date}, Python {machine.python}, {machine.cores} cores, {machine.platform}\n"
        f"load {machine.load[0]:.2f} before, {machine.load[1]:.2f} after; {others}"
        f"medians of {machine.rounds} rounds; homes below {machine.folder}\n"
        f"{BUSY if (machine.others or 0) > DISTURBED else ''}"
    )


def _is_wanted(case: Case, words: str) -> bool:
    """Return whether the case is one of those asked for, or a floor or a case that those are compared with."""
    return case.title.startswith("floor") or case.key in {"chain_1", "kept"} or words in case.key


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python bench", description="Measure what Penstock costs.")
    parser.add_argument("--quick", action="store_true", help="small sizes, once: to see that it runs, not to judge")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often everything is measured (%(default)s)")
    parser.add_argument("--only", metavar="WORD", default="", help="only the cases with this word in their key")
    cache = HERE.parent / ".cache"
    parser.add_argument("--folder", type=Path, default=cache, help="where the homes lie: the disk that is measured")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    return options


if __name__ == "__main__":
    main()
