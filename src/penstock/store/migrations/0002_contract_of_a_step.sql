-- Why things went as they did, what earlier executions can be reused, and who stored something in a run's name.

CREATE TABLE decisions (
    id {serial},
    run TEXT NOT NULL,
    step TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    kind TEXT NOT NULL,
    related TEXT,
    reason TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX decisions_of_run ON decisions (run, step, id);

-- An attempt under its cache key. `pipeline` and `project` are those of its run.
CREATE TABLE executions (
    position {serial},
    task TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    step TEXT NOT NULL,
    key TEXT NOT NULL
);
CREATE INDEX executions_by_key ON executions (key, position);
CREATE INDEX executions_of_step ON executions (pipeline, project, step, position);

-- What a key is made of; equal keys are made of the same.
CREATE TABLE key_parts (
    key TEXT NOT NULL PRIMARY KEY,
    parts TEXT NOT NULL
) {keyed};

-- The task that stored it, where that is not the one that holds it: a step may store in the name of its run.
ALTER TABLE artifacts ADD COLUMN maker TEXT NOT NULL DEFAULT '';
ALTER TABLE models ADD COLUMN maker TEXT NOT NULL DEFAULT '';
