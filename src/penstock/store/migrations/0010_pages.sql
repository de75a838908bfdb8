-- What pages show of many runs at once.

CREATE INDEX controllers_by_end ON tasks (ended, id, archived, status) WHERE type = 'controller';
