"""What of a step's metrics, artifacts and models also belongs to its pipeline: what is asked for, and what that picks.

Three lists say it, in the forms of the documented API:

    monitor_metrics     (title, series)          ((title, series), (title there, series there))
    monitor_artifacts   name                     (name, name there)
    monitor_models      name, prefix_* or *      (one of these, name there)

Lists and tuples are alike. Nothing here knows steps, runs or stores: errors name the argument, callers add the step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar, cast

from msgspec import Struct

from penstock.core.errors import Invalid
from penstock.core.outputs import Artifact, Model, ScalarSeries, ScalarSummary

LAST_CREATED = "*"
LONGEST_SHOWN = 80  # characters of a wrong entry


class Metric(Struct, frozen=True):
    """A series of the step, and the title and series that it has at the pipeline."""

    title: str
    series: str
    target_title: str
    target_series: str


class Named(Struct, frozen=True):
    """An artifact or a model of the step, and the name that it has at the pipeline.

    Args:
        source: The name, or of a model a pattern: `*` stands for any characters.
        target: None for the name that it has at the step.
    """

    source: str
    target: str | None = None


class Monitors(Struct, frozen=True, kw_only=True):
    """All that the pipeline takes over from a step."""

    metrics: tuple[Metric, ...] = ()
    artifacts: tuple[Named, ...] = ()
    models: tuple[Named, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.metrics or self.artifacts or self.models)


Series = TypeVar("Series", ScalarSeries, ScalarSummary)
FORMS = {
    "monitor_metrics": "pairs (title, series) or ((title, series), (title there, series there))",
    "monitor_artifacts": "names or pairs (name, name there)",
    "monitor_models": "names or pairs (name, name there); a name may be a pattern such as 'model_*'",
}
EXAMPLES = {
    "monitor_metrics": "[('test', 'accuracy')] or [(('test', 'accuracy'), ('model', 'accuracy'))]",
    "monitor_artifacts": "['data'] or [('data', 'final_data')]",
    "monitor_models": "['weights', 'model_*'] or [('weights', 'final_weights')]",
}


def monitors(metrics: object = None, artifacts: object = None, models: object = None) -> Monitors:
    """Read the three arguments of a step, as a user gave them or as they were recorded.

    Raises:
        Invalid: One of them has none of the documented forms; the message names it and the wrong entry.
    """
    return Monitors(
        metrics=tuple(_metric(one) for one in _entries("monitor_metrics", metrics)),
        artifacts=tuple(_named("monitor_artifacts", one) for one in _entries("monitor_artifacts", artifacts)),
        models=tuple(_named("monitor_models", one) for one in _entries("monitor_models", models)),
    )


def choose_metrics(wanted: Iterable[Metric], series: Sequence[Series]) -> list[tuple[Series, Metric]]:
    """Return the step's series that are wanted, with the title and series that each has at the pipeline.

    All of a series is taken over, also values that fall: which points are new is for those who copy them to know.
    """
    found = {(one.title, one.series): one for one in series}
    pairs = ((found.get((one.title, one.series)), one) for one in wanted)
    return [(one, metric) for one, metric in pairs if one is not None]


def choose_artifacts(wanted: Iterable[Named], artifacts: Sequence[Artifact]) -> list[tuple[Artifact, str]]:
    """Return the step's artifacts that are wanted, with the name that each has at the pipeline."""
    found = {one.name: one for one in artifacts}
    return [(found[one.source], one.target or one.source) for one in wanted if one.source in found]


def choose_models(wanted: Iterable[Named], models: Sequence[Model]) -> list[tuple[Model, str]]:
    """Return the step's output models that are wanted, with the name that each has at the pipeline.

    Of several models of one name the last created is meant; of those that a pattern fits, the last one by name; and
    `*` alone is the last created of all.

    Args:
        models: All models of the step; those created at the same time in the order of their creation.
    """
    made = sorted((one for one in models if one.direction == "output"), key=lambda one: one.created)
    chosen = ((_model(one.source, made), one.target) for one in wanted)
    return [(model, target or model.name) for model, target in chosen if model is not None]


def _model(pattern: str, made: Sequence[Model]) -> Model | None:
    if pattern == LAST_CREATED:
        return made[-1] if made else None
    fitting = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    found = {one.name: one for one in made if fitting.fullmatch(one.name)}
    return found[max(found)] if found else None


def _entries(argument: str, given: object) -> Sequence[object]:
    if given is None:
        return ()
    if not isinstance(given, list | tuple):
        message = f"{argument} must be a list, not {_shown(given)}"
        raise Invalid(message, hint=f"for example {EXAMPLES[argument]}")
    return cast("Sequence[object]", given)


def _metric(entry: object) -> Metric:
    match entry:
        case [str(title), str(series)]:
            return Metric(title, series, title, series)
        case [[str(title), str(series)], [str(target_title), str(target_series)]]:
            return Metric(title, series, target_title, target_series)
        case _:
            raise _refused("monitor_metrics", entry)


def _named(argument: str, entry: object) -> Named:
    match entry:
        case str(source) if source:
            return Named(source)
        case [str(source), str(target)] if source and target:
            return Named(source, target)
        case _:
            raise _refused(argument, entry)


def _refused(argument: str, entry: object) -> Invalid:
    message = f"{argument} must hold {FORMS[argument]}, not {_shown(entry)}"
    return Invalid(message, hint=f"for example {EXAMPLES[argument]}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
