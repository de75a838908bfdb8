"""Who is told what libraries did. What becomes of it is the recorder's own business."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Recorder(Protocol):
    """Takes what libraries did, in the thread and the process in which they did it, after they did it.

    What it raises is said once on standard error, and never reaches the user's call. What it does itself, such as
    saving a figure, is not recorded.
    """

    def model_saved(self, path: str, framework: str) -> None:
        """Take a model that was saved.

        Args:
            path: Absolute path of an existing file or folder.
            framework: The library that made it, such as `PyTorch`.
        """

    def model_loaded(self, path: str, framework: str) -> None:
        """Take a model that was loaded; the arguments are those of `model_saved`."""

    def scalar(self, title: str, series: str, value: float, iteration: int) -> None:
        """Take one point of a curve."""

    def figure(self, title: str, series: str, figure: object, iteration: int) -> None:
        """Take a Matplotlib figure, which may change or be closed once this returns."""

    def image(self, title: str, series: str, image: object, iteration: int) -> None:
        """Take a picture: a NumPy array of bytes (uint8) of shape (height, width) or (height, width, 3 or 4)."""

    def histogram(
        self, title: str, series: str, counts: Sequence[float], edges: Sequence[float], iteration: int
    ) -> None:
        """Take a histogram: how many values lie between one edge and the next; there is one edge more than counts."""

    def text(self, title: str, series: str, text: str, iteration: int) -> None:
        """Take a text."""

    def parameters(self, values: Mapping[str, object]) -> None:
        """Take hyper-parameters by their names."""
