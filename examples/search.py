"""A pipeline as a function: ten models on the iris flowers, side by side, and the best of them kept.

Run it with:            penstock run examples/search.py
With another value:     penstock run examples/search.py --param trials=5
In one process:         penstock run examples/search.py -- --debug
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from penstock import Logger, PipelineDecorator

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.linear_model import LogisticRegression


@PipelineDecorator.component(return_values=["flowers"], cache=True)
def load() -> pd.DataFrame:
    """Return the 150 flowers that scikit-learn ships: four measures in centimetres and the species of each."""
    from sklearn.datasets import load_iris

    iris = load_iris(as_frame=True)
    return iris.data.assign(species=iris.target)


@PipelineDecorator.component(return_values=["model", "accuracy"], cache=True, stage="search")
def train(flowers: pd.DataFrame, strength: float) -> tuple[LogisticRegression, float]:
    """Fit a model with this much regularization, and say how well it does on flowers that it has not seen."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    measures, species = flowers.drop(columns="species"), flowers["species"]
    model = LogisticRegression(C=strength, max_iter=2000)
    accuracy = float(cross_val_score(model, measures, species, cv=5).mean())
    Logger.current_logger().report_single_value("accuracy", accuracy)
    return model.fit(measures, species), accuracy


@PipelineDecorator.component(return_values=["report"])
def describe(model: LogisticRegression, accuracy: float, trials: int) -> str:
    """Say which model it is."""
    return f"C={model.C:g} is the best of {trials}: accuracy {accuracy:.3f}"


@PipelineDecorator.pipeline(name="search", project="Examples", return_value="report")
def search(trials: int = 10) -> str:
    """Train as many models, from strong regularization to weak, and describe the best."""
    flowers = load()
    found = [train(flowers, 10 ** (number - trials / 2)) for number in range(trials)]
    model, accuracy = max(found, key=lambda one: one[1])
    return describe(model, accuracy, trials)


if __name__ == "__main__":
    if "--debug" in sys.argv:
        PipelineDecorator.debug_pipeline()
    else:
        PipelineDecorator.run_locally()
    print(search())
