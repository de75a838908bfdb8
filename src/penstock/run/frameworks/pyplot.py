"""Matplotlib: the figures that `pyplot.show` shows. Figures that are saved to files are the user's own business."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import WeakSet

from penstock.run.frameworks.notes import Notes, Spot, caller

_KEY = "matplotlib"

# Backends of Matplotlib that only draw to files. To show something with them does nothing, or warns.
_WITHOUT_WINDOWS = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}


def followed(pyplot: Any) -> Iterator[Spot]:
    """Yield what is followed of the module `matplotlib.pyplot`."""
    yield Spot(pyplot, "show", _KEY, _Shown().around)


class _Shown:
    """The figures that were shown."""

    def __init__(self) -> None:
        self._titles: Counter[str] = Counter()
        self._recorded: WeakSet[Any] = WeakSet()

    def around(self, notes: Notes, call: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Show, and record what was shown."""
        if caller().startswith("matplotlib."):  # `pause` shows what it has drawn, many times a second
            return call(*args, **kwargs)
        managers: list[Any] = notes.attempt(_KEY, _managers) or []  # now, since windows that were closed are forgotten
        in_vain = bool(notes.attempt(_KEY, _is_in_vain, args, kwargs))
        result = None if in_vain else call(*args, **kwargs)
        for manager in managers:
            notes.attempt(_KEY, self._record, notes, manager.num, manager.canvas.figure)
            if in_vain:
                manager.canvas.figure.stale = False  # as if it had been drawn: a change makes it stale again
        return result

    def _record(self, notes: Notes, number: int | str, figure: Any) -> None:
        """Record a figure, unless it was recorded and nothing in it has changed since."""
        if figure in self._recorded and not figure.stale:
            return
        title = _title(figure) or f"figure {number}"
        iteration = self._titles[title]
        self._titles[title] += 1
        notes.recorder.figure(title, title, figure, iteration)
        self._recorded.add(figure)


def _managers() -> list[Any]:
    """Return the open figures with their windows, in the order in which they were opened."""
    helpers: Any = sys.modules["matplotlib._pylab_helpers"]
    return sorted(helpers.Gcf.get_all_fig_managers(), key=lambda one: one.num)


def _is_in_vain(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    matplotlib: Any = sys.modules["matplotlib"]
    return not args and set(kwargs) <= {"block"} and matplotlib.get_backend().lower() in _WITHOUT_WINDOWS


def _title(figure: Any) -> str:
    """Return the figure's title, else the first one in it, else the name that it was made with."""
    whole = getattr(figure, "get_suptitle", str)()  # Matplotlib 3.8 has it, and newer ones
    found = [whole, *(axes.get_title() for axes in figure.axes), figure.get_label()]
    return next((" ".join(str(one).split()) for one in found if one), "")
