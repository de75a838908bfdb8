"""What the machine of an agent uses now, in percent, as it is shown of the agent; it must never know who shows it.

Where the system does not tell something, or there is none of it, that is left out.
"""

from __future__ import annotations

from pathlib import Path

from penstock.run.resources import Counts, cpu_seconds, disk, gpu_reader, memory, rates


class Usage:
    """Looks at the machine.

    Args:
        folder: The disk that it lies on, or will lie on, is the one that is shown.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = next(one for one in (folder, *folder.resolve().parents) if one.exists())
        self._cpu = cpu_seconds()
        self._gpus = gpu_reader()

    def now(self) -> dict[str, float]:
        """Return what is used: `cpu` since the last look, `memory`, `disk`, and of all GPUs `gpu` and `gpu_memory`."""
        before, self._cpu = self._cpu, cpu_seconds()
        found = {
            "cpu": rates(before, self._cpu, 0.0).get("cpu_usage"),
            "memory": _share(memory(), "memory_"),
            "disk": _share(disk(self._folder), "disk_"),
        }
        gpus = self._gpus()
        busy = [percent for name, percent in gpus.items() if name.endswith("_utilization")]
        if busy:
            found |= {"gpu": sum(busy) / len(busy), "gpu_memory": _share(gpus, "mem_")}
        return {name: round(percent, 1) for name, percent in found.items() if percent is not None}


def _share(amounts: Counts, what: str) -> float | None:
    """Return how much of something is used, in percent; None when nothing is known of it."""
    used, free = (
        sum(amount for name, amount in amounts.items() if name.endswith(f"{what}{state}_gb"))
        for state in ("used", "free")
    )
    return 100 * used / (used + free) if used + free else None
