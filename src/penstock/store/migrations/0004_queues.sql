-- Queues, what waits in them, who holds what was claimed, and the agents.

CREATE TABLE queues (
    name TEXT NOT NULL PRIMARY KEY,
    paused BIGINT NOT NULL,
    most BIGINT,
    created DOUBLE PRECISION NOT NULL
) {keyed};
INSERT INTO queues (name, paused, most, created) VALUES ('default', 0, NULL, 0), ('services', 0, NULL, 0);

-- The smaller `urgency` and then `rank`, the sooner it is claimed. `lost` counts how often its agent was lost.
CREATE TABLE queue_entries (
    task TEXT NOT NULL PRIMARY KEY,
    queue TEXT NOT NULL,
    urgency BIGINT NOT NULL,
    rank DOUBLE PRECISION NOT NULL,
    takes_slot BIGINT NOT NULL,
    lost BIGINT NOT NULL,
    resumed BIGINT NOT NULL,
    since DOUBLE PRECISION NOT NULL
) {keyed};
CREATE INDEX queue_order ON queue_entries (queue, urgency, rank, task);
CREATE INDEX queue_order_of_runs ON queue_entries (queue, urgency, rank, task) WHERE takes_slot = 0;

-- A row is there for as long as the task is held; its number, which is given once, is the fence of every write.
CREATE TABLE leases (
    fence {serial},
    task TEXT NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    agent TEXT NOT NULL,
    request TEXT NOT NULL UNIQUE,
    urgency BIGINT NOT NULL,
    rank DOUBLE PRECISION NOT NULL,
    takes_slot BIGINT NOT NULL,
    lost BIGINT NOT NULL,
    resumed BIGINT NOT NULL,
    begun BIGINT NOT NULL,
    ends DOUBLE PRECISION NOT NULL
);
CREATE INDEX leases_by_end ON leases (ends);
CREATE INDEX leases_of_queue ON leases (queue);
CREATE INDEX leases_of_agent ON leases (agent);

CREATE TABLE agents (
    name TEXT NOT NULL PRIMARY KEY,
    process TEXT NOT NULL,
    queues TEXT NOT NULL,
    workers BIGINT NOT NULL,
    draining BIGINT NOT NULL,
    started DOUBLE PRECISION NOT NULL,
    seen DOUBLE PRECISION NOT NULL,
    ends DOUBLE PRECISION NOT NULL,
    details TEXT NOT NULL
) {keyed};

-- What an attempt is given beside its record, for as long as it may be carried out by an agent.
CREATE TABLE assignments (
    task TEXT NOT NULL PRIMARY KEY,
    data {blob} NOT NULL
) {keyed};

-- Tasks that were queued before there were queues wait in theirs.
INSERT INTO queues (name, paused, most, created)
    SELECT DISTINCT queue, 0, CAST(NULL AS BIGINT), 0 FROM tasks
        WHERE status = 'queued' AND queue IS NOT NULL AND queue NOT IN ('default', 'services');
INSERT INTO queue_entries (task, queue, urgency, rank, takes_slot, lost, resumed, since)
    SELECT id, queue, 0, position, CASE WHEN type = 'controller' THEN 0 ELSE 1 END, 0, 0, created FROM tasks
        WHERE status = 'queued' AND queue IS NOT NULL;
