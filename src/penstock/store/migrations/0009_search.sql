-- What lists of runs and tasks are filtered and sorted by, of which tags only so many tasks run at once, and the first
-- rows of tables.

-- `number` is the value where that is one. JSON text that begins so is a number, or minus infinity.
ALTER TABLE parameters ADD COLUMN number DOUBLE PRECISION;
UPDATE parameters SET number = CAST(value AS DOUBLE PRECISION)
    WHERE SUBSTR(value, 1, 1) IN ('-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND value <> '-Infinity';

-- Arguments of steps are most of all parameters, and nobody looks for runs by them.
CREATE INDEX parameters_by_number ON parameters (section, name, number, task)
    WHERE number IS NOT NULL AND section <> 'kwargs' AND section <> 'kwargs_artifacts';
CREATE INDEX parameters_by_text ON parameters (section, name, SUBSTR(value, 1, 200), task)
    WHERE number IS NULL AND section <> 'kwargs' AND section <> 'kwargs_artifacts';
CREATE INDEX series_by_last ON scalar_series (title, series, last, task);
CREATE INDEX series_by_minimum ON scalar_series (title, series, minimum, task);
CREATE INDEX series_by_maximum ON scalar_series (title, series, maximum, task);

DROP INDEX runs_by_age;
CREATE INDEX runs_by_age ON runs (created, task);

-- Lists are walked in indexes that hold what most are filtered by, where the rows, with their scripts, are long.
ALTER TABLE tasks ADD COLUMN archived BIGINT NOT NULL DEFAULT 0;
UPDATE tasks SET archived = 1 WHERE system_tags LIKE '%"archived"%';
CREATE INDEX tasks_alone ON tasks (created, id, archived, status) WHERE run IS NULL;
CREATE INDEX controllers ON tasks (id, archived, status, started, ended) WHERE type = 'controller';
CREATE INDEX controllers_by_status ON tasks (status, id, archived) WHERE type = 'controller';
CREATE INDEX controllers_by_start ON tasks (started, id, archived, status) WHERE type = 'controller';

-- The tags of tasks once more, as far as their first 200 characters go, to be looked for.
CREATE TABLE task_tags (
    task TEXT NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (task, tag)
) {keyed};
CREATE INDEX tasks_of_tag ON task_tags (tag, task);
INSERT INTO task_tags (task, tag)
    SELECT DISTINCT t.id, SUBSTR(value, 1, 200) FROM tasks t CROSS JOIN {elements of t.tags}
        WHERE t.tags <> '[]' AND t.tags NOT LIKE '%\u0000%';

-- The first rows of an artifact that is a table, as JSON; empty for others.
ALTER TABLE artifacts ADD COLUMN head TEXT NOT NULL DEFAULT '';

CREATE TABLE tag_limits (
    tag TEXT NOT NULL PRIMARY KEY,
    most BIGINT NOT NULL,
    created DOUBLE PRECISION NOT NULL
) {keyed};
