from __future__ import annotations

import numpy as np
import pytest

from penstock.run.frameworks.pictures import histogram, picture


def test_a_histogram_counts_the_finite_values():
    counts, edges = histogram([[0.0, 1.0], [1.0, float("nan")], [float("inf"), 0.5]])
    assert sum(counts) == 4
    assert len(edges) == len(counts) + 1
    assert (edges[0], edges[-1]) == (0.0, 1.0)
    assert (counts[0], counts[-1]) == (1, 2)


def test_a_histogram_of_nothing_is_empty():
    counts, _ = histogram(np.array([float("nan")]))
    assert sum(counts) == 0


@pytest.mark.parametrize(
    ("shape", "axes", "expected"),
    [
        ((3, 4, 5), "CHW", (4, 5, 3)),
        ((4, 5, 3), "HWC", (4, 5, 3)),
        ((4, 5), "HW", (4, 5)),
        ((1, 4, 5), "chw", (4, 5)),
        ((2, 3, 4, 5), "NCHW", (4, 10, 3)),
        ((9, 4, 5, 3), "NHWC", (8, 40, 3)),
        ((2, 4, 5), "NHW", (4, 10)),
    ],
)
def test_axes_are_brought_into_the_order_of_pictures(shape, axes, expected):
    found = picture(np.zeros(shape, np.uint8), axes)
    assert found.shape == expected
    assert found.dtype == np.uint8


def test_pictures_stand_side_by_side_in_their_order():
    found = picture(np.arange(9, dtype=np.uint8).reshape(9, 1, 1), "NHW")
    assert found.tolist() == [[0, 1, 2, 3, 4, 5, 6, 7], [8, 0, 0, 0, 0, 0, 0, 0]]


def test_numbers_from_zero_to_one_become_bytes_and_bytes_stay():
    found = picture(np.array([[0.0, 0.5], [1.0, 2.0]]), "HW")
    assert found.tolist() == [[0, 127], [255, 255]]
    assert picture(np.array([[1, 255]], np.uint8), "HW").tolist() == [[1, 255]]
    assert picture(np.array([[float("nan")]]), "HW").tolist() == [[0]]


def test_a_list_of_pictures_is_taken_as_several():
    assert picture([np.zeros((3, 2, 2)), np.zeros((3, 2, 2))], "CHW").shape == (2, 4, 3)


def test_an_image_that_does_not_have_the_axes_is_refused():
    with pytest.raises(ValueError, match="axes CHW"):
        picture(np.zeros((2, 2)), "CHW")


class Tensor:
    """As PyTorch's: NumPy is refused until it is on the CPU, detached, and of a type that NumPy has."""

    def __init__(self, values, dtype, steps=()):
        self.values, self.dtype, self.steps = values, dtype, steps

    def _then(self, step, dtype=None):
        return Tensor(self.values, dtype or self.dtype, (*self.steps, step))

    def detach(self):
        return self._then("detach")

    def cpu(self):
        return self._then("cpu")

    def float(self):
        return self._then("float", "torch.float32")

    def __array__(self, dtype=None, copy=None):
        if self.steps[:2] != ("detach", "cpu") or "bfloat16" in self.dtype:
            raise TypeError
        return np.array(self.values, dtype)


@pytest.mark.parametrize("dtype", ["torch.float32", "torch.bfloat16"])
def test_a_tensor_is_taken_from_its_device(dtype):
    counts, edges = histogram(Tensor([0.0, 1.0], dtype))
    assert sum(counts) == 2
    assert edges[-1] == 1.0
