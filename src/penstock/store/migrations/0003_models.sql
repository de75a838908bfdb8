-- A model is a thing of its own, which any number of tasks may have: the one that made it, and those that took it in.

DROP INDEX models_of_task;
DROP INDEX models_by_hash;
ALTER TABLE models RENAME TO models_of_one_task;

-- `task` made it; empty when it came from elsewhere. `facts` tell how the bytes are stored, `metadata` what users noted.
CREATE TABLE models (
    position {serial},
    id TEXT NOT NULL UNIQUE,
    task TEXT NOT NULL,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    size BIGINT NOT NULL,
    framework TEXT NOT NULL,
    published DOUBLE PRECISION,
    archived BIGINT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    updated DOUBLE PRECISION NOT NULL,
    url TEXT NOT NULL,
    tags TEXT NOT NULL,
    facts TEXT NOT NULL,
    metadata TEXT NOT NULL,
    metadata_types TEXT NOT NULL,
    labels TEXT NOT NULL,
    comment TEXT NOT NULL,
    design TEXT NOT NULL
);
CREATE INDEX models_of_project ON models (project, name);
CREATE INDEX models_by_hash ON models (hash) WHERE hash <> '';

-- `name` is the model's name for this task; empty for that which the model has anyway.
CREATE TABLE model_links (
    position {serial},
    task TEXT NOT NULL,
    model TEXT NOT NULL,
    direction TEXT NOT NULL,
    name TEXT NOT NULL,
    maker TEXT NOT NULL,
    UNIQUE (task, model, direction, name)
);
CREATE INDEX model_links_of_model ON model_links (model);

INSERT INTO models (id, task, project, name, hash, size, framework, published, archived, created, updated, url, tags,
        facts, metadata, metadata_types, labels, comment, design)
    SELECT id, task, project, name, hash, size, framework, NULL, 0, created, created, url, tags,
        metadata, '{}', '{}', '{}', comment, '' FROM models_of_one_task ORDER BY position;
INSERT INTO model_links (task, model, direction, name, maker)
    SELECT task, id, direction, '', maker FROM models_of_one_task ORDER BY position;
DROP TABLE models_of_one_task;
