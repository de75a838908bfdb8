from __future__ import annotations

import matplotlib
import numpy as np
import pytest
import tensorboardX
from tensorboardX import SummaryWriter


@pytest.fixture
def writer(follow, tmp_path):
    follow()
    with SummaryWriter(str(tmp_path / "events")) as made:
        yield made


@pytest.mark.parametrize(
    ("tag", "title", "series"),
    [
        ("loss/train", "loss", "train"),
        ("a/b/c", "a", "b/c"),
        ("loss", "loss", "loss"),
        ("/loss", "/loss", "/loss"),
        ("a/", "a/", "a/"),
    ],
)
def test_a_tag_becomes_title_and_series_at_its_first_slash(writer, kept, tag, title, series):
    writer.add_scalar(tag, 0.5, 3)
    assert kept.events == [("scalar", title, series, 0.5, 3)]


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.array(2.0), np.array([2.0])])
def test_scalars_of_every_kind_become_numbers(writer, kept, value):
    writer.add_scalar(tag="a", scalar_value=value, global_step=np.int64(7))
    assert kept.events == [("scalar", "a", "a", 2.0, 7)]
    assert type(kept.events[0][3]) is float
    assert type(kept.events[0][4]) is int


def test_a_step_that_is_missing_is_the_first(writer, kept):
    writer.add_scalar("a", 1)
    assert kept.events == [("scalar", "a", "a", 1.0, 0)]


def test_several_scalars_share_their_title(writer, kept):
    writer.add_scalars("run/14", {"sin": 0.0, "cos": 1}, 2)
    assert kept.events == [("scalar", "run/14", "sin", 0.0, 2), ("scalar", "run/14", "cos", 1.0, 2)]


def test_a_histogram_counts_its_values(writer, kept):
    writer.add_histogram("weights/first", np.array([0.0, 1.0, 1.0]), 4)
    ((title, series, counts, edges, iteration),) = kept.of("histogram")
    assert (title, series, iteration) == ("weights", "first", 4)
    assert sum(counts) == 3
    assert (edges[0], edges[-1]) == (0.0, 1.0)


def test_an_image_is_a_picture_whatever_the_order_of_its_axes(writer, kept):
    image = np.zeros((3, 2, 4), np.uint8)
    image[0] = 200
    writer.add_image("i", image, 1)
    writer.add_image("i", image.transpose(1, 2, 0), 2, None, "HWC")
    writer.add_image("i", image[0], global_step=3, dataformats="HW")
    pictures = [told[2] for told in kept.of("image")]
    assert [one.shape for one in pictures] == [(2, 4, 3), (2, 4, 3), (2, 4)]
    assert pictures[0][0, 0].tolist() == pictures[1][0, 0].tolist() == [200, 0, 0]
    assert [told[3] for told in kept.of("image")] == [1, 2, 3]


def test_several_images_are_shown_side_by_side(writer, kept):
    writer.add_images("i", np.zeros((3, 3, 2, 4)))
    writer.add_images("i", np.zeros((3, 2, 4, 3)), dataformats="NHWC")
    assert [told[2].shape for told in kept.of("image")] == [(2, 12, 3), (2, 12, 3)]


def test_figures_are_recorded_as_figures_though_the_writer_draws_and_closes_them(writer, kept, tmp_path):
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    kept.then = lambda _kind: kept.events[-1][3].savefig(tmp_path / "a.png")
    one, two, three = plt.figure(), plt.figure(), plt.figure()
    writer.add_figure("f/x", one, 5)
    writer.add_figure("f", figure=[two, three])
    assert plt.get_fignums() == []
    assert kept.events == [
        ("figure", "f", "x", one, 5),
        ("figure", "f", "f 0", two, 0),
        ("figure", "f", "f 1", three, 0),
    ]


def test_texts_are_recorded(writer, kept):
    writer.add_text("note/first", "hello", 1)
    assert kept.events == [("text", "note", "first", "hello", 1)]


def test_hyper_parameters_are_recorded_with_their_metrics(writer, kept):
    writer.add_hparams({"lr": 0.1, "kind": "sgd"}, {"hparam/accuracy": 0.5}, global_step=2)
    assert kept.events == [("parameters", {"lr": 0.1, "kind": "sgd"}), ("scalar", "hparam", "accuracy", 0.5, 2)]


def test_hyper_parameters_are_switched_off_alone(follow, kept, tmp_path):
    follow({"tensorboard": {"report_hparams": False}})
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_hparams({"lr": 0.1}, {"accuracy": 0.5})
    assert kept.events == [("scalar", "accuracy", "accuracy", 0.5, 0)]


def test_the_writer_still_writes(writer, kept, tmp_path):
    writer.add_scalar("a", 1.0)
    writer.flush()
    (file,) = (tmp_path / "events").iterdir()
    assert b"a" in file.read_bytes()


def test_a_mistake_is_the_writers_own_and_is_not_recorded(writer, kept):
    with pytest.raises(TypeError):
        writer.add_scalar()
    assert kept.events == []


def test_it_is_switched_off_by_its_name(follow, kept, tmp_path):
    before = tensorboardX.SummaryWriter.add_scalar
    follow({"tensorboard": False})
    assert tensorboardX.SummaryWriter.add_scalar is before


# The parameters are those of PyTorch 2.
TORCH = {
    "torch/__init__.py": "",
    "torch/utils/__init__.py": "",
    "torch/utils/tensorboard/__init__.py": "from torch.utils.tensorboard.writer import SummaryWriter\n",
    "torch/utils/tensorboard/writer.py": """
        class SummaryWriter:
            def add_scalar(self, tag, scalar_value, global_step=None, walltime=None, new_style=False,
                           double_precision=False): pass
            def add_scalars(self, main_tag, tag_scalar_dict, global_step=None, walltime=None): pass
            def add_histogram(self, tag, values, global_step=None, bins="tensorflow", walltime=None,
                              max_bins=None): pass
            def add_image(self, tag, img_tensor, global_step=None, walltime=None, dataformats="CHW"): pass
            def add_images(self, tag, img_tensor, global_step=None, walltime=None, dataformats="NCHW"): pass
            def add_figure(self, tag, figure, global_step=None, close=True, walltime=None):
                self.add_image(tag, None)
            def add_text(self, tag, text_string, global_step=None, walltime=None): pass
            def add_hparams(self, hparam_dict, metric_dict, hparam_domain_discrete=None, run_name=None,
                            global_step=None):
                for name, value in metric_dict.items():
                    SummaryWriter().add_scalar(name, value, global_step)
        """,
}

USE = """
writer = SummaryWriter()
writer.add_scalar("a/b", 1, 2, new_style=True)
writer.add_scalars("m", {"x": 1}, 3)
writer.add_text("t", "hello", global_step=4)
writer.add_hparams({"lr": 1}, {"acc": 0.5}, run_name="r")
writer.add_histogram("h", [1, 2], 5, bins="auto")
import numpy
writer.add_image("i", numpy.zeros((1, 1)), 6, dataformats="HW")
"""
TOLD = [
    ("scalar", "a", "b", "1.0", "2"),
    ("scalar", "m", "x", "1.0", "3"),
    ("text", "t", "t", "hello", "4"),
    ("parameters", "{'lr': 1}"),
    ("scalar", "acc", "acc", "0.5", "0"),
]


@pytest.mark.parametrize(
    "start",
    [
        "from torch.utils.tensorboard import SummaryWriter\nfollow()\n",
        "follow()\nfrom torch.utils.tensorboard import SummaryWriter\n",
        "follow()\nfrom torch.utils.tensorboard.writer import SummaryWriter\n",
    ],
)
def test_the_writer_of_pytorch_is_followed_as_well(script, start):
    found = script(TORCH, start + USE)
    assert found[:5] == TOLD
    assert [told[0] for told in found[5:]] == ["histogram", "image"]
