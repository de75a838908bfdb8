"""What a task reports: each kind is recorded as it was given; reporting never breaks the work."""

from __future__ import annotations

import base64
import io
import json
import math

import pytest

from penstock import Logger, PipelineController, Task
from penstock.core.errors import Invalid
from penstock.ops.outputs import ListPlots
from penstock.ops.runs import DeleteRun, GetRun
from penstock.run import current
from penstock.sdk import session


@pytest.fixture
def pipe(home):
    return PipelineController("flow", "Tests")


@pytest.fixture
def logger(pipe):
    return pipe.get_logger()


def plots(logger, task):
    """What was reported, by title: its kind and its data."""
    logger.flush()
    return {plot.title: plot for plot in session.backend().call(ListPlots(task=task.id))}


def strict(text):
    """Read JSON as everybody but Python does: without NaN."""

    def refuse(word):
        raise ValueError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def picture(plot):
    """The bytes of an image, wherever they are kept."""
    if plot.data.startswith("data:image/"):
        return base64.b64decode(plot.data.partition(",")[2])
    return session.backend().blobs.path(plot.data).read_bytes()


def test_a_process_that_works_on_nothing_has_no_logger(home):
    current.put(None)
    with pytest.raises(Invalid, match="works on no task"):
        Logger.current_logger()


def test_scalars_are_recorded_in_order(pipe, logger):
    for step, value in enumerate([1, 0.5, True, "0.25"]):
        logger.report_scalar("loss", "train", value, step)
    logger.report_scalar(title="loss", series="test", value=float("nan"), iteration=0)
    logger.report_single_value("accuracy", 0.75)
    assert logger.flush() is True
    found = pipe.task.get_reported_scalars()
    assert found["loss"]["train"] == {"name": "train", "x": [0, 1, 2, 3], "y": [1.0, 0.5, 1.0, 0.25]}
    assert math.isnan(found["loss"]["test"]["y"][0])
    assert pipe.task.get_reported_single_values() == {"accuracy": 0.75}


def test_a_value_of_a_library_is_a_number(pipe, logger):
    import numpy as np

    logger.report_scalar("loss", "train", np.float32(0.5), np.int64(3))
    logger.report_scalar("loss", "train", np.array([[0.25]])[0, 0], 4)
    logger.flush()
    assert pipe.task.get_reported_scalars()["loss"]["train"] == {"name": "train", "x": [3, 4], "y": [0.5, 0.25]}


@pytest.mark.parametrize("value", ["high", None, [1], 1j])
def test_what_is_no_number_is_refused_where_it_is_reported(logger, value):
    with pytest.raises(Invalid, match="must be a number"):
        logger.report_scalar("t", "s", value, 0)


@pytest.mark.parametrize(
    "report",
    [
        lambda logger: logger.report_scalar("t", "s", 1.0, 2**70),
        lambda logger: logger.report_scalar("\ud800", "s", 1.0, 0),
        lambda logger: logger.report_table("\ud800", "s", table_plot=[["a"]]),
    ],
)
def test_what_cannot_be_recorded_is_said_once_and_breaks_nothing(pipe, logger, capsys, report):
    """Reports that come after it are recorded all the same."""
    for _ in range(2):
        report(logger)
        logger.flush()
    logger.report_scalar("after", "s", 1.0, 0)
    logger.flush()
    assert capsys.readouterr().err.count("penstock: a report could not be recorded") == 1
    assert "after" in pipe.task.get_reported_scalars()


def test_texts_of_a_script_are_printed_and_recorded(pipe, logger, capsys):
    logger.report_text("one\ntwo")
    logger.report_text("quiet", print_console=False)
    logger.report_text(3)
    logger.flush()
    assert capsys.readouterr().out == "one\ntwo\n3\n"
    lines = [line for text in pipe.task.get_reported_console_output(10) for line in text.splitlines()]
    assert lines == ["one", "two", "quiet", "3"]


def say():
    Logger.current_logger().report_text("printed")
    Logger.current_logger().report_text("not printed", print_console=False)


def test_texts_of_a_step_are_recorded_once(home):
    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("say", say)
    pipe.start_locally(run_pipeline_steps_locally=True)
    task = Task.get_task(pipe.get_pipeline_dag()["say"].task_id)
    lines = [line for text in task.get_reported_console_output(10) for line in text.splitlines()]
    assert sorted(lines) == ["not printed", "printed"]


def test_tables_come_from_rows_frames_and_files(pipe, logger, tmp_path):
    import pandas as pd
    import polars as pl

    (tmp_path / "t.csv").write_text('a,b\n1,"x,y"\n', encoding="utf-8")
    logger.report_table("rows", "s", table_plot=[["a"], [1], [None]])
    logger.report_table("pandas", "s", 0, pd.DataFrame({"a": [1, 2], "b": ["x", "é"]}))
    logger.report_table("named", "s", 0, pd.DataFrame({"a": [1]}, index=pd.Index(["r"], name="row")))
    logger.report_table("polars", "s", 0, pl.DataFrame({"a": [1.5]}))
    logger.report_table("file", "s", csv=tmp_path / "t.csv")
    found = {title: strict(plot.data) for title, plot in plots(logger, pipe).items()}
    assert found == {
        "rows": [["a"], [1], [None]],
        "pandas": [["a", "b"], [1, "x"], [2, "é"]],
        "named": [["row", "a"], ["r", 1]],
        "polars": [["a"], [1.5]],
        "file": [["a", "b"], ["1", "x,y"]],
    }


def test_what_is_recorded_is_json_for_everybody(pipe, logger):
    """NaN and infinities are words of Python's JSON alone: a browser cannot read them."""
    logger.report_table("table", "s", table_plot=[["a"], [math.nan], [math.inf]])
    logger.report_histogram("histogram", "s", [1.0, math.nan])
    logger.report_plotly("plotly", "s", {"data": [{"y": [math.nan]}]})
    for plot in plots(logger, pipe).values():
        strict(plot.data)


def test_values_that_json_does_not_have_become_texts(pipe, logger):
    import pandas as pd

    logger.report_table("t", "s", table_plot=pd.DataFrame({"at": [pd.Timestamp("2026-01-02")]}))
    assert strict(plots(logger, pipe)["t"].data) == [["at"], ["2026-01-02 00:00:00"]]


@pytest.mark.parametrize("table", [None, 3, "text", [1, 2], {"a": [1]}])
def test_what_is_no_table_is_refused(logger, table):
    with pytest.raises(Invalid, match="is not a table"):
        logger.report_table("t", "s", table_plot=table)


def test_plotly_figures_are_recorded_as_their_json(pipe, logger):
    import plotly.graph_objects as go

    logger.report_plotly("figure", "s", go.Figure(data=[go.Bar(y=[1, 2])]), 4)
    logger.report_plotly("dict", "s", figure={"data": [], "layout": {"title": "é"}})
    found = plots(logger, pipe)
    assert (found["figure"].kind, found["figure"].iteration) == ("plotly", 4)
    assert strict(found["figure"].data)["data"][0]["type"] == "bar"
    assert strict(found["dict"].data) == {"data": [], "layout": {"title": "é"}}


def drawn(logger, pipe):
    """The figures by title: data and layout."""
    return {title: strict(plot.data) for title, plot in plots(logger, pipe).items() if plot.kind == "plotly"}


def test_histograms_have_a_label_for_each_bar(pipe, logger):
    import numpy as np

    logger.report_histogram("plain", "s", [1, 2.5], xaxis="x", extra_layout={"xaxis": {"type": "log"}})
    logger.report_histogram("array", "s", np.array([3, 4]), xlabels=["a", "b"], mode="stack")
    logger.report_vector("groups", "s", [[1, 2], [3, 4]], labels=["one", "two"])
    found = drawn(logger, pipe)
    assert found["plain"]["data"] == [{"type": "bar", "name": "s", "x": [0, 1], "y": [1.0, 2.5]}]
    assert found["plain"]["layout"]["xaxis"] == {"title": {"text": "x"}, "type": "log"}
    assert (found["array"]["data"][0]["x"], found["array"]["layout"]["barmode"]) == (["a", "b"], "stack")
    assert [bar["name"] for bar in found["groups"]["data"]] == ["one", "two"]


def test_lines_points_and_matrices_are_figures(pipe, logger):
    import numpy as np

    logger.report_line_plot(
        "lines", [{"name": "a", "data": [(0, 1), (1, 2)]}], "x", "y", reverse_xaxis=True, comment="c"
    )
    logger.report_scatter2d("plane", "s", np.array([[0, 1], [2, 3]]), labels=["p", "q"], mode="markers", xaxis="across")
    logger.report_scatter2d("line", "s", [(0, 1)])
    logger.report_scatter3d("space", "s", [(0, 1, 2)], zaxis="up", fill=True)
    logger.report_confusion_matrix("confusion", "s", [[1, 2], [3, 4]], xlabels=["a", "b"], yaxis_reversed=True)
    logger.report_matrix("matrix", "s", np.eye(2), ylabels=["a", "b"], iteration=7)
    logger.report_surface(
        "surface", "s", np.eye(3), camera=(1, 2, 3), extra_layout={"scene": {"dragmode": "turntable"}}
    )
    found = drawn(logger, pipe)
    types = {title: figure["data"][0]["type"] for title, figure in found.items()}
    assert types == {
        "lines": "scatter",
        "plane": "scatter",
        "line": "scatter",
        "space": "scatter3d",
        "confusion": "heatmap",
        "matrix": "heatmap",
        "surface": "surface",
    }
    assert found["lines"]["data"] == [
        {"type": "scatter", "name": "a", "mode": "lines", "x": [0.0, 1.0], "y": [1.0, 2.0]}
    ]
    assert found["lines"]["layout"]["xaxis"] == {"title": {"text": "x"}, "autorange": "reversed"}
    assert (found["plane"]["data"][0]["text"], found["line"]["data"][0]["mode"]) == (["p", "q"], "lines")
    assert found["space"]["layout"]["scene"]["zaxis"] == {"title": {"text": "up"}}
    assert found["confusion"]["layout"]["yaxis"] == {"autorange": "reversed"}
    assert found["surface"]["layout"]["scene"]["camera"] == {"eye": {"x": 1.0, "y": 2.0, "z": 3.0}}
    assert found["surface"]["layout"]["scene"]["dragmode"] == "turntable"


def test_the_figures_are_what_plotly_itself_accepts(pipe, logger):
    import plotly.graph_objects as go

    logger.report_vector("bars", "s", [[1, 2], [3, 4]], xaxis="x")
    logger.report_line_plot("lines", [{"name": "a", "data": [(0, 1)]}], "x", "y")
    logger.report_scatter3d("space", "s", [(0, 1, 2)], xaxis="x")
    logger.report_surface("surface", "s", [[1, 2]], camera=(1, 2, 3), xlabels=["a", "b"])
    logger.report_matrix("matrix", "s", [[1, 2]])
    for figure in drawn(logger, pipe).values():
        go.Figure(figure)


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (lambda logger: logger.report_histogram("t", "s", [1, 2], xlabels=["a"]), "xlabels .* 2 values but 1 labels"),
        (lambda logger: logger.report_histogram("t", "s", "12"), "values .*expected a list of numbers"),
        (lambda logger: logger.report_histogram("t", "s", [1], mode="pile"), "mode must be"),
        (lambda logger: logger.report_vector("t", "s", [[1, 2], [3]]), r"values\[1\] has 1 numbers, not 2"),
        (lambda logger: logger.report_scatter2d("t", "s", [(1, 2, 3)]), r"scatter\[0\] has 3 numbers, not 2"),
        (lambda logger: logger.report_scatter2d("t", "s", [(1, "x")]), "scatter must hold numbers, not 'x'"),
        (lambda logger: logger.report_scatter2d("t", "s", [(1, 2)], mode="dots"), "mode must be"),
        (lambda logger: logger.report_scatter3d("t", "s", [(1, 2)]), r"scatter\[0\] has 2 numbers, not 3"),
        (lambda logger: logger.report_matrix("t", "s", [1, 2]), "matrix must be a list"),
        (lambda logger: logger.report_matrix("t", "s", [[1]], ylabels=["a", "b"]), "ylabels"),
        (lambda logger: logger.report_surface("t", "s", [[1]], camera=(1, 2)), "camera"),
        (lambda logger: logger.report_line_plot("t", [(1, 2)], "x", "y"), "series must be a list of dicts"),
        (lambda logger: logger.report_line_plot("t", [{"data": [1]}], "x", "y"), r"series\[0\]\['data'\]"),
        (lambda logger: logger.report_plotly("t", "s", 3), "figure must be"),
        (lambda logger: logger.report_table("t", "s", url="http://x/t.csv"), "url is not fetched"),
        (lambda logger: logger.report_media("t", "s"), "either local_path or stream"),
        (lambda logger: logger.report_media("t", "s", stream=io.BytesIO(b"")), "file_extension"),
        (lambda logger: logger.report_media("t", "s", local_path="/none.mp3"), "local_path '/none.mp3'"),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(logger, report, message):
    with pytest.raises(Invalid, match=message):
        report(logger)


def test_media_are_kept_with_their_type(pipe, logger, tmp_path):
    (tmp_path / "sound.mp3").write_bytes(b"sound")
    logger.report_media("file", "s", local_path=tmp_path / "sound.mp3", delete_after_upload=True)
    logger.report_media("text", "s", 3, stream=io.StringIO("caf\u00e9"), file_extension="txt")
    found = plots(logger, pipe)
    assert {plot.kind for plot in found.values()} == {"media"}
    sound, text = strict(found["file"].data), strict(found["text"].data)
    assert (sound["type"], sound["name"], base64.b64decode(sound["data"])) == ("audio/mpeg", "sound.mp3", b"sound")
    assert (text["type"], base64.b64decode(text["data"]).decode()) == ("text/plain", "caf\u00e9")
    assert not (tmp_path / "sound.mp3").exists()
    with pytest.raises(Invalid, match="more than 5,000,000"):
        logger.report_media("t", "s", stream=io.BytesIO(b"x" * 5_000_001), file_extension="mp4")


def test_the_destination_that_was_named_is_told(pipe, logger):
    assert logger.get_default_upload_destination() is None
    logger.set_default_upload_destination("s3://bucket")
    assert pipe.get_logger().get_default_upload_destination() == "s3://bucket"


def test_grouping_of_tensorboard_is_remembered():
    try:
        Logger.tensorboard_auto_group_scalars(True)
        assert Logger.groups_tensorboard
    finally:
        Logger.tensorboard_auto_group_scalars()
    assert not Logger.groups_tensorboard
    assert Logger.tensorboard_single_series_per_graph(True) is None
    assert Logger.matplotlib_force_report_non_interactive(True) is None


def test_images_come_from_arrays_pictures_and_files(pipe, logger, tmp_path):
    import numpy as np
    from PIL import Image

    colours = np.arange(48, dtype="uint8").reshape(4, 4, 3)
    grey = np.linspace(0, 1, 16).reshape(4, 4, 1)
    Image.fromarray(colours).save(tmp_path / "file.png")
    logger.report_image("array", "s", image=colours)
    logger.report_image("grey", "s", image=grey)
    logger.report_image("picture", "s", image=Image.fromarray(colours))
    logger.report_image("file", "s", local_path=tmp_path / "file.png")
    found = plots(logger, pipe)
    for title in ("array", "picture", "file"):
        assert found[title].kind == "image"
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(picture(found[title])))), colours), title
    expected = (grey.squeeze() * 255).round().astype("uint8")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(picture(found["grey"])))), expected)


def test_what_is_no_image_is_refused(logger, tmp_path):
    (tmp_path / "page.svg").write_text("<svg/>")
    with pytest.raises(Invalid, match=r"'page\.svg' is not an image"):
        logger.report_image("t", "s", local_path=tmp_path / "page.svg")
    with pytest.raises(Invalid, match="a list is not an image"):
        logger.report_image("t", "s", image=[[0]])


def test_a_matplotlib_figure_is_recorded_as_a_picture(pipe, logger):
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt
    from PIL import Image

    figure, axes = plt.subplots()
    axes.plot([1, 2])
    logger.report_matplotlib_figure("figure", "s", figure)
    logger.report_matplotlib_figure("pyplot", "s", figure=plt)
    plt.close(figure)
    for plot in plots(logger, pipe).values():
        assert Image.open(io.BytesIO(picture(plot))).format == "PNG"
    with pytest.raises(Invalid, match="str is not a Matplotlib figure"):
        logger.report_matplotlib_figure("t", "s", "figure")


def test_a_run_that_reported_an_image_can_be_deleted(pipe, logger):
    import numpy as np

    logger.report_image("t", "s", image=np.zeros((2, 2), dtype="uint8"))
    logger.flush()
    pipe.start_locally(run_pipeline_steps_locally=True)
    session.backend().call(GetRun(id=pipe.id))
    session.backend().call(DeleteRun(id=pipe.id))
    assert [file for file in session.settings().blobs.rglob("*") if file.is_file()] == []


def report_for_the_run():
    for number in range(50):
        PipelineController.get_logger().report_scalar("run", "s", float(number), number)
    PipelineController.get_logger().report_text("for the run", print_console=False)


def test_what_a_step_reports_for_its_run_is_there_when_it_has_ended(home):
    """Promise 58: `PipelineController.get_logger()` inside a step is that of the run; nothing of it is lost."""
    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("report", report_for_the_run)
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert pipe.task.get_reported_scalars()["run"]["s"]["x"] == list(range(50))
    assert pipe.task.get_reported_console_output(1) == ["for the run"]
