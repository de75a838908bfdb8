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
    from sklearn.neighbors import KNeighborsClassifier


@PipelineDecorator.component(return_values=["flowers"], cache=True)
def load() -> pd.DataFrame:
    """Return the 150 flowers that scikit-learn ships: four measures in centimetres and the species of each."""
    from sklearn.datasets import load_iris

    iris = load_iris(as_frame=True)
    return iris.data.assign(species=iris.target)


@PipelineDecorator.component(return_values=["model", "accuracy"], cache=True, stage="search")
def train(flowers: pd.DataFrame, neighbours: int) -> tuple[KNeighborsClassifier, float]:
    """Fit a model that asks so many neighbours, and say how well it does on flowers that it has not seen."""
    from sklearn.model_selection import cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    measures, species = flowers.drop(columns="species"), flowers["species"]
    model = KNeighborsClassifier(n_neighbors=neighbours)
    accuracy = float(cross_val_score(model, measures, species, cv=5).mean())
    Logger.current_logger().report_single_value("accuracy", accuracy)
    return model.fit(measures, species), accuracy


@PipelineDecorator.component(return_values=["report"])
def describe(model: KNeighborsClassifier, accuracy: float, trials: int) -> str:
    """Say which model it is."""
    return f"{model.n_neighbors} neighbours are the best of {trials} numbers: accuracy {accuracy:.3f}"


@PipelineDecorator.pipeline(name="search", project="Examples", return_value="report")
def search(trials: int = 10) -> str:
    """Train as many models, with 1, 3, 5, ... neighbours, and describe the best."""
    flowers = load()
    found = [train(flowers, 2 * number + 1) for number in range(trials)]
    model, accuracy = max(found, key=lambda one: one[1])
    return describe(model, accuracy, trials)


if __name__ == "__main__":
    if "--debug" in sys.argv:
        PipelineDecorator.debug_pipeline()
    else:
        PipelineDecorator.run_locally()
    print(search())
