"""Models, and which tasks have them. Their bytes are in the blob store, under the hashes here, or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.core.errors import NotFound
from penstock.core.outputs import Model
from penstock.ops.models import FindModels
from penstock.store.sql import Row, Session, Value, Where, reader, text, upsert

_strings = reader(tuple[str, ...])
_texts = reader(dict[str, str])
_numbers = reader(dict[str, int])

_COLUMNS = (
    "task, project, name, url, hash, size, framework, comment, tags, labels, metadata, metadata_types, facts, design, "
    "published, archived, created, updated"
)
_ADD = upsert("models", "id", _COLUMNS)
_SELECT = ", ".join(f"m.{column}" for column in f"id, {_COLUMNS}".split(", "))
_NAME_THERE = "COALESCE(NULLIF(l.name, ''), m.name)"


class SqlModels:
    """Models, and which tasks have them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, model: Model) -> None:
        """Record a model, linked to the task that made it; one of the same id is replaced."""
        self._session.run(_ADD, *_row_of(model))
        if model.task:
            self.link(model.task, model.id, model.direction, "", model.maker)

    def find(self, id: str) -> Model | None:
        """Return the model, None when there is none of this id."""
        row = self._session.first(f"SELECT {_SELECT} FROM models m WHERE m.id = ?", id)
        return None if row is None else _model(row)

    def get(self, id: str) -> Model:
        """Return the model; raise NotFound when there is none of this id."""
        found = self.find(id)
        if found is None:
            raise NotFound(f"there is no model {id}")
        return found

    def update(self, model: Model) -> None:
        """Replace what is recorded of a model."""
        self._session.run(_ADD, *_row_of(model))

    def of_task(self, task: str) -> list[Model]:
        """Return the models of a task: its input models as they came, then its output models, oldest first."""
        rows = self._session.rows(
            f"""SELECT {_SELECT}, {_NAME_THERE}, l.direction, l.maker FROM model_links l
                JOIN models m ON m.id = l.model WHERE l.task = ?
                ORDER BY CASE l.direction WHEN 'input' THEN 0 ELSE m.created END, l.position""",
            task,
        )
        return [_model(row) for row in rows]

    def search(self, wanted: FindModels) -> list[Model]:
        """Return the models that all filters but those on tags and metadata let through, newest first."""
        where = Where()
        where.equal("m.project", wanted.project)
        where.within("m.project", self._session.projects)
        where.equal("m.name", wanted.name)
        where.equal("m.url", wanted.url)
        if wanted.published:
            where.holds("m.published IS NOT NULL")
        if not wanted.archived:
            where.holds("m.archived = 0")
        sql = f"SELECT {_SELECT} FROM models m {where} ORDER BY m.created DESC, m.position DESC"
        return [_model(row) for row in self._session.rows(sql, *where.values)]

    def link(self, task: str, model: str, direction: str, name: str, maker: str) -> None:
        """Make a model one of a task; an empty name stands for the model's own."""
        self._session.run(
            """INSERT INTO model_links (task, model, direction, name, maker) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (task, model, direction, name) DO UPDATE SET maker = excluded.maker""",
            task,
            model,
            direction,
            name,
            maker,
        )

    def unlink(self, task: str, direction: str, links: Sequence[tuple[str, str]]) -> None:
        """Remove links, given as model and name; a model that this task made goes with its last one."""
        self._session.run_many(
            "DELETE FROM model_links WHERE task = ? AND direction = ? AND model = ? AND name IN (?, '')",
            [(task, direction, model, name) for model, name in links],
        )
        self._session.run_many(
            """DELETE FROM models WHERE id = ? AND task = ? AND published IS NULL
                AND NOT EXISTS (SELECT 1 FROM model_links WHERE model = models.id)""",
            [(model, task) for model, _ in links],
        )

    def tasks(self, id: str) -> list[str]:
        """Return the tasks that have this model."""
        rows = self._session.rows("SELECT task FROM model_links WHERE model = ? ORDER BY position", id)
        return list(dict.fromkeys(row[0] for row in rows))

    def delete(self, id: str) -> list[str]:
        """Delete a model; return the hashes of blobs that nothing refers to any more.

        The tasks that made it lack something from now on: no step is reused that would lack it too.
        """
        hash = self.get(id).hash
        self._forget_executions(id)
        self._session.run("DELETE FROM model_links WHERE model = ?", id)
        self._session.run("DELETE FROM models WHERE id = ?", id)
        return [hash] if hash and not self._is_used(hash) else []

    def _forget_executions(self, id: str) -> None:
        made_by = """task IN (SELECT task FROM model_links WHERE model = ? AND direction = 'output'
            UNION SELECT maker FROM model_links WHERE model = ? AND direction = 'output')"""
        keys = self._session.rows(f"SELECT DISTINCT key FROM executions WHERE {made_by}", id, id)
        self._session.run(f"DELETE FROM executions WHERE {made_by}", id, id)
        unused = "NOT EXISTS (SELECT 1 FROM executions e WHERE e.key = key_parts.key)"
        self._session.run_many(f"DELETE FROM key_parts WHERE key = ? AND {unused}", keys)

    def _is_used(self, hash: str) -> bool:
        sql = " UNION ALL ".join(f"SELECT 1 FROM {table} WHERE hash = ?" for table in ("artifacts", "models", "plots"))
        return self._session.first(f"{sql} LIMIT 1", hash, hash, hash) is not None


def _row_of(model: Model) -> tuple[Value, ...]:
    return (
        model.id,
        model.task,
        model.project,
        model.name,
        model.url,
        model.hash,
        model.size,
        model.framework,
        model.comment,
        text(model.tags),
        text(model.labels),
        text(model.metadata),
        text(model.metadata_types),
        text(model.facts),
        model.design,
        model.published,
        int(model.archived),
        model.created,
        model.updated,
    )


def _model(row: Row) -> Model:
    """Return the model of a row of `_SELECT`, which the columns of a link may follow."""
    name, direction, maker = row[19:] or (row[3], "", "")
    return Model(
        id=row[0],
        task=row[1],
        project=row[2],
        name=name,
        direction=direction,
        maker=maker,
        url=row[4],
        hash=row[5],
        size=row[6],
        framework=row[7],
        comment=row[8],
        tags=_strings(row[9]),
        labels=_numbers(row[10]),
        metadata=_texts(row[11]),
        metadata_types=_texts(row[12]),
        facts=_texts(row[13]),
        design=row[14],
        published=row[15],
        archived=bool(row[16]),
        created=row[17],
        updated=row[18],
    )
