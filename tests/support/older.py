"""What a database held before lists could be searched, as statements; and what it must hold afterwards."""

from __future__ import annotations

from penstock.store.migrate import migrations

BEFORE = migrations()[:6]
_TASK = """INSERT INTO tasks (id, project, name, type, status, attempt, user_name, created, tags, system_tags, runtime,
    comment, message, script)
    VALUES ('{id}', 'P', 'flow', 'controller', 'created', 1, '', 1, '{tags}', '{system}', '{{}}', '', '', '{{}}')"""
_PARAMETER = """INSERT INTO parameters (task, section, name, position, type, description, value)
    VALUES ('a', 'Args', '{name}', 1, '', '', '{value}')"""
VALUES = {"0.5": 0.5, "-3": -3.0, "9223372036854775807": 2.0**63, "1e-07": 1e-7, '"7"': None, "true": None,
          "null": None, "NaN": None, "-Infinity": None, "[1]": None}  # fmt: skip
LONG = "x" * 300
FILLED = [
    _TASK.format(id="a", tags=f'["best", "\\u00e9", "best", "{LONG}"]', system='["pipeline", "archived"]'),
    _TASK.format(id="b", tags="[]", system='["pipeline"]'),
    _TASK.format(id="c", tags='["nul\\u0000"]', system="[]"),
    *(_PARAMETER.format(name=f"p{number}", value=value) for number, value in enumerate(VALUES)),
]
AFTER = {
    "SELECT number FROM parameters ORDER BY name": list(VALUES.values()),
    "SELECT tag FROM task_tags ORDER BY tag": ["best", LONG[:200], "é"],
    "SELECT archived FROM tasks ORDER BY id": [1, 0, 0],
    "SELECT task FROM letters WHERE of_run = 0 AND text LIKE '%flow%' ORDER BY task": ["a", "b", "c"],
}
"""Queries, and the column that each returns."""
