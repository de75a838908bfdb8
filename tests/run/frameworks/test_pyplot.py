from __future__ import annotations

import sys
import warnings
from io import BytesIO

import matplotlib
import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def agg(monkeypatch):
    """No figures from other tests, and a backend that would warn when it has a display and cannot show."""
    matplotlib.use("agg")
    monkeypatch.setenv("DISPLAY", ":nowhere")
    plt.close("all")
    yield
    plt.close("all")


def draw(title="", **named):
    figure, axes = plt.subplots(**named)
    axes.plot([1, 2])
    axes.set_title(title)
    return figure


def really_record(kept):
    """Let the recorder do what a real one does: draw the figure to a file."""

    def save(_kind):
        kept.events[-1][3].savefig(BytesIO(), format="png", dpi=100, bbox_inches="tight")

    kept.then = save


def test_without_a_recorder_such_a_backend_warns():
    draw()
    with pytest.warns(UserWarning, match="cannot be shown"):
        plt.show()


def test_every_open_figure_is_recorded_in_the_order_of_opening_and_nothing_warns(follow, kept):
    follow()
    first, second = draw("loss"), draw("accuracy")
    plt.figure(first.number)
    assert plt.show() is None
    assert plt.show(block=False) is None
    assert kept.of("figure") == [("loss", "loss", first, 0), ("accuracy", "accuracy", second, 0)]
    assert plt.gcf() is first


def test_a_figure_is_recorded_again_only_when_it_has_changed(follow, kept):
    really_record(kept)
    follow()
    figure = draw("loss")
    plt.show()
    plt.show()
    assert kept.of("figure") == [("loss", "loss", figure, 0)]
    figure.axes[0].plot([3, 4])
    plt.show()
    plt.show()
    assert kept.of("figure") == [("loss", "loss", figure, 0), ("loss", "loss", figure, 1)]


def test_figures_of_one_title_have_rising_iterations(follow, kept):
    really_record(kept)
    follow()
    for _ in range(3):
        draw("loss")
        plt.show()
    assert [told[3] for told in kept.of("figure")] == [0, 1, 2]


def test_the_title_is_what_a_reader_of_the_figure_would_call_it(follow, kept):
    follow()
    draw("axes").suptitle("whole\nfigure")
    draw("axes")
    draw(num="named")
    number = draw().number
    plt.show()
    assert [told[0] for told in kept.of("figure")] == ["whole figure", "axes", "named", f"figure {number}"]


def test_saving_a_figure_is_not_showing_it(follow, kept, tmp_path):
    follow()
    draw().savefig(tmp_path / "a.png")
    plt.savefig(tmp_path / "b.png")
    plt.draw()
    assert kept.events == []


def test_a_pause_of_an_animation_is_not_recorded(follow, kept):
    follow()
    draw()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plt.pause(0.001)
    assert kept.events == []


WINDOWS = """
from matplotlib.backend_bases import FigureManagerBase as FigureManager
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas
from matplotlib._pylab_helpers import Gcf
shown = []
def show(*args, **kwargs):
    shown.append((args, kwargs))
    Gcf.destroy_all()
    return "shown"
"""


def test_a_backend_with_windows_still_shows_and_figures_that_it_closes_are_recorded(
    follow, kept, tmp_path, monkeypatch
):
    (tmp_path / "windows_of_test.py").write_text(WINDOWS)
    monkeypatch.syspath_prepend(tmp_path)
    matplotlib.use("module://windows_of_test")
    really_record(kept)
    follow()
    figure = draw("loss")
    assert plt.show(block=True) == "shown"
    assert sys.modules.pop("windows_of_test").shown == [((), {"block": True})]
    assert kept.of("figure") == [("loss", "loss", figure, 0)]


def test_a_wrong_argument_is_still_the_users_mistake(follow, kept):
    follow()
    draw()
    with pytest.raises(TypeError):
        plt.show(blocks=True)
    assert kept.events == []


def test_a_figure_that_cannot_be_recorded_keeps_no_other_from_it(follow, kept, capsys):
    def fail_once(_kind):
        kept.then = lambda _kind: None
        raise ValueError("odd figure")

    follow()
    kept.then = fail_once
    draw("first")
    draw("second")
    plt.show()
    assert [told[0] for told in kept.of("figure")] == ["first", "second"]
    assert "{'matplotlib': False}" in capsys.readouterr().err


def test_it_is_switched_off_by_its_name(follow, kept):
    follow({"matplotlib": False})
    draw()
    with pytest.warns(UserWarning, match="cannot be shown"):
        plt.show()
    assert kept.events == []


@pytest.mark.parametrize(
    "start",
    ["import matplotlib.pyplot as plt\nfollow()\n", "follow()\nimport matplotlib.pyplot as plt\n",
     "from matplotlib.pyplot import show\nimport matplotlib.pyplot as plt\nfollow()\nplt.show = show\n"],
)  # fmt: skip
def test_it_does_not_matter_when_pyplot_is_imported(script, start, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    code = start + "plt.plot([1])\nplt.title('loss')\nplt.show()\n"
    (told,) = script({}, code)
    assert told[:3] == ("figure", "loss", "loss")
