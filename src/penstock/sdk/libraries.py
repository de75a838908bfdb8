"""What becomes of what libraries did in a recorded process: models of the task, points of its curves, its plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from penstock.core.errors import BadParameter
from penstock.core.parameters import plain
from penstock.core.task import Parameter
from penstock.ops.tasks import SetParameters
from penstock.sdk import session
from penstock.sdk.input_model import InputModel
from penstock.sdk.logger import Logger
from penstock.sdk.output_model import OutputModel, TaskId

PARAMETERS = "General"  # the section for hyper-parameters that a library was told


class Libraries:
    """Records for one task what libraries did; see `penstock.run.frameworks.Recorder`.

    A file that is saved again is the same model with new weights.
    """

    def __init__(self, task: str) -> None:
        self._task = task
        self._logger = Logger(session.reporter(task))
        self._models: dict[str, OutputModel] = {}
        self._loaded: set[str] = set()

    def model_saved(self, path: str, framework: str) -> None:
        """Store the file as an output model."""
        if path not in self._models:
            self._models[path] = OutputModel(task=TaskId(self._task), name=Path(path).stem, framework=framework)
        self._models[path].update_weights(path, auto_delete_file=False, is_package=Path(path).is_dir())

    def model_loaded(self, path: str, framework: str) -> None:
        """Note the file as an input model, once; what the task itself saved is none."""
        if path in self._loaded or path in self._models:
            return
        self._loaded.add(path)
        model = InputModel.import_model(Path(path).as_uri(), name=Path(path).stem, framework=framework)
        model.connect(TaskId(self._task))

    def scalar(self, title: str, series: str, value: float, iteration: int) -> None:
        """Report a point."""
        self._logger.report_scalar(title, series, value, iteration)

    def figure(self, title: str, series: str, figure: object, iteration: int) -> None:
        """Report a figure."""
        self._logger.report_matplotlib_figure(title, series, figure, iteration)

    def image(self, title: str, series: str, image: object, iteration: int) -> None:
        """Report a picture."""
        self._logger.report_image(title, series, iteration=iteration, image=image)

    def histogram(
        self, title: str, series: str, counts: Sequence[float], edges: Sequence[float], iteration: int
    ) -> None:
        """Report a histogram."""
        labels = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
        self._logger.report_histogram(title, series, list(counts), iteration=iteration, xlabels=labels)

    def text(self, title: str, series: str, text: str, iteration: int) -> None:
        """Report a text on the console."""
        self._logger.report_text(f"{title} / {series} ({iteration}): {text}", print_console=False)

    def parameters(self, values: Mapping[str, object]) -> None:
        """Record hyper-parameters."""
        found = tuple(_parameter(str(name), value) for name, value in values.items())
        session.backend().call(SetParameters(task=self._task, parameters=found))


def _parameter(name: str, value: object) -> Parameter:
    try:
        held = plain(value, name)
    except BadParameter:
        held = str(value)
    return Parameter(section=PARAMETERS, name=name, value=held, type="" if held is None else type(held).__name__)
