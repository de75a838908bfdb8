"""Three steps on the iris flowers: load the data, split it, train a model and score it.

Run it with:            penstock run examples/iris.py
With another value:     penstock run examples/iris.py --param test_size=0.4
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from penstock import Logger, PipelineController, Task

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

LABEL = "species"


def load() -> pd.DataFrame:
    """Return the 150 flowers that scikit-learn ships: four measures in centimetres and the species of each."""
    from sklearn.datasets import load_iris

    iris = load_iris(as_frame=True)
    flowers = iris.data.assign(**{LABEL: iris.target_names[iris.target]}).astype({LABEL: "category"})
    print(f"{len(flowers)} flowers, {flowers[LABEL].nunique()} species")
    return flowers


def split(flowers: pd.DataFrame, test_size: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put part of the flowers aside for the test, of each species the same share."""
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(flowers, test_size=test_size, random_state=seed, stratify=flowers[LABEL])
    print(f"{len(train)} to train on, {len(test)} to test with")
    return train, test


def train(
    train_set: pd.DataFrame, test_set: pd.DataFrame, regularization: float = 1.0
) -> tuple[LogisticRegression, float]:
    """Train a classifier and score it on flowers that it has not seen."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=regularization, max_iter=1000)
    model.fit(train_set.drop(columns=LABEL), train_set[LABEL])
    accuracy = float(model.score(test_set.drop(columns=LABEL), test_set[LABEL]))
    Logger.current_logger().report_single_value("accuracy", accuracy)
    print(f"accuracy {accuracy:.3f}")
    return model, accuracy


def main() -> None:
    """Define the pipeline, run it here, and say what it made."""
    pipe = PipelineController(name="iris", project="Examples", version="1.0.0")
    pipe.add_parameter("test_size", default=0.3, description="Share of the flowers that is put aside for the test")
    pipe.add_parameter("seed", default=7, description="Start of the random split")
    pipe.add_function_step(
        "load", load, function_return=["flowers"], task_type="data_processing", cache_executed_step=True
    )
    pipe.add_function_step(
        "split",
        split,
        function_kwargs={
            "flowers": "${load.flowers}",
            "test_size": "${pipeline.test_size}",
            "seed": "${pipeline.seed}",
        },
        function_return=["train", "test"],
        task_type="data_processing",
        cache_executed_step=True,
    )
    pipe.add_function_step(
        "train",
        train,
        function_kwargs={"train_set": "${split.train}", "test_set": "${split.test}"},
        function_return=["model", "accuracy"],
        cache_executed_step=True,
    )
    pipe.start_locally(run_pipeline_steps_locally=True)
    if not pipe.is_successful():
        raise SystemExit(1)
    report(pipe)


def report(pipe: PipelineController) -> None:
    """Print what was made, where it lies, and what to type next."""
    print(f"\nWhat {pipe.task.name} made:")
    for step in pipe.get_pipeline_dag().values():
        for artifact in Task.get_task(step.task_id).artifacts.values():
            kind = artifact.type.rpartition(".")[2]
            print(f"  {step.name + '.' + artifact.name:16} {kind:20} {artifact.size:>7} bytes  {artifact.url}")
    print("\nNext:")
    for rest in (f"show {pipe.id[:8]}", f"explain {pipe.id[:8]}", "run examples/iris.py --param test_size=0.4"):
        print(f"  {command()} {rest}")


def command() -> str:
    """Return what to type for `penstock`: its path from here, where the shell does not find it by its name."""
    return "penstock" if shutil.which("penstock") else os.path.relpath(Path(sys.executable).with_name("penstock"))


if __name__ == "__main__":
    main()
