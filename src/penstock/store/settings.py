"""Parameters and configuration objects of tasks, and the projects that tasks lie in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import isfinite

from penstock.core.task import Configuration, Json, Parameter
from penstock.store.secrets import SqlSecrets
from penstock.store.sql import Session, Where, text, text_of_values, values_of_text


class SqlSettings:
    """Parameters and configuration objects of tasks."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._secrets = SqlSecrets(session)

    def set_parameters(self, task: str, parameters: Sequence[Parameter]) -> None:
        """Set these parameters; others stay as they are, and one that was there keeps its place.

        Of secrets the seals are set, and the values kept apart: nothing of the type `secret` gets past this.
        """
        parameters = self._secrets.sealed(task, parameters)
        row = self._session.first("SELECT COALESCE(MAX(position), 0) FROM parameters WHERE task = ?", task)
        last = row[0] if row else 0
        self._session.run_many(
            """INSERT INTO parameters (task, section, name, position, type, description, number, value)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task, section, name) DO UPDATE
                SET type = excluded.type, description = excluded.description, number = excluded.number,
                value = excluded.value""",
            [
                (
                    *(task, one.section, one.name, position, one.type, one.description),
                    *(_number(one.value), text_of_values(one.value)),
                )
                for position, one in enumerate(parameters, last + 1)
            ],
        )

    def remove_parameters(self, task: str, parameters: Sequence[Parameter]) -> None:
        """Remove these parameters."""
        self._secrets.remove(task, parameters)
        self._session.run_many(
            "DELETE FROM parameters WHERE task = ? AND section = ? AND name = ?",
            [(task, one.section, one.name) for one in parameters],
        )

    def parameters(self, task: str) -> list[Parameter]:
        """Return the parameters in the order in which they came."""
        rows = self._session.rows(
            "SELECT section, name, value, type, description FROM parameters WHERE task = ? ORDER BY position", task
        )
        return [
            Parameter(section=section, name=name, value=values_of_text(value), type=type, description=description)
            for section, name, value, type, description in rows
        ]

    def forget(self, task: str) -> None:
        """Remove all parameters and configuration objects."""
        self._secrets.remove(task)
        for table in ("parameters", "configurations"):
            self._session.run(f"DELETE FROM {table} WHERE task = ?", task)

    def set_configuration(self, task: str, configuration: Configuration) -> None:
        """Set one configuration object."""
        self._session.run(
            """INSERT INTO configurations (task, name, format, description, text) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (task, name) DO UPDATE
                SET format = excluded.format, description = excluded.description, text = excluded.text""",
            task,
            configuration.name,
            configuration.format,
            configuration.description,
            configuration.text,
        )

    def configurations(self, task: str) -> list[Configuration]:
        """Return the configuration objects by name."""
        rows = self._session.rows(
            "SELECT name, text, format, description FROM configurations WHERE task = ? ORDER BY name", task
        )
        return [
            Configuration(name=name, text=content, format=format, description=description)
            for name, content, format, description in rows
        ]


class SqlProjects:
    """The projects. Those that the system keeps for pipelines lie under a `.pipelines` and are hidden."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ensure(self, name: str, now: float) -> None:
        """Add the project and those above it, where they are not there yet."""
        if not name or self._session.first("SELECT 1 FROM projects WHERE name = ?", name):
            return
        paths = accumulate(name.split("/"), lambda above, part: f"{above}/{part}")
        self._session.run_many(
            "INSERT INTO projects (name, created, system_tags) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
            [(path, now, text(_system_tags(path))) for path in paths if path == name or path.rpartition("/")[2]],
        )

    def list(self, *, hidden: bool) -> list[str]:
        """Return the names; those that are hidden too when asked for."""
        where = Where()
        where.within("name", self._session.projects)
        if not hidden:
            where.holds("""system_tags NOT LIKE '%"hidden"%'""")
        return [row[0] for row in self._session.rows(f"SELECT name FROM projects {where} ORDER BY name", *where.values)]


def _system_tags(project: str) -> tuple[str, ...]:
    parts = project.split("/")
    if ".pipelines" not in parts:
        return ()
    is_pipeline = parts.index(".pipelines") == len(parts) - 2
    return ("hidden", "pipeline") if is_pipeline else ("hidden",)


def _number(value: Json) -> float | None:
    """Return the value where it is a number, for comparing: what no number is like is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) else None
