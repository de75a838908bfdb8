-- What pages show of many runs at once, and lists in orders of which there was no index.

CREATE INDEX controllers_by_end ON tasks (ended, id, archived, status) WHERE type = 'controller';
CREATE INDEX controllers_by_duration ON tasks ((ended - started), id, archived, status) WHERE type = 'controller';
CREATE INDEX controllers_by_name ON tasks (SUBSTR(name, 1, 200), id, archived, status) WHERE type = 'controller';

-- What letters are looked for in, of runs and of tasks that belong to none, once more: the rows of tasks are long.
CREATE TABLE letters (
    of_run BIGINT NOT NULL,
    task TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (of_run, task)
) {keyed};
INSERT INTO letters (of_run, task, text)
    SELECT CASE WHEN r.task IS NULL THEN 0 ELSE 1 END, t.id, LOWER(
        t.name || ' | ' || t.comment || ' | ' || t.tags || ' | ' || COALESCE(r.pipeline || ' | ' || r.project, t.project)
    ) FROM tasks t LEFT JOIN runs r ON r.task = t.id WHERE t.run IS NULL;
