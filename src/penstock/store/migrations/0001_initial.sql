-- Everything of the first version. A statement ends with a semicolon at the end of its line.
-- {serial}, {blob} and {keyed} are words of the dialect. Columns that may be long come last in their table.

CREATE TABLE projects (
    name TEXT NOT NULL PRIMARY KEY,
    created DOUBLE PRECISION NOT NULL,
    system_tags TEXT NOT NULL
) {keyed};

CREATE TABLE tasks (
    position {serial},
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    parent TEXT,
    run TEXT,
    step TEXT,
    attempt BIGINT NOT NULL,
    user_name TEXT NOT NULL,
    queue TEXT,
    output_uri TEXT,
    created DOUBLE PRECISION NOT NULL,
    started DOUBLE PRECISION,
    ended DOUBLE PRECISION,
    tags TEXT NOT NULL,
    system_tags TEXT NOT NULL,
    worker TEXT,
    container TEXT,
    runtime TEXT NOT NULL,
    comment TEXT NOT NULL,
    message TEXT NOT NULL,
    script TEXT NOT NULL
);
CREATE INDEX tasks_of_project ON tasks (project);
CREATE INDEX tasks_of_run ON tasks (run) WHERE run IS NOT NULL;

CREATE TABLE parameters (
    task TEXT NOT NULL,
    section TEXT NOT NULL,
    name TEXT NOT NULL,
    position BIGINT NOT NULL,
    type TEXT NOT NULL,
    description TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (task, section, name)
) {keyed};

CREATE TABLE configurations (
    task TEXT NOT NULL,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    description TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (task, name)
) {keyed};

CREATE TABLE pipelines (
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    last_number BIGINT NOT NULL,
    PRIMARY KEY (project, name)
) {keyed};

-- `created` is that of the task: the newest runs are found without reading the tasks.
CREATE TABLE runs (
    task TEXT NOT NULL PRIMARY KEY,
    project TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    number BIGINT NOT NULL,
    version TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    stop_asked TEXT,
    definition TEXT
);
CREATE INDEX runs_of_pipeline ON runs (pipeline, project, number);
CREATE INDEX runs_by_age ON runs (created);

CREATE TABLE steps (
    run TEXT NOT NULL,
    name TEXT NOT NULL,
    position BIGINT NOT NULL,
    status TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    task TEXT,
    started DOUBLE PRECISION,
    ended DOUBLE PRECISION,
    stage TEXT,
    reason TEXT NOT NULL,
    PRIMARY KEY (run, name)
) {keyed};

CREATE TABLE changes (
    seq {serial},
    at DOUBLE PRECISION NOT NULL,
    kind TEXT NOT NULL,
    task TEXT NOT NULL,
    run TEXT,
    step TEXT,
    attempt BIGINT NOT NULL,
    status TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX changes_of_run ON changes (run, seq);

CREATE TABLE artifacts (
    position {serial},
    task TEXT NOT NULL,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    type TEXT NOT NULL,
    hash TEXT NOT NULL,
    size BIGINT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    url TEXT NOT NULL,
    metadata TEXT NOT NULL,
    preview TEXT NOT NULL,
    UNIQUE (task, name)
);
CREATE INDEX artifacts_by_hash ON artifacts (hash);

CREATE TABLE models (
    position {serial},
    id TEXT NOT NULL UNIQUE,
    task TEXT NOT NULL,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    direction TEXT NOT NULL,
    hash TEXT NOT NULL,
    size BIGINT NOT NULL,
    framework TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    url TEXT NOT NULL,
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    comment TEXT NOT NULL
);
CREATE INDEX models_of_task ON models (task);
CREATE INDEX models_by_hash ON models (hash);

-- `hash` is that of an image's blob, which `data` names; other kinds have none.
CREATE TABLE plots (
    position {serial},
    task TEXT NOT NULL,
    title TEXT NOT NULL,
    series TEXT NOT NULL,
    iteration BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    hash TEXT,
    data TEXT NOT NULL,
    UNIQUE (task, title, series, iteration)
);
CREATE INDEX plots_by_hash ON plots (hash) WHERE hash IS NOT NULL;

-- A chunk is what one call appended. `run` is the task itself where that is no step of a run.
CREATE TABLE console (
    id {serial},
    task TEXT NOT NULL,
    run TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    data {blob} NOT NULL
);
CREATE INDEX console_of_task ON console (task, id);
CREATE INDEX console_of_run ON console (run, id);

-- `loose` counts the chunks that came since small ones were put together. A value that is no number is NULL.
CREATE TABLE scalar_series (
    id {serial},
    task TEXT NOT NULL,
    title TEXT NOT NULL,
    series TEXT NOT NULL,
    last DOUBLE PRECISION,
    minimum DOUBLE PRECISION,
    maximum DOUBLE PRECISION,
    count BIGINT NOT NULL,
    iteration BIGINT,
    loose BIGINT NOT NULL,
    UNIQUE (task, title, series)
);

CREATE TABLE scalar_chunks (
    id {serial},
    series BIGINT NOT NULL,
    count BIGINT NOT NULL,
    data {blob} NOT NULL
);
CREATE INDEX scalar_chunks_of_series ON scalar_chunks (series, id);
