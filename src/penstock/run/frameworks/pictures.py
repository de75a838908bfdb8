"""From arrays and tensors to the pictures and histograms that TensorBoard would show of them.

This module needs numpy: it is imported when a writer, which needs it too, was given something.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_BINS = 50
_COLUMNS = 8  # of pictures that are shown as one


def histogram(values: Any) -> tuple[list[float], list[float]]:
    """Return counts and edges of the values that are finite numbers, however they are nested."""
    numbers = _array(values).astype(np.float64).ravel()
    counts, edges = np.histogram(numbers[np.isfinite(numbers)], bins=_BINS)
    return counts.astype(np.float64).tolist(), edges.tolist()


def picture(image: Any, formats: str) -> Any:
    """Return a picture for people: bytes, of shape (height, width) or (height, width, 3 or 4).

    Args:
        image: An array or a tensor of bytes, or of numbers from 0 to 1; or a list of them.
        formats: What its axes are: some of N (number of pictures, shown side by side), C (channels), H and W.
    """
    axes = formats.upper()
    if not hasattr(image, "shape"):
        image = np.stack([_array(one) for one in image])
        axes = axes if "N" in axes else f"N{axes}"
    array = _array(image)
    if array.ndim != len(axes):
        raise ValueError(f"an image of shape {array.shape} does not have the axes {axes}")
    array = array.transpose([axes.index(axis) for axis in "NHWC" if axis in axes])
    if "C" not in axes:
        array = array[..., np.newaxis]
    if "N" in axes:
        array = _side_by_side(array)
    if array.dtype != np.uint8:
        array = (np.nan_to_num(array.astype(np.float64)) * 255).clip(0, 255).astype(np.uint8)
    return array[..., 0] if array.shape[-1] == 1 else array


def _side_by_side(pictures: Any) -> Any:
    number, height, width, channels = pictures.shape
    columns = min(_COLUMNS, number)
    rows = -(-number // columns)
    whole = np.zeros((rows * height, columns * width, channels), pictures.dtype)
    for place, one in enumerate(pictures):
        row, column = divmod(place, columns)
        whole[row * height : (row + 1) * height, column * width : (column + 1) * width] = one
    return whole


def _array(values: Any) -> Any:
    """Return an array; a tensor is taken from its device, and from the one type of number that NumPy does not have."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if "bfloat16" in str(values.dtype):
            values = values.float()
    return np.asarray(values)
