-- The values of parameters that are secrets. What is recorded of them elsewhere, with the parameter and in definitions,
-- is the seal; nothing but `store/secrets.py` reads this table.
CREATE TABLE secrets (
    task TEXT NOT NULL,
    section TEXT NOT NULL,
    name TEXT NOT NULL,
    seal TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (task, section, name)
) {keyed};

-- The one key by which seals are made, from the first secret on: without it nobody can try out what a seal stands for.
CREATE TABLE seal_keys (
    number BIGINT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) {keyed};
