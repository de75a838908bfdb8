-- By what whoever carries a claimed task out is known, and what attempts made beside their own tasks.

-- A row stays for a while after its lease: who repeats the report of an end is still known by it.
CREATE TABLE attempt_tokens (
    fence BIGINT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    task TEXT NOT NULL,
    access_key TEXT NOT NULL,
    made DOUBLE PRECISION NOT NULL
) {keyed};

-- Tasks and runs that an attempt made: it may write to them as to itself.
CREATE TABLE made_by_attempts (
    task TEXT NOT NULL PRIMARY KEY,
    maker TEXT NOT NULL
) {keyed};
