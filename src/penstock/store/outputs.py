"""Artifacts, models and plots, as records. Their bytes are in the blob store, under the hashes that stand here."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.core.outputs import Artifact, Model, Plot
from penstock.store.sql import Session, marks, reader, text

IMAGE = "image"
"""The kind of plot whose data is the hash of a blob."""

_strings = reader(tuple[str, ...])
_facts = reader(dict[str, str])


def _upsert(table: str, key: str, columns: str) -> str:
    names = f"{key}, {columns}"
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns.split(", "))
    return (
        f"INSERT INTO {table} ({names}) VALUES ({marks(names.split(', '))}) ON CONFLICT ({key}) DO UPDATE SET {updates}"
    )


_ARTIFACT = "format, type, hash, size, url, preview, metadata, created, maker"
_MODEL = "task, project, name, direction, url, hash, size, framework, comment, tags, metadata, created, maker"
_PLOT = "kind, hash, data, at"
_ADD_ARTIFACT = _upsert("artifacts", "task, name", _ARTIFACT)
_ADD_MODEL = _upsert("models", "id", _MODEL)
_ADD_PLOT = _upsert("plots", "task, title, series, iteration", _PLOT)


class SqlOutputs:
    """Artifacts, models and plots."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_artifact(self, artifact: Artifact) -> None:
        """Record an artifact; one of the same task and name is replaced."""
        self._session.run(
            _ADD_ARTIFACT,
            artifact.task,
            artifact.name,
            artifact.format,
            artifact.type,
            artifact.hash,
            artifact.size,
            artifact.url,
            artifact.preview,
            text(artifact.metadata),
            artifact.created,
            artifact.maker,
        )

    def remove_artifacts(self, task: str, names: Sequence[str]) -> None:
        """Remove artifacts of a task, where they are there."""
        self._session.run_many("DELETE FROM artifacts WHERE task = ? AND name = ?", [(task, name) for name in names])

    def artifacts(self, task: str) -> list[Artifact]:
        """Return the artifacts of a task, oldest first."""
        rows = self._session.rows(
            f"SELECT name, {_ARTIFACT} FROM artifacts WHERE task = ? ORDER BY created, position", task
        )
        return [
            Artifact(
                task=task,
                name=row[0],
                format=row[1],
                type=row[2],
                hash=row[3],
                size=row[4],
                url=row[5],
                preview=row[6],
                metadata=_facts(row[7]),
                created=row[8],
                maker=row[9],
            )
            for row in rows
        ]

    def add_model(self, model: Model) -> None:
        """Record a model; one of the same id is replaced."""
        self._session.run(
            _ADD_MODEL,
            model.id,
            model.task,
            model.project,
            model.name,
            model.direction,
            model.url,
            model.hash,
            model.size,
            model.framework,
            model.comment,
            text(model.tags),
            text(model.metadata),
            model.created,
            model.maker,
        )

    def remove_models(self, ids: Sequence[str]) -> None:
        """Remove models, where they are there."""
        self._session.run_many("DELETE FROM models WHERE id = ?", [(id,) for id in ids])

    def models(self, task: str) -> list[Model]:
        """Return the models of a task, oldest first."""
        rows = self._session.rows(f"SELECT id, {_MODEL} FROM models WHERE task = ? ORDER BY created, position", task)
        return [
            Model(
                id=row[0],
                task=row[1],
                project=row[2],
                name=row[3],
                direction=row[4],
                url=row[5],
                hash=row[6],
                size=row[7],
                framework=row[8],
                comment=row[9],
                tags=_strings(row[10]),
                metadata=_facts(row[11]),
                created=row[12],
                maker=row[13],
            )
            for row in rows
        ]

    def add_plots(self, task: str, plots: Sequence[Plot]) -> None:
        """Record plots; one of the same task, title, series and iteration is replaced."""
        self._session.run_many(
            _ADD_PLOT,
            [
                (
                    task,
                    plot.title,
                    plot.series,
                    plot.iteration,
                    plot.kind,
                    plot.data if plot.kind == IMAGE else None,
                    plot.data,
                    plot.at,
                )
                for plot in plots
            ],
        )

    def plots(self, task: str) -> list[Plot]:
        """Return the plots of a task, oldest first."""
        rows = self._session.rows(
            "SELECT title, series, kind, iteration, data, at FROM plots WHERE task = ? ORDER BY at, position", task
        )
        return [
            Plot(title=title, series=series, kind=kind, iteration=iteration, data=data, at=at)
            for title, series, kind, iteration, data, at in rows
        ]
