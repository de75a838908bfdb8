-- What requests were answered that may come twice, because an answer can be lost: who repeats one gets the same again.
-- `key` and `digest` are hashes: of who asked and the key that they chose, and of what they asked for.
CREATE TABLE requests (
    key TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    reply {blob} NOT NULL
) {keyed};
CREATE INDEX requests_by_age ON requests (at);
