"""What a pipeline takes over from its steps: metrics, artifacts and models."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import Invalid
from penstock.core.monitor import (
    Metric,
    Monitors,
    Named,
    choose_artifacts,
    choose_metrics,
    choose_models,
    monitors,
)
from penstock.core.outputs import Artifact, Model, ScalarPoint, ScalarSeries, ScalarSummary

SAME = Metric("test", "accuracy", "test", "accuracy")
RENAMED = Metric("test", "accuracy", "model", "accuracy")

METRICS = [
    ([("test", "accuracy")], [SAME]),
    ([["test", "accuracy"]], [SAME]),
    ((("test", "accuracy"),), [SAME]),
    ([(("test", "accuracy"), ("model", "accuracy"))], [RENAMED]),
    ([[("test", "accuracy"), ("model", "accuracy")]], [RENAMED]),
    ([[["test", "accuracy"], ["model", "accuracy"]]], [RENAMED]),
    ([("test", "accuracy"), [("test", "accuracy"), ("model", "accuracy")]], [SAME, RENAMED]),
    ([("", "accuracy")], [Metric("", "accuracy", "", "accuracy")]),
    ([], []),
    (None, []),
]
NAMES = [
    (["data"], [Named("data")]),
    (("data",), [Named("data")]),
    (["data", "other"], [Named("data"), Named("other")]),
    ([("data", "final")], [Named("data", "final")]),
    ([["data", "final"]], [Named("data", "final")]),
    (["data", ("data", "final")], [Named("data"), Named("data", "final")]),
    ([], []),
    (None, []),
]


@pytest.mark.parametrize(("given", "expected"), METRICS)
def test_metrics_are_read_in_all_documented_forms(given, expected):
    """Promises 51 and 52: pairs of texts, and pairs of such pairs for another title and series."""
    assert list(monitors(metrics=given).metrics) == expected


@pytest.mark.parametrize(("given", "expected"), NAMES)
def test_artifacts_and_models_are_read_in_all_documented_forms(given, expected):
    """Promises 53, 54, 55 and 57: names, and pairs for another name."""
    assert list(monitors(artifacts=given).artifacts) == expected
    assert list(monitors(models=given).models) == expected


@pytest.mark.parametrize(
    ("argument", "given", "told"),
    [
        ("metrics", "loss", "monitor_metrics must be a list, not 'loss'"),
        ("metrics", ("test", "accuracy"), "not 'test'"),
        ("metrics", ["loss"], "not 'loss'"), ("metrics", [("a",)], r"not \('a',\)"),
        ("metrics", [("a", "b", "c")], "not"), ("metrics", [("a", 3)], "not"), ("metrics", [(("a", "b"),)], "not"),
        ("metrics", [(("a", "b"), "c")], "not"), ("metrics", [(("a", "b"), ("c",))], "not"),
        ("metrics", [(("a", "b"), ("c", "d"), ("e", "f"))], "not"), ("metrics", [None], "not None"),
        ("metrics", [{"a": "b"}], "not"), ("metrics", {"a": "b"}, "must be a list"),
        ("artifacts", "data", "monitor_artifacts must be a list, not 'data'"), ("artifacts", [3], "not 3"),
        ("artifacts", [("a", "b", "c")], "not"), ("artifacts", [("a",)], "not"), ("artifacts", [""], "not ''"),
        ("artifacts", [("a", "")], "not"), ("artifacts", [(("a", "b"), ("c", "d"))], "not"),
        ("models", "*", "monitor_models must be a list"), ("models", [None], "not None"),
        ("models", [b"a"], "not b'a'"),
        ("models", 3, "must be a list, not 3"), ("models", [["a" * 500]], r"\.\.\.\nhint"),
    ],
)  # fmt: skip
def test_what_has_another_form_is_refused_by_name_with_an_example(argument, given, told):
    with pytest.raises(Invalid, match=told) as caught:
        monitors(**{argument: given})
    assert caught.value.message.startswith(f"monitor_{argument} must")
    assert "[" in caught.value.hint
    assert len(caught.value.message) < 250


ENTRIES = st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3))


@given(ENTRIES, st.sampled_from(["metrics", "artifacts", "models"]))
def test_anything_is_read_or_refused(entry, argument):
    try:
        read = monitors(**{argument: entry})
    except Invalid:
        return
    assert msgspec.json.decode(msgspec.json.encode(read), type=Monitors) == read


def test_nothing_asked_for_is_false():
    assert not monitors([], [], [])
    assert monitors(models=["*"])


def series(title, name, *values):
    return ScalarSeries(title=title, series=name, points=tuple(ScalarPoint(n, v, 0.0) for n, v in enumerate(values)))


def test_wanted_series_are_found_with_all_their_points_also_falling_ones():
    """Promise 51: a falling loss is taken over as a rising accuracy is."""
    loss, other = series("train", "loss", 3.0, 2.0, 1.0), series("train", "accuracy", 1.0)
    wanted = monitors(metrics=[("train", "loss"), ("train", "missing")]).metrics
    assert choose_metrics(wanted, [other, loss]) == [(loss, wanted[0])]


def test_a_series_may_have_another_title_and_series_at_the_pipeline():
    """Promise 52: the second pair is the target."""
    last = ScalarSummary(title="test", series="accuracy", last=0.5, minimum=0, maximum=1, count=9, iteration=8)
    [(found, metric)] = choose_metrics(monitors(metrics=[[("test", "accuracy"), ("model", "best")]]).metrics, [last])
    assert found is last
    assert (metric.target_title, metric.target_series) == ("model", "best")


def artifact(name):
    return Artifact(task="t", name=name, format="json", type="dict", hash="ab", size=1, url="")


def test_wanted_artifacts_are_found_by_their_exact_names():
    """Promise 53: the artifact of the same name."""
    data, more = artifact("data"), artifact("data_more")
    assert choose_artifacts(monitors(artifacts=["data", "missing", "dat*"]).artifacts, [more, data]) == [(data, "data")]


def test_an_artifact_may_have_another_name_at_the_pipeline():
    """Promise 54: the second name is the target."""
    data = artifact("data")
    wanted = monitors(artifacts=[("data", "final"), "data"]).artifacts
    assert choose_artifacts(wanted, [data]) == [(data, "final"), (data, "data")]


NUMBERS = itertools.count()


def model(name, created=None, direction="output"):
    number = next(NUMBERS)
    return Model(
        id=str(number), task="t", project="p", name=name, direction=direction, url="", hash="", size=0,
        created=float(number if created is None else created),
    )  # fmt: skip


def chosen(pattern, *models):
    return [(found.id, target) for found, target in choose_models(monitors(models=[pattern]).models, models)]


def test_a_wanted_model_is_found_by_its_exact_name():
    """Promise 55: the model of the same name."""
    one, other = model("weights"), model("weights_2")
    assert chosen("weights", other, one) == [(one.id, "weights")]
    assert chosen("weight", other, one) == []


def test_of_several_models_of_one_name_the_last_created_is_meant():
    first, last = model("weights", 1.0), model("weights", 2.0)
    assert chosen("weights", last, first) == [(last.id, "weights")]


def test_a_pattern_picks_the_last_by_name():
    """Promise 56: of m_1, m_2 and m_10 the last in the order of texts is m_2."""
    two, ten, one = model("m_2"), model("m_10"), model("m_1")
    assert chosen("m_*", one, two, ten, model("n_3")) == [(two.id, "m_2")]


def test_a_star_alone_picks_the_last_created():
    """Promise 56: whatever it is called."""
    late, early = model("a", 2.0), model("z", 1.0)
    assert chosen("*", late, early) == [(late.id, "a")]
    assert chosen("*") == []


def test_of_models_that_were_created_at_one_time_the_later_in_order_is_the_last():
    first, second = model("a", 1.0), model("b", 1.0)
    assert chosen("*", first, second) == [(second.id, "b")]


@pytest.mark.parametrize("pattern", ["m*_x", "*_x", "m_[1]*", "m_.*"])
def test_a_star_is_the_only_sign_with_a_meaning(pattern):
    models = [model("m_1_x"), model("m_[1]_x"), model("m_.x")]
    expected = {"m*_x": "m_[1]_x", "*_x": "m_[1]_x", "m_[1]*": "m_[1]_x", "m_.*": "m_.x"}
    assert [target for _, target in chosen(pattern, *models)] == [expected[pattern]]


def test_a_model_may_have_another_name_at_the_pipeline():
    """Promise 57: the second name is the target, also of a pattern."""
    one = model("m_1")
    assert chosen(("m_1", "final"), one) == [(one.id, "final")]
    assert chosen(("m_*", "final"), one) == [(one.id, "final")]
    assert chosen(["*", "final"], one) == [(one.id, "final")]


def test_models_that_the_step_was_given_are_not_its_own():
    taken = model("weights", direction="input")
    assert chosen("weights", taken) == chosen("*", taken) == []


@given(
    st.lists(st.sampled_from(["m_1", "m_2", "m_10", "n", "m"]), max_size=6), st.sampled_from(["*", "m_*", "m", "m*"])
)
def test_a_choice_is_one_of_the_models_that_fit_and_none_only_when_there_is_none(names, pattern):
    models = [model(name) for name in names]
    fitting = [name for name in names if name == pattern or (pattern[-1] == "*" and name.startswith(pattern[:-1]))]
    found = chosen(pattern, *models)
    assert [target for _, target in found] == ([names[-1] if pattern == "*" else max(fitting)] if fitting else [])
