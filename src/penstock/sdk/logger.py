"""What a task reports while it runs: scalars, plots, tables, images and texts.

Reporting returns at once and never raises into the caller's work for reasons of recording; a wrong argument does raise.
"""

from __future__ import annotations

import io
import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from penstock.core.errors import Invalid, PenstockError
from penstock.core.outputs import Plot
from penstock.run import current
from penstock.sdk import figures, media, tables
from penstock.sdk.absent import NotLogger

if TYPE_CHECKING:
    from penstock.run.reporter import Reporter


Extra = Mapping[str, Any] | None


class Logger(NotLogger):
    """Reports for one task. Get it with `Logger.current_logger()`, `task.get_logger()` or `pipe.get_logger()`.

    Reporting returns at once; what is reported is recorded a fraction of a second later. What a step or a recorded
    script prints becomes its console: of a step all that it and its processes write, of a script what goes through
    Python's own `print`, `sys.stdout`, `sys.stderr` and `logging`, not what C code or other processes write.
    """

    groups_tensorboard: ClassVar[bool] = False

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

    def report_text(self, msg: object, level: int = logging.INFO, print_console: bool = True) -> None:
        """Add a text to the task's console.

        Args:
            msg: The text.
            level: Kept for the documented API; every text is recorded.
            print_console: Whether it is printed as well; where what is printed is recorded, that is what records it.
        """
        _ = level
        if print_console:
            print(msg)  # noqa: T201 - as asked
        working = current.get()
        in_step = working is not None and working.assigned and working.reporter is self._reporter
        if not (print_console and (in_step or self._reporter.hears_prints)):
            self._reporter.text(str(msg))

    def report_plotly(self, title: str, series: str, figure: object, iteration: int | None = None) -> None:
        """Report a Plotly figure, or a dict in Plotly's form (`data`, `layout`)."""
        to_json = getattr(figure, "to_json", None)
        found: object = json.loads(str(to_json())) if callable(to_json) else figure
        if not isinstance(found, Mapping):
            raise Invalid(f"figure must be a Plotly figure or a dict, not a {type(figure).__name__}")
        self._plot(title, series, "plotly", _json(cast("object", found)), iteration)

    def report_table(
        self, title: str, series: str, iteration: int | None = None, table_plot: object = None,
        csv: str | Path | None = None, url: str | None = None, extra_layout: Extra = None,
    ) -> None:  # fmt: skip
        """Report a table.

        Args:
            table_plot: A pandas or polars frame, or a list of rows whose first holds the column names.
            csv: A CSV file to read instead; its first row holds the column names.
            url: Refused: what lies elsewhere is not fetched.
            extra_layout: Kept for the documented API; a table is shown as one.
        """
        _ = extra_layout
        _refuse_url(url, "csv")
        rows = tables.read_csv(csv) if csv is not None else tables.rows(table_plot)
        self._plot(title, series, "table", _json(rows), iteration)

    def report_image(
        self, title: str, series: str, iteration: int | None = None, local_path: str | Path | None = None,
        image: object = None, max_image_history: int | None = None, delete_after_upload: bool = False,
        url: str | None = None,
    ) -> None:  # fmt: skip
        """Report an image: a file, a PIL image, or an array of shape (height, width[, 3 or 4]).

        An array of integers holds 0 to 255, one of floats 0 to 1.

        Args:
            max_image_history: Kept for the documented API; every image is kept.
            delete_after_upload: Whether the file is removed once it is stored.
            url: Refused: what lies elsewhere is not fetched.
        """
        _ = max_image_history
        _refuse_url(url, "local_path")
        stored = self._picture(title, series, media.image(local_path, image), iteration)
        if stored and local_path is not None and delete_after_upload:
            Path(local_path).unlink()

    def report_media(
        self, title: str, series: str, iteration: int | None = None, local_path: str | Path | None = None,
        stream: io.BytesIO | io.StringIO | None = None, file_extension: str | None = None,
        max_history: int | None = None, delete_after_upload: bool = False, url: str | None = None,
    ) -> None:  # fmt: skip
        """Report an image, an audio or a video file, or a text, up to 5 MB: it is kept with the plots, in base 64.

        Args:
            local_path: The file.
            stream: What is read instead of a file; `file_extension` then says what it holds.
            file_extension: Such as `mp3`.
            max_history: Kept for the documented API; everything is kept.
            delete_after_upload: Whether the file is removed once it is taken.
            url: Refused: what lies elsewhere is not fetched.
        """
        _ = max_history
        _refuse_url(url, "local_path")
        self._plot(title, series, "media", _json(media.described(local_path, stream, file_extension)), iteration)
        if local_path is not None and delete_after_upload:
            Path(local_path).unlink()

    def report_histogram(
        self, title: str, series: str, values: object, iteration: int | None = None,
        labels: Sequence[str] | None = None, xlabels: Sequence[str] | None = None, xaxis: str | None = None,
        yaxis: str | None = None, mode: str | None = None, data_args: Extra = None, extra_layout: Extra = None,
    ) -> None:  # fmt: skip
        """Report bars: a height each, or rows of heights for groups of bars.

        Args:
            labels: A name for each group.
            xlabels: A label for each bar of a group.
            xaxis, yaxis: Titles of the axes.
            mode: How groups stand: `group` (the default), `stack` or `relative`.
            data_args, extra_layout: Handed to Plotly as they are.
        """
        if mode not in {None, "group", "stack", "relative"}:
            raise Invalid(f"mode must be group, stack or relative, not {mode!r}")
        bars = figures.bars(str(series), values, labels, xlabels, data_args)
        layout = figures.layout(str(title), {"xaxis": xaxis, "yaxis": yaxis}, extra_layout)
        self._figure(title, series, bars, {"barmode": mode or "group", **layout}, iteration)

    def report_vector(
        self, title: str, series: str, values: object, iteration: int | None = None,
        labels: Sequence[str] | None = None, xlabels: Sequence[str] | None = None, xaxis: str | None = None,
        yaxis: str | None = None, mode: str | None = None, extra_layout: Extra = None,
    ) -> None:  # fmt: skip
        """Report the numbers of a vector as bars; the arguments are those of `report_histogram`."""
        self.report_histogram(title, series, values, iteration, labels, xlabels, xaxis, yaxis, mode, None, extra_layout)

    def report_line_plot(
        self, title: str, series: Sequence[Mapping[str, Any]], xaxis: str, yaxis: str, mode: str = "lines",
        iteration: int | None = None, reverse_xaxis: bool = False, comment: str | None = None,
        extra_layout: Extra = None,
    ) -> None:  # fmt: skip
        """Report lines in one diagram.

        Args:
            series: A dict for each line: `name`, and `data` as pairs (x, y).
            xaxis, yaxis: Titles of the axes.
            mode: `lines`, `markers` or `lines+markers`.
            reverse_xaxis: Whether x falls to the right.
            comment: Stands below the title.
            extra_layout: Handed to Plotly as it is.
        """
        given: object = series
        if not isinstance(given, list | tuple) or not all(_is_line(one) for one in cast("Sequence[object]", given)):
            raise Invalid("series must be a list of dicts with 'name' and 'data'")
        drawn = [
            figures.line(str(one.get("name", place)), one["data"], f"series[{place}]['data']", mode, one.get("labels"))
            for place, one in enumerate(series)
        ]
        layout = figures.layout(str(title), {"xaxis": xaxis, "yaxis": yaxis}, None, comment)
        layout["xaxis"] |= {"autorange": "reversed"} if reverse_xaxis else {}
        self._figure(title, "", drawn, figures.merged(layout, extra_layout), iteration)

    def report_scatter2d(
        self, title: str, series: str, scatter: object, iteration: int | None = None, xaxis: str | None = None,
        yaxis: str | None = None, labels: Sequence[str] | None = None, mode: str = "line", comment: str | None = None,
        extra_layout: Extra = None,
    ) -> None:  # fmt: skip
        """Report points in a plane.

        Args:
            scatter: Pairs (x, y), or an array of shape (points, 2).
            labels: A text for each point.
            mode: `line`, `lines`, `markers` or `lines+markers`.
            comment: Stands below the title.
            extra_layout: Handed to Plotly as it is.
        """
        mode = "lines" if mode == "line" else mode
        drawn = figures.line(str(series), scatter, "scatter", mode, labels)
        layout = figures.layout(str(title), {"xaxis": xaxis, "yaxis": yaxis}, extra_layout, comment)
        self._figure(title, series, [drawn], layout, iteration)

    def report_scatter3d(
        self, title: str, series: str, scatter: object, iteration: int | None = None, xaxis: str | None = None,
        yaxis: str | None = None, zaxis: str | None = None, labels: Sequence[str] | None = None,
        mode: str = "markers", fill: bool = False, comment: str | None = None, extra_layout: Extra = None,
    ) -> None:  # fmt: skip
        """Report points in space.

        Args:
            scatter: Triples (x, y, z), or an array of shape (points, 3).
            fill: Whether the area that the points enclose is filled.
        """
        drawn = figures.cloud(str(series), scatter, mode, labels, fill=fill)
        scene = figures.layout("", {"xaxis": xaxis, "yaxis": yaxis, "zaxis": zaxis}, None)
        layout = figures.layout(str(title), {}, {"scene": _axes(scene)}, comment)
        self._figure(title, series, [drawn], figures.merged(layout, extra_layout), iteration)

    def report_confusion_matrix(
        self, title: str, series: str, matrix: object, iteration: int | None = None, xaxis: str | None = None,
        yaxis: str | None = None, xlabels: Sequence[str] | None = None, ylabels: Sequence[str] | None = None,
        yaxis_reversed: bool = False, comment: str | None = None, extra_layout: Extra = None,
    ) -> None:  # fmt: skip
        """Report a matrix as a heat map.

        Args:
            matrix: Rows of one length, or an array of two dimensions.
            xlabels, ylabels: A label for each column and for each row.
            yaxis_reversed: Whether the first row is at the top.
        """
        drawn = figures.field("heatmap", str(series), matrix, xlabels, ylabels)
        layout = figures.layout(str(title), {"xaxis": xaxis, "yaxis": yaxis}, None, comment)
        layout["yaxis"] |= {"autorange": "reversed"} if yaxis_reversed else {}
        self._figure(title, series, [drawn], figures.merged(layout, extra_layout), iteration)

    def report_matrix(
        self, title: str, series: str, matrix: object, iteration: int | None = None, xaxis: str | None = None,
        yaxis: str | None = None, xlabels: Sequence[str] | None = None, ylabels: Sequence[str] | None = None,
        yaxis_reversed: bool = False, extra_layout: Extra = None,
    ) -> None:  # fmt: skip
        """Report a matrix as a heat map; the arguments are those of `report_confusion_matrix`."""
        self.report_confusion_matrix(
            title, series, matrix, iteration, xaxis, yaxis, xlabels, ylabels, yaxis_reversed, None, extra_layout
        )

    def report_surface(
        self, title: str, series: str, matrix: object, iteration: int | None = None, xaxis: str | None = None,
        yaxis: str | None = None, zaxis: str | None = None, xlabels: Sequence[str] | None = None,
        ylabels: Sequence[str] | None = None, camera: Sequence[float] | None = None, comment: str | None = None,
        extra_layout: Extra = None,
    ) -> None:  # fmt: skip
        """Report a matrix of heights as a surface in space.

        Args:
            matrix: Rows of one length, or an array of two dimensions.
            camera: The place (x, y, z) that it is looked at from.
        """
        drawn = figures.field("surface", str(series), matrix, xlabels, ylabels)
        scene = _axes(figures.layout("", {"xaxis": xaxis, "yaxis": yaxis, "zaxis": zaxis}, None))
        if camera is not None:
            (eye,) = figures.rows([camera], "camera", 3)
            scene["camera"] = {"eye": dict(zip("xyz", eye, strict=True))}
        layout = figures.layout(str(title), {}, {"scene": scene}, comment)
        self._figure(title, series, [drawn], figures.merged(layout, extra_layout), iteration)

    def report_matplotlib_figure(
        self, title: str, series: str, figure: object, iteration: int | None = None, report_image: bool = False,
        report_interactive: bool = True,
    ) -> None:  # fmt: skip
        """Report a Matplotlib figure, as a picture of 100 dots per inch.

        Args:
            figure: The figure, or the module `pyplot` for its current one.
            report_image, report_interactive: Kept for the documented API; the figure is always recorded as a picture.
        """
        _ = report_image, report_interactive
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
        else:
            self._reporter.wake()
        return True

    def set_default_upload_destination(self, uri: str) -> None:
        """Set where images and media go; they go to the blobs of this home whatever it says.

        Args:
            uri: Kept, and returned by `get_default_upload_destination`.
        """
        self._reporter.destination = str(uri)

    def get_default_upload_destination(self) -> str | None:
        """Return what `set_default_upload_destination` was given, or None."""
        return self._reporter.destination

    @classmethod
    def tensorboard_auto_group_scalars(cls, group_scalars: bool = False) -> None:
        """Set whether scalars of TensorBoard without a title of their own share the title `Scalars`."""
        cls.groups_tensorboard = bool(group_scalars)

    @classmethod
    def tensorboard_single_series_per_graph(cls, single_series: bool = False) -> None:
        """Do nothing: whoever looks at a diagram decides what stands in it. Kept for the documented API."""
        _ = single_series

    @classmethod
    def matplotlib_force_report_non_interactive(cls, force: bool) -> None:
        """Do nothing: figures of Matplotlib are always recorded as pictures. Kept for the documented API."""
        _ = force

    def _figure(
        self, title: str, series: str, data: list[figures.Figure], layout: figures.Figure, iteration: int | None
    ) -> None:
        self._plot(title, series, "plotly", _json({"data": data, "layout": layout}), iteration)

    def _picture(self, title: str, series: str, data: bytes, iteration: int | None) -> bool:
        try:
            blob = self._reporter.blobs.put_bytes(data)
        except PenstockError as error:
            self._reporter.complain(f"image {title!r} could not be recorded: {error}")
            return False
        self._plot(title, series, "image", blob.hash, iteration)
        return True

    def _plot(self, title: str, series: str, kind: str, data: str, iteration: int | None) -> None:
        plot = Plot(title=str(title), series=str(series), kind=kind, iteration=int(iteration or 0), data=data)
        self._reporter.plot(plot)


def _is_line(value: object) -> bool:
    return isinstance(value, Mapping) and "data" in value


def _axes(layout: figures.Figure) -> figures.Figure:
    return {name: axis for name, axis in layout.items() if name != "title"}


def _refuse_url(url: str | None, instead: str) -> None:
    if url is not None:
        raise Invalid("url is not fetched", hint=f"download it first, and give {instead}")


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
