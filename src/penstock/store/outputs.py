"""Artifacts and plots, as records. Their bytes are in the blob store, under the hashes that stand here."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.core.outputs import Artifact, Plot, TableHead
from penstock.store.sql import Session, reader, text, upsert

IMAGE = "image"
"""The kind of plot whose data is the hash of a blob."""

_facts = reader(dict[str, str])
_head = reader(TableHead)


_ARTIFACT = "format, type, hash, size, url, preview, metadata, created, maker, head"
_PLOT = "kind, hash, data, at"
_ADD_ARTIFACT = upsert("artifacts", "task, name", _ARTIFACT)
_ADD_PLOT = upsert("plots", "task, title, series, iteration", _PLOT)


class SqlOutputs:
    """Artifacts and plots."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_artifact(self, artifact: Artifact) -> None:
        """Record an artifact; one of the same task and name is replaced."""
        self._loosen(artifact.task, artifact.name)
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
            "" if artifact.table is None else text(artifact.table),
        )

    def remove_artifacts(self, task: str, names: Sequence[str]) -> None:
        """Remove artifacts of a task, where they are there."""
        for name in names:
            self._loosen(task, name)
        self._session.run_many("DELETE FROM artifacts WHERE task = ? AND name = ?", [(task, name) for name in names])

    def _loosen(self, task: str, name: str) -> None:
        """Note which blob loses a reference when this artifact goes."""
        found = self._session.first(
            "SELECT hash, created FROM artifacts WHERE task = ? AND name = ? AND hash <> ''", task, name
        )
        if found is not None:
            self._session.loose[found[0]] = found[1]

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
                table=_head(row[10]) if row[10] else None,
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
