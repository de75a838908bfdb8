"""A run's steps as a drawing."""

from __future__ import annotations

import pytest

from penstock.core.task import Status


@pytest.fixture
def run(recorder):
    made = recorder.run({"load": [], "a": ["load"], "b": ["load"], "join": ["a", "b"]})
    recorder.end(recorder.attempt(made, "load"))
    recorder.end(recorder.attempt(made, "a"), Status.FAILED, "no <b>good</b>")
    return made


def test_steps_are_drawn_as_boxes_with_their_status_and_what_it_means(run, penstock):
    out = penstock("graph").out
    for label in ("│ ✓ load │", "│ ✗ a │", "│ ○ b │", "│ ○ join │"):
        assert label in out
    assert out.splitlines()[-1] == "✗ failed   ✓ completed   ○ pending"


def test_a_wide_graph_is_a_list(recorder, penstock):
    fan = [f"step {number}" for number in range(30)]
    recorder.complete({"load": [], **{name: ["load"] for name in fan}, "join": fan})
    lines = penstock("graph", "last").out.splitlines()
    assert lines[:3] == ["✓ load", "├─ ✓ step 0", "├─ ✓ step 1"]
    assert "   ✓ join    after step 0, step 1, step 2 and 27 more" in lines
    assert lines[-1] == "✓ completed"


def test_a_drawing_fits_the_terminal(recorder, terminal):
    recorder.complete({"load": [], **{f"a step with a long name {number}": ["load"] for number in range(3)}})
    assert "╭" in terminal(120, 40).call("graph").out
    assert "╭" not in terminal(60, 40).call("graph").out


def test_a_very_long_name_is_cut(recorder, penstock):
    recorder.complete({"x" * 200: []})
    assert f"✓ {'x' * 31}… │" in penstock("graph").out


def test_mermaid_and_svg_are_printed(run, penstock):
    assert penstock("graph", "--format", "mermaid").out.startswith("flowchart TD\n")
    assert penstock("graph", "--format", "svg").out.startswith("<svg ")


@pytest.mark.parametrize(("name", "start"), [("g.svg", "<svg "), ("g.mmd", "flowchart TD"), ("g.txt", "  ╭")])
def test_the_name_of_the_file_says_the_format(run, penstock, tmp_path, name, start):
    answer = penstock("graph", "-o", str(tmp_path / name))
    assert (answer.code, answer.out, answer.err) == (0, "", f"wrote {tmp_path / name}\n")
    assert (tmp_path / name).read_text("utf-8").startswith(start)


def test_a_reason_is_a_tooltip_and_no_markup(run, penstock):
    assert "<title>a: failed: no &lt;b&gt;good&lt;/b&gt;</title>" in penstock("graph", "--format", "svg").out


def test_a_file_that_cannot_be_written_is_an_error(run, penstock, tmp_path):
    answer = penstock("graph", "-o", str(tmp_path / "missing" / "g.svg"))
    assert answer.code == 1
    assert answer.err.startswith("error: cannot write ")


def test_the_document_holds_the_steps_with_their_parents(run, penstock):
    steps = penstock("graph", "--json").document()["steps"]
    assert [(step["name"], step["parents"], step["status"]) for step in steps][:2] == [
        ("load", [], "completed"),
        ("a", ["load"], "failed"),
    ]


def test_a_draft_has_nothing_to_draw(recorder, penstock):
    assert "no steps" in penstock("graph", recorder.draft().id).out
