"""What a task left: artifacts, models, scalars, plots, console."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.core.errors import Invalid
from penstock.core.names import did_you_mean
from penstock.core.outputs import ScalarPoint, ScalarSummary
from penstock.ops.outputs import GetScalars, ListArtifacts, ListPlots, ReadConsole, SummarizeScalars
from penstock.sdk import artifacts, models, output_model, session
from penstock.sdk.artifacts import Artifact
from penstock.sdk.logger import Logger
from penstock.sdk.models import Model, TaskModels
from penstock.sdk.output_model import OutputModel
from penstock.sdk.task.record import Record

if TYPE_CHECKING:
    from penstock.run.storage import Serializer


Curves = dict[str, dict[str, dict[str, Any]]]
AXES: dict[str, Callable[[ScalarPoint], object]] = {
    "iter": lambda point: point.iteration,
    "timestamp": lambda point: int(point.at * 1000),
    "iso_time": lambda point: datetime.fromtimestamp(point.at, tz=UTC).isoformat(),
}


class Outputs(Record):
    """What a task left."""

    def upload_artifact(
        self,
        name: str,
        artifact_object: object,
        metadata: Mapping[str, object] | None = None,
        delete_after_upload: bool = False,
        auto_pickle: bool | None = None,
        preview: object = None,
        wait_on_upload: bool = False,
        extension_name: str | None = None,
        serialization_function: Serializer | None = None,
        retries: int = 0,
        sort_keys: bool = True,
    ) -> bool:
        """Store a value as an artifact; a text or path that names an existing file stores the file. Return True.

        Args:
            name: Its name; an artifact of this name is replaced.
            metadata: Facts to record with it, as texts.
            delete_after_upload: Whether the file that `artifact_object` names is removed once it is stored.
            serialization_function: Turns the value into bytes instead of its own format.
            preview: A short text that shows it, instead of one made of the value.
            auto_pickle, wait_on_upload, extension_name, retries, sort_keys: Accepted for compatibility; it is stored
                when this returns, in the format that gives it back as it was.

        Raises:
            NotSerializable: No format can store the value.
            DiskFull: There is no space for it.
        """
        _ = auto_pickle, wait_on_upload, extension_name, retries, sort_keys
        artifacts.upload(
            self.id,
            name,
            artifact_object,
            metadata=metadata,
            serializer=serialization_function,
            preview=None if preview is None else str(preview),
            delete=delete_after_upload,
        )
        return True

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """Its artifacts by name, as they are recorded now."""
        return {one.name: Artifact(one) for one in session.backend().call(ListArtifacts(task=self.id))}

    @property
    def models(self) -> TaskModels:
        """Its models as they are recorded now: `.input` and `.output`, each a list that is also a dict by name."""
        return models.of_task(self.id)

    def get_models(self) -> TaskModels:
        """The same as `models`."""
        return self.models

    def update_output_model(
        self,
        model_path: str,
        name: str | None = None,
        comment: str | None = None,
        tags: Iterable[str] | None = None,
        model_name: str | None = None,
        iteration: int | None = None,
        auto_delete_file: bool = True,
    ) -> str:
        """Store a file as weights of an output model; return their URL.

        Args:
            model_path: The file.
            name, model_name: The model's name; that of the file when there is none.
            comment, tags: What to note about it.
            iteration: The iteration that it belongs to.
            auto_delete_file: Whether a file in the folder for temporary ones is removed once it is stored.
        """
        made = OutputModel(
            self, name=model_name or name or Path(model_path).stem, comment=comment, tags=list(tags or ())
        )
        return made.update_weights(model_path, iteration=iteration, auto_delete_file=auto_delete_file)

    def upload_model(self, name: str, path: str) -> Model:
        """Store a file or folder as an output model."""
        return output_model.upload(self.id, name, path)

    def get_logger(self) -> Logger:
        """Return the logger that reports for it."""
        return Logger(session.reporter(self.id))

    def get_reported_scalars(self, max_samples: int = 0, x_axis: str = "iter") -> Curves:
        """Return reported points as `{title: {series: {"name": series, "x": places, "y": values}}}`.

        Args:
            max_samples: At most so many points of each series, as a drawing needs them: the ends and extremes stay. 0
                for all.
            x_axis: What the places are: `iter` for iterations, `timestamp` for milliseconds since the epoch, `iso_time`
                for texts such as `2026-01-31T12:00:00+00:00`.

        Raises:
            Invalid: There is no such axis, or the number of points is less than 2.
        """
        if x_axis not in AXES:
            raise Invalid(f"there is no x_axis {x_axis!r}", hint=did_you_mean(x_axis, AXES, ""))
        place = AXES[x_axis]
        found: Curves = {}
        for one in session.backend().call(GetScalars(task=self.id, max_points=max_samples or None)):
            points = {
                "name": one.series,
                "x": [place(point) for point in one.points],
                "y": [p.value for p in one.points],
            }
            found.setdefault(one.title, {})[one.series] = points
        return found

    def get_last_scalar_metrics(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return `{title: {series: {"last", "min", "max"}}}` of what was reported."""
        found: dict[str, dict[str, dict[str, float]]] = {}
        for one in self._summaries():
            found.setdefault(one.title, {})[one.series] = _extremes(one)
        return found

    def get_last_iteration(self) -> int:
        """Return the highest iteration that it reported for; 0 when it reported for none."""
        return max((one.iteration for one in self._summaries() if one.iteration is not None), default=0)

    def get_reported_single_values(self) -> dict[str, float]:
        """Return the values that were reported once, by name."""
        return {one.series: one.last for one in self._summaries() if one.title == "Summary"}

    def get_reported_single_value(self, name: str) -> float | None:
        """Return a value that was reported once; None when there is none of that name."""
        return self.get_reported_single_values().get(name)

    def get_reported_console_output(self, number_of_reports: int = 1) -> list[str]:
        """Return the last console lines, as that many texts at the most."""
        chunks = session.backend().call(ReadConsole(task=self.id, limit=1_000_000))
        texts = ["\n".join(line.text for line in chunk.lines) for chunk in chunks]
        return texts[-number_of_reports:] if number_of_reports > 0 else []

    def get_reported_plots(self) -> list[dict[str, object]]:
        """Return its plots, oldest first, each with `metric`, `variant`, `iter`, `type` and `plot_str`, its JSON."""
        return [
            {
                "metric": one.title,
                "variant": one.series,
                "iter": one.iteration,
                "type": one.kind,
                "plot_str": one.data,
                "timestamp": one.at,
            }
            for one in session.backend().call(ListPlots(task=self.id))
        ]

    def _summaries(self) -> list[ScalarSummary]:
        return session.backend().call(SummarizeScalars(task=self.id))


def _extremes(summary: ScalarSummary) -> dict[str, float]:
    return {"last": summary.last, "min": summary.minimum, "max": summary.maximum}
