-- Who may use a server, what with, and what they did. No secret is here: of passwords argon2id's hashes, of keys and
-- sessions, which are random, SHA-256.

CREATE TABLE users (
    name TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    disabled DOUBLE PRECISION,
    password TEXT,
    projects TEXT NOT NULL
) {keyed};

CREATE TABLE access_keys (
    id TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    expires DOUBLE PRECISION,
    used DOUBLE PRECISION,
    revoked DOUBLE PRECISION,
    projects TEXT NOT NULL,
    queues TEXT NOT NULL
) {keyed};
CREATE INDEX access_keys_of_owner ON access_keys (owner);

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL,
    user_name TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    seen DOUBLE PRECISION NOT NULL,
    expires DOUBLE PRECISION NOT NULL
) {keyed};
CREATE INDEX sessions_of_user ON sessions (user_name);

-- Attempts to log in of the last minute. `door` stands for a name and an address, or for an address, as a digest: what
-- people type for a name may be a password.
CREATE TABLE log_ins (
    id {serial},
    door TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL
);
CREATE INDEX log_ins_at_door ON log_ins (door, at);

CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    access_key TEXT NOT NULL,
    address TEXT NOT NULL,
    operation TEXT NOT NULL,
    object TEXT NOT NULL,
    result TEXT NOT NULL,
    digest TEXT NOT NULL,
    hash TEXT NOT NULL
);

-- Where the chain ends. Whoever adds a row changes this one first, and others wait for it.
CREATE TABLE audit_end (
    id BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
) {keyed};
INSERT INTO audit_end (id, seq, hash) VALUES (1, 0, '');
