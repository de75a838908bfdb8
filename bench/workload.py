"""The pipelines that are measured: `python workload.py RESULT SHAPE SIZE` runs one and says what it took."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from penstock import PipelineController
from penstock.store.sqlite import SqliteStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from penstock.store.transaction import SqlTx


def nothing() -> None:
    """Do nothing."""


def increment(number: int) -> int:
    """Return the number that follows."""
    return number + 1


def make_array(megabytes: int) -> NDArray[np.float64]:
    """Return an array of this size."""
    import numpy as np  # noqa: PLC0415 - a step imports what it needs

    return np.arange(megabytes * 125_000, dtype=np.float64)


def add_up(array: NDArray[np.float64]) -> float:
    """Read all of the array."""
    return float(array.sum())


def make_and_add_up(megabytes: int) -> float:
    """Do both without handing the array on."""
    import numpy as np  # noqa: PLC0415 - a step imports what it needs

    return float(np.arange(megabytes * 125_000, dtype=np.float64).sum())


def chain(pipe: PipelineController, size: int) -> None:
    """Add steps that do nothing, one after another."""
    for number in range(size):
        pipe.add_function_step(f"s{number}", nothing, parents=[f"s{number - 1}"] if number else None)


def fan(pipe: PipelineController, size: int) -> None:
    """Add one step, then this many beside each other, then one that waits for all of them."""
    pipe.add_function_step("first", nothing)
    names = [f"s{number}" for number in range(size)]
    for name in names:
        pipe.add_function_step(name, nothing, parents=["first"])
    pipe.add_function_step("last", nothing, parents=names)


def numbers(pipe: PipelineController, size: int) -> None:
    """Add steps that hand a number on, one after another."""
    for number in range(size):
        before = f"${{s{number - 1}.number}}" if number else 0
        pipe.add_function_step(f"s{number}", increment, {"number": before}, function_return=["number"])


def reused(pipe: PipelineController, size: int) -> None:
    """Add steps that do nothing, one after another; in a home where they ran before none of them runs."""
    for number in range(size):
        parents = [f"s{number - 1}"] if number else None
        pipe.add_function_step(f"s{number}", nothing, parents=parents, cache_executed_step=True)


def array(pipe: PipelineController, size: int) -> None:
    """Add a step that makes an array of this many megabytes, and one that reads it."""
    pipe.add_function_step("make", make_array, {"megabytes": size}, function_return=["array"])
    pipe.add_function_step("read", add_up, {"array": "${make.array}"}, function_return=["total"])


def kept(pipe: PipelineController, size: int) -> None:
    """Add steps that do the same work, but hand only a number on."""
    pipe.add_function_step("make", make_and_add_up, {"megabytes": size}, function_return=["total"])
    pipe.add_function_step("read", increment, {"number": "${make.total}"}, function_return=["number"])


SHAPES: dict[str, Callable[[PipelineController, int], None]] = {
    "chain": chain,
    "fan": fan,
    "numbers": numbers,
    "reused": reused,
    "array": array,
    "kept": kept,
}


def count_durable_commits() -> Callable[[], int]:
    """Count from now on; the function that is returned tells how many there were."""
    original, made = SqliteStore.transaction, 0

    @contextmanager
    def counted(self: SqliteStore, *, writes: bool = True, durable: bool = True) -> Generator[SqlTx]:
        nonlocal made
        with original(self, writes=writes, durable=durable) as tx:
            yield tx
        made += writes and durable

    SqliteStore.transaction = counted  # type: ignore[method-assign]
    return lambda: made


def main() -> None:
    """Run what the command line asks for."""
    result, shape, size = sys.argv[1:]
    commits = count_durable_commits()
    pipe = PipelineController(name=shape, project="Bench", version="1.0.0")
    SHAPES[shape](pipe, int(size))
    began, cpu = time.perf_counter(), time.process_time()
    pipe.start_locally(run_pipeline_steps_locally=True)
    said = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "commits": commits()}
    if not pipe.is_successful():
        raise SystemExit("the pipeline did not complete")
    Path(result).write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    main()
