"""What a task reports while it runs: scalars, plots, tables, images and texts.

Reporting returns at once and never raises into the caller's work for reasons of recording; a wrong argument does raise.
"""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from penstock.core.errors import Invalid, PenstockError
from penstock.core.outputs import Plot
from penstock.run import current

if TYPE_CHECKING:
    from penstock.run.reporter import Reporter


class Logger:
    """Reports for one task. Get it with `Logger.current_logger()`, `task.get_logger()` or `pipe.get_logger()`."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    @classmethod
    def current_logger(cls) -> Logger:
        """Return the logger of the task that this process works on.

        Raises:
            Invalid: This process works on no task.
        """
        working = current.get()
        if working is None:
            raise Invalid("this process works on no task", hint="call it inside a step, or after making a pipeline")
        return cls(working.reporter)

    def report_scalar(self, title: str, series: str, value: float, iteration: int) -> None:
        """Report one point of a curve.

        Args:
            title: The diagram.
            series: The curve in it.
            value: The number; also NaN and infinities.
            iteration: Its place on the horizontal axis.
        """
        self._reporter.scalar(str(title), str(series), _number(value), int(iteration))

    def report_single_value(self, name: str, value: float) -> None:
        """Report a number that the task has once, such as a final accuracy."""
        self._reporter.scalar("Summary", str(name), _number(value), None)

    def report_text(self, msg: object, print_console: bool = True) -> None:
        """Add a text to the task's console.

        Args:
            msg: The text.
            print_console: Whether it is printed as well; in a step, printing is what records it.
        """
        working = current.get()
        if print_console:
            print(msg)  # noqa: T201 - as asked
        printed = print_console and working is not None and working.is_step and working.reporter is self._reporter
        if not printed:
            self._reporter.text(str(msg))

    def report_plotly(self, title: str, series: str, figure: object, iteration: int = 0) -> None:
        """Report a Plotly figure, or a dict in Plotly's form (`data`, `layout`)."""
        to_json = getattr(figure, "to_json", None)
        found: object = json.loads(str(to_json())) if callable(to_json) else figure
        self._plot(title, series, "plotly", _json(found), iteration)

    def report_table(
        self,
        title: str,
        series: str,
        iteration: int = 0,
        table_plot: object = None,
        csv: str | Path | None = None,
    ) -> None:
        """Report a table.

        Args:
            table_plot: A pandas or polars frame, or a list of rows whose first holds the column names.
            csv: A CSV file to read instead; its first row holds the column names.
        """
        rows = _read_csv(csv) if csv is not None else _rows(table_plot)
        self._plot(title, series, "table", _json(rows), iteration)

    def report_image(
        self, title: str, series: str, iteration: int = 0, local_path: str | Path | None = None, image: object = None
    ) -> None:
        """Report an image: a file, a PIL image, or an array of shape (height, width[, 3 or 4]).

        An array of integers holds 0 to 255, one of floats 0 to 1.
        """
        self._picture(title, series, _image(local_path, image), iteration)

    def report_histogram(
        self, title: str, series: str, values: Sequence[float] | object, iteration: int = 0,
        xlabels: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        """Report bars: one height each, with a label each where `xlabels` has them."""
        heights = [_number(value) for value in _listed(values)]
        labels = list(xlabels) if xlabels is not None else list(range(len(heights)))
        if len(labels) != len(heights):
            raise Invalid(f"histogram {title!r} has {len(heights)} values but {len(labels)} labels")
        self._plot(title, series, "histogram", _json({"values": heights, "labels": labels}), iteration)

    def report_matplotlib_figure(
        self, title: str, series: str, figure: object = None, iteration: int = 0, report_image: bool = True
    ) -> None:
        """Report a Matplotlib figure, as a picture of 100 dots per inch.

        Args:
            figure: The figure, or the module `pyplot` for its current one.
            report_image: Kept for the documented API; the figure is always recorded as a picture.
        """
        _ = report_image
        current_figure = getattr(figure, "gcf", None)
        chosen: Any = current_figure() if callable(current_figure) else figure
        if not hasattr(chosen, "savefig"):
            raise Invalid(f"{type(figure).__name__} is not a Matplotlib figure", hint="give figure=plt.gcf()")
        target = io.BytesIO()
        chosen.savefig(target, format="png", dpi=100, bbox_inches="tight")
        self._picture(title, series, target.getvalue(), iteration)

    def flush(self, wait: bool = True) -> bool:
        """Record what was reported so far; return True.

        Args:
            wait: Whether to wait until it is recorded.
        """
        if wait:
            self._reporter.flush()
        return True

    def _picture(self, title: str, series: str, data: bytes, iteration: int) -> None:
        try:
            blob = self._reporter.blobs.put_bytes(data)
        except PenstockError as error:
            self._reporter.complain(f"image {title!r} could not be recorded: {error}")
            return
        self._plot(title, series, "image", blob.hash, iteration)

    def _plot(self, title: str, series: str, kind: str, data: str, iteration: int) -> None:
        plot = Plot(title=str(title), series=str(series), kind=kind, iteration=int(iteration), data=data)
        self._reporter.plot(plot)


def _json(value: object) -> str:
    """Return JSON that everybody reads: numbers that it does not have become null, other values texts."""
    return json.dumps(_finite(value), default=str, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in cast("dict[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in cast("Sequence[object]", value)]
    return value


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Invalid(f"a reported value must be a number, not {value!r}") from None


def _listed(values: object) -> list[object]:
    tolist = getattr(values, "tolist", None)
    found: object = tolist() if callable(tolist) else values
    if isinstance(found, Mapping | str) or not hasattr(found, "__iter__"):
        raise Invalid(f"expected a list of numbers, not a {type(values).__name__}")
    return list(cast("Sequence[object]", found))


def _rows(table: object) -> list[list[object]]:
    kind = type(table)
    module = kind.__module__.partition(".")[0]
    frame: Any = table
    if module == "pandas":
        split = frame.reset_index().to_dict("split") if frame.index.name else frame.to_dict("split")
        return [list(split["columns"]), *split["data"]]
    if module == "polars":
        return [list(frame.columns), *(list(row) for row in frame.rows())]
    if isinstance(table, list | tuple):
        rows: Sequence[object] = frame
        if all(isinstance(row, list | tuple) for row in rows):
            return [list(cast("Sequence[object]", row)) for row in rows]
    raise Invalid(f"a {kind.__name__} is not a table", hint="give a frame, or a list of rows")


def _read_csv(path: str | Path) -> list[list[object]]:
    import csv

    with Path(path).open(newline="", encoding="utf-8") as file:
        return [list(row) for row in csv.reader(file)]


def _image(path: str | Path | None, image: object) -> bytes:
    if path is not None:
        file = Path(path)
        kind = file.suffix.lower().lstrip(".").replace("jpg", "jpeg")
        if kind not in {"png", "jpeg", "gif", "webp"}:
            raise Invalid(f"{file.name!r} is not an image that can be shown", hint="give a PNG, JPEG, GIF or WebP file")
        return file.read_bytes()
    target = io.BytesIO()
    picture: Any = image
    if type(image).__module__.partition(".")[0] != "PIL":
        picture = _picture(image)
    picture.save(target, format="PNG")
    return target.getvalue()


def _picture(image: object) -> object:
    """Make a PIL image of an array; the array's own library is there already."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not hasattr(image, "shape"):
        raise Invalid(f"a {type(image).__name__} is not an image", hint="give local_path, a PIL image or an array")
    from PIL import Image

    array = numpy.asarray(image)
    if array.dtype.kind == "f":
        array = (array.clip(0, 1) * 255).round()
    return Image.fromarray(array.astype("uint8").squeeze())
